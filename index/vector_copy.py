"""The vectors of an index's current edition for searching: a copy, kept in step with the database.

What is written is a file that does not change; what came or went since is read from the database
when an index is opened or has changed, without comparing the rest. `fold` writes the file anew.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from index.catalog import Catalog
from index.changes import NOWHERE
from index.editions import Edition
from index.embedding import Vectors
from index.vector_file import Origin, Sealed, read, write
from index.vector_kinds import (
    Kinds,
    is_extensible,
    sample_size,
    trained,
    without,
)
from index.vectors import FaissIndex, Ids

FAISS_FILE = "vectors.faiss"

# A file that is being written, and one of an edition that is not the current one yet.
_UNFINISHED = FAISS_FILE + ".new"
NEXT = FAISS_FILE + ".next"

# How formats before 3 said what the file was of.
_OLD_STAMP = FAISS_FILE + ".stamp"

# How many vectors are taken from the database at once, and are added before what there is so far is
# written, so that one who is interrupted can go on from there.
_LOAD_AT_ONCE = 20_000
_WRITE_EVERY = 200_000

# Beside the file itself, one that was not touched for so long is no one's any more.
_LEFT_ALONE_SECONDS = 3600

log = logging.getLogger(__name__)


class VectorCopy:
    """The copy in one folder. Not safe for use by several threads at once."""

    def __init__(self, folder: Path, kinds: Kinds) -> None:
        self.kinds = kinds
        self._path = folder / FAISS_FILE
        # The file that was looked at last, and whether it is what is searched.
        self._file: tuple[int, int, int] | None = None
        self._is_written = False
        self._edition: int | None = None
        self._index: FaissIndex | None = None
        self._mark = NOWHERE
        self._last = 0
        # Whether the file was of a state that the database does not know (any more).
        self._compared = False

    @property
    def is_open(self) -> bool:
        """Whether there was a search."""
        return self._index is not None

    @property
    def is_small(self) -> bool:
        """Whether writing it takes no time to speak of."""
        return self._index is not None and len(self._index) <= self.kinds.exact_up_to

    @property
    def is_due(self) -> bool:
        """Whether it ought to be written, as it was when it was last brought to a state."""
        if self._index is None:
            return False
        if self.is_small:
            return self._index.loose > 0 or not self._is_written
        return self._compared or self.kinds.is_due(len(self._index), self._index.loose)

    def at(self, catalog: Catalog) -> FaissIndex:
        """The vectors of the state that the catalog's open transaction sees."""
        edition = catalog.editions.current
        index = self._opened(catalog, edition)
        mark = catalog.changes.last
        if mark != self._mark:
            self._catch_up(index, catalog, edition)
            self._mark, self._last = mark, catalog.passages.newest
        return index

    def _opened(self, catalog: Catalog, edition: Edition) -> FaissIndex:
        """What there is, or what another program has written since, or the beginnings."""
        found, known = _identity(self._path), self._edition == edition.number
        if self._index is not None and known and found == self._file:
            return self._index
        sealed = None if found is None else fitting(self._path, catalog, edition)
        self._file = found
        if self._index is not None and known and sealed is None:
            self._is_written = False
            return self._index
        dim, number = edition.settings.embedder.dim, edition.number
        self._index = FaissIndex(
            dim, sealed, lambda ids: catalog.passages.stored_vectors(number, ids, dim), self.kinds
        )
        self._is_written, self._edition, self._compared = sealed is not None, number, False
        self._mark, self._last = NOWHERE, 0
        if sealed is not None:
            self._mark, self._last = sealed.origin.mark, sealed.origin.last
        return self._index

    def _catch_up(self, index: FaissIndex, catalog: Catalog, edition: Edition) -> None:
        passages, dim = catalog.passages, edition.settings.embedder.dim
        removed = catalog.changes.removed_since(self._mark)
        is_known = removed is not None
        if removed is None:
            wanted, present = passages.numbers(edition.number), index.ids
            removed, missing = np.setdiff1d(present, wanted), np.setdiff1d(wanted, present)
            self._compared = self._is_written
        else:
            missing = passages.numbers_after(edition.number, self._last)
        index.remove(removed)
        for first in range(0, len(missing), _LOAD_AT_ONCE):
            part = missing[first : first + _LOAD_AT_ONCE]
            index.add(part, passages.vectors(part, dim))
            if is_known:  # who is interrupted does not add them again
                self._last = int(part[-1])


