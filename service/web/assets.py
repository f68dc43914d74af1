"""The page's own files: styles, scripts and icon, under addresses that change with them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from service.http.conditional import not_modified, tag

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Assets:
    """The files by name, with one digest over all of them.

    One for all, so that a script's relative import leads to the script that it was written for.
    """

    digest: str
    files: dict[str, tuple[bytes, str]]

    def address(self, name: str) -> str:
        """Where a file is served; a file that is not there is a mistake of ours."""
        if name not in self.files:
            raise KeyError(name)
        return f"/static/{self.digest}/{name}"


@cache
def assets() -> Assets:
    """The page's own files, read once."""
    files = {
        path.name: (path.read_bytes(), _TYPES[path.suffix])
        for path in sorted(_FOLDER.iterdir())
        if path.suffix in _TYPES
    }
    etag = tag(*(part for name, (data, _) in files.items() for part in (name, data)))
    return Assets(etag.strip('"'), files)


@router.get("/static/{digest}/{name}")
def asset(digest: str, name: str, request: Request) -> Response:
    """One of the page's own files."""
    own = assets()
    if name not in own.files:
        raise HTTPException(404, "There is no such file.")
    # A page that was made before an update names an older digest, and is not kept for good.
    lasting = _FOR_GOOD if digest == own.digest else _ASK_AGAIN
    return _served(own, name, lasting, request)


@router.get("/favicon.ico")
def icon(request: Request) -> Response:
    """The icon, where browsers look for one unasked."""
    return _served(assets(), "icon.svg", _ASK_AGAIN, request)


def _served(own: Assets, name: str, lasting: str, request: Request) -> Response:
    data, media_type = own.files[name]
    headers = {"ETag": f'"{own.digest}"', "Cache-Control": lasting}
    if not_modified(request, headers["ETag"]):
        return Response(None, 304, headers)
    return Response(data, 200, headers, media_type)
