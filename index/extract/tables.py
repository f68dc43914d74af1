"""How a table reads: a line for each row, whose cells keep their headers.

"Model: Duo 58 | Warranty: 24 months" under the headers "Model | Warranty"; "Warranty: 24 months"
where the first of two columns names what the second holds; else "a | b | c". Time and text are
linear in the number of slots: long headers are not repeated, nor is a long merged cell.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from index.documents import Cell
from index.extract.builder import TableLine
from index.extract.cleaning import has_words, one_line

SEPARATOR = " | "
# A longer text is no label, and as a header it is written once only.
LONGEST_LABEL = 80
# A longer text that is merged over several rows is written in the first of them only.
LONGEST_REPEATED = 200
# A label has no more words than this where nothing but its looks makes it one.
MOST_LABEL_WORDS = 8
# Of a long table as many rows as these tell what its first row is.
MOST_JUDGED_ROWS = 200
# More rows than this are not headers, whatever they are marked as.
MOST_HEADER_ROWS = 8
# What a browser allows; and merged cells take no more slots than this and four for each cell.
WIDEST_SPAN = 1000
MOST_SPREAD = 20_000
# Labels are repeated until they have more characters than this and sixteen for each they label.
MOST_LABELS = 1_000_000

_YEAR = re.compile(r"(?:FY ?)?(?:1[89]|20)\d\d(?:[/-]\d\d)?")
_NUMBERS = re.compile(r"\d+(?:[.,:]\d+)*")
_SENTENCE_END = re.compile(r"[^.][.!?;,]$")


@dataclass(frozen=True, slots=True, eq=False)
class TableCell:
    """A cell of a table; the same object in several slots is one merged cell.

    `row` and `column` are its one-based place in the original, zero where that is not to be cited.
    `is_header` tells that the file itself says so.
    """

    text: str
    is_header: bool = False
    row: int = 0
    column: int = 0


Grid = Sequence[Sequence[TableCell | None]]


@dataclass(frozen=True, slots=True)
class Spanning:
    """A cell before it is spread over the rows and columns it is merged over."""

    cell: TableCell
    rows: int = 1
    columns: int = 1


def grid_of(rows: Iterable[Iterable[str]]) -> list[list[TableCell | None]]:
    """A grid of texts without merged cells; rows and columns are counted from 1."""
    return [
        [TableCell(text, row=row, column=column) for column, text in enumerate(texts, 1)]
        for row, texts in enumerate(rows, 1)
    ]


def spread(rows: Sequence[Sequence[Spanning]]) -> list[list[TableCell | None]]:
    """Put cells into slots as a browser does: merged cells push the others to the right.

    No cell reaches below the last row. Beyond a bound on slots, cells count as not merged.
    """
    left = MOST_SPREAD + 4 * sum(len(row) for row in rows)
    grid: list[list[TableCell | None]] = []
    # For each column that a cell from above reaches into: that cell, and for how many rows more.
    reaching: dict[int, tuple[TableCell, int]] = {}
    for at, row in enumerate(rows):
        slots: dict[int, TableCell] = {column: cell for column, (cell, _) in reaching.items()}
        next_reaching = {
            column: (cell, more - 1) for column, (cell, more) in reaching.items() if more > 1
        }
        column = 0
        for spanning in row:
            while column in slots:
                column += 1
            width = min(max(spanning.columns, 1), WIDEST_SPAN)
            height = min(max(spanning.rows, 1), len(rows) - at)
            if height * width > left:
                width = height = 1
            left -= height * width - 1
            for taken in range(column, column + width):
                if taken in slots:
                    break
                slots[taken] = spanning.cell
                if height > 1:
                    next_reaching[taken] = (spanning.cell, height - 1)
                column = taken + 1
        reaching = next_reaching
        grid.append([slots.get(number) for number in range(max(slots, default=-1) + 1)])
    return grid


def lines(grid: Grid, *, header_rows: int | None = None) -> Iterator[TableLine]:
    """The lines of a table, its headers first.

    Empty cells, rows and columns are left out. A cell merged over rows stands in each of them.
    Cells with a place are noted; their offsets cover the value, not the header before it.

    Args:
        grid: the slots of each row; rows may be of different lengths.
        header_rows: how many rows head the columns, not counting captions that stand above them;
            None to go by what the file marks and, failing that, by what the rows look like.
    """
    table = _Table(grid)
    captions = table.captions()
    if header_rows is None:
        header_rows = table.marked_headers(captions)
    if header_rows is None:
        header_rows = table.recognised_headers(captions)
    first = captions + min(header_rows, max(len(table.rows) - captions - 1, 0))
    headers = table.headers(captions, first)
    alone = [_label(headers, at, at + 1, table.columns) for at in range(table.columns)]
    heading = {tuple(_texts(row)) for row in table.rows[captions:first]}
    keyed = first == captions and table.is_keyed(captions)
    written: set[TableCell] = set()
    allowance = MOST_LABELS
    for at, row in enumerate(table.rows):
        if at >= first and heading and tuple(_texts(row)) in heading:
            continue
        pieces: list[_Piece] = []
        for cell, start, end in _runs(row):
            length = len(cell.text)
            if not length or cell in written:
                continue
            if length > LONGEST_REPEATED:
                written.add(cell)
            label = ""
            if at >= first and allowance >= 0:
                is_alone = end == start + 1
                label = alone[start] if is_alone else _label(headers, start, end, table.columns)
                label = "" if label == cell.text else label
                allowance += 16 * length - len(label)
            pieces.append(_Piece(cell, label))
        if pieces:
            yield _line(pieces, names=keyed or at >= first, keyed=keyed and at >= captions)


def could_head(texts: Sequence[str]) -> bool:
    """Whether a row reads as the names of columns: short, distinct, none missing, no numbers."""
    labels = [one_line(text) for text in texts]
    labels = labels[1:] if len(labels) > 2 and not labels[0] else labels
    return (
        len(labels) > 0
        and len({label.casefold() for label in labels}) == len(labels)
        and all(_is_label(label) for label in labels)
    )


def is_number(text: str) -> bool:
    """Whether most of a text is figures, as in prices, dates and quantities."""
    marks = [character for character in text if not character.isspace()]
    digits = sum(character.isdigit() for character in marks)
    letters = sum(character.isalpha() for character in marks)
    return digits > 0 and digits >= letters


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is written for one cell: its value after its column's label, if it has one."""

    cell: TableCell
    label: str


