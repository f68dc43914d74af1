"""What every `PassageStore` does: editions."""

from dataclasses import replace

import numpy as np
import pytest

from index.errors import IncompatibleIndex
from index.passages import Splitter
from index.store import (
    Entry,
    Intake,
    Origin,
    PassageStore,
)
from tests.contracts.stores import (
    EMBEDDER,
    LEASE,
    LONG,
    OTHER,
    OTHERS,
    SETTINGS,
    TRAM,
    ZOO,
    begun,
    by_score,
    filling,
    put,
    search,
    texts,
)
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_entry, an_intake, build, reindex


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
