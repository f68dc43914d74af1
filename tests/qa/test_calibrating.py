"""Fitting how sure answers are, on made-up readings of which it is known what is right."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qa_fakes import LetterEmbedder, MemoryStore, ScriptedReader, document, paragraphs

from index.documents import Hit, Passage, Section
from index.errors import InvalidLabels
from index.retriever import Retriever
from qa.answering import Answerer
from qa.answers import Options, Span
from qa.calibrating import (
    Case,
    Predicted,
    best_threshold,
    check,
    conditional_logit,
    cross_validated,
    fitted,
    folds,
    operating_points,
    predict,
    read_cases,
    refitted,
    worth,
)
from qa.calibration import Calibration
from qa.evaluation.questions import AskedQuestion, Gold, GoldPlace, Target
from qa.reader import Reading


def case(number: int, chance: np.random.Generator, bias: float = 0.0) -> Case:
    """Five passages of one word, of which the reader and the search each know a little.

    The right one, where there is one, has a higher span score and a higher passage score.
    """
    answerable = bool(chance.random() < 0.6)
    right = int(chance.integers(5)) if answerable else -1
    hits, readings = [], []
    for place in range(5):
        is_right = place == right
        text = f"word{place}"
        passage = Passage(f"{number}-{place}", 0, len(text), text, "")
        score = float(np.clip(0.4 + 0.15 * is_right + 0.1 * chance.normal(), 0, 1))
        hits.append(Hit(passage, score, score, 0.0))
        span = Span(0, len(text), float(2 * chance.normal() - 2 + 3 * is_right + bias))
        readings.append(Reading((span,)))
    order = sorted(range(5), key=lambda place: -hits[place].score)
    return Case(
        f"group {number % 20}",
        answerable,
        tuple(hits[place] for place in order),
        tuple(readings[place] for place in order),
        frozenset({(f"{number}-{right}", 0, 5)} if answerable else ()),
        frozenset(),
    )


def cases(count: int, seed: int, bias: float = 0.0) -> list[Case]:
    chance = np.random.default_rng(seed)
    return [case(number, chance, bias) for number in range(count)]


MANY = cases(600, 1)
FITTED = fitted(MANY)
GUESSED = Calibration(retrieval_weight=15.0, slope=0.274, intercept=-4.205)


def loss(found: Sequence[Case], calibration: Calibration) -> float:
    return worth([predict(one, calibration) for one in found], 0.5).log_loss


def test_a_fit_tells_what_it_has_not_seen_better_than_a_guess_and_is_calibrated() -> None:
    held_out = cases(600, 2)
    assert loss(held_out, FITTED) < loss(held_out, GUESSED)
    found = worth([predict(one, FITTED) for one in held_out], 0.5)
    assert found.certainty.calibration_error is not None
    assert found.certainty.calibration_error < 0.1


def test_the_fit_ranks_by_both_reader_and_retrieval() -> None:
    held_out = cases(600, 3)
    assert FITTED.retrieval_weight > 1.0

    def right(calibration: Calibration) -> float:
        return float(np.mean([predict(one, calibration).right for one in held_out]))

    alone = Calibration()
    by_passage = Calibration(retrieval_weight=1000.0)
    assert right(FITTED) > max(right(alone), right(by_passage))


def test_each_question_is_predicted_by_a_fit_without_its_group() -> None:
    seen: list[set[str]] = []

    def fitter(some: Sequence[Case]) -> Calibration:
        seen.append({one.group for one in some})
        return Calibration(intercept=float(len(seen)), slope=0.0)

    found = cross_validated(MANY[:100], fitter)
    assert len(found) == 100
    for one, predicted in zip(MANY[:100], found, strict=True):
        assert predicted.confidence is not None
        part = round(np.log(predicted.confidence / (1 - predicted.confidence)))
        assert one.group not in seen[part - 1]


@given(st.lists(st.sampled_from("abcdefghij"), max_size=40))
def test_the_folds_are_a_partition_that_keeps_groups_together(groups: list[str]) -> None:
    parts = folds(groups)
    assert sorted(place for part in parts for place in part) == list(range(len(groups)))
    if len(set(groups)) >= len(parts):
        of = [{groups[place] for place in part} for part in parts]
        assert sum(map(len, of)) == len(set(groups))
        largest = max(groups.count(name) for name in groups)
        assert max(map(len, parts)) <= len(groups) / len(parts) + largest
    else:
        sizes = list(map(len, parts))
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("seed", range(5))
def test_a_refit_to_thirty_questions_does_no_harm(seed: int) -> None:
    few = cases(30, 100 + seed)
    assert loss(MANY, refitted(few, FITTED)) < loss(MANY, FITTED) + 0.03


@pytest.mark.slow
def test_a_refit_follows_where_there_are_many_questions_of_another_kind() -> None:
    # Another reader's scores, all of them three logits too high.
    shifted, held_out = cases(300, 4, bias=3.0), cases(600, 5, bias=3.0)
    before, after = loss(held_out, FITTED), loss(held_out, refitted(shifted, FITTED))
    assert after < before - 0.1
    from_nothing = loss(held_out, fitted(cases(600, 6, bias=3.0)))
    assert after < from_nothing + 0.05


def test_a_refit_keeps_the_ranking_and_the_threshold() -> None:
    base = Calibration(4.0, 0.5, -2.0, 0.37, {"margin": 0.1})
    made = refitted(MANY, base)
    assert (made.retrieval_weight, made.abstain_below) == (4.0, 0.37)
    assert set(made.weights) == {"margin"}
    assert made.slope != base.slope


def test_no_fit_turns_a_better_span_against_its_answer() -> None:
    # What the reader likes better is wrong here.
    perverse = [
        Case(one.group, True, one.hits, one.readings, worst(one), frozenset()) for one in MANY[:80]
    ]
    made = fitted(perverse)
    assert made.slope >= 0
    assert made.weights["margin"] >= 0
    assert made.weights["agreement"] >= 0
    assert made.retrieval_weight >= 0


def worst(one: Case) -> frozenset[tuple[str, int, int]]:
    place = int(np.argmin([reading.score for reading in one.readings]))
    return frozenset({(one.hits[place].passage.document_id, 0, 5)})


def test_too_few_questions_are_refused_with_how_many_are_needed() -> None:
    with pytest.raises(InvalidLabels, match=r"29 questions .* at least 30 are needed, 8 of each"):
        check(MANY[:29], FITTED)
    check(MANY[:60], FITTED)


@pytest.mark.parametrize("kind", ["right", "wrong"])
def test_questions_of_one_kind_alone_are_refused(kind: str) -> None:
    alike = [one for one in MANY if predict(one, FITTED).right == (kind == "right")][:60]
    assert len(alike) == 60
    with pytest.raises(InvalidLabels, match="60 questions"):
        check(alike, FITTED)


@settings(deadline=None)
@given(st.integers(0, 2**16), st.integers(1, 3), st.integers(1, 30))
def test_the_conditional_logit_is_the_maximum_that_scipy_finds(
    seed: int, width: int, count: int
) -> None:
    optimize: Any = pytest.importorskip("scipy.optimize")
    chance = np.random.default_rng(seed)
    choices = []
    for _ in range(count):
        rows = chance.normal(size=(int(chance.integers(2, 6)), width)) * 3
        choices.append((rows, int(chance.integers(len(rows)))))

    def objective(weights: Any) -> float:
        total = 0.5 * 1e-3 * float(weights @ weights)
        for rows, chosen in choices:
            values = rows @ weights
            total += float(np.logaddexp.reduce(values) - values[chosen])
        return total

    ours = conditional_logit(choices)
    theirs = optimize.minimize(objective, np.zeros(width), method="BFGS")
    assert objective(ours) <= theirs.fun + 1e-6 * (1 + abs(theirs.fun))


def predicted(*rows: tuple[float | None, bool, bool]) -> list[Predicted]:
    return [Predicted(confidence, confidence, right, has) for confidence, right, has in rows]


def test_the_figures_of_a_hand_made_case() -> None:
    found = worth(
        predicted((0.9, True, True), (0.6, False, True), (0.2, False, False), (None, False, False)),
        0.5,
    )
    assert found.given == 0.5
    assert found.right_given == 0.5
    assert found.abstained == 1.0
    assert found.brier == pytest.approx((0.01 + 0.36 + 0.04 + 0.0) / 4)
    losses = [-np.log(0.9), -np.log(0.4), -np.log(0.8), 0.0]
    assert found.log_loss == pytest.approx(np.mean(losses), abs=1e-6)


def test_the_best_threshold_parts_right_answers_from_what_has_none() -> None:
    rows = predicted(
        (0.9, True, True), (0.55, True, True), (0.5, False, False), (0.1, False, False)
    )
    assert best_threshold(rows) == pytest.approx(0.51)


def test_operating_points_are_those_that_are_reached() -> None:
    rows = predicted(*[(0.9 - place / 100, True, True) for place in range(9)], (0.5, False, True))
    points = operating_points(rows)
    assert [(point.precision, point.coverage) for point in points] == [
        (0.8, 1.0),
        (0.9, 1.0),
        (0.95, 0.9),
    ]
    assert [point.confidence for point in points] == pytest.approx([0.5, 0.5, 0.82])


RULES = "Loans\n\nA reader may borrow 12 books.\n\nA book is lent for 28 days. All end in May."
LIBRARY = document("Library", RULES, sections=[Section(("Loans",), 0, len(RULES))])
POSTER = document("Poster", "Borrow 12 books today!\n\nBring them back within 28 days.")
QUESTION = "How many?"


def target(text: str, *golds: str, placed: bool = True) -> Target:
    places = tuple(
        GoldPlace(LIBRARY.id, LIBRARY.text.index(gold), LIBRARY.text.index(gold) + len(gold))
        for gold in golds
    )
    asked = AskedQuestion("1", text, tuple(Gold(gold, None, None, None) for gold in golds), "", "g")
    return Target(asked, golds, places if placed else ())


@pytest.mark.parametrize("placed", [True, False])
def test_a_case_tells_what_is_right_and_what_is_no_answer(placed: bool) -> None:
    store = MemoryStore([paragraphs(LIBRARY), paragraphs(POSTER)])
    reader = ScriptedReader({QUESTION: {"12 books": 2.0, "Loans": 5.0, "28 days": 1.0}})
    retriever = Retriever(store, LetterEmbedder())
    told: list[int] = []
    wanted = [target(QUESTION, "12 books", placed=placed), target(" ")]
    [found], [fault] = read_cases(retriever, reader, wanted, 10, told.append)
    assert told == [1, 2]
    assert "empty" in str(fault)
    assert (found.group, found.answerable) == ("g", True)
    here, there = LIBRARY.text.index("12 books"), POSTER.text.index("12 books")
    right = {(LIBRARY.id, here, here + 8)}
    if not placed:
        right.add((POSTER.id, there, there + 8))
    assert found.right == right
    assert (LIBRARY.id, 0, 5) in found.unquotable
    assert predict(found, Calibration()).right


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["12", "12 books", "28 days", "Loans", "May"]),
        st.integers(-8, 8).map(lambda halves: halves / 2),
    ),
    st.builds(
        Calibration,
        retrieval_weight=st.floats(0, 5),
        slope=st.floats(0.1, 2),
        weights=st.fixed_dictionaries({"margin": st.floats(0, 1), "agreement": st.floats(0, 1)}),
    ),
)
def test_what_is_predicted_is_what_is_answered(
    script: dict[str, float], calibration: Calibration
) -> None:
    store = MemoryStore([paragraphs(LIBRARY), paragraphs(POSTER)])
    reader = ScriptedReader({QUESTION: script}, calibration)
    retriever = Retriever(store, LetterEmbedder())
    [found], _ = read_cases(retriever, reader, [target(QUESTION, "12 books")], 10)
    given_one = predict(found, calibration)
    reply = Answerer(retriever, reader).ask(QUESTION, Options(min_confidence=0.0))
    if given_one.confidence is None:
        assert reply.abstained
    else:
        assert reply.answers[0].confidence == pytest.approx(given_one.confidence, abs=1e-12)


def test_refits_by_parts_keep_the_base_that_is_given() -> None:
    found = cross_validated(MANY[:100], partial(refitted, base=FITTED))
    assert len(found) == 100
    assert worth(found, 0.5).log_loss < loss(MANY[:100], GUESSED)
