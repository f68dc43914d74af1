"""The files that documents were read from, and pages of them as pictures, over HTTP."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response, StreamingResponse

from index.provenance import Original
from index.rendering import LEAST_WIDTH, MOST_WIDTH
from service.http.access import ReadAccess
from service.http.conditional import CACHED, IF_NONE_MATCH, not_modified, range_wanted, reply
from service.http.documents import DocumentId
from service.http.openapi import problems

_STEP = 256 * 1024

# A document is not ours: whatever it holds must not run in our name, even where it is opened.
_HARMLESS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
}
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")

router = APIRouter(prefix="/v1/documents", tags=["documents"])


def _original(document_id: DocumentId, access: ReadAccess) -> Iterator[Original]:
    with access.server.drawing.enter():
        original = access.collection.engine.original(document_id)
    with original:
        yield original


@router.get(
    "/{document_id}/original",
    summary="Get a document's original",
    response_class=StreamingResponse,
    responses=problems(404, 416, 422, 503)
    | IF_NONE_MATCH
    | {
        200: {
            "description": "The file's bytes, as a download.",
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        },
        206: {"description": "The bytes that Range asks for."},
    },
)
def get_original(request: Request, original: Annotated[Original, Depends(_original)]) -> Response:
    """The file that a document was read from, byte for byte; `Range` gives a part of it.

    404 where it is not to be had: it was not kept, or has changed or gone since.
    """
    etag = f'"{original.sha256}"'
    headers = {
        **_HARMLESS,
        **CACHED,
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": attachment(original.name),
    }
    if not_modified(request, etag):
        return Response(status_code=304, headers={"ETag": etag, **CACHED})
    first, last = range_wanted(request, etag, original.size) or (0, original.size)
    status = 200
    if (first, last) != (0, original.size):
        status = 206
        headers["Content-Range"] = f"bytes {first}-{last - 1}/{original.size}"
    headers["Content-Length"] = str(last - first)
    # Given as a header, since nothing is known of the encoding, and none must be claimed.
    known = _TYPE.fullmatch(original.media_type)
    headers["Content-Type"] = original.media_type if known else "application/octet-stream"
    return StreamingResponse(_bytes(original, first, last), status, headers)


def _bytes(original: Original, first: int, last: int) -> Iterator[bytes]:
    original.file.seek(first)
    while first < last and (part := original.file.read(min(_STEP, last - first))):
        first += len(part)
        yield part


@router.get(
    "/{document_id}/pages/{page}.png",
    summary="Get a page as a picture",
    response_class=Response,
    responses=problems(404, 413, 422, 503)
    | IF_NONE_MATCH
    | {
        200: {
            "description": "The page as a PNG file.",
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def get_page_image(
    request: Request,
    document_id: DocumentId,
    page: Annotated[int, Path(description="The page, one-based.", ge=1, le=10**6, examples=[4])],
    access: ReadAccess,
    width: Annotated[
        int,
        Query(description="Its width in pixels, at most.", ge=LEAST_WIDTH, le=MOST_WIDTH),
    ] = 1200,
) -> Response:
    """A page of a PDF, drawn. A box times the picture's width over the page's lies on its words."""
    with access.server.drawing.enter():
        png = access.collection.engine.page_image(document_id, page, width).png
    return reply(request, png, "image/png", _HARMLESS)


def attachment(name: str) -> str:
    """The `Content-Disposition` of a download with this file name (RFC 6266).

    Characters that are not seen, steer the order of writing, or part folders are left out.
    """
    shown = "".join(
        "_" if one in '/\\"' else " " if one.isspace() else one
        for one in name
        if unicodedata.category(one)[0] != "C"
    ).strip(" .")
    shown = shown or "document"
    plain = unicodedata.normalize("NFKD", shown).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", plain).strip(" .") or "document"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(shown, safe='')}"
