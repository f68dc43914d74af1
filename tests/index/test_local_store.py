"""What `LocalStore` does beyond the contract: files, crashes, other processes and threads."""

import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.database import DATABASE
from index.doctor import check
from index.documents import Document
from index.errors import (
    DamagedIndex,
    IncompatibleIndex,
    IndexStoreError,
    NoIndex,
    UnavailableIndex,
    UnknownDocument,
)
from index.local_store import LocalStore
from index.migrations import FORMAT_VERSION
from index.passage_tables import PassageTables
from index.passages import Splitter
from index.store import Candidate, IndexSettings
from index.vector_copy import FAISS_FILE
from index.vector_file import _END
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_intake, build, reindex

EMBEDDER = HashEmbedder()
SETTINGS = IndexSettings(EMBEDDER.identity, Splitter())
ANIMALS = ["whale", "otter", "heron", "newt", "bat", "mole", "stork", "crab"]


def animal(name: str) -> Document:
    return a_document(f"test:{name}", f"The {name} sleeps at noon.")


def put(store: LocalStore, *names: str) -> None:
    store.put([an_intake(animal(name), EMBEDDER) for name in names])


def search(store: LocalStore, question: str, k: int = 50) -> list[Candidate]:
    return store.candidates(question, EMBEDDER.embed_questions([question])[0], k)


def found(store: LocalStore) -> set[str]:
    """The documents that the vectors find; the question shares no word with any."""
    return {
        store.document(c.passage.document_id).uri.removeprefix("test:")
        for c in search(store, "question")
    }


