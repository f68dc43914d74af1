"""Writes the sheets of a workbook: each block of cells with nothing around it is a table."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from index.errors import DocumentTooLarge
from index.extract.builder import TableLine, TextBuilder
from index.extract.cleaning import has_words
from index.extract.source import Source
from index.extract.tables import TableCell, could_head, is_number, lines

# As many cells that hold something are read of one file.
MOST_CELLS = 2_000_000
# Merged cells are spread over as many slots, and four for each cell that holds something.
_MOST_SPREAD = 20_000
# A block with more slots than this and twenty for each cell is read without columns.
_MOST_SLOTS = 100_000
# Among so many rows at the top of a block are those that name its columns.
_MOST_HEADERS = 3


class Cells:
    """Counts what is read of one file against its limits."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._cells = 0
        self._characters = 0
        self._written = 0

    def take(self, text: str, count: int = 1) -> None:
        """Take so many cells that hold this.

        Raises:
            DocumentTooLarge: there are more cells, or more text, than a file is read up to.
        """
        self._cells += count
        self._characters += len(text) * count
        if self._cells > MOST_CELLS:
            raise DocumentTooLarge(
                f"{self._source.name}: has more than {MOST_CELLS:,} cells that hold something, the "
                "most a file is read up to; split it and index the parts"
            )
        if self._characters > self._source.budget.limits.characters:
            self._source.budget.take_characters(self._characters)

    def written(self, lines: Iterable[TableLine]) -> list[TableLine]:
        """Take the lines of a table, in which headers are repeated.

        Raises:
            DocumentTooLarge: there is more text than a file is read up to.
        """
        taken: list[TableLine] = []
        for line in lines:
            self._written += len(line.text)
            if self._written > self._source.budget.limits.characters:
                self._source.budget.take_characters(self._written)
            taken.append(line)
        return taken


class Sheet:
    """The cells of one sheet that hold something, by rows and columns, both one-based."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[int, TableCell]] = {}
        # The cells whose looks are those of a header.
        self.strong: set[TableCell] = set()
        self._cells = 0
        self._spread = _MOST_SPREAD

    def add(self, row: int, column: int, text: str, *, strong: bool = False) -> None:
        """Add a cell; `strong` tells that it is set in bold."""
        cell = TableCell(text, row=row, column=column)
        self.rows.setdefault(row, {})[column] = cell
        self._cells += 1
        if strong:
            self.strong.add(cell)

    def merge(self, top: int, left: int, bottom: int, right: int) -> None:
        """Let the cell at the top left stand in each slot of a range, where rows hold something.

        Call it when all cells are there; ranges beyond a bound stay as they are.
        """
        cell = self.rows.get(top, {}).get(left)
        height, width = bottom - top + 1, right - left + 1
        if cell is None or height < 1 or width < 1:
            return
        if height * width > self._spread + 4 * self._cells:
            return
        self._spread -= height * width
        for row in range(top, bottom + 1):
            slots = self.rows.get(row)
            if slots is not None:
                for column in range(left, right + 1):
                    slots.setdefault(column, cell)


def write_sheet(builder: TextBuilder, name: str, sheet: Sheet, cells: Cells) -> None:
    """Write a sheet as a part under its name; does nothing if it holds nothing."""
    if not sheet.rows:
        return
    builder.part("sheet", name)
    builder.heading(name, 1)
    for block in _blocks(sheet.rows):
        builder.table(cells.written(block.lines(sheet.strong)))


class _Block:
    """Rows, with the columns from `left` to `right`, that belong together."""

    def __init__(self, rows: "_Rows") -> None:
        self.rows = rows
        self.left = min(column for _, row in rows for column in row)
        self.right = max(column for _, row in rows for column in row)

    def takes(self, other: "_Block") -> bool:
        """Take the other's rows if it goes on with this table after an empty row."""
        within = self.left >= other.left and self.right <= other.right
        around = self.left <= other.left and self.right >= other.right
        first = other.rows[0][1]
        if not (within or around) or other.rows[0][0] <= self.rows[-1][0]:
            return False
        if len(first) < 2 or _heads(first):
            return False
        if not any(_heads(row) for _, row in self.rows[:_MOST_HEADERS]):
            return False
        self.rows += other.rows
        self.left, self.right = min(self.left, other.left), max(self.right, other.right)
        return True

    def lines(self, strong: set[TableCell]) -> Iterator[TableLine]:
        """The lines of the table."""
        width = self.right - self.left + 1
        if width * len(self.rows) > _MOST_SLOTS + 20 * sum(len(row) for _, row in self.rows):
            grid: list[list[TableCell | None]] = [
                [row[column] for column in sorted(row)] for _, row in self.rows
            ]
            return lines(grid, header_rows=0)
        grid = [
            [row.get(column) for column in range(self.left, max(row) + 1)] for _, row in self.rows
        ]
        return lines(grid, header_rows=self._header_rows(strong))

    def _header_rows(self, strong: set[TableCell]) -> int | None:
        """1 where the first row with several cells is bold and the next is not, else None."""
        several = (row for _, row in self.rows if len(set(row.values())) > 1)
        first, second = next(several, None), next(several, None)
        if first is None or second is None:
            return None
        if not all(cell in strong for cell in first.values()):
            return None
        if all(cell in strong for cell in second.values()):
            return None
        return 1 if _heads(first) else None


