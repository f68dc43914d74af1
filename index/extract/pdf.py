"""PDF: reads characters and their places with PDFium and lays them out as paragraphs."""

import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING

from index.errors import DocumentTooLarge, UnreadableDocument
from index.extract.builder import Extracted, TextBuilder
from index.extract.cleaning import has_words, one_line
from index.extract.layout import Layout, mark_larger, without_running_lines
from index.extract.lines import Line
from index.extract.ocr import Recogniser
from index.extract.pdf_page import Sheet, picture, read_sheet
from index.extract.source import Source

if TYPE_CHECKING:
    import pypdfium2

# A file may claim any number of pages.
MOST_PAGES = 20_000

# PDFium must not be entered by two threads at a time, even for two documents.
PDFIUM = threading.Lock()

_PASSWORD_ERROR = 4
_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?")
_FIELDS = (
    ("title", "Title"),
    ("author", "Author"),
    ("created", "CreationDate"),
    ("modified", "ModDate"),
)

_Outline = list[tuple[int, str, int]]
_Recogniser = Callable[[], Recogniser]


def read(source: Source) -> Extracted:
    """Extract the pages' text in the order in which it is read, with the place of each character.

    Pages that cannot be read are named in the metadata; the others are read all the same.

    Raises:
        UnreadableDocument: the file is encrypted, damaged or has no text.
        DocumentTooLarge: it has too many pages or too much text.
    """
    # Asked for its program when the first page comes that has no text.
    recogniser = cache(partial(Recogniser.make, source.name)) if source.options.ocr else None
    sheets, outline, metadata = _load(source, recogniser)
    pages = without_running_lines([list(sheet.lines) for sheet in sheets])
    layout = Layout(pages)
    pages = _mark_outline(pages, outline) or mark_larger(pages, layout.body)
    builder = TextBuilder()
    for number, (sheet, lines) in enumerate(zip(sheets, pages, strict=True), 1):
        builder.page(number, sheet.size)
        for block in layout.blocks(lines):
            if block.level:
                builder.heading(block.text, block.level, block.printed.places)
            else:
                builder.block(block.text, block.printed.places)
    title = metadata.pop("title", "")
    if title.casefold() in ("", "untitled"):
        title = builder.first_heading
    extracted = builder.build(title, metadata)
    if not has_words(extracted.text):
        count = "1 page" if len(sheets) == 1 else f"{len(sheets):,} pages"
        raise UnreadableDocument(
            f"{source.name}: has no text ({count}, perhaps scanned); "
            + (
                "nothing was recognised on it either; scan it again in a better quality"
                if recogniser
                else "index it with --ocr (needs: pip install 'pincite[ocr]' and tesseract)"
            )
        )
    return extracted


def _load(
    source: Source, recogniser: _Recogniser | None
) -> tuple[list[Sheet], _Outline, dict[str, str]]:
    """Return each page's print, the outline as (page index, title, level) and the metadata."""
    import pypdfium2

    try:
        with PDFIUM:
            document = pypdfium2.PdfDocument(source.data)
        try:
            with PDFIUM:
                count = len(document)
                if _is_cut(document, source.data):
                    raise _damaged(source.name)
                outline, metadata = list(_outline(document)), _metadata(document)
            sheets = _sheets(document, count, source, recogniser)
        finally:
            with PDFIUM:
                document.close()
    except pypdfium2.PdfiumError as error:
        if error.err_code == _PASSWORD_ERROR:
            raise UnreadableDocument(
                f"{source.name}: is encrypted; save a copy without the password and index that"
            ) from error
        raise _damaged(source.name) from error
    unread = [number for number, sheet in enumerate(sheets, 1) if sheet is None]
    if len(unread) == count:
        raise _damaged(source.name)
    metadata["pages"] = str(count)
    if unread:
        metadata["unread_pages"] = _named(unread)
    return [sheet or Sheet((0.0, 0.0), ()) for sheet in sheets], outline, metadata


def _named(numbers: Sequence[int]) -> str:
    """Page numbers as a person writes them, such as "3, 7-9"."""
    starts = [at for at in range(len(numbers)) if not at or numbers[at] > numbers[at - 1] + 1]
    runs = [numbers[start:end] for start, end in pairwise([*starts, len(numbers)])]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _sheets(
    document: "pypdfium2.PdfDocument", count: int, source: Source, recogniser: _Recogniser | None
) -> list[Sheet | None]:
    """Read the pages; None stands for one that is damaged."""
    if count > MOST_PAGES:
        raise DocumentTooLarge(
            f"{source.name}: has {count:,} pages, more than the {MOST_PAGES:,} a PDF is read up to;"
            " split it and index the parts"
        )
    sheets: list[Sheet | None] = []
    total = 0
    for index in range(count):
        sheet = _sheet(document, index, recogniser)
        sheets.append(sheet)
        total += sum(len(line.text) for line in sheet.lines) if sheet else 0
        if total > source.budget.limits.characters:
            source.budget.take_characters(total)
    return sheets


def _sheet(
    document: "pypdfium2.PdfDocument", index: int, recogniser: _Recogniser | None
) -> Sheet | None:
    import pypdfium2

    with PDFIUM:
        try:
            page = document[index]
        except pypdfium2.PdfiumError:
            return None
        with closing(page):
            try:
                sheet = read_sheet(page)
            except pypdfium2.PdfiumError:
                return None
            if sheet.lines or sheet.is_blank or recogniser is None:
                return sheet
            reader = recogniser()
            image, scale = picture(page)
    return replace(sheet, lines=reader.lines(image, scale))


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


def _outline(document: "pypdfium2.PdfDocument") -> Iterator[tuple[int, str, int]]:
    for bookmark in document.get_toc():
        destination = bookmark.get_dest()
        index = None if destination is None else destination.get_index()
        title = _readable(bookmark.get_title)
        if index is not None and title:
            yield index, title, bookmark.level + 1


def _metadata(document: "pypdfium2.PdfDocument") -> dict[str, str]:
    found = {}
    for key, field in _FIELDS:
        value = _readable(partial(document.get_metadata_value, field))
        if key in ("created", "modified"):
            match = _DATE.match(value)
            value = "-".join(part for part in match.groups() if part) if match else ""
        if value:
            found[key] = value
    return found


def _readable(read: Callable[[], str]) -> str:
    """Return what `read` returns, cleaned; empty where the file has broken UTF-16 there."""
    try:
        return one_line(read())
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
