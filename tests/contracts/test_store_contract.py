"""What every `PassageStore` does."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.documents import Cell, Document, Glyphs, Page, Part, Passage, Problem, Section
from index.embedding import Vectors
from index.errors import IncompatibleIndex, UnknownDocument
from index.filters import EVERYTHING, Filter, parse
from index.full_text import Sizes
from index.local_store import LocalStore
from index.passages import Splitter, text_in_context
from index.store import (
    PARTLY,
    Candidate,
    DocumentSummary,
    Entry,
    IndexSettings,
    Intake,
    Origin,
    OriginState,
    PassageStore,
)
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_entry, an_intake, build, reindex
from tests.fakes.memory_store import MemoryStore

EMBEDDER = HashEmbedder()
SETTINGS = IndexSettings(EMBEDDER.identity, Splitter())

LEASE = a_document(
    "test:lease", "The rent is 900 pounds.\n\nThe deposit is two rents.", title="Lease"
)
ZOO = a_document("test:zoo", "Whales sing.\n\nOtters hold hands.", title="Zoo")
TRAM = a_document("test:tram", "The tram stops at the harbour.")

Make = Callable[[], PassageStore]


# So few that files of words are written, merged and read in all these tests.
FEW = {
    "local, words in files": Sizes(least=1, tail=1, portion=3, most_tail=50, largest=8),
    "local, words in files and in memory": Sizes(least=2, tail=6, portion=4, most_tail=50),
}


@pytest.fixture(
    params=["local", *(pytest.param(name, marks=pytest.mark.slow) for name in FEW), "memory"]
)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    opened: list[PassageStore] = []

    def make_store() -> PassageStore:
        store: PassageStore
        if request.param == "memory":
            store = MemoryStore(SETTINGS)
        else:
            store = LocalStore.create(
                tmp_path / f"index{len(opened)}", SETTINGS, sizes=FEW.get(request.param)
            )
        opened.append(store)
        return store

    yield make_store
    for store in opened:
        store.close()


@pytest.fixture
def store(make: Make) -> PassageStore:
    return make()


def put(store: PassageStore, *documents: Document) -> None:
    store.put([an_intake(document, EMBEDDER) for document in documents])


def search(
    store: PassageStore,
    question: str,
    k: int = 50,
    within: Sequence[str] | None = None,
    where: Filter = EVERYTHING,
) -> list[Candidate]:
    return store.candidates(question, EMBEDDER.embed_questions([question])[0], k, within, where)


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
        pages=(Page(1, 0, 4, Glyphs(612.0, 792.5, b"\x00\xff")), Page(7, 6, 12)),
        metadata={"author": "Ünal"},
        parts=(Part("sheet", "Prices “net”", 0, 4), Part("part", "1.2", 6, 12)),
        cells=(Cell(0, 3, 1, 1), Cell(6, 9, 2, 16384)),
        title_from_name=True,
    )
    put(store, document)
    assert store.document(document.id) == document


def test_a_summary_says_what_the_document_has(store: PassageStore) -> None:
    put(store, replace(LEASE, metadata={"author": "Ünal"}, pages=(Page(1, 0, 9),)))
    (summary,) = store.documents()
    assert store.find("test:lease") == summary
    assert (summary.id, summary.uri, summary.title) == (LEASE.id, "test:lease", "Lease")
    assert (summary.media_type, summary.sha256) == ("text/plain", LEASE.sha256)
    assert (summary.characters, summary.pages, summary.passages) == (len(LEASE.text), 1, 1)
    assert (summary.copies, summary.metadata) == ((), {"author": "Ünal"})
    assert summary.added_at.endswith("Z")


def test_documents_are_had_by_pages(store: PassageStore) -> None:
    for uri in ("test:b", "test:é", "test:a", "test:c", "Z:\U0001f600", "test:ab"):
        put(store, a_document(uri, f"About {uri}."))
    # A copy is no document of its own.
    put(store, a_document("test:aa", "About test:b."))
    everything = store.documents()
    for most in (1, 2, 10):
        found: list[DocumentSummary] = []
        while page := store.page(found[-1].uri if found else "", most):
            assert len(page) <= most
            found += page
        assert found == everything
    assert [summary.uri for summary in store.page("test:b", 2)] == ["test:c", "test:é"]


def test_documents_and_passages_are_counted(store: PassageStore) -> None:
    assert store.counts() == (0, 0)
    put(store, LEASE, a_document("test:a", "One.\n\nTwo."))
    passages = [len(store.passages(summary.id)) for summary in store.documents()]
    assert store.counts() == (2, sum(passages))
    store.remove([LEASE.id])
    assert store.counts()[0] == 1


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
    wrong = an_intake(TRAM, EMBEDDER)
    for vectors in (np.empty((0, 32), np.float32), np.ones((1, 31), np.float32)):
        with pytest.raises(ValueError):
            store.put(
                [
                    an_intake(ZOO, EMBEDDER),
                    an_intake(a_document(LEASE.uri, "Changed."), EMBEDDER),
                    replace(wrong, entries=[replace(wrong.entries[0], vectors=vectors)]),
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
    store.rearrange([], [LEASE.uri])
    seen.append(store.generation)
    reindex(store, EMBEDDER, SETTINGS.splitter)
    seen.append(store.generation)
    assert seen == sorted(set(seen))
    store.put([])
    store.rearrange([], [])
    store.begin(OTHERS)
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


def test_equal_passages_of_two_documents_are_found_in_both(store: PassageStore) -> None:
    put(store, LEASE, replace(LEASE, uri="test:other", sha256="00"))
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


TOLD = {
    "file:///docs/a%20b/one.pdf": {"language": "en", "Client": "Zürich"},
    "file:///docs/two.md": {"language": "de", "date": "2024-05-17"},
    "upload:three.txt": {"date": "2023-01-01", "type": "letter"},
    "test:four": {"path": "docs", "caf\u00e9": "7"},
}


def told(uri: str) -> Document:
    media_type = "application/pdf" if uri.endswith("pdf") else "text/plain"
    return replace(
        a_document(uri, f"The rent of {uri} is due.", title=uri[-3:]),
        metadata=TOLD[uri],
        media_type=media_type,
    )


@pytest.mark.parametrize(
    "conditions",
    [
        ["path=docs/two.md"],
        ["path~a b/*"],
        ["path=docs"],
        ["uri!=test:four"],
        ["type=pdf"],
        ["type!=letter"],
        ["LANGUAGE=EN"],
        ["language!=en"],
        ["client=zürich"],
        ["CAF\u00c9>=7"],
        ["date>=2023", "date<=2024-05"],
        ["title=pdf"],
        ["characters>=10"],
        ["pages<=0"],
        ["added>=2020"],
        ["id~*"],
        ["language~*", "date~*"],
        ["unknown=1"],
    ],
)
def test_only_documents_that_fit_are_looked_in(store: PassageStore, conditions: list[str]) -> None:
    documents = list(map(told, TOLD))
    put(store, *documents)
    store.rearrange([moved(documents[1], "test:copy of two")], [])
    where = parse(conditions)
    fitting = {one.id for one in where.select(store.documents())}
    ids = {document.id for document in documents}
    for within in (None, [], [documents[0].id], [one.id for one in documents[1:]], ["none"]):
        wanted = fitting if within is None else fitting.intersection(within)
        found = search(store, "rent", 50, within, where)
        assert {candidate.passage.document_id for candidate in found} == wanted
        assert store.has_any(within, where) == bool(wanted)
        scores = {c.passage: (c.dense_score, c.lexical_score) for c in search(store, "rent")}
        for one in found:
            assert scores[one.passage] == pytest.approx((one.dense_score, one.lexical_score))
    assert fitting <= ids


def test_a_filter_is_held_against_what_is_there_now(store: PassageStore) -> None:
    where = parse(["language=de"])
    put(store, LEASE)
    assert not store.has_any(where=where)
    put(store, replace(LEASE, metadata={"language": "de"}), ZOO)
    assert texts(search(store, "rent whales", where=where)) == {LEASE.text}
    store.remove([store.documents()[0].id])
    assert not store.has_any(where=where)
    assert search(store, "rent", where=where) == []


# Editions


def begun(embedder: HashEmbedder, splitter: Splitter = SETTINGS.splitter) -> IndexSettings:
    return IndexSettings(embedder.identity, splitter)


OTHER = HashEmbedder(48, "other")
OTHERS = begun(OTHER, Splitter(tokens=40, overlap=0))
LONG = a_document("test:long", "The rent is due on Monday. " * 30)


def filling(document: Document) -> tuple[Document, Sequence[Passage], Vectors]:
    entry = an_entry(document, OTHER, OTHERS.splitter)
    return entry.document, entry.passages, entry.vectors


@pytest.mark.parametrize("searched_before", [False, True])
@pytest.mark.parametrize("dim", [32, 48])
def test_reindexing_gives_every_document_other_passages_and_vectors(
    store: PassageStore, dim: int, searched_before: bool
) -> None:
    put(store, LONG, ZOO)
    if searched_before:
        search(store, "rent")
    embedder, splitter = HashEmbedder(dim, "another"), Splitter(tokens=40, overlap=0)
    reindex(store, embedder, splitter)
    assert store.settings == begun(embedder, splitter)
    assert store.document(LONG.id) == LONG
    expected = an_entry(LONG, embedder, splitter).passages
    assert len(expected) > 4
    assert store.passages(LONG.id) == expected
    question = embedder.embed_questions(["rent Monday"])[0]
    found = store.candidates("rent Monday", question, 50)
    assert {c.passage for c in found if c.passage.document_id == LONG.id} == set(expected)
    row = an_entry(ZOO, embedder, splitter).vectors[0]
    (zoo,) = store.candidates("whales", row, 1, [ZOO.id])
    assert zoo.dense_score == pytest.approx(1, abs=1e-6)


def test_the_current_edition_answers_while_another_is_built(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    before = search(store, "rent whales"), store.generation
    store.begin(OTHERS)
    store.fill([filling(LEASE)])
    assert store.settings == SETTINGS
    assert store.building == OTHERS
    assert store.edition_progress() == (1, 2)
    assert (search(store, "rent whales"), store.generation) == before
    assert not store.switch()
    assert (search(store, "rent whales"), store.generation) == before
    store.fill([filling(ZOO)])
    assert store.pending(9) == []
    assert store.edition_progress() == (2, 2)
    assert store.switch()
    assert (store.settings, store.building, store.previous) == (OTHERS, None, SETTINGS)
    assert store.edition_progress() is None
    assert store.generation > before[1]


def test_a_new_store_builds_nothing(store: PassageStore) -> None:
    assert (store.building, store.previous, store.edition_progress()) == (None, None, None)
    assert store.pending(9) == []
    with pytest.raises(IncompatibleIndex):
        store.switch()
    with pytest.raises(IncompatibleIndex):
        store.fill([filling(ZOO)])


def test_an_empty_store_is_switched_at_once(store: PassageStore) -> None:
    store.begin(OTHERS)
    assert store.switch()
    assert store.settings == OTHERS


def test_pending_are_at_most_so_many_documents_and_each_is_once(store: PassageStore) -> None:
    put(store, LEASE, ZOO, TRAM)
    store.begin(OTHERS)
    assert set(store.pending(9)) == {LEASE.id, ZOO.id, TRAM.id}
    first = store.pending(2)
    assert len(first) == 2
    store.fill([filling(store.document(id_)) for id_ in first])
    assert set(first) | set(store.pending(2)) == {LEASE.id, ZOO.id, TRAM.id}


def test_what_was_built_is_not_built_again_when_it_is_begun_again(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    store.begin(OTHERS)
    store.fill([filling(LEASE)])
    store.begin(OTHERS)
    assert store.pending(9) == [ZOO.id]
    store.begin(begun(OTHER))
    assert set(store.pending(9)) == {LEASE.id, ZOO.id}
    store.begin(OTHERS)
    assert set(store.pending(9)) == {LEASE.id, ZOO.id}


def test_what_is_stored_meanwhile_is_pending_and_what_is_removed_is_not(
    store: PassageStore,
) -> None:
    put(store, LEASE, ZOO)
    store.begin(OTHERS)
    store.fill([filling(LEASE), filling(ZOO)])
    put(store, TRAM)
    put(store, a_document(LEASE.uri, "The rent is 950 pounds."))
    store.remove([ZOO.id])
    assert set(store.pending(9)) == {TRAM.id, LEASE.id}
    store.fill([filling(store.document(LEASE.id)), filling(TRAM), filling(ZOO)])
    assert store.switch()
    question = OTHER.embed_questions(["rent"])[0]
    assert texts(store.candidates("rent", question, 9)) == {"The rent is 950 pounds.", TRAM.text}


def test_passages_of_an_older_content_do_not_fill_a_document(store: PassageStore) -> None:
    put(store, LEASE)
    store.begin(OTHERS)
    old = filling(LEASE)
    put(store, a_document(LEASE.uri, "The rent is 950 pounds."))
    store.fill([old])
    assert store.pending(9) == [LEASE.id]
    put(store, LEASE)
    store.fill([old])
    assert store.pending(9) == []


def test_a_document_without_passages_can_be_filled(store: PassageStore) -> None:
    blank = replace(LEASE, text=" ")
    store.put(
        [Intake(Origin(blank.uri, "", ""), [Entry(blank, [], np.empty((0, 32), np.float32))])]
    )
    store.begin(OTHERS)
    assert store.pending(9) == [blank.id]
    store.fill([(blank, [], np.empty((0, 48), np.float32))])
    assert store.switch()
    assert store.passages(blank.id) == []


def test_filling_twice_does_no_harm(store: PassageStore) -> None:
    put(store, LEASE)
    store.begin(OTHERS)
    store.fill([filling(LEASE), filling(LEASE)])
    store.fill([filling(LEASE)])
    assert store.switch()
    assert store.switch()
    store.fill([filling(LEASE)])
    assert store.passages(LEASE.id) == filling(LEASE)[1]


def test_when_one_filling_is_wrong_none_is_kept(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    store.begin(OTHERS)
    zoo = an_entry(ZOO, EMBEDDER)
    with pytest.raises(ValueError):
        store.fill([filling(LEASE), (zoo.document, zoo.passages, zoo.vectors)])
    assert set(store.pending(9)) == {LEASE.id, ZOO.id}


def test_rolling_back_makes_only_what_the_previous_edition_lacks(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    reindex(store, OTHER, OTHERS.splitter)
    store.put([an_intake(TRAM, OTHER, OTHERS.splitter)])
    store.remove([ZOO.id])
    store.begin(SETTINGS)
    assert store.pending(9) == [TRAM.id]
    assert (store.building, store.previous) == (SETTINGS, None)
    reindex(store, EMBEDDER, SETTINGS.splitter)
    assert (store.settings, store.previous) == (SETTINGS, OTHERS)
    assert texts(search(store, "rent")) == {LEASE.text, TRAM.text}
    assert by_score(search(store, LEASE.text), "dense_score")[0] > 0.9


def test_the_previous_edition_stays_until_another_takes_its_place(store: PassageStore) -> None:
    put(store, LEASE)
    reindex(store, OTHER, OTHERS.splitter)
    third = HashEmbedder(16, "third")
    build(store, third, Splitter())
    assert store.previous == SETTINGS
    store.begin(SETTINGS)
    assert store.pending(9) == []
    build(store, third, Splitter())
    assert store.switch()
    assert (store.settings, store.previous) == (begun(third, Splitter()), OTHERS)


def test_reindexing_with_the_same_settings_makes_everything_anew(store: PassageStore) -> None:
    put(store, LEASE)
    for _ in range(2):
        store.begin(SETTINGS)
        assert store.pending(9) == [LEASE.id]
        reindex(store, EMBEDDER, SETTINGS.splitter)
        assert (store.building, store.previous) == (None, None)
    assert texts(search(store, "rent")) == {LEASE.text}


def test_what_a_word_is_worth_does_not_depend_on_other_editions(store: PassageStore) -> None:
    put(store, LEASE, ZOO, TRAM)
    before = by_score(search(store, "rent"), "lexical_score")
    build(store, OTHER, OTHERS.splitter)
    assert by_score(search(store, "rent"), "lexical_score") == pytest.approx(before, abs=1e-9)


# What stands where


def origin(document: Document, recipe: str = "") -> Origin:
    return Origin(document.uri, document.sha256, recipe)


def archive(
    *documents: Document, problems: Sequence[Problem] = (), uri: str = "test:a.zip"
) -> Intake:
    """A container that holds these documents, by the last part of their URIs."""
    digest = sha256("".join(document.sha256 for document in documents).encode()).hexdigest()
    members = [
        replace(document, uri=f"{uri}!/{document.uri.removeprefix('test:')}")
        for document in documents
    ]
    return Intake(
        Origin(uri, digest, ""), [an_entry(member, EMBEDDER) for member in members], problems
    )


def places(store: PassageStore) -> dict[str, str]:
    """The id of the document at each place."""
    return {
        uri: summary.id for summary in store.documents() for uri in (summary.uri, *summary.copies)
    }


def named(uri: str, text: str, title: str) -> Document:
    """A document that states no title."""
    return replace(a_document(uri, text, title=title), title_from_name=True)


def test_ids_are_told_for_each_intake(store: PassageStore) -> None:
    ids = store.put([archive(LEASE, ZOO), an_intake(TRAM, EMBEDDER)])
    assert ids == [
        [places(store)["test:a.zip!/lease"], places(store)["test:a.zip!/zoo"]],
        [TRAM.id],
    ]
    failed = Intake(
        Origin("test:a.zip", "other", ""), problems=[Problem("test:a.zip", "x: broken")]
    )
    assert store.put([failed]) == [ids[0]]


def test_origins_are_told_with_what_could_not_be_read(store: PassageStore) -> None:
    problems = (Problem("test:a.zip!/b.exe", "a.zip!/b.exe: is a program", unsupported=True),)
    zipped = archive(LEASE, ZOO, problems=problems)
    broken = Intake(Origin("test:x.pdf", "ff", "2"), problems=[Problem("test:x.pdf", "x: damaged")])
    store.put([an_intake(TRAM, EMBEDDER, recipe="7"), zipped, broken])
    assert store.origins() == [
        OriginState(zipped.origin, 2, problems),
        OriginState(Origin(TRAM.uri, TRAM.sha256, "7"), 1),
        OriginState(broken.origin, 0, tuple(broken.problems)),
    ]
    assert store.problems() == [*problems, *broken.problems]
    store.put([an_intake(replace(TRAM, uri="test:x.pdf"), EMBEDDER)])
    assert store.origins()[-1] == OriginState(Origin("test:x.pdf", TRAM.sha256, ""), 1)


def test_an_intake_replaces_all_that_stood_at_its_origin(store: PassageStore) -> None:
    store.put([archive(LEASE, ZOO)])
    lease = places(store)["test:a.zip!/lease"]
    changed = a_document(LEASE.uri, "The rent is 950 pounds.")
    store.put([archive(changed, TRAM)])
    assert set(places(store)) == {"test:a.zip!/lease", "test:a.zip!/tram"}
    assert places(store)["test:a.zip!/lease"] == lease
    assert texts(search(store, "rent")) == {changed.text, TRAM.text}


def test_a_file_that_cannot_be_read_any_more_leaves_its_documents(store: PassageStore) -> None:
    put(store, LEASE)
    problem = Problem(LEASE.uri, "lease: is encrypted")
    store.put([Intake(Origin(LEASE.uri, "other", ""), problems=[problem])])
    assert store.origins() == [OriginState(Origin(LEASE.uri, "other", ""), 1, (problem,))]
    assert texts(search(store, "rent")) == {LEASE.text}
    put(store, LEASE)
    assert store.origins() == [OriginState(origin(LEASE), 1)]


def test_equal_contents_are_one_document_with_all_places(store: PassageStore) -> None:
    copy = replace(LEASE, uri="test:copy")
    put(store, LEASE, copy)
    store.put([archive(LEASE, ZOO)])
    zoo, lease = store.documents()
    assert (lease.id, lease.uri, lease.copies) == (
        LEASE.id,
        LEASE.uri,
        ("test:copy", "test:a.zip!/lease"),
    )
    assert (zoo.uri, zoo.copies) == ("test:a.zip!/zoo", ())
    assert store.document(LEASE.id) == replace(LEASE, copies=lease.copies)
    assert all(store.find(uri) == lease for uri in (lease.uri, *lease.copies))
    assert texts(search(store, "rent")) == {LEASE.text, ZOO.text}
    assert len(search(store, "rent")) == 2
    states = store.origins()
    assert [state.documents for state in states] == [2, 1, 1]
    assert [store.origins(state.origin.uri) for state in states] == [[state] for state in states]
    assert store.origins("test:nowhere") == []


OTHERWISE: dict[str, Mapping[str, Any]] = {
    "text": {"text": "The rent is 901 pounds."},
    "title": {"title": "Rent"},
    "metadata": {"metadata": {"author": "Ünal"}},
    "media type": {"media_type": "text/markdown"},
    "bytes": {"sha256": "00"},
    "pages": {"pages": (Page(1, 0, 9),)},
    "page size": {"pages": (Page(1, 0, 9, Glyphs(9.0, 9.0, b"")),)},
    "glyphs": {"pages": (Page(1, 0, 9, Glyphs(9.0, 9.0, b"x")),)},
    "sections": {"sections": (Section(("The rent",), 0, 9),)},
    "parts": {"parts": (Part("slide", "1", 0, 9),)},
    "cells": {"cells": (Cell(0, 3, 1, 1),)},
    "source of its title": {"title_from_name": True},
}


def test_contents_that_differ_in_anything_are_documents_of_their_own(store: PassageStore) -> None:
    variants = [LEASE] + [
        replace(LEASE, uri=f"test:{name}", **changes) for name, changes in OTHERWISE.items()
    ]
    put(store, *variants)
    assert {summary.uri for summary in store.documents()} == {one.uri for one in variants}
    for one in variants:
        summary = store.find(one.uri)
        assert summary is not None
        assert store.document(summary.id) == replace(one, id=summary.id)


def test_of_documents_called_by_their_files_the_name_does_not_count(store: PassageStore) -> None:
    put(store, named("test:a.txt", "Whales.", "a"), named("test:b.txt", "Whales.", "b"))
    (summary,) = store.documents()
    assert (summary.uri, summary.title, summary.copies) == ("test:a.txt", "a", ("test:b.txt",))


def test_a_copy_that_changes_leaves_the_id_to_the_others(store: PassageStore) -> None:
    put(store, LEASE, replace(LEASE, uri="test:copy"))
    changed = a_document(LEASE.uri, "The rent is 950 pounds.")
    ((id_,),) = store.put([an_intake(changed, EMBEDDER)])
    assert id_ != LEASE.id
    assert places(store) == {LEASE.uri: id_, "test:copy": LEASE.id}
    assert store.document(id_) == replace(changed, id=id_)
    assert [p.document_id for p in store.passages(id_)] == [id_]
    assert store.document(LEASE.id) == replace(LEASE, uri="test:copy")


def test_a_copy_that_comes_to_hold_the_same_again_is_one_with_the_others(
    store: PassageStore,
) -> None:
    put(store, LEASE, replace(LEASE, uri="test:copy"))
    put(store, a_document(LEASE.uri, "The rent is 950 pounds."))
    put(store, LEASE)
    (summary,) = store.documents()
    assert summary.id == LEASE.id
    assert {summary.uri, *summary.copies} == {LEASE.uri, "test:copy"}
    assert texts(search(store, "rent")) == {LEASE.text}


def test_when_all_copies_of_a_container_change_the_id_stays(store: PassageStore) -> None:
    store.put([archive(LEASE, replace(LEASE, uri="test:copy"))])
    (id_,) = set(places(store).values())
    changed = a_document(LEASE.uri, "The rent is 950 pounds.")
    store.put([archive(changed)])
    assert places(store) == {"test:a.zip!/lease": id_}


def test_members_that_changed_places_keep_their_ids(store: PassageStore) -> None:
    store.put([archive(LEASE, ZOO)])
    before = places(store)
    store.put([archive(replace(LEASE, uri="test:zoo"), replace(ZOO, uri="test:lease"))])
    assert places(store) == {
        "test:a.zip!/zoo": before["test:a.zip!/lease"],
        "test:a.zip!/lease": before["test:a.zip!/zoo"],
    }


def test_a_document_that_is_not_in_its_origin_is_refused(store: PassageStore) -> None:
    with pytest.raises(ValueError, match="test:zoo"):
        store.put([Intake(origin(LEASE), [an_entry(ZOO, EMBEDDER)])])
    assert store.documents() == []


def moved(document: Document, uri: str) -> tuple[Origin, str]:
    return Origin(uri, document.sha256, ""), document.uri


def test_a_move_keeps_id_and_passages(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    before = search(store, "rent")
    assert store.rearrange([moved(LEASE, "test:new")], [LEASE.uri]) == []
    assert places(store) == {"test:new": LEASE.id, ZOO.uri: ZOO.id}
    assert store.document(LEASE.id) == replace(LEASE, uri="test:new")
    assert store.origins()[0] == OriginState(Origin("test:new", LEASE.sha256, ""), 1)
    assert search(store, "rent") == before


def test_a_copy_is_another_place(store: PassageStore) -> None:
    put(store, LEASE)
    store.rearrange([moved(LEASE, "test:new")], [])
    (summary,) = store.documents()
    assert (summary.id, summary.uri, summary.copies) == (LEASE.id, LEASE.uri, ("test:new",))
    store.rearrange([], [LEASE.uri])
    assert store.document(LEASE.id) == replace(LEASE, uri="test:new")


def test_files_that_changed_places_keep_their_ids(store: PassageStore) -> None:
    put(store, LEASE, ZOO, TRAM)
    store.rearrange([moved(LEASE, ZOO.uri), moved(ZOO, TRAM.uri), moved(TRAM, LEASE.uri)], [])
    assert places(store) == {ZOO.uri: LEASE.id, TRAM.uri: ZOO.id, LEASE.uri: TRAM.id}


def test_a_file_moved_over_another_takes_its_place(store: PassageStore) -> None:
    store.put([archive(LEASE, ZOO), an_intake(TRAM, EMBEDDER)])
    store.rearrange([moved(TRAM, "test:a.zip")], [TRAM.uri])
    assert places(store) == {"test:a.zip": TRAM.id}
    assert texts(search(store, "rent")) == {TRAM.text}


def test_what_is_in_a_container_moves_with_it(store: PassageStore) -> None:
    problem = Problem("test:a.zip!/x", "a.zip!/x: is damaged")
    zipped = archive(LEASE, ZOO, problems=[problem])
    store.put([zipped])
    before = places(store)
    target = replace(zipped.origin, uri="test:b.zip")
    store.rearrange([(target, "test:a.zip")], ["test:a.zip"])
    assert places(store) == {uri.replace("a.zip", "b.zip"): id_ for uri, id_ in before.items()}
    assert store.origins() == [OriginState(target, 2, (replace(problem, uri="test:b.zip!/x"),))]


def test_a_document_without_a_title_is_called_by_the_place_it_moves_to(
    store: PassageStore,
) -> None:
    whales = named("file:///docs/old%20name.txt", "Whales.", "old name")
    put(store, whales)
    for uri, title in {
        "file:///docs/new.v2%20%26%20final.tar.gz": "new.v2 & final.tar",
        "file:///docs/a.zip!/deep/%C3%9Cber.pdf": "Über",
        "file:///docs/.hidden": ".hidden",
        "file:///docs/a%0Ab%E2%80%AEc.txt": "a b c",
        "upload:letter.docx": "letter",
        "file:///docs/": "file:///docs/",
    }.items():
        (before,) = store.documents()
        store.rearrange([(Origin(uri, whales.sha256, ""), before.uri)], [before.uri])
        assert [(one.id, one.title) for one in store.documents()] == [(whales.id, title)]
        assert store.document(whales.id).title_from_name


def test_a_document_without_a_title_is_called_by_its_first_place(store: PassageStore) -> None:
    put(store, named("test:a.txt", "Whales.", "a"), named("test:b.txt", "Whales.", "b"))
    put(store, named("test:c.txt", "Whales.", "c"))
    store.rearrange([], ["test:b.txt"])
    assert [one.title for one in store.documents()] == ["a"]
    put(store, a_document("test:a.txt", "Otters."))
    assert {one.title for one in store.documents()} == {"", "c"}


def test_a_title_that_is_stated_stays_when_the_file_moves(store: PassageStore) -> None:
    put(store, LEASE)
    store.rearrange([moved(LEASE, "test:new.txt")], [LEASE.uri])
    assert store.document(LEASE.id).title == "Lease"


def test_what_is_left_over_is_not_copied_but_moves(store: PassageStore) -> None:
    put(store, LEASE)
    broken = Origin(LEASE.uri, "broken", "")
    store.put([Intake(broken, problems=[Problem(LEASE.uri, "lease: is damaged")])])
    store.rearrange([(replace(broken, uri="test:copy"), LEASE.uri)], [])
    assert places(store) == {LEASE.uri: LEASE.id}
    assert [state.documents for state in store.origins()] == [0, 1]
    store.rearrange([(replace(broken, uri="test:new"), LEASE.uri)], [LEASE.uri])
    assert places(store) == {"test:new": LEASE.id}
    store.rearrange([(replace(broken, uri="test:another"), "test:new")], [])
    assert places(store) == {"test:new": LEASE.id}


def test_copies_of_what_is_not_there_are_told(store: PassageStore) -> None:
    put(store, LEASE)
    wanted = [
        (Origin("test:new1", LEASE.sha256, ""), "test:unknown"),
        (Origin("test:new2", "other bytes", ""), LEASE.uri),
        (Origin("test:new3", LEASE.sha256, "other recipe"), LEASE.uri),
    ]
    copy = moved(LEASE, "test:copy")
    assert store.rearrange([*wanted, copy], ["test:never"]) == [one for one, _ in wanted]
    assert set(places(store)) == {LEASE.uri, "test:copy"}


def test_an_origin_that_is_gone_takes_its_documents_with_it(store: PassageStore) -> None:
    store.put([archive(LEASE, ZOO), an_intake(TRAM, EMBEDDER)])
    put(store, replace(LEASE, uri="test:copy"))
    lease = places(store)["test:copy"]
    store.rearrange([], ["test:a.zip", TRAM.uri])
    assert places(store) == {"test:copy": lease}
    assert [state.origin.uri for state in store.origins()] == ["test:copy"]
    assert texts(search(store, "rent whales tram")) == {LEASE.text}


def test_an_id_that_went_elsewhere_is_not_given_again(store: PassageStore) -> None:
    put(store, LEASE)
    store.rearrange([moved(LEASE, "test:new")], [LEASE.uri])
    ((id_,),) = store.put([an_intake(replace(ZOO, uri=LEASE.uri), EMBEDDER)])
    assert id_ != LEASE.id
    assert places(store) == {"test:new": LEASE.id, LEASE.uri: id_}
    store.rearrange([(Origin("test:newer", ZOO.sha256, ""), LEASE.uri)], [LEASE.uri])
    ((third,),) = store.put([an_intake(replace(TRAM, uri=LEASE.uri), EMBEDDER)])
    assert len({third, id_, LEASE.id}) == 3


def test_removing_forgets_the_origin(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    store.remove([LEASE.id])
    assert [state.origin.uri for state in store.origins()] == [ZOO.uri]


def test_removing_one_of_several_leaves_an_origin_that_must_be_read_again(
    store: PassageStore,
) -> None:
    intake = archive(LEASE, ZOO, TRAM)
    store.put([replace(intake, origin=replace(intake.origin, recipe="2 .zip"))])
    ids = places(store)
    for name, left in (("lease", 2), ("tram", 1)):
        store.remove([ids[f"test:a.zip!/{name}"]])
        origin = Origin("test:a.zip", intake.origin.sha256, f"{PARTLY}2 .zip")
        assert store.origins() == [OriginState(origin, left)]
    store.remove([ids["test:a.zip!/zoo"]])
    assert store.origins() == []


def test_digests_that_origins_have_are_known(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    store.put([archive(TRAM, ZOO)])
    digest = archive(TRAM, ZOO).origin.sha256
    asked = [LEASE.sha256, TRAM.sha256, digest, "0" * 64, "'"]
    assert store.known_digests(asked) == {LEASE.sha256, digest}
    store.remove([LEASE.id])
    assert store.known_digests(asked) == {digest}
    assert store.known_digests([]) == set()


def test_ids_that_documents_have_are_known(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    assert store.known_ids([LEASE.id, "none", "'", ZOO.id]) == {LEASE.id, ZOO.id}
    store.remove([LEASE.id])
    assert store.known_ids([LEASE.id, ZOO.id]) == {ZOO.id}
    assert store.known_ids([]) == set()


def test_removing_takes_all_copies(store: PassageStore) -> None:
    put(store, LEASE, replace(LEASE, uri="test:copy"), ZOO)
    store.remove([LEASE.id])
    assert places(store) == {ZOO.uri: ZOO.id}
    assert [state.origin.uri for state in store.origins()] == [ZOO.uri]


def test_the_passages_of_a_document_are_in_order(store: PassageStore) -> None:
    put(store, LONG, ZOO)
    assert store.passages(LONG.id) == an_entry(LONG, EMBEDDER).passages
    with pytest.raises(UnknownDocument, match="ffff"):
        store.passages("ffff")


def test_vectors_of_texts_that_were_embedded_are_known(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    store.begin(OTHERS)
    store.fill([filling(LEASE)])
    lease, zoo = (text_in_context(store.passages(one.id)[0]) for one in (LEASE, ZOO))
    found = store.known_vectors([lease, "never seen", ZOO.text, zoo, lease])
    assert set(found) == {lease, zoo}
    assert all(vector.dtype == np.float32 for vector in found.values())
    assert np.array_equal(found[lease], EMBEDDER.embed_passages([lease])[0])
    store.remove([ZOO.id])
    assert set(store.known_vectors([lease, zoo])) == {lease}
    assert store.known_vectors([]) == {}


# Against the oracle

# Words that the stemmer leaves alone.
WORDS = ["rent", "whale", "tram", "harbor", "otter", "lamp", "tulip", "gold"]
contents = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
changes = st.lists(st.tuples(st.sampled_from("abcdef"), contents | st.none()), max_size=12)


@pytest.mark.slow
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


def test_a_note_is_kept_until_another_takes_its_place(store: PassageStore) -> None:
    assert store.note("mark") is None
    store.set_note("mark", "one \u00e9\n")
    store.set_note("other", "")
    assert (store.note("mark"), store.note("other")) == ("one \u00e9\n", "")
    store.set_note("mark", "two")
    assert (store.note("mark"), store.note("other")) == ("two", "")
    store.set_note("mark", None)
    store.set_note("never", None)
    assert (store.note("mark"), store.note("other")) == (None, "")


def test_a_note_counts_as_a_change_and_changes_nothing_else(store: PassageStore) -> None:
    put(store, ZOO)
    before, generation = store.documents(), store.generation
    found = search(store, "whales")
    store.set_note("generation", "999")
    assert store.generation == generation + 1
    assert store.documents() == before
    assert search(store, "whales") == found
