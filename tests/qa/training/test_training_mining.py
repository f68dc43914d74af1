"""Misleading passages are found as questions find them."""

from collections.abc import Sequence

import pytest

from index.embedding import Embedder
from index.passages import Splitter
from index.store import IndexSettings
from qa.training.mining import Blind, Mine, Text
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.memory_store import MemoryStore

TEXTS = [
    Text("Bells", "The bell of Bern was cast in 1721."),
    Text("Bells", "The bell of Wien was cast in 1711."),
    Text("", "A reader may borrow twelve books."),
]
SPLITTER = Splitter()


def mine(embedder: Embedder) -> tuple[Mine, MemoryStore]:
    store = MemoryStore(IndexSettings(embedder.identity, SPLITTER))
    return Mine(store, embedder, SPLITTER), store


@pytest.mark.parametrize("blind", [False, True])
def test_a_question_finds_the_texts_that_share_its_words(blind: bool) -> None:
    embedder: Embedder = Blind(HashEmbedder()) if blind else HashEmbedder()
    finder, _ = mine(embedder)
    finder.fill(TEXTS)
    found = finder.near("When was the bell of Bern cast?")
    assert [one.text for one in found][:2] == [TEXTS[0].text, TEXTS[1].text]
    assert [one.context for one in found][:2] == ["Bells", "Bells"]
    assert next(one for one in found if "books" in one.text).context == ""


def test_texts_that_are_there_are_not_stored_again() -> None:
    finder, store = mine(HashEmbedder())
    told: list[int] = []
    finder.fill(TEXTS[:2], told.append)
    generation = store.generation
    finder.fill(TEXTS[:2], told.append)
    assert store.generation == generation
    finder.fill([*TEXTS, TEXTS[0]], told.append)
    assert store.counts() == (3, 3)
    assert told == [0, 2, 2, 2, 3]


def test_of_a_question_that_is_too_long_to_be_asked_the_end_is() -> None:
    finder, _ = mine(HashEmbedder())
    finder.fill(TEXTS)
    for after in ("", " " * 20_000):
        found = finder.near("books " * 5_000 + "the bell of Bern " * 700 + after)
        assert found[0].text == TEXTS[0].text


def test_texts_that_are_not_wanted_any_more_are_removed() -> None:
    finder, store = mine(HashEmbedder())
    finder.fill(TEXTS)
    finder.fill(TEXTS[1:])
    assert store.counts() == (2, 2)
    assert TEXTS[0].text not in {one.text for one in finder.near("the bell of Bern")}


def test_the_same_text_under_two_titles_is_two_texts() -> None:
    finder, store = mine(HashEmbedder())
    texts: Sequence[Text] = [Text("One", "The very same."), Text("Two", "The very same.")]
    finder.fill(texts)
    assert store.counts()[0] == 2


def test_to_the_blind_all_texts_are_alike_and_none_the_same() -> None:
    blind = Blind(HashEmbedder())
    vectors = blind.embed_passages([f"text {number}" for number in range(500)])
    likeness = vectors @ blind.embed_questions(["which?"])[0]
    assert likeness.min() > 0.994
    assert len(set(likeness.tolist())) > 400
    assert abs((vectors**2).sum(1) - 1).max() < 1e-6
