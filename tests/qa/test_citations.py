"""Citations at the borders of pages and sections."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qa_fakes import document

from index.documents import Page, Section
from qa.answers import Citation, cite

TEXT = "Cover\n\nFirst page ends.\nSecond page."
PAGED = document(
    "paged",
    TEXT,
    pages=[Page(1, 0, 23), Page(2, 24, len(TEXT))],
    sections=[Section(("Cover",), 0, 7), Section(("Cover", "Body"), 7, len(TEXT))],
)


def test_a_citation_holds_the_whole_address_of_a_quote() -> None:
    assert cite(PAGED, 24, 30) == Citation(
        PAGED.id, "test:paged", "paged", 2, ("Cover", "Body"), 24, 30, "Second"
    )


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
