"""The server's own database: what it must not forget, beside the indexes."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from index.errors import IncompatibleIndex, UnavailableIndex

STATE_FILE = "state.sqlite"

# So many seconds a database that another program holds is waited for.
_WAIT = 30


class State:
    """One SQLite database (WAL), used by a thread at a time. Safe to use from several threads.

    A transaction that has ended is on the disk, whatever happens to the machine.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self.path = path

    @classmethod
    def open(cls, folder: Path) -> "State":
        """Open the database in `folder`; both are made where they are not there.

        Raises:
            UnavailableIndex: it cannot be opened.
            IncompatibleIndex: it was made by a later version.
        """
        path = folder / STATE_FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            connection = sqlite3.connect(
                path, timeout=_WAIT, isolation_level=None, check_same_thread=False
            )
            path.chmod(0o600)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            _bring_up_to_date(connection, path)
        except (OSError, sqlite3.Error) as error:
            raise UnavailableIndex(
                f"{path}: cannot be opened ({error}); check that the folder can be written and "
                "that the disk has room"
            ) from error
        return cls(connection, path)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that the block writes, or nothing; other programs write before or after.

        Raises:
            UnavailableIndex: the database cannot be used just now.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                except BaseException:
                    self._connection.execute("ROLLBACK")
                    raise
                self._connection.execute("COMMIT")
            except sqlite3.IntegrityError:
                raise
            except sqlite3.Error as error:
                raise UnavailableIndex(
                    f"{self.path}: cannot be used just now ({error}); check that the disk has room "
                    "and that no other program holds it"
                ) from error

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """The rows that a query gives, as they are in one state of the database.

        Raises:
            UnavailableIndex: the database cannot be used just now.
        """
        with self._lock:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise UnavailableIndex(f"{self.path}: cannot be read ({error})") from error

    def close(self) -> None:
        """Close the database; closing twice does nothing."""
        with self._lock:
            self._connection.close()


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if found > len(_MIGRATIONS):
            raise IncompatibleIndex(
                f"{path}: has format version {found}, this Pincite reads versions up to "
                f"{len(_MIGRATIONS)}; update Pincite"
            )
        for number, migrate in enumerate(_MIGRATIONS[found:], found + 1):
            migrate(connection)
            connection.execute(f"PRAGMA user_version = {number}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _to_1(connection: sqlite3.Connection) -> None:
    for statement in (
        # `digest` is the SHA-256 of the secret; `collections` a JSON list, NULL for all of them.
        """CREATE TABLE keys (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            digest TEXT NOT NULL,
            scope TEXT NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
            collections TEXT,
            per_minute INTEGER,
            created_at TEXT NOT NULL,
            expires_at TEXT,
            last_used_at TEXT,
            revoked_at TEXT)""",
        """CREATE TABLE collections (
            name TEXT PRIMARY KEY,
            created_at TEXT NOT NULL) WITHOUT ROWID""",
        """CREATE TABLE jobs (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            collection TEXT NOT NULL,
            key TEXT,
            request_id TEXT NOT NULL,
            state TEXT NOT NULL
                CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
            created_at TEXT NOT NULL,
            started_at TEXT,
            finished_at TEXT)""",
        "CREATE INDEX jobs_by_collection ON jobs (collection, number)",
        "CREATE INDEX jobs_open ON jobs (number) WHERE finished_at IS NULL",
        # `spooled` names the bytes in the spool; `outcomes` is JSON, NULL while there are none.
        """CREATE TABLE job_files (
            job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            name TEXT NOT NULL,
            uri TEXT NOT NULL,
            media_type TEXT,
            title TEXT,
            metadata TEXT NOT NULL,
            spooled TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            state TEXT NOT NULL
                CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
            begun INTEGER NOT NULL DEFAULT 0,
            outcomes TEXT,
            PRIMARY KEY (job, number)) WITHOUT ROWID""",
        # `who` is whoever sent the request, which `request` is the digest of.
        """CREATE TABLE idempotency (
            who TEXT NOT NULL,
            token TEXT NOT NULL,
            request TEXT NOT NULL,
            status INTEGER NOT NULL,
            headers TEXT NOT NULL,
            body BLOB NOT NULL,
            created_at REAL NOT NULL,
            PRIMARY KEY (who, token)) WITHOUT ROWID""",
        "CREATE INDEX idempotency_by_age ON idempotency (who, created_at)",
        # Numbers count within a collection, so that they tell nothing of others.
        """CREATE TABLE feedback (
            collection TEXT NOT NULL,
            number INTEGER NOT NULL,
            key TEXT,
            question TEXT NOT NULL,
            document_id TEXT,
            uri TEXT,
            start INTEGER,
            "end" INTEGER,
            text TEXT,
            right INTEGER NOT NULL,
            confidence REAL,
            note TEXT,
            generation INTEGER NOT NULL,
            created_at TEXT NOT NULL,
            PRIMARY KEY (collection, number)) WITHOUT ROWID""",
    ):
        connection.execute(statement)


# Append only: a database of each format is out there.
_MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_to_1,)
