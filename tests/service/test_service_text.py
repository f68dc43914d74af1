import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.documents import Box
from qa.answers import Citation
from service.text import (
    around,
    beginning,
    confidence_in_words,
    file_name,
    percentage,
    place,
    shown,
    visible,
)

anything = st.text(st.characters(), max_size=200)
steering = st.text(st.sampled_from("a \n\t\x1b\x07\x85\u202e\u2066\u2028\ud800é漢"), max_size=40)


@given(anything | steering)
def test_nothing_that_is_shown_can_steer_a_terminal(text: str) -> None:
    for char in shown(text) + visible(text):
        assert unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"}
        assert not "\u202a" <= char <= "\u202e"
        assert not "\u2066" <= char <= "\u2069"


@given(st.text(st.characters(categories=["L", "N", "P"]), max_size=100))
def test_letters_of_every_script_stay_as_they_are(text: str) -> None:
    assert visible(text) == text


def test_steering_characters_are_spelt_out() -> None:
    assert visible("a\x1b[31m\nb\u202ec\x9b") == "a\\x1b[31m\\nb\\u202ec\\x9b"
    assert visible("a\n\tb\r", keep="\n\t") == "a\n\tb\\r"
    assert visible("\udcff") == "\\udcff"


def test_white_space_is_folded() -> None:
    assert shown("26\n  days\u2028of") == "26 days of"


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_the_parts_around_a_quote_are_the_whole_sentence(
    before: str, quote: str, after: str
) -> None:
    sentence = before + quote + after
    parts = around(sentence, len(before), len(before) + len(quote))
    assert parts[1] == shown(quote)
    assert "".join(parts).replace(" ", "") == shown(sentence).replace(" ", "")


def test_a_very_long_sentence_is_cut_around_its_quote() -> None:
    sentence = "left " * 500 + "QUOTE" + " right" * 500
    before, quote, after = around(sentence, 2500, 2505, most=20)
    assert quote == "QUOTE"
    assert before == "… left left left "
    assert after == " right right right …"


def test_the_beginning_is_cut_between_words() -> None:
    assert beginning("one two three", most=9) == "one two …"
    assert beginning(" one\ntwo ", most=9) == "one two"


def test_a_file_is_named_by_its_path_from_here() -> None:
    assert file_name("file:///home/m/a%20b.txt", Path("/home/m")) == "a b.txt"
    assert file_name("file:///home/m/a.txt", Path("/home/x")) == "/home/m/a.txt"
    assert file_name("https://a.example/b") == "https://a.example/b"
    assert file_name("file:///tmp/a%1B%5B31m%0A.txt") == "/tmp/a\\x1b[31m\\n.txt"


def cited(uri: str, **more: Any) -> Citation:
    page, section = more.pop("page", None), more.pop("section", ())
    return Citation("id", uri, "Title", page, section, 7, 18, "x" * 11, **more)


def test_a_place_has_all_its_parts() -> None:
    lease = cited("file:///d/lease.pdf", page=4, section=("2 Term", "2.1\nLength"))
    where = place(lease, Path("/d"))
    assert where == "lease.pdf, page 4, 2 Term › 2.1 Length, characters 7–18"
    assert place(cited("x:y")) == "x:y, characters 7–18"


@pytest.mark.parametrize(
    ("citation", "expected"),
    [
        (
            cited("file:///d/report.pdf", page=11, boxes=(Box(11, 72.3, 641.2, 139.8, 652.4),)),
            "report.pdf, page 11 at 72,641–140,652",
        ),
        # Of a quote over two lines and two pages, the rectangle around it on the first page.
        (
            cited(
                "file:///d/report.pdf",
                page=2,
                boxes=(
                    Box(2, 300, 700, 540, 712),
                    Box(2, 72, 714, 200, 726),
                    Box(3, 72, 72, 90, 80),
                ),
            ),
            "report.pdf, page 2 at 72,700–540,726",
        ),
        (
            cited("file:///d/prices.xlsx", sheet="Prices", cells="B7", section=("Prices",)),
            "prices.xlsx, sheet Prices, cell B7",
        ),
        (
            cited("file:///d/prices.xlsx", sheet="a\x1b", cells="B7:C9"),
            "prices.xlsx, sheet a\\x1b, cells B7:C9",
        ),
        (cited("file:///d/prices.csv", cells="A2"), "prices.csv, cell A2"),
        (cited("file:///d/deck.pptx", slide=3, section=("Plan",)), "deck.pptx, slide 3, Plan"),
        (cited("file:///d/mail.eml", part="1.2"), "mail.eml, part 1.2"),
        (cited("file:///d/archive.zip!/a/b%20c.txt"), "archive.zip!/a/b c.txt"),
        (cited("file:///d/x.eml!/2/y.zip!/z.pdf", page=1), "x.eml!/2/y.zip!/z.pdf, page 1"),
    ],
)
def test_a_place_is_named_as_a_person_would_look_for_it(citation: Citation, expected: str) -> None:
    assert place(citation, Path("/d")) == f"{expected}, characters 7–18"


def test_confidence_never_claims_to_be_sure() -> None:
    assert [percentage(value) for value in (0.0, 0.504, 0.99, 0.991, 1.0)] == [
        "0%",
        "50%",
        "99%",
        "over 99%",
        "over 99%",
    ]
    assert [confidence_in_words(value) for value in (0.9, 0.7, 0.5, 0.4)] == [
        "very likely",
        "likely",
        "more likely than not",
        "uncertain",
    ]
