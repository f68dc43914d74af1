"""The queue of uploads: what was accepted is taken in, one file at a time in each collection."""

import logging
import secrets
import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from time import monotonic
from typing import BinaryIO

from service.errors import Overloaded
from service.host.arrivals import Arrivals, Bounds
from service.host.collections import Collections
from service.host.followers import Followers
from service.host.idempotency import SECONDS
from service.host.job_records import (
    Job,
    JobFile,
    JobRecords,
    JobState,
    Upload,
    Waiting,
    origin_of,
)
from service.host.spool import Spool, Spooled
from service.host.taking_in import Stage, TakingIn, Watch

# Collections in which uploads are taken in at once; the models are shared, so more would not help.
_WORKERS = 2

# Jobs that are over, and are kept, in each collection.
_KEPT = 1000

# Seconds to wait where the server's own database fails.
_REST = 5.0

# So many seconds at most until what waits looks whether the server stops.
_MOMENT = 0.5

log = logging.getLogger(__name__)


class Jobs:
    """The uploads of a server. Safe to use from several threads.

    What was accepted is on the disk, and is taken in also after a crash: in each collection one
    file after the other, in the order of acceptance, so that the last one sent under a URI stays.
    """

    def __init__(
        self,
        records: JobRecords,
        spool: Spool,
        collections: Collections,
        bounds: Bounds = Bounds(),  # noqa: B008 - immutable
        watch: Watch = lambda *_: nullcontext(),
    ) -> None:
        """Take what jobs are made of; nothing is taken in before `start`.

        `watch` is entered for each file, with the ids of its job, its collection and the request
        it came by.
        """
        self._records = records
        self._spool = spool
        self.arrivals = Arrivals(records, collections, bounds)
        self.followers = Followers()
        # Held for what must be one step, in memory and in the database; never while reading files.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        # Origins of a collection that are about to be removed.
        self._held: Counter[tuple[str, str]] = Counter()
        # Collections in which files wait and none is being taken in, each once.
        self._ready: deque[str] = deque()
        self._running: dict[str, JobFile] = {}
        self._busy: set[str] = set()
        self._sent_meanwhile: set[str] = set()
        self._stages: dict[str, Stage] = {}
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._taking_in = TakingIn(spool, collections, watch, self._come_on, self._stopping)

    def start(self) -> None:
        """Go on with what waits, and take in what comes; starting again does nothing."""
        with self._lock:
            if self._threads or self._stopping.is_set():
                return
            self._records.resume()
            self._spool.sweep(self._records.spooled())
            self._ready = deque(self._records.collections_waiting())
            for number in range(_WORKERS):
                thread = threading.Thread(
                    target=self._work, name=f"pincite-uploads-{number}", daemon=True
                )
                self._threads.append(thread)
                thread.start()

    @property
    def alive(self) -> bool:
        """Whether uploads are being taken in."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    @property
    def stopping(self) -> bool:
        """Whether the server is about to stop."""
        return self._stopping.is_set()

    # What comes

    def spool(self, stream: BinaryIO) -> Spooled:
        """Keep bytes for an upload; see `Spool.keep`. They are to be submitted, or dropped."""
        return self._spool.keep(stream)

    def drop(self, spooled: Sequence[Spooled]) -> None:
        """Let go of bytes that were kept and are not submitted after all."""
        self._spool.drop([one.name for one in spooled])

    def submit(
        self,
        collection: str,
        uploads: Sequence[Upload],
        *,
        key: str | None = None,
        request_id: str = "",
        job_id: str | None = None,
    ) -> Job:
        """Accept files: when this returns they are on the disk, and will be taken in.

        With a `job_id` that there is already, that job is given, and nothing else is done.

        Raises:
            Overloaded: as much waits as may.
            Conflict: the collection holds as many documents as it may.
        """
        # A token is good for so long; after that the same one means another job.
        is_kept = job_id is not None and not self._records.is_older(job_id, SECONDS)
        own = job_id if job_id is not None and is_kept else secrets.token_hex(8)
        spooled = [upload.spooled for upload in uploads]
        try:
            self.arrivals.require_growth(collection, uploads)
            with self._lock:
                self.arrivals.require_room(collection, sum(one.bytes for one in spooled))
                added = self._records.add(own, collection, key, request_id, uploads)
                if added and collection in self._busy:
                    self._sent_meanwhile.add(collection)
                elif added and collection not in self._ready:
                    self._ready.append(collection)
                self._changed.notify_all()
        except BaseException:
            self.drop(spooled)
            raise
        if not added:
            self.drop(spooled)
        return self._records.get(own)

    # What is known

    def get(self, job_id: str) -> Job:
        """A job; raises UnknownJob if there is none with this id, or it is forgotten."""
        return self._records.get(job_id)

    def page(
        self, collection: str, states: Collection[JobState], before: str | None, most: int
    ) -> list[Job]:
        """The last jobs of a collection, newest first; see `JobRecords.page`."""
        return self._records.page(collection, states, before, most)

    def stage(self, job_id: str) -> Stage | None:
        """How far the file is that is being taken in of a job, if one is."""
        return self._stages.get(job_id)

    def waiting(self, collection: str | None = None) -> Waiting:
        """What waits in a collection, or in all of them."""
        return self._records.waiting(collection)

    def states(self, collections: Collection[str] | None = None) -> dict[JobState, int]:
        """How many jobs are in each state, in these collections or in all."""
        return self._records.states(collections)

    # What is called off

    def cancel(self, job_id: str) -> Job:
        """Let nothing more of a job be taken in; a file that is being taken in is finished.

        Raises:
            UnknownJob: there is none with this id.
        """
        job = self._records.get(job_id)
        self._call_off(lambda: list(job.files))
        return self._records.get(job_id)

    def cancel_all(self, collection: str) -> None:
        """Let nothing more be taken in of what waits in a collection."""
        self._call_off(lambda: self._records.unfinished(collection))

    def withdraw(
        self,
        collection: str,
        uris: Collection[str],
        seconds: float,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Let nothing that was accepted bring back what stands at these URIs.

        One that is being taken in for their origins is waited for. Then `check` is called, and if
        it raises nothing, what waits for them is cancelled.

        Raises:
            Overloaded: it takes longer than so many seconds; then nothing is cancelled.
        """
        origins = {origin_of(uri) for uri in uris}
        held = Counter((collection, origin) for origin in origins)

        def is_clear() -> bool:
            file = self._running.get(collection)
            return file is None or file.origin not in origins

        with self._changed:
            # Meanwhile no other file of them is begun.
            self._held += held
            try:
                if not self._changed.wait_for(is_clear, seconds):
                    raise Overloaded(
                        "an upload for this document is being taken in just now; try again when "
                        "it is done",
                        5.0,
                    )
                check()
                self._call_off(
                    lambda: [
                        file
                        for file in self._records.unfinished(collection)
                        if file.origin in origins
                    ]
                )
            finally:
                self._held -= held
                self._changed.notify_all()

    def _call_off(self, find: Callable[[], list[JobFile]]) -> None:
        with self._lock:
            running = {(file.job, file.number) for file in self._running.values()}
            found = [file for file in find() if (file.job, file.number) not in running]
            cancelled = self._records.cancel(found)
            self._changed.notify_all()
        self.drop([file.upload.spooled for file in cancelled])
        for job in {file.job for file in cancelled}:
            self.followers.tell(job)

    # The work

    def _work(self) -> None:
        while (collection := self._next_collection()) is not None:
            try:
                self._take_in_next(collection)
                more = self._records.next(collection) is not None
            except Exception:
                if self._stopping.is_set():
                    log.info("the uploads of %s go on when the server is started again", collection)
                    return
                # What waits is tried again after a while, and at the next start.
                log.exception("the uploads of %s cannot be taken in just now", collection)
                more = not self._stopping.wait(_REST)
            with self._lock:
                self._busy.discard(collection)
                if more or collection in self._sent_meanwhile:
                    self._ready.append(collection)
                self._sent_meanwhile.discard(collection)
                self._changed.notify_all()

    def _next_collection(self) -> str | None:
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._stopping.is_set())
            if self._stopping.is_set():
                return None
            collection = self._ready.popleft()
            self._busy.add(collection)
            return collection

    def _take_in_next(self, collection: str) -> None:
        with self._changed:
            while (file := self._records.next(collection)) is not None and self._held[
                collection, file.origin
            ]:
                if self._stopping.is_set():
                    return
                self._changed.wait(_MOMENT)
            if file is None or not self._records.begin(file):
                return
            self._running[collection] = file
            self._stages[file.job] = Stage(file.number)
        self.followers.tell(file.job)
        began = monotonic()
        try:
            result = self._taking_in.result(file)
            with self._lock:
                if result is None:
                    self._records.give_back(file)
                else:
                    self._records.end(file, *result)
                    self._records.forget(collection, _KEPT)
                self.arrivals.took(monotonic() - began)
        finally:
            with self._lock:
                del self._running[collection]
                self._stages.pop(file.job, None)
                self._changed.notify_all()
        if result is not None:
            self.drop([file.upload.spooled])
        self.followers.tell(file.job)

    def _come_on(self, job_id: str, stage: Stage) -> None:
        self._stages[job_id] = stage
        self.followers.tell(job_id)

    def stop(self) -> None:
        """Take nothing more in, and let go of all who follow; what waits goes on another time."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        self.followers.tell_all()

    def close(self, seconds: float = 30.0) -> None:
        """Stop, and wait so many seconds at most for files that are being taken in."""
        self.stop()
        until = monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))
