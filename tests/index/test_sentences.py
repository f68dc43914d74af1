"""Where sentences begin and end."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.sentences import blocks, sentence_around, sentences

# Much of what tells sentences apart, and much that only seems to.
PIECES = st.sampled_from(
    [
        "The rent is due. ",
        "Dr. Smith paid 4.5 pounds",
        "e.g. this",
        "Why? ",
        "No! ",
        "...",
        "\n",
        "\n\n",
        "\n\n\n",
        " ",
        "\t",
        "\r",
        "\x0b",
        "\x0c",
        "\x85",
        "\u00a0",
        "\u2028",
        "\u2029",
        "\u3000",
        "\u200b",
        "- item\n",
        "(a) item\n",
        "1. ",
        "a | b\n",
        "”",
        "“",
        "(",
        ")",
        "。",
        "？",
        "漢字。",
        "é",
        "e\u0301",
        "\U0001f469‍\U0001f680",
        "\x00",
        "\ufeff",
        "\u202e",
        "A.",
        "x" * 50,
    ]
)
TEXTS = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=40).map("".join))


@given(text=TEXTS, data=st.data())
def test_sentences_are_trimmed_apart_in_order_and_hold_everything(
    text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    position = start
    for begin, stop in sentences(text, start, end):
        assert position <= begin < stop <= end
        assert not text[position:begin].strip()
        assert text[begin:stop] == text[begin:stop].strip()
        assert "\n\n" not in text[begin:stop]
        position = stop
    assert not text[position:end].strip()


@given(text=TEXTS)
def test_a_whole_text_is_the_range_from_end_to_end(text: str) -> None:
    assert sentences(text) == sentences(text, 0, len(text))


@given(text=TEXTS, data=st.data())
def test_the_sentence_around_a_range_holds_it(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    first, last = sentence_around(text, start, end)
    assert 0 <= first <= start <= end <= last <= len(text)


@given(text=TEXTS)
def test_the_sentence_around_a_sentence_is_that_sentence(text: str) -> None:
    for start, end in sentences(text):
        assert sentence_around(text, start, end) == (start, end)


@given(text=TEXTS)
def test_blocks_end_at_blank_lines(text: str) -> None:
    for start, end in blocks(text, 0, len(text)):
        assert "\n\n" not in text[start:end]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two? Three!", ["One.", "Two?", "Three!"]),
        ("Dr. Smith left at 4.2 p.m. today. Then rain.", None),
        ("A heading\n\nIts body. More.", ["A heading", "Its body.", "More."]),
        ("Bring:\n- a coat\n- a map\n", ["Bring:", "- a coat", "- a map"]),
        (
            "(a) rent is due\n(b) cats are not allowed",
            ["(a) rent is due", "(b) cats are not allowed"],
        ),
        ("It was signed by\nMr. Smith today.", ["It was signed by\nMr. Smith today."]),
        ("They agreed on\nit. It ends.", ["They agreed on\nit.", "It ends."]),
        ("The road to\nSt. Ives is shut.", ["The road to\nSt. Ives is shut."]),
        (
            "(iv) rent is due\nXII) cats\n12) dogs\nb. mice",
            ["(iv) rent is due", "XII) cats", "12) dogs", "b. mice"],
        ),
        ("Fee | Amount\nEntry | 4\nCoat | 1", ["Fee | Amount", "Entry | 4", "Coat | 1"]),
        ("4.2 Deposit is two rents.", ["4.2 Deposit is two rents."]),
        ("", []),
        (" \n\n \t ", []),
    ],
)
def test_sentences_of_ordinary_texts(text: str, expected: list[str] | None) -> None:
    found = [text[start:end] for start, end in sentences(text)]
    if expected is None:
        assert found[-1] == "Then rain."
        assert "Dr." not in found
    else:
        assert found == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [". ", '"', "a", "(a. ", "\n", " ", "A.B.", "?!", "\n- ", "\u2028", "a | b\n", "“", "\r"],
)
def test_no_text_takes_more_than_linear_time(unit: str) -> None:
    def seconds(characters: int) -> float:
        begin = time.perf_counter()
        sentences(unit * (characters // len(unit)))
        return time.perf_counter() - begin

    seconds(1000)
    # Quadratic time would take 64 times as long for 8 times as much.
    assert seconds(160_000) < 30 * max(0.01, seconds(20_000))


def test_the_sentence_around_a_range_is_found_as_fast_in_a_long_text() -> None:
    text = "The rent is due. " * 600_000
    begin = time.perf_counter()
    start, end = sentence_around(text, 5_000_004, 5_000_006)
    assert time.perf_counter() - begin < 0.5
    assert text[start:end].count("rent") <= 2


def test_the_sentence_around_a_quote_is_whole_in_a_text_without_blank_lines() -> None:
    before = "It rained again that day. " * 1_200
    sentence = "The gatekeeper was called Josephine Arkwell."
    text = before + sentence + " " + before.strip()
    start = text.index("Josephine")
    begin, end = sentence_around(text, start, start + len("Josephine Arkwell"))
    assert text[begin:end] == sentence
