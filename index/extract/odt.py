"""OpenDocument texts: the body as it is read, without page furniture, comments and deletions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from index.extract.blocks import BULLET, Blocks, numeral
from index.extract.builder import Extracted, TextBuilder
from index.extract.foreign import parsing
from index.extract.odf import OFFICE, STYLE, TABLE, TEXT, inline, metadata, parser, parts, whole
from index.extract.source import Source
from index.extract.tables import TableCell, lines

_NUMBERS = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
# Containers whose content stands in the text.
_OPENED = frozenset(
    {
        TEXT + "section",
        TEXT + "numbered-paragraph",
        TEXT + "bibliography",
        TEXT + "index-body",
        TABLE + "table-header-rows",
        TABLE + "table-rows",
        TABLE + "table-row-group",
    }
)
_LEVELS = 10
# A cell that is repeated more often is filling.
_MOST_REPEATED = 100
_LAYOUT_PARAGRAPHS = 3
_LAYOUT_LENGTH = 800


def read(source: Source) -> Extracted:
    """Extract an OpenDocument text.

    Raises:
        UnreadableDocument: it is damaged or encrypted.
        DocumentTooLarge: it unpacks to too much.
    """
    found = parts(source)
    with parsing(source.name):
        from lxml import etree

        title, stated = metadata(found.get("meta.xml", b""))
        content = etree.fromstring(found["content.xml"], parser())
        styles = found.get("styles.xml")
        roots = [content] if not styles else [content, etree.fromstring(styles, parser())]
        reader = _Reader(_Styles(roots))
        reader.write(chain.from_iterable(content.iterfind(f"{OFFICE}body/{OFFICE}text")))
        builder = reader.blocks.builder
        return builder.build(title or reader.blocks.title or builder.first_heading, stated)


class _Styles:
    """The styles of a document as far as they say what a paragraph is, and its lists."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self._parents: dict[str, str] = {}
        self._levels: dict[str, dict[int, Any]] = {}
        self.outline: dict[int, Any] = {}
        for root in roots:
            for style in root.iter(STYLE + "style"):
                name = style.get(STYLE + "name") or ""
                self._parents.setdefault(name, style.get(STYLE + "parent-style-name") or "")
            for style in root.iter(TEXT + "list-style"):
                name = style.get(STYLE + "name") or ""
                self._levels.setdefault(name, _levels(style))
            for style in root.iter(TEXT + "outline-style"):
                self.outline = self.outline or _levels(style)

    def is_title(self, name: str) -> bool:
        """Whether a paragraph's style is that of titles, or made of it."""
        return "Title" in (name, self._parents.get(name))

    def level(self, name: str, depth: int) -> Any:
        """The style of a list at a depth from 1; None if nothing says so."""
        return self._levels.get(name, {}).get(depth)


@dataclass(slots=True)
class _List:
    """A list that is open: its marker is due before the next paragraph."""

    style: str
    depth: int
    count: int = 0
    marker: str = ""


