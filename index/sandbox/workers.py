"""Reading files apart from the program: the port, and the adapters behind it."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol

from index.documents import Problem
from index.errors import DocumentError
from index.extract import Extraction
from index.extract.source import Limits
from index.sandbox.child import Child, Died
from index.sandbox.jobs import Job, extraction_of, failed, opened, out_of_memory

__all__ = ["Extractor", "InProcess", "Job", "WorkerPool"]

# A reading process without work is ended after so many seconds.
_IDLE = 30.0

# What reads the bytes of a file, as a reading process imports it.
_EXTRACT = "index.extract:extract_all"


class Extractor(Protocol):
    """Reads files; safe to use from several threads."""

    def submit(self, job: Job) -> Future[Extraction]:
        """Read a file, soon.

        The future never fails for what a file holds: where nothing could be read, the extraction
        has a problem and no documents. `Extraction.sha256` is empty where the bytes could not be
        had.
        """
        ...

    def close(self) -> None:
        """Stop; jobs that are not done are cancelled. Closing twice does nothing."""
        ...


class InProcess:
    """Reads each file at once, in this process: nothing guards it against hostile files."""

    def __init__(self, limits: Limits = Limits()) -> None:  # noqa: B008 - immutable
        self._limits = limits
        self._closed = False

    def submit(self, job: Job) -> Future[Extraction]:
        """See `Extractor`; the future is done."""
        if self._closed:
            raise RuntimeError("closed")
        future: Future[Extraction] = Future()
        try:
            with opened(job, self._limits) as (_, pieces):
                data = b"".join(pieces)
        except DocumentError as error:
            future.set_result(_not_had(job, error))
        else:
            future.set_result(extraction_of(job, data, self._limits))
        return future

    def close(self) -> None:
        """See `Extractor`."""
        self._closed = True


def _not_had(job: Job, error: DocumentError) -> Extraction:
    return Extraction((), (Problem(job.uri, str(error)),), "")


class WorkerPool:
    """Reads files in up to `workers` processes of its own, within limits.

    A file that takes too long, needs too much memory, comes to too much or ends its process costs
    that file. Processes are started when jobs come, and ended when none do. `extract` is the
    function that reads a file's bytes, as "module:name"; it is called as `extract_all` is.
    """

    def __init__(self, limits: Limits, workers: int, extract: str = _EXTRACT) -> None:
        self._limits = limits
        self._workers = workers
        self._extract = extract
        self._lock = threading.Lock()
        self._closed = False
        self._unfinished = 0
        self._threads: list[threading.Thread] = []
        self._children: set[Child] = set()
        self._jobs: SimpleQueue[tuple[Job, Future[Extraction]] | None] = SimpleQueue()

    def submit(self, job: Job) -> Future[Extraction]:
        """See `Extractor`.

        The future fails with a `PinciteError` where no process can be started at all.
        """
        future: Future[Extraction] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("closed")
            self._unfinished += 1
            self._jobs.put((job, future))
            if len(self._threads) < min(self._unfinished, self._workers):
                thread = threading.Thread(target=self._serve, name="pincite-reader", daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def close(self) -> None:
        """See `Extractor`; files that are being read are given up."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._give_up()
            for child in self._children:
                child.kill()
        for thread in self._threads:
            thread.join()

    def _give_up(self) -> None:
        """Cancel what is not begun, and send the threads home."""
        with suppress(Empty):
            while True:
                task = self._jobs.get_nowait()
                if task is not None:
                    task[1].cancel()
        for _ in self._threads:
            self._jobs.put(None)

    def _serve(self) -> None:
        """Take jobs, one after the other, until the pool is closed."""
        reader = _Reader(self._limits, self._start, self._end)
        while True:
            try:
                task = self._jobs.get(timeout=_IDLE)
            except Empty:
                reader.end()
                task = self._jobs.get()
            if task is None:
                reader.end()
                return
            job, future = task
            if future.set_running_or_notify_cancel():
                self._answer(job, future, reader)

    def _answer(self, job: Job, future: Future[Extraction], reader: "_Reader") -> None:
        found: Extraction | BaseException
        try:
            found = reader.read(job)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the future is told
            found = error
        with self._lock:
            self._unfinished -= 1
            if self._closed:
                found = CancelledError()
        if isinstance(found, Extraction):
            future.set_result(found)
        else:
            future.set_exception(found)

    def _start(self, ocr: bool) -> Child:
        if self._closed:
            raise CancelledError
        child = Child(self._limits, self._extract, ocr)
        with self._lock:
            self._children.add(child)
            if self._closed:
                child.kill()
        return child

    def _end(self, child: Child) -> None:
        with self._lock:
            self._children.discard(child)
        child.end()


class _Reader:
    """The process that one thread reads with: made when it is needed, replaced when it is spent."""

    def __init__(
        self, limits: Limits, start: Callable[[bool], Child], end: Callable[[Child], None]
    ) -> None:
        self._limits = limits
        self._start = start
        self._end = end
        self._child: Child | None = None

    def read(self, job: Job) -> Extraction:
        """Read a file."""
        if self._child is not None and self._child.ocr != job.options.ocr:
            self.end()
        fresh = self._child is None
        found, spent = self._once(job)
        # What earlier files have left behind in the process must not count against this one.
        return self._once(job)[0] if spent and not fresh else found

    def _once(self, job: Job) -> tuple[Extraction, bool]:
        """Read a file; the second tells that a fresh process might do better."""
        try:
            with opened(job, self._limits) as (length, pieces):
                child = self._child = self._child or self._start(job.options.ocr)
                found = child.read(job, length, pieces)
        except DocumentError as error:
            if self._child is not None and self._child.ended:
                self.end()
            return _not_had(job, error), False
        except Died as death:
            self.end()
            return failed(job, death.reason, death.sha256), not death.overdue
        short = found == out_of_memory(job, self._limits, found.sha256)
        if short or child.worn:
            self.end()
        return found, short

    def end(self) -> None:
        """End the process, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            self._end(child)
