"""What every `PassageStore` does: documents and notes."""

from dataclasses import replace

import numpy as np
import pytest

from index.documents import Cell, Glyphs, Page, Part
from index.errors import UnknownDocument
from index.store import (
    DocumentSummary,
    PassageStore,
)
from tests.contracts.stores import (
    EMBEDDER,
    LEASE,
    OTHERS,
    SETTINGS,
    TRAM,
    ZOO,
    put,
    search,
    texts,
)
from tests.fakes.made import a_document, an_intake, reindex


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
