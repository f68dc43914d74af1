"""One page of a PDF: its characters and where they stand, as lines of print. Needs PDFium's lock.

A file's own coordinates are turned into those of the page as it is shown, turned and cropped:
points, origin top left, x to the right and y down.
"""

import ctypes
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from index.boxes import Places
from index.extract.layout import middle
from index.extract.lines import COLUMN_GAP, Line, Stretch, are_cells, join_fragments
from index.extract.order import in_order
from index.extract.printed import Printed, mended
from index.extract.rows import columns_apart

if TYPE_CHECKING:
    import pypdfium2
    from PIL.Image import Image

# What PDFium puts in place of a hyphen that parts a word at the end of a line.
_HYPHENS = ("\x02", "\ufffe")
_LINE_END = re.compile("[\n\x02\ufffe]|\\Z")
_BLANKS = "".join(map(chr, range(0x21)))
# How far a line's boxes reach below and above its base line, in sizes of type: as a marker does.
_BELOW, _ABOVE = 0.22, 0.75
# So many of a line's characters are asked for their size and base: at first, and in doubt.
_FEW, _MANY = 3, 8
# A picture of a page for recognition: dots an inch, and pixels at most.
_RESOLUTION = 300
_MOST_PIXELS = 40_000_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page as it is shown: its width and height in points, and its lines in order.

    `is_blank` tells that nothing at all is drawn on it.
    """

    size: tuple[float, float]
    lines: Sequence[Line]
    is_blank: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """How a page is shown: the part of it that is seen, in its own coordinates, and its turn.

    `turn` counts quarters of a turn with the clock.
    """

    left: float
    bottom: float
    right: float
    top: float
    turn: int

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the page as it is shown."""
        width, height = abs(self.right - self.left), abs(self.top - self.bottom)
        return (height, width) if self.turn % 2 else (width, height)

    @property
    def matrix(self) -> npt.NDArray[np.float64]:
        """The (2, 3) matrix that turns a point (x, y, 1) of the page into one as it is shown."""
        rows = (
            ((1, 0, -self.left), (0, -1, self.top)),
            ((0, 1, -self.bottom), (1, 0, -self.left)),
            ((-1, 0, self.right), (0, 1, -self.bottom)),
            ((0, -1, self.top), (-1, 0, self.right)),
        )
        return np.array(rows[self.turn % 4], dtype=np.float64)


def read_sheet(page: "pypdfium2.PdfPage") -> Sheet:
    """Read a page's lines."""
    import pypdfium2.raw as pdfium

    shown = showing(page)
    with closing(page.get_textpage()) as text_page:
        lines = join_fragments(list(_Characters(text_page, shown).lines()))
    return Sheet(
        shown.size, in_order(columns_apart(lines)), pdfium.FPDFPage_CountObjects(page) == 0
    )


def picture(page: "pypdfium2.PdfPage") -> tuple["Image", float]:
    """Return a grey picture of a page and how many pixels a point has in it; needs Pillow."""
    width, height = showing(page).size
    scale = min(_RESOLUTION / 72, math.sqrt(_MOST_PIXELS / max(1.0, width * height)))
    with closing(page.render(scale=scale, grayscale=True)) as bitmap:
        return bitmap.to_pil().copy(), scale


def showing(page: "pypdfium2.PdfPage") -> Shown:
    """How a page is shown; what all its boxes are measured by."""
    import pypdfium2.raw as pdfium

    box = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(page, box)
    left, bottom, right, top = map(_finite, (box.left, box.bottom, box.right, box.top))
    return Shown(left, bottom, right, top, pdfium.FPDFPage_GetRotation(page) % 4)


