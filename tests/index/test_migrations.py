"""Indexes of older formats open, whole; the files in `formats` are kept for ever."""

import os
import re
import shutil
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.boxes import boxes
from index.database import DATABASE, connect
from index.doctor import check
from index.documents import Cell, Part, document_id
from index.embedding import OnnxEmbedder
from index.errors import DamagedIndex, UnavailableIndex
from index.local_store import LocalStore
from index.migrations import FORMAT_VERSION
from index.passages import text_in_context
from index.store import Entry, Intake, Origin
from index.vector_copy import FAISS_FILE
from tests.fakes.made import reindex
from tests.paths import ROOT

FORMATS = ROOT / "tests" / "index" / "formats"
FOLDER = "file:///documents/"
LEASE = FOLDER + "office-lease.pdf"
TITLES = {
    FOLDER + "changelog.md": "Quernstone Changelog",
    FOLDER + "faq.html": "Frequently asked questions – Fern & Fettle",
    LEASE: "Lease: Third Floor, Saltmarsh House, 22 Cooper’s Quay, Dunmarrow DM1 4TX",
}
SHEET = FOLDER + "archive.zip!/prices.ods"
ADDED: dict[int, dict[str, str]] = {1: {}}
VERSIONS = range(1, FORMAT_VERSION + 1)


def an_index(tmp_path: Path, version: int) -> Path:
    folder = tmp_path / f"format-{version}"
    folder.mkdir()
    shutil.copy(FORMATS / f"format-{version}.sqlite", folder / DATABASE)
    return folder


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(folder / DATABASE)
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def test_an_index_of_every_format_is_kept() -> None:
    assert {path.name for path in FORMATS.iterdir()} == {f"format-{n}.sqlite" for n in VERSIONS}
    for version in VERSIONS:
        path = FORMATS / f"format-{version}.sqlite"
        connection = sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)
        connection.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_an_index_of_every_format_opens_and_answers(
    tmp_path: Path, version: int, embedder: OnnxEmbedder
) -> None:
    folder = an_index(tmp_path, version)
    store = LocalStore.open(folder)
    store.require(store.settings)
    assert store.settings.embedder == embedder.identity
    assert {one.uri: one.title for one in store.documents()} == TITLES | ADDED.get(
        version, {SHEET: "prices"}
    )
    question = "How long is the term of the lease?"
    (vector,) = embedder.embed_questions([question])
    found = store.candidates(question, vector, 3)
    best = max(found, key=lambda candidate: candidate.dense_score)
    lease = store.document(best.passage.document_id)
    assert lease.uri == LEASE
    assert lease.text[best.passage.start : best.passage.end] == best.passage.text
    assert lease.page_at(best.passage.start) == 2
    assert max(candidate.lexical_score for candidate in found) > 0
    store.close()
    assert rows(folder, "PRAGMA user_version") == [(FORMAT_VERSION,)]
    report = check(folder, embedder)
    assert report.ok, report


@pytest.mark.parametrize("version", VERSIONS)
def test_an_index_of_every_format_has_the_tables_of_a_fresh_one(
    tmp_path: Path, version: int
) -> None:
    folder = an_index(tmp_path, version)
    store = LocalStore.open(folder)
    LocalStore.create(tmp_path / "fresh", store.settings).close()
    store.close()
    assert tables(folder) == tables(tmp_path / "fresh")


