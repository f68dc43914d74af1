"""Cut a changed document so that as many of its passages as can be stay what they were.

Splitting anew would spread the text over each section again and so move every border in a section
of which one word has changed. Here only what lies between passages that can stay is cut anew.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from index.documents import Document, Passage
from index.passages import (
    Splitter,
    Tokenize,
    Unit,
    context_at,
    overlap_start,
    pack,
    stretches,
    units_of,
)
from index.sentences import Range

# What texts are compared by: about a sentence or a line.
_PIECE = re.compile(r"[^\n.!?]*[\n.!?]+|[^\n.!?]+")

# With more than so many times the passages that it would have if cut anew, a stretch is.
_CROWDED = 2


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch that is in both texts: `old[start:start + length]`, moved by `shift` in the new."""

    start: int
    length: int
    shift: int


def resplit(
    old: Document,
    old_passages: Sequence[Passage],
    new: Document,
    tokenize: Tokenize,
    splitter: Splitter,
) -> list[Passage]:
    """Cut `new`, keeping the passages of `old` whose text and context are in it unchanged.

    What holds for the passages that `split` makes holds for these: slices, in order, none inside
    another, no more tokens than told, within a heading's stretch, every character that is not white
    space in one. Only their lengths may differ more. `old_passages` are all of the old document's,
    in order, cut with the same splitter.
    """
    runs = common_runs(old.text, new.text)
    kept = [moved for passage in old_passages for moved in _moved(passage, runs, new)]
    passages = []
    for start, end in stretches(new):
        units = units_of(new.text, start, end, tokenize, splitter.tokens)
        context = context_at(new, start)
        tokens = [unit.tokens for unit in units]
        staying = [
            span
            for passage in _within(kept, start, end)
            if passage.context == context and (span := _span(units, passage)) is not None
        ]
        for first, last in _fill(tokens, _advancing(staying, tokens, splitter), splitter):
            begin, stop = units[first].start, units[last - 1].end
            passages.append(Passage(new.id, begin, stop, new.text[begin:stop], context))
    return passages


def common_runs(old: str, new: str) -> list[Run]:
    """Stretches that both texts have, in the order of both.

    Found by pieces that are in each text only once, as in patience diff, then grown as far as the
    texts agree. Takes time in the order of the texts' lengths, give or take a logarithm.
    """
    runs: list[Run] = []
    old_end, new_end = 0, 0
    for left, right in [*_anchors(old, new), (len(old), len(new))]:
        for run in _grown(old, new, (old_end, left), (new_end, right)):
            if runs and runs[-1].shift == run.shift and _end(runs[-1]) == run.start:
                run = Run(runs[-1].start, runs[-1].length + run.length, run.shift)
                runs.pop()
            runs.append(run)
        old_end, new_end = left, right
    return runs


def _end(run: Run) -> int:
    return run.start + run.length


def _anchors(old: str, new: str) -> list[tuple[int, int]]:
    """Where pieces begin that are in each text once: places in both, ascending in both."""
    places = _once(new)
    pairs = [(place, places[piece]) for piece, place in _once(old).items() if piece in places]
    return _ascending(sorted(pairs))


def _once(text: str) -> dict[str, int]:
    """The pieces that are in the text once, with where they begin."""
    pieces = [(match[0], match.start()) for match in _PIECE.finditer(text) if match[0].strip()]
    counts = Counter(piece for piece, _ in pieces)
    return {piece: start for piece, start in pieces if counts[piece] == 1}


