"""Errors on the wire: RFC 9457 problems, one form for all of them."""

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Scope

from index.errors import PinciteError
from service.errors import Busy, Unauthorized, meaning, slug, told
from service.schemas import FieldErrorBody, OutcomeBody, ProblemBody

MEDIA_TYPE = "application/problem+json"

log = logging.getLogger(__name__)


def problem(
    scope: Scope,
    status: int,
    detail: str,
    *,
    kind: str | None = None,
    title: str | None = None,
    errors: Sequence[FieldErrorBody] | None = None,
    outcomes: Sequence[OutcomeBody] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response that tells of a problem; `kind` names it where the status does not say all."""
    body = ProblemBody(
        type="about:blank" if kind is None else f"urn:pincite:problem:{kind}",
        title=HTTPStatus(status).phrase if title is None else title,
        status=status,
        detail=detail,
        instance=scope["path"],
        request_id=request_id(scope),
        errors=None if errors is None else list(errors),
        outcomes=None if outcomes is None else list(outcomes),
    )
    # ASCII, since what was sent to us and is repeated here need not be valid Unicode.
    content = json.dumps(body.model_dump(exclude_none=True))
    return Response(content, status, headers, MEDIA_TYPE)


def request_id(scope: Scope) -> str:
    """The name that the middleware gave this request."""
    return str(scope.get("state", {}).get("request_id", ""))


def install(app: FastAPI) -> None:
    """Make an app answer every error with a problem."""
    app.add_exception_handler(PinciteError, _on_pincite_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)


def of_error(scope: Scope, error: PinciteError) -> Response:
    """The problem that one of our own errors is."""
    what = meaning(error)
    scope.setdefault("state", {})["error"] = type(error).__name__
    headers = {}
    if isinstance(error, Busy):
        headers["Retry-After"] = str(error.wait)
    elif what.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request %s: %s", request_id(scope), error)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return problem(
        scope, what.status, told(error), kind=slug(type(error)), title=what.title, headers=headers
    )


def unexpected(scope: Scope) -> Response:
    """The problem that an unexpected error is; it says nothing of our insides."""
    return problem(
        scope,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Something went wrong here; the server's log has the details under this request id.",
    )


def _on_pincite_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PinciteError)  # noqa: S101 - for mypy; it is registered for no other
    return of_error(request.scope, error)


def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return problem(
        request.scope,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The request does not have the form that is expected; see errors.",
        kind="invalid-request",
        title="The request is not valid",
        errors=field_errors(error.errors()),
    )


def field_errors(errors: Sequence[Mapping[str, object]]) -> list[FieldErrorBody]:
    """What pydantic found, without what was sent."""
    found = []
    for error in errors:
        location = error.get("loc", ())
        parts = [str(part) for part in location] if isinstance(location, tuple) else []
        if parts and parts[0] in ("body", "query", "path"):
            parts = parts[1:]
        found.append(FieldErrorBody(field=".".join(parts), detail=str(error.get("msg", ""))))
    return found


def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    details = {
        HTTPStatus.NOT_FOUND: "There is nothing at this path; see /openapi.json.",
        HTTPStatus.METHOD_NOT_ALLOWED: "This path is not used in this way; see /openapi.json.",
    }
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed(request)) or headers.get("Allow", "")
    said = error.detail
    if said == HTTPStatus(error.status_code).phrase:
        said = details.get(HTTPStatus(error.status_code), said)
    return problem(request.scope, error.status_code, said, headers=headers)


def _allowed(request: Request) -> list[str]:
    """The methods of all routes at a request's path; the router tells those of the first alone."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.path is not None and compile_path(route.path)[0].match(request.url.path):
            found |= route.methods or set()
    return sorted(found | {"HEAD"} if "GET" in found else found)
