"""Lines with places on a page become paragraphs, lists and headings."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from index.extract.layout import Layout, mark_larger, without_running_lines
from index.extract.lines import Line, join_fragments
from index.extract.printed import Printed

FULL = (
    "The quick brown fox jumps over the lazy dog and then it",
    "Runs away from it over the hills and along the river as",
    "Foxes do whenever they have met a dog that is not lazy.",
)


def line(text: str, base: float, left: float = 70, size: float = 10, width: float = 0) -> Line:
    return Line(Printed.put_in(text), left, left + (width or 5 * len(text)), base, size)


def hyphenated(line: Line) -> Line:
    return replace(line, hyphen=Printed.put_in("-"))


def prose(base: float, count: int = 3, left: float = 70) -> list[Line]:
    """Lines as wide as the column at the usual distance of 12 points."""
    return [line(FULL[at % 3], base - 12 * at, left, width=280) for at in range(count)]


def blocks(lines: Sequence[Line]) -> list[str]:
    # The pages of prose say what distance is usual.
    return [block.text for block in Layout([prose(700, 20), list(lines)]).blocks(lines)]


def test_the_lines_of_a_paragraph_are_joined_with_spaces() -> None:
    assert blocks(prose(700)) == [" ".join(FULL)]


@pytest.mark.parametrize(("gap", "count"), [(12, 1), (14, 1), (16, 2), (40, 2)])
def test_a_wide_gap_parts_paragraphs(gap: float, count: int) -> None:
    assert len(blocks([*prose(700), *prose(676 - gap)])) == count


def test_another_size_of_type_parts_paragraphs() -> None:
    assert len(blocks([*prose(700), line("Small print", 664, size=8)])) == 2


def test_an_indent_parts_paragraphs() -> None:
    assert blocks([*prose(700), line("Then " + FULL[1], 664, left=85), *prose(652)]) == [
        " ".join(FULL),
        "Then " + " ".join((FULL[1], *FULL)),
    ]


def test_a_short_line_at_the_end_of_a_sentence_parts_paragraphs() -> None:
    assert blocks([*prose(700, 2), line("It ended.", 676), *prose(664)]) == [
        " ".join(FULL[:2]) + " It ended.",
        " ".join(FULL),
    ]


def test_short_lines_without_an_end_are_lines_of_one_block() -> None:
    lines = [*prose(700), line("Ann Example", 640), line("Managing Director", 628)]
    assert blocks(lines) == [" ".join(FULL), "Ann Example\nManaging Director"]


def test_a_line_that_goes_on_in_lower_case_is_never_parted_by_its_length() -> None:
    assert blocks([*prose(700, 2), line("A short", 676), line("line goes on.", 664)]) == [
        " ".join(FULL[:2]) + " A short line goes on."
    ]


@pytest.mark.parametrize("mark", ["•", "-", "1.", "2)", "(a)", "3.1", "▪", "3.1:"])
def test_items_begin_on_a_line_of_their_own(mark: str) -> None:
    lines = [
        line(f"{mark} The first item is as long as the column is wide,", 600, width=280),
        line("Hanging", 588, left=85),
        line(f"{mark} Second", 576),
    ]
    assert blocks(lines) == [
        f"{mark} The first item is as long as the column is wide, Hanging\n{mark} Second"
    ]


def test_rows_with_wide_gaps_are_lines_of_one_block() -> None:
    rows = [
        replace(line(f"Zone {zone} 4 EUR", 600 - 20 * at), spaced=True)
        for at, zone in enumerate("ABC")
    ]
    assert blocks(rows) == ["Zone A 4 EUR\nZone B 4 EUR\nZone C 4 EUR"]


def test_a_sentence_goes_on_in_the_next_column() -> None:
    left, right = prose(200, 2), [line("and it goes on here.", 700, left=400)]
    assert blocks([*left, *right]) == [" ".join(FULL[:2]) + " and it goes on here."]
    assert len(blocks([*prose(200, 3), *prose(700, 3, left=400)])) == 2


@pytest.mark.parametrize(
    ("upper", "lower", "elsewhere", "expected"),
    [
        ("an impor", "tant point", "", "an important point"),
        ("a well", "known fact", "the well-known fact", "a well-known fact"),
        ("a carbon", "free world", "free of carbon", "a carbon-free world"),
        ("the frame", "works here", "the frame works; frameworks", "the frameworks here"),
    ],
)
def test_hyphenated_words_are_made_whole(
    upper: str, lower: str, elsewhere: str, expected: str
) -> None:
    lines = [hyphenated(line(upper, 600)), line(lower, 588)]
    assert [block.text for block in Layout([lines, [line(elsewhere, 700)]]).blocks(lines)] == [
        expected
    ]


def test_a_word_that_does_not_go_on_keeps_its_hyphen() -> None:
    broken = hyphenated(line("the regu", 600))
    assert blocks([broken]) == ["the regu-"]
    assert blocks([broken, line("Next", 500, size=20)]) == ["the regu-", "Next"]


def test_scripts_without_spaces_are_joined_without_one() -> None:
    assert blocks([line("漢字の", 600, width=280), line("文章です", 588)]) == ["漢字の文章です"]
    assert blocks([line("한국어 글", 600, width=280), line("이어짐", 588)]) == ["한국어 글 이어짐"]


def test_raised_and_neighbouring_pieces_are_put_into_their_line() -> None:
    pieces = [
        line("A claim", 600, width=40),
        line("2", 603.5, left=110, size=6, width=3),
        line(", and", 600, left=113, width=20),
        line("more", 600, left=140, width=20),
        line("Below", 588),
    ]
    joined = join_fragments(pieces)
    assert [piece.text for piece in joined] == ["A claim2, and more", "Below"]
    assert (joined[0].left, joined[0].right, joined[0].base) == (70, 160, 600)


def paged(count: int, body: int = 5) -> list[list[Line]]:
    return [
        [
            line("The Guide" if number % 2 else "A Chapter", 800),
            *[
                line(f"Body {number}.{at} {'x' * (number + at)}", 700 - 12 * at)
                for at in range(body)
            ],
            line(f"Draft of 2026, page {number} of {count}", 40),
        ]
        for number in range(1, count + 1)
    ]


def test_running_headers_and_footers_are_left_out() -> None:
    kept = without_running_lines(paged(6))
    assert all(piece.text.startswith("Body") for lines in kept for piece in lines)
    assert [len(lines) for lines in kept] == [5] * 6


def test_lines_that_repeat_on_two_pages_stay() -> None:
    assert [len(lines) for lines in without_running_lines(paged(2))] == [7, 7]


def test_footers_that_count_the_pages_are_left_out_whatever_else_they_say() -> None:
    topics = ("Lifts", "Heating", "Pets", "Noise")
    pages = [
        [*prose(700, 2), line(topic, 600), line(f"On {topic} {number}", 40)]
        for number, topic in enumerate(topics, 11)
    ]
    kept = without_running_lines(pages)
    assert [lines[-1].text for lines in kept] == list(topics)


def test_pages_of_few_lines_and_rows_of_numbers_are_not_taken_for_running_lines() -> None:
    slides = [[line(f"Slide {number}", 700), line("Thank you", 600)] for number in range(5)]
    assert without_running_lines(slides) == slides
    tables = [
        [line(f"{number}{at} 7{at} 8{number}", 700 - 12 * at) for at in range(6)]
        for number in range(5)
    ]
    assert without_running_lines(tables) == tables


def test_lines_repeated_in_the_middle_of_pages_stay() -> None:
    pages = [
        [*prose(700 + number, 2), line("See above.", 600), *prose(500 - number, 2)]
        for number in range(4)
    ]
    pages = [
        [
            replace(piece, printed=Printed.put_in(f"{chr(97 + at)}{number} {piece.text}"))
            if piece.base != 600
            else piece
            for at, piece in enumerate(lines)
        ]
        for number, lines in zip("αβγδ", pages, strict=True)
    ]
    assert all(
        "See above." in [piece.text for piece in lines] for lines in without_running_lines(pages)
    )


def test_larger_lines_are_headings_by_size() -> None:
    lines = [line("Guide", 760, size=20), line("Setup", 730, size=14), *prose(700)]
    marked = mark_larger([lines], 10)[0]
    assert [piece.level for piece in marked] == [1, 2, 0, 0, 0]
    found = Layout([lines, prose(700, 20)]).blocks(marked)
    assert [(block.text, block.level) for block in found] == [
        ("Guide", 1),
        ("Setup", 2),
        (" ".join(FULL), 0),
    ]


def test_a_heading_of_two_lines_is_one() -> None:
    lines = [line("A Guide to", 760, size=20), line("Everything", 736, size=20), *prose(700)]
    found = Layout([lines]).blocks(mark_larger([lines], 10)[0])
    assert (found[0].text, found[0].level) == ("A Guide to Everything", 1)


def test_long_or_wordless_or_turned_large_type_is_no_heading() -> None:
    large = [
        line("Long " * 40, 760, size=20),
        line("42", 700, size=20),
        replace(line("Up the margin", 500, size=20), turn=90),
        *prose(400, 20),
    ]
    found = Layout([large]).blocks(mark_larger([large], 10)[0])
    assert [block.level for block in found] == [0] * len(found)


def test_chapters_whose_numbers_happen_to_count_the_pages_stay() -> None:
    topics = ("Lifts", "Heating", "Pets", "Noise")
    for size, form in ((14, "Chapter {}"), (10, "{} On"), (10, "{}.1 On")):
        pages = [
            [line(f"{form.format(number)} {topic}", 760, size=size), *prose(700 - number, 6)]
            for number, topic in enumerate(topics, 1)
        ]
        kept = without_running_lines(pages)
        assert [lines[0].text.split()[-1] for lines in kept] == list(topics)
