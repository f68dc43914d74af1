"""The one pool of threads that all models share: together they never outnumber the cores.

Work comes with a precedence. What a person waits for is taken first, and where a question's next
piece is likely to come at once, a thread is kept for it for a moment. But of every `SHARE` pieces
that are taken while indexing waits, one is indexing's, so that it goes on under any load.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from math import inf
from time import monotonic
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Of so many pieces taken while indexing waits, one is indexing's.
SHARE = 8

# For so many seconds after a question's piece a thread turns to no other work: what is found is
# read next, a few passages at a time, and would have to wait for what was begun meanwhile.
LINGER = 0.025


class Precedence(IntEnum):
    """Whose work is taken first: the lower number's."""

    QUESTION = 0
    INDEXING = 1


def available_cores() -> int:
    """The number of cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def shared_pool(threads: int) -> "ModelPool":
    """The pool of `threads` threads of this process; asked for twice, it is the same one."""
    return ModelPool(threads)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A call that waits, and where its result goes."""

    future: "Future[Any]"
    call: Callable[[], Any]

    def do(self) -> None:
        """Make the call, unless it was cancelled."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.call()
        except BaseException as error:  # noqa: BLE001 - whoever waits for the future is told
            self.future.set_exception(error)
            # The error holds this frame, and the frame the error: let go of it.
            del self
        else:
            self.future.set_result(result)


class ModelPool:
    """Threads that take the more urgent piece of work first, and of equal ones the earlier.

    A piece that was begun is finished, so pieces should be small: one sequence through a model.
    Safe to use from several threads.
    """

    def __init__(self, threads: int, share: int = SHARE, linger: float = LINGER) -> None:
        self._share = share
        self._linger = linger
        self._lock = threading.Lock()
        # Told when there is something for a thread that lingers.
        self._changed = threading.Condition(self._lock)
        self._waiting: dict[Precedence, deque[_Piece]] = {kind: deque() for kind in Precedence}
        # How many questions' pieces were taken in a row while indexing waited.
        self._ahead = 0
        # How many of them are being done, and when the last one was.
        self._asking = 0
        self._asked = -inf
        self._closing = False
        # For each piece the executor is given one call, which takes the piece whose turn it is.
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="pincite-model")

    def submit(
        self, precedence: Precedence, work: Callable[[_Item], _Result], item: _Item
    ) -> "Future[_Result]":
        """Have `work(item)` done, soon; the future may be cancelled until it is begun.

        Raises:
            RuntimeError: the pool was shut down.
        """
        future: Future[_Result] = Future()
        with self._lock:
            self._executor.submit(self._take)
            self._waiting[precedence].append(_Piece(future, lambda: work(item)))
            if precedence is Precedence.QUESTION:
                self._changed.notify()
        return future

    def map(
        self, precedence: Precedence, work: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> list[_Result]:
        """What `work` gives for each item, in order; the first failure in that order is raised.

        Where one fails, or the waiting is interrupted, the pieces that are not begun are given up.
        """
        futures: list[Future[_Result]] = []
        try:
            futures.extend(self.submit(precedence, work, item) for item in items)
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    def shutdown(self, *, cancel: bool = False) -> None:
        """Wait for the work to be done and end the threads; `cancel` gives up what is not begun."""
        with self._lock:
            self._closing = True
            self._changed.notify_all()
            pieces = [piece for waiting in self._waiting.values() for piece in waiting]
        for piece in pieces if cancel else ():
            piece.future.cancel()
        self._executor.shutdown()

    def _take(self) -> None:
        """Do the piece whose turn it is."""
        with self._lock:
            while (moment := self._moment_to_linger()) > 0:
                self._changed.wait(moment)
            kind = self._turn()
            piece = self._waiting[kind].popleft()
            self._asking += kind is Precedence.QUESTION
        piece.do()
        if kind is Precedence.QUESTION:
            with self._lock:
                self._asking -= 1
                self._asked = monotonic()

    def _moment_to_linger(self) -> float:
        """How many seconds to wait for a question's next piece; one of any kind waits."""
        if self._waiting[Precedence.QUESTION] or self._closing or self._ahead >= self._share - 1:
            return 0.0
        return self._linger if self._asking else self._asked + self._linger - monotonic()

    def _turn(self) -> Precedence:
        """The kind whose piece is taken next; one of them waits."""
        urgent, patient = self._waiting[Precedence.QUESTION], self._waiting[Precedence.INDEXING]
        if urgent and not (patient and self._ahead >= self._share - 1):
            self._ahead = self._ahead + 1 if patient else 0
            return Precedence.QUESTION
        self._ahead = 0
        return Precedence.INDEXING
