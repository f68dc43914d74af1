"""What every `PassageStore` does: searching."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.documents import Document
from index.filters import parse
from index.store import (
    PassageStore,
)
from tests.contracts.stores import (
    EMBEDDER,
    LEASE,
    SETTINGS,
    TRAM,
    ZOO,
    Make,
    by_score,
    moved,
    put,
    search,
    texts,
)
from tests.fakes.made import a_document, an_entry
from tests.fakes.memory_store import MemoryStore


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
