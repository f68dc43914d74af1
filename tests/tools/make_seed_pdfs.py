"""Typeset the sources in tests/tools/seed_sources/ as the PDF seeds in seeds/.

Run it as ``python tests/tools/make_seed_pdfs.py``. The output is reproducible: the same sources
and the same reportlab version give the same bytes.

A source starts with ``key: value`` lines (title, subtitle, author, subject, edition, output,
cover) and an empty line. Then follows a small subset of Markdown: ``#`` and ``##`` headings,
paragraphs, ``-`` and ``1.`` lists, ``|`` tables, ``> Label: text`` boxes, ``**bold**`` and
``*italic*``. Headings become outline entries of the PDF.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    ListFlowable,
    ListItem,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)
from reportlab.platypus.tableofcontents import TableOfContents

ROOT = Path(__file__).resolve().parents[2]
SOURCES = Path(__file__).resolve().parent / "seed_sources"
MARGIN = 24 * mm
ACCENT = HexColor("#7a2e1d")
GREY = HexColor("#666666")
RULE = HexColor("#c9c2b8")
TINT = HexColor("#f5f1ea")
BOX_COLOURS = {"Danger": HexColor("#b3261e"), "Caution": HexColor("#c77700")}
TIP_COLOUR = HexColor("#2f6b46")

BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10.5, leading=15.2, spaceAfter=6)
ITEM = ParagraphStyle("item", parent=BODY, spaceAfter=2)
CELL = ParagraphStyle("cell", parent=BODY, fontSize=9, leading=12, spaceAfter=0)
HEAD_CELL = ParagraphStyle("head", parent=CELL, fontName="Helvetica-Bold", textColor=white)
CLAUSE = ParagraphStyle("clause", parent=BODY, leftIndent=28, bulletIndent=0)
H1 = ParagraphStyle(
    "h1",
    fontName="Helvetica-Bold",
    fontSize=17,
    leading=21,
    spaceBefore=16,
    spaceAfter=7,
    textColor=ACCENT,
    keepWithNext=1,
)
H2 = ParagraphStyle("h2", parent=H1, fontSize=12.5, leading=16, spaceBefore=10, spaceAfter=4)
TITLE = ParagraphStyle("title", parent=H1, fontSize=24, leading=29, spaceBefore=0, spaceAfter=4)
SUBTITLE = ParagraphStyle("subtitle", parent=BODY, fontSize=13, leading=18, textColor=GREY)
CONTENTS = ParagraphStyle("contents", parent=H1)
TOC_LEVELS = [
    ParagraphStyle("toc1", parent=BODY, fontName="Helvetica-Bold", leading=13, spaceAfter=0),
    ParagraphStyle("toc2", parent=BODY, fontSize=9.5, leading=11.8, leftIndent=14, spaceAfter=0),
]
TOC_TABLE = TableStyle(
    [
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 0.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 0.5),
    ]
)


class Heading(Paragraph):
    """A paragraph that marks its place in the PDF outline and in the contents."""

    def __init__(self, text: str, level: int, key: str) -> None:
        """Keep the text, the level (0 or 1) and the name of the bookmark."""
        super().__init__(markup(text), H2 if level else H1)
        self.entry = (level, text, key)

    def draw(self) -> None:
        """Set the bookmark, then draw the text."""
        level, text, key = self.entry
        self.canv.bookmarkHorizontal(key, 0, self.height + 4)
        self.canv.addOutlineEntry(text, key, level=level, closed=level > 0)
        super().draw()


class Document(BaseDocTemplate):
    """An A4 document with a footer and, if the source asks for it, a cover and contents."""

    def __init__(self, path: Path, meta: dict[str, str]) -> None:
        """Prepare the page templates; `meta` holds the first lines of the source."""
        super().__init__(
            str(path),
            pagesize=A4,
            invariant=1,
            title=f"{meta['title']}, {meta['subtitle']}",
            author=meta["author"],
            subject=meta["subject"],
            lang="en-GB",
        )
        self.meta = meta
        width, height = A4
        frame = Frame(MARGIN, 22 * mm, width - 2 * MARGIN, height - 44 * mm, 0, 0, 0, 0, id="body")
        cover = Frame(MARGIN, 40 * mm, width - 2 * MARGIN, 120 * mm, 0, 0, 0, 0, id="cover")
        plain = PageTemplate("plain", [frame], onPageEnd=self.footer)
        titled = PageTemplate("titled", [cover], onPage=self.band)
        self.addPageTemplates([titled, plain] if meta["cover"] == "yes" else [plain])

    def footer(self, canvas: Canvas, _doc: BaseDocTemplate) -> None:
        """Draw the running title and the page number."""
        canvas.saveState()
        canvas.setStrokeColor(RULE)
        canvas.line(MARGIN, 17 * mm, A4[0] - MARGIN, 17 * mm)
        canvas.setFont("Helvetica", 8.5)
        canvas.setFillColor(GREY)
        canvas.drawString(MARGIN, 12.5 * mm, self.meta["title"])
        canvas.drawRightString(A4[0] - MARGIN, 12.5 * mm, f"Page {canvas.getPageNumber()}")
        canvas.restoreState()

    def band(self, canvas: Canvas, _doc: BaseDocTemplate) -> None:
        """Draw the cover: a coloured field with a cup above the title."""
        width, height = A4
        canvas.saveState()
        canvas.setFillColor(ACCENT)
        canvas.rect(0, height - 125 * mm, width, 125 * mm, stroke=0, fill=1)
        canvas.setStrokeColor(white)
        canvas.setLineWidth(2.4)
        x, y = width / 2, height - 88 * mm
        canvas.circle(x + 24 * mm, y + 15 * mm, 9 * mm)
        canvas.setFillColor(ACCENT)
        cup = canvas.beginPath()
        cup.moveTo(x - 25 * mm, y + 26 * mm)
        cup.curveTo(x - 25 * mm, y - 4 * mm, x - 14 * mm, y, x, y)
        cup.curveTo(x + 14 * mm, y, x + 25 * mm, y - 4 * mm, x + 25 * mm, y + 26 * mm)
        cup.close()
        canvas.drawPath(cup, fill=1)
        canvas.line(x - 34 * mm, y - 5 * mm, x + 34 * mm, y - 5 * mm)
        for shift in (-10, 0, 10):
            left = x + shift * mm
            steam = canvas.beginPath()
            steam.moveTo(left, y + 32 * mm)
            steam.curveTo(left - 5 * mm, y + 38 * mm, left + 5 * mm, y + 42 * mm, left, y + 48 * mm)
            canvas.drawPath(steam)
        canvas.restoreState()

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802
        """Tell the contents about each heading."""
        if isinstance(flowable, Heading):
            level, text, key = flowable.entry
            self.notify("TOCEntry", (level, escape(text), self.page, key))


def markup(text: str) -> str:
    """Turn inline Markdown into the markup of reportlab."""
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text))
    return re.sub(r"\*(.+?)\*", r"<i>\1</i>", text)


def make_list(lines: list[str]) -> Flowable:
    """Make a bulleted or numbered list of the given lines."""
    numbered = lines[0][0].isdigit()
    items = [ListItem(Paragraph(markup(line.split(" ", 1)[1]), ITEM)) for line in lines]
    return ListFlowable(
        items,
        bulletType="1" if numbered else "bullet",
        start=None if numbered else "•",
        bulletFormat="%s." if numbered else None,
        bulletFontSize=10,
        bulletColor=ACCENT,
        leftIndent=18,
    )


def make_table(lines: list[str], width: float) -> Flowable:
    """Make a table; columns get widths in proportion to the length of their texts."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    del rows[1]
    longest = [min(max(len(row[i]) for row in rows), 45) + 4 for i in range(len(rows[0]))]
    widths = [width * size / sum(longest) for size in longest]
    cells = [
        [Paragraph(markup(cell), CELL if n else HEAD_CELL) for cell in row]
        for n, row in enumerate(rows)
    ]
    style: list[tuple[object, ...]] = [
        ("BACKGROUND", (0, 0), (-1, 0), ACCENT),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), [white, TINT]),
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, RULE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 4),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
    ]
    return Table(cells, widths, repeatRows=1, spaceBefore=4, spaceAfter=10, style=TableStyle(style))


