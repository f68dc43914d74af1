"""PDF: reads characters and their places with PDFium and lays them out as paragraphs."""

import ctypes
import math
import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from index.errors import DocumentTooLarge, UnreadableDocument
from index.extract.builder import Extracted, TextBuilder
from index.extract.cleaning import clean, has_words
from index.extract.layout import (
    Layout,
    Line,
    join_fragments,
    mark_larger,
    middle,
    without_running_lines,
)

if TYPE_CHECKING:
    import pypdfium2

MAX_CHARACTERS = 32 * 2**20

# PDFium must not be entered by two threads at a time, even for two documents.
_PDFIUM = threading.Lock()

_NEWLINE, _SPACE = 10, 32
# What PDFium puts in place of a hyphen that parts a word at the end of a line.
_HYPHENS = (2, 0xFFFE)
MENDED = {
    0xFB00: "ff",
    0xFB01: "fi",
    0xFB02: "fl",
    0xFB03: "ffi",
    0xFB04: "ffl",
    0xFB05: "st",
    0xFB06: "st",
    0xF0B7: "•",
    0xF0A7: "▪",
}
_PASSWORD_ERROR = 4
# The dots that lead from a heading to its page number in a table of contents.
_LEADER = re.compile(r"(?: ?[.·…_]){4,} ?")
_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?")


def read_pdf(data: bytes, name: str) -> Extracted:
    """Extract the pages' text in the order in which PDFium gives it.

    Raises:
        UnreadableDocument: the file is encrypted, damaged or has no text.
        DocumentTooLarge: the text is longer than any document's may be.
    """
    with _PDFIUM:
        pages, outline, metadata = _load(data, name)
    count = len(pages)
    pages = without_running_lines(pages)
    lines_to_blocks = Layout(pages)
    pages = _mark_outline(pages, outline) or mark_larger(pages, lines_to_blocks.body)
    builder = TextBuilder()
    for number, lines in enumerate(pages, 1):
        builder.page(number)
        for block in lines_to_blocks.blocks(lines):
            if block.level:
                builder.heading(block.text, block.level)
            else:
                builder.block(block.text)
    title = metadata.pop("title", "")
    if title.casefold() in ("", "untitled"):
        title = builder.first_heading
    extracted = builder.build(title, metadata)
    if not has_words(extracted.text):
        sheets = "1 page" if count == 1 else f"{count:,} pages"
        raise UnreadableDocument(
            f"{name}: has no text ({sheets}, perhaps scanned); run OCR on it first and index the"
            " result"
        )
    return extracted


_Outline = list[tuple[int, str, int]]


def _load(data: bytes, name: str) -> tuple[list[list[Line]], _Outline, dict[str, str]]:
    """Return each page's lines, the outline as (page index, title, level) and the metadata."""
    import pypdfium2

    try:
        with closing(pypdfium2.PdfDocument(data)) as document:
            if _is_cut(document, data):
                raise _damaged(name)
            pages: list[list[Line]] = []
            total = 0
            for index in range(len(document)):
                pages.append(_read_page(document, index))
                total += sum(len(line.text) for line in pages[-1])
                if total > MAX_CHARACTERS:
                    raise DocumentTooLarge(
                        f"{name}: holds more than the {MAX_CHARACTERS:,} characters a document is"
                        " read up to; split it and index the parts"
                    )
            return pages, list(_outline(document)), _metadata(document)
    except pypdfium2.PdfiumError as error:
        if error.err_code == _PASSWORD_ERROR:
            raise UnreadableDocument(
                f"{name}: is encrypted; save a copy without the password and index that"
            ) from error
        raise _damaged(name) from error


def _damaged(name: str) -> UnreadableDocument:
    return UnreadableDocument(
        f"{name}: is a damaged or incomplete PDF file; fetch it again, or print it as a PDF"
        " from a viewer and index that"
    )


def _is_cut(document: "pypdfium2.PdfDocument", data: bytes) -> bool:
    """Whether the end of the file is missing, so that PDFium had to guess what belongs to it."""
    import pypdfium2.raw as pdfium

    whole = pdfium.FPDF_DocumentHasValidCrossReferenceTable(document)
    return not whole and b"%%EOF" not in data[-2048:]


def _read_page(document: "pypdfium2.PdfDocument", index: int) -> list[Line]:
    with closing(document[index]) as page, closing(page.get_textpage()) as text_page:
        return join_fragments(list(_lines(text_page)))


