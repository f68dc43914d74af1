"""Tasks and what came of them as messages between processes: JSON, and bytes behind it.

A message is the length of the JSON, the length of the bytes (eight bytes each, big-endian), the
JSON in UTF-8, the bytes. Nothing in it is ever run, and what a reading process sends is checked
whole: it may be in the power of the document it reads.
"""

import json
import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, TypeVar, get_args

from index.documents import (
    INSIDE,
    Cell,
    Document,
    Glyphs,
    Page,
    Part,
    PartKind,
    Problem,
    Section,
    document_id,
)
from index.errors import (
    DocumentError,
    DocumentTooLarge,
    LostOriginal,
    UnknownPage,
    UnreadableDocument,
    UnsupportedFormat,
)
from index.extract import Extraction
from index.extract.inside import Taken
from index.extract.source import Reading
from index.rendering import PageImage, png_size
from index.sandbox.jobs import Drawing, Held, Job, Result, Task

_LENGTHS = struct.Struct(">QQ")
_LARGEST = 2**31

_Ranges = Sequence[Page | Section | Part | Cell]


class BadMessage(Exception):
    """What was received is no message, or none that may be sent."""


class MessageTooLarge(BadMessage):
    """The message is larger than the receiver takes."""


def send(
    stream: IO[bytes], header: Mapping[str, Any], blobs: Iterable[bytes] = (), length: int = 0
) -> None:
    """Write a message whose blobs have `length` bytes together.

    Raises:
        OSError: the stream is broken.
        BadMessage: the blobs came to less or more; the message was begun.
    """
    # Names of files may hold lone surrogates, where their bytes are not UTF-8.
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":"))
    encoded = text.encode("utf-8", "surrogatepass")
    stream.write(_LENGTHS.pack(len(encoded), length))
    stream.write(encoded)
    for blob in blobs:
        length -= len(blob)
        stream.write(blob)
    stream.flush()
    if length != 0:
        raise BadMessage(f"{length} bytes were missing")


