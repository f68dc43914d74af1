"""Writes the paragraphs, lists, tables and notes of a word processor into a `TextBuilder`."""

from collections.abc import Iterable

from index.extract.builder import TableLine, TextBuilder
from index.extract.flow import DEEPEST_INDENT

# A longer paragraph is no heading, whatever its style says.
LONGEST_HEADING = 300
# Stands at the beginning of an item of a list without numbers.
BULLET = "-"


class Blocks:
    """Takes blocks in document order; items in a row become one list, notes follow their block."""

    def __init__(self, builder: TextBuilder) -> None:
        self.builder = builder
        self.title = ""
        self._items: list[str] = []
        self._notes: list[str] = []
        # Notes of the block that comes next.
        self._coming: list[str] = []

    def heading(self, text: str, level: int) -> None:
        """Add a heading; below the document's title all others stand one level deeper."""
        words = " ".join(text.split())
        if not words or len(words) > LONGEST_HEADING:
            self.paragraph(text)
            return
        self.close()
        self.builder.heading(words, level + bool(self.title))
        self._take_notes()

    def main_title(self, text: str) -> None:
        """Add the document's title, the outermost heading; only the first one counts."""
        words = " ".join(text.split())
        if not words or self.title or len(words) > LONGEST_HEADING:
            self.paragraph(text)
            return
        self.close()
        self.title = words
        self.builder.heading(words, 1)
        self._take_notes()

    def paragraph(self, text: str) -> None:
        """Add a paragraph."""
        if text.strip():
            self.close()
            self.builder.block(text.strip())
            self._take_notes()

    def item(self, text: str, marker: str, depth: int) -> None:
        """Add an item of a list on lines of its own; `depth` is 0 for the outermost list.

        Without a marker it goes on with the item before.
        """
        if not text.strip():
            return
        if not self._items:
            self.close()
        indent = "  " * min(max(depth, 0), DEEPEST_INDENT - 1)
        following = "\n" + indent + "  "
        self._items.append(f"{indent}{marker or ' '} {text.strip()}".replace("\n", following))
        self._take_notes()

    def table(self, lines: Iterable[TableLine]) -> None:
        """Add a table."""
        self.close()
        self.builder.table(list(lines))
        self._take_notes()

    def note(self, mark: str, text: str) -> None:
        """Keep a footnote of the block that comes next; it is written after it."""
        if text.strip():
            self._coming.append(f"[{mark}] {' '.join(text.split())}")

    def end(self) -> None:
        """Write all that is waiting."""
        self.close()
        self._take_notes()
        self.close()

    def close(self) -> None:
        """Write the list that is open, if one is, and the notes of what stands before."""
        if self._items:
            self.builder.block("\n".join(self._items))
            self._items.clear()
        if self._notes:
            self.builder.block("\n".join(self._notes))
            self._notes.clear()

    def _take_notes(self) -> None:
        self._notes += self._coming
        self._coming.clear()


def numeral(number: int, style: str) -> str:
    """A list's number as it is written in `style`, one of Word's; figures for unknown styles."""
    if style in ("lowerLetter", "upperLetter") and 0 < number <= 26 * 100:
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter if style == "lowerLetter" else letter.upper()
    if style in ("lowerRoman", "upperRoman") and 0 < number < 4000:
        roman = ""
        for value, letters in _ROMAN:
            roman += letters * (number // value)
            number %= value
        return roman if style == "lowerRoman" else roman.upper()
    return f"{number:02}" if style == "decimalZero" else str(number)


_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l")),
    *((40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
