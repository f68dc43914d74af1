"""Word documents (Office Open XML): the text of the body as it is read, without furniture.

Left out are page headers and footers, comments, deletions that are still tracked, hidden text and
tables of contents. Nothing here recurses, so deep nests only take time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from index.extract.blocks import BULLET, Blocks, numeral
from index.extract.builder import Extracted, TextBuilder
from index.extract.foreign import parsing
from index.extract.pictures import mention
from index.extract.properties import core_properties
from index.extract.source import Source
from index.extract.tables import TableCell, could_head, lines
from index.extract.wordlists import Numbering, Styles, W, list_of, outline_level, value
from index.extract.zipped import plain_copy

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships/"
_PROPERTIES = "{http://schemas.openxmlformats.org/officeDocument/2006/extended-properties}"

# What is not part of the text a reader sees.
_SKIPPED = frozenset(
    W + name
    for name in (
        *("pPr", "rPr", "del", "moveFrom", "instrText", "delText", "delInstrText", "rt", "sdtPr"),
        *("sectPr", "tblPr", "trPr", "tcPr", "tblGrid", "sdtEndPr", "customXmlPr", "smartTagPr"),
    )
)
# Wrappers that may stand around blocks, rows and cells.
_WRAPPERS = frozenset(
    W + name for name in ("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag")
)
_CHARACTERS = {
    W + "tab": "\t",
    W + "ptab": "\t",
    W + "cr": "\n",
    W + "noBreakHyphen": "-",
    W + "softHyphen": "",
}
# Long texts in several paragraphs are laid out by a table rather than listed in it.
_LAYOUT_PARAGRAPHS = 3
_LAYOUT_LENGTH = 800
_PLAIN_TABLES = frozenset({"", "normal table", "table grid", "table normal"})
_MOST_SPANNED = 63


@dataclass(slots=True)
class _Paragraph:
    """What a paragraph says: its text, the text boxes anchored in it, and the pages it ends."""

    text: str = ""
    boxes: list[Any] = field(default_factory=list)
    breaks_before: int = 0
    breaks: int = 0


def read(source: Source) -> Extracted:
    """Extract a Word document; pages are given where Word has noted all of its page breaks.

    Raises:
        UnreadableDocument: it is damaged or encrypted.
        DocumentTooLarge: it unpacks to too much.
    """
    copy = plain_copy(source)
    with parsing(source.name):
        from docx import Document

        title, metadata = core_properties(copy)
        document = Document(copy)
        reader = _Reader(document)
        reader.write(document.element.body)
        builder = reader.blocks.builder
        if reader.pages is not None:
            metadata = {**metadata, "pages": str(reader.pages)}
        return builder.build(title or reader.blocks.title or builder.first_heading, metadata)


class _Reader:
    """Walks over one document."""

    def __init__(self, document: Any) -> None:
        part = document.part
        self.blocks = Blocks(TextBuilder())
        self._styles = Styles(_related(part, "styles"))
        self._numbering = Numbering(_related(part, "numbering"))
        self._notes: dict[tuple[str, str], Any] = {}
        for kind in ("footnote", "endnote"):
            root = _related(part, f"{kind}s")
            for note in () if root is None else root.iterchildren(W + kind):
                self._notes[kind, note.get(W + "id") or ""] = note
        self._noted = {"footnote": 0, "endnote": 0}
        self._marks: dict[tuple[str, str], str] = {}
        self._unwritten: list[Any] = []
        self._kept = ""
        self._breaks = 0
        self._page: int | None = 1 if _pages_are_sure(document) else None

    @property
    def pages(self) -> int | None:
        """How many pages there are up to here; None if that is not sure."""
        return self._page

    def write(self, body: Any) -> None:
        """Write all blocks below `body`."""
        open_elements: list[Iterator[Any]] = [iter(body)]
        while open_elements:
            element = next(open_elements[-1], None)
            if element is None:
                open_elements.pop()
            elif element.tag == W + "p":
                self._write_paragraph(element)
            elif element.tag == W + "tbl":
                self._write_kept()
                if _is_layout(element):
                    open_elements.append(_cell_contents(element))
                else:
                    self._write_table(element)
            elif element.tag in _WRAPPERS and not _is_placeholder(element):
                open_elements.append(iter(element))
            if self._unwritten:
                open_elements.append(chain.from_iterable(self._unwritten))
                self._unwritten = []
        self._write_kept()
        self.blocks.end()

    def _write_kept(self) -> None:
        """Write a paragraph whose end is deleted and that nothing came after."""
        self.blocks.paragraph(self._kept)
        self._kept = ""

    def _write_paragraph(self, element: Any) -> None:
        paragraph = self._paragraph(element)
        text = self._kept + paragraph.text
        self._kept = ""
        properties = element.find(W + "pPr")
        if _end_is_deleted(properties):
            self._kept = text
            self._turn(paragraph.breaks)
            return
        style = self._styles.style(value(properties, "pStyle"))
        level = outline_level(properties)
        level = style.level if level is None else level
        listed = list_of(properties, style.list)
        marker = ""
        if listed and text.strip():
            marker = self._numbering.marker(*listed)
        elif style.name.startswith("list bullet"):
            listed, marker = ("", 0), BULLET
        self._turn(paragraph.breaks_before)
        if style.name.startswith("toc ") and style.name[4:].isdecimal():
            pass
        elif style.name == "title":
            self.blocks.main_title(text)
        elif level:
            number = marker + " " if marker and marker != BULLET else ""
            self.blocks.heading(number + text.strip() if text.strip() else "", level)
        elif listed and marker:
            self.blocks.item(text, marker, listed[1])
        else:
            self.blocks.paragraph(text)
        self._turn(paragraph.breaks - paragraph.breaks_before)
        self._unwritten += paragraph.boxes

    def _turn(self, pages: int) -> None:
        """Let what follows stand so many pages on."""
        if self._page is not None:
            if pages:
                self.blocks.close()
            self._page += pages
            self.blocks.builder.page(self._page)

    def _write_table(self, element: Any) -> None:
        grid = self._grid(element)
        properties = element.find(W + "tblPr")
        look = None if properties is None else properties.find(W + "tblLook")
        styled = self._styles.style(value(properties, "tblStyle")).name not in _PLAIN_TABLES
        first = ["" if cell is None else cell.text for cell in grid[0]] if grid else []
        heads = styled and look is not None and _is_on(look, "firstRow", 0x20)
        marked = any(cell is not None and cell.is_header for row in grid for cell in row)
        header_rows = 1 if heads and not marked and len(first) > 1 and could_head(first) else None
        self.blocks.table(lines(grid, header_rows=header_rows))
        self._turn(self._breaks)
        self._breaks = 0

    def _grid(self, table: Any) -> list[list[TableCell | None]]:
        """The cells of a table in their slots; page breaks among them are counted."""
        grid: list[list[TableCell | None]] = []
        for row in _unwrapped(table, W + "tr"):
            properties = row.find(W + "trPr")
            if properties is not None and properties.find(W + "del") is not None:
                continue
            is_header = properties is not None and _is_set(properties.find(W + "tblHeader"))
            slots: list[TableCell | None] = [None] * _count(properties, "gridBefore", 0)
            for cell in _unwrapped(row, W + "tc"):
                about = cell.find(W + "tcPr")
                merged = None if about is None else about.find(W + "vMerge")
                above = grid[-1][len(slots)] if grid and len(slots) < len(grid[-1]) else None
                if merged is None or merged.get(W + "val") == "restart" or above is None:
                    found = TableCell(self._cell_text(cell), is_header)
                else:
                    found = above
                slots += [found] * max(1, _count(about, "gridSpan", 1))
            grid.append(slots)
        return grid

    def _cell_text(self, cell: Any) -> str:
        texts: list[str] = []
        for element in _unwrapped(cell, W + "p"):
            paragraph = self._paragraph(element)
            properties = element.find(W + "pPr")
            listed = list_of(properties, self._styles.style(value(properties, "pStyle")).list)
            if listed and paragraph.text.strip():
                marker = self._numbering.marker(*listed)
                texts.append(f"{marker} {paragraph.text.strip()}")
            else:
                texts.append(paragraph.text)
            self._breaks += paragraph.breaks
            self._unwritten += paragraph.boxes
        return "\n".join(texts)

    def _paragraph(self, element: Any, *, in_note: bool = False) -> _Paragraph:
        """Read what stands in a paragraph; notes it refers to are kept for the block's end."""
        found = _Paragraph()
        pieces: list[str] = []
        # For each field that is open, whether its instruction is still being given.
        fields: list[bool] = []
        instructed = 0
        is_blank = True
        open_elements: list[Iterator[Any]] = [iter(element)]
        while open_elements:
            child = next(open_elements[-1], None)
            if child is None:
                open_elements.pop()
                continue
            tag = child.tag
            if not isinstance(tag, str) or tag in _SKIPPED:
                continue
            if tag == W + "t" or tag == _MATH + "t":
                if not instructed:
                    pieces.append(child.text or "")
                    is_blank = is_blank and not pieces[-1].strip()
            elif tag in _CHARACTERS:
                pieces.append(_CHARACTERS[tag])
            elif tag == W + "br":
                pieces.append("\n" if child.get(W + "type") in (None, "textWrapping") else "")
            elif tag == W + "lastRenderedPageBreak":
                found.breaks += 1
                found.breaks_before += is_blank
            elif tag == W + "fldChar":
                kind = child.get(W + "fldCharType")
                if kind == "begin":
                    fields.append(True)
                    instructed += 1
                elif kind == "separate" and fields:
                    instructed -= fields[-1]
                    fields[-1] = False
                elif kind == "end" and fields:
                    instructed -= fields.pop()
            elif tag in (W + "footnoteReference", W + "endnoteReference"):
                if not in_note:
                    pieces.append(self._mark(child))
            elif tag == W + "txbxContent":
                found.boxes.append(child)
            elif tag == _DRAWING + "docPr":
                pieces.append(mention(child.get("descr")))
            elif tag == _MC + "AlternateContent":
                choice = child.find(_MC + "Choice")
                choice = child.find(_MC + "Fallback") if choice is None else choice
                if choice is not None:
                    open_elements.append(iter(choice))
            elif not (tag == W + "r" and _is_hidden(child)) and not _is_placeholder(child):
                open_elements.append(iter(child))
        found.text = "".join(pieces)
        return found

    def _mark(self, reference: Any) -> str:
        """Count a note and return the mark that stands for it, "[3]"."""
        kind = "footnote" if reference.tag == W + "footnoteReference" else "endnote"
        name = reference.get(W + "id") or ""
        note = self._notes.get((kind, name))
        if note is None or _is_set_attribute(reference.get(W + "customMarkFollows")):
            return ""
        if (kind, name) not in self._marks:
            self._noted[kind] += 1
            style = "decimal" if kind == "footnote" else "lowerRoman"
            self._marks[kind, name] = numeral(self._noted[kind], style)
            texts = [self._paragraph(child, in_note=True).text for child in note.iter(W + "p")]
            self.blocks.note(self._marks[kind, name], " ".join(texts))
        return f"[{self._marks[kind, name]}]"


