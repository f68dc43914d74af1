"""The tables of the database, and how those of older formats become today's.

What is here makes what older versions of Pincite made: it is added to, never changed.
"""

# ruff: noqa: S608 - what is put into statements are the numbers of editions

import hashlib
import json
import sqlite3
from collections.abc import Callable


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Take a database from format `version` to today's, in the transaction that is open.

    Foreign keys must be off: tables are replaced.
    """
    for step in MIGRATIONS[version:]:
        step(connection)
    connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")


def create_full_text(connection: sqlite3.Connection, edition: int) -> None:
    """Make the full-text table of an edition, over the passages it has.

    Each edition has its own, so that how often a word occurs in one counts for nothing in another.
    """
    table, rows = f"passages_fts_{edition}", f"passages_{edition}"
    for statement in (
        f"""CREATE VIEW {rows} AS
            SELECT number, text, context FROM passages WHERE edition = {edition}""",
        f"""CREATE VIRTUAL TABLE {table} USING fts5 (
            text, context, content='{rows}', content_rowid='number',
            tokenize='porter unicode61 remove_diacritics 2')""",
        f"""CREATE TRIGGER {rows}_added AFTER INSERT ON passages
            WHEN new.edition = {edition} BEGIN
            INSERT INTO {table} (rowid, text, context)
            VALUES (new.number, new.text, new.context); END""",
        f"""CREATE TRIGGER {rows}_removed AFTER DELETE ON passages
            WHEN old.edition = {edition} BEGIN
            INSERT INTO {table} ({table}, rowid, text, context)
            VALUES ('delete', old.number, old.text, old.context); END""",
        f"INSERT INTO {table} ({table}) VALUES ('rebuild')",
    ):
        connection.execute(statement)


def drop_full_text(connection: sqlite3.Connection, edition: int) -> None:
    """Remove the full-text table of an edition; its passages stay."""
    for statement in (
        f"DROP TRIGGER IF EXISTS passages_{edition}_removed",
        f"DROP TRIGGER IF EXISTS passages_{edition}_added",
        f"DROP TABLE IF EXISTS passages_fts_{edition}",
        f"DROP VIEW IF EXISTS passages_{edition}",
    ):
        connection.execute(statement)


def _to_1(connection: sqlite3.Connection) -> None:
    for statement in (
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        """CREATE TABLE documents (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            uri TEXT NOT NULL UNIQUE,
            title TEXT NOT NULL,
            media_type TEXT NOT NULL,
            text TEXT NOT NULL,
            text_sha256 TEXT NOT NULL,
            characters INTEGER NOT NULL,
            sha256 TEXT NOT NULL,
            extractor INTEGER NOT NULL,
            pages TEXT NOT NULL,
            sections TEXT NOT NULL,
            metadata TEXT NOT NULL,
            added_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')))""",
        # A number is never given twice, and the vector under a number never changes: so a copy of
        # the vectors is brought up to date by comparing the numbers alone.
        """CREATE TABLE passages (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
            start INTEGER NOT NULL,
            "end" INTEGER NOT NULL,
            text TEXT NOT NULL,
            context TEXT NOT NULL,
            vector BLOB NOT NULL)""",
        "CREATE INDEX passages_by_document ON passages (document)",
        """CREATE VIRTUAL TABLE passages_fts USING fts5 (
            text, context, content='passages', content_rowid='number',
            tokenize='porter unicode61 remove_diacritics 2')""",
        """CREATE TRIGGER passages_added AFTER INSERT ON passages BEGIN
            INSERT INTO passages_fts (rowid, text, context)
            VALUES (new.number, new.text, new.context); END""",
        """CREATE TRIGGER passages_removed AFTER DELETE ON passages BEGIN
            INSERT INTO passages_fts (passages_fts, rowid, text, context)
            VALUES ('delete', old.number, old.text, old.context); END""",
    ):
        connection.execute(statement)


