"""Entity tags and conditional requests (RFC 9110, sections 8.8.3 and 13)."""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from service.errors import PreconditionFailed

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_GZIP = "-gzip"

_RANGE = re.compile(r"bytes=\s*([0-9]{0,15})-([0-9]{0,15})\s*")

IF_NONE_MATCH: dict[int | str, dict[str, Any]] = {
    304: {"description": "It is what If-None-Match names; there is no body."}
}


# Kept by the browser of whoever asked, and asked for again each time.
CACHED = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie, X-API-Key"}


def reply(
    request: Request,
    body: str | bytes,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer to a GET: what is asked for under its tag, or 304 where the client has it."""
    etag = tag(body)
    tagged = {"ETag": etag, **CACHED, **(headers or {})}
    if not_modified(request, etag):
        return Response(status_code=304, headers=tagged)
    return Response(body, 200, tagged, media_type)


def tag(*parts: str | bytes) -> str:
    """A strong entity tag for what has these parts; equal parts have equal tags."""
    digest = sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return f'"{digest.hexdigest()[:32]}"'


def not_modified(request: Request, etag: str) -> bool:
    """Whether the client has what this tag names: `If-None-Match` says so."""
    found = request.headers.get("if-none-match")
    return found is not None and (found.strip() == "*" or etag in _tags(found))


def require_match(request: Request, etag: Callable[[], str]) -> None:
    """Make sure that what is there is what the client takes it for, if it says so.

    `etag` gives its tag, and is called only where that is asked.

    Raises:
        PreconditionFailed: `If-Match` names something else.
    """
    found = request.headers.get("if-match")
    if found is None or found.strip() == "*":
        return
    # A weak tag does not do to change something.
    if etag() not in _tags(found, weak=False):
        raise PreconditionFailed(
            "it is not what If-Match names any more; fetch it again, and look before you change it"
        )


def compressed_tag(etag: str) -> str:
    """The tag of the same thing where it is sent compressed, which has other bytes."""
    return f'{etag[:-1]}{_GZIP}"'


def _tags(listed: str, *, weak: bool = True) -> list[str]:
    """The tags in a header's list, as they are where nothing is compressed."""
    return [
        f'"{value.removesuffix(_GZIP)}"' for mark, value in _TAG.findall(listed) if weak or not mark
    ]


def range_wanted(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """The one range of bytes, half-open, that `Range` asks for of `size` bytes.

    None where all are to be sent: no range is asked for, or several, or of what is not this any
    more (`If-Range`).

    Raises:
        HTTPException: there are no such bytes.
    """
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    if found is None or request.headers.get("if-range", etag).strip() != etag:
        return None
    first, last = found[1], found[2]
    if not first and not last:
        return None
    begin = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if begin >= size or end <= begin:
        raise HTTPException(
            416,
            f"There are {size:,} bytes; ask for some of these.",
            {"Content-Range": f"bytes */{size}"},
        )
    return begin, end
