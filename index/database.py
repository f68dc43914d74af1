"""The database file of an index: where it may be made, how it is opened, what its errors mean."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index.errors import DamagedIndex, IncompatibleIndex, UnavailableIndex
from index.migrations import FORMAT_VERSION, migrate

DATABASE = "catalog.sqlite"

# So many seconds a database that another program holds is waited for.
_WAIT = 30

# What may lie in an index folder beside the index: what a server keeps, and the originals.
BESIDE = frozenset({"server", "originals"})

# How the name of a database ends that is not whole yet.
UNFINISHED = ".new"

START_AGAIN = "index the files again into a new folder: pincite index --index NEW_FOLDER PATH"


def refuse_occupied(folder: Path) -> None:
    """Make sure that `folder` is new or empty, but for attempts at an index that were cut off and
    what a server keeps there.

    Raises:
        IncompatibleIndex: it is neither.
    """
    if (folder / DATABASE).exists():
        raise IncompatibleIndex(
            f"{folder}: holds an index already; name an empty or new folder with --index"
        )
    if folder.exists() and not (
        folder.is_dir()
        and all(part.name in BESIDE or _is_unfinished(part.name) for part in folder.iterdir())
    ):
        raise IncompatibleIndex(
            f"{folder}: is not an index, and holds other things; "
            "name an empty or new folder with --index"
        )


def _is_unfinished(name: str) -> bool:
    return name.startswith(f"{DATABASE}.") and UNFINISHED in name


def skip_numbers(connection: sqlite3.Connection) -> None:
    """Leave out a random stretch of passage numbers.

    When a database is restored from a backup, its counter goes back too. Without the stretch, the
    next passages would get the numbers that others had in the lost state, and a copy of the
    vectors from that state would seem to fit.
    """
    connection.execute(
        "UPDATE sqlite_sequence SET seq = seq + (random() & 0x3fffffff) WHERE name = 'passages'"
    )


def skip_generations(connection: sqlite3.Connection) -> None:
    """Leave out a random stretch of generations, in a database that was restored from a backup.

    Equal generations mean equal content: without the stretch, the next changes would be counted
    by the numbers that others had in the lost state.
    """
    connection.execute(
        "UPDATE meta SET value = value + 1 + (random() & 0xfffff) WHERE key = 'generation'"
    )


def connect(path: Path) -> sqlite3.Connection:
    """Open a database file, or make one; foreign keys are off, as tables may be replaced."""
    connection = sqlite3.connect(
        path, timeout=_WAIT, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    _write_ahead(connection)
    # What is confirmed is on the disk, also where the power fails.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA recursive_triggers = ON")
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL mode; SQLite itself does not wait for another program that is doing so."""
    deadline = time.monotonic() + _WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def version(connection: sqlite3.Connection) -> int:
    """The version of the format that a database has; 0 for one that Pincite did not make."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def bring_up_to_date(folder: Path, connection: sqlite3.Connection) -> None:
    """Take a database of an older format to today's, in one step; foreign keys must be off.

    Raises:
        IncompatibleIndex: its format is one to come, or none.
        DamagedIndex: what is in it cannot be understood.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = version(connection)  # another program may have done it while this one waited
        if found > FORMAT_VERSION:
            raise IncompatibleIndex(
                f"{folder}: has format version {found}, this Pincite reads versions up to "
                f"{FORMAT_VERSION}; update Pincite"
            )
        if found < 1:
            raise IncompatibleIndex(
                f"{folder}: its {DATABASE} is not an index of Pincite's; {START_AGAIN}"
            )
        migrate(connection, found)
    except BaseException as error:
        undo(connection)
        if isinstance(error, ValueError | TypeError | sqlite3.ProgrammingError):
            raise DamagedIndex(
                f"{folder}: the database cannot be understood ({error}); {START_AGAIN}"
            ) from error
        raise
    connection.execute("COMMIT")


def undo(connection: sqlite3.Connection) -> None:
    """End a transaction without its changes; after some errors SQLite has done so itself."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


@contextmanager
def reporting_damage(folder: Path) -> Iterator[None]:
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
        raise DamagedIndex(f"{folder}: the database is damaged ({error}); {START_AGAIN}") from error


@contextmanager
def understanding(folder: Path, what: str) -> Iterator[None]:
    """Say what it means where the database's own entries make no sense; `what` names them."""
    try:
        yield
    except (ValueError, TypeError, KeyError) as error:
        raise DamagedIndex(
            f"{folder}: the database's {what} cannot be understood; {START_AGAIN}"
        ) from error


def row_of(cursor: sqlite3.Cursor) -> int:
    """The number of the row that an INSERT has just made."""
    number = cursor.lastrowid
    assert number is not None  # noqa: S101 - an INSERT that returned has a row
    return number