class _Characters:
    """A page's characters, and their boxes as the page is shown."""

    def __init__(self, text_page: Any, shown: Shown) -> None:
        self._page = text_page
        self._matrix = shown.matrix
        self._text = _text(text_page)
        self._places = _transformed(_boxes(text_page, len(self._text)), self._matrix)
        self._places[[character <= " " for character in self._text]] = np.nan

    def lines(self) -> Iterator[Line]:
        """Yield the lines of print, as PDFium parts them; a marked hyphen ends a line too."""
        import pypdfium2.raw as pdfium

        start = 0
        for match in _LINE_END.finditer(self._text):
            at, mark = match.start(), match[0]
            hyphenated = mark in _HYPHENS and pdfium.FPDFText_IsHyphen(self._page, at) == 1
            if mark not in _HYPHENS or hyphenated:
                line = self._line(start, at, hyphenated=hyphenated)
                if line is not None:
                    yield line
                start = at + 1

    def _line(self, start: int, end: int, *, hyphenated: bool) -> Line | None:
        import pypdfium2.raw as pdfium

        text = self._text[start:end].rstrip(_BLANKS)
        last = start + len(text)
        text = text.lstrip(_BLANKS)
        if not text:
            return None
        start = last - len(text)
        way = Way.of(pdfium.FPDFText_GetCharAngle(self._page, start), self._matrix)
        size, base = self._measures(start, last, way)
        places = way.banded(self._places[start : end + hyphenated], base, size)
        printed, has_leaders = mended(Printed(text, places[: last - start]))
        stretches = stretches_of(printed, way, COLUMN_GAP * size)
        if not printed.text:
            return None
        return Line(
            printed,
            left=min((stretch.left for stretch in stretches), default=0.0),
            right=max((stretch.right for stretch in stretches), default=0.0),
            base=base,
            size=size,
            turn=way.degrees,
            hyphen=Printed("-", places[-1:]) if hyphenated else None,
            spaced=has_leaders or are_cells(stretches, size),
            stretches=stretches,
        )

    def _measures(self, start: int, end: int, way: "Way") -> tuple[float, float]:
        """The size of a line's type and the height of its base."""
        found = self._sampled(start, end, _FEW, way) if end - start > _MANY else []
        if len(set(found)) != 1:
            # Among the few may be the raised number of a note, so more are asked.
            found = self._sampled(start, end, _MANY, way)
        sizes, bases = zip(*found, strict=True)
        return middle(sizes), middle(bases)

    def _sampled(self, start: int, end: int, count: int, way: "Way") -> list[tuple[float, float]]:
        step = max(1, (end - start) // count)
        return [
            (_size(self._page, at), _finite(way.height(self._origin(at))))
            for at in range(start, end, step)
            if self._text[at] > " "
        ]

    def _origin(self, at: int) -> tuple[float, float]:
        """Where on the page a character stands."""
        import pypdfium2.raw as pdfium

        x, y = ctypes.c_double(), ctypes.c_double()
        pdfium.FPDFText_GetCharOrigin(self._page, at, x, y)
        across, down = (self._matrix @ (_finite(x.value), _finite(y.value), 1.0)).tolist()
        return across, down


@dataclass(frozen=True, slots=True)
class Way:
    """The direction in which a line is read, on the page as it is shown.

    `x` and `y` are a step along the line; `degrees` count against the clock.
    """

    x: float
    y: float
    degrees: int

    @classmethod
    def of(cls, radians: float, matrix: npt.NDArray[np.float64]) -> "Way":
        """The direction of text that is turned by `radians` with the clock in the file."""
        radians = _finite(radians)
        x, y = matrix[:, :2] @ (math.cos(radians), -math.sin(radians))
        degrees = round(math.degrees(math.atan2(-y, x))) % 360
        if degrees % 90 == 0:
            x, y = round(x), round(y)
        return cls(float(x), float(y), degrees)

    def height(self, point: tuple[float, float]) -> float:
        """How high a point stands across the line; a line above another is higher."""
        return round(point[0] * self.y - point[1] * self.x, 3)

    def along(self, places: Places) -> npt.NDArray[np.float64]:
        """Where each place begins and ends along the line: (places, 2)."""
        corners = places.astype(np.float64)
        if self.degrees == 0:
            return corners[:, 0::2]
        xs, ys = corners[:, 0::2] * self.x, corners[:, 1::2] * self.y
        return np.stack([xs.min(axis=1) + ys.min(axis=1), xs.max(axis=1) + ys.max(axis=1)], axis=1)

    def banded(self, places: Places, base: float, size: float) -> Places:
        """Let all boxes of a level or upright line reach equally far above and below its base.

        So a marker over them has straight edges, and the print stays inside. Characters far off
        the base, such as those of a formula, keep their own.
        """
        known = ~np.isnan(places[:, 0])
        if self.degrees % 90 or not known.any():
            return places
        axis = 0 if self.degrees % 180 else 1
        up = self.y if axis == 0 else -self.x
        low, high = places[:, axis], places[:, axis + 2]
        tallest = float((high - low)[known].max())
        if 0.7 * tallest <= size <= 4 * tallest:
            edges = (base - _BELOW * size) * up, (base + _ABOVE * size) * up
        else:
            # The font's measures are not those of its letters.
            edges = float(low[known].min()), float(high[known].max())
        least, most = min(edges), max(edges)
        middles = (low + high) / 2
        inside = known & (middles >= least) & (middles <= most)
        found = places.copy()
        found[inside, axis] = np.minimum(low, least)[inside]
        found[inside, axis + 2] = np.maximum(high, most)[inside]
        return found


UPRIGHT = Way(1.0, 0.0, 0)


def stretches_of(printed: Printed, way: Way, gap: float) -> tuple[Stretch, ...]:
    """Part a line at the blanks that are wider than `gap`."""
    along = way.along(printed.places)
    known = np.flatnonzero(~np.isnan(along[:, 0]))
    if not len(known):
        return ()
    begins, ends = along[known].T
    reached = np.maximum.accumulate(ends)
    wide = np.flatnonzero(begins[1:] - reached[:-1] > gap) + 1
    parted = [0, *(int(at) for at in wide if printed.text[known[at] - 1] == " "), len(known)]
    return tuple(
        Stretch(
            int(known[first]) if first else 0,
            int(known[last]) - 1 if last < len(known) else len(printed.text),
            float(begins[first:last].min()),
            float(ends[first:last].max()),
        )
        for first, last in pairwise(parted)
    )


def _text(text_page: Any) -> str:
    """The characters of a page, one code point each; some may be surrogates."""
    import pypdfium2.raw as pdfium

    count = pdfium.FPDFText_CountChars(text_page)
    units = (ctypes.c_ushort * (count + 1))()
    # All at once; what PDFium does not write as one unit each is asked for one by one.
    if count > 0 and pdfium.FPDFText_GetText(text_page, 0, count, units) == count + 1:
        text = bytes(units)[:-2].decode("utf-16-le", "surrogatepass")
        if len(text) == count:
            return text
    codes = [pdfium.FPDFText_GetUnicode(text_page, at) for at in range(count)]
    return "".join([chr(code) if code < 0x110000 else "\ufffd" for code in codes])


def _boxes(text_page: Any, count: int) -> npt.NDArray[np.float64]:
    """The boxes around the characters' print: left, right, bottom and top in the file's own way."""
    import pypdfium2.raw as pdfium

    boxes = np.full((count, 4), np.nan, dtype=np.float64)
    if not count:
        return boxes
    # As plain addresses, since converting typed pointers takes longer than PDFium does.
    function = type(pdfium.FPDFText_GetCharBox)(
        ctypes.cast(pdfium.FPDFText_GetCharBox, ctypes.c_void_p).value
    )
    function.argtypes = [ctypes.c_void_p, ctypes.c_int, *[ctypes.c_void_p] * 4]
    function.restype = ctypes.c_int
    page = ctypes.addressof(text_page.raw.contents)
    first, end = boxes.ctypes.data, boxes.ctypes.data + boxes.nbytes
    results = map(
        function,
        [page] * count,
        range(count),
        *(range(first + 8 * side, end, 32) for side in range(4)),
    )
    failed = [at for at, result in enumerate(results) if not result]
    boxes[failed] = np.nan
    return boxes


def _transformed(boxes: npt.NDArray[np.float64], matrix: npt.NDArray[np.float64]) -> Places:
    """Boxes of the file as places on the page as it is shown."""
    with np.errstate(all="ignore"):
        corners = np.stack([boxes[:, [0, 2]] @ matrix[:, :2].T, boxes[:, [1, 3]] @ matrix[:, :2].T])
        corners += matrix[:, 2]
        found = np.concatenate([corners.min(axis=0), corners.max(axis=0)], axis=1)
        places: Places = found.astype(np.float32)
    places[~np.isfinite(places).all(axis=1)] = np.nan
    return places


def _size(text_page: Any, at: int) -> float:
    """The height of the type as it is seen: the font's size, scaled by the text's matrix."""
    import pypdfium2.raw as pdfium

    matrix = pdfium.FS_MATRIX()
    size = float(pdfium.FPDFText_GetFontSize(text_page, at))
    if pdfium.FPDFText_GetMatrix(text_page, at, matrix):
        size *= math.hypot(matrix.c, matrix.d)
    return _finite(size)


def _finite(value: float) -> float:
    """Return `value`, 0 for the infinities that a file with absurd numbers leads to."""
    return value if math.isfinite(value) else 0.0
