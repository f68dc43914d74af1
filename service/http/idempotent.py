"""Writes with an `Idempotency-Key`: sent again, they are not made again; plain ASGI."""

import logging
import re
from hashlib import sha256

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from index.errors import PinciteError
from service.errors import Conflict
from service.host.idempotency import Idempotency, KeptReply
from service.http.access import principal, server_of
from service.http.problems import of_error, problem

PATTERN = r"[!-~]{1,255}"

# What is kept; not keys, whose secrets are not to be kept, and not the page's own forms.
_KEPT = re.compile(r"POST /v1/(?:documents|collections|feedback)|DELETE /v1/[^/]+/.+", re.DOTALL)

# A reply with a larger body is not kept.
_MOST_BYTES = 128 * 1024

_REUSED = "The Idempotency-Key was sent with another request"
_REPLAYED = (b"idempotent-replayed", b"true")

log = logging.getLogger(__name__)


def keeps_replies(method: str, path: str) -> bool:
    """Whether the replies to such requests are kept, if they name an `Idempotency-Key`."""
    return _KEPT.fullmatch(f"{method.upper()} {path}") is not None


class Fingerprint:
    """What a request is told by: its method, its address and its body, as it comes in.

    A form's boundary, which programs make anew each time, does not count.
    """

    def __init__(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        kind, options = parse_options_header(headers.get("content-type", "").encode("latin-1"))
        self._boundary = options.get(b"boundary", b"") if kind == b"multipart/form-data" else b""
        self._digest = sha256()
        self._held = b""
        for part in (
            scope["method"].encode(),
            scope["path"].encode("utf-8", "surrogatepass"),
            scope["query_string"],
            kind,
        ):
            self._digest.update(len(part).to_bytes(8, "big") + part)

    def add(self, part: bytes) -> None:
        """Take in a part of the body."""
        if not self._boundary:
            self._digest.update(part)
            return
        *whole, rest = (self._held + part).split(self._boundary)
        for piece in whole:
            self._digest.update(piece + b"\0")
        # The boundary may have begun at the end.
        settled = max(0, len(rest) - len(self._boundary) + 1)
        self._digest.update(rest[:settled])
        self._held = rest[settled:]

    def value(self) -> str:
        """The digest of all that was taken in."""
        digest = self._digest.copy()
        digest.update(self._held)
        return digest.hexdigest()


class Attempt:
    """A write that came with an idempotency key, as it is being answered."""

    def __init__(self, who: str, token: str, scope: Scope) -> None:
        self.who, self.token = who, token
        self.fingerprint = Fingerprint(scope)

    @property
    def name(self) -> str:
        """A name for what it makes; equal attempts, also after a crash, have equal names."""
        parts = (self.who, self.token, self.fingerprint.value())
        return sha256("\n".join(parts).encode()).hexdigest()[:16]


def attempt_of(request: Request) -> Attempt | None:
    """The attempt that a request is, if it came with an idempotency key."""
    found = getattr(request.state, "attempt", None)
    return found if isinstance(found, Attempt) else None


class Idempotent:
    """Keeps the replies to writes that name an `Idempotency-Key`, and gives them again.

    Only what succeeded is kept: what was refused changed nothing, and may be tried again.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        token = Headers(scope=scope).get("idempotency-key") if scope["type"] == "http" else None
        if token is None or not keeps_replies(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        if not re.fullmatch(PATTERN, token):
            detail = "An Idempotency-Key has 1 to 255 visible ASCII characters."
            await problem(scope, 422, detail)(scope, receive, send)
            return
        request = Request(scope)
        writes = server_of(request).idempotency
        # Who asks was found out before: `KeyFirst` stands around this.
        attempt = Attempt(principal(request).key_id or "", token, scope)
        scope["state"]["attempt"] = attempt
        try:
            with writes.alone(attempt.who, token):
                kept = await run_in_threadpool(writes.find, attempt.who, token)
                if kept is None:
                    await self._first(attempt, writes, scope, receive, send)
                else:
                    await _again(attempt, kept, scope, receive, send)
        except Conflict as error:
            # What handlers raise is answered within, so it is the key that is in use.
            await of_error(scope, error)(scope, receive, send)

    async def _first(
        self,
        attempt: Attempt,
        writes: Idempotency,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Have a request answered, and keep the reply before it is sent."""
        body = _Body(attempt.fingerprint, receive)
        start: Message = {}
        held = bytearray()
        passing = False

        async def hold(message: Message) -> None:
            nonlocal start, passing
            if passing:
                await send(message)
            elif message["type"] == "http.response.start":
                start = message
            elif message["type"] == "http.response.body":
                held.extend(message.get("body", b""))
                over = not message.get("more_body", False)
                if not over and len(held) <= _MOST_BYTES:
                    return
                if over and 200 <= start["status"] < 300 and len(held) <= _MOST_BYTES:
                    await _keep(attempt, writes, body, start, bytes(held))
                passing = True
                await send(start)
                await send({**message, "body": bytes(held)})

        await self._app(scope, body.receive, hold)


async def _keep(
    attempt: Attempt, writes: Idempotency, body: "_Body", start: Message, reply: bytes
) -> None:
    if not await body.to_the_end():
        return
    headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]
    ]
    kept = KeptReply(attempt.fingerprint.value(), start["status"], headers, reply)
    try:
        await run_in_threadpool(writes.keep, attempt.who, attempt.token, kept)
    except PinciteError as error:
        # The write is made, and must be told of.
        log.error("a reply could not be kept for its Idempotency-Key: %s", error)


async def _again(
    attempt: Attempt, kept: KeptReply, scope: Scope, receive: Receive, send: Send
) -> None:
    """Give the reply that was kept, if the request is the same."""
    body = _Body(attempt.fingerprint, receive)
    whole = await body.to_the_end()
    if not whole or attempt.fingerprint.value() != kept.request:
        detail = "This Idempotency-Key was used before; choose another for each write."
        answer = problem(scope, 422, detail, kind="idempotency-key-reused", title=_REUSED)
        await answer(scope, receive, send)
        return
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept.headers]
    await send(
        {
            "type": "http.response.start",
            "status": kept.status,
            "headers": [*headers, _REPLAYED],
        }
    )
    await send({"type": "http.response.body", "body": kept.body})


class _Body:
    """A request's body as it is received, which its fingerprint takes in."""

    def __init__(self, fingerprint: Fingerprint, receive: Receive) -> None:
        self._fingerprint = fingerprint
        self._receive = receive
        self._ended = False

    async def receive(self) -> Message:
        """The next message."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._fingerprint.add(message.get("body", b""))
            self._ended = not message.get("more_body", False)
        return message

    async def to_the_end(self) -> bool:
        """Receive what is left; whether all of it came, and was not too much."""
        try:
            while not self._ended:
                message = await self.receive()
                if message["type"] == "http.disconnect":
                    return False
        except HTTPException:
            return False
        return True
