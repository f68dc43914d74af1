"""How the server holds connections: so many, each with so much time; and how it stops.

uvicorn waits without end for a request that is begun and not finished, and for a client that does
not read. Here such connections are closed, and the oldest of those that only wait give way when
there are too many, so that nobody is kept out by them.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from socket import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

# The longest request line with its headers, in bytes: a question may stand in the address.
_HEAD = 2**16


@dataclass(frozen=True, slots=True)
class Patience:
    """What a connection may cost: `most` of them, and seconds.

    `head` is how long a request may take until its headers are there, `idle` how long a connection
    is kept between requests, `unread` how long a client may leave what it is sent unread.
    """

    most: int = 512
    head: float = 10.0
    idle: float = 15.0
    unread: float = 30.0


def server(
    app: Any,
    *,
    drain_seconds: int,
    stopping: Callable[[], None] = lambda: None,
    patience: Patience = Patience(),
    **options: Any,
) -> uvicorn.Server:
    """A server for an app, with what may come over a network bounded.

    When it is told to stop, `stopping` is called, and what runs has `drain_seconds`. `options` are
    further ones of `uvicorn.Config`.
    """
    config = uvicorn.Config(
        app,
        http=bounded(patience),
        ws="none",
        lifespan="on",
        log_config=None,
        # A log of accesses would keep what people ask; the page's question stands in its address.
        access_log=False,
        server_header=False,
        timeout_keep_alive=int(patience.idle),
        timeout_graceful_shutdown=drain_seconds,
        h11_max_incomplete_event_size=_HEAD,
        **options,
    )
    return _Server(config, stopping)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Tell those who follow something that it ends; then as ever, but leave nothing open."""
        self._stopping()
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            if isinstance(connection, H11Protocol):
                connection.transport.abort()
        await asyncio.sleep(0)


def bounded(patience: Patience) -> type[H11Protocol]:
    """The protocol of one server's connections."""
    # Those that wait for the headers of a request, the one that has waited longest first.
    waiting: dict[H11Protocol, None] = {}

    class Bounded(H11Protocol):
        _head: asyncio.TimerHandle | None = None
        _unread: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._await_head()
            if len(self.connections) > patience.most:
                # At once, so that the next one that comes costs another one its place.
                oldest = next(iter(waiting))
                del waiting[oldest]
                oldest.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            self._stop_unread()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._stop_waiting()
            elif self._head is None:
                # The next request was begun, which has stopped uvicorn's own clock.
                self._await_head()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.cycle.response_complete and not self.transport.is_closing():
                waiting[self] = None

        def pause_writing(self) -> None:
            super().pause_writing()
            self._unread = self.loop.call_later(patience.unread, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            self._stop_unread()

        def _await_head(self) -> None:
            waiting[self] = None
            self._head = self.loop.call_later(patience.head, self.transport.abort)

        def _stop_waiting(self) -> None:
            waiting.pop(self, None)
            if self._head is not None:
                self._head.cancel()
                self._head = None

        def _stop_unread(self) -> None:
            if self._unread is not None:
                self._unread.cancel()
                self._unread = None

    return Bounded
