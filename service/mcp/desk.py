"""What one client of the tools may use, whichever way it came in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    contextmanager,
    nullcontext,
)
from pathlib import Path
from threading import Lock
from typing import Protocol

from service.engine import Engine
from service.host.collections import unknown


class Desk(Protocol):
    """The collections that a client may read, and its turn to do so."""

    def names(self) -> Sequence[str]:
        """The names of the collections, in order."""
        ...

    def use(self, name: str) -> AbstractContextManager[Engine]:
        """The engine of a collection, which stays open for the block.

        Raises:
            UnknownCollection: there is none of this name that the client may use.
        """
        ...

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait until there is room for the models to work.

        Raises:
            Overloaded: there will not be soon.
        """
        ...


class LocalDesk:
    """All collections in folders, for the one client at the other end of standard input."""

    def __init__(self, folders: Mapping[str, Path], open_engine: Callable[[Path], Engine]) -> None:
        """Take the folder of each collection; each is opened when it is first used."""
        self._folders = dict(folders)
        self._open_engine = open_engine
        self._engines: dict[str, Engine] = {}
        self._lock = Lock()

    def names(self) -> Sequence[str]:
        """See `Desk.names`."""
        return sorted(self._folders)

    @contextmanager
    def use(self, name: str) -> Iterator[Engine]:
        """See `Desk.use`."""
        if name not in self._folders:
            raise unknown(name)
        with self._lock:
            if name not in self._engines:
                self._engines[name] = self._open_engine(self._folders[name])
            engine = self._engines[name]
        yield engine

    def turn(self) -> AbstractAsyncContextManager[None]:
        """See `Desk.turn`; one client waits for nobody."""
        return nullcontext()

    def close(self) -> None:
        """Close what was opened."""
        for engine in self._engines.values():
            engine.close()
