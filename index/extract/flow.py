"""Lays out running text as a browser does: collapsed white space, blocks, lists and tables."""

from dataclasses import dataclass, field

from index.extract.builder import BLANK_LINE, TableLine, TextBuilder
from index.extract.cleaning import drop_invisible, has_words
from index.extract.tables import Spanning, TableCell, lines, spread

# Deeper lists are written as if they stood this deep, or the indents would outgrow the text.
DEEPEST_INDENT = 8
# A cell with this many paragraphs is a part of the page's layout rather than of a table.
LAYOUT_PARAGRAPHS = 3


@dataclass(slots=True)
class _Cell:
    """A cell of a table that is open, and over how many rows and columns it is merged."""

    is_header: bool
    rows: int
    columns: int
    paragraphs: list[str] = field(default_factory=list)


class _Table:
    """The rows of a table that is open."""

    def __init__(self) -> None:
        self.rows: list[list[_Cell]] = []
        self.is_layout = False

    def is_tabular(self) -> bool:
        """Whether the cells stand side by side and hold short pieces of text."""
        return any(sum(bool(cell.paragraphs) for cell in row) > 1 for row in self.rows) and not any(
            len(cell.paragraphs) >= LAYOUT_PARAGRAPHS for row in self.rows for cell in row
        )

    def lines(self) -> list[TableLine]:
        """A line for each row; see `tables`."""
        grid = spread(
            [
                [
                    Spanning(
                        TableCell(" ".join(cell.paragraphs), cell.is_header),
                        cell.rows,
                        cell.columns,
                    )
                    for cell in row
                ]
                for row in self.rows
            ]
        )
        return list(lines(grid))

    def paragraphs(self) -> list[str]:
        """The cells' paragraphs one after another."""
        return [paragraph for row in self.rows for cell in row for paragraph in cell.paragraphs]


