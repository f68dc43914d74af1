"""Presentations (Office Open XML): each slide is a part, its title a heading.

Left out are dates, footers and slide numbers, comments, and what stands on masters and layouts.
Hidden slides are read.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from index.extract.blocks import BULLET, Blocks, numeral
from index.extract.builder import Extracted, TextBuilder
from index.extract.foreign import parsing
from index.extract.pictures import mention
from index.extract.properties import core_properties
from index.extract.source import Source
from index.extract.tables import TableCell, could_head, lines
from index.extract.zipped import plain_copy

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_DECORATIVE = "{http://schemas.microsoft.com/office/drawing/2017/decorative}decorative"

_FURNITURE = frozenset({"dt", "ftr", "sldNum", "hdr"})
_TITLES = frozenset({"title", "ctrTitle"})
# Kinds of placeholders that look alike where a layout or master has no closer one.
_ALIKE = {"ctrTitle": "title", "obj": "body", "subTitle": "body"}
_SHAPES = frozenset(_P + name for name in ("sp", "pic", "grpSp", "graphicFrame", "cxnSp"))
_BULLETS = (_A + "buChar", _A + "buBlip")
_NUMBERS = {
    "alphaLc": "lowerLetter",
    "alphaUc": "upperLetter",
    "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
}


def read(source: Source) -> Extracted:
    """Extract a presentation.

    Raises:
        UnreadableDocument: it is damaged or encrypted.
        DocumentTooLarge: it unpacks to too much.
    """
    copy = plain_copy(source)
    with parsing(source.name):
        from pptx import Presentation

        title, metadata = core_properties(copy)
        blocks = Blocks(TextBuilder())
        holders: dict[str, _Placeholders] = {}
        for number, slide in enumerate(Presentation(copy).slides, 1):
            blocks.end()
            blocks.builder.part("slide", str(number))
            layout = slide.slide_layout
            name = str(layout.part.partname)
            if name not in holders:
                holders[name] = _Placeholders(layout)
            _write_slide(blocks, slide, holders[name])
        blocks.end()
        return blocks.builder.build(title or blocks.builder.first_heading, metadata)


def _write_slide(blocks: Blocks, slide: Any, holders: "_Placeholders") -> None:
    shapes = _in_reading_order(slide.shapes._spTree, holders)
    titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
    for shape in titles[:1]:
        blocks.heading(" ".join(_texts(shape)), 1)
    for shape in shapes:
        if shape is not (titles[0] if titles else None):
            _write_shape(blocks, shape, slide, holders)
    if slide.has_notes_slide:
        frame = slide.notes_slide.notes_text_frame
        notes = "" if frame is None else "\n".join(_texts(frame._txBody))
        if notes.strip():
            blocks.paragraph(f"Notes: {notes.strip()}")


def _in_reading_order(tree: Any, holders: "_Placeholders") -> list[Any]:
    """The shapes below an element, those of groups too: from the top, and in a row from the left.

    A group stands where it begins; inside it the same holds.
    """
    found: list[Any] = []
    waiting = _sorted(tree, holders)[::-1]
    while waiting:
        shape = waiting.pop()
        if shape.tag == _P + "grpSp":
            waiting += _sorted(shape, holders)[::-1]
        elif _placeholder(shape) not in _FURNITURE:
            found.append(shape)
    return found


def _sorted(tree: Any, holders: "_Placeholders") -> list[Any]:
    placed: list[tuple[int, int, int, Any]] = []
    top = left = height = 0
    for shape in _children(tree):
        box = _box(shape, holders)
        # What has no place of its own stands with what is before it.
        top, left, height = (top, left, height) if box is None else box
        placed.append((top, left, height, shape))
    placed.sort(key=lambda item: item[0])
    ordered: list[Any] = []
    row: list[tuple[int, int, int, Any]] = []
    for item in placed:
        # A shape that begins above the middle of the row's first one stands beside it.
        if row and item[0] >= row[0][0] + min(row[0][2], item[2]) / 2:
            ordered += [shape for *_, shape in sorted(row, key=lambda placed: placed[1])]
            row = []
        row.append(item)
    return ordered + [shape for *_, shape in sorted(row, key=lambda placed: placed[1])]


def _children(tree: Any) -> Iterator[Any]:
    for child in tree:
        if child.tag == _MC + "AlternateContent":
            choice = child.find(_MC + "Choice")
            choice = child.find(_MC + "Fallback") if choice is None else choice
            if choice is not None:
                yield from (inner for inner in choice if inner.tag in _SHAPES)
        elif child.tag in _SHAPES:
            yield child


def _box(shape: Any, holders: "_Placeholders") -> tuple[int, int, int] | None:
    """Top, left and height of a shape in its group's units; a placeholder's may be inherited."""
    for holder in (shape, *holders.above(shape)):
        transform = holder.find(_P + "xfrm")
        for name in ("spPr", "grpSpPr"):
            if transform is None:
                transform = holder.find(f"{_P}{name}/{_A}xfrm")
        offset = None if transform is None else transform.find(_A + "off")
        extent = None if transform is None else transform.find(_A + "ext")
        if offset is not None:
            height = 0 if extent is None else _whole(extent.get("cy"))
            return _whole(offset.get("y")), _whole(offset.get("x")), height
    return None


class _Placeholders:
    """What the placeholders of a slide take their looks from, on its layout and its master."""

    def __init__(self, layout: Any) -> None:
        self._by_index: dict[str, Any] = {}
        self._by_kind: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
        pages = (layout, layout.slide_master)
        for page, by_kind in zip(pages, self._by_kind, strict=True):
            for shape in page.shapes._spTree.iterchildren(_P + "sp"):
                kind = _placeholder(shape)
                if kind is not None:
                    by_kind.setdefault(_ALIKE.get(kind, kind), shape)
                    if page is layout and (index := _index(shape)) is not None:
                        self._by_index.setdefault(index, shape)
        self._styles = layout.slide_master._element.find(_P + "txStyles")

    def above(self, shape: Any) -> list[Any]:
        """The placeholders that a placeholder takes its looks from, the closest first."""
        kind, index = _placeholder(shape), _index(shape)
        if kind is None:
            return []
        on_layout, on_master = (by_kind.get(_ALIKE.get(kind, kind)) for by_kind in self._by_kind)
        found = (self._by_index.get(index) if index is not None else on_layout, on_master)
        return [holder for holder in found if holder is not None]

    def styles(self, shape: Any) -> list[Any]:
        """The lists of styles that tell how a shape's paragraphs look, the closest first."""
        found = [
            style
            for holder in (shape, *self.above(shape))
            for style in holder.iterfind(f"{_P}txBody/{_A}lstStyle")
        ]
        kind = _placeholder(shape)
        if kind is not None and self._styles is not None:
            found += self._styles.iterchildren(
                _P + ("titleStyle" if kind in _TITLES else "bodyStyle")
            )
        return found