def _to_2(connection: sqlite3.Connection) -> None:
    """Origins, places, parts and editions come in; all documents, passages and vectors stay."""
    # A document of which it is not known what it was made of has no `content`, and is no copy.
    connection.create_function("digest_of", 2, _digest, deterministic=True)
    for statement in (
        "DROP TRIGGER passages_added",
        "DROP TRIGGER passages_removed",
        "DROP TABLE passages_fts",
        "DROP INDEX passages_by_document",
        """CREATE TABLE editions (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            settings TEXT NOT NULL,
            state TEXT NOT NULL
                CHECK (state IN ('current', 'building', 'previous', 'dropped')))""",
        "CREATE UNIQUE INDEX one_edition_a_state ON editions (state) WHERE state <> 'dropped'",
        """INSERT INTO editions (settings, state)
            SELECT value, 'current' FROM meta WHERE key = 'settings'""",
        "DELETE FROM meta WHERE key = 'settings'",
        # The columns are in the order of their size, so that a list of documents reads no texts.
        """CREATE TABLE documents_2 (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            title TEXT NOT NULL,
            titled_by TEXT,
            media_type TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            text_sha256 TEXT NOT NULL,
            content BLOB UNIQUE,
            characters INTEGER NOT NULL,
            pages INTEGER NOT NULL,
            added_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
            metadata TEXT NOT NULL,
            parts TEXT NOT NULL,
            sections TEXT NOT NULL,
            cells TEXT NOT NULL,
            text TEXT NOT NULL)""",
        """INSERT INTO documents_2 (number, id, title, media_type, sha256, text_sha256, characters,
             pages, added_at, metadata, parts, sections, cells, text)
            SELECT number, id, title, media_type, sha256, text_sha256, characters,
             0, added_at, metadata, '[]', sections, '[]', text FROM documents""",
        """CREATE TABLE pages (
            document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
            place INTEGER NOT NULL,
            number INTEGER NOT NULL,
            start INTEGER NOT NULL,
            "end" INTEGER NOT NULL,
            width REAL,
            height REAL,
            glyphs BLOB,
            PRIMARY KEY (document, place))""",
        """CREATE TABLE origins (
            uri TEXT PRIMARY KEY,
            sha256 TEXT NOT NULL,
            recipe TEXT NOT NULL) WITHOUT ROWID""",
        "INSERT INTO origins SELECT uri, sha256, extractor FROM documents",
        """CREATE TABLE places (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            uri TEXT NOT NULL UNIQUE,
            origin TEXT NOT NULL REFERENCES origins (uri) ON DELETE CASCADE,
            document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
            left_over INTEGER NOT NULL DEFAULT 0)""",
        "CREATE INDEX places_by_origin ON places (origin)",
        "CREATE INDEX places_by_document ON places (document)",
        """INSERT INTO places (uri, origin, document)
            SELECT uri, uri, number FROM documents ORDER BY number""",
        """CREATE TABLE problems (
            number INTEGER PRIMARY KEY,
            origin TEXT NOT NULL REFERENCES origins (uri) ON DELETE CASCADE,
            uri TEXT NOT NULL,
            reason TEXT NOT NULL,
            unsupported INTEGER NOT NULL)""",
        "CREATE INDEX problems_by_origin ON problems (origin)",
        # Which editions have a document's passages; a document may have none.
        """CREATE TABLE filled (
            edition INTEGER NOT NULL REFERENCES editions (number) ON DELETE CASCADE,
            document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
            PRIMARY KEY (edition, document)) WITHOUT ROWID""",
        "CREATE INDEX filled_by_document ON filled (document)",
        """INSERT INTO filled SELECT e.number, d.number FROM editions AS e, documents AS d""",
        # A number is never given twice, and the vector under a number never changes: so a copy of
        # the vectors is brought up to date by comparing the numbers alone. `digest` is of what was
        # embedded.
        """CREATE TABLE passages_2 (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            edition INTEGER NOT NULL REFERENCES editions (number),
            document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
            start INTEGER NOT NULL,
            "end" INTEGER NOT NULL,
            digest BLOB NOT NULL,
            context TEXT NOT NULL,
            text TEXT NOT NULL,
            vector BLOB NOT NULL)""",
        """INSERT INTO passages_2
             (number, edition, document, start, "end", digest, context, text, vector)
            SELECT p.number, e.number, p.document, p.start, p."end", digest_of(p.context, p.text),
             p.context, p.text, p.vector
            FROM passages AS p, editions AS e ORDER BY p.number""",
    ):
        connection.execute(statement)
    _move_pages(connection)
    _keep_counter(connection, "documents")
    _keep_counter(connection, "passages")
    for statement in (
        "DROP TABLE passages",
        "DROP TABLE documents",
        "ALTER TABLE documents_2 RENAME TO documents",
        "ALTER TABLE passages_2 RENAME TO passages",
        "CREATE INDEX passages_by_document ON passages (document, edition)",
        "CREATE INDEX passages_by_digest ON passages (edition, digest)",
    ):
        connection.execute(statement)
    for (edition,) in connection.execute("SELECT number FROM editions").fetchall():
        create_full_text(connection, edition)


