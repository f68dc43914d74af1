"""What confidence is worth: order, calibration, and the price of coverage; pure numpy.

A confidence is a probability from 0 to 1 that an answer is right, unless said otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10
PRECISIONS = (0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Operating:
    """What comes of giving the answers with a confidence of `threshold` or more.

    `coverage` is the share of all questions that is answered, `risk` that of wrong ones among the
    answered.
    """

    threshold: float
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers with a confidence in [low, high); the last bin holds `high` too.

    `confidence` is their mean confidence, `right` the share of right ones; `count` is above 0.
    """

    low: float
    high: float
    count: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Certainty:
    """What a kind of confidence is worth; None where nothing can be told.

    `coverage_at_precision` has the operating point for each of `PRECISIONS`, written as "0.8".
    """

    auroc: float | None
    area_under_risk: float | None
    calibration_error: float | None
    coverage_at_precision: Mapping[str, Operating | None]
    risk_coverage: Sequence[Operating]
    reliability: Sequence[Bin]


def certainty(confidences: Sequence[float | None], right: Sequence[bool]) -> Certainty:
    """What confidences are worth; None for a question to which nothing was found.

    Such a question counts as answered last, and not in calibration.
    """
    values = [0.0 if one is None else one for one in confidences]
    points = risk_coverage(values, right)
    pairs = zip(confidences, right, strict=True)
    found = [(one, is_right) for one, is_right in pairs if one is not None]
    bins = reliability([one for one, _ in found], [is_right for _, is_right in found])
    return Certainty(
        auroc(values, right),
        area_under_risk(values, right),
        calibration_error(bins),
        {f"{level:g}": coverage_at(points, level) for level in PRECISIONS},
        thinned(points),
        bins,
    )


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """How likely a positive has a higher score than a negative, ties counted half.

    None where either kind is missing. The scores may have any range; higher is more positive.
    """
    values, is_positive = np.asarray(scores, np.float64), np.asarray(positive, bool)
    positives = int(is_positive.sum())
    negatives = is_positive.size - positives
    if not positives or not negatives:
        return None
    # Ranks from 1 up, the mean rank for ties (Mann and Whitney, 1947).
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[group]
    above = float(ranks[is_positive].sum()) - positives * (positives + 1) / 2
    return above / (positives * negatives)


def risk_coverage(confidences: Sequence[float], right: Sequence[bool]) -> list[Operating]:
    """The operating point of each distinct confidence, from the least coverage to all.

    See El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification" (2010).
    """
    values, order, wrong = _by_confidence(confidences, right)
    points = []
    for last in _ends_of_ties(values[order]):
        errors = float(wrong[order][: last + 1].sum())
        answered = last + 1
        points.append(
            Operating(float(values[order[last]]), answered / values.size, errors / answered)
        )
    return points


def thinned(points: Sequence[Operating], most: int = 201) -> list[Operating]:
    """At most so many of the points, the first and the last among them, evenly chosen."""
    if len(points) <= most:
        return list(points)
    places = np.linspace(0, len(points) - 1, most).round().astype(int)
    return [points[place] for place in places]


def area_under_risk(confidences: Sequence[float], right: Sequence[bool]) -> float | None:
    """AURC: the mean risk over answering 1, 2, ... all questions, surest first; lower is better.

    Of questions with equal confidence each comes first equally often: their errors are spread.
    None without questions. See Geifman, Uziel and El-Yaniv, "Bias-Reduced Uncertainty Estimation
    for Deep Neural Classifiers" (2019).
    """
    values, order, wrong = _by_confidence(confidences, right)
    if not values.size:
        return None
    spread = wrong[order].astype(np.float64)
    first = 0
    for last in _ends_of_ties(values[order]):
        spread[first : last + 1] = spread[first : last + 1].mean()
        first = last + 1
    return float((np.cumsum(spread) / np.arange(1, values.size + 1)).mean())


def coverage_at(points: Sequence[Operating], precision: float) -> Operating | None:
    """The operating point of most coverage whose answers are right so often; None if none is."""
    # What was divided may lie a rounding beside what was asked for.
    fitting = [point for point in points if point.risk <= 1 - precision + 1e-9]
    return max(fitting, key=lambda point: point.coverage, default=None)


def reliability(
    confidences: Sequence[float], right: Sequence[bool], count: int = BINS
) -> list[Bin]:
    """The answers in `count` bins of equal width over [0, 1]; empty bins are left out."""
    values, is_right = np.asarray(confidences, np.float64), np.asarray(right, bool)
    # Not `linspace`, whose third border lies a rounding above 0.3.
    edges = np.arange(count + 1) / count
    places = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, count - 1)
    bins = []
    for place in range(count):
        here = places == place
        if here.any():
            bins.append(
                Bin(
                    float(edges[place]),
                    float(edges[place + 1]),
                    int(here.sum()),
                    float(values[here].mean()),
                    float(is_right[here].mean()),
                )
            )
    return bins


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """ECE: how far confidence and share of right ones lie apart, the mean over answers.

    From 0 (calibrated) to 1; None without answers. See Guo et al., "On Calibration of Modern Neural
    Networks" (2017).
    """
    total = sum(one.count for one in bins)
    if not total:
        return None
    return sum(one.count * abs(one.confidence - one.right) for one in bins) / total


def percentiles(values: Sequence[float], ranks: Sequence[int]) -> dict[int, float]:
    """The values below which so many percent lie, by rank; linear between neighbours."""
    if not values:
        return {}
    return {rank: float(np.percentile(np.asarray(values), rank)) for rank in ranks}


def _by_confidence(
    confidences: Sequence[float], right: Sequence[bool]
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.bool_]]:
    """The confidences, their places from the highest down, and what is wrong."""
    values = np.asarray(confidences, np.float64)
    return values, np.argsort(-values, kind="stable"), ~np.asarray(right, bool)


def _ends_of_ties(ordered: NDArray[np.float64]) -> list[int]:
    """The last place of each run of equal values."""
    if not ordered.size:
        return []
    changes = np.flatnonzero(ordered[1:] != ordered[:-1])
    return [*map(int, changes), ordered.size - 1]
