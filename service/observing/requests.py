"""Watches every HTTP request: one log line, one count, one span; plain ASGI, nothing is buffered.

Lines and labels have a request's route as it was declared, never its path or query.
"""

import logging
from time import perf_counter, time_ns

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.observing.logs import facts
from service.observing.observer import Observer
from service.observing.work import Work

log = logging.getLogger("pincite.requests")

# What requests that no route fits are counted under.
UNMATCHED = "unmatched"

# The status that is logged where the client went away before there was one (as nginx does).
_GONE = 499
_FAILED = 500

# Asked for every few seconds by what watches the server; of no interest unless they fail.
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


class Watched:
    """Watches requests; stands inside what names them, and outside of all else.

    A handler may leave in the request's state: `principal`, with the `key_id`; `collection`, a
    name that the key opens; `error`, the name of the type of the error that was answered with.
    """

    def __init__(self, app: ASGIApp, observer: Observer) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        work = Work("", str(state.get("request_id", "")))
        began, clock = time_ns(), perf_counter()
        status, whole = 0, False

        async def noted(message: Message) -> None:
            nonlocal status, whole
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)
            whole = whole or (
                message["type"] == "http.response.body" and not message.get("more_body", False)
            )

        error: str | None = None
        try:
            with self._observer.watching(work):
                await self._app(scope, receive, noted)
        except BaseException as raised:
            error = type(raised).__name__
            if isinstance(raised, Exception):
                status = status or _FAILED
            raise
        finally:
            seconds = perf_counter() - clock
            work.name = route_of(scope)
            self._tell(scope, work, began, seconds, status or _GONE, whole, error)

    def _tell(
        self,
        scope: Scope,
        work: Work,
        began: int,
        seconds: float,
        status: int,
        whole: bool,
        error: str | None,
    ) -> None:
        state, method = scope["state"], str(scope["method"])
        kind = error or state.get("error")
        if kind is not None:
            self._observer.metrics.error(kind)
        self._observer.metrics.request(work.name, method, status, seconds)
        collection = state.get("collection")
        failed = status >= _FAILED
        if self._observer.traces is not None:
            attributes: dict[str, str | int] = {
                "http.request.method": method,
                "http.route": work.name,
                "http.response.status_code": status,
                "pincite.request_id": work.request_id,
            }
            if isinstance(collection, str):
                attributes["pincite.collection"] = collection
            ended = began + int(seconds * 1e9)
            self._observer.traces.record(
                work, began, ended, attributes, Headers(scope=scope), failed=failed
            )
        level = logging.DEBUG if work.name in _PROBES else logging.INFO
        log.log(
            logging.WARNING if failed else level,
            "request",
            extra=facts(
                method=method,
                route=work.name,
                status=status,
                ms=round(1000 * seconds, 1),
                **work.milliseconds(),
                key=getattr(state.get("principal"), "key_id", None),
                collection=collection,
                error=kind,
                unfinished=None if whole else True,
                request_id=work.request_id or None,
            ),
        )


def route_of(scope: Scope) -> str:
    """The route that a request took, as it was declared; of what is mounted, where that is."""
    declared = getattr(scope.get("route"), "path", None) or ""
    mounted = str(scope.get("root_path", "")).removeprefix(str(scope.get("app_root_path", "")))
    if "app_root_path" not in scope or declared.startswith(mounted):
        mounted = ""
    return f"{mounted}{declared}" or UNMATCHED
