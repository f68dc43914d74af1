"""CSV and TSV: one table; rows and columns are counted as a spreadsheet does."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from index.extract.builder import Extracted, TextBuilder
from index.extract.sheets import Cells
from index.extract.source import Source
from index.extract.tables import TableCell, could_head, lines

_DELIMITERS = (",", ";", "\t", "|")
# So many characters at the beginning, and rows in them, tell how cells are parted.
_SAMPLE = 64 * 1024
_MOST_JUDGED = 200
# So great a share of rows has the same number of cells, or else so great a one has several.
_LEAST_ALIKE = 0.5
_LEAST_PARTED = 0.9
# A cell with more lines than this is the rest of a file whose quotation mark was not closed.
_MOST_LINES = 1000


def read(source: Source) -> Extracted:
    """Extract a table.

    Raises:
        DocumentTooLarge: it has too many cells.
    """
    text = source.text.replace("\0", "").removeprefix("\ufeff")
    stated = text[:6].lower()
    if stated.startswith("sep=") and stated[5:6] in ("\n", "\r"):
        # The way of Excel to say it, in a line that is no row.
        delimiter, text = text[4], text[5:].lstrip("\r\n")
    else:
        delimiter = _delimiter(text, source.name)
    cells = Cells(source)
    grid: list[list[TableCell | None]] = []
    for number, row in enumerate(_rows(text, delimiter), 1):
        for value in row:
            if value:
                cells.take(value)
        grid.append(
            [
                TableCell(value, row=number, column=column) if value else None
                for column, value in enumerate(row, 1)
            ]
        )
    builder = TextBuilder()
    builder.table(cells.written(lines(grid, header_rows=_header_rows(grid))))
    return builder.build()


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    if not delimiter:
        return ([line] for line in text.splitlines())
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    quoted = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows = list(quoted)
    if any(value.count("\n") > _MOST_LINES for row in rows for value in row):
        return csv.reader(text.splitlines(), delimiter=delimiter, quoting=csv.QUOTE_NONE)
    return iter(rows)


def _delimiter(text: str, name: str) -> str:
    """What parts the cells: what gives most rows the same number of them, and several.

    Empty if nothing does: then each line is a cell.
    """
    is_tabbed = PurePosixPath(name.replace("\\", "/")).suffix.lower() in (".tsv", ".tab")
    sample = text[:_SAMPLE]
    cut = len(sample) < len(text)
    usual = "\t" if is_tabbed else ","
    best, most = "", (False, 0, 0.0, 0, False)
    for delimiter in _DELIMITERS:
        csv.field_size_limit(max(csv.field_size_limit(), _SAMPLE + 1))
        reader = csv.reader(
            io.StringIO(sample, newline=""), delimiter=delimiter, skipinitialspace=True
        )
        widths = [len(row) for row, _ in zip(reader, range(_MOST_JUDGED), strict=False) if row]
        # The last row may have been cut.
        widths = widths[:-1] if cut and len(widths) > 1 else widths
        parted = Counter(width for width in widths if width > 1)
        if parted:
            width, count = max(parted.items(), key=lambda item: (item[1], item[0]))
            alike = count / len(widths)
            # Between two quoted cells stands nothing else.
            between = sample.count(f'"{delimiter}"')
            score = (_closes(sample, delimiter), between, alike, width, delimiter == usual)
            is_sure = alike >= _LEAST_ALIKE or parted.total() >= _LEAST_PARTED * len(widths)
            if (is_sure or between) and score > most:
                best, most = delimiter, score
    return best


def _closes(sample: str, delimiter: str) -> bool:
    """Whether each quoted cell is followed by a delimiter or the end of its row."""
    reader = csv.reader(
        io.StringIO(sample, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    try:
        for _ in zip(reader, range(_MOST_JUDGED), strict=False):
            pass
    except csv.Error as error:
        # The last cell may have been cut.
        return "end of data" in str(error)
    return True


def _header_rows(grid: Sequence[Sequence[TableCell | None]]) -> int | None:
    """1 if the first row with several cells reads as names that do not come again, else None."""
    rows = ([cell.text for cell in row if cell and cell.text.strip()] for row in grid)
    at, head = next(((at, row) for at, row in enumerate(rows) if len(row) > 1), (0, []))
    width = max(map(len, grid[at : at + 2]), default=0)
    if not head or len(head) * 3 < width * 2 or not could_head(head):
        return None
    for row in grid[at + 1 :][:_MOST_JUDGED]:
        for name, cell in zip(grid[at], row, strict=False):
            if name is not None and cell is not None and name.text == cell.text:
                return None
    return 1
