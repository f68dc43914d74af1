"""Questions over documents: what a line may say, and where its answers stand."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from index.documents import document_id
from index.files import file_uri
from index.passages import Splitter
from index.store import IndexSettings
from qa.evaluation.questions import (
    GoldPlace,
    Locator,
    Target,
    holds_questions,
    load_questions,
    locate,
)
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_intake
from tests.fakes.memory_store import MemoryStore

TEXT = "Der Zug 😀 fährt um neun. Der Bus fährt um neun."


def write(path: Path, *lines: Any) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def where(text: str, nth: int = 0) -> dict[str, Any]:
    start = [place for place in range(len(TEXT)) if TEXT.startswith(text, place)][nth]
    return {"text": text, "document": "a.txt", "start": start, "end": start + len(text)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "broken.pdf").write_bytes(b"no")
    return tmp_path


@pytest.fixture
def locator(folder: Path) -> Locator:
    embedder = HashEmbedder()
    store = MemoryStore(IndexSettings(embedder.identity, Splitter()))
    documents = [
        a_document(file_uri(folder / "a.txt"), TEXT),
        a_document(file_uri(folder / "z.zip") + "!/in%23side/b.txt", "Ein Brief."),
    ]
    store.put([an_intake(document, embedder) for document in documents])
    return Locator(store, folder)


def targets(path: Path, locator: Locator) -> tuple[Sequence[Target], list[str]]:
    questions, faults = load_questions(path)
    found, unfit = locate(questions, locator)
    return found, [str(fault).removeprefix(f"{path}:") for fault in [*faults, *unfit]]


def test_every_form_of_an_answer_is_understood(folder: Path, locator: Locator) -> None:
    id_ = document_id(file_uri(folder / "a.txt"))
    bus = where("Bus")
    path = write(
        folder / "q.jsonl",
        {"question": "Was?", "answers": [bus]},
        {"question": "Was?", "answers": [{**bus, "text": None}]},
        {"question": "Was?", "answer": "Bus", **{k: v for k, v in bus.items() if k != "text"}},
        {"question": "Wann?", "answers": [{"text": "neun", "document": "a.txt"}]},
        {"id": "x", "question": "Wann?", "answers": ["um neun", "neun"]},
        {"question": "Warum?", "answers": []},
        {"question": "Warum?", "answer": None, "document": None, "start": None, "end": None},
    )
    found, faults = targets(path, locator)
    assert faults == []
    place = GoldPlace(id_, bus["start"], bus["end"])
    assert [(one.texts, one.places, one.unread) for one in found] == [
        (("Bus",), (place,), False),
        (("Bus",), (place,), False),
        (("Bus",), (place,), False),
        (
            ("neun",),
            (GoldPlace(id_, 19, 23), GoldPlace(id_, 42, 46)),
            False,
        ),
        (("um neun", "neun"), (), False),
        ((), (), False),
        ((), (), False),
    ]
    assert [one.question.id for one in found] == ["1", "2", "3", "4", "x", "6", "7"]
    assert [one.answerable for one in found] == [True] * 5 + [False] * 2
    for gold in found[3].places:
        assert TEXT[gold.start : gold.end] == "neun"


def test_a_document_inside_another_is_named_as_it_is_cited(folder: Path, locator: Locator) -> None:
    gold = {"text": "Brief", "document": "z.zip!/in#side/b.txt", "start": 4, "end": 9}
    found, faults = targets(
        write(folder / "q.jsonl", {"question": "?", "answers": [gold]}), locator
    )
    assert faults == []
    assert [one.texts for one in found] == [("Brief",)]


def test_what_was_not_read_is_told_from_what_is_not_there(folder: Path, locator: Locator) -> None:
    path = write(
        folder / "q.jsonl",
        {"question": "?", "answers": [{"text": "Schiff", "document": "a.txt"}]},
        {"question": "?", "answers": [{"text": "x", "document": "broken.pdf"}]},
        {"question": "?", "answers": [{"text": "x", "document": "none.txt"}]},
        {"question": "?", "answers": [{"document": "broken.pdf", "start": 0, "end": 2}]},
    )
    found, faults = targets(path, locator)
    assert [(one.texts, one.unread) for one in found] == [(("Schiff",), True), (("x",), True)]
    assert faults == [
        "3: names the document 'none.txt', which is not there",
        "4: has offsets in 'broken.pdf', which cannot be read",
    ]


def test_what_is_wrong_is_named_by_line_and_the_rest_goes_on(
    folder: Path, locator: Locator
) -> None:
    bus = where("Bus")
    path = write(
        folder / "q.jsonl",
        {"question": "?", "answers": [{**bus, "start": 0, "end": 3}]},
        {"question": "?", "answers": [{**bus, "text": None, "end": 4000}]},
        {"question": "?"},
        {"question": "?", "answers": "Bus"},
        {"question": "?", "answers": [3]},
        {"question": "?", "answers": [{"text": "x", "start": 3}]},
        {"question": "?", "answers": [{"text": "x", "start": 3, "end": 4}]},
        {"question": "?", "answers": [{}]},
        {"question": "?", "answers": [{**bus, "end": bus["start"]}]},
        {"question": "?", "answers": [{**bus, "start": -1}]},
        {"question": "", "answers": []},
        {"id": "12", "question": "?", "answers": []},
        {"id": "12", "question": "?", "answers": []},
        {"question": "?", "answers": [bus]},
    )
    found, faults = targets(path, locator)
    rest, begin = "'Bus fährt um neun.' stands, the text ends before", bus["start"]
    assert [one.question.id for one in found] == ["12", "14"]
    assert faults == [
        "3: has neither 'answers' nor 'answer' (null: there is none)",
        "4: has no list under 'answers'",
        "5: has an answer that is neither a text nor an object",
        "6: needs start, end and document together",
        "7: needs start, end and document together",
        "8: has an answer without text and without offsets",
        f"9: has an answer from {bus['start']} to {bus['start']}, which holds nothing",
        "10: has the offset -1, not a whole number from 0 up",
        "11: has no text under 'question'",
        f"13: has the id '12' of {path}:12",
        "1: has an answer at 0 to 3 of 'a.txt', where 'Der' stands, not 'Bus'",
        f"2: has an answer at {begin} to 4000 of 'a.txt', where {rest}",
    ]


def test_a_file_of_questions_is_told_from_a_document(folder: Path) -> None:
    assert holds_questions(write(folder / "q.jsonl", {"question": "?", "answer": None}))
    assert not holds_questions(write(folder / "d.jsonl", {"text": "?", "answer": None}))
    assert not holds_questions(folder / "a.txt")
    assert not holds_questions(folder / "none.jsonl")
    assert not holds_questions(write(folder / "q.pdf", {"question": "?", "answer": None}))
    # Reading one would wait for ever.
    os.mkfifo(folder / "pipe.jsonl")
    assert not holds_questions(folder / "pipe.jsonl")