class _Reader:
    """Walks over one document."""

    def __init__(self, styles: _Styles) -> None:
        self.blocks = Blocks(TextBuilder())
        self._styles = styles
        self._headings: list[int] = [0] * (_LEVELS + 1)
        self._boxes: list[Any] = []

    def write(self, body: Iterable[Any]) -> None:
        """Write all blocks of a body."""
        open_elements: list[tuple[Iterator[Any], _List | None]] = [(iter(body), None)]
        while open_elements:
            elements, listed = open_elements[-1]
            element = next(elements, None)
            if element is None:
                open_elements.pop()
                continue
            tag = element.tag
            if tag == TEXT + "h":
                self._write_heading(element)
            elif tag == TEXT + "p":
                self._write_paragraph(element, listed)
            elif tag == TEXT + "list":
                open_elements.append((iter(element), self._opened(element, listed)))
            elif tag == TEXT + "list-item" and listed is not None:
                self._begin_item(element, listed)
                open_elements.append((iter(element), listed))
            elif tag == TABLE + "table":
                if _is_layout(element):
                    open_elements.append((chain.from_iterable(_cells(element)), None))
                else:
                    self.blocks.table(lines(self._grid(element)))
            elif tag in _OPENED or tag == TEXT + "list-header":
                open_elements.append((iter(element), listed))
            elif tag is not None and tag.startswith("{urn:oasis:names:tc:opendocument:xmlns:draw"):
                self._take(inline(element).boxes)
            if self._boxes:
                open_elements.append((chain.from_iterable(self._boxes), None))
                self._boxes = []
        self.blocks.end()

    def _take(self, boxes: list[Any]) -> None:
        self._boxes += boxes

    def _write_heading(self, element: Any) -> None:
        found = self._read(element)
        level = min(max(whole(element.get(TEXT + "outline-level"), 1), 1), _LEVELS)
        number = ""
        if found and element.get(TEXT + "is-list-header") != "true":
            self._headings[level] += 1
            self._headings[level + 1 :] = [0] * (_LEVELS - level)
            number = self._number(self._styles.outline.get(level), level)
        self.blocks.heading(f"{number} {found}" if number else found, level)

    def _number(self, style: Any, level: int) -> str:
        """A heading's number, "4.2"; empty where headings have none."""
        if style is None or not style.get(STYLE + "num-format"):
            return ""
        shown = min(whole(style.get(TEXT + "display-levels"), 1), level)
        numbers = [
            numeral(self._headings[above], _form(self._styles.outline.get(above)))
            for above in range(level - shown + 1, level + 1)
            if self._headings[above] or above == level
        ]
        return _affixed(style, ".".join(numbers))

    def _write_paragraph(self, element: Any, listed: _List | None) -> None:
        text = self._read(element)
        if listed is not None and text:
            self.blocks.item(text, listed.marker, listed.depth - 1)
            listed.marker = ""
        elif self._styles.is_title(element.get(TEXT + "style-name") or ""):
            self.blocks.main_title(text)
        else:
            self.blocks.paragraph(text)

    def _read(self, element: Any) -> str:
        """A paragraph's text; its notes are kept for the end of the block."""
        found = inline(element)
        self._boxes += found.boxes
        for mark, note in found.notes:
            texts = [inline(paragraph).text for paragraph in note.iter(TEXT + "p", TEXT + "h")]
            self.blocks.note(mark or "*", " ".join(texts))
        return found.text

    def _opened(self, element: Any, around: _List | None) -> _List:
        style = element.get(TEXT + "style-name") or ("" if around is None else around.style)
        depth = 1 if around is None else min(around.depth + 1, _LEVELS)
        look = self._styles.level(style, depth)
        start = 1 if look is None else whole(look.get(TEXT + "start-value"), 1)
        return _List(style, depth, start - 1)

    def _begin_item(self, element: Any, listed: _List) -> None:
        stated = element.get(TEXT + "start-value")
        listed.count = whole(stated, listed.count + 1)
        look = self._styles.level(listed.style, listed.depth)
        if look is None or look.tag != TEXT + "list-level-style-number":
            listed.marker = BULLET
        else:
            listed.marker = _affixed(look, numeral(listed.count, _form(look))) or BULLET

    def _grid(self, table: Any) -> list[list[TableCell | None]]:
        grid: list[list[TableCell | None]] = []
        # For each column a cell from above reaches into: that cell, and for how many rows more.
        reaching: dict[int, tuple[TableCell, int]] = {}
        for row, is_header in _rows(table):
            slots: list[TableCell | None] = []
            next_reaching: dict[int, tuple[TableCell, int]] = {}
            left: TableCell | None = None
            for cell in row.iterchildren(TABLE + "table-cell", TABLE + "covered-table-cell"):
                repeated = whole(cell.get(TABLE + "number-columns-repeated"), 1)
                if cell.tag == TABLE + "covered-table-cell":
                    for _ in range(min(repeated, _MOST_REPEATED)):
                        above = reaching.get(len(slots))
                        if above is not None and above[1] > 1:
                            next_reaching[len(slots)] = (above[0], above[1] - 1)
                        slots.append(left if above is None else above[0])
                    continue
                found = TableCell(self._cell_text(cell), is_header)
                left = found if whole(cell.get(TABLE + "number-columns-spanned"), 1) > 1 else None
                height = whole(cell.get(TABLE + "number-rows-spanned"), 1)
                width = min(whole(cell.get(TABLE + "number-columns-spanned"), 1), _MOST_REPEATED)
                if height > 1:
                    for column in range(len(slots), len(slots) + width):
                        next_reaching[column] = (found, height - 1)
                slots += [found] * (min(repeated, _MOST_REPEATED) if found.text else 1)
                if not found.text:
                    slots += [None] * (min(repeated, _MOST_REPEATED) - 1)
            reaching = next_reaching
            grid.append(slots)
        return grid

    def _cell_text(self, cell: Any) -> str:
        return "\n".join(self._read(paragraph) for paragraph in _paragraphs(cell))


def _levels(style: Any) -> dict[int, Any]:
    return {
        whole(level.get(TEXT + "level"), 0): level for level in style if isinstance(level.tag, str)
    }


def _form(style: Any) -> str:
    stated = "" if style is None else style.get(STYLE + "num-format") or ""
    return _NUMBERS.get(stated, "decimal")


def _affixed(style: Any, number: str) -> str:
    if not style.get(STYLE + "num-format"):
        return ""
    before, after = style.get(STYLE + "num-prefix") or "", style.get(STYLE + "num-suffix") or ""
    return f"{before}{number}{after}".strip()


def _rows(table: Any) -> Iterator[tuple[Any, bool]]:
    """The rows of a table, and whether they are marked as headers."""
    open_elements: list[tuple[Iterator[Any], bool]] = [(iter(table), False)]
    while open_elements:
        elements, is_header = open_elements[-1]
        child = next(elements, None)
        if child is None:
            open_elements.pop()
        elif child.tag == TABLE + "table-row":
            yield child, is_header
        elif child.tag in _OPENED:
            heads = is_header or child.tag == TABLE + "table-header-rows"
            open_elements.append((iter(child), heads))


def _cells(table: Any) -> Iterator[Any]:
    for row, _ in _rows(table):
        yield from row.iterchildren(TABLE + "table-cell")


def _paragraphs(cell: Any) -> Iterator[Any]:
    """The paragraphs of a cell, those of its lists too."""
    open_elements: list[Iterator[Any]] = [iter(cell)]
    while open_elements:
        child = next(open_elements[-1], None)
        if child is None:
            open_elements.pop()
        elif child.tag in (TEXT + "p", TEXT + "h"):
            yield child
        elif child.tag in _OPENED or child.tag in (
            TEXT + "list",
            TEXT + "list-item",
            TEXT + "list-header",
        ):
            open_elements.append(iter(child))


def _is_layout(table: Any) -> bool:
    """Whether a table lays out the page: a single column, a table inside, or long texts."""
    is_single = True
    for row, _ in _rows(table):
        for at, cell in enumerate(row.iterchildren(TABLE + "table-cell")):
            is_single = is_single and not at
            if cell.find(TABLE + "table") is not None:
                return True
            lengths = [
                length
                for paragraph in _paragraphs(cell)
                if (length := sum(map(len, paragraph.itertext())))
            ]
            if len(lengths) >= _LAYOUT_PARAGRAPHS and sum(lengths) >= _LAYOUT_LENGTH:
                return True
    return is_single
