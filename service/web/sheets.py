"""A printed page as the viewer shows it: its size, the boxes of a quote, and its lines; pure."""

import itertools
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from index.boxes import boxes, unpack
from index.documents import Box, Document, Page
from service.text import shown

# With more characters than this, a page's lines are not told: it is no page that anyone reads.
_MOST_CHARACTERS = 40_000
# A line ends where the next character stands off by more than this many times its height.
_WIDEST_GAP = 1.5


@dataclass(frozen=True, slots=True)
class Line:
    """Text printed along one line, in points from the page's top left corner."""

    text: str
    left: float
    bottom: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page, one-based; `width` and `height` are in points, `start` and `end` its text's range.

    `before` and `after` are the numbers of its neighbours, `last` that of the last page; `boxes`
    are those of the quote that stand on it, `lines` what can be read on it.
    """

    number: int
    before: int | None
    after: int | None
    last: int
    start: int
    end: int
    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def sheet(document: Document, number: int, start: int, end: int) -> Sheet | None:
    """A page of a document, with where `text[start:end]` stands on it.

    None where there is no such page, or where the format does not fix where things stand.
    """
    pages = document.pages
    at = bisect_left(pages, number, key=lambda page: page.number)
    if at == len(pages) or pages[at].number != number:
        return None
    page = pages[at]
    if page.glyphs is None:
        return None
    return Sheet(
        number,
        pages[at - 1].number if at > 0 else None,
        pages[at + 1].number if at + 1 < len(pages) else None,
        pages[-1].number,
        page.start,
        page.end,
        round(page.glyphs.width, 2),
        round(page.glyphs.height, 2),
        tuple(
            box
            for box in boxes(document, max(start, page.start), min(end, page.end))
            if box.page == number
        ),
        _lines(document.text, page) if page.end - page.start <= _MOST_CHARACTERS else (),
    )


def _lines(text: str, page: Page) -> tuple[Line, ...]:
    """The page's text in stretches that are printed along one line, in the text's order."""
    assert page.glyphs is not None  # noqa: S101 - for mypy; the caller has looked
    places = unpack(page.glyphs)
    (printed,) = np.nonzero(~np.isnan(places[:, 0]))
    if not len(printed):
        return ()
    left, top, right, bottom = places[printed].astype(np.float64).T
    height = np.maximum(bottom - top, 0.1)
    shared = np.minimum(bottom[:-1], bottom[1:]) - np.maximum(top[:-1], top[1:])
    gap = left[1:] - right[:-1]
    lower = np.minimum(height[:-1], height[1:])
    breaks = (shared < 0.4 * lower) | (gap > _WIDEST_GAP * lower) | (gap < -lower)
    borders = [0, *(np.nonzero(breaks)[0] + 1).tolist(), len(printed)]
    lines = []
    for first, last in itertools.pairwise(borders):
        words = shown(
            text[page.start + int(printed[first]) : page.start + int(printed[last - 1]) + 1]
        )
        box = left[first:last].min(), right[first:last].max(), bottom[first:last].max()
        lines.append(
            Line(
                words,
                round(float(box[0]), 1),
                round(float(box[2]), 1),
                round(float(box[1] - box[0]), 1),
                round(float(box[2] - top[first:last].min()), 1),
            )
        )
    return tuple(lines)
