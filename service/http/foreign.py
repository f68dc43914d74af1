"""Turns away what the pages of other sites make a browser send here; plain ASGI."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.host.names import is_known
from service.http.origins import is_foreign
from service.http.problems import problem


class Foreign:
    """Answers requests by our own names only, and none that a page of another site made.

    `names` are those the server goes by; addresses are always good. A name that an attacker points
    at this machine (DNS rebinding) shows in `Host`; a page of another site in `Origin` or
    `Sec-Fetch-Site`.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if not is_known(headers.get("host", ""), self._names):
                detail = (
                    "This service does not go by that name; use its address, or add the name to "
                    "allowed_hosts in its settings."
                )
                await problem(scope, 421, detail)(scope, receive, send)
                return
            if is_foreign(scope["method"], headers):
                detail = "Pages of other sites may link here, and nothing else."
                await problem(scope, 403, detail)(scope, receive, send)
                return
        await self._app(scope, receive, send)
