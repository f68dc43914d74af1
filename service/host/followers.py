"""Who follows jobs: each hears when something about the job changes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service.errors import Overloaded

# Who may follow jobs at once.
_MOST = 256


class Followers:
    """Those who follow the jobs of a server. Safe to use from several threads."""

    def __init__(self) -> None:
        self._by_job: dict[str, set[Callable[[], None]]] = {}
        # Never held while waiting, since the event loop takes it.
        self._lock = threading.Lock()

    @contextmanager
    def join(self, job_id: str, notify: Callable[[], None]) -> Iterator[None]:
        """Have `notify` called whenever something about a job changes, and when the server stops.

        It is called from other threads, and must not wait.

        Raises:
            Overloaded: as many follow jobs as may.
        """
        with self._lock:
            if sum(map(len, self._by_job.values())) >= _MOST:
                raise Overloaded("too many follow jobs at once; ask for the job instead", 5.0)
            self._by_job.setdefault(job_id, set()).add(notify)
        try:
            yield
        finally:
            with self._lock:
                self._by_job[job_id].discard(notify)
                if not self._by_job[job_id]:
                    del self._by_job[job_id]

    def tell(self, job_id: str) -> None:
        """Let those who follow a job know that something about it has changed."""
        with self._lock:
            followers = list(self._by_job.get(job_id, ()))
        for notify in followers:
            notify()

    def tell_all(self) -> None:
        """Let all who follow jobs know that something has changed."""
        with self._lock:
            followed = list(self._by_job)
        for job_id in followed:
            self.tell(job_id)
