"""What happens to every request before and after its handler; plain ASGI, nothing is buffered."""

import logging
import re
import uuid
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import problem, unexpected

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

log = logging.getLogger(__name__)


class RequestIds:
    """Names each request, and answers for what no handler caught."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked_for = Headers(scope=scope).get("x-request-id", "")
        name = asked_for if _SAFE_ID.fullmatch(asked_for) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = name
        started = False

        async def named(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = name
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            await self._app(scope, receive, named)
        except Exception:
            log.exception("request %s: unexpected error", name)
            if started:
                raise
            await unexpected(scope)(scope, receive, named)


class KnownHosts:
    """Turns away requests that a web page of someone else's makes a browser send here.

    A name that an attacker points at 127.0.0.1 (DNS rebinding) shows in `Host`; a form that sends
    itself here from another site shows in `Origin`. With `hosts` None, every `Host` will do.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host = headers.get("host", "")
            if self._hosts is not None and _without_port(host) not in self._hosts:
                detail = "This service does not go by that name; use http://localhost."
                await problem(scope, 421, detail)(scope, receive, send)
                return
            origin = headers.get("origin")
            if (
                scope["method"] not in _SAFE_METHODS
                and origin is not None
                and urlsplit(origin).netloc.lower() != host.lower()
            ):
                detail = "Pages of other sites may not change anything here."
                await problem(scope, 403, detail)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _without_port(host: str) -> str:
    return re.sub(r":\d*$", "", host).lower()


class BodyLimit:
    """Stops reading a request's body once it is larger than its kind may be; sizes in bytes."""

    def __init__(self, app: ASGIApp, *, upload: int, other: int) -> None:
        self._app = app
        self._upload = upload
        self._other = other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_upload = headers.get("content-type", "").lower().startswith("multipart/")
        limit = self._upload if is_upload else self._other
        detail = f"The request is larger than the {limit / 2**20:.0f} MiB that are taken at once."
        declared = headers.get("content-length", "")
        if declared.isdigit() and (len(declared) > 18 or int(declared) > limit):
            await problem(scope, 413, detail)(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, detail)
            return message

        await self._app(scope, counted, send)
