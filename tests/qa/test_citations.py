"""Citations at the borders of pages, sections and parts, and what they say of the place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qa_fakes import document

from index.boxes import boxes, pack
from index.documents import Box, Cell, Document, Page, Part, Section
from index.extract.formats import CSV, TSV
from qa.answers import CONTEXT, Citation, cell_range, cite, column_letters

TEXT = "Cover\n\nFirst page ends.\nSecond page."
PAGED = document(
    "paged",
    TEXT,
    pages=[Page(1, 0, 23), Page(2, 24, len(TEXT))],
    sections=[Section(("Cover",), 0, 7), Section(("Cover", "Body"), 7, len(TEXT))],
)


def test_a_citation_holds_the_whole_address_of_a_quote() -> None:
    assert cite(PAGED, 24, 30) == Citation(
        PAGED.id,
        "test:paged",
        "paged",
        2,
        ("Cover", "Body"),
        24,
        30,
        "Second",
        prefix="Cover\n\nFirst page ends.\n",
        suffix=" page.",
        media_type="text/plain",
    )


@given(st.text(max_size=120), st.data())
def test_a_citation_holds_what_adjoins_the_quote(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    made = cite(document("any", text), start, end)
    before, after = start - len(made.prefix), end + len(made.suffix)
    assert text[before:after] == made.prefix + made.text + made.suffix
    assert len(made.prefix) == min(start, CONTEXT)
    assert len(made.suffix) == min(len(text) - end, CONTEXT)


@pytest.mark.parametrize(
    ("start", "page", "section"),
    [
        (0, 1, ("Cover",)),
        (6, 1, ("Cover",)),
        (7, 1, ("Cover", "Body")),
        (22, 1, ("Cover", "Body")),
        (23, None, ("Cover", "Body")),
        (24, 2, ("Cover", "Body")),
        (len(TEXT) - 1, 2, ("Cover", "Body")),
    ],
)
def test_a_quote_belongs_to_the_page_and_section_of_its_first_character(
    start: int, page: int | None, section: tuple[str, ...]
) -> None:
    citation = cite(PAGED, start, len(TEXT))
    assert (citation.page, citation.section) == (page, section)


def test_before_the_first_page_and_after_the_last_there_is_none() -> None:
    gaps = document("gaps", "a" * 10, pages=[Page(3, 2, 4)], sections=[Section(("S",), 2, 4)])
    assert [cite(gaps, place, place + 1).page for place in range(6)] == [
        None,
        None,
        3,
        3,
        None,
        None,
    ]
    assert cite(gaps, 1, 3).section == () == cite(gaps, 4, 5).section


def test_a_document_without_pages_and_sections_gives_neither() -> None:
    citation = cite(document("plain", "One line."), 4, 8)
    assert (citation.page, citation.section, citation.text) == (None, (), "line")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=6), st.integers(0, 50))
def test_pages_and_sections_are_found_as_by_looking_at_each(
    parts: list[tuple[int, int]], offset: int
) -> None:
    pages, sections, position = [], [], 0
    for number, (gap, size) in enumerate(parts, 1):
        start = position + gap
        position = start + size
        pages.append(Page(number, start, position))
        sections.append(Section((f"Part {number}",), start, position))
    made = document("parts", "x" * 51, pages=pages, sections=sections)
    citation = cite(made, offset, offset + 1)
    covering = [page.number for page in pages if page.start <= offset < page.end]
    assert citation.page == (covering[0] if covering else None)
    assert citation.section == ((f"Part {covering[0]}",) if covering else ())


def printed(text: str) -> Document:
    """Lines of characters that are 10 points wide and 12 high, on one page."""
    places, line, column = [], 0, 0
    for char in text:
        left, top = 72 + 10 * column, 90 + 20 * line
        blank = char.isspace()
        places.append([np.nan] * 4 if blank else [left, top, left + 10, top + 12])
        line, column = (line + 1, 0) if char == "\n" else (line, column + 1)
    glyphs = pack(np.array(places, np.float32).reshape(-1, 4), (612, 792))
    return document("print", text, pages=[Page(3, 0, len(text), glyphs)])


def test_a_quote_on_a_printed_page_has_a_box_for_each_line() -> None:
    made = printed("The rent is\n900 pounds.")
    start = made.text.index("rent")
    citation = cite(made, start, start + len("rent is\n900"))
    assert citation.page == 3
    assert citation.boxes == (Box(3, 112, 90, 182, 102), Box(3, 72, 110, 102, 122))


@given(st.text("ab \n", min_size=1, max_size=60), st.data())
def test_boxes_are_those_of_the_range_that_is_cited(text: str, data: st.DataObject) -> None:
    made = printed(text)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    found = cite(made, start, end).boxes
    assert found == boxes(made, start, end)
    assert bool(found) == bool(text[start:end].strip())
    for box in found:
        assert (box.page, box.bottom - box.top) == (3, 12)
        row = text.split("\n")[round(box.top - 90) // 20]
        columns = slice(round(box.left - 72) // 10, round(box.right - 72) // 10)
        assert row[columns].strip() == row[columns] != ""


PRICES = "Lamp: 12\nChair: 30\nDesk: 99"
LEFT, RIGHT = Part("sheet", "Left", 0, 18), Part("sheet", "Right & more", 19, 27)
CELLS = [
    Cell(0, 4, 2, 1),
    Cell(6, 8, 2, 2),
    Cell(9, 14, 3, 1),
    Cell(16, 18, 3, 2),
    Cell(19, 23, 7, 27),
    Cell(25, 27, 7, 28),
]
SHEETS = document("prices", PRICES, parts=[LEFT, RIGHT], cells=CELLS)


@pytest.mark.parametrize(
    ("start", "end", "sheet", "cells"),
    [
        (6, 8, "Left", "B2"),
        (7, 8, "Left", "B2"),
        (0, 8, "Left", "A2:B2"),
        (6, 14, "Left", "A2:B3"),
        (4, 6, "Left", None),
        (25, 27, "Right & more", "AB7"),
        # What is cited begins in one sheet, and the cells are those of that sheet.
        (16, 27, "Left", "B3"),
        (18, 19, None, None),
    ],
)
def test_a_quote_in_a_sheet_names_the_cells_it_touches(
    start: int, end: int, sheet: str | None, cells: str | None
) -> None:
    citation = cite(SHEETS, start, end)
    assert (citation.sheet, citation.cells) == (sheet, cells)


@pytest.mark.parametrize("media_type", [CSV, TSV])
def test_a_table_of_one_nameless_sheet_has_cells_too(media_type: str) -> None:
    made = document("prices", PRICES, cells=CELLS, media_type=media_type)
    citation = cite(made, 6, 18)
    assert (citation.sheet, citation.cells) == (None, "A2:B3")


def test_a_table_within_a_text_has_no_cells_to_name() -> None:
    assert cite(document("prices", PRICES, cells=CELLS), 6, 8).cells is None


def test_slides_and_parts_of_messages_are_named() -> None:
    made = document(
        "deck", "First.\n\nNext.", parts=[Part("slide", "1", 0, 8), Part("slide", "12", 8, 13)]
    )
    assert [cite(made, start, start + 2).slide for start in (0, 8)] == [1, 12]
    mail = document("mail", "Hello.", parts=[Part("part", "1.2", 0, 6)])
    citation = cite(mail, 0, 5)
    assert (citation.part, citation.slide, citation.sheet) == ("1.2", None, None)


@given(
    st.lists(
        st.builds(Cell, st.just(0), st.just(1), st.integers(1, 900), st.integers(1, 900)),
        min_size=1,
    )
)
def test_a_range_of_cells_is_the_smallest_around_them(cells: list[Cell]) -> None:
    named = cell_range(cells)
    assert named is not None
    corners = [_corner(name) for name in named.split(":")]
    (top, left), (bottom, right) = corners[0], corners[-1]
    assert (top, bottom) == (min(c.row for c in cells), max(c.row for c in cells))
    assert (left, right) == (min(c.column for c in cells), max(c.column for c in cells))
    assert (":" in named) == (len({(c.row, c.column) for c in cells}) > 1)


def _corner(name: str) -> tuple[int, int]:
    letters = name.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = 26 * column + "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter) + 1
    return int(name.removeprefix(letters)), column


def test_columns_are_called_as_in_a_spreadsheet() -> None:
    columns = [1, 26, 27, 52, 53, 702, 703, 16384]
    assert [column_letters(column) for column in columns] == [
        "A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD",
    ]  # fmt: skip