class Flow:
    """Takes text and the edges of elements in document order and fills a `TextBuilder`."""

    def __init__(self, builder: TextBuilder) -> None:
        self.builder = builder
        self.has_top_heading = False
        self.top_heading = ""
        self.has_words = False
        self._pieces: list[str] = []
        self._space = False
        self._gap = ""
        self._marker = ""
        self._heading: int | None = None
        self._preformatted = 0
        # For each open list the number of its next item, None where items are not numbered.
        self._lists: list[int | None] = []
        # Whether the open block is made of items of the list that is open.
        self._listing = False
        self._tables: list[_Table] = []

    @property
    def in_item(self) -> bool:
        """Whether a list is open."""
        return bool(self._lists)

    def text(self, text: str) -> None:
        """Write characters, with white space collapsed unless they are preformatted."""
        text = drop_invisible(text)
        if self._preformatted:
            if self._gap or self._marker:
                self._begin_line()
            self._pieces.append(text)
            return
        words = " ".join(text.split())
        if not words:
            self._space = self._space or bool(text)
            return
        if self._gap or self._marker:
            self._begin_line()
        elif (self._space or text[0].isspace()) and self._pieces:
            self._pieces.append(" ")
        self._pieces.append(words)
        self._space = text[-1].isspace()

    def line_break(self) -> None:
        """Begin a line inside the block."""
        if self._preformatted:
            self._pieces.append("\n")
        elif self._gap == "" and self._pieces:
            self._gap = "\n"
        elif self._gap == "\n":
            # Two breaks in a row are how pages without <p> part their paragraphs.
            self._gap = BLANK_LINE

    def boundary(self, *, paragraph: bool = True) -> None:
        """Note that a block begins or ends here: what follows is a new paragraph, or line.

        Between an item's marker and its first word this has no effect.
        """
        if self._pieces and not self._marker and self._gap != BLANK_LINE:
            self._gap = BLANK_LINE if paragraph else "\n"

    def start_heading(self, level: int) -> None:
        """Open a heading, which stands alone even in a list or a table."""
        self._stream_tables()
        self._flush()
        self._marker = ""
        self._heading = level

    def end_heading(self) -> None:
        """Write the heading."""
        level, self._heading = self._heading, None
        words = self._take()
        if level is not None and words:
            self.has_words = self.has_words or has_words(words)
            if level == 1 and not self.has_top_heading:
                self.has_top_heading, self.top_heading = True, words
            self.builder.heading(words, level)

    def start_list(self, number: int | None) -> None:
        """Open a list; `number` is the first item's, None for one with bullets."""
        self.boundary(paragraph=not self._lists)
        self._lists.append(number)

    def end_list(self) -> None:
        """Close the innermost list."""
        if self._lists:
            self._lists.pop()
        self._listing = self._listing and bool(self._lists)
        self._marker = ""
        self.boundary(paragraph=not self._lists)

    def start_item(self, number: int | None) -> None:
        """Begin an item on a line of its own; `number` overrides the list's count."""
        if not self._lists:
            self.boundary()
            self._marker = "- "
            return
        if self._pieces:
            self._gap = "\n" if self._listing else BLANK_LINE
        count = self._lists[-1]
        if count is None:
            self._marker = "- "
        else:
            count = count if number is None else number
            self._marker = f"{count}. "
            self._lists[-1] = count + 1

    def start_table(self) -> None:
        """Open a table; the one around it, if any, turns out to be mere layout."""
        self._stream_tables()
        self._flush()
        self._marker = ""
        self._tables.append(_Table())

    def start_row(self) -> None:
        """Open a row."""
        if self._collecting:
            self._flush()
            self._tables[-1].rows.append([])
        else:
            self.boundary()

    def start_cell(self, *, is_header: bool = False, rows: int = 1, columns: int = 1) -> None:
        """Open a cell that is merged over so many rows and columns."""
        if self._collecting:
            if not self._tables[-1].rows:
                self.start_row()
            self._flush()
            self._tables[-1].rows[-1].append(_Cell(is_header, rows, columns))
        else:
            self.boundary()

    def end_cell(self) -> None:
        """Close a cell."""
        if self._collecting:
            self._flush()
        else:
            self.boundary()

    def end_table(self) -> None:
        """Write the table: a line for each row, or paragraphs if it only lays out the page."""
        self._flush()
        if not self._tables:
            return
        table = self._tables.pop()
        if table.is_tabular():
            written = table.lines()
            self.has_words = self.has_words or any(has_words(line.text) for line in written)
            self.builder.table(written)
        else:
            for paragraph in table.paragraphs():
                self._write(paragraph)

    def start_preformatted(self) -> None:
        """Keep white space from here."""
        self.boundary()
        self._preformatted += 1

    def end_preformatted(self) -> None:
        """Collapse white space again."""
        self._preformatted = max(0, self._preformatted - 1)
        self.boundary()

    def finish(self) -> None:
        """Write what has not been written."""
        self._stream_tables()
        self._flush()

    @property
    def _collecting(self) -> bool:
        return bool(self._tables) and not self._tables[-1].is_layout

    def _begin_line(self) -> None:
        """Put the gap and the list marker that are due before the next word."""
        if self._gap == BLANK_LINE:
            self._flush()
        elif self._pieces and self._gap:
            self._pieces.append("\n")
        if self._lists and (self._marker or self._gap):
            depth = min(len(self._lists), DEEPEST_INDENT) - 1
            self._pieces.append("  " * depth + (self._marker or "  "))
            self._listing = True
        self._gap = self._marker = ""
        self._space = False

    def _take(self) -> str:
        words = "".join(self._pieces)
        self._pieces.clear()
        self._gap = ""
        self._space = self._listing = False
        return words

    def _flush(self) -> None:
        """End the block that is open."""
        if self._heading is not None:
            self.end_heading()
            return
        words = self._take()
        if not words.strip():
            return
        if self._collecting and self._tables[-1].rows and self._tables[-1].rows[-1]:
            self._tables[-1].rows[-1][-1].paragraphs.append(" ".join(words.split()))
        else:
            self._write(words)

    def _write(self, words: str) -> None:
        self.has_words = self.has_words or has_words(words)
        self.builder.block(words)

    def _stream_tables(self) -> None:
        """Write what the innermost table has collected and let it collect no more."""
        if self._collecting:
            self._flush()
            table = self._tables[-1]
            for paragraph in table.paragraphs():
                self._write(paragraph)
            table.rows.clear()
            table.is_layout = True