def _related(part: Any, kind: str) -> Any:
    """The root of the XML part that is related to `part` in this way; None if there is none."""
    from docx.oxml import parse_xml

    for relation in part.rels.values():
        if relation.reltype in (_RELATED + kind, _STRICT + kind) and not relation.is_external:
            element = getattr(relation.target_part, "element", None)
            return parse_xml(relation.target_part.blob) if element is None else element
    return None


def _pages_are_sure(document: Any) -> bool:
    """Whether the page breaks Word noted when it saved are as many as the pages it counted."""
    for relation in document.part.package.rels.values():
        if relation.reltype.endswith("/extended-properties") and not relation.is_external:
            from docx.oxml import parse_xml

            said = parse_xml(relation.target_part.blob).find(_PROPERTIES + "Pages")
            breaks = sum(1 for _ in document.element.body.iter(W + "lastRenderedPageBreak"))
            return said is not None and breaks > 0 and said.text == str(breaks + 1)
    return False


def _unwrapped(element: Any, wanted: str) -> Iterator[Any]:
    """The children with this tag, also those inside content controls and tracked insertions."""
    open_elements: list[Iterator[Any]] = [iter(element)]
    while open_elements:
        child = next(open_elements[-1], None)
        if child is None:
            open_elements.pop()
        elif child.tag == wanted:
            yield child
        elif child.tag in _WRAPPERS and not _is_placeholder(child):
            open_elements.append(iter(child))


