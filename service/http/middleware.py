"""What happens to every request before and after its handler; plain ASGI, nothing is buffered."""

import asyncio
import logging
import re
import uuid

from fastapi.concurrency import run_in_threadpool
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from index.errors import PinciteError
from service.host.admission import ClientGone
from service.host.rates import Allowance
from service.http.access import principal
from service.http.origins import SAFE_METHODS
from service.http.outgoing import with_headers
from service.http.problems import of_error, problem, unexpected

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

# Nothing else can follow a request whose body was not read to its end.
_CLOSE = {"Connection": "close"}

# What is asked for to get a session, or to end one.
_WITHOUT_KEY = frozenset({"/login", "/logout"})

# Whoever has no key may send so many bytes.
_WITHOUT_KEY_LIMIT = 64 * 1024

# Where files are sent to.
_UPLOADS = frozenset({"/v1/documents", "/documents"})

# Parts of a form would be decoded by whatever codec of Python's it names: some take time that grows
# with the square of a part's length, some give what is no text.
_CHARSETS = frozenset({b"utf-8", b"utf8", b"us-ascii"})

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

        def named(headers: MutableHeaders) -> None:
            nonlocal started
            started = True
            headers["X-Request-ID"] = name

        answer = with_headers(send, named)
        try:
            await self._app(scope, receive, answer)
        except (ClientDisconnect, ClientGone):
            # Nobody is there to be answered.
            log.info("request %s: the client went away", name)
        except Exception:
            log.exception("request %s: unexpected error", name)
            if started:
                raise
            await unexpected(scope)(scope, receive, answer)


class KeyFirst:
    """Turns away whoever may do nothing here before his request's body is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if (
            scope["type"] == "http"
            and scope["method"] not in SAFE_METHODS
            and scope["path"] not in _WITHOUT_KEY
        ):
            try:
                await run_in_threadpool(principal, Request(scope))
            except PinciteError as error:
                response = of_error(scope, error)
                response.headers.update(_CLOSE)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


class BodyLimit:
    """Stops reading a request's body once it is larger than its kind may be; sizes in bytes.

    A form that is not read as UTF-8 is refused before anything of it is.
    """

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
        content_type = headers.get("content-type", "")
        is_form = content_type.strip().lower().startswith("multipart/")
        if is_form and not _is_utf_8(content_type):
            detail = "Forms are read as UTF-8; leave out charset."
            await problem(scope, 415, detail, headers=_CLOSE)(scope, receive, send)
            return
        limit = self._limit(scope["path"], is_form)
        size = f"{limit // 2**20} MiB" if limit >= 2**20 else f"{limit // 2**10} KiB"
        detail = f"The request is larger than the {size} that are taken at once."
        declared = headers.get("content-length", "")
        if declared.isdigit() and (len(declared) > 18 or int(declared) > limit):
            await problem(scope, 413, detail, headers=_CLOSE)(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, detail, _CLOSE)
            return message

        await self._app(scope, counted, send)

    def _limit(self, path: str, is_form: bool) -> int:
        if path in _WITHOUT_KEY:
            return min(_WITHOUT_KEY_LIMIT, self._other)
        return self._upload if is_form and path in _UPLOADS else self._other


def _is_utf_8(content_type: str) -> bool:
    _, parameters = parse_options_header(content_type)
    return parameters.get(b"charset", b"utf-8").lower() in _CHARSETS


class BodyPatience:
    """Stops waiting for a request's body.

    `pause` is the longest time between two pieces of it, `whole` that until it is there; seconds.
    """

    def __init__(self, app: ASGIApp, *, pause: float, whole: float) -> None:
        self._app = app
        self._pause = pause
        self._whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._whole
        arrived = False

        async def timely() -> Message:
            nonlocal arrived
            if arrived:
                return await receive()
            try:
                async with asyncio.timeout_at(min(deadline, loop.time() + self._pause)):
                    message = await receive()
            except TimeoutError:
                late = loop.time() >= deadline
                raise HTTPException(
                    408,
                    f"The request's body was not there after {self._whole:g} s."
                    if late
                    else f"Nothing more of the request's body came for {self._pause:g} s.",
                    _CLOSE,
                ) from None
            arrived = not message.get("more_body", False)
            return message

        await self._app(scope, timely, send)


class RateHeaders:
    """Tells whoever asks with a key how many more requests it may make.

    Whatever counts requests leaves an `Allowance` in the request's state, as `allowance`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        def tell(headers: MutableHeaders) -> None:
            allowance = scope.get("state", {}).get("allowance")
            if isinstance(allowance, Allowance):
                headers.update(allowance.headers())

        await self._app(scope, receive, with_headers(send, tell))
