"""A file's own order of lines is kept, save for what stands over all that came before it."""

import itertools
import time

from hypothesis import given
from hypothesis import strategies as st

from index.extract.lines import Line
from index.extract.order import in_order
from index.extract.printed import Printed
from tests.index.extract.pdf_files import both, lines, made, read


def line(text: str, base: float, left: float = 70, right: float = 280, turn: int = 0) -> Line:
    return Line(Printed.put_in(text), left, right, base, 10, turn)


def column(name: str, top: float, count: int, left: float = 70) -> list[Line]:
    return [line(f"{name}{at}", top - 12 * at, left, left + 210) for at in range(count)]


def texts(found: list[Line]) -> list[str]:
    return [line.text for line in found]


def test_columns_boxes_and_notes_stay_in_their_order() -> None:
    page = [
        line("title", 760, 70, 540),
        *column("left", 700, 20),
        line("note", 100),
        *column("right", 700, 20, left=330),
        line("number", 40, 300, 310),
    ]
    assert in_order(page) == page


def test_a_heading_that_comes_last_is_read_first() -> None:
    body = column("body", 700, 20)
    assert texts(in_order([*body, line("heading", 760)])) == ["heading", *texts(body)]


def test_headings_of_two_columns_come_in_their_order() -> None:
    left, right = column("left", 700, 9), column("right", 700, 9, left=330)
    page = [*left, *right, line("first", 740), line("second", 740, 330, 500)]
    assert texts(in_order(page)) == ["first", "second", *texts(left), *texts(right)]


def test_what_is_drawn_from_the_bottom_up_is_read_from_the_top_down() -> None:
    blocks = [column(name, top, 3) for name, top in (("c", 300), ("b", 500), ("a", 700))]
    page = [line for block in blocks for line in block]
    assert texts(in_order(page)) == ["a0", "a1", "a2", "b0", "b1", "b2", "c0", "c1", "c2"]


def test_a_box_beside_the_text_stays_where_it_comes() -> None:
    body, box = column("body", 500, 9), column("box", 740, 4, left=330)
    assert in_order([*body, *box]) == [*body, *box]


def test_a_line_up_the_margin_does_not_count() -> None:
    body = column("body", 700, 9)
    margin = line("margin", 9000, turn=90)
    assert texts(in_order([margin, *body, line("heading", 760)])) == [
        "heading",
        "margin",
        *texts(body),
    ]


def test_a_file_whose_heading_is_drawn_last() -> None:
    words = "The words of the text are drawn before those of the heading over them"
    page = both(lines(words, "and go on.", top=700), lines("Heading", top=760, size=20))
    document = read(made(page))
    assert document.text == f"Heading\n\n{words} and go on."
    assert [section.path for section in document.sections] == [("Heading",)]


PAGES = st.lists(
    st.tuples(st.integers(0, 800), st.integers(0, 400), st.sampled_from([0, 0, 0, 90])), max_size=30
)


@given(PAGES)
def test_no_line_is_lost_and_the_order_is_settled(places: list[tuple[int, int, int]]) -> None:
    page = [
        line(str(at), base, left, left + 150, turn) for at, (base, left, turn) in enumerate(places)
    ]
    found = in_order(page)
    assert sorted(texts(found)) == sorted(texts(page))
    assert in_order([]) == []


def test_hostile_pages_take_little_time() -> None:
    upwards = [line(str(at), 20.0 * at) for at in range(290)]
    zigzag = [line(str(at), 30.0 * at * (-1) ** at) for at in range(20_000)]
    began = time.process_time()
    for page in (upwards, zigzag):
        assert len(in_order(page)) == len(page)
    assert time.process_time() - began < 10
    pairs = itertools.pairwise(in_order(upwards)[:10])
    assert all(upper.base != lower.base for upper, lower in pairs)
