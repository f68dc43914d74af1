"""Bytes -> `Document`: the canonical text of a file and where each part of it stood.

One module reads each format; what they share is decoding, cleaning and the `TextBuilder`.
The libraries that do the parsing are imported when the first file of their format comes.
"""

import hashlib
from pathlib import PurePosixPath

from index.documents import Document, document_id
from index.errors import DocumentTooLarge, UnreadableDocument, UnsupportedFormat
from index.extract.builder import Extracted
from index.extract.cleaning import clean, has_words
from index.extract.decoding import decode, looks_binary, looks_like_text
from index.extract.sniff import HTML, MARKDOWN, PDF, SUPPORTED, binary_kind, text_kind

__all__ = ["EXTRACTOR_VERSION", "SUPPORTED", "extract", "size_limit"]

# Raised when any format is read in another way, so that files that did not change are read again.
EXTRACTOR_VERSION: int = 1

TEXT_LIMIT = 32 * 2**20
PDF_LIMIT = 256 * 2**20


def size_limit() -> int:
    """The number of bytes beyond which a file of any format is refused, known before it is read."""
    return max(TEXT_LIMIT, PDF_LIMIT)


def extract(data: bytes, *, uri: str, name: str, media_type: str | None = None) -> Document:
    """Return the document whose bytes are `data`.

    Args:
        data: the whole file.
        uri: where the file is; the document's id is made of it.
        name: a file name or path: errors begin with it and its suffix is a hint of the format.
        media_type: what the sender says the format is, a hint like the suffix; content overrules
            both.

    Raises:
        UnsupportedFormat: the bytes are of a kind that is not read.
        UnreadableDocument: they are empty, damaged, encrypted or hold no text.
        DocumentTooLarge: there are more than the format's limit, or more text than it.
    """
    label = _one_line(name) or "file"
    kind, extracted = _read(data, label, media_type)
    if not has_words(extracted.text):
        raise UnreadableDocument(f"{label}: holds no text; there is nothing in it to index")
    title = _one_line(extracted.title)
    return Document(
        id=document_id(uri),
        uri=uri,
        title=title or PurePosixPath(label.replace("\\", "/")).stem or label,
        media_type=kind,
        text=extracted.text,
        sha256=hashlib.sha256(data).hexdigest(),
        pages=extracted.pages,
        sections=extracted.sections,
        metadata={
            key: line for key, value in extracted.metadata.items() if (line := _one_line(value))
        },
    )


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


def _read(data: bytes, name: str, media_type: str | None) -> tuple[str, Extracted]:
    """Return the media type found and what its extractor made of the bytes."""
    if not data.strip():
        raise UnreadableDocument(f"{name}: is empty; there is nothing in it to index")
    kind = binary_kind(data)
    if kind == PDF:
        _check_size(data, name, PDF_LIMIT)
        from index.extract.pdf import read_pdf

        return PDF, read_pdf(data, name)
    if kind is not None:
        raise _unsupported(name, f"looks like {kind}")
    _check_size(data, name, TEXT_LIMIT)
    text = decode(data, media_type)
    if looks_binary(data) if text is None else not looks_like_text(text):
        raise _unsupported(name, "looks like binary data")
    if text is None:
        raise UnreadableDocument(
            f"{name}: is not text in any encoding known here; save it as UTF-8 and index that"
        )
    kind = text_kind(text, name, media_type)
    if kind == HTML:
        from index.extract.html import read_html

        return HTML, read_html(text)
    if kind == MARKDOWN:
        from index.extract.markdown import read_markdown

        return MARKDOWN, read_markdown(text)
    if kind in SUPPORTED:
        from index.extract.plain import read_plain

        return kind, read_plain(text)
    raise _unsupported(name, f"is {kind}")


def _check_size(data: bytes, name: str, limit: int) -> None:
    if len(data) > limit:
        raise DocumentTooLarge(
            f"{name}: has {len(data):,} bytes, more than the {limit:,} a file of its format is read"
            " up to; split it and index the parts"
        )


def _unsupported(name: str, finding: str) -> UnsupportedFormat:
    return UnsupportedFormat(
        f"{name}: {finding}, which is not read yet; text, Markdown, HTML and PDF are"
    )
