"""From scores to probabilities, and what a reading says of its text."""

import json
import math
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import ModelError
from index.onnx_model import MANIFEST
from qa.answers import Span
from qa.calibration import EVIDENCE, Calibration, OperatingPoint, understood, written
from qa.reader import OnnxReader, Reading
from tests.paths import READER

SCORES = st.floats(allow_nan=False)
SLOPES = st.floats(min_value=1e-3, max_value=1e3)
INTERCEPTS = st.floats(min_value=-1e3, max_value=1e3)


@given(SLOPES, INTERCEPTS, SCORES)
def test_a_confidence_is_a_probability(slope: float, intercept: float, score: float) -> None:
    confidence = Calibration(slope=slope, intercept=intercept).confidence(score)
    assert 0.0 <= confidence <= 1.0


@given(SLOPES, INTERCEPTS, SCORES, SCORES)
def test_a_better_score_is_never_less_likely(
    slope: float, intercept: float, one: float, other: float
) -> None:
    calibration = Calibration(slope=slope, intercept=intercept)
    low, high = sorted([one, other])
    rounding = 1e-15
    assert calibration.confidence(low) <= calibration.confidence(high) + rounding


@given(st.floats(min_value=-30, max_value=30))
def test_the_confidence_is_the_logistic_function(score: float) -> None:
    calibration = Calibration(slope=0.5, intercept=-1.0)
    expected = 1 / (1 + math.exp(-(0.5 * score - 1.0)))
    assert calibration.confidence(score) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("score", [1e6, 1e308, math.inf])
def test_extreme_scores_do_not_overflow(score: float) -> None:
    calibration = Calibration(slope=100.0)
    assert calibration.confidence(score) == 1.0
    assert calibration.confidence(-score) == pytest.approx(0.0, abs=1e-300)
    assert Reading((Span(0, 1, score),)).answerability == 1.0
    assert Reading((Span(0, 1, -score),)).answerability == 0.0


def test_without_a_fit_a_score_of_zero_is_even_odds_and_the_border_of_abstaining() -> None:
    calibration = Calibration()
    assert calibration.confidence(0.0) == 0.5 == calibration.abstain_below
    assert calibration.retrieval_weight == 0.0


def test_a_readings_score_is_that_of_its_best_span() -> None:
    reading = Reading((Span(3, 5, 2.0), Span(0, 1, -1.0)))
    assert reading.score == 2.0
    assert reading.answerability == pytest.approx(0.8807970779778823)


def test_a_text_without_spans_holds_no_answer() -> None:
    assert Reading(()).score == -math.inf
    assert Reading(()).answerability == 0.0


@given(SCORES, SCORES)
def test_answerability_orders_as_scores_do(one: float, other: float) -> None:
    low, high = (Reading((Span(0, 1, score),)) for score in sorted([one, other]))
    assert 0.0 <= low.answerability <= high.answerability <= 1.0


SPANS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 9), st.integers(-9, 9)).map(
        lambda parts: Span(parts[0], parts[0] + parts[1], float(parts[2]))
    ),
    max_size=8,
)


@given(SPANS, st.integers(0, 30), st.text(min_size=40, max_size=40))
def test_after_keeps_the_spans_that_begin_past_the_cut_and_what_they_say(
    spans: list[Span], cut: int, text: str
) -> None:
    rest = Reading(tuple(spans)).after(cut)
    kept = [span for span in spans if span.start >= cut]
    assert [span.score for span in rest.spans] == [span.score for span in kept]
    assert [text[cut:][span.start : span.end] for span in rest.spans] == [
        text[span.start : span.end] for span in kept
    ]


def test_after_nothing_is_the_whole_reading() -> None:
    reading = Reading((Span(3, 5, 2.0), Span(0, 1, -1.0)))
    assert reading.after(0) == reading


def test_a_span_across_the_cut_is_dropped() -> None:
    assert Reading((Span(3, 5, 2.0), Span(4, 6, 1.0))).after(4) == Reading((Span(0, 2, 1.0),))


def test_a_calibration_that_cannot_be_understood_is_named(tmp_path: Path) -> None:
    shutil.copytree(READER, tmp_path / "reader")
    manifest = tmp_path / "reader" / MANIFEST
    content = json.loads(manifest.read_text())
    content["settings"]["calibration"] = {"gradient": 1.0}
    manifest.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=r"model\.json: .*gradient"):
        OnnxReader(tmp_path / "reader")


LEGACY = {"abstain_below": 0.21, "intercept": -4.205, "retrieval_weight": 15.0, "slope": 0.274}
WHOLE = st.builds(
    Calibration,
    retrieval_weight=st.floats(0, 50),
    slope=st.floats(0, 5),
    intercept=st.floats(-50, 50),
    abstain_below=st.floats(0, 1),
    weights=st.dictionaries(st.sampled_from(EVIDENCE), st.floats(0, 5)),
    operating_points=st.lists(
        st.builds(OperatingPoint, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)), max_size=3
    ).map(tuple),
)


@given(WHOLE)
def test_what_is_written_is_understood(calibration: Calibration) -> None:
    assert understood(json.loads(json.dumps(written(calibration)))) == calibration


def test_a_manifest_of_the_older_form_is_understood() -> None:
    assert understood(LEGACY) == Calibration(**LEGACY)
    assert understood({}) == Calibration()


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ({"slope": 10**400}, "too large"),
        ([], "not an object"),
        ({"gradient": 1.0}, "gradient"),
        ({"weights": {"luck": 1.0}}, "luck"),
        ({"weights": [1.0]}, "weights"),
        ({"slope": "steep"}, "steep"),
        ({"slope": None}, "NoneType"),
        ({"slope": -0.1}, "below zero"),
        ({"weights": {"margin": -0.1}}, "below zero"),
        ({"weights": {"agreement": -0.1}}, "below zero"),
        ({"intercept": math.inf}, "not finite"),
        ({"weights": {"margin": math.nan}}, "not finite"),
        ({"abstain_below": 1.5}, "1.5"),
        ({"operating_points": [1]}, "int"),
        ({"operating_points": [{"precision": 1}]}, "confidence"),
        ({"operating_points": 3}, "list"),
    ],
)
def test_what_cannot_work_is_refused(plain: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        understood(plain)
