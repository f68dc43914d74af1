"""Where the page's own pages are; pure."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode

from service.host.collections import DEFAULT
from service.links import view_path

# Where on that page the quote is marked.
QUOTE = "#quote"

Fields = Sequence[tuple[str, str]]


def page(path: str, collection: str, fields: Fields = ()) -> str:
    """A page about a collection; the default one is not named."""
    named = [] if collection == DEFAULT else [("collection", collection)]
    query = urlencode([*named, *fields])
    return f"{path}?{query}" if query else path


def view(collection: str, document_id: str, start: int, end: int, fields: Fields = ()) -> str:
    """The page that shows `text[start:end]` of a document in its source."""
    address = view_path(collection, document_id, start, end)
    return f"{address}{'&' if fields else ''}{urlencode(fields)}{QUOTE}"


def document(collection: str, document_id: str, what: str, **query: str | int) -> str:
    """A part of what the HTTP API gives of a document: `original`, or a picture of a page."""
    fields: Mapping[str, str | int] = query | (
        {} if collection == DEFAULT else {"collection": collection}
    )
    address = f"/v1/documents/{quote(document_id, safe='')}/{what}"
    return f"{address}?{urlencode(fields)}" if fields else address
