"""Collections: several indexes in one server, each with its own documents."""

import logging
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from index.errors import InvalidSettings, PinciteError, UnavailableIndex
from service.configuration import COLLECTION_NAME, DEFAULT_COLLECTION
from service.engine import Engine
from service.errors import Conflict, UnknownCollection
from service.host.keys import forget_collection
from service.host.state import State

DEFAULT = DEFAULT_COLLECTION

# More could not be held open at once.
MOST_COLLECTIONS = 256

log = logging.getLogger(__name__)

# How a collection's folder ends that is being taken away; no name can end so.
_GONE = ".gone"


@dataclass(slots=True)
class Collection:
    """An open index with its name; `uses` counts who is at work with it."""

    name: str
    engine: Engine
    folder: Path
    uses: int = field(default=0, compare=False)


class Collections:
    """The collections of a server: the index it was started for, those the settings name, and
    those that were made in its folder. Each is opened when it is first used.
    """

    def __init__(
        self,
        state: State,
        folder: Path,
        named: Mapping[str, Path],
        open_engine: Callable[[Path], Engine],
    ) -> None:
        """Take the folders of the collections that are named from outside, `default` among them.

        `folder` is where others are made. `open_engine` opens the index in a folder, and makes one
        where there is none.

        Raises:
            InvalidSettings: a name cannot be one.
        """
        for name in named:
            if not COLLECTION_NAME.fullmatch(name):
                raise InvalidSettings(f"the collection {name!r}: {_EXPECTED}")
        self._state = state
        self._folder = folder
        self._named = dict(named)
        self._open_engine = open_engine
        self._open: dict[str, Collection] = {}
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._opening: set[str] = set()
        self._closing: set[str] = set()

    def names(self) -> list[str]:
        """The names of all collections, in order."""
        made = self._state.rows("SELECT name FROM collections")
        return sorted({*self._named, *(str(row["name"]) for row in made)})

    def is_known(self, name: str) -> bool:
        """Whether there is a collection of this name, though perhaps not for much longer."""
        return name in self._named or self._is_made(name)

    def _is_made(self, name: str) -> bool:
        return bool(self._state.rows("SELECT 1 FROM collections WHERE name = ?", name))

    def is_named_outside(self, name: str) -> bool:
        """Whether a collection is one of the settings', which cannot be removed here."""
        return name in self._named

    @contextmanager
    def use(self, name: str) -> Iterator[Collection]:
        """A collection, which stays open for the block.

        Raises:
            UnknownCollection: none has this name.
            IndexStoreError: its index cannot be used.
        """
        collection = self._take(name)
        try:
            yield collection
        finally:
            with self._changed:
                collection.uses -= 1
                self._changed.notify_all()

    def _take(self, name: str) -> Collection:
        with self._changed:
            self._changed.wait_for(lambda: name not in self._opening)
            if name in self._closing:
                raise unknown(name)
            collection = self._open.get(name)
            if collection is not None:
                collection.uses += 1
                return collection
            folder = self._folder_of(name)
            self._opening.add(name)
        with self._opened(name, folder) as collection:
            collection.uses += 1
        return collection

    @contextmanager
    def _opened(self, name: str, folder: Path, *, anew: bool = False) -> Iterator[Collection]:
        """A collection that is opened now, by this thread alone; others are used meanwhile.

        It is open for all after the block, if that did not fail. With `anew`, what another of this
        name may have left is not for it.
        """
        try:
            if anew:
                _put_away(folder)
            collection = Collection(name, self._open_engine(folder), folder)
            yield collection
        except BaseException:
            with self._changed:
                self._opening.discard(name)
                self._changed.notify_all()
            raise
        with self._changed:
            self._open[name] = collection
            self._opening.discard(name)
            self._changed.notify_all()

    def _folder_of(self, name: str) -> Path:
        if name in self._named:
            return self._named[name]
        if not self._is_made(name):
            raise unknown(name)
        return self._folder / name

    def create(self, name: str) -> None:
        """Make an empty collection.

        Raises:
            InvalidSettings: the name cannot be one.
            Conflict: there is one with this name, or as many as there may be.
            IndexStoreError: it cannot be made.
        """
        if not COLLECTION_NAME.fullmatch(name):
            raise InvalidSettings(f"{name!r}: {_EXPECTED}")
        with self._changed:
            if self.is_known(name) or name in self._closing or name in self._opening:
                raise Conflict(f"{name}: there is a collection with this name; choose another")
            if len(self.names()) >= MOST_COLLECTIONS:
                raise Conflict(
                    f"there are {MOST_COLLECTIONS} collections, the most there may be; remove one "
                    "that is not needed"
                )
            self._opening.add(name)
        with (
            self._opened(name, self._folder / name, anew=True),
            self._state.transaction() as connection,
        ):
            connection.execute(
                "INSERT INTO collections (name, created_at) VALUES (?, ?)",
                (name, datetime.now(UTC).isoformat(timespec="seconds")),
            )

    def remove(self, name: str, seconds: float, before: Callable[[], None] = lambda: None) -> None:
        """Take a collection away with all its documents, once nobody is at work with it.

        `before` is called when nobody is.

        Raises:
            UnknownCollection: none has this name.
            Conflict: it is one of the settings', or is still in use after so many seconds.
            UnavailableIndex: it is gone, but its folder cannot be taken away.
        """
        with self._changed:
            if name in self._named:
                raise Conflict(f"{name}: is a collection of the settings; take it out of them")
            folder = self._folder_of(name)
            if name in self._closing:
                raise unknown(name)
            self._closing.add(name)
        try:
            self._wait_until_idle(name, seconds)
            before()
            with self._state.transaction() as connection:
                for table in ("jobs", "feedback"):
                    connection.execute(
                        f"DELETE FROM {table} WHERE collection = ?",  # noqa: S608 - ours
                        (name,),
                    )
                forget_collection(connection, name)
                connection.execute("DELETE FROM collections WHERE name = ?", (name,))
            with self._lock:
                collection = self._open.pop(name, None)
            try:
                if collection is not None:
                    collection.engine.close()
            except PinciteError as error:
                log.warning("the collection %s was removed; closing it: %s", name, error)
            _put_away(folder)
        finally:
            with self._lock:
                self._closing.discard(name)

    def _wait_until_idle(self, name: str, seconds: float) -> None:
        def is_idle() -> bool:
            collection = self._open.get(name)
            return name not in self._opening and (collection is None or collection.uses == 0)

        with self._changed:
            if not self._changed.wait_for(is_idle, seconds):
                raise Conflict(f"{name}: is still in use; try again in a moment")

    def folder(self, name: str) -> Path:
        """Where the index of a collection is.

        Raises:
            UnknownCollection: none has this name.
        """
        return self._folder_of(name)

    def sweep(self) -> None:
        """Take away what is left of collections that were removed, as after a crash."""
        for folder in self._folder.glob(f"*{_GONE}"):
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Close every collection that is open."""
        with self._lock:
            for collection in self._open.values():
                collection.engine.close()
            self._open.clear()


def _put_away(folder: Path) -> None:
    """Take a collection's folder away; first its name, so that nothing else can open it.

    Raises:
        UnavailableIndex: it cannot be renamed.
    """
    if folder.exists():
        gone = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}{_GONE}")
        try:
            folder.rename(gone)
        except OSError as error:
            raise UnavailableIndex(
                f"{folder}: cannot be taken away ({error.strerror}); see who may change it"
            ) from error
        shutil.rmtree(gone, ignore_errors=True)


_EXPECTED = (
    "expected a name of small letters, digits, - and _, of at most 63 characters, that begins "
    "with a letter or digit"
)


def unknown(name: str) -> UnknownCollection:
    """The error for a collection that is not there, or that a key does not open."""
    return UnknownCollection(f"{name[:63]!r}: there is no collection of this name that you can use")