def _cell_contents(table: Any) -> Iterator[Any]:
    """What stands in the cells of a table, one after another."""
    for row in _unwrapped(table, W + "tr"):
        for cell in _unwrapped(row, W + "tc"):
            yield from cell


def _is_layout(table: Any) -> bool:
    """Whether a table lays out the page: a single column, a table inside, or long texts."""
    is_single = True
    for row in _unwrapped(table, W + "tr"):
        for at, cell in enumerate(_unwrapped(row, W + "tc")):
            is_single = is_single and not at
            if any(True for _ in _unwrapped(cell, W + "tbl")):
                return True
            lengths = [
                length
                for paragraph in _unwrapped(cell, W + "p")
                if (length := sum(len(text.text or "") for text in paragraph.iter(W + "t")))
            ]
            if len(lengths) >= _LAYOUT_PARAGRAPHS and sum(lengths) >= _LAYOUT_LENGTH:
                return True
    return is_single


def _count(properties: Any, name: str, default: int) -> int:
    text = value(properties, name)
    return min(int(text), _MOST_SPANNED) if text.isdecimal() and len(text) < 7 else default


def _is_set_attribute(said: str | None) -> bool:
    return said is not None and said not in ("0", "false", "off")


def _is_set(element: Any) -> bool:
    return element is not None and _is_set_attribute(element.get(W + "val") or "1")


def _is_on(look: Any, name: str, bit: int) -> bool:
    said = look.get(W + name)
    if said is not None:
        return _is_set_attribute(said)
    flags = look.get(W + "val") or ""
    return (
        len(flags) == 4
        and all(c in "0123456789abcdefABCDEF" for c in flags)
        and bool(int(flags, 16) & bit)
    )


def _is_hidden(run: Any) -> bool:
    properties = run.find(W + "rPr")
    return properties is not None and _is_set(properties.find(W + "vanish"))


def _is_placeholder(element: Any) -> bool:
    """Whether a content control shows the words that ask to fill it in."""
    if element.tag != W + "sdt":
        return False
    properties = element.find(W + "sdtPr")
    return properties is not None and _is_set(properties.find(W + "showingPlcHdr"))


def _end_is_deleted(properties: Any) -> bool:
    """Whether the end of a paragraph is a tracked deletion, so that the next one belongs to it."""
    marks = None if properties is None else properties.find(W + "rPr")
    return marks is not None and marks.find(W + "del") is not None
