"""Collections over HTTP, and what the server holds in all."""

import logging
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from index.errors import PinciteError
from service.bodies import collection_body, job_counts_body
from service.errors import Forbidden, UnknownCollection
from service.host.collections import Collection, unknown
from service.host.keys import Scope
from service.http.access import AdminAccess, Asking, Principal, Serving
from service.http.openapi import problems
from service.observing.audit import audit
from service.schemas import CollectionBody, CollectionRequest, CollectionsBody, StatsBody

# How long a removal waits for those who are at work with the collection, in seconds.
_PATIENCE = 20.0

log = logging.getLogger(__name__)

router = APIRouter(tags=["collections"])

Name = Annotated[
    str, Path(description="The collection's name.", max_length=63, examples=["contracts"])
]


@router.get("/v1/collections", summary="List the collections", responses=problems(401))
def list_collections(asking: Asking, server: Serving) -> CollectionsBody:
    """The collections that the key opens, with what they hold."""
    return CollectionsBody(collections=_bodies(asking, server))


@router.post(
    "/v1/collections",
    summary="Make a collection",
    status_code=201,
    responses=problems(401, 403, 409, 413, 422),
)
def create_collection(
    request: CollectionRequest, asking: AdminAccess, server: Serving, response: Response
) -> CollectionBody:
    """Make an empty collection, with documents and keys of its own."""
    if not asking.opens(request.name):
        # Whether there is one must not be learned here.
        raise Forbidden(
            f"the key {asking.name!r} is bound to other collections than {request.name!r}"
        )
    server.collections.create(request.name)
    audit("collection.create", asking, request.name)
    response.headers["Location"] = f"/v1/collections/{request.name}"
    with server.collections.use(request.name) as collection:
        return _body(collection, server)


@router.get("/v1/collections/{name}", summary="Get a collection", responses=problems(401, 404, 422))
def get_collection(name: Name, asking: Asking, server: Serving) -> CollectionBody:
    """What a collection holds."""
    if not asking.opens(name):
        raise unknown(name)
    with server.collections.use(name) as collection:
        return _body(collection, server)


@router.delete(
    "/v1/collections/{name}",
    summary="Remove a collection",
    status_code=204,
    response_class=Response,
    responses=problems(401, 403, 404, 409, 422),
)
def remove_collection(name: Name, asking: AdminAccess, server: Serving) -> None:
    """Remove a collection with all its documents, uploads and feedback.

    Questions that are being answered, and an upload that is being taken in, are waited for; then
    the uploads that wait for it are cancelled.
    409 if it is one of those that cannot be removed, or is still in use after a while.
    """
    if not asking.opens(name):
        raise unknown(name)
    with server.removing.enter():
        server.collections.remove(name, _PATIENCE, lambda: server.jobs.cancel_all(name))
    audit("collection.remove", asking, name)


@router.get("/v1/stats", summary="What the server holds and does", responses=problems(401))
def stats(asking: Asking, server: Serving) -> StatsBody:
    """Counts over the collections that the key opens."""
    collections = _bodies(asking, server)
    names = [collection.name for collection in collections]
    waiting = [server.jobs.waiting(name) for name in names]
    return StatsBody(
        uptime_seconds=round(server.uptime, 3),
        collections=collections,
        documents=sum(collection.documents for collection in collections),
        passages=sum(collection.passages for collection in collections),
        jobs=job_counts_body(server.jobs.states(names)),
        waiting_files=sum(one.files for one in waiting),
        waiting_bytes=sum(one.bytes for one in waiting),
        questions=sum(collection.questions for collection in collections),
    )


def _bodies(asking: Principal, server: Serving) -> list[CollectionBody]:
    asking.require(Scope.READ)
    bodies = []
    for name in server.collections.names():
        if not asking.opens(name):
            continue
        try:
            with server.collections.use(name) as collection:
                bodies.append(_body(collection, server))
        except UnknownCollection:
            # It was removed a moment ago.
            continue
        except PinciteError as error:
            # The others are told of all the same, and this one can be removed.
            log.error("the collection %s cannot be used: %s", name, error)
            bodies.append(_unusable(name, server))
    return bodies


def _unusable(name: str, server: Serving) -> CollectionBody:
    return CollectionBody(
        name=name,
        documents=0,
        passages=0,
        generation=0,
        bytes=0,
        questions=0,
        removable=not server.collections.is_named_outside(name),
        usable=False,
    )


def _body(collection: Collection, server: Serving) -> CollectionBody:
    removable = not server.collections.is_named_outside(collection.name)
    return collection_body(collection, removable=removable)
