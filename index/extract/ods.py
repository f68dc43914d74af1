"""OpenDocument spreadsheets: the text that each cell shows.

The content is streamed, and what is repeated without holding anything takes no room.
"""

from io import BytesIO
from typing import Any

from index.extract.builder import Extracted, TextBuilder
from index.extract.foreign import parsing
from index.extract.odf import OFFICE, TABLE, TEXT, inline, metadata, parts, whole
from index.extract.sheets import Cells, Sheet, write_sheet
from index.extract.source import Source

_VALUES = ("string-value", "date-value", "time-value", "boolean-value", "value")
# Tables inside others, such as those of charts and old versions, are not sheets.
_NESTED = frozenset({TABLE + "table-cell", TABLE + "tracked-changes", TABLE + "dde-links"})


def read(source: Source) -> Extracted:
    """Extract a spreadsheet: each sheet is a part under a heading with its name.

    Raises:
        UnreadableDocument: it is damaged or encrypted.
        DocumentTooLarge: it unpacks to too much, or has too many cells.
    """
    found = parts(source)
    with parsing(source.name):
        title, stated = metadata(found.get("meta.xml", b""))
        builder = TextBuilder()
        _write(builder, found["content.xml"], Cells(source))
        return builder.build(title, stated)


def _write(builder: TextBuilder, content: bytes, cells: Cells) -> None:
    from lxml import etree

    reader: _SheetReader | None = None
    nested = 0
    events = etree.iterparse(
        BytesIO(content),
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
    )
    for event, element in events:
        tag = element.tag
        if tag in _NESTED:
            nested += 1 if event == "start" else -1
        elif nested:
            continue
        elif tag == TABLE + "table":
            if event == "start":
                reader = _SheetReader(element.get(TABLE + "name") or "", cells)
            elif reader is not None:
                reader.write(builder)
                reader = None
        elif tag == TABLE + "table-row" and event == "end":
            if reader is not None:
                reader.add(element)
            # What was read is let go, and so are the rows before it that were emptied.
            element.clear()
            parent = element.getparent()
            while parent is not None and element.getprevious() is not None:
                del parent[0]


class _SheetReader:
    """Collects the rows of one sheet."""

    def __init__(self, name: str, cells: Cells) -> None:
        self._name = name
        self._cells = cells
        self._sheet = Sheet()
        self._row = 0
        self._merged: list[tuple[int, int, int, int]] = []

    def add(self, row: Any) -> None:
        """Add a row as often as it is repeated."""
        found: list[tuple[int, str]] = []
        column = 0
        rows = max(whole(row.get(TABLE + "number-rows-repeated"), 1), 1)
        for cell in row.iterchildren(TABLE + "table-cell", TABLE + "covered-table-cell"):
            repeated = max(whole(cell.get(TABLE + "number-columns-repeated"), 1), 1)
            text = _shown(cell) if cell.tag == TABLE + "table-cell" else ""
            if text:
                self._cells.take(text, repeated * rows)
                found += [(at, text) for at in range(column + 1, column + repeated + 1)]
                width = whole(cell.get(TABLE + "number-columns-spanned"), 1)
                height = whole(cell.get(TABLE + "number-rows-spanned"), 1)
                if width * height > 1:
                    top, left = self._row + 1, column + 1
                    self._merged.append((top, left, top + height - 1, left + width - 1))
            column += repeated
        if found:
            for at in range(self._row + 1, self._row + rows + 1):
                for column, text in found:
                    self._sheet.add(at, column, text)
        self._row += rows

    def write(self, builder: TextBuilder) -> None:
        """Write the sheet."""
        for merged in self._merged:
            self._sheet.merge(*merged)
        write_sheet(builder, self._name, self._sheet, self._cells)


def _shown(cell: Any) -> str:
    """What a cell shows; its value if it does not say."""
    paragraphs = cell.findall(TEXT + "p")
    if paragraphs:
        return "\n".join(inline(paragraph).text for paragraph in paragraphs).strip()
    stated = (cell.get(OFFICE + name) for name in _VALUES)
    return next((value.strip() for value in stated if value is not None), "")