class _Table:
    """A grid of cleaned cells without the rows and columns that are empty."""

    def __init__(self, grid: Grid) -> None:
        tidy: dict[TableCell, TableCell] = {}
        for row in grid:
            for cell in row:
                if cell is not None and cell not in tidy:
                    text = one_line(cell.text)
                    tidy[cell] = (
                        cell
                        if text == cell.text
                        else TableCell(text, cell.is_header, cell.row, cell.column)
                    )
        # A column that merged cells only reach into is none.
        used = sorted({at for row in grid for cell, at, _ in _runs(row) if tidy[cell].text})
        self.columns = len(used)
        self.rows: list[list[TableCell | None]] = []
        for row in grid:
            within = used[: bisect_left(used, len(row))]
            kept = [None if (cell := row[at]) is None else tidy[cell] for at in within]
            if any(cell is not None and cell.text for cell in kept):
                self.rows.append(kept)

    def captions(self) -> int:
        """How many rows at the top hold one cell only, or few, over a table of several columns."""
        if self.columns < 2:
            return 0
        for at, row in enumerate(self.rows):
            slots = [end - start for cell, start, end in _runs(row) if cell.text]
            if len(slots) > 1 and sum(slots) * 3 > self.columns:
                return at
        return 0

    def marked_headers(self, first: int) -> int | None:
        """How many rows from `first` on hold marked headers only; None if no cell is marked."""
        cells = [cell for row in self.rows[first:] for cell in row if cell and cell.text]
        if not any(cell.is_header for cell in cells):
            return None
        for at, row in enumerate(self.rows[first:]):
            if at == MOST_HEADER_ROWS or not all(
                cell.is_header for cell in row if cell and cell.text
            ):
                return at if at < MOST_HEADER_ROWS else 1
        # A table of nothing but headers has a first row and others under it.
        return 1 if self.columns > 1 and len(self.rows) - first > 1 else 0

    def recognised_headers(self, first: int) -> int:
        """How many rows from `first` on read as names of columns over others of another kind.

        Two where the first one names groups of columns, else one or none.
        """
        if self.columns < 2 or first >= len(self.rows):
            return 0
        is_grouped = any(
            end - start > 1 for cell, start, end in _runs(self.rows[first]) if cell.text
        )
        count = 2 if is_grouped else 1
        return count if self._heads(first, first + count) else 0

    def _heads(self, first: int, last: int) -> bool:
        """Whether the rows from `first` to `last` name the columns of those below."""
        below = self.rows[last:][:MOST_JUDGED_ROWS]
        if not below:
            return False
        above = [_texts(row, self.columns) for row in self.rows[first:last]]
        names = [" ".join(dict.fromkeys(filter(None, texts))) for texts in zip(*above, strict=True)]
        columns = list(zip(*(_texts(row, self.columns) for row in below), strict=True))
        # Columns of captions alone need no name.
        used = [at for at, column in enumerate(columns) if any(column)]
        head = [names[at] for at in used]
        body = [[text for text in columns[at] if text] for at in used]
        if len(used) < 2:
            return False
        # Over columns of figures a year is a name: "Item | 2023 | 2024".
        if all(_YEAR.fullmatch(name) for name in head[1:]) and len(set(head)) == len(head):
            return (
                (not head[0] or _is_label(head[0]))
                and not any(map(is_number, body[0]))
                and any(
                    is_number(text) and not _YEAR.fullmatch(text)
                    for texts in body[1:]
                    for text in texts
                )
            )
        if not could_head(head):
            return False
        if not head[0] and len(body[0]) == len(below):
            return True
        return any(_differs(name, texts, len(used)) for name, texts in zip(head, body, strict=True))

    def headers(self, first: int, last: int) -> list[list[TableCell]]:
        """For each column the header cells over it, from rows `first` to `last`, outermost first.

        A cell that spans all columns heads none of them.
        """
        found: list[list[TableCell]] = [[] for _ in range(self.columns)]
        if self.columns < 2:
            return found
        for row in self.rows[first:last]:
            for cell, start, end in _runs(row):
                if cell.text and end - start < self.columns and len(cell.text) <= LONGEST_LABEL:
                    for at in range(start, end):
                        if cell not in found[at]:
                            found[at].append(cell)
        return found

    def is_keyed(self, first: int) -> bool:
        """Whether the first of two columns names what the second holds."""
        rows = self.rows[first:]
        if self.columns != 2 or len(rows) < 2:
            return False
        keys, values = zip(*(_texts(row, 2) for row in rows), strict=True)
        if len(set(keys)) < len(keys) or not all(_is_label(key) for key in keys):
            return False
        stated = [value for value in values if value]
        if sum(key.endswith(":") for key in keys) * 2 > len(keys):
            return True
        with_digits = sum(_has_digit(value) for value in stated)
        keys_with_digits = sum(_has_digit(key) for key in keys)
        return with_digits * 2 >= len(stated) > 2 * keys_with_digits or (
            sum(map(len, stated)) * len(keys) >= 2 * sum(map(len, keys)) * len(stated)
        )


