"""How many uploads may arrive, and wait to be taken in."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from service.errors import Conflict, Overloaded
from service.host.collections import Collections
from service.host.job_records import JobRecords, Upload

# Uploads that arrive at once, in all and from one key.
_ARRIVING = 32
_ARRIVING_EACH = 16

# What a file takes until it is taken in, in seconds, before any has been measured.
_GUESS = 1.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may wait to be taken in, in all; a collection has half of it.

    `documents` is how many a collection may hold, None for any number.
    """

    files: int = 5000
    bytes: int = 2**30
    documents: int | None = None


class Arrivals:
    """Lets uploads arrive as long as there is room for them. Safe to use from several threads."""

    def __init__(self, records: JobRecords, collections: Collections, bounds: Bounds) -> None:
        self._records = records
        self._collections = collections
        self._bounds = bounds
        self._arriving: Counter[str | None] = Counter()
        self._lock = threading.Lock()
        self._seconds = _GUESS

    @contextmanager
    def enter(self, who: str | None, collection: str) -> Iterator[None]:
        """Room for an upload that is about to arrive, from the key with this id.

        Raises:
            Overloaded: as much waits, or arrives, as may.
        """
        self.require_room(collection, 0)
        with self._lock:
            if self._arriving.total() >= _ARRIVING or self._arriving[who] >= _ARRIVING_EACH:
                raise Overloaded(
                    "too many uploads arrive at once; send this one again in a moment", 2.0
                )
            self._arriving[who] += 1
        try:
            yield
        finally:
            with self._lock:
                self._arriving[who] -= 1
                if not self._arriving[who]:
                    del self._arriving[who]

    def require_room(self, collection: str, size: int) -> None:
        """Make sure that so many bytes more may wait for a collection.

        Raises:
            Overloaded: they may not.
        """
        # Half for each, also where there is one: who has one must not find out whether others are.
        for waiting, share in (
            (self._records.waiting(), 1),
            (self._records.waiting(collection), 2),
        ):
            if (
                waiting.files * share >= self._bounds.files
                or (waiting.bytes + size) * share > self._bounds.bytes
            ):
                # How many is not for everyone: they may be those of other collections.
                raise Overloaded(
                    "as many uploads wait to be taken in as may; send this one again later",
                    min(60.0, max(1.0, self._seconds * waiting.files / 10)),
                )

    def require_growth(self, collection: str, uploads: Sequence[Upload]) -> None:
        """Make sure that a collection may hold what is sent to it, with all that waits for it.

        Raises:
            Conflict: it may not.
            UnknownCollection: there is none of this name.
        """
        most = self._bounds.documents
        if most is None:
            return
        waiting = {file.upload.uri for file in self._records.unfinished(collection)}
        with self._collections.use(collection) as used:
            store = used.engine.store
            held, _ = store.counts()
            coming = {uri for uri in waiting if not store.origins(uri)}
            new = {upload.uri for upload in uploads if not store.origins(upload.uri)} - coming
        if new and held + len(coming) + len(new) > most:
            raise Conflict(
                f"{collection}: may hold {most:,} documents, and holds or waits for "
                f"{held + len(coming):,}; remove some that are not needed"
            )

    def took(self, seconds: float) -> None:
        """Take note of how long a file took, by which it is told when to try again."""
        self._seconds += 0.2 * (seconds - self._seconds)
