"""The copy of the vectors keeps in step with the database, at small sizes as it does at large."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index import vector_copy
from index.catalog import Catalog
from index.doctor import check
from index.embedding import Vectors
from index.errors import UnavailableIndex
from index.local_store import LocalStore
from index.passage_tables import PassageTables
from index.passages import Splitter
from index.store import IndexSettings
from index.vector_copy import FAISS_FILE, fold
from index.vector_file import Sealed, read
from index.vector_kinds import Kinds
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_intake, reindex

EMBEDDER = HashEmbedder(24)
SETTINGS = IndexSettings(EMBEDDER.identity, Splitter())
KINDS = Kinds(exact_up_to=10, effort=1000, loose=8, loose_share=0.0)
NAMES = [f"animal {number}" for number in range(60)]


def put(store: LocalStore, *names: str) -> None:
    texts = [a_document(f"test:{name}", f"The {name} sleeps at noon.") for name in names]
    store.put([an_intake(text, EMBEDDER) for text in texts])


def remove(store: LocalStore, *names: str) -> None:
    ids = {summary.uri: summary.id for summary in store.documents()}
    store.remove([ids[f"test:{name}"] for name in names])


def found(store: LocalStore, k: int = 500) -> list[str]:
    """What the vectors find for a question that shares no word with anything, best first."""
    vector = EMBEDDER.embed_questions(["question"])[0]
    candidates = store.candidates("question", vector, k)
    for one in candidates:
        expected = float(EMBEDDER.embed_passages([one.passage.text])[0] @ vector)
        assert one.dense_score == pytest.approx(expected, abs=1e-6)
    ordered = sorted(candidates, key=lambda one: -one.dense_score)
    return [
        one.passage.text.removeprefix("The ").removesuffix(" sleeps at noon.") for one in ordered
    ]


def file_of(store: LocalStore) -> Sealed:
    sealed = read(store.folder / FAISS_FILE)
    assert sealed is not None
    return sealed


def written_at(store: LocalStore) -> int:
    return (store.folder / FAISS_FILE).stat().st_mtime_ns


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    """An index of many vectors, which are written."""
    store = LocalStore.create(tmp_path / "index", SETTINGS, KINDS)
    put(store, *NAMES)
    store.save_vectors()
    yield store
    store.close()


def test_few_vectors_are_compared_one_by_one_and_many_are_not(tmp_path: Path) -> None:
    store = LocalStore.create(tmp_path / "index", SETTINGS, KINDS)
    for count, kind in ((10, "Flat"), (20, "IVF5,SQ8"), (60, "IVF15,SQ8")):
        put(store, *NAMES[:count])
        store.save_vectors()
        assert file_of(store).factory == kind
        assert set(found(store)) == set(NAMES[:count])
    remove(store, *NAMES[5:])
    store.save_vectors()
    assert file_of(store).factory == "Flat"
    assert set(found(store)) == set(NAMES[:5])
    store.close()
    assert check(store.folder, EMBEDDER).ok


def test_additions_and_removals_are_seen_at_once_and_no_question_writes_the_file(
    store: LocalStore,
) -> None:
    before = written_at(store)
    put(store, *(f"bird {number}" for number in range(30)))
    remove(store, *NAMES[:30])
    assert set(found(store)) == {*NAMES[30:], *(f"bird {number}" for number in range(30))}
    assert written_at(store) == before
    store.close()
    assert written_at(store) == before


def test_the_file_is_written_anew_when_enough_has_changed(store: LocalStore) -> None:
    before = written_at(store)
    put(store, *(f"bird {number}" for number in range(4)))
    remove(store, *NAMES[:4])
    store.save_vectors()
    assert written_at(store) == before
    put(store, "bird 4")
    store.save_vectors()
    assert written_at(store) > before
    assert len(file_of(store).ids) == 61
    assert set(found(store)) == {*NAMES[4:], *(f"bird {number}" for number in range(5))}
    assert check(store.folder, EMBEDDER).ok


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds that were trained, in order."""
    kinds: list[str] = []
    make = vector_copy.trained

    def noting(factory: str, sample: Vectors) -> object:
        kinds.append(factory)
        return make(factory, sample)

    monkeypatch.setattr(vector_copy, "trained", noting)
    return kinds


def test_what_was_written_is_added_to_and_trained_again_when_there_are_twice_as_many(
    store: LocalStore, trained: list[str]
) -> None:
    birds = [f"bird {number}" for number in range(50)]
    put(store, *birds[:40])
    remove(store, *NAMES[:20])
    store.save_vectors()
    assert trained == []
    put(store, *birds[40:], *(f"fish {number}" for number in range(40)))
    store.save_vectors()
    assert trained == ["IVF32,SQ8"]
    assert len(found(store)) == 130