def _placeholder(shape: Any) -> str | None:
    """What kind of placeholder a shape is, "title"; None if it is none."""
    said = shape.find(f"*/{_P}nvPr/{_P}ph")
    return None if said is None else said.get("type") or "obj"


def _index(shape: Any) -> str | None:
    said = shape.find(f"*/{_P}nvPr/{_P}ph")
    return None if said is None else said.get("idx")


def _write_shape(blocks: Blocks, shape: Any, slide: Any, holders: _Placeholders) -> None:
    about = shape.find(f"*/{_P}cNvPr")
    decorative = about is not None and any(
        mark.get("val") in ("1", "true") for mark in about.iter(_DECORATIVE)
    )
    if shape.tag in (_P + "pic", _P + "graphicFrame") and about is not None and not decorative:
        blocks.paragraph(mention(about.get("descr")))
    body = shape.find(_P + "txBody")
    if body is not None:
        _write_text(blocks, body, holders.styles(shape))
    if shape.tag != _P + "graphicFrame":
        return
    for table in shape.iter(_A + "tbl"):
        _write_table(blocks, table)
    for chart in shape.iter(_C + "chart"):
        root = _related(slide, chart.get(_R + "id"))
        if root is not None:
            _write_chart(blocks, root)
    for diagram in shape.iter(_DIAGRAM + "relIds"):
        root = _related(slide, diagram.get(_R + "dm"))
        for point in () if root is None else root.iter(_DIAGRAM + "pt"):
            words = " ".join(text for text in _texts(point) if text.strip())
            blocks.item(words, BULLET, 0)


def _related(slide: Any, name: str | None) -> Any:
    """The root of the XML part with this relation to the slide; None if there is none."""
    from pptx.oxml import parse_xml

    if name is None or name not in slide.part.rels or slide.part.rels[name].is_external:
        return None
    return parse_xml(slide.part.rels[name].target_part.blob)


