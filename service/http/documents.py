"""Documents over HTTP."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from index.errors import UnknownDocument
from index.filters import parse
from index.store import DocumentSummary, PassageStore
from service.bodies import document_body, documents_body, job_body
from service.errors import Overloaded
from service.host.job_records import Job
from service.http.access import Access, ReadAccess, WriteAccess
from service.http.conditional import IF_NONE_MATCH, reply, require_match, tag
from service.http.idempotent import attempt_of
from service.http.jobs import over, seconds_to_wait
from service.http.openapi import ADD_REQUEST, problems
from service.http.paging import Cursor, page, read_cursor
from service.http.problems import request_id
from service.http.questions import Where
from service.http.uploads import Sent, sent, spooled
from service.observing.audit import audit
from service.schemas import DocumentBody, DocumentsBody, JobBody, TextBody

# How long a removal waits for an upload of the same document that is being taken in, in seconds.
_PATIENCE = 20.0

# Documents that are looked at in one step of making a list.
_PIECE = 500

# So many characters of a URI are held in a cursor.
_LONGEST = 1000

router = APIRouter(prefix="/v1/documents", tags=["documents"])

DocumentId = Annotated[str, Path(description="The document's id.", max_length=200)]


@router.get(
    "",
    summary="List the documents",
    response_model=DocumentsBody,
    responses=problems(404, 422) | IF_NONE_MATCH,
)
def list_documents(
    request: Request,
    access: ReadAccess,
    where: Where = (),
    cursor: Cursor = None,
    limit: Annotated[int, Query(description="The most to give.", ge=1, le=1000)] = 100,
) -> Response:
    """The documents that fit, without their texts, in the order of their URIs.

    A document that is there all the time is shown exactly once by going on with `next_cursor`,
    whatever is added and removed meanwhile.
    """
    return reply(request, page_of(access, where, cursor, limit).model_dump_json())


def page_of(access: Access, where: Sequence[str], cursor: str | None, limit: int) -> DocumentsBody:
    """The documents that fit, as many as may be given at once; see `list_documents`."""
    collection = access.collection
    return documents_page(collection.engine.store, collection.name, where, cursor, limit)


def documents_page(
    store: PassageStore, collection: str, where: Sequence[str], cursor: str | None, limit: int
) -> DocumentsBody:
    """A page of the documents of a collection that fit; see `list_documents`."""
    query = ("documents", collection, *where)
    fitting = parse(where)
    found: list[DocumentSummary] = []
    after = _resumed(store, read_cursor(cursor, query, [str, str]))
    # By pieces, so that questions get their turn in between.
    piece = _PIECE if fitting else min(_PIECE, limit + 1)
    while len(found) <= limit and (looked_at := store.page(after, piece)):
        found += fitting.select(looked_at)
        after = looked_at[-1].uri
    shown, following = page(found, limit, query, lambda last: [last.uri[:_LONGEST], last.id])
    body = documents_body(shown)
    body.next_cursor = following
    return body


def _resumed(store: PassageStore, place: Sequence[str] | None) -> str:
    """The URI after which a list goes on; of one that is very long, a cursor has the beginning."""
    if place is None:
        return ""
    uri, document_id = place
    if len(uri) == _LONGEST:
        with suppress(UnknownDocument):
            return store.document(document_id).uri
    return uri


@router.post(
    "",
    summary="Add documents",
    status_code=202,
    response_model=JobBody,
    responses=problems(400, 404, 409, 413, 415, 422, 429, 503)
    | {200: {"model": JobBody, "description": "The job is over within the time of `Prefer`."}},
    openapi_extra=ADD_REQUEST,
)
async def add_documents(request: Request, access: WriteAccess) -> Response:
    """Send documents: a text as JSON, or files as a form.

    202 says that they are kept, and will be taken in whatever happens to the server; `Location`
    is the job. With `Prefer: wait=N` the answer comes when the job is over, in N seconds at most.
    What was stored under the same URI is replaced, in the order of acceptance, unless nothing has
    changed or the new one cannot be read. An archive, or a message with attachments, gives
    several documents.
    """
    seconds = seconds_to_wait(request)
    job = await accepted(request, access)
    headers = {"Location": f"/v1/jobs/{job.id}"}
    if seconds:
        # It is accepted, however many follow jobs.
        with suppress(Overloaded):
            job = await over(access.server.jobs, job, seconds)
        if job.state.over:
            headers["Preference-Applied"] = f"wait={seconds}"
    status = 200 if seconds and job.state.over else 202
    return Response(job_body(job).model_dump_json(), status, headers, "application/json")


async def accepted(request: Request, access: Access) -> Job:
    """The job of what a request sends, which is kept."""
    room = access.server.jobs.arrivals.enter(access.principal.key_id, access.collection.name)
    async with contextmanager_in_threadpool(room), sent(request) as files:
        return await run_in_threadpool(_accept, request, access, files)


def _accept(request: Request, access: Access, files: list[Sent]) -> Job:
    """Keep what was sent, and take it down as a job."""
    jobs, asking = access.server.jobs, access.principal
    attempt = attempt_of(request)
    job = jobs.submit(
        access.collection.name,
        spooled(jobs, files),
        key=asking.key_id,
        request_id=request_id(request.scope),
        # Sent again after a crash, it is the same job.
        job_id=None if attempt is None else attempt.name,
    )
    audit(
        "documents.add",
        asking,
        access.collection.name,
        outcome="accepted",
        job=job.id,
        files=len(files),
    )
    return job


@router.get(
    "/{document_id}",
    summary="Get a document",
    response_model=DocumentBody,
    responses=problems(404, 422) | IF_NONE_MATCH,
)
def get_document(request: Request, document_id: DocumentId, access: ReadAccess) -> Response:
    """A whole document: the text that all offsets point into, its pages and its sections."""
    return reply(request, _whole(access, document_id))


@router.get(
    "/{document_id}/text",
    summary="Get a range of a document's text",
    response_model=TextBody,
    responses=problems(404, 422) | IF_NONE_MATCH,
)
def get_text(
    request: Request,
    document_id: DocumentId,
    access: ReadAccess,
    start: Annotated[
        int, Query(description="Where to begin: code points, zero-based.", ge=0, examples=[1836])
    ] = 0,
    end: Annotated[
        int | None,
        Query(
            description="Where to end: code points, exclusive; at the text's end unless given.",
            ge=0,
            examples=[1843],
        ),
    ] = None,
) -> Response:
    """The text from `start` up to `end`, exactly as citations mean it."""
    text = access.collection.engine.store.document(document_id).text
    last = len(text) if end is None else end
    if not start <= last <= len(text):
        raise HTTPException(
            422,
            f"The text has {len(text):,} code points; ask for 0 <= start <= end <= {len(text)}.",
        )
    body = TextBody(
        document_id=document_id,
        start=start,
        end=last,
        text=text[start:last],
        characters=len(text),
    )
    return reply(request, body.model_dump_json())


@router.delete(
    "/{document_id}",
    summary="Remove a document",
    status_code=204,
    response_class=Response,
    responses=problems(404, 412, 422, 503),
)
def remove_document(request: Request, document_id: DocumentId, access: WriteAccess) -> None:
    """Remove a document from the index.

    After 204 no question finds it, and no upload that was accepted before brings it back. With
    `If-Match` only if it is still the one with this `ETag`.
    """
    engine, name = access.collection.engine, access.collection.name
    document = engine.store.document(document_id)

    def check() -> None:
        require_match(request, lambda: tag(_whole(access, document_id)))

    check()
    with access.server.removing.enter():
        access.server.jobs.withdraw(name, [document.uri, *document.copies], _PATIENCE, check)
        engine.remove([document_id])
    access.server.feedback.forget(name, [document_id])
    audit("document.remove", access.principal, name, document=document_id)


def _whole(access: Access, document_id: str) -> str:
    return document_body(access.collection.engine.store.document(document_id)).model_dump_json()
