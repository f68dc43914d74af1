"""Work that may hold a thread for long, and so may not be done by many at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import Overloaded


class Room:
    """Lets `most` in at once; who comes beyond waits for `seconds` and is then refused."""

    def __init__(self, most: int, seconds: float) -> None:
        self._places = threading.BoundedSemaphore(most)
        self._seconds = seconds

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Be inside for the block.

        Raises:
            Overloaded: there is no room.
        """
        if not self._places.acquire(timeout=self._seconds):
            raise Overloaded("many others do the same just now; try again in a moment", 2.0)
        try:
            yield
        finally:
            self._places.release()
