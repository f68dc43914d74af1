"""Backups of an index and its server, while they run and write.

Each database is copied in one of its states, by itself. What refers from one to another may be a
moment apart, and the order is such that nothing that was confirmed is lost:

1. The server's database is copied before those of the indexes. An upload that it calls done is in
   the copy of the index; one that it calls waiting may be there too, and taking it in again changes
   nothing.
2. The spool is copied after the server's database, which is then copied once more if an upload that
   waits was taken in (and its bytes went) in between.
3. Originals are copied before their index, since that takes longest, and those that came meanwhile
   after it. They never change under their name. One that nothing refers to is swept after the
   restore; one that is missing, since its document went at that moment, only costs the download.

The copy of the vectors that FAISS searches is left out: it is made from the database.
"""

import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from index.database import DATABASE, reporting_damage
from index.errors import NoIndex, UnavailableIndex
from index.originals import FOLDER as ORIGINALS
from service.host.archive import (
    INDEX,
    MADE,
    NAMED,
    SPOOL,
    STATE,
    Manifest,
    Report,
    Writer,
    is_known,
    writing,
)
from service.host.collections import DEFAULT
from service.host.server import COLLECTIONS, server_folder
from service.host.server import SPOOL as SPOOL_FOLDER
from service.host.state import STATE_FILE
from service.settings import Settings

# So many seconds a database that another program holds is waited for.
_WAIT = 30

# So often the server's database is copied until all that waits is there as well.
_MOST_ROUNDS = 8


def back_up(settings: Settings, stream: BinaryIO, scratch: Path, report: Report) -> Manifest:
    """Write a backup of all collections and of the server's state to a stream.

    `scratch` is a folder in which the largest database has room once more.

    Raises:
        NoIndex: there is nothing to back up.
        IndexStoreError: a database cannot be read.
        UnavailableIndex: a file cannot be read, or there is no room.
    """
    state = server_folder(settings) / STATE_FILE
    for folder in [] if state.exists() else [settings.index]:
        if not (folder / DATABASE).exists():
            raise NoIndex(f"{folder}: there is no index to back up; name one with --index")
    with _telling(), writing(stream, report) as archive, _room(scratch) as room:
        indexes = _indexes(settings, _made(state) if state.exists() else [])
        for prefix, folder in indexes.items():
            _add_originals(archive, prefix, folder)
        if state.exists():
            made = _add_state(archive, state, room)
            indexes = _indexes(settings, made)
        for prefix, folder in indexes.items():
            # One that was removed a moment ago is in no backup any more.
            if (folder / DATABASE).exists():
                with _snapshot(folder / DATABASE, room) as file:
                    archive.add(prefix + DATABASE, file)
        for prefix, folder in indexes.items():
            _add_originals(archive, prefix, folder)
        return archive.finish()


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnavailableIndex(
            f"the backup cannot be made ({error}); check that the disk has room and that the "
            "index can be read"
        ) from error


@contextmanager
def _room(scratch: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".pincite-backup-", dir=scratch) as room:
        yield Path(room)


def _indexes(settings: Settings, made: list[str]) -> Mapping[str, Path]:
    """Each index folder, by where it stands in the backup."""
    found = {INDEX: settings.index}
    found |= {f"{NAMED}{name}/": folder for name, folder in settings.collections.items()}
    own = server_folder(settings) / COLLECTIONS
    return found | {f"{MADE}{name}/": own / name for name in made if name != DEFAULT}


def _made(state: Path) -> list[str]:
    """The names of the collections that the server made in its folder."""
    return [str(name) for (name,) in _rows(state, "SELECT name FROM collections")]


def _rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with reporting_damage(path.parent), closing(_read_only(path)) as connection:
        return connection.execute(query).fetchall()


def _read_only(path: Path) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(address, uri=True, timeout=_WAIT, isolation_level=None)


@contextmanager
def _snapshot(path: Path, room: Path) -> Iterator[BinaryIO]:
    """A copy of a database in one of its states; others go on writing to it meanwhile.

    It is made anew rather than page by page, so that nothing is in it that was removed.
    """
    copy = room / path.name
    try:
        with reporting_damage(path.parent), closing(_read_only(path)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
        with copy.open("rb") as file:
            yield file
    finally:
        copy.unlink(missing_ok=True)


def _add_state(archive: Writer, state: Path, room: Path) -> list[str]:
    """Put the server's database and what waits in its spool into a backup; see the module.

    Gives the names of the collections that it made.
    """
    spool = state.parent / SPOOL_FOLDER
    for round_number in range(_MOST_ROUNDS):
        with _snapshot(state, room) as file:
            copy = room / state.name
            missing = False
            for name in sorted(_waiting(copy)):
                member = SPOOL + name
                if member not in archive and is_known(member):
                    missing = not _add_file(archive, member, spool / name) or missing
            if not missing or round_number == _MOST_ROUNDS - 1:
                made = _made(copy)
                archive.add(STATE, file)
                return made
    raise AssertionError("the last round returns")


def _waiting(state: Path) -> set[str]:
    """The names in the spool of the uploads that wait, by a copy of the server's database."""
    rows = _rows(state, "SELECT spooled FROM job_files WHERE state IN ('queued', 'running')")
    return {str(name) for (name,) in rows}


def _add_originals(archive: Writer, prefix: str, folder: Path) -> None:
    """Put the originals of an index into a backup that are not there yet."""
    for path in sorted((folder / ORIGINALS).glob("[0-9a-f][0-9a-f]/*")):
        name = f"{prefix}{ORIGINALS}/{path.parent.name}/{path.name}"
        if name not in archive and is_known(name):
            _add_file(archive, name, path)


def _add_file(archive: Writer, name: str, path: Path) -> bool:
    """Put a file into a backup; False where it is gone."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        archive.add(name, file)
        return True
    return False
