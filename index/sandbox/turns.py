"""Whose turn it is: what somebody waits for comes before the rest, each kind in its own order."""

import threading
from collections import deque
from typing import Generic, TypeVar

_Task = TypeVar("_Task")


class Turns(Generic[_Task]):
    """Tasks that wait to be done; any thread may bring and take them."""

    def __init__(self) -> None:
        self._urgent: deque[_Task] = deque()
        self._others: deque[_Task] = deque()
        self._closed = False
        self._changed = threading.Condition()

    def put(self, task: _Task, *, urgent: bool) -> None:
        """Bring a task."""
        with self._changed:
            (self._urgent if urgent else self._others).append(task)
            # To all, since the one woken might take urgent ones only.
            self._changed.notify_all()

    def get(self, timeout: float | None = None, *, urgent: bool) -> _Task | None:
        """Take the next task, an urgent one where that is asked for; None when it is closed.

        Raises:
            TimeoutError: there was none for so many seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed or self._has(urgent), timeout):
                raise TimeoutError
            if self._closed:
                return None
            return (self._urgent or self._others).popleft()

    def _has(self, urgent: bool) -> bool:
        return bool(self._urgent or (self._others and not urgent))

    def close(self) -> list[_Task]:
        """Give out no more; returns what was still waiting."""
        with self._changed:
            left = [*self._urgent, *self._others]
            self._urgent.clear()
            self._others.clear()
            self._closed = True
            self._changed.notify_all()
        return left
