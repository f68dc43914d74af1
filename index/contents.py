"""What makes two documents copies of each other, and what tells one embedded text from another."""

import hashlib
import json

from index.documents import Document, Page


def content_key(document: Document) -> bytes:
    """A digest of all that a document is, but for where it stands and what it is called for that.

    Documents with equal keys are copies of each other.
    """
    digest = hashlib.sha256()
    head = [
        document.sha256,
        document.media_type,
        None if document.title_from_name else document.title,
        sorted(document.metadata.items()),
        [[page.number, page.start, page.end, _glyphs_key(page)] for page in document.pages],
        [[s.start, s.end, *s.path] for s in document.sections],
        [[part.kind, part.name, part.start, part.end] for part in document.parts],
        [[c.start, c.end, c.row, c.column] for c in document.cells],
    ]
    digest.update(json.dumps(head).encode())
    digest.update(b"\0")
    digest.update(document.text.encode())
    return digest.digest()


def _glyphs_key(page: Page) -> list[object] | None:
    if page.glyphs is None:
        return None
    data = hashlib.sha256(page.glyphs.data).hexdigest()
    return [float(page.glyphs.width), float(page.glyphs.height), data]


def folded(text: str) -> bytes:
    """A text without case, in UTF-8: texts that differ in nothing else give the same."""
    return text.casefold().encode("utf-8", "surrogatepass")


def unfolded(data: bytes) -> str:
    """The text without case that `folded` made this of."""
    return data.decode("utf-8", "surrogatepass")


def passage_digest(embedded: str) -> bytes:
    """16 bytes that tell what was embedded of a passage from all other texts."""
    return hashlib.sha256(embedded.encode()).digest()[:16]


def text_digest(text: str) -> str:
    """The SHA-256 of a canonical text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
