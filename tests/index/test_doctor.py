"""The doctor finds each kind of damage, and names the right one."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import faiss
import numpy as np
import pytest

from index.catalog import DATABASE, IndexSettings
from index.doctor import Report, check
from index.errors import NoIndex, PinciteError
from index.indexing import rebuild
from index.passages import Splitter
from index.store import FAISS_FILE, LocalStore
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_entry

EMBEDDER = HashEmbedder()
SETTINGS = IndexSettings(EMBEDDER.identity, Splitter(16, 4))
LAWS = ["database", "documents", "offsets", "coverage", "orphans", "vectors", "faiss", "full text"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A healthy index of long and short documents, without a FAISS file."""
    folder = tmp_path / "index"
    store = LocalStore.create(folder, SETTINGS)
    documents = [
        a_document(f"test:{n}", f"Flat {n}.\n\nThe rent, 900 pounds, is due. " * n, title="Lease")
        for n in range(1, 6)
    ]
    store.put([an_entry(document, EMBEDDER, SETTINGS.splitter) for document in documents])
    store.close()
    assert not (folder / FAISS_FILE).exists()
    return folder


@contextmanager
def opened(folder: Path) -> Iterator[sqlite3.Connection]:
    """The database behind Pincite's back; foreign keys are off."""
    connection = sqlite3.connect(folder / DATABASE)
    with connection:
        yield connection
    connection.close()


def failing(report: Report) -> set[str]:
    return {law.name for law in report.checks if not law.ok}


def found(report: Report, name: str) -> str:
    (law,) = [law for law in report.checks if law.name == name]
    assert "\n" not in law.found
    return law.found


def test_a_healthy_index_passes_every_check(folder: Path) -> None:
    report = check(folder, EMBEDDER)
    assert [law.name for law in report.checks] == LAWS
    assert report.ok, report


def test_an_empty_index_is_healthy(tmp_path: Path) -> None:
    LocalStore.create(tmp_path, SETTINGS).close()
    assert check(tmp_path, EMBEDDER).ok


def test_a_healthy_index_with_a_faiss_file_passes_too(folder: Path) -> None:
    store = LocalStore.open(folder)
    store.save_vectors()
    store.close()
    assert (folder / FAISS_FILE).exists()
    assert check(folder, EMBEDDER).ok


def test_without_an_index_there_is_nothing_to_check(tmp_path: Path) -> None:
    with pytest.raises(NoIndex):
        check(tmp_path)


def passage_text_changed(c: sqlite3.Connection) -> None:
    # A comma for a full stop: the words, and so vector and full text, stay.
    c.execute("UPDATE passages SET text = replace(text, ',', '.') WHERE number = 2")


def offset_moved(c: sqlite3.Connection) -> None:
    c.execute('UPDATE passages SET "end" = "end" + 1 WHERE number = 3')


