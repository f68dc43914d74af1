"""The types of the indexing side, one for each stage a text goes through.

All offsets are Unicode code points into `Document.text`, zero-based and half-open.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeVar

# Stands in a URI between a container's own and the path of what is in it, and nowhere else.
INSIDE = "!/"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Where each character of a printed page stands; `index.boxes` reads and writes it.

    `width` and `height` are those of the page as it is shown (turned and cropped), in points.
    `data` holds a rectangle, or none, for each code point of the page's text, packed.
    """

    width: float
    height: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a printed page, in points.

    The origin is the top left corner of the page as it is shown (turned and cropped); x runs to
    the right and y down. `page` is one-based.
    """

    page: int
    left: float
    top: float
    right: float
    bottom: float


def rectangle(boxes: Sequence[Box]) -> tuple[float, float, float, float]:
    """The left, top, right and bottom of the rectangle around boxes of one page, at least one."""
    return (
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a document: `text[start:end]`; `number` is one-based.

    `glyphs` tells where its characters stand, for formats that fix it (PDF).
    """

    number: int
    start: int
    end: int
    glyphs: Glyphs | None = None


PartKind = Literal["sheet", "slide", "part"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the original that is no page: `text[start:end]`.

    `name` is a sheet's name, a slide's one-based number, or the number of a message's part as
    IMAP has it ("1.2").
    """

    kind: PartKind
    name: str
    start: int
    end: int


class Cell(NamedTuple):
    """What stands in one cell of a sheet: `text[start:end]`; `row` and `column` are one-based.

    A named tuple, since a sheet may have a million and is fetched for each of its quotes.
    """

    start: int
    end: int
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Section:
    """The stretch from one heading, its line included, up to the next heading of any level.

    `path` holds the headings that lead here, outermost first, its own heading last.
    """

    path: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """A document's canonical text and where each part of it stood in the original.

    Pages, sections, parts and cells are in order and do not overlap among their own kind; each may
    be empty. `sha256` is the digest of the original bytes, in hexadecimal. `title_from_name` tells
    that the file states no title and is called by its name. `copies` are the URIs of the other
    places at which the same content stands.
    """

    id: str
    uri: str
    title: str
    media_type: str
    text: str
    sha256: str
    pages: tuple[Page, ...] = ()
    sections: tuple[Section, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    cells: tuple[Cell, ...] = ()
    title_from_name: bool = False
    copies: tuple[str, ...] = ()

    def page_at(self, offset: int) -> int | None:
        """The one-based page on which the character at `offset` stands, or None."""
        page = _covering(self.pages, offset)
        return None if page is None else page.number

    def section_at(self, offset: int) -> tuple[str, ...]:
        """The headings above the character at `offset`, outermost first; maybe none."""
        section = _covering(self.sections, offset)
        return () if section is None else section.path

    def part_at(self, kind: PartKind, offset: int) -> str | None:
        """The name of the part of this kind in which the character at `offset` stands, or None."""
        part = _covering(tuple(part for part in self.parts if part.kind == kind), offset)
        return None if part is None else part.name

    def cells_in(self, start: int, end: int) -> tuple[Cell, ...]:
        """The cells that share a character with `text[start:end]`, in order."""
        return touching(self.cells, start, end)


_Range = TypeVar("_Range", Page, Section, Part, Cell)


def touching(ranges: tuple[_Range, ...], start: int, end: int) -> tuple[_Range, ...]:
    """Those of ranges in order that share a character with `text[start:end]`."""
    first = bisect_right(ranges, start, key=lambda part: part.end)
    last = bisect_left(ranges, end, key=lambda part: part.start)
    return ranges[first:last]


def _covering(ranges: tuple[_Range, ...], offset: int) -> _Range | None:
    position = bisect_right(ranges, offset, key=lambda part: part.start) - 1
    if position >= 0 and offset < ranges[position].end:
        return ranges[position]
    return None


def document_id(uri: str) -> str:
    """The id of the document at `uri`: it stays the same when the document's content changes."""
    return hashlib.sha256(uri.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file, or a document inside it, was not read; `reason` begins with its name.

    `unsupported` tells that it is of a kind nothing here reads.
    """

    uri: str
    reason: str
    unsupported: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document that is embedded, searched and read as one.

    `text == document.text[start:end]`. `context` is what a person turning to this page would see
    above it (title and headings); it helps to find the passage and is never part of a quote.
    """

    document_id: str
    start: int
    end: int
    text: str
    context: str = ""

    @property
    def id(self) -> str:
        """A name for this passage that is unique in an index."""
        return f"{self.document_id}:{self.start}-{self.end}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a question; higher scores are better.

    `score` orders the hits and lies in [0, 1]; `dense_score` is the cosine of question and passage
    in [-1, 1]; `lexical_score` is BM25, from 0 (no word shared) up. `duplicates` are passages of
    other documents that say nothing which the hits do not say; see `index.duplicates`.
    """

    passage: Passage
    score: float
    dense_score: float
    lexical_score: float
    duplicates: tuple[Passage, ...] = ()
