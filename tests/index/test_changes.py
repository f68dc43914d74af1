"""What changed since a state is known, or known not to be."""

import shutil
from pathlib import Path

import pytest

from index.catalog import Catalog
from index.changes import NOWHERE, Mark
from index.database import DATABASE
from index.local_store import LocalStore
from index.passages import Splitter
from index.store import IndexSettings
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_intake, reindex

EMBEDDER = HashEmbedder()


def put(store: LocalStore, *names: str) -> list[str]:
    given = [an_intake(a_document(f"test:{name}", f"The {name}."), EMBEDDER) for name in names]
    return [id_ for ids in store.put(given) for id_ in ids]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore.create(tmp_path / "index", IndexSettings(EMBEDDER.identity, Splitter()))
    put(store, "whale", "otter", "newt")
    return store


def last(store: LocalStore) -> Mark:
    catalog = Catalog.open(store.folder)
    with catalog.transaction(write=False):
        mark = catalog.changes.last
    catalog.close()
    return mark


def removed(store: LocalStore, mark: Mark) -> list[int] | None:
    catalog = Catalog.open(store.folder)
    with catalog.transaction(write=False):
        found = catalog.changes.removed_since(mark)
    catalog.close()
    return None if found is None else found.tolist()


def numbers(store: LocalStore) -> list[int]:
    catalog = Catalog.open(store.folder)
    with catalog.transaction(write=False):
        found = catalog.passages.numbers(catalog.editions.current.number)
    catalog.close()
    return found.tolist()


def test_each_change_leads_to_another_state(store: LocalStore) -> None:
    first = last(store)
    assert removed(store, first) == []
    put(store, "bat")
    assert last(store) != first
    assert removed(store, first) == []
    store.close()


def test_removals_are_known_in_their_order_from_any_state_on(store: LocalStore) -> None:
    (whale, otter, newt), first = numbers(store), last(store)
    ids = {summary.uri: summary.id for summary in store.documents()}
    store.remove([ids["test:otter"]])
    second = last(store)
    store.remove([ids["test:whale"], ids["test:newt"]])
    assert removed(store, first) == [otter, whale, newt]
    assert removed(store, second) == [whale, newt]
    store.close()


def test_a_change_that_is_given_up_leaves_no_trace(store: LocalStore) -> None:
    catalog, first = Catalog.open(store.folder), last(store)

    def give_up() -> None:
        with catalog.transaction(write=True) as connection:
            connection.execute("DELETE FROM documents")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        give_up()
    assert last(store) == first
    catalog.close()
    store.close()


def test_a_state_that_lies_too_far_back_is_not_known(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = last(store)
    monkeypatch.setattr("index.changes._KEPT", 3)
    put(store, "bat")
    assert removed(store, first) == []
    for name in ("mole", "crab", "stork"):
        put(store, name)
    assert removed(store, first) is None
    assert removed(store, NOWHERE) is None
    store.close()


def test_a_state_that_a_restored_backup_lost_is_not_known(store: LocalStore) -> None:
    store.close()
    backup = store.folder.parent / "backup"
    shutil.copy(store.folder / DATABASE, backup)
    store = LocalStore.open(store.folder)
    put(store, "bat")
    lost = last(store)
    store.close()
    shutil.copy(backup, store.folder / DATABASE)
    store = LocalStore.open(store.folder)
    put(store, "bat")
    assert last(store).place == lost.place
    assert removed(store, lost) is None
    store.close()


def test_what_is_left_of_editions_out_of_use_goes_unnoticed(store: LocalStore) -> None:
    first, before = last(store), numbers(store)
    reindex(store, EMBEDDER, Splitter(20, 0))
    assert not set(before) & set(numbers(store))
    assert removed(store, first) == []
    reindex(store, EMBEDDER, Splitter(24, 0))
    assert removed(store, first) == []
    store.close()
