"""Slow clients, clients that vanish, too many of them: over real sockets on loopback."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from loopback import Loopback, serving, until
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from service.http.connections import Patience
from service.http.middleware import BodyPatience

# They wait for what does not come.
pytestmark = pytest.mark.slow

HEAD = b"GET /quick HTTP/1.1\r\nHost: x\r\n"
QUICK = Patience(most=20, head=0.5, idle=1, unread=0.5)
PATIENT = Patience(most=20, head=60, idle=60, unread=60)


@dataclass
class Seen:
    """What the handlers took note of, and what lets the long one end."""

    noted: list[str] = field(default_factory=list)
    may_end: threading.Event = field(default_factory=threading.Event)


def app_of(seen: Seen) -> Starlette:
    def quick(_: Request) -> PlainTextResponse:
        return PlainTextResponse("quick")

    def long(_: Request) -> PlainTextResponse:
        seen.noted.append("began")
        assert seen.may_end.wait(30)
        return PlainTextResponse("done")

    async def body(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    async def endless(_: Request) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield bytes(2**16)
                    await asyncio.sleep(0)
            finally:
                seen.noted.append("stream ended")

        return StreamingResponse(pieces())

    app = Starlette(
        routes=[
            Route("/quick", quick),
            Route("/long", long),
            Route("/body", body, methods=["POST"]),
            Route("/endless", endless),
        ]
    )
    app.add_middleware(BodyPatience, pause=0.5, whole=2.0)
    return app


@contextmanager
def running(patience: Patience, drain_seconds: int = 20) -> Iterator[tuple[Loopback, Seen]]:
    seen = Seen()

    def stopping() -> None:
        seen.noted.append("stopping")

    with serving(app_of(seen), patience, drain_seconds, stopping) as server:
        try:
            yield server, seen
        finally:
            seen.may_end.set()


def answered(connection: socket.socket, request: bytes) -> bytes:
    """What comes back, up to the end of the text."""
    connection.sendall(request)
    found = b""
    while not found.endswith(b"quick"):
        piece = connection.recv(1000)
        assert piece, found
        found += piece
    return found


def is_closed(connection: socket.socket) -> bool:
    """Wait for the other side to close a connection."""
    try:
        while connection.recv(2**16):
            pass
    except ConnectionError:
        return True
    return True


def test_half_open_connections_stop_nobody_and_are_closed() -> None:
    with running(QUICK) as (server, _), ExitStack() as stack:
        many = [stack.enter_context(server.connect()) for _ in range(150)]
        for number, connection in enumerate(many):
            if number % 2:
                try:
                    connection.sendall(HEAD)
                except ConnectionError:
                    assert number < 130, "the latest are still there"
        assert server.get("/quick").text == "quick"
        assert all(is_closed(connection) for connection in many)


def test_too_many_connections_cost_the_oldest_that_wait() -> None:
    with running(PATIENT) as (server, seen), ExitStack() as stack:
        working = stack.enter_context(server.connect())
        working.sendall(HEAD.replace(b"quick", b"long") + b"\r\n")
        until(lambda: seen.noted == ["began"])
        many = [stack.enter_context(server.connect()) for _ in range(25)]
        assert [is_closed(connection) for connection in many[:6]] == [True] * 6
        assert answered(many[-1], HEAD + b"\r\n").startswith(b"HTTP/1.1 200")
        seen.may_end.set()
        assert working.recv(100).startswith(b"HTTP/1.1 200"), "what is at work is left alone"


def test_a_connection_is_kept_between_requests_but_not_while_one_dribbles() -> None:
    patience = Patience(most=20, head=0.5, idle=60, unread=60)
    with running(patience) as (server, _), server.connect() as connection:
        for _ in range(3):
            assert answered(connection, HEAD + b"\r\n").startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        connection.sendall(HEAD)
        assert is_closed(connection)
        assert 0.3 < time.monotonic() - began < 20


def test_an_idle_connection_is_closed() -> None:
    with running(QUICK) as (server, _), server.connect() as connection:
        answered(connection, HEAD + b"\r\n")
        assert is_closed(connection)


def test_a_client_that_does_not_read_is_let_go() -> None:
    with running(QUICK) as (server, seen), server.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(HEAD.replace(b"quick", b"endless") + b"\r\n")
        until(lambda: seen.noted == ["stream ended"])


def test_a_client_that_reads_slowly_is_served() -> None:
    with running(QUICK) as (server, seen), server.connect() as connection:
        connection.sendall(HEAD.replace(b"quick", b"endless") + b"\r\n")
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            assert connection.recv(2**20)
            time.sleep(0.01)
        assert seen.noted == []


@pytest.mark.parametrize(
    ("pieces", "told"),
    [(1, "Nothing more of the request's body came for 0.5 s."), (10, "not there after 2 s.")],
)
def test_a_body_that_does_not_come_is_not_waited_for(pieces: int, told: str) -> None:
    with running(PATIENT) as (server, _), server.connect() as connection:
        connection.sendall(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
        answered = bytearray()
        connection.settimeout(0.3)
        for _ in range(pieces):
            connection.sendall(b"x")
            try:
                answered += connection.recv(1000)
                break
            except TimeoutError:
                continue
        connection.settimeout(20)
        while data := connection.recv(1000):
            answered += data
        head, _, body = answered.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in head.lower()
        assert told in body.decode()


def test_a_body_that_comes_in_time_is_taken() -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(5):
            yield b"x" * 100
            time.sleep(0.05)

    with running(PATIENT) as (server, _):
        found = httpx.post(server.address + "/body", content=pieces(), timeout=30)
        assert found.text == "500"


def test_a_server_that_is_stopped_finishes_what_runs() -> None:
    with running(PATIENT) as (server, seen):
        replies: list[str] = []
        asking = threading.Thread(target=lambda: replies.append(server.get("/long").text))
        asking.start()
        until(lambda: seen.noted == ["began"])
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        until(lambda: seen.noted == ["began", "stopping"])
        with pytest.raises(httpx.TransportError):
            server.get("/quick")
        seen.may_end.set()
        asking.join()
        stopping.join()
        assert replies == ["done"]


def test_a_server_that_is_stopped_does_not_wait_for_ever() -> None:
    with running(PATIENT, drain_seconds=1) as (server, seen), server.connect() as connection:
        connection.sendall(HEAD.replace(b"quick", b"endless") + b"\r\n")
        assert connection.recv(100)
        server.stop()
        assert "stream ended" in seen.noted
