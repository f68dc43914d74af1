"""What every `PassageStore` does."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.catalog import IndexSettings
from index.documents import Document, Page, Passage
from index.embedding import Vectors
from index.errors import UnknownDocument
from index.passages import Splitter, split, text_in_context
from index.store import Candidate, LocalStore, PassageStore
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_entry
from tests.fakes.memory_store import MemoryStore

EMBEDDER = HashEmbedder()
SETTINGS = IndexSettings(EMBEDDER.identity, Splitter())

LEASE = a_document(
    "test:lease", "The rent is 900 pounds.\n\nThe deposit is two rents.", title="Lease"
)
ZOO = a_document("test:zoo", "Whales sing.\n\nOtters hold hands.", title="Zoo")
TRAM = a_document("test:tram", "The tram stops at the harbour.")

Make = Callable[[], PassageStore]


@pytest.fixture(params=["local", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    opened: list[PassageStore] = []

    def make_store() -> PassageStore:
        store: PassageStore
        if request.param == "memory":
            store = MemoryStore(SETTINGS)
        else:
            store = LocalStore.create(tmp_path / f"index{len(opened)}", SETTINGS)
        opened.append(store)
        return store

    yield make_store
    for store in opened:
        store.close()


@pytest.fixture
def store(make: Make) -> PassageStore:
    return make()


def put(store: PassageStore, *documents: Document) -> None:
    store.put([an_entry(document, EMBEDDER) for document in documents])


def search(
    store: PassageStore, question: str, k: int = 50, within: Sequence[str] | None = None
) -> list[Candidate]:
    return store.candidates(question, EMBEDDER.embed_questions([question])[0], k, within)


def texts(candidates: Sequence[Candidate]) -> set[str]:
    return {candidate.passage.text for candidate in candidates}


def by_score(candidates: Sequence[Candidate], side: str) -> list[float]:
    return sorted((getattr(candidate, side) for candidate in candidates), reverse=True)


# Documents


def test_a_new_store_is_empty(store: PassageStore) -> None:
    assert store.documents() == []
    assert store.find("test:lease") is None
    assert search(store, "rent") == []
    assert store.settings == SETTINGS


def test_a_document_comes_back_as_it_was_put(store: PassageStore) -> None:
    document = replace(
        a_document("test:a", "One.\n\nTwo \U0001f469‍\U0001f680 é\x0b.", headings=["One", "Two"]),
        title="“A” & b",
        pages=(Page(1, 0, 4), Page(7, 6, 12)),
        metadata={"author": "Ünal"},
    )
    put(store, document)
    assert store.document(document.id) == document


def test_a_summary_says_what_the_document_has(store: PassageStore) -> None:
    store.put([an_entry(LEASE, EMBEDDER, extractor=4)])
    (summary,) = store.documents()
    assert store.find("test:lease") == summary
    assert (summary.id, summary.uri, summary.title) == (LEASE.id, "test:lease", "Lease")
    assert (summary.media_type, summary.sha256) == ("text/plain", LEASE.sha256)
    assert (summary.extractor, summary.characters, summary.pages) == (4, len(LEASE.text), 0)
    assert summary.passages == 1
    assert summary.added_at.endswith("Z")


def test_documents_are_in_the_order_of_their_uris(store: PassageStore) -> None:
    put(store, ZOO, LEASE)
    put(store, TRAM)
    assert [summary.uri for summary in store.documents()] == ["test:lease", "test:tram", "test:zoo"]


def test_only_the_uri_itself_is_found(store: PassageStore) -> None:
    put(store, LEASE)
    assert [store.find(uri) for uri in ("", "test:", "test:leas%", "TEST:LEASE")] == [None] * 4


def test_an_unknown_document_is_an_error(store: PassageStore) -> None:
    with pytest.raises(UnknownDocument, match="ffff"):
        store.document("ffff")


def test_putting_a_document_again_replaces_it_whole(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    put(store, a_document(LEASE.uri, "The rent is 950 pounds."))
    assert len(store.documents()) == 2
    assert store.document(LEASE.id).text == "The rent is 950 pounds."
    assert texts(search(store, "rent deposit")) == {"The rent is 950 pounds.", ZOO.text}


def test_of_two_versions_put_at_once_the_last_one_stays(store: PassageStore) -> None:
    put(store, a_document(LEASE.uri, "Gone already."), LEASE)
    assert texts(search(store, "gone rent")) == {LEASE.text}


def test_when_one_entry_is_wrong_none_is_put(store: PassageStore) -> None:
    put(store, LEASE)
    before = store.generation
    wrong = an_entry(TRAM, EMBEDDER)
    for vectors in (np.empty((0, 32), np.float32), np.ones((1, 31), np.float32)):
        with pytest.raises(ValueError):
            store.put(
                [
                    an_entry(ZOO, EMBEDDER),
                    an_entry(a_document(LEASE.uri, "Changed."), EMBEDDER),
                    replace(wrong, vectors=vectors),
                ]
            )
        assert [summary.uri for summary in store.documents()] == ["test:lease"]
        assert store.document(LEASE.id) == LEASE
        assert texts(search(store, "rent changed whales")) == {LEASE.text}
        assert store.generation == before


def test_a_removed_document_is_gone_from_everywhere(store: PassageStore) -> None:
    put(store, LEASE, ZOO, TRAM)
    store.remove([LEASE.id, TRAM.id])
    assert [summary.uri for summary in store.documents()] == ["test:zoo"]
    assert store.find("test:lease") is None
    assert texts(search(store, "rent deposit tram harbour")) == {ZOO.text}
    with pytest.raises(UnknownDocument):
        store.document(LEASE.id)


def test_when_one_id_is_unknown_nothing_is_removed(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    before = store.generation
    with pytest.raises(UnknownDocument, match="ffff"):
        store.remove([LEASE.id, "ffff", ZOO.id])
    assert len(store.documents()) == 2
    assert texts(search(store, "rent")) == {LEASE.text, ZOO.text}
    assert store.generation == before


def test_a_removed_document_can_be_put_again(store: PassageStore) -> None:
    put(store, LEASE)
    store.remove([LEASE.id])
    put(store, LEASE)
    assert texts(search(store, "rent")) == {LEASE.text}


def test_the_generation_grows_with_every_change_and_with_nothing_else(store: PassageStore) -> None:
    seen = [store.generation]
    put(store, LEASE, ZOO)
    seen.append(store.generation)
    put(store, LEASE)
    seen.append(store.generation)
    store.remove([ZOO.id])
    seen.append(store.generation)
    store.rebuild(SETTINGS, remade(EMBEDDER))
    seen.append(store.generation)
    assert seen == sorted(set(seen))
    store.put([])
    search(store, "rent")
    store.documents()
    assert store.generation == seen[-1]


def test_closing_twice_does_no_harm(store: PassageStore) -> None:
    put(store, LEASE)
    search(store, "rent")
    store.close()
    store.close()


# Searching


def test_both_sides_find_their_best_with_the_right_scores(store: PassageStore) -> None:
    put(store, LEASE, ZOO, TRAM)
    found = {candidate.passage.document_id: candidate for candidate in search(store, "whales sing")}
    assert set(found) == {LEASE.id, ZOO.id, TRAM.id}
    question = EMBEDDER.embed_questions(["whales sing"])[0]
    for document in (LEASE, ZOO, TRAM):
        assert found[document.id].dense_score == pytest.approx(
            float(an_entry(document, EMBEDDER).vectors[0] @ question), abs=1e-6
        )
    assert found[ZOO.id].dense_score > 0.5
    assert found[ZOO.id].lexical_score > 0
    assert found[LEASE.id].lexical_score == found[TRAM.id].lexical_score == 0


def test_a_passage_found_by_one_side_has_the_score_of_the_other_too(store: PassageStore) -> None:
    # The vector asks for the zoo, the words ask for the tram.
    put(store, LEASE, ZOO, TRAM)
    zoo = an_entry(ZOO, EMBEDDER).vectors[0]
    found = {c.passage.document_id: c for c in store.candidates("tram", zoo, 1)}
    assert set(found) == {ZOO.id, TRAM.id}
    assert found[ZOO.id].dense_score == pytest.approx(1, abs=1e-6)
    assert found[ZOO.id].lexical_score == 0
    assert found[TRAM.id].dense_score == pytest.approx(
        float(an_entry(TRAM, EMBEDDER).vectors[0] @ zoo), abs=1e-6
    )
    assert found[TRAM.id].lexical_score > 0


def test_cosines_stay_between_minus_one_and_one(store: PassageStore) -> None:
    put(store, *(a_document(f"test:{n}", f"word{n} " * n) for n in range(1, 40)))
    for n in range(1, 40):
        scores = [candidate.dense_score for candidate in search(store, f"word{n}")]
        assert max(scores) == pytest.approx(1, abs=1e-6)
        assert all(-1 <= score <= 1 for score in scores)


def test_a_passage_of_two_identical_documents_is_found_in_both(store: PassageStore) -> None:
    put(store, LEASE, a_document("test:copy", LEASE.text, title=LEASE.title))
    found = search(store, "rent")
    assert len({candidate.passage.id for candidate in found}) == len(found) == 2
    assert len({(c.dense_score, c.lexical_score) for c in found}) == 1


def test_within_looks_into_no_other_document(store: PassageStore) -> None:
    put(store, LEASE, ZOO, TRAM)
    assert texts(search(store, "rent whales", within=[ZOO.id])) == {ZOO.text}
    assert texts(search(store, "rent", 1, within=[ZOO.id, TRAM.id])) <= {ZOO.text, TRAM.text}
    assert search(store, "rent", within=[]) == []
    assert texts(search(store, "rent", within=["unknown", TRAM.id])) == {TRAM.text}


def test_a_filter_does_not_change_the_scores(store: PassageStore) -> None:
    put(store, LEASE, ZOO, TRAM)
    everywhere = {c.passage.id: c for c in search(store, "deposit of the tram")}
    for candidate in search(store, "deposit of the tram", within=[TRAM.id, LEASE.id]):
        other = everywhere[candidate.passage.id]
        assert candidate.dense_score == pytest.approx(other.dense_score, abs=1e-6)
        assert candidate.lexical_score == pytest.approx(other.lexical_score, abs=1e-6)


def test_the_words_of_title_and_headings_find_a_passage_too(store: PassageStore) -> None:
    put(store, ZOO, TRAM)
    scores = {c.passage.document_id: c.lexical_score for c in search(store, "the zoo")}
    assert scores[ZOO.id] > 0 == scores[TRAM.id]


HOSTILE = [
    '"',
    '" OR * NEAR(',
    "whales\" OR passages_fts MATCH 'x",
    "'; DROP TABLE documents; --",
    "text:whales AND NOT (sing)",
    "NEAR(whales sing, 2) ^whales + sing*",
    "{text context}: whales",
    "\x00whales\x00",
    "_ __ ___",
    "* - + ^ : ( ) { } [ ] \\ / % ' \" `",
    "🐋" * 100,
    "what is it",
    "AND OR NOT",
    "whales " * 2000,
    " ".join(f"word{n}" for n in range(2000)),
    "x" * 9000,
    "ª º ² ½ ﬁ İ ẞ",
]


@pytest.mark.parametrize("question", HOSTILE)
def test_a_hostile_question_is_only_words(store: PassageStore, question: str) -> None:
    put(store, LEASE, ZOO, TRAM)
    found = search(store, question)
    assert texts(found) == {LEASE.text, ZOO.text, TRAM.text}
    if "whales" in question:
        best = max(found, key=lambda candidate: candidate.lexical_score)
        assert best.passage.document_id == ZOO.id


# Rebuilding


def remade(
    embedder: HashEmbedder, splitter: Splitter = SETTINGS.splitter
) -> Callable[[Document], tuple[list[Passage], Vectors]]:
    def make(document: Document) -> tuple[list[Passage], Vectors]:
        passages = split(document, embedder.tokenize, splitter)
        return passages, embedder.embed_passages([text_in_context(p) for p in passages])

    return make


@pytest.mark.parametrize("searched_before", [False, True])
@pytest.mark.parametrize("dim", [32, 48])
def test_rebuilding_gives_every_document_other_passages_and_vectors(
    store: PassageStore, dim: int, searched_before: bool
) -> None:
    long = a_document("test:long", "The rent is due on Monday. " * 30)
    put(store, long, ZOO)
    if searched_before:
        search(store, "rent")
    embedder, splitter = HashEmbedder(dim, "another"), Splitter(tokens=40, overlap=0)
    store.rebuild(IndexSettings(embedder.identity, splitter), remade(embedder, splitter))
    assert store.settings == IndexSettings(embedder.identity, splitter)
    assert store.document(long.id) == long
    expected = remade(embedder, splitter)(long)[0]
    assert len(expected) > 4
    question = embedder.embed_questions(["rent Monday"])[0]
    found = store.candidates("rent Monday", question, 50)
    assert {c.passage for c in found if c.passage.document_id == long.id} == set(expected)
    row = remade(embedder, splitter)(ZOO)[1][0]
    (zoo,) = store.candidates("whales", row, 1, [ZOO.id])
    assert zoo.dense_score == pytest.approx(1, abs=1e-6)


def test_a_rebuild_that_fails_changes_nothing(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    before = store.generation
    embedder = HashEmbedder(16, "another")

    def make(document: Document) -> tuple[list[Passage], Vectors]:
        if document.id == ZOO.id:
            raise KeyboardInterrupt
        return remade(embedder)(document)

    with pytest.raises(KeyboardInterrupt):
        store.rebuild(IndexSettings(embedder.identity, Splitter(tokens=32)), make)
    assert store.settings == SETTINGS
    assert store.generation == before
    assert texts(search(store, "rent whales")) == {LEASE.text, ZOO.text}


# Against the oracle

# Words that the stemmer leaves alone.
WORDS = ["rent", "whale", "tram", "harbor", "otter", "lamp", "tulip", "gold"]
contents = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
changes = st.lists(st.tuples(st.sampled_from("abcdef"), contents | st.none()), max_size=12)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(changes=changes, question=contents, k=st.integers(1, 8), data=st.data())
def test_it_finds_what_looking_at_every_passage_finds(
    make: Make, changes: list[tuple[str, str | None]], question: str, k: int, data: st.DataObject
) -> None:
    store, oracle = make(), MemoryStore(SETTINGS)
    try:
        for name, content in changes:
            document = a_document(f"test:{name}", content or "", title=f"tulip {name}")
            known = oracle.find(document.uri) is not None
            for side in (store, oracle):
                if content is not None:
                    put(side, document)
                elif known:
                    side.remove([document.id])
        ids = [summary.id for summary in oracle.documents()]
        within = data.draw(st.none() | st.lists(st.sampled_from(ids) if ids else st.nothing()))
        everything = {c.passage: c for c in search(oracle, question, 1000, within)}
        found = search(store, question, k, within)
        assert len({c.passage for c in found}) == len(found)
        for candidate in found:
            expected = everything[candidate.passage]
            assert candidate.dense_score == pytest.approx(expected.dense_score, abs=1e-6)
            assert candidate.lexical_score == pytest.approx(expected.lexical_score, abs=1e-6)
        for side_name in ("dense_score", "lexical_score"):
            best = by_score(list(everything.values()), side_name)[:k]
            assert by_score(found, side_name)[: len(best)] == pytest.approx(best, abs=1e-6)
    finally:
        store.close()