def _ascending(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The most pairs whose second numbers ascend too (patience sorting)."""
    tails: list[int] = []
    positions: list[int] = []
    before: list[int] = []
    for position, (_, value) in enumerate(pairs):
        pile = bisect_left(tails, value)
        before.append(positions[pile - 1] if pile else -1)
        tails[pile : pile + 1] = [value]
        positions[pile : pile + 1] = [position]
    chosen = []
    position = positions[-1] if positions else -1
    while position >= 0:
        chosen.append(pairs[position])
        position = before[position]
    return chosen[::-1]


def _grown(old: str, new: str, left: Range, right: Range) -> Iterator[Run]:
    """What two stretches between anchors have in common at their beginning and at their end."""
    (old_start, old_end), (new_start, new_end) = left, right
    most = min(old_end - old_start, new_end - new_start)
    head = _agreeing(old, new, old_start, new_start, most)
    if head:
        yield Run(old_start, head, new_start - old_start)
    tail = _agreeing_back(old, new, old_end, new_end, most - head)
    if tail:
        yield Run(old_end - tail, tail, new_end - old_end)


def _agreeing(old: str, new: str, left: int, right: int, most: int) -> int:
    """How many characters agree from `left` and `right` on, at most `most`."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if old[left + low : left + middle] == new[right + low : right + middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _agreeing_back(old: str, new: str, left: int, right: int, most: int) -> int:
    """How many characters agree before `left` and `right`, at most `most`."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if old[left - middle : left - low] == new[right - middle : right - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _moved(passage: Passage, runs: Sequence[Run], new: Document) -> Iterator[Passage]:
    """The passage where it stands in the new text, if it lies in one run."""
    place = bisect_right(runs, passage.start, key=lambda run: run.start) - 1
    if place >= 0 and passage.end <= _end(runs[place]):
        shift = runs[place].shift
        yield replace(
            passage, document_id=new.id, start=passage.start + shift, end=passage.end + shift
        )


def _within(passages: Sequence[Passage], start: int, end: int) -> Sequence[Passage]:
    first = bisect_left(passages, start, key=lambda passage: passage.start)
    last = bisect_right(passages, end, key=lambda passage: passage.end)
    return passages[first:last]


def _span(units: Sequence[Unit], passage: Passage) -> Range | None:
    """The range of units that the passage is, or None where it is not one of whole units."""
    first = bisect_left(units, passage.start, key=lambda unit: unit.start)
    last = bisect_left(units, passage.end, key=lambda unit: unit.end)
    if (
        first <= last < len(units)
        and units[first].start == passage.start
        and units[last].end == passage.end
    ):
        return first, last + 1
    return None


def _advancing(spans: Sequence[Range], tokens: Sequence[int], splitter: Splitter) -> list[Range]:
    """The spans that can stay: not too long, each beginning and ending behind the one before."""
    staying: list[Range] = []
    for first, last in spans:
        if sum(tokens[first:last]) > splitter.tokens:
            continue
        if staying:
            before = staying[-1]
            if first <= before[0] or last <= before[1]:
                continue
            if sum(tokens[first : before[1]]) > splitter.overlap:
                continue
        staying.append((first, last))
    return staying


def _fill(tokens: Sequence[int], staying: Sequence[Range], splitter: Splitter) -> list[Range]:
    """The spans that stay and, between them, spans of what is in none of them."""
    if not tokens:
        return []
    filled: list[Range] = []
    waiting = list(staying[::-1])
    done = 0
    while done < len(tokens):
        after = waiting.pop() if waiting else None
        end = len(tokens) if after is None else after[0]
        if done < end:
            after = _cut(tokens, filled, done, after, splitter)
        if after is not None:
            filled.append(after)
        done = filled[-1][1]
    anew = list(pack(tokens, splitter))
    return anew if len(filled) > _CROWDED * len(anew) + 1 else filled


def _cut(
    tokens: Sequence[int],
    filled: list[Range],
    start: int,
    after: Range | None,
    splitter: Splitter,
) -> Range | None:
    """Cut the units from `start` up to `after` and add the spans to `filled`.

    Returns `after`, None where one of the spans has taken its place.
    """
    end = len(tokens) if after is None else after[0]
    if filled and sum(tokens[filled[-1][0] : end]) <= splitter.tokens:
        filled[-1] = (filled[-1][0], end)
    elif after is not None and sum(tokens[start : after[1]]) <= splitter.tokens:
        first = overlap_start(tokens, filled[-1][0], start, splitter.overlap) if filled else start
        while sum(tokens[first : after[1]]) > splitter.tokens:
            first += 1
        filled.append((first, after[1]))
        return None
    else:
        low = overlap_start(tokens, filled[-1][0], start, splitter.overlap) if filled else start
        filled += [
            (low + first, low + last)
            for first, last in pack(tokens[low:end], splitter, shared=start - low)
        ]
    if after is not None:
        filled[-1] = _reaching(tokens, filled[-1], after, splitter)
    return after


def _reaching(tokens: Sequence[int], span: Range, after: Range, splitter: Splitter) -> Range:
    """The span with as much of the one after it as it has room for and the overlap allows."""
    first, last = span
    size, shared = sum(tokens[first:last]), 0
    while (
        last + 1 < after[1]
        and size + tokens[last] <= splitter.tokens
        and shared + tokens[last] <= splitter.overlap
    ):
        size, shared = size + tokens[last], shared + tokens[last]
        last += 1
    return first, last
