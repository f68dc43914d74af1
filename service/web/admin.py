"""The page of whoever looks after the server: collections, keys, health."""

import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response

from index.errors import PinciteError
from service import __version__
from service.host.collections import DEFAULT
from service.host.server import Server
from service.http import collections, keys
from service.http.access import AdminAccess, Principal, Serving
from service.http.problems import field_errors
from service.observing.readiness import readiness
from service.schemas import CollectionRequest, KeyRequest, MadeKeyBody
from service.text import counted, size_of
from service.web import addresses
from service.web.forms import made_of
from service.web.frame import frame
from service.web.notices import Notice, notice_of
from service.web.templating import page

_SAID = {
    "made": "The collection is made.",
    "removed": "The collection is deleted.",
    "revoked": "The key is revoked.",
}

router = APIRouter(prefix="/admin", include_in_schema=False)


@router.get("")
def admin(
    principal: AdminAccess, server: Serving, said: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """Collections, keys and health."""
    return _page(principal, server, said=_SAID.get(said, ""))


@router.post("/collections")
def make_collection(
    principal: AdminAccess, server: Serving, name: Annotated[str, Form()] = ""
) -> Response:
    """Make an empty collection."""
    try:
        request = made_of(CollectionRequest, name=name)
        collections.create_collection(request, principal, server, Response())
    except (PinciteError, RequestValidationError) as error:
        return _refused(principal, server, error)
    return _back("made")


@router.post("/collections/{name}/remove")
def remove_collection(name: collections.Name, principal: AdminAccess, server: Serving) -> Response:
    """Delete a collection with all that is in it."""
    try:
        collections.remove_collection(name, principal, server)
    except PinciteError as error:
        return _refused(principal, server, error)
    return _back("removed")


@router.post("/keys")
def make_key(
    principal: AdminAccess,
    server: Serving,
    name: Annotated[str, Form()] = "",
    scope: Annotated[str, Form()] = "read",
    collection: Annotated[Sequence[str], Form()] = (),
    days: Annotated[Literal["", "7", "30", "90", "365"], Form()] = "",
) -> Response:
    """Make a key, and show it this once."""
    expires = datetime.now(UTC) + timedelta(days=int(days)) if days else None
    try:
        request = made_of(
            KeyRequest,
            name=name.strip(),
            scope=scope,
            collections=list(collection) or None,
            expires_at=expires,
        )
        made = keys.make_key(request, principal, server)
    except (PinciteError, RequestValidationError) as error:
        return _refused(principal, server, error)
    return _page(principal, server, made=made, status=201)


@router.post("/keys/{key_id}/revoke")
def revoke_key(key_id: keys.KeyId, principal: AdminAccess, server: Serving) -> Response:
    """Let a key open nothing any more."""
    keys.revoke_key(key_id, principal, server)
    return _back("revoked")


def _back(said: str) -> Response:
    return RedirectResponse(addresses.page("/admin", DEFAULT, [("said", said)]), 303)


def _page(
    principal: Principal,
    server: Server,
    *,
    said: str = "",
    made: MadeKeyBody | None = None,
    notice: Notice | None = None,
    status: int = 200,
) -> Response:
    values = {
        "said": said,
        "made": made,
        "collections": collections.list_collections(principal, server).collections,
        "keys": keys.list_keys(principal, server).keys,
        "bound": principal.collections is not None,
        "checks": readiness(server) if principal.collections is None else None,
        "facts": _facts(server) if principal.collections is None else None,
    }
    around = frame(principal, server)
    return page("admin.html", around, "/admin", values, notice=notice, status=status)


def _refused(
    principal: Principal, server: Server, error: PinciteError | RequestValidationError
) -> Response:
    """The page, with what stands in the way."""
    if isinstance(error, PinciteError):
        return _page(principal, server, notice=notice_of(error))
    fields = "; ".join(f"{one.field}: {one.detail}" for one in field_errors(error.errors()))
    return _page(principal, server, notice=Notice("That cannot be made", fields, 422))


def _facts(server: Server) -> list[tuple[str, str]]:
    """What there is to know of a server beside its readiness."""
    waiting, admission = server.jobs.waiting(), server.admission
    with server.collections.use(DEFAULT) as collection:
        embedder = collection.engine.store.settings.embedder.name
        reader = collection.engine.reader.name
    return [
        ("Questions", f"{admission.running} running, {admission.waiting} waiting"),
        ("Uploads", f"{counted(waiting.files, 'file')} waiting, {size_of(waiting.bytes)}"),
        ("Up for", _duration(server.uptime)),
        ("Models", f"{embedder}, {reader}"),
        (
            "Versions",
            (
                f"Pincite {__version__}, Python {platform.python_version()}, "
                f"SQLite {sqlite3.sqlite_version}"
            ),
        ),
    ]


def _duration(seconds: float) -> str:
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            return counted(int(seconds // length), unit)
    return counted(int(seconds), "second")
