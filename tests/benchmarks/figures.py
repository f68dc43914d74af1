"""Figures of a benchmark: pure arithmetic from seconds to ratios, and what is kept of them."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Better = Literal["less", "more"]

# A ratio that is worse than the recorded one by more than this share is reported.
TOLERANCE = 0.15

# The baseline of a search's parts: they are shares of the whole, of which none is better or worse.
WHOLE_SEARCH = "searching, both sides fused"


@dataclass(frozen=True, slots=True)
class Figure:
    """What one measurement gave, beside its baseline in the same run.

    `value` and `baseline` are medians in `unit`, `spread` is the distance between the quartiles of
    `value`. `ratio` is how many times as good as the baseline: the median over pairs measured one
    after the other; above 1 is better whichever way the unit runs. `ratio_spread` is that of the
    pairs. `size` is how many passages the index held, None where it plays no part; `rests_on` says
    what of the data was made up; `date` is the day it was measured, in ISO form.
    """

    name: str
    size: int | None
    unit: str
    better: Better
    value: float
    spread: float
    against: str
    baseline: float
    ratio: float
    ratio_spread: float
    samples: int
    rests_on: str
    date: str

    @property
    def key(self) -> tuple[str, int | None, str]:
        """What tells it from the other figures of a run."""
        return self.name, self.size, self.against


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure is to reach: its ratio, or its value, in the figure's unit.

    `figure` and `size` are those of a `Figure`, `against` the beginning of its baseline's name;
    `words` say it to people.
    """

    figure: str
    size: int | None
    against: str
    on: Literal["value", "ratio"]
    limit: float
    words: str

    def of(self, figures: Iterable[Figure]) -> Figure | None:
        """The figure that it is about, if it was measured."""
        for figure in figures:
            if (figure.name, figure.size) == (self.figure, self.size) and figure.against.startswith(
                self.against
            ):
                return figure
        return None

    def is_met(self, figure: Figure) -> bool:
        """Whether the figure reaches it."""
        if self.on == "ratio":
            return figure.ratio >= self.limit
        if figure.better == "more":
            return figure.value >= self.limit
        return figure.value <= self.limit


def spread(values: Sequence[float]) -> float:
    """The distance between the quartiles; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return third - first


def late(values: Sequence[float]) -> float:
    """The 95th percentile."""
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def figure(
    name: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    unit: str,
    against: str,
    date: str,
    better: Better = "less",
    size: int | None = None,
    rests_on: str = "real texts and vectors",
) -> Figure:
    """A figure from values that were measured in turns, so that the nth belong together.

    Raises:
        ValueError: there are none, or not as many of one as of the other.
    """
    if not ours or len(ours) != len(theirs):
        raise ValueError(f"{name}: not the same number of values: {len(ours)}, {len(theirs)}")
    ratios = [
        (base / own if better == "less" else own / base) if own > 0 and base > 0 else 0.0
        for own, base in zip(ours, theirs, strict=True)
    ]
    return Figure(
        name=name,
        size=size,
        unit=unit,
        better=better,
        value=statistics.median(ours),
        spread=spread(ours),
        against=against,
        baseline=statistics.median(theirs),
        ratio=statistics.median(ratios),
        ratio_spread=spread(ratios),
        samples=len(ours),
        rests_on=rests_on,
        date=date,
    )


def at_p95(one: Figure, ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    """The figure of the 95th percentiles of the same values; its spreads are the median's."""
    own, base = late(ours), late(theirs)
    return Figure(
        name=f"{one.name}, p95",
        size=one.size,
        unit=one.unit,
        better=one.better,
        value=own,
        spread=one.spread,
        against=one.against,
        baseline=base,
        ratio=base / own if one.better == "less" else own / base,
        ratio_spread=one.ratio_spread,
        samples=one.samples,
        rests_on=one.rests_on,
        date=one.date,
    )


def merged(recorded: Sequence[Figure], measured: Sequence[Figure]) -> list[Figure]:
    """The recorded figures with those that were measured anew in their places, new ones last."""
    anew = {one.key: one for one in measured}
    kept = [anew.pop(one.key, one) for one in recorded]
    return [*kept, *anew.values()]


def regressions(
    recorded: Sequence[Figure], measured: Sequence[Figure], tolerance: float = TOLERANCE
) -> list[str]:
    """A line for each figure whose ratio is worse than the recorded one by more than a share.

    A search as a whole is held against the baseline's retrieval, its parts against nothing.
    """
    before = {one.key: one for one in recorded}
    found = []
    for now in measured:
        old = before.get(now.key)
        if now.against == WHOLE_SEARCH or old is None:
            continue
        if now.ratio < (1 - tolerance) * old.ratio:
            found.append(
                f"{titled(now)} against {now.against}: {now.ratio:.2f} times, was {old.ratio:.2f}"
            )
    return found


def titled(one: Figure) -> str:
    """A figure's name, with how many passages the index held."""
    return one.name if one.size is None else f"{one.name} ({one.size:,} passages)"