def _identity(path: Path) -> tuple[int, int, int] | None:
    """What tells a file from the one that was there before; None where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def fitting(
    path: Path, catalog: Catalog, edition: Edition, *, mapped: bool = True
) -> Sealed | None:
    """The index in a file, if it is of this database and this edition; see `vector_file.read`."""
    sealed = read(path, mapped=mapped)
    if (
        sealed is None
        or sealed.origin.catalog != catalog.name
        or sealed.origin.edition != edition.number
        or sealed.index.d != edition.settings.embedder.dim
    ):
        return None
    return sealed


def fold(
    catalog: Catalog,
    edition: Edition,
    kinds: Kinds,
    name: str = FAISS_FILE,
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Write the file of an edition anew, as it is now, of the kind that its size asks for.

    The connection must be no one else's, for this may take minutes; no transaction is open for
    longer than it takes to read some thousand vectors. What was written before is added to where
    that will do. Interrupted, it goes on where it was; and the file is replaced in one step. False
    where it was told to stop, which it asks now and then.

    Raises:
        OSError: it cannot be written.
        InvalidSettings: the kind that was named cannot be made.
        DamagedIndex, UnavailableIndex: the database cannot be read.
    """
    with catalog.transaction(write=False):
        numbers = catalog.passages.numbers(edition.number)
        origin = Origin(catalog.name, edition.number, catalog.changes.last, catalog.passages.newest)
    base = _base(catalog, edition, kinds, numbers) or _new(catalog, edition, kinds, numbers)
    kept = np.isin(base.ids, numbers)
    without(base.index, ~kept)
    ids = [base.ids[kept]]
    missing = numbers[len(ids[0]) :]
    unwritten = _WRITE_EVERY if not len(ids[0]) and len(missing) > _WRITE_EVERY else 0
    for first in range(0, len(missing), _LOAD_AT_ONCE):
        if stop():
            return False
        if unwritten >= _WRITE_EVERY:
            begun = replace(origin, mark=NOWHERE)
            write(
                catalog.folder / _UNFINISHED,
                replace(base, ids=np.concatenate(ids), origin=begun),
            )
            unwritten = 0
        known, rows = _stored(catalog, edition, missing[first : first + _LOAD_AT_ONCE])
        base.index.add(rows)
        ids.append(known)
        unwritten += len(known)
    sealed = replace(base, ids=np.concatenate(ids), origin=origin)
    write(catalog.folder / name, sealed)
    for left in (_UNFINISHED, _OLD_STAMP):
        (catalog.folder / left).unlink(missing_ok=True)
    remove_left_over(catalog.folder)
    return True


def remove_left_over(folder: Path) -> None:
    """Remove what those left who were killed while they wrote a file; not what may be in use."""
    latest = time.time() - _LEFT_ALONE_SECONDS
    for path in folder.glob(f"{FAISS_FILE}.*"):
        try:
            if path.stat().st_mtime < latest:
                path.unlink()
        except OSError as error:  # another did so, or on Windows has it open
            log.debug("%s: could not be removed yet: %s", path, error)


def _base(catalog: Catalog, edition: Edition, kinds: Kinds, numbers: Ids) -> Sealed | None:
    """What was written before and can be added to: all that it lacks comes after what it has."""
    for name in (FAISS_FILE, NEXT, _UNFINISHED):
        found = fitting(catalog.folder / name, catalog, edition, mapped=False)
        if (
            found is not None
            and is_extensible(found.index)
            and kinds.serves(found.factory, found.trained_for, len(numbers))
        ):
            kept = found.ids[np.isin(found.ids, numbers)]
            if np.array_equal(kept, numbers[: len(kept)]):
                return found
    return None


def _new(catalog: Catalog, edition: Edition, kinds: Kinds, numbers: Ids) -> Sealed:
    """An empty index of the kind for so many passages, trained on some of them."""
    factory, count = kinds.chosen(len(numbers)), len(numbers)
    places = np.linspace(0, count - 1, sample_size(factory, count)).astype(np.int64)
    _, rows = _stored(catalog, edition, numbers[places])
    nowhere = Origin(catalog.name, edition.number, NOWHERE, 0)
    return Sealed(trained(factory, rows), numbers[:0], factory, count, nowhere)


def _stored(catalog: Catalog, edition: Edition, numbers: Ids) -> tuple[Ids, Vectors]:
    """Those of these passages that are still there, and their vectors."""
    dim = edition.settings.embedder.dim
    found = []
    for first in range(0, max(1, len(numbers)), _LOAD_AT_ONCE):
        part = numbers[first : first + _LOAD_AT_ONCE]
        with catalog.transaction(write=False):
            found.append(catalog.passages.stored_vectors(edition.number, part, dim))
    return (
        np.concatenate([ids for ids, _ in found]),
        np.concatenate([rows for _, rows in found]),
    )
