"""Whether a server is ready: it can answer, and take documents in, now."""

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from index.database import DATABASE
from index.errors import PinciteError
from service.host.collections import DEFAULT, Collection

if TYPE_CHECKING:
    from service.host.server import Server

# With less room on the disk, bytes, an upload or a change of the index may fail.
_ROOM = 64 * 2**20

# What was found holds for so many seconds, so that asking often costs nothing.
_FRESH = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: whether it is well, and what was found.

    `collection` is the name of the collection that it tells of, None where of none.
    """

    name: str
    ok: bool
    found: str
    collection: str | None = None


def readiness(server: "Server") -> list[Finding]:
    """What a server needs to answer and to take documents in, each looked at now.

    The names of collections are among it, which are not for everyone.
    """
    looks: list[tuple[str, Callable[[], str]]] = [
        ("models", lambda: _models(server)),
        ("uploads", lambda: _uploads(server)),
        ("disk", lambda: _disk(server)),
    ]
    try:
        names = server.collections.names()
    except PinciteError as error:
        return [*(_finding(*look) for look in looks), Finding("state", False, str(error))]
    found = [_finding(*look) for look in looks]
    return found + [_finding(f"collection {name}", _searched(server, name), name) for name in names]


class Readiness:
    """The same, looked at by one thread at a time and once a second at most."""

    def __init__(self, server: "Server", clock: Callable[[], float] = monotonic) -> None:
        self._server = server
        self._clock = clock
        self._lock = threading.Lock()
        self._found: tuple[float, list[Finding]] | None = None

    def findings(self) -> list[Finding]:
        """What was found, at most a second ago."""
        with self._lock:
            if self._found is None or self._clock() - self._found[0] > _FRESH:
                found = readiness(self._server)
                self._found = (self._clock(), found)
            return self._found[1]


class _NotReadyError(Exception):
    """Something is not as it must be."""


def _finding(name: str, look: Callable[[], str], collection: str | None = None) -> Finding:
    try:
        return Finding(name, True, look(), collection)
    except (PinciteError, sqlite3.Error, _NotReadyError) as error:
        return Finding(name, False, str(error), collection)


def _models(server: "Server") -> str:
    with server.collections.use(DEFAULT) as collection:
        if not collection.engine.ready:
            raise _NotReadyError("they are still being loaded; ask again in a moment")
    return "loaded"


def _uploads(server: "Server") -> str:
    if not server.jobs.alive:
        raise _NotReadyError("no thread takes uploads in; the log may say why")
    return f"{server.jobs.waiting().files} files wait"


def _disk(server: "Server") -> str:
    for folder in (server.folder, server.settings.index):
        free = _free(folder)
        if free < _ROOM:
            raise _NotReadyError(f"{folder}: {free // 2**20} MiB are left; make room")
    return f"{_free(server.folder) // 2**20} MiB are left"


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError as error:
        raise _NotReadyError(f"{folder}: cannot be looked at ({error.strerror})") from error


def _searched(server: "Server", name: str) -> Callable[[], str]:
    return lambda: _collection(server, name)


def _collection(server: "Server", name: str) -> str:
    with server.collections.use(name) as collection:
        for problem in _unwritable(collection):
            raise _NotReadyError(problem)
        store = collection.engine.store
        # A search of both kinds, without a model: some direction, and a word.
        vector = np.zeros(store.settings.embedder.dim, np.float32)
        vector[0] = 1.0
        store.candidates("ready", vector, 1)
        return f"generation {store.generation}"


def _unwritable(collection: Collection) -> Iterator[str]:
    for path in (collection.folder, collection.folder / DATABASE):
        if not os.access(path, os.W_OK):
            yield f"{path}: cannot be written"