def _line(pieces: Sequence[_Piece], *, names: bool, keyed: bool) -> TableLine:
    """One line: "label: value" for each piece; a row's own header is followed by a colon too."""
    text = ""
    cells: list[Cell] = []
    for at, (cell, label) in enumerate((piece.cell, piece.label) for piece in pieces):
        if at:
            before = pieces[at - 1]
            names_next = keyed or (
                names
                and not before.label
                and not label
                and before.cell.is_header
                and not cell.is_header
            )
            if names_next and len(before.cell.text) <= LONGEST_LABEL:
                text += " " if text.endswith(":") else ": "
            else:
                text += SEPARATOR
        if label:
            text += f"{label}: "
        if cell.row and cell.column:
            cells.append(Cell(len(text), len(text) + len(cell.text), cell.row, cell.column))
        text += cell.text
    return TableLine(text, tuple(cells))


def _label(headers: Sequence[Sequence[TableCell]], start: int, end: int, columns: int) -> str:
    """What heads all the columns from `start` to `end`; nothing for a cell that spans them all."""
    if end - start >= columns:
        return ""
    words: list[str] = []
    for cell in headers[start]:
        if all(cell in headers[at] for at in range(start + 1, end)) and cell.text not in words:
            words.append(cell.text)
    label = " ".join(words).rstrip(": ")
    return label if len(label) <= 2 * LONGEST_LABEL and has_words(label) else ""


def _runs(row: Sequence[TableCell | None]) -> Iterator[tuple[TableCell, int, int]]:
    """Each cell of a row once, with the half-open range of columns it stands over."""
    at = 0
    while at < len(row):
        cell = row[at]
        start = at
        at += 1
        while at < len(row) and row[at] is cell:
            at += 1
        if cell is not None:
            yield cell, start, at


def _texts(row: Sequence[TableCell | None], columns: int | None = None) -> list[str]:
    texts = ["" if cell is None else cell.text for cell in row]
    return texts + [""] * (0 if columns is None else columns - len(texts))


def _is_label(text: str) -> bool:
    return (
        0 < len(text) <= LONGEST_LABEL
        and len(text.split()) <= MOST_LABEL_WORDS
        and has_words(text)
        and not is_number(text)
        and _SENTENCE_END.search(text) is None
    )


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _differs(head: str, body: Sequence[str], columns: int) -> bool:
    """Whether what stands in a column is of another kind than its first cell."""
    if not body or head in body or _has_digit(head):
        return False
    figures = sum(_has_digit(text) for text in body)
    if figures * 5 >= len(body) * 4:
        # Under a header stand figures of one kind; what is named by a first column differs.
        shapes = {_NUMBERS.sub("0", text).lstrip("+-") for text in body}
        return columns > 2 or len(shapes) == 1
    lengths = sorted(map(len, body))
    middle = lengths[len(lengths) // 2]
    return columns > 2 and (
        middle >= max(20, 2 * len(head)) or (len(body) > 3 and len(set(body)) * 2 <= len(body))
    )