def test_who_opens_an_index_reads_only_what_came_since_the_file(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, "bird 1", "bird 2")
    remove(store, NAMES[0])
    store.close()
    read_: list[int] = []
    vectors = PassageTables.vectors

    def noting(self: PassageTables, numbers: np.ndarray, dim: int) -> Vectors:
        read_.extend(numbers)
        return vectors(self, numbers, dim)

    def never(*_: object) -> None:
        raise AssertionError("all passages are looked at")

    monkeypatch.setattr(PassageTables, "vectors", noting)
    monkeypatch.setattr(PassageTables, "numbers", never)
    opened = LocalStore.open(store.folder, KINDS)
    assert len(found(opened)) == 61
    assert len(read_) == 2
    opened.close()


def test_who_is_interrupted_while_catching_up_adds_nothing_twice(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_copy, "_LOAD_AT_ONCE", 7)
    assert len(found(store)) == 60
    birds = [f"bird {number}" for number in range(30)]
    put(store, *birds)
    vectors, calls = PassageTables.vectors, 0

    def once_interrupted(self: PassageTables, numbers: np.ndarray, dim: int) -> Vectors:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return vectors(self, numbers, dim)

    monkeypatch.setattr(PassageTables, "vectors", once_interrupted)
    with pytest.raises(KeyboardInterrupt):
        found(store)
    remove(store, *birds[5:8])
    expected = {*NAMES, *birds[:5], *birds[8:]}
    assert set(found(store)) == expected
    ids = store._copies.vectors.at(store._catalog).ids
    assert len(ids) == len(np.unique(ids)) == len(expected)
    nearest = found(store)
    assert found(store, 20)[:20] == nearest[:20]


def test_what_those_left_who_were_killed_is_removed_in_time(store: LocalStore) -> None:
    def leave(age: int) -> list[Path]:
        left = [store.folder / f"{FAISS_FILE}.{end}" for end in ("77.tmp", "new", "next", "a1.new")]
        for path in left:
            path.write_bytes(b"half")
            os.utime(path, (time.time() - age,) * 2)
        return left

    young = leave(60)
    store.begin(IndexSettings(EMBEDDER.identity, Splitter(20, 0)))
    assert all(path.exists() for path in young)
    old = leave(7200)
    store.begin(IndexSettings(EMBEDDER.identity, Splitter(20, 0)))
    assert not any(path.exists() for path in old)
    leave(7200)
    put(store, *(f"bird {number}" for number in range(20)))
    store.save_vectors()
    assert [path.name for path in store.folder.glob("vectors*")] == [FAISS_FILE]
    assert len(found(store)) == 80


def test_what_another_process_wrote_is_taken_up(store: LocalStore) -> None:
    found(store)
    other = LocalStore.open(store.folder, KINDS)
    put(other, *(f"bird {number}" for number in range(20)))
    other.save_vectors()
    assert store._copies.vectors.at(store._catalog).loose == 0
    assert len(found(store)) == 80
    other.close()