def receive(stream: IO[bytes], most: int | None = None) -> tuple[dict[str, Any], bytes]:
    """Read a message of at most `most` bytes.

    Raises:
        EOFError: the stream has ended, maybe in the middle of a message.
        MessageTooLarge: it is larger; nothing but its lengths was read.
        BadMessage: it is no message.
    """
    header_length, blob_length = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    if most is not None and header_length + blob_length > most:
        raise MessageTooLarge(f"{header_length + blob_length:,} bytes; at most {most:,} are taken")
    encoded = _exactly(stream, header_length)
    blob = _exactly(stream, blob_length)
    try:
        header = json.loads(str(encoded, "utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"no JSON: {error}") from error
    return _a(dict, header), blob


def _exactly(stream: IO[bytes], count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise EOFError
    return found


def task_header(task: Task) -> dict[str, Any]:
    """What a task says of a file; the file's bytes are the blob."""
    match task:
        case Job():
            return {"do": "read", **_job_header(task)}
        case Held():
            return {"do": "take", **_held_header(task)}
        case Drawing():
            return {
                "do": "draw",
                "page": task.page,
                "width": task.width,
                **_held_header(task.held),
            }


def _job_header(job: Job) -> dict[str, Any]:
    options = job.options
    return {
        "uri": job.uri,
        "name": job.name,
        "media_type": job.media_type,
        "metadata": dict(job.metadata),
        "title": job.title,
        "options": [list(options.json_text), list(options.json_metadata), options.ocr],
    }


def _held_header(held: Held) -> dict[str, Any]:
    return {
        "name": held.name,
        "sha256": held.sha256,
        "inside": held.inside,
        "sha256_inside": held.sha256_inside,
        "media_type": held.media_type,
    }


def task_from(header: Mapping[str, Any], data: bytes) -> Task:
    """The task in a message; it comes from the program and is believed."""
    if header["do"] == "read":
        return _job_from(header, data)
    held = Held(
        name=header["name"],
        sha256=header["sha256"],
        data=data,
        inside=header["inside"],
        sha256_inside=header["sha256_inside"],
        media_type=header["media_type"],
    )
    return held if header["do"] == "take" else Drawing(held, header["page"], header["width"])


def _job_from(header: Mapping[str, Any], data: bytes) -> Job:
    text, metadata, ocr = header["options"]
    return Job(
        uri=header["uri"],
        name=header["name"],
        data=data,
        media_type=header["media_type"],
        metadata=header["metadata"],
        title=header["title"],
        options=Reading(tuple(text), tuple(metadata), ocr),
    )


# What may come of a task beside a result, by the name it is sent under.
_FAILURES: dict[str, type[DocumentError]] = {
    kind.__name__: kind
    for kind in (
        UnreadableDocument,
        UnsupportedFormat,
        DocumentTooLarge,
        LostOriginal,
        UnknownPage,
        DocumentError,
    )
}


def result_message(result: Result | DocumentError) -> tuple[dict[str, Any], list[bytes]]:
    """What came of a task, as a header and blobs."""
    match result:
        case Extraction():
            return extraction_message(result)
        case Taken():
            return {"inside": result.inside, "media_type": result.media_type}, [result.data]
        case PageImage():
            return {}, [result.png]
        case DocumentError():
            return {"failed": type(result).__name__, "reason": str(result)}, []


def result_from(header: Mapping[str, Any], blob: bytes, task: Task) -> Result | DocumentError:
    """What came of a task, in a message.

    Raises:
        BadMessage: it is nothing that can have come of it.
    """
    if isinstance(task, Job):
        return extraction_from(header, blob, task.uri)
    try:
        if "failed" in header:
            return _FAILURES[_a(str, header["failed"])](_a(str, header["reason"]))
        if isinstance(task, Drawing):
            width, height = png_size(blob)
            return PageImage(blob, task.page, width, height)
        inside, kind = _a(str, header["inside"]), header["media_type"]
        if inside != task.inside and not (task.inside + INSIDE).startswith(inside + INSIDE):
            raise ValueError("a file that was not asked for")
        return Taken(blob, inside, None if kind is None else _a(str, kind))
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise BadMessage(f"no result: {error!r}") from error


def extraction_message(extraction: Extraction) -> tuple[dict[str, Any], list[bytes]]:
    """An extraction as a header and blobs: the glyphs of all pages, one after the other."""
    header = {
        "sha256": extraction.sha256,
        "documents": [_document_header(document) for document in extraction.documents],
        "problems": [[it.uri, it.reason, it.unsupported] for it in extraction.problems],
    }
    pages = [page for document in extraction.documents for page in document.pages]
    return header, [page.glyphs.data for page in pages if page.glyphs is not None]


def _document_header(document: Document) -> dict[str, Any]:
    return {
        "uri": document.uri,
        "title": document.title,
        "media_type": document.media_type,
        "text": document.text,
        "sha256": document.sha256,
        "pages": [_page_header(page) for page in document.pages],
        "sections": [[list(it.path), it.start, it.end] for it in document.sections],
        "metadata": dict(document.metadata),
        "parts": [[part.kind, part.name, part.start, part.end] for part in document.parts],
        "cells": [n for it in document.cells for n in (it.start, it.end, it.row, it.column)],
        "title_from_name": document.title_from_name,
    }


def _page_header(page: Page) -> list[Any]:
    glyphs = page.glyphs
    size = [] if glyphs is None else [glyphs.width, glyphs.height, len(glyphs.data)]
    return [page.number, page.start, page.end, *size]


def extraction_from(header: Mapping[str, Any], blob: bytes, uri: str) -> Extraction:
    """The extraction in a message, as the answer to a job for `uri`.

    Raises:
        BadMessage: it is not one that an extractor can have made of that file.
    """
    try:
        blobs = _Blobs(blob)
        documents = tuple(
            _document_from(_a(dict, it), blobs, uri) for it in _a(list, header["documents"])
        )
        blobs.end()
        problems = tuple(
            Problem(_inside(_text(place), uri), _text(reason), _a(bool, unsupported))
            for place, reason, unsupported in _a(list, header["problems"])
        )
        return Extraction(documents, problems, _digest(header["sha256"]))
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise BadMessage(f"no extraction: {error!r}") from error


def _document_from(header: Mapping[str, Any], blobs: "_Blobs", uri: str) -> Document:
    place = _inside(_text(header["uri"]), uri)
    text = _text(header["text"])
    pages = [_page_from(_a(list, it), blobs) for it in _a(list, header["pages"])]
    sections = [
        Section(tuple(_text(heading) for heading in _a(list, path)), _number(start), _number(end))
        for path, start, end in _a(list, header["sections"])
    ]
    parts = [
        Part(_kind(kind), _text(name), _number(start), _number(end))
        for kind, name, start, end in _a(list, header["parts"])
    ]
    cells = list(_cells_from(_a(list, header["cells"])))
    kinds: tuple[_Ranges, ...] = (pages, sections, parts, cells)
    for ranges in kinds:
        _check_order(ranges, len(text))
    return Document(
        id=document_id(place),
        uri=place,
        title=_text(header["title"]),
        media_type=_text(header["media_type"]),
        text=text,
        sha256=_digest(header["sha256"]),
        pages=tuple(pages),
        sections=tuple(sections),
        metadata={_text(k): _text(v) for k, v in _a(dict, header["metadata"]).items()},
        parts=tuple(parts),
        cells=tuple(cells),
        title_from_name=_a(bool, header["title_from_name"]),
    )


def _page_from(fields: list[Any], blobs: "_Blobs") -> Page:
    number, start, end, *size = fields
    glyphs = None
    if size:
        width, height, length = size
        glyphs = Glyphs(_length(width), _length(height), blobs.take(_number(length)))
    return Page(_number(number), _number(start), _number(end), glyphs)


def _cells_from(numbers: list[Any]) -> Iterator[Cell]:
    for start, end, row, column in zip(*[iter(numbers)] * 4, strict=True):
        yield Cell(_number(start), _number(end), _number(row), _number(column))


class _Blobs:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        if not 0 <= length <= len(self._data) - self._at:
            raise ValueError(f"no {length} bytes at {self._at} of {len(self._data)}")
        self._at += length
        return self._data[self._at - length : self._at]

    def end(self) -> None:
        if self._at != len(self._data):
            raise ValueError(f"{len(self._data) - self._at} bytes too many")


_T = TypeVar("_T")


def _a(kind: type[_T], value: object) -> _T:
    # JSON gives these very types, and a bool is no int here.
    if type(value) is not kind:
        raise BadMessage(f"{type(value).__name__} where {kind.__name__} belongs")
    return value


def _number(value: object) -> int:
    # No file has more of anything, and the database takes no more than eight bytes of a number.
    number = _a(int, value)
    if not 0 <= number <= _LARGEST:
        raise ValueError(f"no number of anything: {number.bit_length()} bits")
    return number


def _text(value: object) -> str:
    text = _a(str, value)
    # The database takes no lone surrogates.
    text.encode()
    return text


def _kind(value: object) -> PartKind:
    for kind in get_args(PartKind):
        if value == kind:
            found: PartKind = kind
            return found
    raise ValueError(f"no kind of part: {value!r}")


def _length(value: object) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"no length: {value!r}")
    length = float(value)  # type: ignore[arg-type]
    if not (math.isfinite(length) and length >= 0):
        raise ValueError(f"no length: {value!r}")
    return length


def _digest(value: object) -> str:
    digest = _a(str, value)
    if digest and (len(digest) != 64 or not set(digest) <= set("0123456789abcdef")):
        raise ValueError("no SHA-256")
    return digest


def _inside(place: str, uri: str) -> str:
    if place != uri and not place.startswith(uri + INSIDE):
        raise ValueError("a place outside the file that was read")
    return place


def _check_order(ranges: _Ranges, length: int) -> None:
    ends = 0
    for it in ranges:
        if not ends <= it.start <= it.end <= length:
            raise ValueError(f"{it.start}-{it.end} after {ends} in {length}")
        ends = it.end
