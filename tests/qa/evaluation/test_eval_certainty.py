"""Order, calibration and coverage, against counts made the slow way."""

import itertools
import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.evaluation.certainty import (
    Bin,
    Operating,
    area_under_risk,
    auroc,
    calibration_error,
    coverage_at,
    percentiles,
    reliability,
    risk_coverage,
    thinned,
)

CONFIDENCES = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0]) | st.floats(0, 1)
JUDGED = st.lists(st.tuples(CONFIDENCES, st.booleans()), min_size=1, max_size=30)
FEW = st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.8]), st.booleans()), min_size=1, max_size=5)
Pairs = list[tuple[float, bool]]


def split(pairs: Pairs) -> tuple[list[float], list[bool]]:
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def test_auroc_of_cases_worked_by_hand() -> None:
    assert auroc([0.9, 0.8, 0.2, 0.1], [True, True, False, False]) == 1
    assert auroc([0.1, 0.9], [True, False]) == 0
    assert auroc([5.0, 5.0], [True, False]) == 0.5
    assert auroc([3.0, 2.0, 1.0], [True, False, True]) == 0.5
    assert auroc([1.0, 2.0], [True, True]) is None
    assert auroc([], []) is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3).map(float), st.booleans()), max_size=30))
def test_auroc_is_the_share_of_pairs_in_order(pairs: Pairs) -> None:
    positives = [value for value, is_positive in pairs if is_positive]
    negatives = [value for value, is_positive in pairs if not is_positive]
    found = auroc(*split(pairs))
    if not positives or not negatives:
        assert found is None
        return
    points = [
        1.0 if one > other else 0.5 if one == other else 0.0
        for one in positives
        for other in negatives
    ]
    assert found == pytest.approx(sum(points) / len(points))


def test_auroc_takes_scores_of_any_size() -> None:
    assert auroc([float("-inf"), -3.0, 12.0], [False, True, True]) == 1


def test_risk_and_coverage_of_a_case_worked_by_hand() -> None:
    points = risk_coverage([0.9, 0.7, 0.7, 0.2], [True, False, True, False])
    assert points == [
        Operating(0.9, 1 / 4, 0.0),
        Operating(0.7, 3 / 4, 1 / 3),
        Operating(0.2, 1.0, 1 / 2),
    ]
    assert risk_coverage([], []) == []


@settings(deadline=None)
@given(JUDGED)
def test_a_point_is_what_comes_of_its_threshold(pairs: Pairs) -> None:
    points = risk_coverage(*split(pairs))
    assert [point.threshold for point in points] == sorted({c for c, _ in pairs}, reverse=True)
    for point in points:
        answered = [right for confidence, right in pairs if confidence >= point.threshold]
        assert point.coverage == pytest.approx(len(answered) / len(pairs))
        assert point.risk == pytest.approx(answered.count(False) / len(answered))


@settings(deadline=None)
@given(FEW)
def test_the_area_is_the_mean_over_all_orders_of_ties(pairs: Pairs) -> None:
    orders = [
        order
        for order in itertools.permutations(pairs)
        if all(one[0] >= other[0] for one, other in itertools.pairwise(order))
    ]
    areas = []
    for order in orders:
        wrong = [Fraction(not right) for _, right in order]
        risks = [sum(wrong[: k + 1], Fraction(0)) / (k + 1) for k in range(len(wrong))]
        areas.append(sum(risks, Fraction(0)) / len(risks))
    expected = float(sum(areas, Fraction(0)) / len(areas))
    assert area_under_risk(*split(pairs)) == pytest.approx(expected)


@settings(deadline=None)
@given(JUDGED, st.randoms(use_true_random=False))
def test_the_area_does_not_depend_on_the_order_of_questions(
    pairs: Pairs, chance: random.Random
) -> None:
    mixed = list(pairs)
    chance.shuffle(mixed)
    assert area_under_risk(*split(pairs)) == pytest.approx(area_under_risk(*split(mixed)))


def test_the_area_of_nothing_is_not_known() -> None:
    assert area_under_risk([], []) is None
    assert area_under_risk([0.3, 0.9], [True, True]) == 0
    assert area_under_risk([0.3, 0.9], [False, True]) == 0.25


