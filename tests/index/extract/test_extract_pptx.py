"""Presentations: slides are parts, read from the top and from the left."""

import io
import re
import zipfile
from copy import deepcopy

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.presentation import Presentation
from pptx.util import Inches

from index.documents import Document
from index.errors import UnreadableDocument
from index.extract import extract

TITLE_ONLY, TITLE_AND_CONTENT, BLANK = 5, 1, 6


def saved(presentation: Presentation) -> bytes:
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


def read(data: bytes, name: str = "a.pptx") -> Document:
    return extract(data, uri=f"file:///{name}", name=name)


def add_slide(presentation: Presentation, layout: int, title: str = "") -> "pptx.slide.Slide":
    slide = presentation.slides.add_slide(presentation.slide_layouts[layout])
    if title:
        slide.shapes.title.text = title
    return slide


def add_text(slide: "pptx.slide.Slide", words: str, left: float, top: float) -> None:
    box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(3), Inches(0.5))
    box.text_frame.text = words


def test_a_slide_is_a_part_and_its_title_a_heading() -> None:
    presentation = pptx.Presentation()
    for title, words in (("Warranty", "24 months"), ("Returns", "14 days")):
        slide = add_slide(presentation, TITLE_AND_CONTENT, title)
        slide.placeholders[1].text = words
    found = read(saved(presentation))
    assert found.text == "Warranty\n\n- 24 months\n\nReturns\n\n- 14 days"
    assert [(part.kind, part.name) for part in found.parts] == [("slide", "1"), ("slide", "2")]
    assert found.part_at("slide", found.text.index("14 days")) == "2"
    assert [section.path for section in found.sections] == [("Warranty",), ("Returns",)]
    assert found.title == "Warranty"


def test_hidden_slides_are_read() -> None:
    presentation = pptx.Presentation()
    slide = add_slide(presentation, TITLE_ONLY, "Hidden")
    slide._element.set("show", "0")
    assert read(saved(presentation)).text == "Hidden"


def test_shapes_are_read_from_the_top_and_in_a_row_from_the_left() -> None:
    presentation = pptx.Presentation()
    slide = add_slide(presentation, BLANK)
    add_text(slide, "bottom", 1, 5)
    add_text(slide, "right", 5, 2.1)
    add_text(slide, "left", 1, 2.2)
    add_text(slide, "top", 3, 1)
    assert read(saved(presentation)).text == "top\n\nleft\n\nright\n\nbottom"


def test_a_group_stands_where_it_begins() -> None:
    presentation = pptx.Presentation()
    slide = add_slide(presentation, BLANK)
    add_text(slide, "last", 1, 5)
    group = slide.shapes.add_group_shape()
    for words, top in (("second", 3), ("first", 2)):
        box = group.shapes.add_textbox(Inches(1), Inches(top), Inches(2), Inches(0.5))
        box.text_frame.text = words
    assert read(saved(presentation)).text == "first\n\nsecond\n\nlast"


def test_a_placeholder_stands_where_its_layout_puts_it() -> None:
    presentation = pptx.Presentation()
    slide = add_slide(presentation, TITLE_AND_CONTENT, "Title")
    slide.placeholders[1].text = "middle"
    add_text(slide, "foot", 1, 7)
    add_text(slide, "head", 1, 0.1)
    assert read(saved(presentation)).text == "Title\n\nhead\n\n- middle\n\nfoot"


def test_bullets_have_depths_and_plain_paragraphs_none() -> None:
    presentation = pptx.Presentation()
    slide = add_slide(presentation, TITLE_AND_CONTENT, "Title")
    frame = slide.placeholders[1].text_frame
    frame.text = "one"
    for words, level in (("two", 1), ("three", 0)):
        paragraph = frame.add_paragraph()
        paragraph.text, paragraph.level = words, level
    add_text(slide, "plain", 1, 7)
    assert read(saved(presentation)).text == "Title\n\n- one\n  - two\n- three\n\nplain"


