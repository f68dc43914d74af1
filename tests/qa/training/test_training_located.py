"""Questions about documents of an index become questions with a text."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from index.documents import Document, Passage, Section
from index.passages import Splitter
from index.store import IndexSettings
from qa.evaluation.questions import AskedQuestion, GoldPlace, Target
from qa.training.located import with_texts
from qa.training.mining import Mine, Text
from qa.training.split import articles
from tests.fakes.hash_embedder import HashEmbedder
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
    assert articles([found, found]) == [doc.text, doc.text]


def test_a_question_without_an_answer_comes_with_what_is_most_like_one() -> None:
    embedder = HashEmbedder()
    store = MemoryStore(IndexSettings(embedder.identity, Splitter()))
    mine = Mine(store, embedder, Splitter())
    mine.fill([Text("Bells", "The bell was cast in 1721."), Text("", "Books are lent.")])
    without = Target(asked("Who cast the bell?"), (), ())
    (found,), faults = with_texts([without], store, mine.near)
    assert not faults
    assert (found.context, found.title) == ("The bell was cast in 1721.", "Bells")
    assert not found.answers


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