def assert_right(store: LocalStore) -> None:
    """What is found is what there is, with the right scores."""
    assert found(store) == {s.uri.removeprefix("test:") for s in store.documents()}
    question = EMBEDDER.embed_questions(["question"])[0]
    for candidate in search(store, "question"):
        row = EMBEDDER.embed_passages([candidate.passage.text])[0]
        assert candidate.dense_score == pytest.approx(float(row @ question), abs=1e-6)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index of all animals, closed after a search, so with its FAISS file."""
    folder = tmp_path / "index"
    store = LocalStore.create(folder, SETTINGS)
    put(store, *ANIMALS)
    assert_right(store)
    store.close()
    assert {part.name for part in folder.iterdir()} == {DATABASE, FAISS_FILE}
    return folder


@pytest.fixture
def store(folder: Path) -> Iterator[LocalStore]:
    store = LocalStore.open(folder)
    yield store
    store.close()


def one_line(error: pytest.ExceptionInfo[IndexStoreError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


# Making and opening


def test_an_index_is_made_in_a_new_or_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "deep" / "down"):
        LocalStore.create(folder, SETTINGS).close()
        LocalStore.open(folder).close()


def test_an_index_is_not_made_among_other_things(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("two years of work")
    with pytest.raises(IncompatibleIndex, match="holds other things") as error:
        LocalStore.create(tmp_path, SETTINGS)
    assert "--index" in one_line(error)
    assert [part.name for part in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_index_is_not_made_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IncompatibleIndex):
        LocalStore.create(tmp_path / "file", SETTINGS)


def test_an_index_is_never_made_over_another(tmp_path: Path) -> None:
    store = LocalStore.create(tmp_path, SETTINGS)
    put(store, "whale")
    store.close()
    with pytest.raises(IncompatibleIndex, match="holds an index already"):
        LocalStore.create(tmp_path, SETTINGS)
    store = LocalStore.open(tmp_path)
    assert found(store) == {"whale"}
    store.close()


def test_of_several_that_make_an_index_in_one_place_one_wins(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    won: list[LocalStore] = []
    start = threading.Barrier(8)

    def make() -> None:
        start.wait()
        try:
            store = LocalStore.create(folder, SETTINGS)
        except IncompatibleIndex:
            return
        won.append(store)
        put(store, "whale")

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (store,) = won
    store.close()
    store = LocalStore.open(folder)
    assert found(store) == {"whale"}
    store.close()
    assert {part.name for part in folder.iterdir()} == {DATABASE, FAISS_FILE}


def test_an_index_is_made_on_a_file_system_without_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", unsupported)
    store = LocalStore.create(tmp_path, SETTINGS)
    put(store, "whale")
    assert found(store) == {"whale"}
    store.close()


def test_what_a_lost_database_left_behind_does_not_get_into_a_new_one(tmp_path: Path) -> None:
    (tmp_path / f"{DATABASE}-wal").write_bytes(b"pages of a database that is gone")
    with pytest.raises(IncompatibleIndex, match="holds other things"):
        LocalStore.create(tmp_path, SETTINGS)


def test_an_index_is_made_where_an_attempt_was_cut_off(tmp_path: Path) -> None:
    (tmp_path / f"{DATABASE}.0123.new").write_bytes(b"half a database")
    LocalStore.create(tmp_path, SETTINGS).close()
    LocalStore.open(tmp_path).close()


def test_a_folder_without_an_index_is_told_from_none(tmp_path: Path) -> None:
    with pytest.raises(NoIndex, match="no index here yet") as error:
        LocalStore.open(tmp_path / "nothing")
    assert "pincite index PATH" in one_line(error)
    with pytest.raises(NoIndex, match="is not an index"):
        LocalStore.open(tmp_path)


def test_a_format_to_come_is_refused(folder: Path) -> None:
    before = FORMAT_VERSION
    _sql(folder, f"PRAGMA user_version = {before + 6}")
    with pytest.raises(IncompatibleIndex, match=rf"version {before + 6}, .* up to {before}") as e:
        LocalStore.open(folder)
    assert "update Pincite" in one_line(e)


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    _sql(tmp_path, "CREATE TABLE thesis (page TEXT)")
    with pytest.raises(IncompatibleIndex, match="is not an index of Pincite's") as error:
        LocalStore.open(tmp_path)
    assert "--index NEW_FOLDER" in one_line(error)


def test_another_embedder_is_refused_with_the_command_that_embeds_again(store: LocalStore) -> None:
    store.require(SETTINGS)
    other = HashEmbedder(32, "other").identity
    with pytest.raises(IncompatibleIndex, match=r"made with the embedder hash .*, not other") as e:
        store.require(replace(SETTINGS, embedder=other))
    assert "pincite reindex --embedder other" in one_line(e)


def test_another_splitter_is_refused_with_the_command_that_cuts_again(store: LocalStore) -> None:
    with pytest.raises(IncompatibleIndex, match=r"160 tokens, overlap 32.*not 80, 10") as error:
        store.require(replace(SETTINGS, splitter=Splitter(80, 10)))
    assert "pincite reindex --passage-tokens 80 --overlap-tokens 10" in one_line(error)


def _sql(folder: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(folder / DATABASE)
    with connection:
        connection.execute(statement, values)
    connection.close()


def _junk(folder: Path) -> None:
    (folder / DATABASE).write_bytes(b"this is no database at all, " * 300)


def _half(folder: Path) -> None:
    data = (folder / DATABASE).read_bytes()
    (folder / DATABASE).write_bytes(data[: len(data) // 2])


def _holes(folder: Path) -> None:
    data = bytearray((folder / DATABASE).read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    (folder / DATABASE).write_bytes(bytes(data))


def _no_settings(folder: Path) -> None:
    _sql(folder, "DELETE FROM editions")


def _odd_settings(folder: Path) -> None:
    _sql(folder, "UPDATE editions SET settings = '{\"embedder\": 3}'")


def _settings_no_json(folder: Path) -> None:
    _sql(folder, "UPDATE editions SET settings = '{'")


def _odd_generation(folder: Path) -> None:
    _sql(folder, "UPDATE meta SET value = 'many' WHERE key = 'generation'")


@pytest.mark.parametrize(
    "damage",
    [_junk, _half, _holes, _no_settings, _odd_settings, _settings_no_json, _odd_generation],
)
def test_a_damaged_database_is_said_to_be_damaged(folder: Path, damage: object) -> None:
    damage(folder)  # type: ignore[operator]
    with pytest.raises(DamagedIndex) as error:
        search(LocalStore.open(folder), "whale")
    message = one_line(error)
    assert message.startswith(f"{folder}: ")
    assert "pincite index --index NEW_FOLDER PATH" in message
    assert not check(folder).ok


def test_a_locked_database_is_not_said_to_be_damaged(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.remove([])
    assert store._writer is not None
    store._writer._connection.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(store.folder / DATABASE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableIndex, match="locked") as error:
        put(store, "eel")
    other.close()
    assert "no other program holds it" in one_line(error)
    put(store, "eel")
    assert "eel" in found(store)


def test_a_full_disk_is_said_to_be_full(store: LocalStore) -> None:
    store.remove([])
    assert store._writer is not None
    connection = store._writer._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    connection.execute("PRAGMA cache_size = 5")
    eel = a_document("test:eel", "The eel sleeps at noon. " * 3000)
    with pytest.raises(UnavailableIndex, match="disk is full"):
        store.put([an_intake(eel, EMBEDDER)])
    with pytest.raises(UnavailableIndex, match="disk is full"), store._writer.locked():
        connection.execute("INSERT INTO meta VALUES ('x', zeroblob(1000000))")
    assert found(store) == set(ANIMALS)
    connection.execute("PRAGMA max_page_count = 1000000")
    put(store, "newt", "eel")
    assert "eel" in found(store)


def test_a_closed_index_is_not_said_to_be_damaged(folder: Path) -> None:
    store = LocalStore.open(folder)
    store.close()
    store.close()
    with pytest.raises(UnavailableIndex, match="closed"):
        store.documents()
    with pytest.raises(UnavailableIndex, match="closed"):
        put(store, "eel")


def test_questions_do_not_wait_for_a_change(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    insert = PassageTables.insert

    def slow(tables: PassageTables, *arguments: Any) -> None:
        insert(tables, *arguments)
        begun.set()
        assert go_on.wait(30)

    monkeypatch.setattr(PassageTables, "insert", slow)
    change = threading.Thread(target=put, args=(store, "eel"))
    change.start()
    try:
        assert begun.wait(30)
        generation = store.generation
        assert found(store) == set(ANIMALS)
        assert len(store.documents()) == len(ANIMALS)
    finally:
        go_on.set()
        change.join()
    assert store.generation == generation + 1
    assert found(store) == {*ANIMALS, "eel"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said_to_be_so(folder: Path) -> None:
    folder.chmod(0o500)
    try:
        with pytest.raises(UnavailableIndex, match="can be written"):
            LocalStore.open(folder)
    finally:
        folder.chmod(0o700)


# The FAISS file is only a cache


def _flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(bytes(data))


def _remove(path: Path) -> None:
    path.unlink()


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut_the_stamp(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def _odd_stamp(path: Path) -> None:
    _restamp(path, lambda _: [1, 2])


def _of_the_format_before(path: Path) -> None:
    path.write_bytes(b"what FAISS wrote")
    path.with_name(FAISS_FILE + ".stamp").write_text('{"catalog": "x"}')


def _restamp(path: Path, change: Callable[[Any], Any]) -> None:
    """Change what the file says of itself, digests and all."""
    data = path.read_bytes()
    magic, length, _ = _END.unpack(data[-_END.size :])
    stamp = json.loads(data[-_END.size - length : -_END.size])
    changed = json.dumps(change(stamp)).encode()
    end = _END.pack(magic, len(changed), hashlib.sha256(changed).digest())
    path.write_bytes(data[: -_END.size - length] + changed + end)


def _of_another_index(path: Path) -> None:
    other = LocalStore.create(path.parent.parent / "other", SETTINGS)
    put(other, *reversed(ANIMALS))
    search(other, "whale")
    other.close()
    shutil.copy(path.parent.parent / "other" / FAISS_FILE, path)


def _stale(path: Path) -> None:
    store = LocalStore.open(path.parent)
    store.remove([animal("whale").id])
    put(store, "eel", "otter")
    store.close()


def _of_a_format_to_come(path: Path) -> None:
    data = b"XXXX" + path.read_bytes()[4:]
    path.write_bytes(data)

    def fit(stamp: dict[str, Any]) -> dict[str, Any]:
        head = data[: stamp["codes_from"]]
        tail = data[stamp["codes_from"] + stamp["codes_bytes"] : stamp["faiss_bytes"]]
        ids = data[stamp["faiss_bytes"] :][: 8 * stamp["count"]]
        return stamp | {"sha256_head": hashlib.sha256(head + tail + ids).hexdigest()}

    _restamp(path, fit)


def _of_a_state_lost_by_a_restored_backup(path: Path, changes: int) -> None:
    shutil.copy(path.parent / DATABASE, path.parent.parent / "backup")
    store = LocalStore.open(path.parent)
    put(store, "eel")
    put(store, "ray")
    search(store, "whale")
    store.close()
    shutil.copy(path.parent.parent / "backup", path.parent / DATABASE)
    store = LocalStore.open(path.parent)
    for name in ("carp", "pike", "toad")[:changes]:
        put(store, name)
    store.close()


def _of_an_older_lost_state(path: Path) -> None:
    _of_a_state_lost_by_a_restored_backup(path, changes=3)


def _of_a_lost_state_of_the_same_generation(path: Path) -> None:
    _of_a_state_lost_by_a_restored_backup(path, changes=2)


def _of_a_newer_lost_state(path: Path) -> None:
    _of_a_state_lost_by_a_restored_backup(path, changes=1)


@pytest.mark.parametrize(
    "damage",
    [
        _flip_a_byte,
        _remove,
        _truncate,
        _empty,
        _cut_the_stamp,
        _odd_stamp,
        _of_the_format_before,
        _of_another_index,
        _stale,
        _of_a_format_to_come,
        _of_an_older_lost_state,
        _of_a_lost_state_of_the_same_generation,
        _of_a_newer_lost_state,
    ],
)
def test_whatever_became_of_the_faiss_file_answers_are_right_and_it_is_mended(
    folder: Path, damage: object
) -> None:
    damage(folder / FAISS_FILE)  # type: ignore[operator]
    store = LocalStore.open(folder)
    assert_right(store)
    store.close()
    report = check(folder, EMBEDDER)
    assert report.ok, report
    before = (folder / FAISS_FILE).stat().st_mtime_ns
    store = LocalStore.open(folder)
    assert_right(store)
    store.close()
    assert (folder / FAISS_FILE).stat().st_mtime_ns == before


def test_the_faiss_file_of_vectors_of_another_length_is_not_used(folder: Path) -> None:
    wide = HashEmbedder(48, "wide")
    store = LocalStore.open(folder)
    reindex(store, wide, Splitter())
    store.close()
    for _ in range(2):
        store = LocalStore.open(folder)
        row = wide.embed_questions(["The newt sleeps at noon."])[0]
        (best,) = store.candidates("", row, 1)
        assert best.dense_score == pytest.approx(1, abs=1e-6)
        assert best.passage.document_id == animal("newt").id
        store.close()
    assert check(folder, wide).ok


def test_where_the_faiss_file_cannot_be_written_nothing_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(self: Path, *_: object) -> None:
        raise OSError(28, "No space left on device")

    store = LocalStore.open(folder)
    put(store, "eel")
    assert "eel" in found(store)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        store.close()
    assert "the FAISS file could not be written" in caplog.text
    store = LocalStore.open(folder)
    assert_right(store)
    store.close()


# Other processes


def test_what_another_process_writes_is_seen_at_once(store: LocalStore) -> None:
    assert "eel" not in found(store)
    other = LocalStore.open(store.folder)
    put(other, "eel")
    other.remove([animal("whale").id])
    assert found(store) == found(other) == {*ANIMALS, "eel"} - {"whale"}
    assert_right(store)
    other.close()


def test_vectors_of_an_embedder_that_is_no_longer_the_indexs_are_refused(
    store: LocalStore,
) -> None:
    other = LocalStore.open(store.folder)
    reindex(other, HashEmbedder(32, "other"), Splitter())
    other.close()
    with pytest.raises(IncompatibleIndex, match="reindexed"):
        search(store, "whale")
    with pytest.raises(IncompatibleIndex, match="reindexed"):
        put(store, "eel")
    assert [s.uri for s in store.documents()] == sorted(f"test:{name}" for name in ANIMALS)
    assert check(store.folder, HashEmbedder(32, "other")).ok


def test_a_store_goes_on_once_it_is_told_what_the_index_is_made_with_now(
    store: LocalStore,
) -> None:
    search(store, "whale")
    wide = HashEmbedder(48, "wide")
    other = LocalStore.open(store.folder)
    reindex(other, wide, Splitter(20, 0))
    other.close()
    store.require(store.settings)
    store.put([an_intake(animal("eel"), wide, Splitter(20, 0))])
    row = wide.embed_questions(["The eel sleeps at noon."])[0]
    (best,) = store.candidates("", row, 1)
    assert best.dense_score == pytest.approx(1, abs=1e-6)
    assert best.passage.document_id == animal("eel").id


def test_another_splitter_alone_keeps_searches_going_but_not_writing(store: LocalStore) -> None:
    search(store, "whale")
    other = LocalStore.open(store.folder)
    reindex(other, EMBEDDER, Splitter(20, 0))
    other.close()
    assert_right(store)
    with pytest.raises(IncompatibleIndex, match="reindexed"):
        put(store, "eel")
    store.require(store.settings)
    store.put([an_intake(animal("eel"), EMBEDDER, Splitter(20, 0))])
    assert_right(store)


OTHER, OTHERS = HashEmbedder(16, "other"), Splitter(20, 0)


def test_two_that_reindex_to_the_same_share_the_work(store: LocalStore) -> None:
    other = LocalStore.open(store.folder)
    build(store, OTHER, OTHERS)
    reindex(other, OTHER, OTHERS)
    assert store.pending(9) == []
    store.fill([])
    assert store.switch()
    assert store.settings == other.settings == IndexSettings(OTHER.identity, OTHERS)
    assert len(store.candidates("", OTHER.embed_questions(["whale"])[0], 50)) == len(ANIMALS)
    other.close()


def test_who_reindexes_is_told_when_another_began_something_else(store: LocalStore) -> None:
    build(store, OTHER, OTHERS)
    other = LocalStore.open(store.folder)
    other.begin(IndexSettings(EMBEDDER.identity, OTHERS))
    for step in (lambda: store.fill([]), store.switch):
        with pytest.raises(IncompatibleIndex, match="another reindexing was begun") as error:
            step()
        assert "pincite status" in one_line(error)
    other.close()
    assert_right(store)


def test_an_edition_out_of_use_is_removed_in_portions(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.local_store._SWEEP_AT_ONCE", 3)
    build(store, OTHER, OTHERS)
    build(store, HashEmbedder(24, "third"), OTHERS)
    assert _rows(store, "SELECT count(*) FROM passages") == [(2 * len(ANIMALS),)]
    assert _rows(store, "SELECT count(*) FROM editions") == [(2,)]
    assert_right(store)


def test_what_a_removal_cut_off_left_does_no_harm_and_is_removed_later(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    build(store, OTHER, OTHERS)
    with monkeypatch.context() as patched:
        patched.setattr("index.editions.Editions.sweep", cut_off)
        with pytest.raises(KeyboardInterrupt):
            store.begin(IndexSettings(EMBEDDER.identity, OTHERS))
    put(store, "eel")
    store.remove([animal("whale").id])
    assert_right(store)
    report = check(store.folder, EMBEDDER)
    assert report.ok, report
    reindex(store, EMBEDDER, OTHERS)
    assert _rows(store, "SELECT count(*) FROM editions WHERE state = 'dropped'") == [(0,)]
    assert_right(store)


def _rows(store: LocalStore, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(store.folder / DATABASE)
    rows = connection.execute(query).fetchall()
    connection.close()
    return rows


def _write_for_ever(folder: Path) -> None:
    store = LocalStore.open(folder)
    for count in range(1_000_000):
        put(store, *(f"{name}{count % 3}" for name in ANIMALS))
        if count % 3 == 2:
            store.remove([animal(f"{name}{count % 2}").id for name in ANIMALS[:4]])
            search(store, "whale")
            store.save_vectors()
        if count % 4 == 1:
            moving = [state.origin for state in store.origins()[:4]]
            copies = [(replace(one, uri=one.uri + "+"), one.uri) for one in moving]
            store.rearrange(copies, [one.uri for one in moving])
        if count % 5 == 4:
            build(store, OTHER, Splitter(16 + count % 3, 0))
            store.begin(SETTINGS)
            reindex(store, EMBEDDER, SETTINGS.splitter)


def _started(folder: Path) -> multiprocessing.Process:
    process = multiprocessing.get_context("spawn").Process(target=_write_for_ever, args=(folder,))
    process.start()
    return process


@pytest.mark.slow
def test_a_process_killed_while_writing_leaves_a_healthy_index(tmp_path: Path) -> None:
    chance = random.Random(7)
    folder = tmp_path / "index"
    LocalStore.create(folder, SETTINGS).close()
    for _ in range(6):
        store = LocalStore.open(folder)
        before = store.generation
        process = _started(folder)
        while store.generation < before + 5:
            time.sleep(0.01)
        time.sleep(chance.random() / 4)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        report = check(folder, EMBEDDER)
        # Only the copy may be found half replaced; it is made again.
        assert {law.name for law in report.checks if not law.ok} <= {"faiss"}, report
        assert_right(store)
        # All eight are put in one step, and four are removed in one.
        assert len(store.documents()) % 4 == 0
        store.close()
        report = check(folder, EMBEDDER)
        assert report.ok, report


@pytest.mark.slow
def test_one_process_searches_while_another_writes(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    store = LocalStore.create(folder, SETTINGS)
    process = _started(folder)
    try:
        until = time.monotonic() + 8
        seen = set()
        while time.monotonic() < until:
            candidates = search(store, "question")
            seen.add(store.generation)
            # One generation: a step puts eight passages or removes four.
            assert len(candidates) % 4 == 0
            for candidate in candidates:
                row = EMBEDDER.embed_passages([candidate.passage.text])[0]
                expected = float(row @ EMBEDDER.embed_questions(["question"])[0])
                assert candidate.dense_score == pytest.approx(expected, abs=1e-6)
        assert len(seen) > 5
    finally:
        process.kill()
        process.join()
        store.close()
    assert check(folder, EMBEDDER).ok


# Threads


def test_threads_search_while_another_writes_and_see_only_what_is_there(tmp_path: Path) -> None:
    store = LocalStore.create(tmp_path / "index", SETTINGS)
    put(store, *ANIMALS)
    stop = threading.Event()
    removed: set[str] = set()
    failures: list[str] = []

    def look() -> None:
        while not stop.is_set():
            gone = set(removed)
            for candidate in search(store, "who sleeps at noon"):
                passage = candidate.passage
                if passage.document_id in gone:
                    failures.append(f"{passage.text!r} was removed before")
                try:
                    text = store.document(passage.document_id).text
                except UnknownDocument:
                    continue
                if text[passage.start : passage.end] != passage.text:
                    failures.append(f"{passage.text!r} is not what stands there")

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for count in range(60):
        names = [f"{name}{count}" for name in ANIMALS[:3]]
        put(store, *names)
        store.remove([animal(name).id for name in names])
        removed.update(animal(name).id for name in names)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert found(store) == set(ANIMALS)
    store.close()


def test_threads_search_while_another_reindexes(tmp_path: Path) -> None:
    store = LocalStore.create(tmp_path / "index", SETTINGS)
    put(store, *ANIMALS)
    stop = threading.Event()
    failures: list[object] = []

    def look() -> None:
        while not stop.is_set():
            seen = sorted(candidate.passage.text for candidate in search(store, "question"))
            if seen != sorted(animal(name).text for name in ANIMALS):
                failures.append(seen)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for tokens in range(20, 40):
        reindex(store, EMBEDDER, Splitter(tokens, 0))
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    store.close()


def test_a_copy_of_the_vectors_is_made_in_portions(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.vector_copy._LOAD_AT_ONCE", 3)
    (folder / FAISS_FILE).unlink()
    store = LocalStore.open(folder)
    assert_right(store)
    store.close()


def test_vectors_are_kept_to_the_last_bit(folder: Path) -> None:
    connection = sqlite3.connect(folder / DATABASE)
    rows = connection.execute("SELECT text, vector FROM passages").fetchall()
    connection.close()
    for text, vector in rows:
        expected = EMBEDDER.embed_passages([text])[0]
        assert np.array_equal(np.frombuffer(vector, "<f4"), expected)
