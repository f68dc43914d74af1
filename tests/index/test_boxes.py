"""Rectangles of characters are packed without loss and joined to boxes line by line."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.boxes import Places, Rectangle, around, boxes, pack, unpack, unplaced
from index.documents import Box, Document, Page

COORDINATES = st.integers(-200_000, 200_000).map(lambda hundredths: hundredths / 100)
RECTANGLES = st.one_of(st.none(), st.tuples(COORDINATES, COORDINATES, COORDINATES, COORDINATES))


def places(*rectangles: Rectangle | None) -> Places:
    found = unplaced(len(rectangles))
    for at, rectangle in enumerate(rectangles):
        if rectangle is not None:
            found[at] = rectangle
    return found


def document(text: str, *rectangles: Rectangle | None) -> Document:
    """A document of two pages, of which the first is not printed."""
    pages = (
        Page(1, 0, 3, pack(unplaced(3), (100, 200))),
        Page(2, 3, 3 + len(text), pack(places(*rectangles), (100, 200))),
    )
    return Document("id", "uri", "title", "application/pdf", f"a\n\n{text}", "", pages)


def row(text: str, left: float, top: float, height: float = 10) -> list[Rectangle | None]:
    """Characters six points wide on a level line."""
    return [
        None if character == " " else (left + 6 * at, top, left + 6 * at + 5, top + height)
        for at, character in enumerate(text)
    ]


@given(st.lists(RECTANGLES, max_size=60))
def test_what_is_packed_is_unpacked_to_a_hundredth_of_a_point(
    rectangles: list[Rectangle | None],
) -> None:
    packed = places(*rectangles)
    glyphs = pack(packed, (595.3, 841.9))
    assert (glyphs.width, glyphs.height) == (595.3, 841.9)
    assert np.allclose(unpack(glyphs), packed, rtol=0, atol=0.006, equal_nan=True)
    assert pack(unpack(glyphs), (595.3, 841.9)) == glyphs


def test_a_page_of_text_takes_little_room() -> None:
    rows = [row("The quick brown fox jumps over it " * 3, 50, 50 + 12 * at) for at in range(50)]
    found = places(*[place for line in rows for place in line])
    assert len(pack(found, (600, 800)).data) < 0.5 * len(found)


@pytest.mark.parametrize("value", [1e12, -3e38])
def test_absurd_numbers_are_kept_within_bounds(value: float) -> None:
    again = unpack(pack(places((value, 0, value, 5), (1, 2, 3, 4)), (100, 200)))
    assert abs(again[0, 0]) == pytest.approx(167772.16)
    assert again[1].tolist() == [1, 2, 3, 4]


def test_characters_of_a_line_are_in_one_box() -> None:
    found = document("ab cd", *row("ab cd", 10, 20))
    assert boxes(found, 3, 8) == (Box(2, 10, 20, 39, 30),)
    assert boxes(found, 4, 7) == (Box(2, 16, 20, 33, 30),)


def test_blanks_and_other_pages_have_no_boxes() -> None:
    found = document("ab cd", *row("ab cd", 10, 20))
    assert boxes(found, 5, 6) == ()
    assert boxes(found, 0, 3) == ()
    assert boxes(found, 0, 4) == (Box(2, 10, 20, 15, 30),)


def test_each_line_has_a_box_of_its_own() -> None:
    found = document("abcd", *row("ab", 40, 20), *row("cd", 10, 32))
    assert boxes(found, 3, 7) == (Box(2, 40, 20, 51, 30), Box(2, 10, 32, 21, 42))


def test_cells_and_columns_of_one_line_have_boxes_of_their_own() -> None:
    found = document("abcd", *row("ab", 10, 20), *row("cd", 80, 20))
    assert boxes(found, 3, 7) == (Box(2, 10, 20, 21, 30), Box(2, 80, 20, 91, 30))


def test_a_line_from_right_to_left_has_one_box() -> None:
    found = document("abc", *reversed(row("abc", 10, 20)))
    assert boxes(found, 3, 6) == (Box(2, 10, 20, 27, 30),)


@pytest.mark.parametrize("step", [1, -1])
def test_a_line_up_or_down_the_page_has_one_box_and_its_neighbour_another(step: int) -> None:
    def upright(left: float) -> list[Rectangle]:
        return [
            (left, 50 + 6 * step * at, left + 10, 55 + 6 * step * at) for at in (0, 1, 2, 4, 5, 6)
        ]

    found = boxes(document("abcdefghijkl", *upright(10), *upright(22)), 3, 15)
    assert [(box.left, box.right) for box in found] == [(10, 20), (22, 32)]
    assert all(box.bottom - box.top == 41 for box in found)


def test_a_raised_number_belongs_to_its_line() -> None:
    found = document("ab2", *row("ab", 10, 20), (21, 18, 24, 24))
    assert boxes(found, 3, 6) == (Box(2, 10, 18, 24, 30),)


def test_formats_without_places_have_no_boxes() -> None:
    plain = Document("id", "uri", "title", "text/plain", "abc", "", (Page(1, 0, 3),))
    assert boxes(plain, 0, 3) == ()


def test_the_place_around_several() -> None:
    found = around(places((5, 6, 7, 8), None, (1, 7, 3, 9)))
    assert found.tolist() == [[1, 6, 7, 9]]
    assert np.isnan(around(places(None, None))).all()
    assert np.isnan(around(unplaced(0))).all()
