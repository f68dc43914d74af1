"""Reading files apart from the program: the port, and the adapters behind it."""

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any, Protocol

from index.documents import Problem
from index.errors import DocumentError, UnreadableDocument
from index.extract import Extraction
from index.extract.inside import Taken
from index.extract.source import Limits
from index.rendering import PageImage, check_width
from index.sandbox.child import Child, Died
from index.sandbox.jobs import (
    Drawing,
    Held,
    Job,
    Result,
    Task,
    carried_out,
    check_digest,
    failed,
    label_of,
    memory_reason,
    opened,
)
from index.sandbox.turns import Turns

__all__ = ["Extractor", "Held", "InProcess", "Job", "PageImage", "Taken", "WorkerPool"]

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

    def take(self, held: Held) -> Future[Taken]:
        """Take a file out of the one it stands in, before files that wait to be read.

        What has no bytes of its own gives the file that holds it, as `Taken.inside` tells.

        The future fails with a `DocumentError`: `LostOriginal` where a file is gone, or not the one
        with the digest.
        """
        ...

    def page_image(self, held: Held, page: int, width: int) -> Future[PageImage]:
        """Draw a page of a PDF, before files that wait to be read; see `index.rendering.draw`.

        The future fails with a `DocumentError`, as for `take`; `UnknownPage` where there is no such
        page.

        Raises:
            ValueError: the width is not one that is drawn.
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
        return self._done(job)

    def take(self, held: Held) -> Future[Taken]:
        """See `Extractor`; the future is done."""
        return self._done(held)

    def page_image(self, held: Held, page: int, width: int) -> Future[PageImage]:
        """See `Extractor`; the future is done."""
        check_width(width)
        return self._done(Drawing(held, page, width))

    def _done(self, task: Task) -> Future[Any]:
        if self._closed:
            raise RuntimeError("closed")
        future: Future[Any] = Future()
        found: Result | DocumentError
        try:
            found = self._carried_out(task)
        except DocumentError as error:
            found = _not_had(task, error)
        _settle(future, found)
        return future

    def _carried_out(self, task: Task) -> Result:
        with opened(task, self._limits) as (_, pieces):
            data = b"".join(pieces)
        if not isinstance(task, Job):
            held = task.held if isinstance(task, Drawing) else task
            check_digest(held, hashlib.sha256(data).hexdigest(), held.sha256)
        return carried_out(task, data, self._limits)

    def close(self) -> None:
        """See `Extractor`."""
        self._closed = True


def _not_had(task: Task, error: DocumentError) -> Extraction | DocumentError:
    """What comes of a task whose file could not be had."""
    if isinstance(task, Job):
        return Extraction((), (Problem(task.uri, str(error)),), "")
    return error


def _settle(future: Future[Any], found: Result | BaseException) -> None:
    if isinstance(found, BaseException):
        future.set_exception(found)
    else:
        future.set_result(found)


class WorkerPool:
    """Reads files in up to `workers` processes of its own, within limits.

    A file that takes too long, needs too much memory, comes to too much or ends its process costs
    that file. Processes are started when jobs come, and ended when none do. What is taken out or
    drawn is waited for by somebody: it has precedence, and a process more that does nothing else,
    so that large files that are being read do not hold it up. `extract` is the function that reads
    a file's bytes, as "module:name"; it is called as `extract_all` is.
    """

    def __init__(self, limits: Limits, workers: int, extract: str = _EXTRACT) -> None:
        self._limits = limits
        self._workers = workers
        self._extract = extract
        self._lock = threading.Lock()
        self._closed = False
        self._unfinished = 0
        self._threads: list[threading.Thread] = []
        self._prompt: threading.Thread | None = None
        self._children: set[Child] = set()
        self._turns: Turns[tuple[Task, Future[Any]]] = Turns()

    def submit(self, job: Job) -> Future[Extraction]:
        """See `Extractor`.

        The future fails with a `PinciteError` where no process can be started at all.
        """
        return self._submit(job, urgent=False)

    def take(self, held: Held) -> Future[Taken]:
        """See `Extractor`, and `submit`."""
        return self._submit(held, urgent=True)

    def page_image(self, held: Held, page: int, width: int) -> Future[PageImage]:
        """See `Extractor`, and `submit`."""
        check_width(width)
        return self._submit(Drawing(held, page, width), urgent=True)

    def _submit(self, task: Task, *, urgent: bool) -> Future[Any]:
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("closed")
            self._unfinished += 1
            self._turns.put((task, future), urgent=urgent)
            if urgent and self._prompt is None:
                self._prompt = self._started(urgent=True)
            elif len(self._threads) < min(self._unfinished - urgent, self._workers):
                self._threads.append(self._started(urgent=False))
        return future

    def _started(self, *, urgent: bool) -> threading.Thread:
        thread = threading.Thread(
            target=self._serve, args=(urgent,), name="pincite-reader", daemon=True
        )
        thread.start()
        return thread

    def close(self) -> None:
        """See `Extractor`; files that are being read are given up."""
        with self._lock:
            if not self._closed:
                self._closed = True
                for _, future in self._turns.close():
                    future.cancel()
            for child in self._children:
                child.kill()
        for thread in (*self._threads, self._prompt):
            if thread is not None:
                thread.join()

    def _serve(self, urgent: bool) -> None:
        """Take tasks, or urgent ones only, one after the other, until the pool is closed."""
        reader = _Reader(self._limits, self._start, self._end)
        while True:
            try:
                turn = self._turns.get(_IDLE, urgent=urgent)
            except TimeoutError:
                reader.end()
                turn = self._turns.get(urgent=urgent)
            if turn is None:
                reader.end()
                return
            task, future = turn
            if future.set_running_or_notify_cancel():
                self._answer(task, future, reader)
            else:
                self._finished()

    def _answer(self, task: Task, future: Future[Any], reader: "_Reader") -> None:
        found: Result | BaseException
        try:
            found = reader.carry_out(task)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the future is told
            found = error
        self._finished()
        _settle(future, CancelledError() if self._closed else found)

    def _finished(self) -> None:
        with self._lock:
            self._unfinished -= 1

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

    def carry_out(self, task: Task) -> Result | DocumentError:
        """Do a task."""
        ocr = isinstance(task, Job) and task.options.ocr
        if self._child is not None and self._child.ocr != ocr:
            self.end()
        fresh = self._child is None
        found, spent = self._once(task, ocr)
        # What earlier files have left behind in the process must not count against this one.
        return self._once(task, ocr)[0] if spent and not fresh else found

    def _once(self, task: Task, ocr: bool) -> tuple[Result | DocumentError, bool]:
        """Do a task; the second tells that a fresh process might do better."""
        try:
            with opened(task, self._limits) as (length, pieces):
                child = self._child = self._child or self._start(ocr)
                found = child.carry_out(task, length, pieces)
        except DocumentError as error:
            if self._child is not None and self._child.ended:
                self.end()
            return _not_had(task, error), False
        except Died as death:
            self.end()
            return _failed(task, death.reason, death.sha256), not death.overdue
        short = self._is_short(task, found)
        if short or child.worn:
            self.end()
        return found, short

    def _is_short(self, task: Task, found: Result | DocumentError) -> bool:
        """Whether there was not memory enough."""
        if isinstance(task, Job):
            sha256 = found.sha256 if isinstance(found, Extraction) else ""
            return found == failed(task, memory_reason(self._limits), sha256)
        return isinstance(found, DocumentError) and str(found) == str(
            _failed(task, memory_reason(self._limits))
        )

    def end(self) -> None:
        """End the process, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            self._end(child)


def _failed(task: Task, reason: str, sha256: str = "") -> Extraction | DocumentError:
    """What comes of a task of which nothing came; `reason` follows its name."""
    if isinstance(task, Job):
        return failed(task, reason, sha256)
    return UnreadableDocument(f"{label_of(task)}: {reason}")