def tables(folder: Path) -> set[tuple[str, str, str]]:
    """Type, name and statement of all that is in the schema, without the editions' numbers."""
    return {
        (kind, re.sub(r"_\d+", "_N", name), re.sub(r"(_|edition = )\d+", r"\1N", sql or ""))
        for kind, name, sql in rows(folder, "SELECT type, name, sql FROM sqlite_schema")
    }


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_reading_the_files_again_embeds_nothing_that_stayed(
    tmp_path: Path, version: int, embedder: OnnxEmbedder
) -> None:
    store = LocalStore.open(an_index(tmp_path, version))
    for summary in store.documents():
        passages = store.passages(summary.id)
        texts = [text_in_context(passage) for passage in passages]
        known = store.known_vectors(texts)
        assert len(known) == len(texts) == summary.passages
        # An int8 model gives other last digits on another processor.
        for text, vector in zip(texts, embedder.embed_passages(texts), strict=True):
            assert known[text] @ vector > 0.98
        document = store.document(summary.id)
        (origin,) = [s.origin for s in store.origins() if document.uri.startswith(s.origin.uri)]
        entry = Entry(document, passages, np.stack([known[text] for text in texts]))
        assert store.put([Intake(replace(origin, recipe="another"), [entry])]) == [[summary.id]]
    assert {one.uri: one.title for one in store.documents()} == TITLES | ADDED.get(
        version, {SHEET: "prices"}
    )
    store.close()


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_an_index_of_every_format_can_be_changed(
    tmp_path: Path, version: int, embedder: OnnxEmbedder
) -> None:
    folder = an_index(tmp_path, version)
    store = LocalStore.open(folder)
    (lease,) = [state.origin for state in store.origins() if state.origin.uri == LEASE]
    moved = replace(lease, uri=FOLDER + "lease.pdf")
    assert store.rearrange([(moved, LEASE)], [LEASE]) == []
    summary = store.find(moved.uri)
    assert summary is not None
    assert (summary.id, summary.title) == (document_id(LEASE), TITLES[LEASE])
    store.remove([one.id for one in store.documents() if one.uri != moved.uri])
    reindex(store, embedder, store.settings.splitter)
    assert [one.id for one in store.documents()] == [summary.id]
    store.close()
    report = check(folder, embedder)
    assert report.ok, report


# From format 1


def test_documents_passages_and_vectors_stay_as_they_were(tmp_path: Path) -> None:
    folder = an_index(tmp_path, 1)
    documents = "SELECT number, id, title, media_type, text, sha256, metadata, sections, added_at"
    passages = 'SELECT number, document, start, "end", text, context, vector'
    counters = "SELECT name, seq FROM sqlite_sequence WHERE name IN ('passages', 'documents')"
    queries = [f"{documents} FROM documents", f"{passages} FROM passages", counters]
    before = [sorted(rows(folder, query)) for query in queries]
    pages = rows(folder, "SELECT json_array_length(pages) FROM documents ORDER BY number")
    LocalStore.open(folder).close()
    assert [sorted(rows(folder, query)) for query in queries] == before
    assert rows(folder, "SELECT pages FROM documents ORDER BY number") == pages
    store = LocalStore.open(folder)
    assert {state.origin.recipe for state in store.origins()} == {"1"}
    lease = store.find(LEASE)
    assert lease is not None
    assert [page.number for page in store.document(lease.id).pages] == [1, 2, 3, 4, 5]
    store.close()


def test_documents_of_format_1_that_are_equal_become_one_when_they_are_read_again(
    tmp_path: Path,
) -> None:
    store = LocalStore.open(an_index(tmp_path, 1))
    first, second = (store.document(summary.id) for summary in store.documents()[:2])
    nothing = np.zeros((0, 384), np.float32)
    for uri in (first.uri, second.uri):
        entry = Entry(replace(first, uri=uri, text=" "), [], nothing)
        store.put([Intake(Origin(uri, first.sha256, "2"), [entry])])
    (summary, lease) = store.documents()
    assert (summary.id, summary.uri, summary.copies) == (first.id, first.uri, (second.uri,))
    assert lease.uri == LEASE
    store.close()


def test_a_migration_that_is_cut_off_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = an_index(tmp_path, 1)
    before = rows(folder, "SELECT name, sql FROM sqlite_schema ORDER BY name")

    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("index.migrations.create_full_text", cut_off)
        with pytest.raises(KeyboardInterrupt):
            LocalStore.open(folder)
    assert rows(folder, "PRAGMA user_version") == [(1,)]
    assert rows(folder, "SELECT name, sql FROM sqlite_schema ORDER BY name") == before
    LocalStore.open(folder).close()
    assert check(folder).ok


