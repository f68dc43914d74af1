"""Another edition, built beside the one that answers."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from index.embedding import Vectors
from index.errors import IncompatibleIndex, InvalidSettings
from index.indexing import Indexer
from index.local_store import LocalStore
from index.outcomes import Progress
from index.passages import Splitter
from index.reindex import reindex, roll_back
from index.sandbox.workers import InProcess
from index.store import IndexSettings, PassageStore
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.memory_store import MemoryStore

ONE, OTHER = HashEmbedder(32, "one"), HashEmbedder(48, "other")
NARROW = Splitter(20, 0)
TEXTS = {
    "long": "The rent is due on Monday. " * 40,
    "newt": "The newt sleeps.",
    "crab": "The crab sleeps.",
}


def put(store: PassageStore, embedder: HashEmbedder, splitter: Splitter, **texts: str) -> None:
    indexer = Indexer(store, embedder, splitter, InProcess())
    for name, text in texts.items():
        indexer.add_bytes(text.encode(), uri=f"upload:{name}", name=f"{name}.txt")


@pytest.fixture(params=["memory", "local"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PassageStore]:
    settings = IndexSettings(ONE.identity, Splitter())
    made: PassageStore
    if request.param == "memory":
        made = MemoryStore(settings)
    else:
        made = LocalStore.create(tmp_path / "index", settings)
    put(made, ONE, Splitter(), **TEXTS)
    yield made
    made.close()


def passages(store: PassageStore) -> dict[str, int]:
    return {summary.uri: summary.passages for summary in store.documents()}


def best(store: PassageStore, embedder: HashEmbedder, question: str) -> str:
    (found,) = store.candidates("", embedder.embed_questions([question])[0], 1)
    return found.passage.text


def adopt(store: PassageStore, settings: IndexSettings) -> None:
    """Tell a store of another process what is made with from now on."""
    if isinstance(store, LocalStore):
        store.require(settings)


def test_documents_are_cut_and_embedded_again_without_their_files(store: PassageStore) -> None:
    before = passages(store)
    seen: list[Progress] = []
    reindex(store, OTHER, NARROW, seen.append)
    after = passages(store)
    assert after["upload:long"] > 3 * before["upload:long"]
    assert store.settings == IndexSettings(OTHER.identity, NARROW)
    assert store.previous == IndexSettings(ONE.identity, Splitter())
    assert store.building is None
    assert best(store, OTHER, "The newt sleeps.") == "The newt sleeps."
    assert seen[-1] == Progress(to_read=3, read=3, passages=sum(after.values()))


class Stopping(HashEmbedder):
    """Is interrupted when it comes to a certain text."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if any("the last one" in text for text in texts):
            raise KeyboardInterrupt
        return super().embed_passages(texts)


def test_interrupted_the_index_answers_as_before_and_the_rest_is_done_later(
    store: PassageStore,
) -> None:
    many = " ".join(f"Pool {number} is {number} metres long." for number in range(300))
    put(store, ONE, Splitter(), many=many, last="This is the last one.")
    before = passages(store)
    with pytest.raises(KeyboardInterrupt):
        reindex(store, Stopping(48, "other"), NARROW)
    assert passages(store) == before
    assert best(store, ONE, "The newt sleeps.") == "The newt sleeps."
    assert store.building == IndexSettings(OTHER.identity, NARROW)
    done, total = store.edition_progress() or (0, 0)
    assert (done, total) == (4, 5)
    put(store, ONE, Splitter(), owl="The owl sleeps.")
    seen: list[Progress] = []
    reindex(store, OTHER, NARROW, seen.append)
    assert seen[0].read > done
    assert (seen[-1].read, seen[-1].to_read) == (6, 6)
    assert best(store, OTHER, "The owl sleeps.") == "The owl sleeps."


def test_with_the_same_embedder_known_texts_are_not_embedded_again(store: PassageStore) -> None:
    class Counting(HashEmbedder):
        texts: list[str] = []  # noqa: RUF012 - one test's own

        def embed_passages(self, texts: Sequence[str]) -> Vectors:
            self.texts += texts
            return super().embed_passages(texts)

    embedder = Counting(32, "one")
    reindex(store, embedder, NARROW)
    assert not any("sleeps" in text for text in embedder.texts)
    assert any("rent" in text for text in embedder.texts)


def test_going_back_needs_no_embedder_where_nothing_was_added(store: PassageStore) -> None:
    before = passages(store)
    reindex(store, OTHER, NARROW)

    def unwanted(name: str) -> HashEmbedder:
        raise AssertionError(name)

    assert roll_back(store, unwanted) == IndexSettings(ONE.identity, Splitter())
    assert passages(store) == before
    assert best(store, ONE, "The newt sleeps.") == "The newt sleeps."
    assert store.previous == IndexSettings(OTHER.identity, NARROW)


def test_going_back_takes_along_what_was_added_since(store: PassageStore) -> None:
    reindex(store, OTHER, NARROW)
    adopt(store, IndexSettings(OTHER.identity, NARROW))
    put(store, OTHER, NARROW, owl="The owl sleeps.")
    names: list[str] = []

    def opened(name: str) -> HashEmbedder:
        names.append(name)
        return ONE

    roll_back(store, opened)
    assert names == ["one"]
    assert best(store, ONE, "The owl sleeps.") == "The owl sleeps."


def test_going_back_is_refused_where_there_is_nothing_to_go_back_to(store: PassageStore) -> None:
    with pytest.raises(InvalidSettings, match="no earlier edition"):
        roll_back(store, lambda name: ONE)


def test_going_back_is_refused_with_other_weights(store: PassageStore) -> None:
    reindex(store, OTHER, NARROW)
    adopt(store, IndexSettings(OTHER.identity, NARROW))
    put(store, OTHER, NARROW, owl="The owl sleeps.")
    with pytest.raises(IncompatibleIndex, match="other weights"):
        roll_back(store, lambda name: HashEmbedder(32, "changed"))
    assert store.settings == IndexSettings(OTHER.identity, NARROW)


def test_settings_that_cannot_work_are_refused(store: PassageStore) -> None:
    with pytest.raises(InvalidSettings):
        reindex(store, ONE, Splitter(tokens=250))
    assert store.building is None