def _heads(row: dict[int, TableCell]) -> bool:
    """Whether a row of several cells reads as names."""
    texts = list(dict.fromkeys(cell.text for cell in row.values()))
    return len(texts) > 1 and could_head(texts)


def _blocks(rows: dict[int, dict[int, TableCell]]) -> list[_Block]:
    """Cut a sheet at its empty rows and columns; from the top, then from the left."""
    bands = _split_rows([(number, rows[number]) for number in sorted(rows)])
    columns = [piece for band in bands for piece in _split_columns(band.rows)]
    return [block for piece in columns for block in _split_rows(piece)]


_Rows = list[tuple[int, dict[int, TableCell]]]


def _split_rows(rows: _Rows) -> list[_Block]:
    """Cut at empty rows, unless what follows goes on with the table before."""
    pieces: list[_Rows] = []
    for number, row in rows:
        if pieces and number == pieces[-1][-1][0] + 1:
            pieces[-1].append((number, row))
        else:
            pieces.append([(number, row)])
    blocks: list[_Block] = []
    for piece in pieces:
        block = _Block(piece)
        if not (blocks and blocks[-1].takes(block)):
            blocks.append(block)
    return blocks


def _split_columns(rows: _Rows) -> list[_Rows]:
    """Cut at empty columns, unless what is right of one lacks names for its rows."""
    used = sorted({column for _, row in rows for column in row})
    starts = [column for at, column in enumerate(used) if not at or column > used[at - 1] + 1]
    if len(starts) == 1:
        return [rows]
    pieces: list[_Rows] = [[] for _ in starts]
    for number, row in rows:
        columns = sorted(row)
        at = 0
        while at < len(columns):
            piece = bisect_right(starts, columns[at]) - 1
            limit = starts[piece + 1] if piece + 1 < len(starts) else columns[-1] + 1
            end = bisect_left(columns, limit, at)
            pieces[piece].append((number, {column: row[column] for column in columns[at:end]}))
            at = end
    return _rejoined(pieces)


def _rejoined(pieces: list[_Rows]) -> list[_Rows]:
    """Put what has no names of its own for its rows back to what stands on the left of it."""
    joined = [dict(pieces[0])]
    for piece in pieces[1:]:
        before = joined[-1]
        first = min(column for _, row in piece for column in row)
        texts = [row[first].text for _, row in piece if first in row]
        figures = sum(is_number(text) or not has_words(text) for text in texts)
        shared = sum(number in before for number, _ in piece)
        if figures * 2 >= len(texts) and shared * 2 >= len(piece):
            for number, row in piece:
                before.setdefault(number, {}).update(row)
        else:
            joined.append(dict(piece))
    return [sorted(rows.items(), key=lambda item: item[0]) for rows in joined]