def _to_3(connection: sqlite3.Connection) -> None:
    """What changed since when is kept; and an edition's passages are found by their numbers."""
    for statement in (
        # In the order of what happened: the number of each passage that was removed, and at the end
        # of each change a mark, a random number below zero. A state of this database is known again
        # by its last mark, which no other database has, nor this one after it was restored from a
        # backup. The oldest rows are left out in time.
        "CREATE TABLE changes (place INTEGER PRIMARY KEY, passage INTEGER NOT NULL)",
        "INSERT INTO changes (passage) VALUES (-1 - (random() & 0x3fffffffffffffff))",
        # What is left of an edition out of use is no longer anyone's.
        """CREATE TRIGGER passage_removed AFTER DELETE ON passages
            WHEN EXISTS (SELECT 1 FROM editions WHERE number = old.edition AND state <> 'dropped')
            BEGIN INSERT INTO changes (passage) VALUES (old.number); END""",
        "CREATE INDEX passages_by_edition ON passages (edition)",
    ):
        connection.execute(statement)


def _to_4(connection: sqlite3.Connection) -> None:
    """What documents are told apart by is found without reading them."""
    for statement in (
        # A row for each entry of the metadata. Both are without case, in UTF-8; as blobs, since a
        # text in SQLite cannot hold everything that one in JSON can.
        """CREATE TABLE properties (
            key BLOB NOT NULL,
            value BLOB NOT NULL,
            document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
            PRIMARY KEY (key, value, document)) WITHOUT ROWID""",
        "CREATE INDEX properties_by_document ON properties (document)",
        """CREATE INDEX documents_at_a_glance ON documents
            (media_type, title, added_at, pages, characters)""",
    ):
        connection.execute(statement)
    documents = connection.execute("SELECT number, metadata FROM documents WHERE metadata <> '{}'")
    for number, metadata in documents.fetchall():
        connection.executemany(
            "INSERT OR IGNORE INTO properties VALUES (?, ?, ?)",
            [(_folded(key), _folded(value), number) for key, value in json.loads(metadata).items()],
        )


def _folded(text: str) -> bytes:
    return text.casefold().encode("utf-8", "surrogatepass")


def _digest(context: str, text: str) -> bytes:
    embedded = f"{context}\n{text}" if context else text
    return hashlib.sha256(embedded.encode()).digest()[:16]


def _move_pages(connection: sqlite3.Connection) -> None:
    for document, pages in connection.execute("SELECT number, pages FROM documents").fetchall():
        rows = [(document, place, *page) for place, page in enumerate(json.loads(pages))]
        connection.executemany(
            'INSERT INTO pages (document, place, number, start, "end") VALUES (?, ?, ?, ?, ?)', rows
        )
        connection.execute(
            "UPDATE documents_2 SET pages = ? WHERE number = ?", (len(rows), document)
        )


def _keep_counter(connection: sqlite3.Connection, table: str) -> None:
    """Let the table that replaces `table` go on with numbers that were never given."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    if row is not None:
        connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (f"{table}_2",))
        connection.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (f"{table}_2", row[0]))


# Entry n takes a database from format n to format n + 1. Entries are added, never changed.
MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_to_1, _to_2, _to_3, _to_4)

FORMAT_VERSION = len(MIGRATIONS)
