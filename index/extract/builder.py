"""Puts canonical text together, noting where each page and heading stands."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from index.boxes import Places, pack, unplaced
from index.documents import Cell, Glyphs, Page, Part, PartKind, Section
from index.extract.cleaning import clean, has_words, one_line

BLANK_LINE = "\n\n"


@dataclass(frozen=True, slots=True)
class Extracted:
    """What an extractor makes of a file; an empty `title` means that the file names none.

    Pages, sections, parts and cells are as in `Document`: code points into `text`, in order, not
    overlapping.
    """

    text: str
    title: str = ""
    pages: tuple[Page, ...] = ()
    sections: tuple[Section, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class TableLine:
    """One line of a table; its cells' offsets are code points into `text`, which is clean."""

    text: str
    cells: tuple[Cell, ...] = ()


class TextBuilder:
    """Accumulates cleaned blocks, with one blank line between each two."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._page: int | None = None
        self._sizes: dict[int, tuple[float, float]] = {}
        self._page_starts: list[tuple[int, int]] = []
        self._above: list[tuple[int, str]] = []
        self._section_starts: list[tuple[int, tuple[str, ...]]] = []
        self._part: tuple[PartKind, str] | None = None
        self._part_starts: list[tuple[int, tuple[PartKind, str] | None]] = []
        self._cells: list[Cell] = []
        self._places: list[tuple[int, Places]] = []

    @property
    def first_heading(self) -> str:
        """The outermost heading that came first, empty while there is none."""
        return self._section_starts[0][1][0] if self._section_starts else ""

    def page(self, number: int, size: tuple[float, float] | None = None) -> None:
        """Let what follows stand on page `number`, one-based; `size` is its width and height.

        Give a size, in points, if the blocks come with places.
        """
        self._page = number
        if size is not None:
            self._sizes[number] = size

    def part(self, kind: PartKind, name: str) -> None:
        """Let what follows stand in this part, until the next one begins; see `Part`."""
        self._part = (kind, name)

    def heading(self, text: str, level: int, places: Places | None = None) -> None:
        """Add a heading as a block of its own; `level` is 1 for the outermost."""
        title = one_line(text)
        if not has_words(title):
            self.block(title if places is None else text, places)
            return
        while self._above and self._above[-1][0] >= level:
            self._above.pop()
        self._above.append((level, title))
        path = tuple(heading for _, heading in self._above)
        if places is not None:
            _check_places(title, text, places)
        self._section_starts.append((self._append(title, places), path))

    def block(self, text: str, places: Places | None = None) -> None:
        """Add a paragraph, list, table or several of them; does nothing if there is no text.

        `places` has a rectangle for each code point, NaN for those that are not printed; then
        `text` must be clean, without white space at its ends.
        """
        cleaned = clean(text).strip("\n").rstrip()
        if cleaned and not self._pieces:
            cleaned = cleaned.lstrip()
        if places is not None:
            _check_places(cleaned, text, places)
        if cleaned:
            self._append(cleaned, places)

    def table(self, lines: Sequence[TableLine]) -> None:
        """Add a table as one block, noting where its cells stand; does nothing without lines."""
        kept = [line for line in lines if line.text.strip()]
        if not kept:
            return
        start = self._append("\n".join(line.text for line in kept))
        for line in kept:
            self._cells += [
                Cell(start + cell.start, start + cell.end, cell.row, cell.column)
                for cell in line.cells
            ]
            start += len(line.text) + 1

    def build(self, title: str = "", metadata: Mapping[str, str] | None = None) -> Extracted:
        """Return the text so far; each page, section and part reaches up to the next one."""
        text = BLANK_LINE.join(self._pieces)
        page_ends = [start for _, start in self._page_starts[1:]] + [len(text)]
        section_ends = [start for start, _ in self._section_starts[1:]] + [len(text)]
        part_ends = [start for start, _ in self._part_starts[1:]] + [len(text)]
        return Extracted(
            text,
            title,
            tuple(
                Page(number, start, end, self._glyphs(number, start, end))
                for (number, start), end in zip(self._page_starts, page_ends, strict=False)
            ),
            tuple(
                Section(path, start, end)
                for (start, path), end in zip(self._section_starts, section_ends, strict=False)
            ),
            {} if metadata is None else metadata,
            tuple(
                Part(*part, start, end)
                for (start, part), end in zip(self._part_starts, part_ends, strict=False)
                if part is not None
            ),
            tuple(self._cells),
        )

    def _glyphs(self, number: int, start: int, end: int) -> Glyphs | None:
        size = self._sizes.get(number)
        if size is None:
            return None
        places = unplaced(end - start)
        first = bisect_left(self._places, start, key=lambda item: item[0])
        for at in range(first, bisect_left(self._places, end, key=lambda item: item[0])):
            offset, found = self._places[at]
            places[offset - start : offset - start + len(found)] = found
        return pack(places, size)

    def _append(self, block: str, places: Places | None = None) -> int:
        start = self._length + len(BLANK_LINE) if self._pieces else 0
        if self._page is not None and (
            not self._page_starts or self._page_starts[-1][0] != self._page
        ):
            self._page_starts.append((self._page, start))
        if (self._part_starts[-1][1] if self._part_starts else None) != self._part:
            self._part_starts.append((start, self._part))
        if places is not None:
            self._places.append((start, places))
        self._pieces.append(block)
        self._length = start + len(block)
        return start


def _check_places(cleaned: str, text: str, places: Places) -> None:
    if cleaned != text or len(places) != len(text):
        raise ValueError(
            f"not one place a character of clean text: {len(places)} for {text[:40]!r}"
        )
