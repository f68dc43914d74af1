"""Keys over HTTP, for administrators."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse, Response

from service.bodies import key_body
from service.errors import Forbidden, UnknownKey
from service.host.collections import unknown
from service.host.keys import Scope
from service.host.server import Server
from service.http.access import AdminAccess, Principal, Serving
from service.http.openapi import problems
from service.observing.audit import audit
from service.schemas import KeyRequest, KeysBody, MadeKeyBody

router = APIRouter(prefix="/v1/keys", tags=["keys"])

KeyId = Annotated[str, Path(description="The key's id.", max_length=64, examples=["3f9a61c0d2b7"])]


@router.get("", summary="List the keys", responses=problems(401, 403))
def list_keys(principal: AdminAccess, server: Serving) -> KeysBody:
    """The keys, without the secrets, which nobody has any more.

    A key that is bound to collections sees those that open nothing beyond them.
    """
    return KeysBody(
        keys=[key_body(key) for key in server.keys.all() if within(principal, key.collections)]
    )


@router.post(
    "",
    summary="Make a key",
    status_code=201,
    response_model=MadeKeyBody,
    responses=problems(401, 403, 404, 413, 422),
)
def create_key(request: KeyRequest, principal: AdminAccess, server: Serving) -> Response:
    """Make a key, and show it this once.

    A key that is bound to collections makes keys for some of them only.
    """
    return JSONResponse(make_key(request, principal, server).model_dump(), 201)


def make_key(request: KeyRequest, principal: Principal, server: Server) -> MadeKeyBody:
    """A key that the principal may make; see `create_key`."""
    collections = None if request.collections is None else frozenset(request.collections)
    if collections is None and principal.collections is not None:
        raise Forbidden(
            f"the key {principal.name!r} is bound to collections; name those of them that the "
            "key shall open"
        )
    there = frozenset(server.collections.names())
    for name in sorted(collections or ()):
        if not principal.opens(name) or name not in there:
            raise unknown(name)
    key, whole = server.keys.create(
        request.name,
        Scope(request.scope),
        collections,
        per_minute=request.per_minute,
        expires_at=request.expires_at,
    )
    audit("key.create", principal, None, made=key.id, scope=key.scope.value)
    return MadeKeyBody(**key_body(key).model_dump(), key=whole)


@router.delete(
    "/{key_id}",
    summary="Revoke a key",
    status_code=204,
    response_class=Response,
    responses=problems(401, 403, 404),
)
def revoke_key(key_id: KeyId, principal: AdminAccess, server: Serving) -> None:
    """Let a key open nothing any more, at once, and with it its sessions. Twice is as good as once.

    The key stays in the list, so that what was done with it can be told.
    """
    if not any(
        key.id == key_id and within(principal, key.collections) for key in server.keys.all()
    ):
        raise UnknownKey(f"{key_id[:64]!r}: there is no key of this id that you can revoke")
    server.keys.revoke(key_id)
    audit("key.revoke", principal, None, revoked=key_id)


def within(principal: Principal, collections: frozenset[str] | None) -> bool:
    """Whether a key for these collections opens nothing that the principal's does not."""
    if principal.collections is None:
        return True
    # One that opens nothing any more may have been anyone's.
    return collections is not None and bool(collections) and collections <= principal.collections
