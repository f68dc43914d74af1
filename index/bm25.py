"""BM25 over inverted lists, as SQLite's FTS5 reckons it.

The score of a passage is the sum over the terms asked for, each as often as it is asked for, of
idf * f * (k1 + 1) / (f + k1 * (1 - b + b * length / mean length)), where f counts the term in the
passage (by half where it is in the context) and idf = log((N - n + 0.5) / (n + 0.5)), at least
1e-6, for n of N passages that have the term. k1 = 1.2, b = 0.75. See Robertson and Zaragoza, "The
Probabilistic Relevance Framework: BM25 and Beyond" (2009).
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from index.postings import Ids, Mask, Segment

_K1, _B = 1.2, 0.75
_LEAST_IDF = 1e-6

# Sums in single precision are off by less than this share.
_ROUNDING = 1e-5

# With fewer entries of lists to come it costs more to look whether they can be left out; with more
# passages that may be among the best it costs more to look them up one by one.
_WORTH_LOOKING = 20_000
_FEW = 1_000
_LOOK_AGAIN = 0.7

# To look up a passage in a list takes about as long as to go through so many of its entries.
_CHEAPER = 16

# To find the best, passages are first looked at in so many groups.
_GROUPS = 2048

# A term's weight, and from where to where its list goes in each part.
_Asked = tuple[float, list[tuple[int, int]]]


@dataclass(slots=True)
class Part:
    """A segment, and which of its passages are still there; None if all are."""

    segment: Segment
    alive: Mask | None = None
    _gone: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, dtype=np.uint32))

    def __len__(self) -> int:
        """How many passages are still there."""
        return len(self.segment) if self.alive is None else int(np.count_nonzero(self.alive))

    def remove(self, numbers: Ids) -> None:
        """Take note that the passages with these numbers are gone; others are passed over."""
        places, found = _places(self.segment.numbers, numbers)
        if found.any():
            if self.alive is None:
                self.alive = np.ones(len(self.segment), dtype=np.bool_)
            self.alive[places[found]] = False
            self._gone = np.flatnonzero(~self.alive).astype(np.uint32)

    def holding(self, first: int, end: int) -> int:
        """How many of the passages of a list are still there."""
        listed = self.segment.places[first:end]
        if self.alive is None:
            return len(listed)
        if len(listed) < _CHEAPER * len(self._gone):
            return int(np.count_nonzero(self.alive[listed]))
        return len(listed) - int(np.count_nonzero(_places(listed, self._gone)[1]))

    @property
    def length(self) -> float:
        """How many terms the passages that are still there hold."""
        lengths = self.segment.lengths
        return float(
            lengths.sum(dtype=np.float64, where=True if self.alive is None else self.alive)
        )


class Bm25:
    """Ranks the passages of several segments as if they were one."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self._passages = sum(map(len, parts))
        length = sum(part.length for part in parts)
        mean = length / self._passages if length else 1.0
        self._fixed, self._by_length = _K1 * (1 - _B), _K1 * _B / mean

    def best(
        self, terms: Iterable[int], k: int, within: Sequence[Mask] | None = None
    ) -> list[tuple[int, float]]:
        """The `k` best passages that hold a term, by its key: (number, BM25), best first.

        Equal scores are in the order of the numbers. With `within`, a mask a part, only passages
        that it has.
        """
        asked = self._asked(terms)
        if not asked or k <= 0:
            return []
        least = 0.0
        numbers, bounds = [], []
        for at, part in enumerate(self.parts):
            mask = _both(part.alive, None if within is None else within[at])
            places, bound, least = self._candidates(at, asked, k, mask, least)
            numbers.append(part.segment.numbers[places])
            bounds.append(bound)
        good = np.concatenate(bounds) >= least * (1 - _ROUNDING)
        found = np.sort(np.concatenate(numbers)[good])
        exact = self._scores(asked, found)
        order = np.argsort(-exact, kind="stable")[:k]
        return list(zip(found[order].tolist(), exact[order].tolist(), strict=True))

    def scores(self, terms: Iterable[int], numbers: Ids) -> NDArray[np.float64]:
        """The BM25 of the passages with these numbers, in their order; 0 for what is not there."""
        return self._scores(self._asked(terms), numbers)

    def _asked(self, terms: Iterable[int]) -> list[_Asked]:
        """For each term its weight, and where its list is in each part; the heaviest first."""
        found = []
        for term, times in Counter(terms).items():
            lists = [part.segment.list_of(term) for part in self.parts]
            holding = sum(
                part.holding(*listed) for part, listed in zip(self.parts, lists, strict=True)
            )
            if holding:
                idf = math.log((self._passages - holding + 0.5) / (holding + 0.5))
                found.append((times * (_K1 + 1) * max(_LEAST_IDF, idf), lists))
        return sorted(found, key=lambda one: -one[0])

    def _candidates(
        self, at: int, asked: Sequence[_Asked], k: int, mask: Mask | None, least: float
    ) -> tuple[NDArray[np.intp], NDArray[np.float32], float]:
        """The places in a part where the `k` best may be, and what their scores are at most.

        And a score that at least `k` reach, here or where it was `least`. The terms are taken one
        after the other, as in Turtle and Flood, "Query evaluation: strategies and optimizations"
        (1995): once those to come cannot lift a passage that has none so far among the best, they
        are looked up for the few passages only that still may be there.
        """
        scores = np.zeros(len(self.parts[at].segment), dtype=np.float32)
        pending = sum(end - first for _, lists in asked for first, end in [lists[at]])
        to_come = sum(weight for weight, _ in asked)
        # A passage has at most the weights of the terms taken, so before half of it is pointless.
        look_below = to_come / 2
        for weight, lists in asked:
            if pending > _WORTH_LOOKING and to_come < look_below:
                look_below = _LOOK_AGAIN * to_come
                if mask is not None:
                    scores *= mask
                least = max(least, _lower_bound(scores, k))
                enough = least * (1 - _ROUNDING) - to_come
                if enough > 0:
                    places = np.flatnonzero(scores >= enough)
                    if len(places) <= _FEW:
                        return places, scores[places] + np.float32(to_come), least
            first, end = lists[at]
            self._add(scores, at, weight, first, end)
            pending -= end - first
            to_come -= weight
        if mask is not None:
            scores *= mask
        least = max(least, _lower_bound(scores, k))
        enough = least * (1 - _ROUNDING)
        places = np.flatnonzero(scores >= enough if enough > 0 else scores > 0)
        return places, scores[places], least

    def _add(
        self, scores: NDArray[np.float32], at: int, weight: float, first: int, end: int
    ) -> None:
        """Add what a term gives to the scores of the passages of a part that have it."""
        segment = self.parts[at].segment
        places = segment.places[first:end]
        # float32 throughout: half the memory to go through.
        shares = segment.counts[first:end] * np.float32(0.5)
        below = segment.lengths[places]
        below *= np.float32(self._by_length)
        below += np.float32(self._fixed)
        below += shares
        shares *= np.float32(weight)
        shares /= below
        scores[places] += shares

    def _scores(self, asked: Sequence[_Asked], numbers: Ids) -> NDArray[np.float64]:
        scores = np.zeros(len(numbers), dtype=np.float64)
        for at, part in enumerate(self.parts):
            segment = part.segment
            places, found = _places(segment.numbers, numbers)
            if part.alive is not None:
                found[found] = part.alive[places[found]]
            if not found.any():
                continue
            places = places[found]
            below = self._fixed + self._by_length * segment.lengths[places].astype(np.float64)
            sums = np.zeros(len(places))
            for weight, lists in asked:
                first, end = lists[at]
                listed, has = _places(segment.places[first:end], places.astype(np.uint32))
                times = segment.counts[first:end][listed[has]] / 2
                sums[has] += weight * times / (times + below[has])
            scores[found] = sums
        return scores


def _both(one: Mask | None, other: Mask | None) -> Mask | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _places(
    ascending: NDArray[np.int64] | NDArray[np.uint32],
    wanted: NDArray[np.int64] | NDArray[np.uint32],
) -> tuple[NDArray[np.intp], Mask]:
    """Where in an ascending array each of these would be, and whether it is there."""
    places = np.searchsorted(ascending, wanted)
    found = places < len(ascending)
    found[found] = ascending[places[found]] == wanted[found]
    return places, found


def _lower_bound(scores: NDArray[np.float32], k: int) -> float:
    """A score that at least `k` reach, not far below that of the `k`-th best; 0 if there is none.

    Of groups of passages each has one that reaches the group's best; so at least `k` passages
    reach the `k`-th best of the groups' best.
    """
    size = max(1, len(scores) // max(_GROUPS, 4 * k))
    groups = len(scores) // size
    if groups < k:
        return 0.0
    best = scores[: groups * size].reshape(size, groups).max(axis=0)
    return float(np.partition(best, groups - k)[groups - k])
