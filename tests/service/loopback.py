"""A server on loopback, in a thread of this process."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from service.http.connections import Patience, server

DEFAULT = Patience()


@dataclass
class Loopback:
    """Where it listens; `stop` tells it to stop and waits until it has."""

    port: int
    stop: Callable[[], None]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        found = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.address + path, timeout=30)


@contextmanager
def serving(
    app: Any,
    patience: Patience = DEFAULT,
    drain_seconds: int = 20,
    stopping: Callable[[], None] = lambda: None,
) -> Iterator[Loopback]:
    """Serve an app while the block runs."""
    found = server(app, drain_seconds=drain_seconds, stopping=stopping, patience=patience)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        thread = threading.Thread(target=found.run, kwargs={"sockets": [listener]})
        thread.start()

        def stop() -> None:
            found.should_exit = True
            thread.join(30)
            assert not thread.is_alive()

        try:
            until(lambda: found.started or not thread.is_alive())
            yield Loopback(port, stop)
        finally:
            stop()


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)