def test_who_is_far_behind_compares_all(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.changes._KEPT", 2)
    other = LocalStore.open(store.folder, KINDS)
    assert len(found(store)) == 60
    for number in range(5):
        put(other, f"bird {number}")
        remove(other, NAMES[number])
    other.close()
    expected = {*NAMES[5:], *(f"bird {number}" for number in range(5))}
    assert set(found(store)) == expected
    opened = LocalStore.open(store.folder, KINDS)
    assert set(found(opened)) == expected
    # The file is written anew, so that the next one need not compare.
    before = written_at(store)
    opened.save_vectors()
    assert written_at(store) > before
    opened.close()


def test_who_reads_an_earlier_state_than_the_file_finds_that_state(store: LocalStore) -> None:
    copy, catalog = vector_copy.VectorCopy(store.folder, KINDS), Catalog.open(store.folder)
    with catalog.transaction(write=False):
        before = copy.at(catalog).ids.tolist()
        other = LocalStore.open(store.folder, KINDS)
        put(other, *(f"bird {number}" for number in range(20)))
        remove(other, *NAMES[:20])
        other.save_vectors()
        other.close()
        assert sorted(copy.at(catalog).ids.tolist()) == sorted(before)
    with catalog.transaction(write=False):
        now = copy.at(catalog)
        assert sorted(now.ids.tolist()) == file_of(store).ids.tolist()
    catalog.close()


def test_a_writing_that_was_cut_off_goes_on_where_it_was(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store.folder / FAISS_FILE).unlink()
    monkeypatch.setattr(vector_copy, "_LOAD_AT_ONCE", 7)
    monkeypatch.setattr(vector_copy, "_WRITE_EVERY", 14)
    catalog = Catalog.open(store.folder)
    with catalog.transaction(write=False):
        edition = catalog.editions.current
    asked = 0

    def after_five() -> bool:
        nonlocal asked
        asked += 1
        return asked > 5

    assert not fold(catalog, edition, KINDS, stop=after_five)
    assert not (store.folder / FAISS_FILE).exists()
    begun = read(store.folder / (FAISS_FILE + ".new"))
    assert begun is not None
    assert 14 <= len(begun.ids) < 60
    remove(store, NAMES[0], NAMES[59])
    put(store, "bird 1")

    def never(*_: object) -> None:
        raise AssertionError("it begins again")

    monkeypatch.setattr(vector_copy, "trained", never)
    assert fold(catalog, edition, KINDS)
    catalog.close()
    assert len(file_of(store).ids) == 59
    assert set(found(store)) == {*NAMES[1:59], "bird 1"}
    assert not list(store.folder.glob("*.new")) + list(store.folder.glob("*.tmp"))
    assert check(store.folder, EMBEDDER).ok


def test_a_new_edition_has_its_vectors_written_before_it_is_switched_to(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(store)
    reindex(LocalStore.open(store.folder, KINDS), EMBEDDER, Splitter(20, 0))

    def never(*_: object) -> None:
        raise AssertionError("all vectors are read")

    monkeypatch.setattr(PassageTables, "vectors", never)
    monkeypatch.setattr(PassageTables, "numbers", never)
    assert set(found(store)) == set(NAMES)
    assert file_of(store).origin.edition != 1


def test_who_answers_for_long_has_the_file_written_in_the_background(store: LocalStore) -> None:
    store.write_vectors_behind()
    before = written_at(store)
    put(store, *(f"bird {number}" for number in range(20)))
    assert len(found(store)) == 80
    store._copies.wait()
    assert written_at(store) > before
    assert len(found(store)) == 80
    assert len(file_of(store).ids) == 80


def test_closing_does_not_wait_for_what_is_written_in_the_background(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_copy, "_LOAD_AT_ONCE", 1)
    stored = PassageTables.stored_vectors

    def once_told_to_stop(
        self: PassageTables, edition: int, numbers: np.ndarray, dim: int
    ) -> object:
        if threading.current_thread() is not threading.main_thread():
            assert store._copies._stopping.wait(60)
        return stored(self, edition, numbers, dim)

    monkeypatch.setattr(PassageTables, "stored_vectors", once_told_to_stop)
    put(store, *(f"bird {number}" for number in range(40)))
    store.write_vectors_behind()
    before = written_at(store)
    assert len(found(store)) == 100
    store.close()
    assert written_at(store) == before


def test_a_kind_that_cannot_be_made_in_the_background_is_told_of_and_left(
    store: LocalStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.close()
    named = Kinds(exact_up_to=10, factory="IVF500,SQ8", loose=8, loose_share=0.0)
    opened = LocalStore.open(store.folder, named)
    opened.write_vectors_behind()
    put(opened, *(f"bird {number}" for number in range(20)))
    with caplog.at_level(logging.ERROR):
        assert len(found(opened)) == 80
        opened._copies.wait()
    assert "vector_index" in caplog.text
    assert len(found(opened)) == 80
    opened.close()


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), UnavailableIndex("busy"), RuntimeError("odd")]
)
def test_what_could_not_be_written_in_the_background_is_tried_again_later(
    store: LocalStore,
    trained: list[str],
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*_: object) -> None:
        raise error

    def ask() -> None:
        assert len(found(store)) == 130
        store._copies.wait()

    put(store, *(f"bird {number}" for number in range(70)))
    store.write_vectors_behind()
    before = written_at(store)
    with monkeypatch.context() as patched:
        patched.setattr(vector_copy, "write", full)
        for _ in range(6):
            ask()
    assert trained == ["IVF32,SQ8"]
    assert caplog.text.count("could not be written") == 1
    assert written_at(store) == before
    monkeypatch.setattr(store._copies, "_not_before", 0.0)
    ask()
    assert trained == ["IVF32,SQ8"] * 2
    assert written_at(store) > before


def test_where_the_words_cannot_be_written_the_vectors_are(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("index.full_text.FullText.fold", full)
    put(store, *(f"bird {number}" for number in range(20)))
    store.write_vectors_behind()
    before = written_at(store)
    assert len(found(store)) == 80
    store._copies.wait()
    assert written_at(store) > before
    put(store, *(f"fish {number}" for number in range(20)))
    monkeypatch.setattr(store._copies, "_not_before", 0.0)
    assert len(found(store)) == 100
    store._copies.wait()
    assert len(file_of(store).ids) == 100


@pytest.mark.parametrize("factory", ["HNSW16", "PCA12,IVF4,SQ8", "IVF4,RaBitQ", "SQ8"])
def test_the_kind_can_be_named(tmp_path: Path, factory: str) -> None:
    kinds = Kinds(exact_up_to=10, factory=factory, effort=1000, loose=0, loose_share=0.0)
    store = LocalStore.create(tmp_path / "index", SETTINGS, kinds)
    put(store, *NAMES)
    store.save_vectors()
    assert file_of(store).factory == factory
    everything = found(store)
    assert set(everything) == set(NAMES)
    remove(store, *NAMES[:10])
    assert found(store, 20)[0] == next(name for name in everything if name not in NAMES[:10])
    store.save_vectors()
    assert set(found(store)) == set(NAMES[10:])
    store.close()
    assert check(store.folder, EMBEDDER).ok
