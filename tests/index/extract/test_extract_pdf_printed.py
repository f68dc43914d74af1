"""Text and places stay together through all mending."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.extract.cleaning import clean
from index.extract.printed import Printed, mended

HOSTILE = st.text(
    st.one_of(
        st.sampled_from("ab .…_·  \t\n\x00\x02\x1c\x85\u00a0\u00ad\u2028\u3000\ufeff\ufffe\ufb01"),
        st.characters(),
        st.characters(categories=["Cs", "Cc", "Cf", "Zs"]),
    ),
    max_size=40,
)


def numbered(text: str) -> Printed:
    """Each character stands in a rectangle that tells its offset."""
    return Printed.of(
        text, np.array([[at, 0, at + 1, 1] for at in range(len(text))]).reshape(-1, 4)
    )


def spans(printed: Printed) -> list[tuple[int, int] | None]:
    return [
        None if np.isnan(left) else (int(left), int(right))
        for left, _, right, _ in printed.places.tolist()
    ]


@given(HOSTILE)
def test_mended_text_is_clean_and_each_character_has_its_place(text: str) -> None:
    printed, _ = mended(numbered(text))
    assert clean(printed.text).strip() == printed.text
    assert "  " not in printed.text
    assert "\n" not in printed.text
    assert len(printed.places) == len(printed.text)
    blank = [character.isspace() for character in printed.text]
    assert np.array_equal(np.isnan(printed.places[:, 0]), blank)
    for character, span in zip(printed.text, spans(printed), strict=True):
        if span is not None and span[1] - span[0] == 1:
            (source,) = text[slice(*span)]
            assert character == source or not source.isascii()


@given(HOSTILE)
def test_mending_twice_changes_nothing(text: str) -> None:
    once, _ = mended(numbered(text))
    twice, _ = mended(once)
    assert twice.text == once.text
    assert np.array_equal(twice.places, once.places, equal_nan=True)


@pytest.mark.parametrize(
    ("text", "expected", "leaders"),
    [
        ("o\ufb03ce \ufb02at", "office flat", False),
        ("  a \u00a0\t b ", "a b", False),
        ("soft\u00adhy\u200bphen\x02", "softhyphen", False),
        ("Parking . . . . . . 7", "Parking ... 7", True),
        ("Parking........7", "Parking ... 7", True),
        ("wait... what", "wait... what", False),
        ("\uf0b7 item", "• item", False),
        ("x\ud83d\ude00y\ud83d", "x😀y\ufffd", False),
        ("\x00\ufeff", "", False),
    ],
)
def test_mending(text: str, expected: str, leaders: bool) -> None:
    printed, has_leaders = mended(numbered(text))
    assert (printed.text, has_leaders) == (expected, leaders)


def test_letters_of_a_ligature_share_its_place() -> None:
    printed, _ = mended(numbered("a\ufb01 b"))
    assert printed.text == "afi b"
    assert spans(printed) == [(0, 1), (1, 2), (1, 2), None, (3, 4)]


def test_leaders_stand_where_all_their_dots_stood() -> None:
    printed, _ = mended(numbered("a......b"))
    assert printed.text == "a ... b"
    assert spans(printed) == [(0, 1), None, (1, 7), (1, 7), (1, 7), None, (7, 8)]


def test_what_is_put_in_has_no_place() -> None:
    joined = Printed.join([numbered("ab"), " | ", numbered("c")])
    assert joined.text == "ab | c"
    assert spans(joined) == [(0, 1), (1, 2), None, None, None, (0, 1)]
    assert Printed.join([]).text == ""


def test_cutting_and_stripping() -> None:
    assert spans(numbered("abcd").cut(1, 3)) == [(1, 2), (2, 3)]
    assert numbered("  ab ").stripped().text == "ab"
    assert spans(numbered("  ab ").stripped()) == [(2, 3), (3, 4)]
    assert numbered("  ").stripped().text == ""


def test_replacing() -> None:
    replaced = numbered("abcabc").replaced(re.compile("bc"), lambda _: "x y")
    assert replaced.text == "ax yax y"
    assert spans(replaced)[:4] == [(0, 1), (1, 3), None, (1, 3)]


def test_as_many_places_as_characters_are_asked_for() -> None:
    with pytest.raises(ValueError, match="not one place a character: 2 for 'abc'"):
        Printed.of("abc", np.zeros((2, 4)))


def test_a_place_that_is_not_finite_is_none() -> None:
    assert spans(Printed.of("ab", np.array([[0, 0, np.inf, 1], [0, 0, 1, 1]]))) == [None, (0, 1)]
