"""The doctor finds each kind of damage, and names the right one."""

# ruff: noqa: S608 - the statements are put together of numbers

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.boxes import pack, unplaced
from index.contents import passage_digest
from index.database import DATABASE
from index.doctor import Report, check
from index.documents import Cell, Page, Part, Problem
from index.errors import NoIndex, PinciteError
from index.local_store import LocalStore
from index.passages import Splitter
from index.reindex import reindex as mend
from index.store import IndexSettings
from index.vector_copy import FAISS_FILE
from index.vector_file import read, write
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_entry, an_intake, reindex

EMBEDDER = HashEmbedder()
OTHER = HashEmbedder(16, "other")
SETTINGS = IndexSettings(EMBEDDER.identity, Splitter(16, 4))
LAWS = [
    "database",
    "documents",
    "places",
    "editions",
    "offsets",
    "coverage",
    "orphans",
    "vectors",
    "faiss",
    "words",
    "full text",
    "originals",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A healthy index of long and short documents in three editions, without a FAISS file.

    The first document has pages with glyphs, parts, cells and a second place, the second one is
    called by its file's name, and the third one's file holds a fourth that cannot be read.
    """
    folder = tmp_path / "index"
    store = LocalStore.create(folder, SETTINGS)
    documents = [
        a_document(f"test:{n}", f"Flat {n}.\n\nThe rent, 900 pounds, is due. " * n, title="Lease")
        for n in range(1, 6)
    ]
    documents[0] = replace(
        documents[0],
        pages=(Page(1, 0, 7, pack(unplaced(7), (600, 800))), Page(2, 9, 38)),
        parts=(Part("sheet", "Prices", 0, 7),),
        cells=(Cell(0, 4, 1, 1), Cell(5, 6, 1, 2)),
        metadata={"Author": "Jane Doe", "author": "JANE DOE", "Straße": "Große Allee"},
    )
    documents[1] = replace(documents[1], title="2", title_from_name=True)
    copy = replace(documents[0], uri="test:copy")
    store.put([an_intake(one, EMBEDDER, SETTINGS.splitter) for one in [*documents, copy]])
    store.put(
        [
            replace(
                an_intake(documents[2], EMBEDDER, SETTINGS.splitter),
                problems=[Problem("test:3!/x", "3!/x: is damaged")],
            )
        ]
    )
    reindex(store, OTHER, Splitter(24, 4))
    reindex(store, EMBEDDER, SETTINGS.splitter)
    assert store.previous == IndexSettings(OTHER.identity, Splitter(24, 4))
    store.begin(IndexSettings(OTHER.identity, Splitter(32, 4)))
    entries = [an_entry(store.document(id_), OTHER, Splitter(32, 4)) for id_ in store.pending(3)]
    store.fill([(entry.document, entry.passages, entry.vectors) for entry in entries])
    store.close()
    # The tests name passages and editions by their numbers.
    with opened(folder) as connection:
        assert connection.execute("SELECT number, state FROM editions ORDER BY 1").fetchall() == [
            (1, "current"),
            (2, "previous"),
            (3, "building"),
        ]
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


def current(place: int) -> str:
    """The number of a passage of the current edition, in SQL."""
    return f"(SELECT number FROM passages WHERE edition = 1 ORDER BY number LIMIT 1 OFFSET {place})"


def passage_text_changed(c: sqlite3.Connection) -> None:
    # A comma for a full stop: the words, and so vector and full text, stay.
    c.execute(f"UPDATE passages SET text = replace(text, ',', '.') WHERE number = {current(1)}")


def offset_moved(c: sqlite3.Connection) -> None:
    c.execute(f'UPDATE passages SET "end" = "end" + 1 WHERE number = {current(2)}')


def offset_moved_in_the_previous_edition(c: sqlite3.Connection) -> None:
    c.execute('UPDATE passages SET "end" = "end" + 1 WHERE edition = 2 AND document = 5')


def passage_lost(c: sqlite3.Connection) -> None:
    c.execute(f"DELETE FROM passages WHERE number = {current(0)}")


def vector_too_long(c: sqlite3.Connection) -> None:
    row = np.full(32, 0.5, "<f4").tobytes()
    c.execute(f"UPDATE passages SET vector = ? WHERE number = {current(3)}", (row,))


def vector_not_a_number(c: sqlite3.Connection) -> None:
    row = np.full(32, np.nan, "<f4").tobytes()
    c.execute(f"UPDATE passages SET vector = ? WHERE number = {current(3)}", (row,))


def vector_cut(c: sqlite3.Connection) -> None:
    c.execute(f"UPDATE passages SET vector = substr(vector, 1, 60) WHERE number = {current(3)}")


def vectors_of_other_texts(c: sqlite3.Connection) -> None:
    row = EMBEDDER.embed_passages(["something else"])[0].astype("<f4").tobytes()
    c.execute("UPDATE passages SET vector = ? WHERE edition = 1", (row,))


def digest_changed(c: sqlite3.Connection) -> None:
    c.execute("UPDATE passages SET digest = zeroblob(16) WHERE edition = 2")


def orphan_inserted(c: sqlite3.Connection) -> None:
    row = EMBEDDER.embed_passages(["The rent"])[0].astype("<f4").tobytes()
    for _ in range(3):
        c.execute(
            "INSERT INTO passages"
            ' (edition, document, start, "end", digest, text, context, vector) '
            "VALUES (1, 99, 0, 8, ?, 'The rent', '', ?)",
            (passage_digest("The rent"), row),
        )


def passages_of_an_edition_that_is_gone(c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM editions WHERE number = 3")


def document_unfilled(c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM filled WHERE edition = 1 AND document = 2")


def full_text_row_deleted(c: sqlite3.Connection) -> None:
    c.execute(
        "INSERT INTO passages_fts_1 (passages_fts_1, rowid, text, context) "
        f"SELECT 'delete', number, text, context FROM passages WHERE number = {current(1)}"
    )


def full_text_of_other_words(c: sqlite3.Connection) -> None:
    full_text_row_deleted(c)
    c.execute(
        "INSERT INTO passages_fts_1 (rowid, text, context)"
        f" VALUES ({current(1)}, 'other words', '')"
    )


def full_text_of_the_previous_edition_emptied(c: sqlite3.Connection) -> None:
    c.execute(
        "INSERT INTO passages_fts_2 (passages_fts_2, rowid, text, context) "
        "SELECT 'delete', number, text, context FROM passages WHERE edition = 2"
    )


def document_text_changed(c: sqlite3.Connection) -> None:
    # Only white space in no passage, so that nothing but the checksum tells.
    c.execute("UPDATE documents SET text = text || ' '")


def metadata_changed(c: sqlite3.Connection) -> None:
    c.execute("""UPDATE documents SET metadata = '{"author": "Nobody"}' WHERE number = 1""")


def property_lost(c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM properties WHERE key = CAST('author' AS BLOB)")


def property_of_another_document(c: sqlite3.Connection) -> None:
    c.execute("UPDATE properties SET document = 2 WHERE key = CAST('author' AS BLOB)")


def property_in_another_case(c: sqlite3.Connection) -> None:
    c.execute("UPDATE properties SET value = CAST('Jane Doe' AS BLOB) WHERE key = x'617574686f72'")


def property_of_no_document(c: sqlite3.Connection) -> None:
    c.execute("INSERT INTO properties VALUES (x'61', x'62', 99)")


def place_lost(c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM places WHERE uri = 'test:4'")


def place_in_another_origin(c: sqlite3.Connection) -> None:
    c.execute("UPDATE places SET origin = 'test:3' WHERE uri = 'test:4'")


def origin_lost(c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM origins WHERE uri = 'test:3'")


def called_by_another_place(c: sqlite3.Connection) -> None:
    c.execute("UPDATE documents SET titled_by = 'test:old' WHERE number = 2")


def page_out_of_place(c: sqlite3.Connection) -> None:
    c.execute('UPDATE pages SET "end" = 99999 WHERE document = 1 AND number = 2')


def part_out_of_place(c: sqlite3.Connection) -> None:
    c.execute("""UPDATE documents SET parts = '[["part", "1", 5, 99]]' WHERE number = 1""")


def cells_out_of_order(c: sqlite3.Connection) -> None:
    c.execute("UPDATE documents SET cells = '[[5, 6, 1, 2], [0, 4, 1, 1]]' WHERE number = 1")


def page_lost(c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM pages WHERE document = 1 AND number = 2")


def glyphs_of_another_page(c: sqlite3.Connection) -> None:
    glyphs = pack(unplaced(6), (600, 800)).data
    c.execute("UPDATE pages SET glyphs = ? WHERE document = 1 AND number = 1", (glyphs,))


def glyphs_garbled(c: sqlite3.Connection) -> None:
    c.execute("UPDATE pages SET glyphs = x'070000001234' WHERE document = 1 AND number = 1")


def parts_garbled(c: sqlite3.Connection) -> None:
    c.execute("UPDATE documents SET parts = '[[1]]' WHERE number = 1")


DAMAGES: list[tuple[Callable[[sqlite3.Connection], None], set[str], str]] = [
    (
        passage_text_changed,
        {"offsets", "editions"},
        "of edition 1 is not",
    ),
    (offset_moved, {"offsets"}, "of edition 1 is not what stands there"),
    (offset_moved_in_the_previous_edition, {"offsets"}, "of edition 2 is not what stands there"),
    (passage_lost, {"coverage"}, "are in no passage of edition 1; mend it: pincite reindex"),
    (vector_too_long, {"vectors"}, "has not length 1"),
    (vector_not_a_number, {"vectors"}, "has not length 1"),
    (vector_cut, {"vectors"}, "is missing or cut"),
    (vectors_of_other_texts, {"vectors"}, "is not the one its text has"),
    (digest_changed, {"editions"}, "of edition 2 is not found by what was embedded of it"),
    (orphan_inserted, {"orphans"}, "3 passages belong to no document"),
    (passages_of_an_edition_that_is_gone, {"editions", "orphans"}, ""),
    (document_unfilled, {"editions"}, "has no passages in the current edition"),
    (full_text_row_deleted, {"full text"}, "in the full-text table of edition 1,"),
    (full_text_of_other_words, {"full text"}, "malformed"),
    (
        full_text_of_the_previous_edition_emptied,
        {"full text"},
        "0 passages in the full-text table of edition 2,",
    ),
    (document_text_changed, {"documents"}, "its text was changed after it was stored"),
    (metadata_changed, {"documents"}, "what is known of it was changed after it was stored"),
    (property_lost, {"documents"}, "test:1: is not found by what its metadata says"),
    (property_of_another_document, {"documents"}, "test:2: is not found by what its metadata"),
    (property_in_another_case, {"documents"}, "test:1: is not found by what its metadata says"),
    (property_of_no_document, {"orphans"}, "1 entries of metadata belong to no document"),
    (place_lost, {"places"}, "stands nowhere"),
    (place_in_another_origin, {"places"}, "test:4: is not in its origin, test:3"),
    (origin_lost, {"orphans"}, "1 places belong to no origin; 1 problems belong to no origin"),
    (called_by_another_place, {"places"}, "is called '2', by a name that it had before"),
    (page_out_of_place, {"documents"}, "page 9-99999 is out of place"),
    (part_out_of_place, {"documents"}, "part 5-99 is out of place"),
    (cells_out_of_order, {"documents"}, "cell 0-4 is out of place"),
    (page_lost, {"documents"}, "what is known of it was changed"),
    (glyphs_of_another_page, {"documents"}, "page 1 has 7 characters, and tells where 6 stand"),
    (glyphs_garbled, {"documents"}, "page 1 has glyphs that cannot be read"),
    (parts_garbled, {"documents"}, "entry for test:1 cannot be"),
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


@pytest.mark.slow
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
    advice = {law.found.rpartition("; ")[2] for law in report.checks if not law.ok}
    documents = [a_document(f"test:{number}", "As it was.") for number in range(1, 6)]
    intakes = [an_intake(document, EMBEDDER, SETTINGS.splitter) for document in documents]
    if advice == {"mend it: pincite reindex"}:
        mend(store, EMBEDDER, SETTINGS.splitter)
    elif advice == {"remove and index the files concerned again: pincite remove, pincite index"}:
        store.remove([summary.id for summary in store.documents()])
        assert store.origins() == []
        store.put(intakes)
    else:
        assert any("into a new folder: pincite index --index NEW_FOLDER" in one for one in advice)
    store.close()
    if not any("new folder" in one for one in advice):
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
    sealed = read(path, mapped=False)
    assert sealed is not None
    sealed.index.remove_ids(np.array([len(sealed.ids) - 1]))
    if change == "other vectors":
        sealed.index.add(EMBEDDER.embed_passages(["something else"]))
    write(path, replace(sealed, ids=sealed.ids[: sealed.index.ntotal]))
    report = check(folder, EMBEDDER)
    assert failing(report) == {"faiss"}
    assert f"delete {path}" in found(report, "faiss")


def test_a_faiss_file_that_is_behind_is_no_fault(folder: Path) -> None:
    _with_faiss_file(folder)
    store = LocalStore.open(folder)
    store.put([an_intake(a_document("test:more", "More."), EMBEDDER, SETTINGS.splitter)])
    store.close()
    assert check(folder, EMBEDDER).ok


def test_an_index_can_be_checked_while_it_is_written(folder: Path) -> None:
    stop = threading.Event()
    problems: list[PinciteError] = []

    def write() -> None:
        store = LocalStore.open(folder)
        try:
            while not stop.is_set():
                store.put([an_intake(a_document("test:more", "More."), EMBEDDER)])
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
