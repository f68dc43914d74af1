"""What a server holds and what waits in it, as gauges."""

import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING

from index.errors import PinciteError
from service.observing.metrics import Gauge

if TYPE_CHECKING:
    from service.host.collections import Collection
    from service.host.server import Server


class Gauges:
    """Asked for the values of the moment; the collections are counted again when they changed."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        # By a collection's name its generation, documents and passages when it was last counted.
        self._counted: dict[str, tuple[int, int, int]] = {}

    def __call__(self) -> Iterator[Gauge]:
        """Each gauge, those of one name after another."""
        server = self._server
        yield Gauge("pincite_uptime_seconds", "How long the server has run.", server.uptime)
        admission = server.admission
        yield Gauge("pincite_questions_running", "Requests worked on.", admission.running)
        yield Gauge("pincite_questions_waiting", "Questions that wait.", admission.waiting)
        yield from self._jobs()
        for name in server.collections.names():
            yield from self._collection(name)

    def _jobs(self) -> Iterator[Gauge]:
        jobs = self._server.jobs
        waiting = jobs.waiting()
        yield Gauge("pincite_uploads_waiting", "Files to be taken in.", waiting.files)
        yield Gauge("pincite_uploads_waiting_bytes", "Their size.", waiting.bytes)
        for state, count in sorted(jobs.states().items()):
            yield Gauge("pincite_jobs", "Jobs by state.", count, {"state": str(state)})

    def _collection(self, name: str) -> Iterator[Gauge]:
        labels = {"collection": name}
        up = Gauge("pincite_collection_up", "Whether its index can be read.", 1, labels)
        try:
            with self._server.collections.use(name) as collection:
                generation, documents, passages = self._counts(collection)
                size = _bytes(collection)
        except (PinciteError, sqlite3.Error):
            self._counted.pop(name, None)
            yield Gauge(up.name, up.help, 0, labels)
            return
        yield up
        yield Gauge("pincite_documents", "Documents held.", documents, labels)
        yield Gauge("pincite_passages", "Passages held.", passages, labels)
        yield Gauge("pincite_generation", "Changes so far.", generation, labels)
        yield Gauge("pincite_index_bytes", "The index's size on the disk.", size, labels)

    def _counts(self, collection: "Collection") -> tuple[int, int, int]:
        store = collection.engine.store
        generation = store.generation
        known = self._counted.get(collection.name)
        if known is None or known[0] != generation:
            known = self._counted[collection.name] = (generation, *store.counts())
        return known


def _bytes(collection: "Collection") -> int:
    """The size of an index's own files; one that goes meanwhile counts for nothing."""
    total = 0
    for path in collection.folder.iterdir():
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total
