"""SQuAD's measures, against cases worked by hand and a slow, obvious count."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.evaluation.squad import (
    Best,
    Marked,
    Scores,
    best_exact,
    best_f1,
    exact,
    f1,
    mark,
    normalized,
    scores,
)

WORDS = st.lists(
    st.sampled_from(["the", "a", "an", "The", "cat", "Cat", "cat.", "dog", "-", "“", "theme"]),
    max_size=6,
).map(" ".join)
PROBABILITIES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1)
MARKED = st.builds(
    lambda found, labels, no_answer: mark(found, labels, no_answer),
    WORDS,
    st.lists(WORDS, max_size=3),
    PROBABILITIES,
)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("The  Cat, sat!", "cat sat"),
        ("an answer; a theme", "answer theme"),
        ("U.S.A.", "usa"),
        ("the", ""),
        ("it's a-b", "its ab"),
        ("“quoted”", "“quoted”"),
    ],
)
def test_case_punctuation_and_articles_do_not_count(text: str, bare: str) -> None:
    assert normalized(text) == bare


@pytest.mark.parametrize(
    ("found", "label", "score"),
    [
        ("the Eiffel Tower", "Eiffel Tower", 1.0),
        ("Eiffel Tower in Paris", "Eiffel Tower", 2 * (2 / 4) * 1 / (2 / 4 + 1)),
        ("to be to", "to", 2 * (1 / 3) * 1 / (1 / 3 + 1)),
        ("Paris", "London", 0.0),
        ("", "London", 0.0),
        ("the", "", 1.0),
    ],
)
def test_f1_is_that_of_the_words(found: str, label: str, score: float) -> None:
    assert f1(found, label) == pytest.approx(score)


@settings(deadline=None)
@given(WORDS, WORDS)
def test_f1_is_counted_word_by_word(found: str, label: str) -> None:
    ours, theirs = normalized(found).split(), normalized(label).split()
    left, same = list(theirs), 0
    for word in ours:
        if word in left:
            left.remove(word)
            same += 1
    if not ours or not theirs:
        expected = float(ours == theirs)
    elif same == 0:
        expected = 0.0
    else:
        precision, recall = same / len(ours), same / len(theirs)
        expected = 2 * precision * recall / (precision + recall)
    assert f1(found, label) == pytest.approx(expected)
    assert f1(found, label) == f1(label, found)
    assert exact(found, label) <= f1(found, label)


def test_the_best_label_counts() -> None:
    one = mark("Eiffel Tower", ["the tower", "Eiffel Tower"], 0.3)
    assert one == Marked("Eiffel Tower", 1.0, 1.0, True, 0.3)


def test_without_labels_only_nothing_is_right() -> None:
    assert mark("", []) == Marked("", 1.0, 1.0, False, 0.0)
    assert mark("Paris", []) == Marked("Paris", 0.0, 0.0, False, 0.0)


def test_labels_that_vanish_do_not_count() -> None:
    assert mark("", ["the", "Paris"]).exact == 0
    assert mark("the", ["a"]).exact == 1


def test_means_are_over_all_over_the_answerable_and_over_the_others() -> None:
    marked = [
        mark("Paris", ["Paris"], 0.1),
        mark("big London", ["London"], 0.6),
        mark("Rome", [], 0.9),
        mark("Oslo", [], 0.4),
    ]
    third = 2 / 3
    assert scores(marked) == Scores(1 / 4, (1 + third) / 4, 1 / 2, (1 + third) / 2, 0.0)
    assert scores(marked, 0.5) == Scores(2 / 4, 2 / 4, 1 / 2, 1 / 2, 1 / 2)
    # At the threshold itself an answer is given.
    assert scores(marked, 0.4) == Scores(2 / 4, 2 / 4, 1 / 2, 1 / 2, 1 / 2)
    assert scores(marked, 0.39).no_answer == 1


def test_means_over_nothing_are_not_known() -> None:
    assert scores([mark("Paris", ["Paris"])]).no_answer is None
    assert scores([mark("Paris", [])]).has_answer_f1 is None


def test_the_best_threshold_is_where_most_is_right() -> None:
    marked = [
        mark("Paris", ["Paris"], 0.1),
        mark("London", ["London"], 0.2),
        mark("Rome", [], 0.3),
        mark("Oslo", [], 0.4),
    ]
    assert best_exact(marked) == Best(1.0, 0.2)
    # Nothing given is best where nothing is right.
    assert best_f1([mark("x", ["Paris"], 0.1), mark("y", [], 0.1)]) == Best(0.5, 0.0)


@settings(deadline=None)
@given(st.lists(MARKED, min_size=1, max_size=12))
def test_the_best_threshold_is_the_best_of_all_cuts(marked: list[Marked]) -> None:
    order = sorted(marked, key=lambda one: one.no_answer)
    totals = []
    for cut in range(len(order) + 1):
        # SQuAD's script counts any text against a question without an answer, "the" as well.
        given_ones = [one.f1 if one.answerable else float(not one.text) for one in order[:cut]]
        held_back = [float(not one.answerable) for one in order[cut:]]
        totals.append(sum(given_ones) + sum(held_back))
    found = best_f1(marked)
    assert found.score == pytest.approx(max(totals) / len(marked))
    apart = len({one.no_answer for one in marked}) == len(marked)
    told = all(one.answerable or normalized(one.text) or not one.text for one in marked)
    if apart and told and found.threshold > 0:
        assert scores(marked, found.threshold).f1 == pytest.approx(found.score)


@settings(deadline=None)
@given(st.lists(MARKED, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_questions_does_not_matter(
    marked: list[Marked], chance: random.Random
) -> None:
    mixed = list(marked)
    chance.shuffle(mixed)
    before, after = scores(marked, 0.5), scores(mixed, 0.5)
    assert before.f1 == pytest.approx(after.f1)
    assert before.no_answer == pytest.approx(after.no_answer)
