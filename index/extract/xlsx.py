"""Workbooks (Office Open XML): the values of cells as their number formats show them.

Formulas are read as the values that were stored with them; one without a value says nothing.
Hidden sheets are read. The sheets are streamed and hold only what is there, so that neither a cell
in the last row nor a size that lies takes room.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import IO, Any

from index.extract.builder import Extracted, TextBuilder
from index.extract.foreign import parsing
from index.extract.numberformats import shown
from index.extract.properties import core_properties
from index.extract.sheets import Cells, Sheet, write_sheet
from index.extract.source import Source
from index.extract.zipped import plain_copy


def read(source: Source) -> Extracted:
    """Extract a workbook: each sheet is a part under a heading with its name.

    Raises:
        UnreadableDocument: it is damaged or encrypted.
        DocumentTooLarge: it unpacks to too much, or has too many cells.
    """
    copy = plain_copy(source)
    # The library warns of features it does not keep, such as conditional formats.
    with parsing(source.name), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        from openpyxl import load_workbook

        title, metadata = core_properties(copy)
        workbook = load_workbook(copy, read_only=True, data_only=True, keep_links=False)
        builder = TextBuilder()
        cells = Cells(source)
        looks = _looks(workbook)
        for sheet in workbook.worksheets:
            write_sheet(builder, sheet.title, _read_sheet(sheet, cells, looks), cells)
        return builder.build(title, metadata)


def _read_sheet(worksheet: Any, cells: Cells, looks: Callable[[int], tuple[str, bool]]) -> Sheet:
    from openpyxl.utils.cell import range_boundaries

    sheet = Sheet()
    merged: list[str] = []
    with worksheet._get_source() as stream:
        for row in _rows(worksheet, stream, merged):
            for cell in row:
                if cell["value"] is None:
                    continue
                number_format, strong = looks(cell["style_id"])
                text = shown(cell["value"], number_format)
                if text.strip():
                    cells.take(text)
                    sheet.add(cell["row"], cell["column"], text, strong=strong)
    for reference in merged:
        left, top, right, bottom = range_boundaries(reference)
        if left and top and right and bottom:
            sheet.merge(top, left, bottom, right)
    return sheet


def _rows(worksheet: Any, stream: IO[bytes], merged: list[str]) -> Iterator[list[dict[str, Any]]]:
    """The cells that are there of each row; references of merged ranges are added to `merged`.

    The library's own way makes every cell up to the farthest one, and parses XML five times as
    slowly; what is in a row it reads itself.
    """
    from lxml import etree
    from openpyxl.worksheet._reader import MERGE_TAG, ROW_TAG, WorkSheetParser

    workbook = worksheet.parent
    parser = WorkSheetParser(
        stream,
        worksheet._shared_strings,
        data_only=True,
        epoch=workbook.epoch,
        date_formats=workbook._date_formats,
        timedelta_formats=workbook._timedelta_formats,
    )
    events = etree.iterparse(
        stream,
        tag=(ROW_TAG, MERGE_TAG),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    for _, element in events:
        if element.tag == MERGE_TAG:
            merged += (found for merge in element if (found := merge.get("ref")))
        else:
            yield parser.parse_row(element)[1]
        # What was read is let go, and so is the empty element before it.
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _looks(workbook: Any) -> Callable[[int], tuple[str, bool]]:
    """For a cell's style: its number format and whether it is bold."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE

    known: dict[int, tuple[str, bool]] = {}

    def look(style: int) -> tuple[str, bool]:
        if style not in known:
            found = workbook._cell_styles[style]
            number = found.numFmtId
            if number < BUILTIN_FORMATS_MAX_SIZE:
                number_format = BUILTIN_FORMATS.get(number, "General")
            else:
                number_format = workbook._number_formats[number - BUILTIN_FORMATS_MAX_SIZE]
            known[style] = (number_format, bool(workbook._fonts[found.fontId].b))
        return known[style]

    return look
