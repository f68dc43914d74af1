"""Pages as pictures: PDFium draws one as it is shown, at the scale of its boxes.

A picture is the whole page as `index.extract.pdf_page` measures it, turned and cropped, and nothing
else: a box's coordinates over the page's width and height are its place in the picture.
"""

import struct
import threading
import zlib
from collections import OrderedDict
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from index.errors import UnknownPage, UnreadableDocument

if TYPE_CHECKING:
    import pypdfium2

# Widths that can be asked for, and pixels at most, whatever the page's shape.
LEAST_WIDTH, MOST_WIDTH = 16, 4096
MOST_PIXELS = 4_000_000

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _COLOUR = 0, 2
_UNFILTERED = b"\0"
# Higher ones take twice the time for a tenth of the size.
_COMPRESSION = 3

# Where in a file its size and its pixels begin, and how much comes after those.
_HEADER, _CONTENT, _END = 16, 41, 16

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class PageImage:
    """A page of a document as a PNG file, `width` by `height` pixels; `page` is one-based."""

    png: bytes
    page: int
    width: int
    height: int


def check_width(width: int) -> None:
    """Refuse a width that no picture may have.

    Raises:
        ValueError: it is not between `LEAST_WIDTH` and `MOST_WIDTH`.
    """
    if not LEAST_WIDTH <= width <= MOST_WIDTH:
        raise ValueError(f"a width of {width} pixels; from {LEAST_WIDTH} to {MOST_WIDTH} are drawn")


def draw(data: bytes, page: int, width: int, *, name: str) -> PageImage:
    """Draw a page of a PDF on white, `width` pixels wide; less where there would be too many.

    Args:
        data: the whole file.
        page: its number, one-based.
        width: in pixels, between `LEAST_WIDTH` and `MOST_WIDTH`.
        name: the file's name; reasons begin with it.

    Raises:
        UnknownPage: there is no such page.
        UnreadableDocument: the file, or the page, is damaged or encrypted.
        ValueError: the width is not one that is drawn.
    """
    import pypdfium2

    from index.extract.pdf import PDFIUM

    check_width(width)
    with PDFIUM:
        try:
            with closing(pypdfium2.PdfDocument(data)) as document:
                count = len(document)
                if not 1 <= page <= count:
                    pages = "1 page" if count == 1 else f"{count:,} pages"
                    raise UnknownPage(f"{name}: has {pages}; there is no page {page}")
                with closing(document[page - 1]) as sheet:
                    pixels = _drawn(sheet, width)
        except pypdfium2.PdfiumError as error:
            raise UnreadableDocument(
                f"{name}: page {page} cannot be drawn; open the file in a viewer"
            ) from error
    height, width = pixels.shape[:2]
    return PageImage(png(pixels), page, width, height)


def _drawn(page: "pypdfium2.PdfPage", width: int) -> Pixels:
    """The page as (height, width, 3) in red, green and blue."""
    import pypdfium2
    import pypdfium2.raw as pdfium

    from index.extract.pdf_page import showing

    columns, rows = _size(*showing(page).size, width)
    flags = pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER
    bitmap = pypdfium2.PdfBitmap.new_native(columns, rows, pdfium.FPDFBitmap_BGR)
    with closing(bitmap):
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, columns, rows)
        # Onto the very size, where pypdfium2's own function rounds up and leaves an edge.
        pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, columns, rows, 0, flags)
        pixels: Pixels = bitmap.to_numpy().copy()
    return pixels


def _size(across: float, down: float, width: int) -> tuple[int, int]:
    """The picture's size for a page of this size in points: its shape, and not too many pixels."""
    across, down = max(across, 1e-3), max(down, 1e-3)
    height = width * down / across
    shrink = min(1.0, (MOST_PIXELS / (width * height)) ** 0.5)
    columns = min(max(1, round(width * shrink)), MOST_PIXELS)
    return columns, min(max(1, round(height * shrink)), MOST_PIXELS // columns)


def png(pixels: Pixels) -> bytes:
    """A PNG file of (height, width, 3) red, green and blue; a grey one where all are equal.

    Rows are not filtered: print compresses better so, and in half the time that Pillow takes.
    """
    height, width = pixels.shape[:2]
    kind = _COLOUR
    if (pixels == pixels[..., :1]).all():
        pixels, kind = pixels[..., :1], _GREY
    lines = np.empty((height, 1 + pixels[0].size), np.uint8)
    lines[:, :1] = np.frombuffer(_UNFILTERED, np.uint8)
    lines[:, 1:] = pixels.reshape(height, -1)
    return _file(width, height, kind, zlib.compress(lines.tobytes(), _COMPRESSION))


def _file(width: int, height: int, kind: int, content: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", content), _chunk(b"IEND", b""))
    return b"".join((_SIGNATURE, *chunks))


def png_size(data: bytes) -> tuple[int, int]:
    """The width and height of a PNG file that `png` can have made.

    Raises:
        ValueError: it is none: it has other parts, or more pixels than are drawn.
    """
    if len(data) < len(_file(0, 0, 0, b"")):
        raise ValueError("no PNG file")
    width, height, _, kind = struct.unpack_from(">IIBB", data, _HEADER)
    if kind not in (_GREY, _COLOUR) or not 0 < width * height <= MOST_PIXELS:
        raise ValueError(f"a picture of {width} by {height} pixels")
    if _file(width, height, kind, data[_CONTENT:-_END]) != data:
        raise ValueError("a PNG file of another make")
    return width, height


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


class PageImages:
    """The pictures that were drawn last, up to so many bytes; safe to use from several threads."""

    def __init__(self, most_bytes: int = 32 * 2**20) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[tuple[str, int, int], PageImage] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, sha256: str, page: int, width: int) -> PageImage | None:
        """The picture of a page, as wide as it was asked for, of the file with this digest."""
        with self._lock:
            found = self._kept.get((sha256, page, width))
            if found is not None:
                self._kept.move_to_end((sha256, page, width))
            return found

    def keep(self, sha256: str, width: int, image: PageImage) -> None:
        """Keep a picture, drawn for this width; those not looked at longest go."""
        if len(image.png) > self._most:
            return
        with self._lock:
            before = self._kept.pop((sha256, image.page, width), None)
            self._bytes += len(image.png) - (0 if before is None else len(before.png))
            self._kept[sha256, image.page, width] = image
            while self._bytes > self._most:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= len(gone.png)