def _write_text(blocks: Blocks, body: Any, styles: Sequence[Any]) -> None:
    counts: dict[int, int] = {}
    for paragraph in body.iterchildren(_A + "p"):
        text = _text(paragraph)
        if not text.strip():
            continue
        properties = paragraph.find(_A + "pPr")
        depth = min(_whole(None if properties is None else properties.get("lvl")), 8)
        counts = {level: count for level, count in counts.items() if level <= depth}
        looks = [properties, *(style.find(f"{_A}lvl{depth + 1}pPr") for style in styles)]
        mark = next((found for look in looks if (found := _mark(look)) is not None), None)
        if mark is None or mark.tag == _A + "buNone":
            counts.pop(depth, None)
            blocks.paragraph(text)
        elif mark.tag == _A + "buAutoNum":
            counts[depth] = counts.get(depth, max(_whole(mark.get("startAt")), 1) - 1) + 1
            blocks.item(text, _numbered(counts[depth], mark.get("type") or ""), depth)
        else:
            counts.pop(depth, None)
            blocks.item(text, BULLET, depth)
    blocks.end()


def _numbered(count: int, kind: str) -> str:
    form = next((style for start, style in _NUMBERS.items() if kind.startswith(start)), "decimal")
    number = numeral(count, form)
    if kind.endswith("ParenBoth"):
        return f"({number})"
    return f"{number})" if kind.endswith("ParenR") else f"{number}."


def _mark(look: Any) -> Any:
    """What paragraphs begin with that look so: a bullet, a number or nothing; None if unsaid."""
    for child in () if look is None else look:
        if child.tag in (*_BULLETS, _A + "buAutoNum", _A + "buNone"):
            return child
    return None


def _texts(element: Any) -> list[str]:
    """The texts of the paragraphs in an element."""
    return [_text(paragraph) for paragraph in element.iter(_A + "p")]


def _text(paragraph: Any) -> str:
    pieces: list[str] = []
    for element in paragraph.iter(_A + "t", _A + "br", _MATH + "t"):
        if element.tag == _A + "br":
            pieces.append("\n")
        elif (element.getparent().get("type") or "") != "slidenum":
            # A line broken inside a run is stored as a vertical tab.
            pieces.append((element.text or "").replace("_x000B_", "\n"))
    return "".join(pieces)


def _write_table(blocks: Blocks, table: Any) -> None:
    grid: list[list[TableCell | None]] = []
    for row in table.iterchildren(_A + "tr"):
        slots: list[TableCell | None] = []
        for cell in row.iterchildren(_A + "tc"):
            above = grid[-1][len(slots)] if grid and len(slots) < len(grid[-1]) else None
            if _is_set(cell.get("hMerge")) and slots:
                slots.append(slots[-1])
            elif _is_set(cell.get("vMerge")) and above is not None:
                slots.append(above)
            else:
                slots.append(TableCell("\n".join(_texts(cell))))
        grid.append(slots)
    properties = table.find(_A + "tblPr")
    first = ["" if cell is None else cell.text for cell in grid[0]] if grid else []
    heads = properties is not None and _is_set(properties.get("firstRow"))
    header_rows = 1 if heads and len(first) > 1 and could_head(first) else None
    blocks.table(lines(grid, header_rows=header_rows))


def _write_chart(blocks: Blocks, root: Any) -> None:
    """Write a chart's title and its figures, a row for each category."""
    title = root.find(f"{_C}chart/{_C}title")
    if title is not None:
        blocks.paragraph(" ".join(text for text in _texts(title) if text.strip()))
    header = [TableCell("")]
    categories: dict[str, str] = {}
    series: list[dict[str, str]] = []
    for drawn in root.iter(_C + "ser"):
        name = " ".join(_points(drawn.find(_C + "tx")).values())
        header.append(TableCell(name or f"Series {len(series) + 1}"))
        across = drawn.find(_C + "cat")
        categories |= _points(drawn.find(_C + "xVal") if across is None else across)
        up = drawn.find(_C + "val")
        series.append(_points(drawn.find(_C + "yVal") if up is None else up))
    places = dict.fromkeys(place for points in (categories, *series) for place in points)
    grid = [
        [TableCell(categories.get(place, ""), is_header=True)]
        + [TableCell(points.get(place, "")) for points in series]
        for place in places
    ]
    blocks.table(lines([header, *grid], header_rows=1))


def _points(element: Any) -> dict[str, str]:
    """The values of a chart's data by their places, figures in their shortest form."""
    found: dict[str, str] = {}
    for at, value in enumerate(() if element is None else element.iter(_C + "v")):
        place = value.getparent().get("idx") or str(at)
        found.setdefault(place, _shortest(value.text or ""))
    return found


def _shortest(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return text
    return f"{number:.12g}" if len(text) > 12 else text


def _whole(text: str | None) -> int:
    text = text or ""
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 12 else 0


def _is_set(said: str | None) -> bool:
    return said in ("1", "true")