def test_a_migration_that_has_no_room_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = an_index(tmp_path, 1)
    before = rows(folder, "SELECT name, sql FROM sqlite_schema ORDER BY name")

    def without_room(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    with monkeypatch.context() as patched:
        patched.setattr("index.catalog.connect", without_room)
        with pytest.raises(UnavailableIndex, match="disk is full"):
            LocalStore.open(folder)
    assert rows(folder, "SELECT name, sql FROM sqlite_schema ORDER BY name") == before
    LocalStore.open(folder).close()
    assert check(folder).ok


def test_several_that_open_an_old_index_at_once_migrate_it_once(tmp_path: Path) -> None:
    folder = an_index(tmp_path, 1)
    start = threading.Barrier(4)
    found: list[int] = []

    def open_it() -> None:
        start.wait()
        store = LocalStore.open(folder)
        found.append(len(store.documents()))
        store.close()

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [3] * 4
    assert check(folder).ok


@pytest.mark.parametrize("pages", ["[[1]]", "[[1, 2, 3, 4]]", "[", "7", '[["x", null, 1]]'])
def test_an_old_index_that_makes_no_sense_is_said_to_be_damaged(tmp_path: Path, pages: str) -> None:
    folder = an_index(tmp_path, 1)
    connection = sqlite3.connect(folder / DATABASE)
    with connection:
        connection.execute("UPDATE documents SET pages = ? WHERE number = 1", (pages,))
    connection.close()
    with pytest.raises(DamagedIndex, match="--index NEW_FOLDER") as error:
        LocalStore.open(folder)
    assert "\n" not in str(error.value)
    assert rows(folder, "PRAGMA user_version") == [(1,)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_old_index_in_a_folder_that_cannot_be_written_is_said_to_be_so(tmp_path: Path) -> None:
    folder = an_index(tmp_path, 1)
    folder.chmod(0o500)
    try:
        with pytest.raises(UnavailableIndex, match="can be written"):
            LocalStore.open(folder)
    finally:
        folder.chmod(0o700)


def test_an_old_index_that_another_program_holds_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = an_index(tmp_path, 1)
    monkeypatch.setattr("index.database._WAIT", 0.05)
    other = sqlite3.connect(folder / DATABASE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableIndex, match="locked"):
        LocalStore.open(folder)
    other.close()
    LocalStore.open(folder).close()


def test_a_faiss_file_of_format_1_is_used_on(tmp_path: Path, embedder: OnnxEmbedder) -> None:
    folder = an_index(tmp_path, 1)
    store = LocalStore.open(folder)
    store.save_vectors()
    store.close()
    shutil.copy(FORMATS / "format-1.sqlite", folder / DATABASE)
    written = (folder / FAISS_FILE).stat().st_mtime_ns
    store = LocalStore.open(folder)
    store.candidates("lease", embedder.embed_questions(["lease"])[0], 3)
    store.close()
    assert (folder / FAISS_FILE).stat().st_mtime_ns == written
    assert check(folder, embedder).ok


# From format 2


def test_places_parts_cells_and_boxes_are_as_they_were(tmp_path: Path) -> None:
    store = LocalStore.open(an_index(tmp_path, 2))
    changelog, sheet, lease = (store.find(one) for one in (FOLDER + "changelog.md", SHEET, LEASE))
    assert changelog is not None
    assert changelog.copies == (FOLDER + "copies/changelog.md",)
    assert sheet is not None
    prices = store.document(sheet.id)
    assert prices.title_from_name
    assert prices.part_at("sheet", 0) == "Net"
    assert prices.parts == (Part("sheet", "Net", 0, len(prices.text)),)
    assert prices.cells_in(22, 23) == (Cell(22, 26, 2, 2),)
    assert prices.text[22:26] == "7.50"
    assert lease is not None
    document = store.document(lease.id)
    start = document.text.index("Saltmarsh House")
    first, *_ = boxes(document, start, start + len("Saltmarsh House"))
    assert first.page == 1
    assert 0 < first.left < first.right < 596
    assert 0 < first.top < first.bottom < 842
    store.close()


def test_origins_problems_and_editions_are_as_they_were(tmp_path: Path) -> None:
    store = LocalStore.open(an_index(tmp_path, 2))
    archive, *others = store.origins()
    assert (archive.origin.uri, archive.origin.recipe) == (FOLDER + "archive.zip", "2/ocr")
    (problem,) = archive.problems
    assert problem.uri == FOLDER + "archive.zip!/setup.exe"
    assert problem.unsupported
    assert {(state.origin.recipe, state.documents) for state in others} == {("2", 1)}
    assert store.previous is not None
    assert (store.previous.embedder.name, store.previous.embedder.dim) == ("hash", 8)
    assert store.building is not None
    assert store.building.embedder.name == "unfinished"
    assert store.edition_progress() == (1, 4)
    store.close()
