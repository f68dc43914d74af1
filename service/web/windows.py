"""A document's text around a quote, cut into what a page shows one below the other; pure.

A window is a bounded stretch of the text, so that a page stays small however long the document is.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from index.documents import Document, touching
from service.text import shown, visible

# Characters on each side of where a window is opened.
REACH = 20_000
# A window begins and ends with a line if one does so within this many characters.
_SNAP = 2_000

Kind = Literal["heading", "label", "text"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text, safe to show; `marked` tells that it is of the quote.

    `first` tells that the quote begins with it.
    """

    text: str
    marked: bool = False
    first: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """What stands by itself: a paragraph or table, a heading, or the label of a page or part.

    `level` is that of a heading, from 1 for the outermost; none is passed over.
    """

    kind: Kind
    pieces: tuple[Piece, ...]
    level: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """`text[start:end]` of a document in blocks; what else there is lies before and after."""

    start: int
    end: int
    blocks: tuple[Block, ...]
    has_before: bool
    has_after: bool


def window(document: Document, start: int, end: int, at: int | None = None) -> Window:
    """The window around a document's `text[start:end]`, which is marked, or around `at`.

    A quote that is longer than a window is seen in part.
    """
    middle = start if at is None else at
    first, last = _borders(document.text, middle)
    blocks = stretch(document, first, last, start, end)
    return Window(first, last, blocks, first > 0, last < len(document.text))


def stretch(document: Document, first: int, last: int, start: int, end: int) -> tuple[Block, ...]:
    """A document's `text[first:last]` in blocks, `text[start:end]` marked in it."""
    blocks = list(_blocks(document, first, last, start, end))
    for place, block in enumerate(blocks):
        if any(piece.marked for piece in block.pieces):
            blocks[place] = replace(block, pieces=tuple(_with_first(block.pieces)))
            break
    return tuple(blocks)


def _with_first(pieces: Sequence[Piece]) -> Iterator[Piece]:
    is_first = True
    for piece in pieces:
        yield replace(piece, first=piece.marked and is_first)
        is_first = is_first and not piece.marked


def _borders(text: str, middle: int) -> tuple[int, int]:
    middle = max(0, min(middle, len(text)))
    first, last = max(0, middle - REACH), min(len(text), middle + REACH)
    if first > 0:
        # Back, so that nothing lies between a window and the one before it.
        found = text.rfind("\n", max(0, first - _SNAP), first)
        first = first if found < 0 else found + 1
    if last < len(text):
        found = text.rfind("\n", last - _SNAP, last)
        last = last if found < 0 else found
    return first, last


def _blocks(document: Document, first: int, last: int, start: int, end: int) -> Iterator[Block]:
    above = 0
    labels = _labels(document, first, last)
    headings = _headings(document, first, last)
    cuts = sorted({first, last, *labels, *headings, *(end for _, end in headings.values())})
    for begin, finish in itertools.pairwise(cuts):
        for label in labels.get(begin, ()):
            yield Block("label", (Piece(label),))
        if begin in headings:
            # No deeper than one below the last, as readers of the page by ear expect.
            above = min(headings[begin][0], above + 1)
            yield from _cut(document.text, begin, finish, start, end, above)
        else:
            yield from _paragraphs(document.text, begin, finish, start, end)


def _paragraphs(text: str, begin: int, finish: int, start: int, end: int) -> Iterator[Block]:
    while begin < finish:
        gap = text.find("\n\n", begin, finish)
        stop = finish if gap < 0 else gap
        yield from _cut(text, begin, stop, start, end)
        begin = stop + 2


def _cut(
    text: str, begin: int, finish: int, start: int, end: int, level: int = 0
) -> Iterator[Block]:
    """`text[begin:finish]` as a block, without blank lines around it; nothing where it is blank."""
    whole = text[begin:finish]
    begin += len(whole) - len(whole.lstrip("\n"))
    finish -= len(whole) - len(whole.rstrip())
    if begin >= finish:
        return
    left, right = max(begin, min(start, finish)), max(begin, min(end, finish))
    if left >= right:
        pieces = [(begin, finish, False)]
    else:
        pieces = [(begin, left, False), (left, right, True), (right, finish, False)]
    yield Block(
        "heading" if level else "text",
        tuple(
            Piece(visible(text[one:other], keep="\n\t"), marked)
            for one, other, marked in pieces
            if one < other
        ),
        level,
    )


def _labels(document: Document, first: int, last: int) -> dict[int, list[str]]:
    """What pages and parts that begin in a window are called, by where they begin.

    Those in which the window begins are named at its beginning.
    """
    found: dict[int, list[str]] = {}
    for page in touching(document.pages, first, last):
        found.setdefault(max(first, page.start), []).append(f"Page {page.number}")
    for part in touching(document.parts, first, last):
        name = f"{part.kind.capitalize()} {shown(part.name).strip()}"
        found.setdefault(max(first, part.start), []).append(name)
    return found


def _headings(document: Document, first: int, last: int) -> dict[int, tuple[int, int]]:
    """The headings that begin in a window: their levels and ends, by where they begin."""
    found = {}
    text = document.text
    for section in touching(document.sections, first, last):
        gap = text.find("\n\n", section.start, min(section.end, last))
        end = min(section.end, last) if gap < 0 else gap
        is_heading = section.path and text[section.start : end].split() == section.path[-1].split()
        if section.start >= first and is_heading:
            found[section.start] = (len(section.path), end)
    return found
