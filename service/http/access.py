"""Who asks, what they may do, and the collection they mean."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.requests import HTTPConnection
from starlette.responses import Response

from service.errors import Forbidden, TooManyRequests, Unauthorized
from service.host.collections import DEFAULT, Collection, unknown
from service.host.keys import Key, Scope, is_well_formed
from service.host.rates import peer_of, require
from service.host.server import Server
from service.http.origins import SAFE_METHODS, is_ours
from service.observing.audit import audit


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `key_id` is None where no keys are asked for; `collections` None opens all.

    `per_minute` is how many requests the key may make in a minute, None for the server's default.
    """

    key_id: str | None
    name: str
    scope: Scope
    collections: frozenset[str] | None = None
    per_minute: int | None = None

    def opens(self, collection: str) -> bool:
        """Whether a collection of this name may be used, if there is one."""
        return self.collections is None or collection in self.collections

    def require(self, scope: Scope) -> None:
        """Make sure that the scope is enough.

        Raises:
            Forbidden: it is not.
        """
        if not self.scope.includes(scope):
            raise Forbidden(
                f"the key {self.name!r} may {self.scope}, and this needs one that may {scope}"
            )

    def require_all(self) -> None:
        """Make sure that the key opens every collection, as what is about the server needs.

        Raises:
            Forbidden: it does not.
        """
        if self.collections is not None:
            raise Forbidden(
                f"the key {self.name!r} is bound to collections, and this needs one that is not"
            )


ANYONE = Principal(None, "anyone", Scope.ADMIN)
_NOBODY = Principal(None, "nobody", Scope.READ, frozenset())

# So many keys that open nothing are answered, and told of, from one address. This keeps the trail
# readable; that no key is guessed is for its 256 bits to see to. Good keys are not held up, so that
# nobody can lock out others who come from the same address.
_FAILURES_PER_MINUTE = 30

_MISTYPED = (
    "this is not a whole key: it is mistyped or cut off; a key looks like pincite_0123456789ab_... "
    "and is copied as it was shown"
)
_OPENS_NOTHING = (
    "the key opens nothing: it is not known here, has been revoked, or has expired; make another: "
    "pincite keys create NAME"
)


@dataclass(frozen=True, slots=True)
class Access:
    """A request that may use a collection."""

    principal: Principal
    collection: Collection
    server: Server


def server_of(request: HTTPConnection) -> Server:
    """The server that answers a request."""
    server = request.app.state.server
    assert isinstance(server, Server)  # noqa: S101 - for mypy; create_app puts it there
    return server


def authenticate(server: Server, request: HTTPConnection) -> Principal:
    """Who asks, by the key that came with the request, or else by the page's session.

    Raises:
        Unauthorized: a key is needed and there is none, or one that opens nothing.
        TooManyRequests: so many of those have come from this address, or the key has asked as often
            as it may.
        Forbidden: a session would change something, and the request is not from our own page.
    """
    if server.is_open:
        return ANYONE
    presented = _presented(request)
    if presented is not None:
        return _counted(server, request, _key(server, request, presented))
    token = request.cookies.get(cookie_name(request))
    key = None if token is None else server.sessions.key(token)
    if key is None:
        raise Unauthorized(
            "a key is needed; send it as Authorization: Bearer KEY, or make one: pincite keys "
            "create NAME"
        )
    if request.scope.get("method", "GET") not in SAFE_METHODS:
        require_own_page(request)
    return _counted(server, request, key)


def _counted(server: Server, request: HTTPConnection, key: Key) -> Principal:
    """Take one request from what the key may make; what is left is told in the response."""
    per_minute = key.per_minute or server.settings.requests_per_minute
    if per_minute is not None:
        allowance = server.rates.take(key.id, per_minute)
        request.state.allowance = allowance
        require(allowance, f"the key {key.name!r}")
    return _principal(key)


def require_own_page(request: HTTPConnection) -> None:
    """Make sure that a browser says that one of our own pages sent the request.

    Raises:
        Forbidden: it does not.
    """
    if not is_ours(request.headers):
        raise Forbidden(
            "with a session, only this server's own pages may change anything; a program sends "
            "its key instead: Authorization: Bearer KEY"
        )