def _lines(text_page: Any) -> Iterator[Line]:
    """Yield the lines of print, as PDFium parts them; a marked hyphen ends a line too."""
    import pypdfium2.raw as pdfium

    codes = [
        pdfium.FPDFText_GetUnicode(text_page, at)
        for at in range(pdfium.FPDFText_CountChars(text_page))
    ]
    start = 0
    for at, code in enumerate([*codes, _NEWLINE]):
        hyphen = code in _HYPHENS and pdfium.FPDFText_IsHyphen(text_page, at) == 1
        if hyphen or code == _NEWLINE:
            line = _line(text_page, codes, start, at, hyphenated=hyphen)
            if line is not None:
                yield line
            start = at + 1


def _line(
    text_page: Any, codes: Sequence[int], start: int, end: int, *, hyphenated: bool
) -> Line | None:
    import pypdfium2.raw as pdfium

    visible = [at for at in range(start, end) if codes[at] > _SPACE]
    if not visible:
        return None
    radians = _finite(pdfium.FPDFText_GetCharAngle(text_page, visible[0]))
    cosine, sine = math.cos(radians), math.sin(radians)
    box = pdfium.FS_RECTF()

    def extent(at: int) -> tuple[float, float]:
        pdfium.FPDFText_GetLooseCharBox(text_page, at, box)
        corners = [
            x * cosine - y * sine for x in (box.left, box.right) for y in (box.bottom, box.top)
        ]
        return min(corners), max(corners)

    def height(at: int) -> float:
        x, y = ctypes.c_double(), ctypes.c_double()
        pdfium.FPDFText_GetCharOrigin(text_page, at, x, y)
        return x.value * sine + y.value * cosine

    # The first character may be the raised number of a note, so several are asked.
    sample = visible[:: max(1, len(visible) // 8)]
    size = middle([_size(text_page, at) for at in sample])
    ends = (*extent(visible[0]), *extent(visible[-1]))
    gaps = (
        extent(after)[0] - extent(before)[1]
        for before, after in pairwise(visible[1:])
        if after - before > 1
    )
    characters = [chr(code) if code < 0x110000 else "\ufffd" for code in codes[start:end]]
    text = "".join(characters).translate(MENDED)
    if any(0xD800 <= code < 0xE000 for code in codes[start:end]):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text, leaders = _LEADER.subn(" ... ", " ".join(clean(text).split()))
    return Line(
        text=text.strip(),
        left=_finite(min(ends)),
        right=_finite(max(ends)),
        base=_finite(middle([height(at) for at in sample])),
        size=size,
        turn=round(math.degrees(radians)) % 360,
        hyphenated=hyphenated,
        spaced=leaders > 0 or any(gap > 1.5 * size for gap in gaps),
    )


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


def _outline(document: "pypdfium2.PdfDocument") -> Iterator[tuple[int, str, int]]:
    for bookmark in document.get_toc():
        destination = bookmark.get_dest()
        index = None if destination is None else destination.get_index()
        title = _one_line(bookmark.get_title)
        if index is not None and title:
            yield index, title, bookmark.level + 1


def _metadata(document: "pypdfium2.PdfDocument") -> dict[str, str]:
    found = {}
    for key, field in (("title", "Title"), ("author", "Author"), ("date", "CreationDate")):
        value = _one_line(partial(document.get_metadata_value, field))
        if key == "date":
            match = _DATE.match(value)
            value = "-".join(part for part in match.groups() if part) if match else ""
        if value:
            found[key] = value
    return found


def _one_line(read: Callable[[], str]) -> str:
    """Return what `read` returns, cleaned; empty where the file has broken UTF-16 there."""
    try:
        return " ".join(clean(read()).split())
    except UnicodeDecodeError:
        return ""


def _mark_outline(pages: list[list[Line]], outline: _Outline) -> list[list[Line]] | None:
    """Give the outline's levels to the lines that bear its titles; None if it finds none."""
    marked = [list(lines) for lines in pages]
    places: dict[int, dict[str, deque[range]]] = {}
    found = False
    for index, title, level in outline:
        if index >= len(marked):
            continue
        lines = marked[index]
        if index not in places:
            places[index] = _runs(lines)
        spans = places[index].get(_key(title))
        if spans:
            # The next entry of this title on this page takes the next such place.
            for at in spans.popleft():
                lines[at] = replace(lines[at], level=level)
            found = True
    return marked if found else None


def _runs(lines: list[Line]) -> dict[str, deque[range]]:
    """Return where each run of one to three lines stands, by its text sans white space and case."""
    keys = [_key(line.text) for line in lines]
    found = defaultdict[str, deque[range]](deque)
    for width in (1, 2, 3):
        for start in range(len(lines) - width + 1):
            span = range(start, start + width)
            found["".join(keys[start : start + width])].append(span)
    return found


def _key(text: str) -> str:
    return "".join(text.split()).casefold()