def test_numbered_paragraphs_keep_their_numbers() -> None:
    presentation = pptx.Presentation()
    slide = add_slide(presentation, BLANK)
    box = slide.shapes.add_textbox(0, 0, Inches(3), Inches(1))
    for words in ("one", "two"):
        paragraph = box.text_frame.add_paragraph()
        paragraph.text = words
        number = paragraph._p.get_or_add_pPr().makeelement(
            "{http://schemas.openxmlformats.org/drawingml/2006/main}buAutoNum",
            {"type": "romanUcParenR", "startAt": "4"},
        )
        paragraph._p.get_or_add_pPr().append(number)
    assert read(saved(presentation)).text == "IV) one\nV) two"


def test_tables_keep_their_headers() -> None:
    presentation = pptx.Presentation()
    slide = add_slide(presentation, BLANK)
    frame = slide.shapes.add_table(3, 3, 0, 0, Inches(4), Inches(2))
    rows = (("Name", "Role", "Seat"), ("Ann", "Lead", "Oslo"), ("Bo", "", "Rome"))
    for at, row in enumerate(rows):
        for column, words in enumerate(row):
            frame.table.cell(at, column).text = words
    frame.table.cell(1, 1).merge(frame.table.cell(2, 1))
    assert read(saved(presentation)).text == (
        "Name | Role | Seat\nName: Ann | Role: Lead | Seat: Oslo\n"
        "Name: Bo | Role: Lead | Seat: Rome"
    )


def test_notes_and_alt_text_are_read() -> None:
    presentation = pptx.Presentation()
    slide = add_slide(presentation, TITLE_ONLY, "Title")
    slide.notes_slide.notes_text_frame.text = "Say hello."
    frame = slide.shapes.add_table(1, 1, 0, Inches(3), Inches(1), Inches(1))
    frame._element.nvGraphicFramePr.cNvPr.set("descr", "Sales by region")
    assert read(saved(presentation)).text == (
        "Title\n\n[Image: Sales by region]\n\nNotes: Say hello."
    )


def test_charts_are_read_as_tables() -> None:
    presentation = pptx.Presentation()
    slide = add_slide(presentation, BLANK)
    data = CategoryChartData()
    data.categories = ["North", "South"]
    data.add_series("2023", (19.2, 21.4))
    data.add_series("2024", (20.5, 1 / 3))
    size = (0, 0, Inches(4), Inches(3))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *size, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Sales"
    assert read(saved(presentation)).text == (
        "Sales\n\n2023 | 2024\nNorth | 2023: 19.2 | 2024: 20.5\n"
        "South | 2023: 21.4 | 2024: 0.333333333333"
    )


def test_furniture_is_left_out() -> None:
    presentation = pptx.Presentation()
    slide = add_slide(presentation, TITLE_ONLY, "Title")
    for shape in presentation.slide_layouts[TITLE_ONLY].placeholders:
        if shape.placeholder_format.idx >= 10:
            slide.shapes._spTree.append(deepcopy(shape._element))
    assert len(slide.shapes) == 4
    assert read(saved(presentation)).text == "Title"


def test_the_stated_title_and_author() -> None:
    presentation = pptx.Presentation()
    add_slide(presentation, TITLE_ONLY, "First")
    presentation.core_properties.title = "Sales review"
    presentation.core_properties.author = "Ann Lee"
    found = read(saved(presentation))
    assert (found.title, found.metadata["author"]) == ("Sales review", "Ann Lee")
    presentation.core_properties.title = "PowerPoint Presentation"
    assert read(saved(presentation)).title == "First"


def test_a_damaged_presentation_is_refused() -> None:
    before, after = io.BytesIO(saved(pptx.Presentation())), io.BytesIO()
    with zipfile.ZipFile(before) as archive, zipfile.ZipFile(after, "w") as changed:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "ppt/presentation.xml":
                content = re.sub(rb"</p:\w+>", b"", content)
            changed.writestr(name, content)
    with pytest.raises(UnreadableDocument, match=r"^a\.pptx: is damaged"):
        read(after.getvalue())
