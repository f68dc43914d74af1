"""The protocol over HTTP (streamable HTTP), with the keys of the HTTP API."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from service.engine import Engine
from service.host.collections import unknown
from service.host.keys import Scope as KeyScope
from service.host.server import Server
from service.http.access import Principal, principal
from service.mcp.protocol import Context, protocol_server

PATH = "/mcp"

# Questions and their options; the SDK's own limit is 4 MiB.
_LARGEST = 256 * 2**10

_DESK = "mcp_desk"


class PrincipalDesk:
    """The collections of a server that a key opens."""

    def __init__(self, server: Server, principal: Principal, state: dict[str, Any]) -> None:
        """Take who asks, and the state of their request."""
        self._server = server
        self._principal = principal
        self._state = state

    def names(self) -> Sequence[str]:
        """See `Desk.names`."""
        return [name for name in self._server.collections.names() if self._principal.opens(name)]

    @contextmanager
    def use(self, name: str) -> Iterator[Engine]:
        """See `Desk.use`."""
        if not self._principal.opens(name):
            raise unknown(name)
        with self._server.collections.use(name) as collection:
            self._state["collection"] = name
            yield collection.engine

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """See `Desk.turn`."""
        async with self._server.admission.slot(self._principal.key_id):
            yield


class McpEndpoint:
    """The endpoint, an ASGI application for `PATH`; `running` must be entered around its use.

    Each request stands alone: its key is looked at anew, and no session is kept.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._route = Route(PATH, endpoint=self, include_in_schema=False)
        self._sessions = StreamableHTTPSessionManager(
            protocol_server(_desk_of),
            json_response=True,
            stateless=True,
            # Hosts and origins are checked for all of the service, before this.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=_LARGEST,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer requests for the block; once only."""
        async with self._sessions.run():
            yield

    @property
    def route(self) -> Route:
        """The route to add to the service."""
        return self._route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            Unauthorized, Forbidden, TooManyRequests: the key does not open this, or not now.
            HTTPException: it is no POST; there is no stream to listen to.
        """
        # By which the request is logged and counted.
        scope["route"] = self._route
        if scope["method"] != "POST":
            raise HTTPException(405, "Send messages by POST.", {"Allow": "POST"})
        asking = await run_in_threadpool(principal, Request(scope))
        asking.require(KeyScope.READ)
        state = scope["state"]
        state[_DESK] = PrincipalDesk(self._server, asking, state)
        await self._sessions.asgi_app(scope, receive, send)


def _desk_of(context: Context) -> PrincipalDesk:
    request = context.request
    assert isinstance(request, Request)  # noqa: S101 - for mypy; here it always is one
    desk = request.scope["state"][_DESK]
    assert isinstance(desk, PrincipalDesk)  # noqa: S101 - for mypy; the endpoint puts it there
    return desk
