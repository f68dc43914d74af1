"""Where characters stand on a printed page: packed for storing, and read for a range of text."""

import zlib

import numpy as np
import numpy.typing as npt

from index.documents import Box, Document, Glyphs

# Left, top, right and bottom in points; see `Box` for the origin.
Rectangle = tuple[float, float, float, float]
# float32 (characters, 4): a rectangle for each code point, NaN for one that is not printed.
Places = npt.NDArray[np.float32]

# Coordinates are kept in hundredths of a point, and none is larger than this.
_UNITS = 100
_MOST = 2**24
# Neighbours on a line stand no further apart than this many times the line's height.
_WIDEST_GAP = 2.5


def unplaced(count: int) -> Places:
    """The places of `count` characters that are not printed."""
    return np.full((count, 4), np.nan, dtype=np.float32)


def pack(places: Places, size: tuple[float, float]) -> Glyphs:
    """Pack the places of a page's characters; `size` is the page's width and height in points."""
    printed = ~np.isnan(places[:, 0])
    units = np.clip(np.rint(places[printed].astype(np.float64) * _UNITS), -_MOST, _MOST)
    left, top, right, bottom = units.astype("<i4").T
    # Next to its neighbour's, a rectangle is small numbers, and much the same for equal letters.
    rows = np.stack(
        [
            left - np.concatenate(([0], right[:-1])),
            np.diff(top, prepend=0),
            right - left,
            bottom - top,
        ]
    ).astype("<i4")
    # Byte by byte, since the high ones are nearly all zero.
    data = rows.view(np.uint8).reshape(-1, 4).T.tobytes() if len(left) else b""
    return Glyphs(
        *size,
        len(printed).to_bytes(4, "little") + zlib.compress(np.packbits(printed).tobytes() + data),
    )


def unpack(glyphs: Glyphs) -> Places:
    """The places of a page's characters, to a hundredth of a point."""
    count = int.from_bytes(glyphs.data[:4], "little")
    data = zlib.decompress(glyphs.data[4:])
    bits = (count + 7) // 8
    printed = np.unpackbits(np.frombuffer(data[:bits], np.uint8), count=count).astype(bool)
    planes = np.frombuffer(data[bits:], np.uint8).reshape(4, -1)
    steps, tops, widths, heights = (
        np.ascontiguousarray(planes.T).view("<i4").reshape(4, -1).astype(np.int64)
    )
    right = np.cumsum(steps + widths)
    top = np.cumsum(tops)
    places = unplaced(count)
    units = np.stack([right - widths, top, right, top + heights], axis=1)
    places[printed] = units / _UNITS
    return places


def boxes(document: Document, start: int, end: int) -> tuple[Box, ...]:
    """The boxes around `document.text[start:end]`, in order: one for each piece of a line of print.

    Pieces are what stands far apart on a line, such as the cells of a table. Empty where the
    format fixes no places.
    """
    found: list[Box] = []
    for page in document.pages:
        if page.glyphs is None or page.end <= start or end <= page.start:
            continue
        places = unpack(page.glyphs)[max(0, start - page.start) : end - page.start]
        for rectangle in places[~np.isnan(places[:, 0])].astype(np.float64).round(2).tolist():
            _extend(found, Box(page.number, *rectangle))
    return tuple(found)


def around(places: Places) -> Places:
    """The one rectangle around all that are printed, as an array of one row; NaN if none is."""
    printed = places[~np.isnan(places[:, 0])]
    if not len(printed):
        return unplaced(1)
    return np.concatenate([printed[:, :2].min(axis=0), printed[:, 2:].max(axis=0)])[np.newaxis]


def _extend(found: list[Box], box: Box) -> None:
    """Join a character's box to the last one if both stand in one piece of a line."""
    last = found[-1] if found else None
    if last is None or last.page != box.page or not (_beside(last, box) or _along(last, box)):
        found.append(box)
        return
    found[-1] = Box(
        box.page,
        min(last.left, box.left),
        min(last.top, box.top),
        max(last.right, box.right),
        max(last.bottom, box.bottom),
    )


def _beside(last: Box, box: Box) -> bool:
    """Whether two boxes are neighbours on a level line."""
    shared = min(last.bottom, box.bottom) - max(last.top, box.top)
    lower, higher = sorted((last.bottom - last.top, box.bottom - box.top))
    gap = max(box.left - last.right, last.left - box.right)
    # What is much higher runs up or down the page.
    return higher <= 3 * lower and shared >= 0.5 * lower and gap <= _WIDEST_GAP * lower


def _along(last: Box, box: Box) -> bool:
    """Whether two boxes are neighbours on a line that runs up or down the page."""
    width = box.right - box.left
    gap = max(box.top - last.bottom, last.top - box.bottom)
    return (
        abs(box.left - last.left) <= 0.25 * width
        and abs(box.right - last.right) <= 0.25 * width
        and width > box.bottom - box.top
        and gap <= width
    )