def sign_in(request: HTTPConnection, response: Response, presented: str) -> Principal:
    """Open a session for a key: the response sets its cookie. A session there was ends.

    Raises:
        Unauthorized: the key opens nothing.
        TooManyRequests: so many of those have come from this address.
        Forbidden: the request is not from our own page.
    """
    require_own_page(request)
    server = server_of(request)
    key = _key(server, request, presented.strip())
    _close_session(server, request)
    _set_cookie(request, response, server.sessions.open(key), None)
    entered = _principal(key)
    audit("session.open", entered, None)
    return entered


def sign_out(request: HTTPConnection, response: Response) -> None:
    """End the session of a request, if there is one; the response takes its cookie away.

    Raises:
        Forbidden: the request is not from our own page.
    """
    require_own_page(request)
    _close_session(server_of(request), request)
    _set_cookie(request, response, "", 0)


def cookie_name(request: HTTPConnection) -> str:
    """The name of the session's cookie.

    With the prefix, a browser takes it only over https and from this very host, so that no other
    host of the domain can plant one.
    """
    return "__Host-pincite_session" if _is_secure(request) else "pincite_session"


def _set_cookie(
    request: HTTPConnection, response: Response, token: str, max_age: int | None
) -> None:
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=max_age,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )


def _is_secure(request: HTTPConnection) -> bool:
    return request.scope.get("scheme") in ("https", "wss")


def _close_session(server: Server, request: HTTPConnection) -> None:
    token = request.cookies.get(cookie_name(request))
    if token is not None:
        server.sessions.close(token)


def _presented(request: HTTPConnection) -> str | None:
    """The key that a request carries; the session does not count then, whatever the key opens."""
    kind, _, presented = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return presented.strip()
    own = request.headers.get("x-api-key")
    return None if own is None else own.strip()


def _key(server: Server, request: HTTPConnection, presented: str) -> Key:
    whole = is_well_formed(presented)
    key = server.keys.find(presented) if whole else None
    if key is not None:
        return key
    peer = peer_of(None if request.client is None else request.client.host)
    allowance = server.failures.take(peer, _FAILURES_PER_MINUTE)
    if allowance.retry_after is not None:
        raise TooManyRequests(
            "too many keys that open nothing have come from this address; try again in "
            f"{math.ceil(allowance.retry_after)} s",
            allowance.retry_after,
        )
    shown_id = presented.split("_")[1] if whole else None
    audit("key.use", _NOBODY, None, outcome="refused", presented=shown_id, peer=peer)
    raise Unauthorized(_OPENS_NOTHING if whole else _MISTYPED)


def _principal(key: Key) -> Principal:
    return Principal(key.id, key.name, key.scope, key.collections, key.per_minute)


def principal(request: Request) -> Principal:
    """Who asks; kept with the request, so that it is found out once."""
    found = getattr(request.state, "principal", None)
    if not isinstance(found, Principal):
        found = authenticate(server_of(request), request)
        request.state.principal = found
    return found


Asking = Annotated[Principal, Depends(principal)]

Named = Annotated[
    str,
    Query(
        alias="collection",
        description="The collection to use.",
        max_length=63,
        examples=[DEFAULT],
    ),
]


class Needs:
    """A dependency that gives access to the collection named, to whoever has a scope."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, request: Request, asking: Asking, name: Named = DEFAULT) -> Iterator[Access]:
        """The collection, which stays open for the request.

        Raises:
            Forbidden: the scope is not enough.
            UnknownCollection: there is none of this name, or the key does not open it.
        """
        server = server_of(request)
        asking.require(self._scope)
        if not asking.opens(name):
            raise unknown(name)
        with server.collections.use(name) as collection:
            request.state.collection = name
            yield Access(asking, collection, server)


ReadAccess = Annotated[Access, Depends(Needs(Scope.READ))]
WriteAccess = Annotated[Access, Depends(Needs(Scope.WRITE))]


# Neither waits for anything; what is not async would take a thread of the pool for each request.
async def _admin(asking: Asking) -> Principal:
    asking.require(Scope.ADMIN)
    return asking


async def _serving(request: Request) -> Server:
    return server_of(request)


AdminAccess = Annotated[Principal, Depends(_admin)]
Serving = Annotated[Server, Depends(_serving)]
