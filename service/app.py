"""The HTTP service: `create_app` makes it around an engine."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from index.errors import DocumentError, InvalidQuestion, UnavailableIndex
from index.filters import parse
from index.outcomes import Outcome, Status
from qa.answers import ANSWERS, Options
from service import __version__, openapi, problems, web
from service.bodies import (
    document_body,
    documents_body,
    outcomes_body,
    reply_body,
    search_body,
    status_body,
)
from service.engine import Engine
from service.middleware import BodyLimit, KnownHosts, RequestIds
from service.schemas import (
    EXAMPLE_WHERE,
    MOST_ANSWERS,
    MOST_CONDITIONS,
    WHERE,
    AskRequest,
    DocumentBody,
    DocumentsBody,
    HealthBody,
    OutcomesBody,
    ReplyBody,
    SearchBody,
    SearchRequest,
    StatusBody,
    TextRequest,
)
from service.settings import Settings

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})

Where = Annotated[
    Sequence[str], Query(description=WHERE, max_length=MOST_CONDITIONS, examples=[EXAMPLE_WHERE])
]

_JSON_LIMIT = 8 * 2**20
_NEAREST = 3


@dataclass(frozen=True, slots=True)
class _Source:
    """A document as it was sent."""

    data: bytes
    uri: str
    name: str
    media_type: str | None
    title: str | None = None


def create_app(
    engine: Engine,
    settings: Settings,
    *,
    allowed_hosts: Collection[str] | None = LOOPBACK_HOSTS,
) -> FastAPI:
    """The service around an open engine, which it loads at its start and closes at its end.

    Requests must name one of `allowed_hosts` in `Host`, without a port; None allows all.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(engine.load)
        try:
            yield
        finally:
            await run_in_threadpool(engine.close)

    app = FastAPI(
        title="Pincite",
        version=__version__,
        description=openapi.DESCRIPTION,
        # The interactive pages load scripts from elsewhere, which nothing here may do.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.include_router(_questions(engine))
    app.include_router(_documents(engine))
    app.include_router(_state(engine, settings))
    app.include_router(_pages(engine), include_in_schema=False)
    problems.install(app)
    openapi.install(app)
    # The last one added is the first to see a request.
    app.add_middleware(BodyLimit, upload=settings.max_upload_mb * 2**20, other=_JSON_LIMIT)
    app.add_middleware(KnownHosts, hosts=allowed_hosts)
    app.add_middleware(RequestIds)
    return app


def _questions(engine: Engine) -> APIRouter:
    router = APIRouter(tags=["questions"])

    @router.post("/v1/ask", summary="Ask a question", responses=openapi.problems(404, 413, 422))
    def ask(request: AskRequest) -> ReplyBody:
        """Answer a question with quotes from the documents, each with its place."""
        within = None
        if request.documents is not None:
            for document_id in request.documents:
                engine.store.document(document_id)
            within = request.documents
        options = Options(
            request.top_k,
            request.passages,
            request.min_confidence,
            within,
            parse(request.where),
        )
        return reply_body(engine.ask(request.question, options))

    @router.get("/v1/ask", summary="Ask a question by address", responses=openapi.problems(422))
    def ask_by_address(
        q: Annotated[str, Query(description="The question.", examples=["How long is the lease?"])],
        top_k: Annotated[
            int, Query(description="The most answers to give.", ge=1, le=MOST_ANSWERS)
        ] = ANSWERS,
        where: Where = (),
    ) -> ReplyBody:
        """The same as the other way to ask, for a quick try."""
        return reply_body(engine.ask(q, Options(answers=top_k, where=parse(where))))

    @router.post("/v1/search", summary="Find passages", responses=openapi.problems(413, 422))
    def search(request: SearchRequest) -> SearchBody:
        """The passages that a question would be answered from, with their scores."""
        hits = engine.search(request.query, request.top_k, parse(request.where))
        found = engine.locate(hits)
        return search_body(request.query, found)

    return router


def _documents(engine: Engine) -> APIRouter:
    router = APIRouter(prefix="/v1/documents", tags=["documents"])

    @router.get("", summary="List the documents", responses=openapi.problems(422))
    def list_documents(where: Where = ()) -> DocumentsBody:
        """The documents without their texts, in the order of their URIs; all that fit."""
        return documents_body(parse(where).select(engine.store.documents()))

    @router.get("/{document_id}", summary="Get a document", responses=openapi.problems(404))
    def get_document(document_id: str) -> DocumentBody:
        """A whole document: the text that all offsets point into, its pages and its sections."""
        return document_body(engine.store.document(document_id))

    @router.post(
        "",
        summary="Add documents",
        status_code=201,
        response_model=OutcomesBody,
        responses=openapi.problems(413, 415, 422) | openapi.SOME_FAILED,
        openapi_extra=openapi.ADD_REQUEST,
    )
    async def add_documents(request: Request) -> Response:
        """Put documents into the index: a text as JSON, or files as a form.

        What was stored under the same URI is replaced, unless nothing has changed. An archive, or
        a message with attachments, gives several documents: the first outcome is its own, and more
        tell what in it could not be read. 201 if all went in, 207 if some did, a problem if none
        did.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            sources = [_from_json(await request.body())]
        elif kind == "multipart/form-data":
            async with request.form() as form:
                sources = await _from_form(form)
        else:
            raise HTTPException(415, "Send application/json or multipart/form-data.")
        outcomes = await run_in_threadpool(_add, engine, sources)
        failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
        body = outcomes_body(outcomes)
        if len(failed) == len(outcomes):
            return problems.problem(
                request.scope,
                422,
                "None of the files could be taken in; see outcomes.",
                kind="document-error",
                title="The documents cannot be taken in",
                outcomes=body.outcomes,
            )
        return Response(body.model_dump_json(), 207 if failed else 201, None, "application/json")

    @router.delete(
        "/{document_id}",
        summary="Remove a document",
        status_code=204,
        response_class=Response,
        responses=openapi.problems(404),
    )
    def remove_document(document_id: str) -> None:
        """Remove a document from the index."""
        engine.remove([document_id])

    return router


def _state(engine: Engine, settings: Settings) -> APIRouter:
    router = APIRouter(tags=["state"])

    @router.get("/v1/status", summary="What the index holds")
    def status() -> StatusBody:
        """What the index holds and what it was made with."""
        return status_body(settings.index, engine.store)

    @router.get("/healthz", summary="Alive?")
    def healthz() -> HealthBody:
        """Whether the service runs at all."""
        return HealthBody(status="ok")

    @router.get("/readyz", summary="Ready?", responses=openapi.problems(503))
    def readyz() -> HealthBody:
        """Whether the models are loaded and the index can be read."""
        if not engine.ready:
            raise UnavailableIndex("the models are still loading; ask again in a moment")
        _ = engine.store.generation
        return HealthBody(status="ready")

    return router


def _pages(engine: Engine) -> APIRouter:
    router = APIRouter()

    @router.get("/")
    def start(q: str = "") -> HTMLResponse:
        if not q.strip():
            return _html(web.start_page(len(engine.store.documents())))
        try:
            reply = engine.ask(q)
        except InvalidQuestion as error:
            return _html(web.problem_page(q, str(error)), 422)
        nearest = engine.locate(reply.hits[:_NEAREST]) if reply.abstained else []
        return _html(web.reply_page(reply, nearest))

    @router.get("/documents/{document_id}")
    def document(
        document_id: str,
        start: Annotated[int, Query(ge=0)] = 0,
        end: Annotated[int, Query(ge=0)] = 0,
    ) -> HTMLResponse:
        return _html(web.document_page(engine.store.document(document_id), start, end))

    return router


def _html(page: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(page, status, web.HEADERS)


def _from_json(body: bytes) -> _Source:
    try:
        sent = TextRequest.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from error
    data = sent.text.encode()
    uri = f"text:{sha256(data).hexdigest()[:16]}" if sent.uri is None else sent.uri
    # What is sent as text is UTF-8, whatever a heading in it may say.
    media_type = f"{sent.media_type}; charset=utf-8"
    return _Source(data, uri, "text" if sent.uri is None else sent.uri, media_type, sent.title)


async def _from_form(form: FormData) -> list[_Source]:
    files = [part for part in form.getlist("file") if isinstance(part, UploadFile)]
    unknown = [name for name in form if name not in ("file", "uri")]
    uri = form.get("uri")
    if not files or unknown or isinstance(uri, UploadFile) or uri == "":
        raise HTTPException(
            422, "Send one or more files in the field file, and no fields but file and uri."
        )
    if uri is not None and len(files) > 1:
        raise HTTPException(422, "A uri can be given for one file only; leave it out.")
    sources = []
    for place, file in enumerate(files, 1):
        name = file.filename or f"file {place}"
        own = f"upload:{quote(name, safe='')}" if uri is None else uri
        sources.append(_Source(await file.read(), own, name, file.content_type))
    return sources


def _add(engine: Engine, sources: Sequence[_Source]) -> list[Outcome]:
    """Put what was sent into the index, each by itself.

    Raises:
        DocumentError: there is only one, and it cannot be read.
    """
    outcomes: list[Outcome] = []
    for source in sources:
        try:
            outcomes += engine.add_bytes(
                source.data,
                uri=source.uri,
                name=source.name,
                media_type=source.media_type,
                title=source.title,
            )
        except DocumentError as error:
            if len(sources) == 1:
                raise
            outcomes.append(Outcome(source.name, Status.FAILED, reason=str(error)))
    return outcomes
