"""Responses as they travel: compressed, and without a body for HEAD; plain ASGI."""

import re

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.conditional import compressed_tag
from service.http.outgoing import with_headers

# Below, a response is sent as it is: compressing it would cost more than it saves.
_LEAST = 1024
# Files are sent as they are, so that their length is known and parts of them can be had.
_ORIGINAL = re.compile(r"/v1/documents/[^/]+/original")

# Higher levels take several times as long for a few percent.
_LEVEL = 5


class Compressed:
    """Compresses responses with gzip for clients that take it; streams of events are left alone.

    Compression tells the length of a secret to whoever can put text of his own beside it and see
    the size of what comes (BREACH). Nobody from elsewhere can make a browser send a question here
    with someone's key or session: keys are in a header, and the session's cookie is SameSite. And
    no response holds a secret beside what was sent, but for a key that is shown once.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._as_it_is = app
        self._app = GZipMiddleware(app, minimum_size=_LEAST, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or _ORIGINAL.fullmatch(scope["path"]):
            await self._as_it_is(scope, receive, send)
            return

        def tag(headers: MutableHeaders) -> None:
            if headers.get("content-encoding") == "gzip" and "etag" in headers:
                headers["ETag"] = compressed_tag(headers["etag"])

        await self._app(scope, receive, with_headers(send, tag))


class HeadAsGet:
    """Answers HEAD as it would GET, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        ended = False

        async def without_body(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                await send(message)
            elif not ended:
                ended = True
                await send({"type": "http.response.body", "body": b""})
            else:
                # Who still speaks, such as a stream of events, may stop.
                raise OSError("nobody listens to the body of a response to HEAD")

        inner = {**scope, "method": "GET"}
        try:
            await self._app(inner, receive, without_body)
        except (OSError, ClientDisconnect):
            if not ended:
                raise
        finally:
            # What was found out on the way, such as the route, is of use to those around.
            scope.update({**inner, "method": "HEAD"})
