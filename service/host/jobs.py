"""The queue of uploads: what was accepted is taken in, one file at a time in each collection."""

import logging
import secrets
import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from time import monotonic
from typing import BinaryIO, Literal

from index.errors import DocumentError, PinciteError, UnavailableIndex
from index.outcomes import Outcome, Progress, Status
from service.errors import Conflict, Overloaded, UnknownCollection, meaning
from service.host.collections import Collections
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

# Collections in which uploads are taken in at once; the models are shared, so more would not help.
_WORKERS = 2

# Jobs that are over, and are kept, in each collection.
_KEPT = 1000

# Uploads that arrive at once, in all and from one key.
_ARRIVING = 32
_ARRIVING_EACH = 16

# Who may follow jobs at once.
_FOLLOWERS = 256

# The waits, in seconds, before a file is tried again while the index is not available.
_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)

# Seconds to wait where the server's own database fails.
_REST = 5.0

# So many seconds at most until what waits looks whether the server stops.
_MOMENT = 0.5

# A file that was being taken in when the server stopped so often is not tried again: it may be why.
_MOST_BEGUN = 8

# What an upload takes, in seconds, before any has been measured.
_GUESS = 1.0

log = logging.getLogger(__name__)

Watch = Callable[[str, str, str], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may wait to be taken in, in all; a collection has half of it.

    `documents` is how many a collection may hold, None for any number.
    """

    files: int = 5000
    bytes: int = 2**30
    documents: int | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a file is: `stage` is extract, embed or store; the passages embedded, and to embed.

    `passages` is None as long as it is not known.
    """

    file: int
    stage: Literal["extract", "embed", "store"] = "extract"
    done: int = 0
    passages: int | None = None


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
        bounds: Bounds = Bounds(),
        watch: Watch = lambda *_: nullcontext(),
    ) -> None:
        """Take what jobs are made of; nothing is taken in before `start`.

        `watch` is entered for each file, with the ids of its job, its collection and the request
        it came by.
        """
        self._records = records
        self._spool = spool
        self._collections = collections
        self._bounds = bounds
        self._watch = watch
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
        self._followers: dict[str, set[Callable[[], None]]] = {}
        # Never held while waiting, since the event loop takes it.
        self._listening = threading.Lock()
        self._arriving: Counter[str | None] = Counter()
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._seconds = _GUESS

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

    @contextmanager
    def arrival(self, who: str | None, collection: str) -> Iterator[None]:
        """Room for an upload that is about to arrive, from the key with this id.

        Raises:
            Overloaded: as much waits, or arrives, as may.
        """
        with self._lock:
            self._make_sure_of_room(collection, 0)
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
            self._make_sure_it_may_grow(collection, uploads)
            with self._lock:
                self._make_sure_of_room(collection, sum(one.bytes for one in spooled))
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

    def _make_sure_of_room(self, collection: str, size: int) -> None:
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

    def _make_sure_it_may_grow(self, collection: str, uploads: Sequence[Upload]) -> None:
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

    @contextmanager
    def following(self, job_id: str, notify: Callable[[], None]) -> Iterator[None]:
        """Have `notify` called whenever something about a job changes, and when the server stops.

        It is called from other threads, and must not wait.

        Raises:
            Overloaded: as many follow jobs as may.
        """
        with self._listening:
            if sum(map(len, self._followers.values())) >= _FOLLOWERS:
                raise Overloaded("too many follow jobs at once; ask for the job instead", 5.0)
            self._followers.setdefault(job_id, set()).add(notify)
        try:
            yield
        finally:
            with self._listening:
                self._followers[job_id].discard(notify)
                if not self._followers[job_id]:
                    del self._followers[job_id]

    def _tell(self, job_id: str) -> None:
        with self._listening:
            followers = list(self._followers.get(job_id, ()))
        for notify in followers:
            notify()

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
            self._tell(job)

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
        self._tell(file.job)
        began = monotonic()
        try:
            result = self._result(file)
            with self._lock:
                if result is None:
                    self._records.give_back(file)
                else:
                    self._records.end(file, *result)
                    self._records.forget(collection, _KEPT)
                self._seconds += 0.2 * (monotonic() - began - self._seconds)
        finally:
            with self._lock:
                del self._running[collection]
                self._stages.pop(file.job, None)
                self._changed.notify_all()
        if result is not None:
            self.drop([file.upload.spooled])
        self._tell(file.job)

    def _result(self, file: JobFile) -> tuple[JobState, list[Outcome]] | None:
        """Take a file in: what became of it, None if the server stops first."""
        name = file.upload.name
        if file.begun >= _MOST_BEGUN:
            return _failed(
                name,
                f"{name}: the server stopped {file.begun} times while it was taken in; it is not "
                "tried again",
            )
        for pause in (*_PAUSES, None):
            try:
                with self._watch(file.job, file.collection, file.request_id):
                    return JobState.DONE, self._add(file)
            except DocumentError as error:
                return _failed(name, str(error))
            except UnavailableIndex as error:
                if pause is None:
                    return _failed(name, _ours(name, error, file.job))
                log.warning("an upload waits, job %s: %s", file.job, error)
                if self._stopping.wait(pause):
                    return None
            except UnknownCollection:
                if pause is None or not self._collections.is_known(file.collection):
                    return _failed(name, f"{name}: the collection it was sent to is gone")
                # It is about to be removed, or is kept after all: soon it will be known.
                if self._stopping.wait(pause):
                    return None
            except PinciteError as error:
                return _failed(name, _ours(name, error, file.job))
            except Exception:
                if self._stopping.is_set():
                    log.info("job %s goes on when the server is started again", file.job)
                    return None
                log.exception("job %s: unexpected error", file.job)
                return _failed(
                    name, f"{name}: something went wrong here; the server's log has the details"
                )
        return None

    def _add(self, file: JobFile) -> list[Outcome]:
        upload = file.upload

        def report(progress: Progress) -> None:
            done, all_ = progress.passages, progress.to_embed
            self._stages[file.job] = Stage(
                file.number, "store" if done >= all_ else "embed", done, all_
            )
            self._tell(file.job)

        with self._collections.use(file.collection) as collection:
            return collection.engine.add_bytes(
                self._spool.read(upload.spooled.name),
                uri=upload.uri,
                name=upload.name,
                media_type=upload.media_type,
                title=upload.title,
                metadata=upload.metadata,
                report=report,
            )

    def stop(self) -> None:
        """Take nothing more in, and let go of all who follow; what waits goes on another time."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        with self._listening:
            followed = list(self._followers)
        for job in followed:
            self._tell(job)

    def close(self, seconds: float = 30.0) -> None:
        """Stop, and wait so many seconds at most for files that are being taken in."""
        self.stop()
        until = monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))


def _ours(name: str, error: PinciteError, job: str) -> str:
    """Why a file failed for a reason that is not its own, without our paths; the log has all."""
    log.error("job %s: %s", job, error)
    title = meaning(error).title
    return f"{name}: {title[0].lower()}{title[1:]}; send it again later"


def _failed(name: str, reason: str) -> tuple[JobState, list[Outcome]]:
    return JobState.FAILED, [Outcome(name, Status.FAILED, reason=reason)]
