"""The database: the one source of truth of an index.

One SQLite file in WAL mode holds documents, passages with their vectors, and the full-text tables.
Everything here runs inside a transaction that the caller opened; nothing here knows of FAISS.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from index.changes import Changes
from index.contents import content_key, folded, text_digest
from index.database import (
    DATABASE,
    START_AGAIN,
    UNFINISHED,
    bring_up_to_date,
    connect,
    refuse_occupied,
    reporting_damage,
    row_of,
    skip_numbers,
    understanding,
    undo,
    version,
)
from index.documents import Cell, Document, Glyphs, Page, Part, Section
from index.editions import Editions
from index.errors import DamagedIndex, NoIndex
from index.migrations import FORMAT_VERSION, migrate
from index.origins import Origins
from index.passage_tables import PassageTables
from index.store import DocumentSummary, IndexSettings

# Begins the keys of notes, among those of what the database says of itself.
_NOTE = "note:"


class Catalog:
    """The database of one index folder.

    Not safe for use by several threads at once: `LocalStore` sees to that.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self.changes = Changes(connection)
        self.editions = Editions(folder, connection)
        self.origins = Origins(connection)
        self.passages = PassageTables(folder, connection)
        self._connection = connection

    @classmethod
    def create(cls, folder: Path, settings: IndexSettings) -> "Catalog":
        """Make a new, empty index in `folder`.

        Raises:
            IncompatibleIndex: the folder holds an index or other things already.
            UnavailableIndex: it cannot be written.
        """
        refuse_occupied(folder)
        folder.mkdir(parents=True, exist_ok=True)
        # The database appears under its name only when it is whole.
        unfinished = folder / f"{DATABASE}.{uuid.uuid4().hex}{UNFINISHED}"
        with reporting_damage(folder):
            connection = connect(unfinished)
            connection.execute("BEGIN IMMEDIATE")
            migrate(connection, 0)
            connection.executemany(
                "INSERT INTO meta VALUES (?, ?)",
                [("catalog", uuid.uuid4().hex), ("generation", "0")],
            )
            cls(folder, connection).editions.add(settings, "current")
            connection.execute("COMMIT")
            connection.close()
        # Two may be making an index here at once: the first wins, its database is not replaced.
        try:
            (folder / DATABASE).hardlink_to(unfinished)
        except FileExistsError:
            unfinished.unlink()
            refuse_occupied(folder)
        except OSError:  # a file system without hard links
            unfinished.rename(folder / DATABASE)
        else:
            unfinished.unlink()
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> "Catalog":
        """Open the index in `folder`; one of an older format is brought to today's.

        Raises:
            NoIndex: there is none.
            IncompatibleIndex: its format is one to come.
            DamagedIndex: the database cannot be read.
            UnavailableIndex: it is locked, or cannot be written.
        """
        path = folder / DATABASE
        if not folder.exists():
            raise NoIndex(f"{folder}: no index here yet; make one: pincite index PATH")
        if not path.is_file():
            raise NoIndex(
                f"{folder}: is not an index (it has no {DATABASE}); "
                "name another with --index, or make one: pincite index PATH"
            )
        with reporting_damage(folder):
            connection = connect(path)
            try:
                if version(connection) != FORMAT_VERSION:
                    bring_up_to_date(folder, connection)
                connection.execute("PRAGMA foreign_keys = ON")
                catalog = cls(folder, connection)
                _ = catalog.name, catalog.generation, catalog.settings
            except BaseException:
                connection.close()
                raise
        return catalog

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    @contextmanager
    def transaction(self, *, write: bool, unseen: bool = False) -> Iterator[sqlite3.Connection]:
        """Run a block against one state of the database; a writing one is kept whole or not at all.

        An `unseen` change is none to those who search or read documents: the generation stays.

        Raises:
            DamagedIndex: the database cannot be read.
        """
        with reporting_damage(self.folder):
            self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                if write:
                    skip_numbers(self._connection)
                yield self._connection
                if write:
                    if not unseen:
                        self.advance()
                    self.changes.end()
                self._connection.execute("COMMIT")
            except BaseException:
                undo(self._connection)
                raise

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Run a block that needs the write lock although it only looks; changes are undone.

        Raises:
            UnavailableIndex: another program holds the lock for too long.
        """
        with reporting_damage(self.folder):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                undo(self._connection)

    @property
    def name(self) -> str:
        """A name unique to this database, given when it was made."""
        return self._meta("catalog")

    @property
    def generation(self) -> int:
        """How many changes have been committed."""
        with understanding(self.folder, "generation"):
            return int(self._meta("generation"))

    def advance(self) -> None:
        """Count a change."""
        self._connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")

    def note(self, name: str) -> str | None:
        """See `PassageStore.note`."""
        row = self._connection.execute(
            "SELECT value FROM meta WHERE key = ?", (_NOTE + name,)
        ).fetchone()
        return None if row is None else str(row[0])

    def set_note(self, name: str, text: str | None) -> None:
        """See `PassageStore.set_note`."""
        if text is None:
            self._connection.execute("DELETE FROM meta WHERE key = ?", (_NOTE + name,))
            return
        self._connection.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (_NOTE + name, text),
        )

    @property
    def settings(self) -> IndexSettings:
        """What the current edition was made with."""
        return self.editions.current.settings

    def _meta(self, key: str) -> str:
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise DamagedIndex(f"{self.folder}: the database lacks its {key}; {START_AGAIN}")
        return str(row[0])

    def insert_document(self, document: Document) -> int:
        """Store a document, without a place or passages; returns its number."""
        row = _document_row(document)
        cursor = self._connection.execute(
            f"INSERT INTO documents (id, {', '.join(row)}) VALUES (?{', ?' * len(row)})",  # noqa: S608
            (document.id, *row.values()),
        )
        number = row_of(cursor)
        self._insert_pages(number, document)
        self._insert_properties(number, document)
        return number

    def replace_document(self, number: int, document: Document) -> None:
        """Give a stored document other content; its passages go, in all editions."""
        row = _document_row(document)
        self._connection.execute(
            f"""UPDATE documents SET {", ".join(f"{column} = ?" for column in row)},
                  added_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE number = ?""",  # noqa: S608
            (*row.values(), number),
        )
        for table in ("pages", "properties", "passages", "filled"):
            self._connection.execute(f"DELETE FROM {table} WHERE document = ?", (number,))  # noqa: S608
        self._insert_pages(number, document)
        self._insert_properties(number, document)

    def _insert_properties(self, number: int, document: Document) -> None:
        self._connection.executemany(
            "INSERT OR IGNORE INTO properties VALUES (?, ?, ?)",
            [(folded(key), folded(value), number) for key, value in document.metadata.items()],
        )

    def _insert_pages(self, number: int, document: Document) -> None:
        self._connection.executemany(
            "INSERT INTO pages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (number, place, page.number, page.start, page.end)
                + (
                    (None, None, None)
                    if page.glyphs is None
                    else (page.glyphs.width, page.glyphs.height, page.glyphs.data)
                )
                for place, page in enumerate(document.pages)
            ],
        )

    def delete_document(self, number: int) -> None:
        """Delete a document with its places and all its passages."""
        self._connection.execute("DELETE FROM documents WHERE number = ?", (number,))

    def number(self, document_id: str) -> int | None:
        """The number of the document with this id."""
        return self._number("id", document_id)

    def number_of_content(self, content: bytes) -> int | None:
        """The number of the document with this content; see `content_key`."""
        return self._number("content", content)

    def _number(self, column: str, value: str | bytes) -> int | None:
        row = self._connection.execute(
            f"SELECT number FROM documents WHERE {column} = ?",  # noqa: S608
            (value,),
        ).fetchone()
        return None if row is None else int(row[0])

    def document_id(self, number: int) -> str:
        """The id of the document with this number."""
        query = "SELECT id FROM documents WHERE number = ?"
        return str(self._connection.execute(query, (number,)).fetchone()[0])

    def titled_by(self, number: int) -> str | None:
        """The place whose name a document is called by, if it states no title."""
        query = "SELECT titled_by FROM documents WHERE number = ?"
        found: str | None = self._connection.execute(query, (number,)).fetchone()[0]
        return found

    def set_title(self, number: int, title: str, titled_by: str) -> None:
        """Call a document by the name of a place."""
        self._connection.execute(
            "UPDATE documents SET title = ?, titled_by = ? WHERE number = ?",
            (title, titled_by, number),
        )

    def document(self, number: int) -> Document:
        """The document with this number."""
        row = self._connection.execute(
            """SELECT id, title, media_type, text, sha256, sections, metadata, parts, cells,
                 titled_by FROM documents WHERE number = ?""",
            (number,),
        ).fetchone()
        id_, title, media_type, text, sha256, sections, metadata, parts, cells, titled_by = row
        uris = [uri for uri, _ in self.origins.places_of(number)] or [""]
        pages = self._connection.execute(
            'SELECT number, start, "end", width, height, glyphs FROM pages'
            " WHERE document = ? ORDER BY place",
            (number,),
        )
        with understanding(self.folder, f"entry for {uris[0] or id_}"):
            return Document(
                id=id_,
                uri=uris[0],
                title=title,
                media_type=media_type,
                text=text,
                sha256=sha256,
                pages=tuple(
                    Page(
                        page,
                        start,
                        end,
                        None if glyphs is None else Glyphs(width, height, glyphs),
                    )
                    for page, start, end, width, height, glyphs in pages
                ),
                sections=tuple(
                    Section(tuple(path), start, end) for start, end, *path in json.loads(sections)
                ),
                metadata=json.loads(metadata),
                parts=tuple(Part(*part) for part in json.loads(parts)),
                cells=tuple(map(Cell._make, json.loads(cells))),
                title_from_name=titled_by is not None,
                copies=tuple(uris[1:]),
            )

    def page(self, after: str, most: int) -> list[int]:
        """The numbers of the first documents whose URIs come after this one, in their order."""
        rows = self._connection.execute(
            """SELECT p.document FROM places AS p WHERE p.uri > ? AND p.number =
                 (SELECT min(number) FROM places WHERE document = p.document)
               ORDER BY p.uri LIMIT ?""",
            (after, most),
        )
        return [row[0] for row in rows]

    def summaries(self, numbers: Sequence[int] | None = None) -> list[DocumentSummary]:
        """All documents, or those with these numbers, in the order of their URIs."""
        condition, values = "", tuple(numbers or ())
        if numbers is not None:
            condition = f"WHERE d.number IN ({', '.join('?' * len(values))})"
        rows = self._connection.execute(
            f"""SELECT d.number, d.id, d.title, d.media_type, d.sha256, d.characters, d.pages,
                 (SELECT count(*) FROM passages WHERE document = d.number AND edition = ?),
                 d.added_at, d.metadata
               FROM documents AS d {condition}""",  # noqa: S608
            (self.editions.current.number, *values),
        ).fetchall()
        places: dict[int, list[str]] = {}
        for document, uri in self._connection.execute(
            f"""SELECT d.number, p.uri FROM places AS p JOIN documents AS d
                ON d.number = p.document {condition} ORDER BY p.number""",  # noqa: S608
            values,
        ):
            places.setdefault(document, []).append(uri)
        found = []
        for row in rows:
            document, id_, title, media_type, sha256, characters, pages, passages, added, data = row
            uri, *copies = places.get(document) or [""]
            with understanding(self.folder, f"entry for {uri or id_}"):
                metadata = json.loads(data)
            found.append(
                DocumentSummary(
                    id=id_,
                    uri=uri,
                    title=title,
                    media_type=media_type,
                    sha256=sha256,
                    characters=characters,
                    pages=pages,
                    passages=passages,
                    added_at=added,
                    copies=tuple(copies),
                    metadata=metadata,
                )
            )
        return sorted(found, key=lambda summary: summary.uri)

    def query(self, sql: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """The rows of a reading statement, for checks."""
        return iter(self._connection.execute(sql, values))

    def counts(self) -> tuple[int, int]:
        """How many documents there are, and passages in the current edition."""
        row = self._connection.execute(
            """SELECT (SELECT count(*) FROM documents),
                 (SELECT count(*) FROM passages WHERE edition = ?)""",
            (self.editions.current.number,),
        ).fetchone()
        return row[0], row[1]


def _document_row(document: Document) -> dict[str, object]:
    """A document's columns, without its id and its pages."""
    return {
        "title": document.title,
        "titled_by": document.uri if document.title_from_name else None,
        "media_type": document.media_type,
        "sha256": document.sha256,
        "text_sha256": text_digest(document.text),
        "content": content_key(document),
        "characters": len(document.text),
        "pages": len(document.pages),
        "metadata": json.dumps(dict(document.metadata)),
        "parts": _json([[part.kind, part.name, part.start, part.end] for part in document.parts]),
        "sections": _json([[s.start, s.end, *s.path] for s in document.sections]),
        "cells": _json([[c.start, c.end, c.row, c.column] for c in document.cells]),
        "text": document.text,
    }


def _json(rows: list[list[Any]]) -> str:
    return json.dumps(rows, separators=(",", ":"))
