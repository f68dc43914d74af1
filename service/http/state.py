"""What the service holds, and whether it is well."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response

from service.bodies import status_body
from service.errors import NotReady
from service.host.keys import Scope
from service.http.access import AdminAccess, ReadAccess, Serving
from service.http.openapi import problems
from service.observing.metrics import MEDIA_TYPE
from service.schemas import CheckBody, HealthBody, ReportBody, StatusBody

router = APIRouter(tags=["state"])


@router.get("/v1/status", summary="What the index holds", responses=problems(404, 422))
def status(access: ReadAccess) -> StatusBody:
    """What the index holds and what it was made with; its folder is named to administrators."""
    body = status_body(access.collection.folder, access.collection.engine.store)
    if not access.principal.scope.includes(Scope.ADMIN):
        body.index = access.collection.name
    return body


@router.get("/healthz", summary="Alive?")
async def healthz() -> HealthBody:
    """Whether the service runs at all."""
    return HealthBody(status="ok")


@router.get("/readyz", summary="Ready?", responses=problems(503))
def readyz(server: Serving) -> HealthBody:
    """Whether the service can answer and take documents in, now.

    The models are loaded, every index is searched and can be written, uploads are taken in, and
    the disk has room. `/v1/health` tells what is wrong.
    """
    if not all(found.ok for found in server.readiness.findings()):
        raise NotReady(
            "the service is not ready; its log, and /v1/health for administrators, say why"
        )
    return HealthBody(status="ready")


@router.get("/v1/health", summary="What is well, and what is not", responses=problems(401, 403))
def health(principal: AdminAccess, server: Serving) -> ReportBody:
    """What the service needs, each looked at within the last second.

    A key that is bound to collections is told of those alone: what waits and what is free would
    tell of others.
    """
    checks = [
        CheckBody(name=found.name, ok=found.ok, found=found.found)
        for found in server.readiness.findings()
        if principal.collections is None
        or (found.collection is not None and principal.opens(found.collection))
    ]
    return ReportBody(ok=all(check.ok for check in checks), checks=checks)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=PlainTextResponse,
    responses=problems(401, 403),
)
def metrics(principal: AdminAccess, server: Serving) -> Response:
    """How long requests and their stages took, what waits, and what the collections hold.

    They tell of all collections, so a key that is bound to some cannot have them.
    """
    principal.require_all()
    return Response(server.observer.metrics.exposition(), media_type=MEDIA_TYPE)