def make_box(lines: list[str], width: float) -> Flowable:
    """Make a note with a coloured edge, such as a warning."""
    label, text = lines[0].removeprefix("> ").split(": ", 1)
    colour: Color = BOX_COLOURS.get(label, TIP_COLOUR)
    body = Paragraph(f"<b>{label}:</b> {markup(text)}", ParagraphStyle("box", BODY, spaceAfter=0))
    style: list[tuple[object, ...]] = [
        ("BACKGROUND", (0, 0), (-1, -1), TINT),
        ("LINEBEFORE", (0, 0), (0, -1), 4, colour),
        ("LEFTPADDING", (0, 0), (-1, -1), 12),
        ("TOPPADDING", (0, 0), (-1, -1), 6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
    ]
    return Table([[body]], [width], spaceBefore=4, spaceAfter=9, style=TableStyle(style))


def make_block(lines: list[str], width: float, key: str) -> list[Flowable]:
    """Make the flowables of one block, that is of lines between two empty lines."""
    first = lines[0]
    if first.startswith("#"):
        marks, text = first.split(" ", 1)
        return [Heading(text, len(marks) - 1, key)]
    if first.startswith("|"):
        return [make_table(lines, width)]
    if first.startswith(">"):
        return [make_box(lines, width)]
    if re.match(r"(-|\d+\.) ", first):
        return [make_list(lines), Spacer(0, 6)]
    clause = re.match(r"(\d+\.\d+) (.*)", first)
    if clause:
        return [Paragraph(markup(clause[2]), CLAUSE, bulletText=clause[1])]
    return [Paragraph(markup(" ".join(lines)), BODY)]


def build(source: Path) -> Path:
    """Typeset one source and return the path of the PDF."""
    head, *blocks = re.split(r"\n\s*\n", source.read_text(encoding="utf-8").strip())
    meta = dict(line.split(": ", 1) for line in head.splitlines())
    target = ROOT / "seeds" / meta["output"]
    width = A4[0] - 2 * MARGIN
    story: list[Flowable] = [
        Paragraph(markup(meta["title"]), TITLE),
        Paragraph(markup(meta["subtitle"]), SUBTITLE),
        Paragraph(markup(meta["edition"]), BODY),
        Spacer(0, 8),
    ]
    if meta["cover"] == "yes":
        contents = TableOfContents(levelStyles=TOC_LEVELS, tableStyle=TOC_TABLE, dotsMinLevel=0)
        story += [Paragraph(markup(meta["author"]), BODY), NextPageTemplate("plain"), PageBreak()]
        story += [Paragraph("Contents", CONTENTS), contents, PageBreak()]
    for number, block in enumerate(blocks):
        if meta["cover"] == "yes" and block.startswith("# "):
            story.append(CondPageBreak(A4[1] * 0.3))
        story += make_block(block.splitlines(), width, f"h{number}")
    Document(target, meta).multiBuild(story)
    return target


def main() -> None:
    """Typeset all sources."""
    for source in sorted(SOURCES.glob("*.md")):
        print(build(source).relative_to(ROOT))


if __name__ == "__main__":
    main()
