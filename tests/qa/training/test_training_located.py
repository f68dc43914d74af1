"""Questions about documents of an index become questions with a text."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.documents import Document, Passage, Section, document_id
from index.passages import Splitter
from index.retriever import Retriever
from index.store import IndexSettings
from qa.evaluation.questions import AskedQuestion, GoldPlace, Target
from qa.training.located import with_texts
from qa.training.mining import Mine, Text, nearest
from qa.training.sets import Source, parted
from qa.training.split import articles
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import an_intake
from tests.fakes.memory_store import MemoryStore


class OneDocument(MemoryStore):
    """A store whose every document is this one."""

    def __init__(self, document: Document) -> None:
        super().__init__(IndexSettings(HashEmbedder().identity, Splitter()))
        self._one = document

    def document(self, document_id: str) -> Document:
        return self._one


def document(text: str, *sections: Section) -> Document:
    return Document("d", "file:///d", "Handbook", "text/plain", text, "0" * 64, (), sections)


def asked(text: str = "who?") -> AskedQuestion:
    return AskedQuestion("1", text, (), "file:1")


def target(doc: Document, *places: tuple[int, int]) -> Target:
    return Target(
        asked(),
        tuple(doc.text[start:end] for start, end in places),
        tuple(GoldPlace("d", start, end) for start, end in places),
    )


def nothing(_: str) -> Sequence[Passage]:
    return []


@given(
    blocks=st.lists(st.text(alphabet="ab 😀\n", max_size=900), min_size=1, max_size=12),
    data=st.data(),
)
def test_answers_stand_in_the_stretch_around_them(blocks: list[str], data: st.DataObject) -> None:
    doc = document("\n\n".join(["first", *blocks]))
    places = []
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(doc.text) - 1))
        places.append((start, data.draw(st.integers(start + 1, min(len(doc.text), start + 50)))))
    (found,), faults = with_texts([target(doc, *places)], OneDocument(doc), nothing)
    assert not faults
    assert found.context in doc.text
    start, end = places[0]
    assert found.answers[0] == doc.text[start:end]
    for answer, at in zip(found.answers, found.starts, strict=True):
        assert found.context[at : at + len(answer)] == answer
    before = doc.text[max(0, start - 1500) : start]
    assert found.context[: found.starts[0]].endswith(before)


def test_it_stands_under_its_headings() -> None:
    doc = document("Leave\n\nThere are 26 days.", Section(("Leave",), 0, 25))
    start = doc.text.index("26")
    (found,), _ = with_texts([target(doc, (start, start + 2))], OneDocument(doc), nothing)
    assert found.title == "Handbook > Leave"
    assert articles([found, found]) == ["d", "d"]


def test_what_is_kept_apart_shares_no_text_with_what_is_trained_on() -> None:
    store = MemoryStore(IndexSettings(HashEmbedder().identity, Splitter()))
    targets = []
    for book in range(90):
        uri = f"file:///{book}"
        part = "Part {0}\n\nIn book {1} rule {0} costs {0}{1} francs. " + "It is so. " * 20
        texts = [part.format(number, book) for number in range(1, 81 if book < 3 else 3)]
        text = "\n\n".join(texts)
        starts = [text.index(one) for one in texts]
        ends = [*starts[1:], len(text)]
        sections = tuple(
            Section((f"Part {number}",), *place)
            for number, place in enumerate(zip(starts, ends, strict=True), 1)
        )
        doc = replace(document(text, *sections), id=document_id(uri), uri=uri)
        store.put([an_intake(doc, HashEmbedder())])
        for at in starts:
            place = GoldPlace(doc.id, at + 8, at + 20)
            targets.append(Target(asked(), (text[at + 8 : at + 20],), (place,)))
    questions, faults = with_texts(targets, store, nothing)
    found = parted(Source(Path(__file__)), questions, faults)
    assert found.held_out
    for apart in found.held_out:
        lines = set(filter(_tells, apart.context.splitlines()))
        assert lines
        for one in found.questions:
            assert not lines & set(filter(_tells, one.context.splitlines()))


def _tells(line: str) -> bool:
    return "francs" in line


@pytest.mark.parametrize("line", ["7;8;9;nothing;else\n", "one endless line "])
def test_without_blank_lines_not_much_more_is_shown(line: str) -> None:
    doc = document(line * 10_000)
    for start in (0, 1_000, 3_100, 77_777, len(doc.text) - 12):
        (found,), _ = with_texts([target(doc, (start, start + 12))], OneDocument(doc), nothing)
        assert len(found.context) <= 4 * 1500 + 12
        assert found.context[found.starts[0] :].startswith(doc.text[start : start + 12])
        before, after = found.starts[0], len(found.context) - found.starts[0] - 12
        assert before >= min(1500, start)
        assert after >= min(1500, len(doc.text) - start - 12)
        if line.endswith("\n") and 3000 < start < 100_000:
            assert found.context.startswith(line)
            assert found.context.endswith(line[:-1])


def test_a_question_without_an_answer_comes_with_what_is_most_like_one() -> None:
    embedder = HashEmbedder()
    store = MemoryStore(IndexSettings(embedder.identity, Splitter()))
    mine = Mine(store, embedder, Splitter())
    mine.fill([Text("Bells", "The bell was cast in 1721."), Text("", "Books are lent.")])
    without = Target(asked("Who cast the bell?"), (), ())
    (found,), faults = with_texts([without], store, mine.near)
    assert not faults
    assert (found.context, found.title) == ("The bell was cast in 1721.", "Bells")
    assert found.article in {summary.id for summary in store.documents()}
    assert not found.answers


def test_a_question_that_is_too_long_to_be_asked_is_named_and_the_others_kept() -> None:
    embedder = HashEmbedder()
    store = MemoryStore(IndexSettings(embedder.identity, Splitter()))
    Mine(store, embedder, Splitter()).fill([Text("Bells", "The bell was cast in 1721.")])
    retriever = Retriever(store, embedder)
    targets = [
        Target(asked("bell " * 3_000), (), ()),
        Target(asked("Who cast the bell?"), (), ()),
    ]
    found, faults = with_texts(targets, store, lambda text: nearest(retriever, text))
    assert [one.question for one in found] == ["Who cast the bell?"]
    (fault,) = faults
    assert str(fault).startswith("file:1: the question has 14,999 characters")


def test_what_cannot_be_placed_is_named() -> None:
    doc = document("text")
    unplaced = Target(asked(), ("26",), ())
    alone = Target(asked(), (), ())
    found, faults = with_texts([unplaced, alone], OneDocument(doc), nothing)
    assert not found
    assert [str(fault) for fault in faults] == [
        "file:1: has an answer whose place is not known",
        "file:1: finds nothing in the index to be read for it",
    ]
