"""Judgements that are kept, and the labelled questions that are made of them."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from service_fakes import fake_engine

from index.files import file_uri
from qa.evaluation.questions import Locator, load_questions, locate
from service.engine import Engine
from service.errors import UnknownJudgement
from service.host.feedback import Feedback, Judgement, Marked
from service.host.labelled import labelled
from service.host.state import State

ANSWER = Marked("d1", "test:d1", 3, 5, "25")
OTHER = Marked("d2", "test:d2", 0, 1, "4")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State.open(tmp_path / "server")
    yield made
    made.close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = fake_engine(tmp_path / "index")
    yield made
    made.close()


def give(
    feedback: Feedback,
    question: str = "How long?",
    *,
    right: bool = True,
    answer: Marked | None = ANSWER,
    key: str | None = "k1",
    collection: str = "default",
) -> Judgement:
    return feedback.give(
        collection,
        key,
        question,
        right,
        answer,
        confidence=0.5,
        note="a note",
        generation=7,
    )


def test_what_was_said_is_kept(state: State, tmp_path: Path) -> None:
    given_ = give(Feedback(state))
    assert (given_.right, given_.answer, given_.generation) == (True, ANSWER, 7)
    state.close()
    again = State.open(tmp_path / "server")
    assert list(Feedback(again).all("default")) == [given_]
    again.close()


def test_of_one_key_the_last_word_on_an_answer_counts(state: State) -> None:
    feedback = Feedback(state)
    give(feedback)
    wrong = give(feedback, right=False)
    other_key = give(feedback, key="k2")
    anyone = give(feedback, key=None)
    give(feedback, key=None, right=False)
    none = give(feedback, answer=None)
    kept = list(feedback.all("default"))
    assert wrong in kept
    assert other_key in kept
    assert none in kept
    assert anyone not in kept
    assert len(kept) == 4


def test_collections_do_not_see_each_others_feedback(state: State) -> None:
    feedback = Feedback(state)
    mine, other = give(feedback), give(feedback, collection="other")
    # Numbers count within a collection: they tell nothing of how much there is in others.
    assert (mine.number, other.number) == (1, 1)
    assert list(feedback.all("default")) == [mine]
    assert feedback.documents("other") == {"d1"}
    more = give(feedback, "And this?", collection="other")
    with pytest.raises(UnknownJudgement):
        feedback.remove("default", more.number)
    feedback.remove("other", more.number)
    feedback.forget("default", ["d1"])
    assert list(feedback.all("other")) == [other]
    assert list(feedback.all("default")) == []


# Each transaction waits for the disk.
@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 9)), max_size=20))
def test_the_newest_are_kept(given_: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = State.open(Path(folder))
        feedback = Feedback(state, most=3)
        expected: dict[str, list[str]] = {"a": [], "b": []}
        for collection, number in given_:
            question = f"Question {number}?"
            give(feedback, question, collection=collection)
            mine = expected[collection]
            expected[collection] = [*(one for one in mine if one != question), question][-3:]
        for collection, questions in expected.items():
            found = [judgement.question for judgement in feedback.all(collection)]
            assert found == questions[::-1]
        state.close()


def test_judgements_come_by_pages(state: State) -> None:
    feedback = Feedback(state)
    numbers = [give(feedback, f"{place}?").number for place in range(5)]
    first = feedback.page("default", None, 2)
    assert [judgement.number for judgement in first] == [numbers[4], numbers[3]]
    rest = feedback.page("default", first[-1].number, 9)
    assert [judgement.number for judgement in rest] == numbers[2::-1]
    feedback.remove("default", numbers[2])
    assert len(list(feedback.all("default"))) == 4


def said(
    question: str, right: bool, answer: Marked | None, number: int = 1, key: str = "k"
) -> Judgement:
    return Judgement(number, key, question, right, answer, None, None, 1, "now")


def test_the_labelled_questions_are_those_of_which_something_right_is_known(
    engine: Engine,
) -> None:
    [pool] = engine.find(["test:pool"])
    text = engine.store.document(pool.id).text
    long = Marked(pool.id, pool.uri, text.index("25"), text.index("25") + 2, "25")
    price = Marked(pool.id, pool.uri, text.index("4"), text.index("4") + 1, "4")
    gone = Marked("gone", "test:gone", 0, 2, "28")
    changed = Marked(pool.id, pool.uri, 0, 2, "no such text")
    newest_first = [
        said("How long?", True, long),
        said("How long?", False, price),
        said("How much?", False, price, key="later"),
        said("How much?", True, price, key="earlier"),
        said("How deep?", True, None),
        said("How old?", False, None),
        said("How wide?", True, gone),
        said("How warm?", True, changed),
        said("Both?", True, None),
        said("Both?", True, price),
    ]
    assert list(labelled(engine.store, newest_first)) == [
        {"question": "How long?", "answers": [{"text": "25"}]},
        {"question": "How deep?", "answers": []},
        {"question": "Both?", "answers": [{"text": "4"}]},
    ]


def test_labelled_questions_about_files_are_what_eval_reads(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    path = folder / "a tower.txt"
    path.write_text("The tower is 40 metres high.", encoding="utf-8")
    [outcome] = engine.add_bytes(path.read_bytes(), uri=file_uri(path), name=path.name)
    assert outcome.document_id is not None
    answer = Marked(outcome.document_id, file_uri(path), 13, 15, "40")
    engine.add_bytes(b"It is new. The tower is 40 metres high.", uri=file_uri(path), name="a.txt")
    found = list(
        labelled(engine.store, [said("How high?", True, answer), said("Who?", True, None)])
    )
    assert found[0]["answers"] == [{"text": "40", "document": str(path), "start": 24, "end": 26}]
    lines = tmp_path / "questions.jsonl"
    lines.write_text("".join(json.dumps(line) + "\n" for line in found), encoding="utf-8")
    questions, faults = load_questions(lines)
    targets, more = locate(questions, Locator(engine.store, folder))
    assert faults == more == []
    first, second = targets
    assert [(place.start, place.end) for place in first.places] == [(24, 26)]
    assert (first.texts, second.answerable) == (("40",), False)
