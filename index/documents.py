"""The types of the indexing side, one for each stage a text goes through.

All offsets are Unicode code points into `Document.text`, zero-based and half-open.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a document: `text[start:end]`; `number` is one-based."""

    number: int
    start: int
    end: int


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

    Pages and sections are in order and do not overlap; either may be empty. `sha256` is the
    digest of the original bytes, in hexadecimal.
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

    def page_at(self, offset: int) -> int | None:
        """The one-based page on which the character at `offset` stands, or None."""
        page = _covering(self.pages, offset)
        return None if page is None else page.number

    def section_at(self, offset: int) -> tuple[str, ...]:
        """The headings above the character at `offset`, outermost first; maybe none."""
        section = _covering(self.sections, offset)
        return () if section is None else section.path


_Range = TypeVar("_Range", Page, Section)


def _covering(ranges: tuple[_Range, ...], offset: int) -> _Range | None:
    position = bisect_right(ranges, offset, key=lambda part: part.start) - 1
    if position >= 0 and offset < ranges[position].end:
        return ranges[position]
    return None


def document_id(uri: str) -> str:
    """The id of the document at `uri`: it stays the same when the document's content changes."""
    return hashlib.sha256(uri.encode("utf-8", "surrogatepass")).hexdigest()[:16]


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
    in [-1, 1]; `lexical_score` is BM25, from 0 (no word shared) up.
    """

    passage: Passage
    score: float
    dense_score: float
    lexical_score: float
