"""Restores a backup: nothing is put in place before every digest was found right."""

import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from index.database import DATABASE, reporting_damage, skip_generations
from index.errors import UnavailableIndex
from service.errors import UnusableBackup
from service.host.archive import (
    INDEX,
    MANIFEST,
    Manifest,
    Member,
    Part,
    Report,
    files,
    manifest_of,
)

_STEP = 1 << 20

# Bytes of the disk that are left alone.
_SPARE = 1 << 26


def refuse_occupied(folder: Path) -> None:
    """Make sure that a folder is new or empty.

    Raises:
        UnusableBackup: it is neither.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UnusableBackup(
            f"{folder}: is not empty, and a backup is not mixed with what is there; "
            "name a new folder"
        )


def restore(stream: BinaryIO, source: str, folder: Path, report: Report) -> Manifest:
    """Put a backup into a folder that is new or empty, which becomes an index folder.

    `source` is what the backup is called.

    The server's part is in `server` below it, with the collections that settings named under
    `server/named`. The generations of the indexes skip a stretch, or what was kept of the state
    that was lost (ETags, cursors) could seem to fit what comes after; passages' numbers do so with
    every change.

    Raises:
        UnusableBackup: the folder is not empty, or the backup is damaged or no backup.
        UnavailableIndex: the folder cannot be written, or has no room.
    """
    refuse_occupied(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as room:
            whole = Path(room, "whole")
            whole.mkdir(mode=0o700)
            try:
                manifest = _unpack(stream, whole, report)
            except UnusableBackup as error:
                raise UnusableBackup(f"{source}: {error}; nothing was restored") from error
            for prefix in manifest.indexes:
                _renew(_place(whole, prefix + DATABASE))
            if hasattr(os, "sync"):
                os.sync()
            if folder.exists():
                folder.rmdir()
            whole.rename(folder)
    except OSError as error:
        raise UnavailableIndex(
            f"{folder}: the backup cannot be restored there ({error}); "
            "check that the disk has room and that the folder can be written"
        ) from error
    return manifest


def _place(folder: Path, name: str) -> Path:
    """Where a member goes; its name is one that `files` lets through."""
    return folder / name.removeprefix(INDEX)


def _unpack(stream: BinaryIO, folder: Path, report: Report) -> Manifest:
    found: dict[str, Member] = {}
    manifest: Manifest | None = None
    for name, size, file in files(stream):
        if manifest is not None:
            raise UnusableBackup("goes on after its end")
        if name == MANIFEST:
            manifest = manifest_of(file, size)
            continue
        if name in found:
            raise UnusableBackup(f"holds {name!r} twice")
        free = shutil.disk_usage(folder).free
        if size > free - _SPARE:
            raise UnusableBackup(
                f"needs {size} bytes for {name}, and the disk has {free} left; make room"
            )
        found[name] = _write(file, name, size, _place(folder, name))
        report(name, size)
    if manifest is None:
        raise UnusableBackup("ends too early")
    _compare(found.values(), manifest.members)
    if not manifest.indexes:
        raise UnusableBackup("holds no index")
    return manifest


def _write(file: Part, name: str, size: int, path: Path) -> Member:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    sha256 = hashlib.sha256()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(handle, "wb") as out:
        while data := file.read(_STEP):
            sha256.update(data)
            out.write(data)
    return Member(name, size, sha256.hexdigest())


def _compare(found: Iterable[Member], told: Iterable[Member]) -> None:
    wanted = {member.name: member for member in told}
    for member in found:
        if wanted.pop(member.name, None) != member:
            raise UnusableBackup(f"is damaged: {member.name} is not what was backed up")
    if wanted:
        raise UnusableBackup(f"is damaged: {min(wanted)[:100]!r} is missing")


def _renew(database: Path) -> None:
    with (
        reporting_damage(database.parent),
        closing(sqlite3.connect(database, isolation_level=None)) as connection,
    ):
        skip_generations(connection)
