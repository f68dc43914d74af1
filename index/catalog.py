"""The database: the one source of truth of an index.

One SQLite file in WAL mode holds documents, passages with their vectors, and the full-text table.
Everything here runs inside a transaction that the caller opened; nothing here knows of FAISS.
"""

import hashlib
import json
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.documents import Document, Page, Passage, Section
from index.embedding import ModelIdentity, Vectors
from index.errors import DamagedIndex, IncompatibleIndex, NoIndex, UnavailableIndex
from index.passages import Splitter

DATABASE = "catalog.sqlite"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """What an index was made with; vectors and passages only make sense together with it."""

    embedder: ModelIdentity
    splitter: Splitter


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """A document without its text; `characters` counts the code points of its canonical text."""

    id: str
    uri: str
    title: str
    media_type: str
    sha256: str
    extractor: int
    characters: int
    pages: int
    passages: int
    added_at: str


def _create_tables(connection: sqlite3.Connection) -> None:
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
        # A number is never given twice (see `_skip_numbers`), and the vector under a number never
        # changes: so a copy of the vectors is brought up to date by comparing the numbers alone.
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


# Entry n takes a database from format n to format n + 1. Entries are added, never changed.
MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_create_tables,)


class Catalog:
    """The database of one index folder.

    Not safe for use by several threads at once: `LocalStore` sees to that.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._connection = connection

    @classmethod
    def create(cls, folder: Path, settings: IndexSettings) -> "Catalog":
        """Make a new, empty index in `folder`.

        Raises:
            IncompatibleIndex: the folder holds an index or other things already.
        """
        _refuse_occupied(folder)
        folder.mkdir(parents=True, exist_ok=True)
        # The database appears under its name only when it is whole.
        unfinished = folder / f"{DATABASE}.{uuid.uuid4().hex}{_UNFINISHED}"
        connection = _connect(unfinished)
        connection.execute("BEGIN IMMEDIATE")
        for migrate in MIGRATIONS:
            migrate(connection)
        connection.executemany(
            "INSERT INTO meta VALUES (?, ?)",
            [
                ("catalog", uuid.uuid4().hex),
                ("generation", "0"),
                ("settings", _settings_to_json(settings)),
            ],
        )
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        connection.execute("COMMIT")
        connection.close()
        # Two may be making an index here at once: the first wins, its database is not replaced.
        try:
            (folder / DATABASE).hardlink_to(unfinished)
        except FileExistsError:
            unfinished.unlink()
            _refuse_occupied(folder)
        except OSError:  # a file system without hard links
            unfinished.rename(folder / DATABASE)
        else:
            unfinished.unlink()
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> "Catalog":
        """Open the index in `folder`.

        Raises:
            NoIndex: there is none.
            IncompatibleIndex: its format version is another one.
            DamagedIndex: the database cannot be read.
        """
        path = folder / DATABASE
        if not folder.exists():
            raise NoIndex(f"{folder}: no index here yet; make one: pincite index PATH")
        if not path.is_file():
            raise NoIndex(
                f"{folder}: is not an index (it has no {DATABASE}); "
                "name another with --index, or make one: pincite index PATH"
            )
        with _reporting_damage(folder):
            connection = _connect(path)
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version != FORMAT_VERSION:
                connection.close()
                raise IncompatibleIndex(
                    f"{folder}: has format version {version}, this Pincite reads "
                    f"{FORMAT_VERSION}; index the files again into a new folder: "
                    "pincite index --index NEW_FOLDER PATH"
                )
            catalog = cls(folder, connection)
            _ = catalog.name, catalog.generation, catalog.settings
        return catalog

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[sqlite3.Connection]:
        """Run a block against one state of the database; a writing one is kept whole or not at all.

        Raises:
            DamagedIndex: the database cannot be read.
        """
        with _reporting_damage(self.folder):
            self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                if write:
                    _skip_numbers(self._connection)
                yield self._connection
                if write:
                    self._connection.execute(
                        "UPDATE meta SET value = value + 1 WHERE key = 'generation'"
                    )
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Run a block that needs the write lock although it only looks; changes are undone.

        Raises:
            UnavailableIndex: another program holds the lock for too long.
        """
        with _reporting_damage(self.folder):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")

    @property
    def name(self) -> str:
        """A name unique to this database, given when it was made."""
        return self._meta("catalog")

    @property
    def generation(self) -> int:
        """How many changes have been committed."""
        with self._understanding("generation"):
            return int(self._meta("generation"))

    @property
    def settings(self) -> IndexSettings:
        """What the index was made with."""
        with self._understanding("settings"):
            value = json.loads(self._meta("settings"))
            return IndexSettings(ModelIdentity(**value["embedder"]), Splitter(**value["splitter"]))

    def set_settings(self, settings: IndexSettings) -> None:
        """Record other settings, in the transaction that replaces every passage."""
        self._connection.execute(
            "UPDATE meta SET value = ? WHERE key = 'settings'", (_settings_to_json(settings),)
        )

    def _meta(self, key: str) -> str:
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise DamagedIndex(f"{self.folder}: the database lacks its {key}; {_START_AGAIN}")
        return str(row[0])

    @contextmanager
    def _understanding(self, what: str) -> Iterator[None]:
        try:
            yield
        except (ValueError, TypeError, KeyError) as error:
            raise DamagedIndex(
                f"{self.folder}: the database's {what} cannot be understood; {_START_AGAIN}"
            ) from error

    # Documents

    def insert_document(self, document: Document, extractor: int) -> int:
        """Store a document; returns its number."""
        cursor = self._connection.execute(
            """INSERT INTO documents (id, uri, title, media_type, text, text_sha256, characters,
                 sha256, extractor, pages, sections, metadata)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                document.id,
                document.uri,
                document.title,
                document.media_type,
                document.text,
                text_digest(document.text),
                len(document.text),
                document.sha256,
                extractor,
                json.dumps([[page.number, page.start, page.end] for page in document.pages]),
                json.dumps([[s.start, s.end, *s.path] for s in document.sections]),
                json.dumps(dict(document.metadata)),
            ),
        )
        number = cursor.lastrowid
        assert number is not None  # noqa: S101 - an INSERT that returned has a row
        return number

    def delete_document(self, document_id: str) -> bool:
        """Delete a document with all its passages; False where there is none with this id."""
        found = self._connection.execute("DELETE FROM documents WHERE id = ?", (document_id,))
        return found.rowcount > 0

    def document(self, document_id: str) -> Document | None:
        """The document with this id."""
        row = self._connection.execute(
            """SELECT id, uri, title, media_type, text, sha256, pages, sections, metadata
               FROM documents WHERE id = ?""",
            (document_id,),
        ).fetchone()
        if row is None:
            return None
        id_, uri, title, media_type, text, sha256, pages, sections, metadata = row
        with self._understanding(f"entry for {uri}"):
            return Document(
                id=id_,
                uri=uri,
                title=title,
                media_type=media_type,
                text=text,
                sha256=sha256,
                pages=tuple(Page(*page) for page in json.loads(pages)),
                sections=tuple(
                    Section(tuple(path), start, end) for start, end, *path in json.loads(sections)
                ),
                metadata=json.loads(metadata),
            )

    def all_documents(self) -> Iterator[tuple[int, Document]]:
        """Every document with its number, one at a time, in the order of their URIs."""
        for number, document_id in self._connection.execute(
            "SELECT number, id FROM documents ORDER BY uri"
        ).fetchall():
            document = self.document(document_id)
            if document is not None:
                yield number, document

    def summaries(self, uri: str | None = None) -> list[DocumentSummary]:
        """All documents, or the one with this URI, in the order of their URIs."""
        rows = self._connection.execute(
            f"""SELECT d.id, d.uri, d.title, d.media_type, d.sha256, d.extractor, d.characters,
                 json_array_length(d.pages),
                 (SELECT count(*) FROM passages WHERE document = d.number), d.added_at
               FROM documents AS d {"" if uri is None else "WHERE d.uri = ?"} ORDER BY d.uri""",  # noqa: S608
            () if uri is None else (uri,),
        )
        return [DocumentSummary(*row) for row in rows]

    # Passages

    def insert_passages(self, document: int, passages: Sequence[Passage], vectors: Vectors) -> None:
        """Store a document's passages with their float32 `(n, dim)` vectors."""
        self._connection.executemany(
            """INSERT INTO passages (document, start, "end", text, context, vector)
               VALUES (?, ?, ?, ?, ?, ?)""",
            [
                (
                    document,
                    passage.start,
                    passage.end,
                    passage.text,
                    passage.context,
                    vector.astype("<f4").tobytes(),
                )
                for passage, vector in zip(passages, vectors, strict=True)
            ],
        )

    def delete_all_passages(self) -> None:
        """Delete every passage, in the transaction that puts others in their place."""
        # A full-text table that lost its passages refuses to delete them, so it is mended first.
        self._connection.execute("INSERT INTO passages_fts (passages_fts) VALUES ('rebuild')")
        self._connection.execute("DELETE FROM passages")

    def passage_numbers(self, documents: Iterable[str] | None = None) -> NDArray[np.int64]:
        """The numbers of all passages, or of those of the documents with these ids; ascending."""
        if documents is None:
            rows = self._connection.execute("SELECT number FROM passages ORDER BY number")
        else:
            rows = self._connection.execute(
                f"SELECT p.number FROM passages AS p {_IN_DOCUMENTS} ORDER BY p.number",  # noqa: S608
                (json.dumps(list(documents)),),
            )
        return np.fromiter((row[0] for row in rows), dtype=np.int64)

    def passages(self, numbers: Iterable[int]) -> dict[int, Passage]:
        """The passages with these numbers."""
        rows = self._connection.execute(
            """SELECT p.number, d.id, p.start, p."end", p.text, p.context
               FROM passages AS p JOIN documents AS d ON d.number = p.document
               WHERE p.number IN (SELECT value FROM json_each(?))""",
            (json.dumps([int(number) for number in numbers]),),
        )
        return {number: Passage(*rest) for number, *rest in rows}

    def vectors(self, numbers: Sequence[int] | NDArray[np.int64], dim: int) -> Vectors:
        """The float32 `(n, dim)` vectors of these passages, in the order given.

        Raises:
            DamagedIndex: one is missing or has another length.
        """
        rows = dict(
            self._connection.execute(
                """SELECT number, vector FROM passages
                   WHERE number IN (SELECT value FROM json_each(?))""",
                (json.dumps([int(number) for number in numbers]),),
            )
        )
        result = np.empty((len(numbers), dim), dtype=np.float32)
        for place, number in enumerate(numbers):
            blob = rows.get(int(number))
            if blob is None or len(blob) != 4 * dim:
                raise DamagedIndex(
                    f"{self.folder}: the vector of passage {number} is missing or cut; "
                    "mend it: pincite rebuild"
                )
            result[place] = np.frombuffer(blob, dtype="<f4")
        return result

    def bm25(
        self,
        query: str,
        k: int,
        documents: Iterable[str] | None = None,
        numbers: Iterable[int] | None = None,
    ) -> list[tuple[int, float]]:
        """The `k` best passages for an FTS5 query: (number, BM25 from 0 up), best first.

        With `documents`, only passages of these documents; with `numbers`, only these passages.
        """
        conditions, values = ["passages_fts MATCH ?"], [query]
        if documents is not None:
            conditions.append(f"rowid IN (SELECT p.number FROM passages AS p {_IN_DOCUMENTS})")  # noqa: S608
            values.append(json.dumps(list(documents)))
        if numbers is not None:
            conditions.append("rowid IN (SELECT value FROM json_each(?))")
            values.append(json.dumps([int(number) for number in numbers]))
        # FTS5's bm25() is negative, the more so the better.
        rows = self._connection.execute(
            f"""SELECT rowid, -bm25(passages_fts, 1.0, 0.5) AS score FROM passages_fts
                WHERE {" AND ".join(conditions)} ORDER BY score DESC, rowid LIMIT ?""",  # noqa: S608
            (*values, k),
        )
        return [(number, max(0.0, score)) for number, score in rows]

    def passages_of(self, document: int) -> Iterator[tuple[int, int, str]]:
        """Start, end and text of a document's passages, in order."""
        return iter(
            self._connection.execute(
                'SELECT start, "end", text FROM passages WHERE document = ? ORDER BY start, "end"',
                (document,),
            )
        )

    def full_text_problems(self) -> list[str]:
        """What is wrong between the full-text table and the passages, by FTS5's own check.

        To SQLite the check is a change, so it belongs in a `locked` block.
        """
        try:
            self._connection.execute(
                "INSERT INTO passages_fts (passages_fts, rank) VALUES ('integrity-check', 1)"
            )
        except sqlite3.DatabaseError as error:
            return [str(error)]
        return []

    def query(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a reading statement, for checks."""
        return iter(self._connection.execute(sql))

    def counts(self) -> tuple[int, int]:
        """How many documents and passages there are."""
        row = self._connection.execute(
            "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM passages)"
        ).fetchone()
        return row[0], row[1]


_IN_DOCUMENTS = """JOIN documents AS d ON d.number = p.document
    WHERE d.id IN (SELECT value FROM json_each(?))"""

_START_AGAIN = "index the files again into a new folder: pincite index --index NEW_FOLDER PATH"


_UNFINISHED = ".new"


def _refuse_occupied(folder: Path) -> None:
    """Make sure that `folder` is new or empty, but for attempts at an index that were cut off.

    Raises:
        IncompatibleIndex: it is neither.
    """
    if (folder / DATABASE).exists():
        raise IncompatibleIndex(
            f"{folder}: holds an index already; name an empty or new folder with --index"
        )
    if folder.exists() and not (
        folder.is_dir() and all(_is_unfinished(part.name) for part in folder.iterdir())
    ):
        raise IncompatibleIndex(
            f"{folder}: is not an index, and holds other things; "
            "name an empty or new folder with --index"
        )


def _is_unfinished(name: str) -> bool:
    return name.startswith(f"{DATABASE}.") and _UNFINISHED in name


def _skip_numbers(connection: sqlite3.Connection) -> None:
    """Leave out a random stretch of passage numbers.

    When a database is restored from a backup, its counter goes back too. Without the stretch, the
    next passages would get the numbers that others had in the lost state, and a copy of the
    vectors from that state would seem to fit.
    """
    connection.execute(
        "UPDATE sqlite_sequence SET seq = seq + (random() & 0x3fffffff) WHERE name = 'passages'"
    )


def text_digest(text: str) -> str:
    """The SHA-256 of a canonical text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=30, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA recursive_triggers = ON")
    return connection


def _settings_to_json(settings: IndexSettings) -> str:
    return json.dumps(asdict(settings), sort_keys=True)


@contextmanager
def _reporting_damage(folder: Path) -> Iterator[None]:
    """Say what SQLite's own errors mean for the index."""
    try:
        yield
    except sqlite3.ProgrammingError as error:
        if "closed" not in str(error):
            raise
        raise UnavailableIndex(f"{folder}: was closed meanwhile; open it again") from error
    except sqlite3.OperationalError as error:
        raise UnavailableIndex(
            f"{folder}: the database cannot be used just now ({error}); "
            "check that the disk has room, that the folder can be written, "
            "and that no other program holds it"
        ) from error
    except sqlite3.DatabaseError as error:
        raise DamagedIndex(
            f"{folder}: the database is damaged ({error}); {_START_AGAIN}"
        ) from error
