"""The page of a collection's documents: what there is, what could not be read, adding, deleting."""

import json
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from index.errors import InvalidFilter
from index.extract.formats import FORMATS
from service.bodies import failures_body
from service.host.job_records import JobState
from service.http import documents
from service.http.access import Access, ReadAccess, WriteAccess
from service.http.paging import Cursor
from service.schemas import DocumentsBody, FailureBody, SummaryBody
from service.text import beginning, counted, visible
from service.web import addresses
from service.web.frame import frame_of
from service.web.holdings import holdings
from service.web.narrowing import Narrowing, narrowing
from service.web.notices import notice_of
from service.web.showing import called, format_name, title_of, type_names
from service.web.templating import page
from service.web.uploads import STATUSES, UploadView, upload_view

_MOST_SHOWN = 50
_MOST_FAILURES = 200
_MOST_UPLOADS = 5

# What a page that one is sent back to says.
_SAID = {"removed": "The document is deleted."}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class _Row:
    """A document in the list."""

    title: str
    file: str
    kind: str
    size: str
    added: str
    address: str
    removal: str


@dataclass(frozen=True, slots=True)
class _Failure:
    """What could not be read, and why."""

    name: str
    reason: str


@router.get("/documents")
def listed(
    access: ReadAccess,
    narrow: Annotated[Narrowing, Depends(narrowing)],
    cursor: Cursor = None,
    said: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """The documents of a collection, those that fit."""
    notice = None
    try:
        found = documents.page_of(access, narrow.conditions(), cursor, _MOST_SHOWN)
    except InvalidFilter as error:
        found, notice = DocumentsBody(documents=[], next_cursor=None), notice_of(error)
    name, store = access.collection.name, access.collection.engine.store
    failures = [one for one in failures_body(store).failures if not one.unsupported]
    held = holdings(access.collection.engine)
    values = {
        "narrow": narrow,
        "cleared": addresses.page("/documents", name),
        "types": type_names(held.types),
        "documents": held.documents,
        "rows": [_row(summary, name) for summary in found.documents],
        "next": _next(access, narrow, found),
        "begun": cursor is not None,
        "failures": [_failure(one) for one in failures[:_MOST_FAILURES]],
        "failed": len(failures),
        "uploads": _uploads(access),
        "formats": ",".join(suffix for found in FORMATS.values() for suffix in found.suffixes),
        "limit": access.server.settings.max_upload_mb,
        "said": _SAID.get(said, ""),
        "statuses": json.dumps(STATUSES),
    }
    return page("documents.html", frame_of(access), "/documents", values, notice=notice)


@router.post("/documents")
async def upload(request: Request, access: WriteAccess) -> Response:
    """Accept the files of the page's form, and go to where their progress is told."""
    job = await documents.accepted(request, access)
    return RedirectResponse(f"/uploads/{job.id}", 303)


@router.get("/documents/{document_id}/remove")
def ask_whether(document_id: str, access: ReadAccess) -> Response:
    """Ask whether a document is to be deleted."""
    document = access.collection.engine.store.document(document_id)
    name = access.collection.name
    values = {
        "title": title_of(document.title, document.uri),
        "places": [called(uri) for uri in (document.uri, *document.copies)],
        "document": addresses.view(name, document.id, 0, 0),
        "removal": _removal(name, document.id),
    }
    return page("remove.html", frame_of(access), "/documents", values)


@router.post("/documents/{document_id}/remove")
def remove(request: Request, document_id: str, access: WriteAccess) -> Response:
    """Delete a document, and go back to the others."""
    documents.remove_document(request, document_id, access)
    back = addresses.page("/documents", access.collection.name, [("said", "removed")])
    return RedirectResponse(back, 303)


def _row(summary: SummaryBody, collection: str) -> _Row:
    return _Row(
        title=beginning(summary.title, 160) or called(summary.uri),
        file=called(summary.uri),
        kind=format_name(summary.media_type),
        size=counted(summary.page_count, "page")
        if summary.page_count
        else counted(summary.characters, "character"),
        added=summary.added_at[:10],
        address=addresses.view(collection, summary.id, 0, 0),
        removal=_removal(collection, summary.id),
    )


def _removal(collection: str, document_id: str) -> str:
    return addresses.page(f"/documents/{document_id}/remove", collection)


def _failure(failure: FailureBody) -> _Failure:
    return _Failure(called(failure.uri), visible(beginning(failure.reason, 400)))


def _next(access: Access, narrow: Narrowing, found: DocumentsBody) -> str | None:
    if found.next_cursor is None:
        return None
    fields = [*narrow.fields(), ("cursor", found.next_cursor)]
    return addresses.page("/documents", access.collection.name, fields)


def _uploads(access: Access) -> list[UploadView]:
    """The last uploads that were not taken in without a hitch."""
    states = [state for state in JobState if state is not JobState.DONE]
    jobs = access.server.jobs.page(access.collection.name, states, None, _MOST_UPLOADS)
    return [upload_view(job) for job in jobs]
