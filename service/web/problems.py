"""Problems as pages, for people who come with a browser; plain ASGI."""

import gzip
import json
from html import escape
from urllib.parse import urlencode

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.problems import MEDIA_TYPE
from service.web.templating import HEADERS, page

# Of a problem's headers, what a page about it says too.
_KEPT = ("retry-after", "x-request-id", "allow")

_PROGRAMS = ("/v1/", "/mcp", "/metrics", "/healthz", "/readyz", "/openapi.json")


class ProblemPages:
    """Gives a page for each problem that goes to a browser's window, whoever answers with it.

    Where a key is needed, it leads to where one signs in.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not _is_for_a_window(scope):
            await self._app(scope, receive, send)
            return
        begun: Message | None = None
        body = b""

        async def turned(message: Message) -> None:
            nonlocal begun, body
            if message["type"] == "http.response.start" and _is_problem(message):
                begun = message
            elif begun is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    await _page(scope, begun, body)(scope, receive, send)

        await self._app(scope, receive, turned)


def _is_for_a_window(scope: Scope) -> bool:
    """Whether a browser means to show what it is answered, by itself, to a person."""
    return scope["method"] != "HEAD" and "text/html" in Headers(scope=scope).get("accept", "")


def _is_problem(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type", "").startswith(MEDIA_TYPE)


def _page(scope: Scope, begun: Message, body: bytes) -> Response:
    headers = Headers(raw=begun["headers"])
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    problem = json.loads(body)
    if begun["status"] == 401 and not scope["path"].startswith(_PROGRAMS):
        return _to_sign_in(scope)
    kept = {name: headers[name] for name in _KEPT if name in headers}
    nowhere = begun["status"] == 404 and problem["type"] == "about:blank"
    values = {
        "title": problem["title"],
        "detail": "There is no page at this address." if nowhere else problem["detail"],
        "wait": headers.get("retry-after"),
        "request_id": problem["request_id"],
        "again": _address(scope) if scope["method"] == "GET" else None,
    }
    return page("problem.html", None, "", values, status=begun["status"], headers=kept)


def _to_sign_in(scope: Scope) -> Response:
    """Where one signs in, to be led back from there."""
    here = _address(scope) if scope["method"] == "GET" else "/"
    if Headers(scope=scope).get("sec-fetch-site") == "cross-site" and scope["method"] == "GET":
        # A browser that follows a link from another site leaves the session's cookie out. Once it
        # is here, it sends it.
        refresh = f'<meta http-equiv="refresh" content="0; url={escape(here)}">'
        text = f'<!doctype html><html lang="en"><title>Pincite</title>{refresh}'
        return HTMLResponse(text, 200, HEADERS)
    return RedirectResponse(f"/login?{urlencode({'next': here})}", 303, HEADERS)


def _address(scope: Scope) -> str:
    query = scope["query_string"].decode("ascii", "replace")
    path = scope["raw_path"].decode("ascii", "replace").partition("?")[0]
    return f"{path}?{query}" if query else path
