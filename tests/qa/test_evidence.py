"""What speaks for an answer, and how it becomes a confidence."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.documents import Hit, Passage
from qa.answers import Span
from qa.calibration import Calibration
from qa.evidence import MOST_MARGIN, Evidence, Likely, evidence, weigh
from qa.ranking import Quote, rank
from qa.reader import Reading, chance

TEXT = "In Paris it rains. The Seine is wet. Rain in Paris, rain on the Seine!"


def hit(start: int, end: int, document: str = "d", score: float = 0.0) -> Hit:
    return Hit(Passage(document, start, end, TEXT[start:end], ""), score, 0.0, 0.0)


def reading(*spans: tuple[int, int, float]) -> Reading:
    return Reading(tuple(Span(*span) for span in spans))


def found_for(
    hits: Sequence[Hit], readings: Sequence[Reading], weight: float = 0.0
) -> list[list[tuple[Quote, Evidence]]]:
    ranked = rank(hits, readings, weight)
    return [
        list(zip((one.best, *one.others), each, strict=True))
        for one, each in zip(ranked, evidence(ranked), strict=True)
    ]


def test_the_margin_is_to_the_best_answer_that_says_something_else() -> None:
    hits = [hit(0, 36), hit(37, 70, "e")]
    readings = [reading((3, 8, 3.0), (23, 28, 1.0)), reading((8, 13, 2.5), (27, 32, 0.5))]
    paris, seine = found_for(hits, readings)
    assert [(quote.text, known["margin"]) for quote, known in paris] == [
        ("Paris", 2.0),
        ("Paris", 1.5),
    ]
    assert [(quote.text, known["margin"]) for quote, known in seine] == [
        ("Seine", -2.0),
        ("Seine", -2.5),
    ]


def test_an_answer_without_a_rival_has_the_widest_margin() -> None:
    [[(_, known)]] = found_for([hit(0, 18)], [reading((3, 8, -4.0))])
    assert known["margin"] == MOST_MARGIN


def test_other_passages_agree_as_far_as_the_reader_holds_them() -> None:
    hits = [hit(0, 18), hit(37, 70), hit(19, 36, "e")]
    readings = [reading((3, 8, 2.0)), reading((8, 13, 1.0)), reading((4, 9, 5.0))]
    _, paris = found_for(hits, readings)
    assert [known["agreement"] for _, known in paris] == pytest.approx([chance(1.0), chance(2.0)])


def test_a_passage_does_not_agree_with_itself() -> None:
    [[(_, first), (_, second)]] = found_for([hit(0, 70)], [reading((3, 8, 2.0), (45, 50, 1.0))])
    assert (first["agreement"], second["agreement"]) == (0.0, 0.0)


SCORES = st.integers(-20, 20).map(lambda halves: halves / 2)
CALIBRATIONS = st.builds(
    Calibration,
    retrieval_weight=st.floats(0, 20),
    slope=st.floats(0, 3),
    intercept=st.floats(-5, 5),
    weights=st.fixed_dictionaries({"margin": st.floats(0, 2), "agreement": st.floats(0, 2)}),
)


@st.composite
def read_hits(draw: st.DrawFn) -> tuple[list[Hit], list[Reading]]:
    ranges = [(0, 18), (19, 36), (37, 70), (0, 36), (19, 70)]
    chosen = draw(
        st.lists(
            st.tuples(st.sampled_from(ranges), st.sampled_from("de")),
            min_size=1,
            max_size=5,
            unique=True,
        )
    )
    hits = [hit(*place, document, draw(st.integers(0, 4)) / 4) for place, document in chosen]
    readings = []
    for one in hits:
        size = len(one.passage.text)
        spans = {}
        for _ in range(draw(st.integers(0, 4))):
            start = draw(st.integers(0, size - 1))
            spans[start, draw(st.integers(start + 1, size))] = draw(SCORES)
        readings.append(Reading(tuple(Span(*place, score) for place, score in spans.items())))
    return hits, readings


def confidences(
    hits: Sequence[Hit], readings: Sequence[Reading], calibration: Calibration
) -> list[Likely]:
    ranked = rank(hits, readings, calibration.retrieval_weight)
    return [one for places in weigh(ranked, calibration) for one in places]


@settings(deadline=None)
@given(read_hits(), CALIBRATIONS, st.data())
def test_a_better_span_is_never_less_likely(
    read: tuple[list[Hit], list[Reading]], calibration: Calibration, data: st.DataObject
) -> None:
    hits, readings = read
    before = confidences(hits, readings, calibration)
    if not before:
        return
    chosen = data.draw(st.sampled_from(before))
    raised = data.draw(st.integers(1, 20)) / 2
    after = confidences(
        hits,
        [
            Reading(
                tuple(
                    replace(span, score=span.score + raised)
                    if one is chosen.quote.hit
                    and one.passage.start + span.start == chosen.quote.start
                    and one.passage.start + span.end == chosen.quote.end
                    else span
                    for span in reading.spans
                )
            )
            for one, reading in zip(hits, readings, strict=True)
        ],
        calibration,
    )
    [now] = [
        one.confidence
        for one in after
        if (one.quote.document_id, one.quote.start, one.quote.end)
        == (chosen.quote.document_id, chosen.quote.start, chosen.quote.end)
    ]
    assert now >= chosen.confidence - 1e-12


@settings(deadline=None)
@given(read_hits(), CALIBRATIONS)
def test_answers_and_their_places_come_likeliest_first(
    read: tuple[list[Hit], list[Reading]], calibration: Calibration
) -> None:
    hits, readings = read
    ranked = rank(hits, readings, calibration.retrieval_weight)
    answers = weigh(ranked, calibration)
    best = [places[0].confidence for places in answers]
    assert best == sorted(best, reverse=True)
    for places in answers:
        each = [one.confidence for one in places]
        assert each == sorted(each, reverse=True)
        assert all(0.0 <= confidence <= 1.0 for confidence in each)
    quotes = {(q.document_id, q.start, q.end) for r in ranked for q in (r.best, *r.others)}
    weighed = [one.quote for places in answers for one in places]
    assert {(q.document_id, q.start, q.end) for q in weighed} == quotes
    assert len(weighed) == len(quotes)


@settings(deadline=None)
@given(read_hits(), st.floats(0, 20), st.floats(0.01, 3), st.floats(-5, 5))
def test_without_further_evidence_it_is_platt_scaling_of_the_score(
    read: tuple[list[Hit], list[Reading]], weight: float, slope: float, intercept: float
) -> None:
    hits, readings = read
    calibration = Calibration(weight, slope, intercept)
    for one in confidences(hits, readings, calibration):
        score = one.quote.span_score + weight * one.quote.hit.score
        assert one.confidence == pytest.approx(1 / (1 + math.exp(-(slope * score + intercept))))
