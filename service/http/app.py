"""The HTTP service: `create_app` makes it around a server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from service import __version__
from service.host.names import own_names
from service.host.server import Server
from service.http import (
    collections,
    documents,
    feedback,
    jobs,
    keys,
    openapi,
    originals,
    problems,
    questions,
    state,
    verify,
)
from service.http.encoding import Compressed, HeadAsGet
from service.http.foreign import Foreign
from service.http.headers import SecurityHeaders
from service.http.idempotent import Idempotent
from service.http.middleware import BodyLimit, BodyPatience, KeyFirst, RateHeaders, RequestIds
from service.mcp.http import McpEndpoint
from service.observing.requests import Watched
from service.web import pages
from service.web.problems import ProblemPages

_JSON_LIMIT = 8 * 2**20

# The modules whose routes there are, in this order.
_TOPICS = (
    questions,
    verify,
    feedback,
    documents,
    originals,
    jobs,
    collections,
    keys,
    state,
)

# So many seconds at most may lie between two pieces of a request's body.
_PAUSE = 30.0


def create_app(server: Server) -> FastAPI:
    """The service around a server, which it loads at its start and closes at its end."""
    mcp = McpEndpoint(server)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(server.load)
        try:
            async with mcp.running():
                yield
        finally:
            await run_in_threadpool(server.close)

    app = FastAPI(
        title="Pincite",
        version=__version__,
        description=openapi.DESCRIPTION,
        # The interactive pages load scripts from elsewhere, which nothing here may do.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.server = server
    # As they are, not by `include_router`, which makes each of them anew at an app's first request.
    for topic in _TOPICS:
        app.router.routes.extend(topic.router.routes)
    app.router.routes.append(mcp.route)
    pages.install(app)
    problems.install(app)
    openapi.install(app)
    # The last one added is the first to see a request.
    app.add_middleware(Idempotent)
    app.add_middleware(BodyPatience, pause=_PAUSE, whole=server.settings.upload_seconds)
    app.add_middleware(BodyLimit, upload=server.settings.max_upload_mb * 2**20, other=_JSON_LIMIT)
    app.add_middleware(KeyFirst)
    app.add_middleware(Compressed)
    app.add_middleware(HeadAsGet)
    app.add_middleware(Foreign, names=own_names(server.settings))
    app.add_middleware(RateHeaders)
    app.add_middleware(Watched, observer=server.observer)
    app.add_middleware(RequestIds)
    app.add_middleware(ProblemPages)
    app.add_middleware(SecurityHeaders)
    return app