def test_the_coverage_at_a_precision_is_the_most_that_keeps_it() -> None:
    points = risk_coverage([0.9, 0.8, 0.7, 0.6, 0.5], [True, False, True, True, True])
    assert coverage_at(points, 0.8) == Operating(0.5, 1.0, 1 / 5)
    assert coverage_at(points, 0.81) == Operating(0.9, 0.2, 0.0)
    assert coverage_at(risk_coverage([0.9], [False]), 0.5) is None


@settings(deadline=None)
@given(JUDGED, st.floats(0, 1))
def test_more_precision_never_keeps_more(pairs: Pairs, precision: float) -> None:
    points = risk_coverage(*split(pairs))
    less, more = coverage_at(points, precision / 2), coverage_at(points, precision)
    if more is not None:
        assert less is not None
        assert less.coverage >= more.coverage


def test_bins_and_their_error_worked_by_hand() -> None:
    bins = reliability([0.05, 0.15, 0.95, 1.0], [False, True, True, True], 10)
    assert bins == [
        Bin(0.0, 0.1, 1, 0.05, 0.0),
        Bin(0.1, 0.2, 1, 0.15, 1.0),
        Bin(0.9, 1.0, 2, 0.975, 1.0),
    ]
    assert calibration_error(bins) == pytest.approx((0.05 + 0.85 + 2 * 0.025) / 4)
    assert calibration_error([]) is None


@settings(deadline=None)
@given(JUDGED)
def test_every_answer_is_in_one_bin_that_holds_its_confidence(pairs: Pairs) -> None:
    bins = reliability(*split(pairs), 4)
    assert sum(one.count for one in bins) == len(pairs)
    for one in bins:
        last = one.high == 1
        inside = [(c, r) for c, r in pairs if one.low <= c and (c < one.high or (last and c == 1))]
        assert len(inside) == one.count
        assert one.confidence == pytest.approx(sum(c for c, _ in inside) / len(inside))
        assert one.right == pytest.approx(sum(r for _, r in inside) / len(inside))
    error = calibration_error(bins)
    assert error is not None
    assert 0 <= error <= 1


def test_percentiles_lie_between_neighbours() -> None:
    assert percentiles([1.0, 2.0, 3.0, 4.0, 5.0], [0, 50, 90, 100]) == {
        0: 1.0,
        50: 3.0,
        90: pytest.approx(4.6),
        100: 5.0,
    }
    assert percentiles([], [50]) == {}


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(2, 50))
def test_thinning_keeps_both_ends(count: int, most: int) -> None:
    points = [Operating(0.5, place / 1000, 0.0) for place in range(count)]
    kept = thinned(points, most)
    assert len(kept) == min(count, most)
    assert kept[:1] == points[:1]
    assert kept[-1:] == points[-1:]
    assert kept == sorted(set(kept), key=lambda point: point.coverage)


def _drawn(seed: int, places: int) -> Pairs:
    chance = random.Random(seed)
    confidences = [round(chance.random(), places) for _ in range(400)]
    return [(confidence, chance.random() < confidence) for confidence in confidences]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_an_independent_library_says_the_same(seed: int) -> None:
    metrics: Any = pytest.importorskip("sklearn.metrics")
    calibration: Any = pytest.importorskip("sklearn.calibration")
    with_ties, right = split(_drawn(seed, 2))
    assert auroc(with_ties, right) == pytest.approx(metrics.roc_auc_score(right, with_ties))
    precision, _, thresholds = metrics.precision_recall_curve(right, with_ties)
    risks = {point.threshold: point.risk for point in risk_coverage(with_ties, right)}
    for value, threshold in zip(precision, thresholds, strict=False):
        assert 1 - risks[float(threshold)] == pytest.approx(value)
    # It counts what lies on a border to the bin below, so nothing does here.
    apart, right = split(_drawn(seed, 9))
    shares, means = calibration.calibration_curve(right, apart, n_bins=10)
    bins = reliability(apart, right, 10)
    assert [one.right for one in bins] == pytest.approx(list(shares))
    assert [one.confidence for one in bins] == pytest.approx(list(means))