def passage_lost(c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM passages WHERE number IN (SELECT min(number) FROM passages)")


def vector_too_long(c: sqlite3.Connection) -> None:
    row = np.full(32, 0.5, "<f4").tobytes()
    c.execute("UPDATE passages SET vector = ? WHERE number = 4", (row,))


def vector_not_a_number(c: sqlite3.Connection) -> None:
    row = np.full(32, np.nan, "<f4").tobytes()
    c.execute("UPDATE passages SET vector = ? WHERE number = 4", (row,))


def vector_cut(c: sqlite3.Connection) -> None:
    c.execute("UPDATE passages SET vector = substr(vector, 1, 60) WHERE number = 4")


def vectors_of_other_texts(c: sqlite3.Connection) -> None:
    row = EMBEDDER.embed_passages(["something else"])[0].astype("<f4").tobytes()
    c.execute("UPDATE passages SET vector = ?", (row,))


def orphan_inserted(c: sqlite3.Connection) -> None:
    row = EMBEDDER.embed_passages(["The rent"])[0].astype("<f4").tobytes()
    for _ in range(3):
        c.execute(
            'INSERT INTO passages (document, start, "end", text, context, vector) '
            "VALUES (99, 0, 8, 'The rent', '', ?)",
            (row,),
        )


def full_text_row_deleted(c: sqlite3.Connection) -> None:
    c.execute(
        "INSERT INTO passages_fts (passages_fts, rowid, text, context) "
        "SELECT 'delete', number, text, context FROM passages WHERE number = 2"
    )


def full_text_of_other_words(c: sqlite3.Connection) -> None:
    full_text_row_deleted(c)
    c.execute("INSERT INTO passages_fts (rowid, text, context) VALUES (2, 'other words', '')")


def document_text_changed(c: sqlite3.Connection) -> None:
    # Only white space in no passage, so that nothing but the checksum tells.
    c.execute("UPDATE documents SET text = text || ' '")


def document_id_changed(c: sqlite3.Connection) -> None:
    c.execute("UPDATE documents SET id = 'feedfeedfeedfeed' WHERE number = 1")


def page_out_of_place(c: sqlite3.Connection) -> None:
    c.execute("UPDATE documents SET pages = '[[1, 0, 99999]]' WHERE number = 1")


def pages_garbled(c: sqlite3.Connection) -> None:
    c.execute("UPDATE documents SET pages = '[[1]]' WHERE number = 1")


DAMAGES: list[tuple[Callable[[sqlite3.Connection], None], set[str], str]] = [
    (passage_text_changed, {"offsets"}, "is not what stands there; mend it: pincite rebuild"),
    (offset_moved, {"offsets"}, "is not what stands there"),
    (passage_lost, {"coverage"}, "are in no passage; mend it: pincite rebuild"),
    (vector_too_long, {"vectors"}, "the vector of passage 4 has not length 1"),
    (vector_not_a_number, {"vectors"}, "the vector of passage 4 has not length 1"),
    (vector_cut, {"vectors"}, "the vector of passage 4 is missing or cut"),
    (vectors_of_other_texts, {"vectors"}, "is not the one its text has"),
    (orphan_inserted, {"orphans"}, "3 passages belong to no document"),
    (full_text_row_deleted, {"full text"}, "in the full-text table,"),
    (full_text_of_other_words, {"full text"}, "malformed"),
    (document_text_changed, {"documents"}, "its text was changed after it was stored"),
    (document_id_changed, {"documents"}, "has id feedfeedfeedfeed, expected"),
    (page_out_of_place, {"documents"}, "page 0-99999 is out of place"),
    (pages_garbled, {"documents", "offsets", "coverage"}, "entry for test:1 cannot be"),
]


@pytest.mark.parametrize(
    ("damage", "expected", "message"), DAMAGES, ids=[damage.__name__ for damage, _, _ in DAMAGES]
)
def test_each_damage_makes_its_own_check_fail(
    folder: Path,
    damage: Callable[[sqlite3.Connection], None],
    expected: set[str],
    message: str,
) -> None:
    with opened(folder) as connection:
        damage(connection)
    report = check(folder, EMBEDDER)
    assert failing(report) == expected
    for name in expected:
        assert message in found(report, name)


@pytest.mark.parametrize(
    "damage", [damage for damage, _, _ in DAMAGES], ids=[d.__name__ for d, _, _ in DAMAGES]
)
def test_what_the_doctor_advises_mends_the_damage(
    folder: Path, damage: Callable[[sqlite3.Connection], None]
) -> None:
    with opened(folder) as connection:
        damage(connection)
    report = check(folder, EMBEDDER)
    store = LocalStore.open(folder)
    if failing(report) & {"documents"}:
        store.close()
        assert "again" in found(report, "documents")
        return
    assert all("pincite rebuild" in found(report, name) for name in failing(report))
    rebuild(store, EMBEDDER, SETTINGS.splitter)
    store.close()
    report = check(folder, EMBEDDER)
    assert report.ok, report


def test_of_many_problems_some_are_shown_and_all_are_counted(folder: Path) -> None:
    with opened(folder) as connection:
        connection.execute("UPDATE documents SET text_sha256 = 'x'")
    message = found(check(folder), "documents")
    assert message.count("its text was changed") == 3
    assert "(and 2 more)" in message


def test_without_the_embedder_only_the_lengths_of_vectors_are_checked(folder: Path) -> None:
    with opened(folder) as connection:
        vectors_of_other_texts(connection)
    assert check(folder).ok
    assert failing(check(folder, EMBEDDER)) == {"vectors"}


def test_an_unreadable_database_fails_its_check_and_nothing_else_is_tried(folder: Path) -> None:
    (folder / DATABASE).write_bytes(b"no database" * 500)
    report = check(folder)
    assert failing(report) == {"database"} == {law.name for law in report.checks}


def _with_faiss_file(folder: Path) -> Path:
    store = LocalStore.open(folder)
    store.save_vectors()
    store.close()
    return folder / FAISS_FILE


def test_a_faiss_file_that_does_not_fit_its_stamp_is_found(folder: Path) -> None:
    path = _with_faiss_file(folder)
    path.write_bytes(path.read_bytes()[:-1] + b"\x77")
    report = check(folder, EMBEDDER)
    assert failing(report) == {"faiss"}
    assert "the next question makes it again" in found(report, "faiss")


@pytest.mark.parametrize("change", ["other vectors", "one less"])
def test_a_faiss_file_that_was_altered_together_with_its_stamp_is_found(
    folder: Path, change: str
) -> None:
    path = _with_faiss_file(folder)
    index = faiss.read_index(str(path))
    last = np.sort(faiss.vector_to_array(index.id_map))[-1:]
    index.remove_ids(last)
    if change == "other vectors":
        index.add_with_ids(EMBEDDER.embed_passages(["something else"]), last)
    faiss.write_index(index, str(path))
    stamp = path.with_name(FAISS_FILE + ".stamp")
    content = json.loads(stamp.read_text())
    content["sha256"] = sha256(path.read_bytes()).hexdigest()
    stamp.write_text(json.dumps(content))
    report = check(folder, EMBEDDER)
    assert failing(report) == {"faiss"}
    assert f"delete {path}" in found(report, "faiss")


def test_a_faiss_file_that_is_behind_is_no_fault(folder: Path) -> None:
    _with_faiss_file(folder)
    store = LocalStore.open(folder)
    store.put([an_entry(a_document("test:more", "More."), EMBEDDER, SETTINGS.splitter)])
    store.close()
    assert check(folder, EMBEDDER).ok


def test_an_index_can_be_checked_while_it_is_written(folder: Path) -> None:
    stop = threading.Event()
    problems: list[PinciteError] = []

    def write() -> None:
        store = LocalStore.open(folder)
        try:
            while not stop.is_set():
                store.put([an_entry(a_document("test:more", "More."), EMBEDDER)])
        except PinciteError as error:
            problems.append(error)
        finally:
            store.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(30):
            report = check(folder, EMBEDDER)
            assert report.ok, report
    finally:
        stop.set()
        writer.join()
    assert problems == []


def test_checking_changes_nothing(folder: Path) -> None:
    _with_faiss_file(folder)
    before = {part.name: part.read_bytes() for part in folder.iterdir()}
    check(folder, EMBEDDER)
    assert {part.name: part.read_bytes() for part in folder.iterdir()} == before
