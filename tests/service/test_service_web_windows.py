import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.documents import Document, Page, Part, Section
from index.extract.builder import TextBuilder
from service.text import visible
from service.web.windows import REACH, Block, stretch, window

_words = st.text("ab \n\t\x1b\u202e", max_size=40)


@st.composite
def _documents(draw: st.DrawFn) -> Document:
    """A document of headings and paragraphs over pages, and parts over the same text."""
    builder = TextBuilder()
    for page in range(1, draw(st.integers(1, 3)) + 1):
        builder.page(page)
        builder.part("sheet", f"Sheet {page}")
        for text, level in draw(
            st.lists(st.tuples(_words, st.sampled_from([0, 0, 1, 2, 5])), max_size=4)
        ):
            if level:
                builder.heading(text, level)
            else:
                builder.block(text)
    made = builder.build()
    return Document(
        "id",
        "x:y",
        "T",
        "text/plain",
        made.text,
        "0" * 64,
        made.pages,
        made.sections,
        {},
        made.parts,
    )


def _said(blocks: Sequence[Block], *, marked: bool = False) -> str:
    return "".join(
        piece.text
        for block in blocks
        if block.kind != "label"
        for piece in block.pieces
        if piece.marked or not marked
    )


def _solid(text: str) -> str:
    return re.sub(r"\s", "", text)


@given(_documents(), st.data())
def test_blocks_say_all_of_the_text_in_order_and_mark_the_quote(
    document: Document, data: st.DataObject
) -> None:
    length = len(document.text)
    start = data.draw(st.integers(0, length))
    end = data.draw(st.integers(start, length))
    blocks = window(document, start, end).blocks
    assert _solid(_said(blocks)) == _solid(visible(document.text, keep="\n\t"))
    quote = document.text[start:end]
    assert _solid(_said(blocks, marked=True)) == _solid(visible(quote, keep="\n\t"))
    marks = [piece for block in blocks for piece in block.pieces if piece.marked]
    # White space at the ends of a block is not shown, and so not marked either.
    assert marks or not _solid(quote)
    assert [piece.first for piece in marks] == [place == 0 for place in range(len(marks))]


@given(_documents())
def test_headings_are_never_deeper_than_one_below_the_last(document: Document) -> None:
    above = 0
    for block in stretch(document, 0, len(document.text), 0, 0):
        if block.kind == "heading":
            assert 1 <= block.level <= above + 1
            above = block.level


def test_pages_parts_and_headings_are_told_where_they_begin() -> None:
    text = "Title\n\nOne.\n\nTwo."
    document = Document(
        "id",
        "x:y",
        "Title",
        "application/pdf",
        text,
        "0" * 64,
        (Page(1, 0, 13), Page(2, 13, 17)),
        (Section(("Title",), 0, 17),),
        {},
        (Part("slide", "1", 0, 13), Part("slide", "2", 13, 17)),
    )
    told = [
        (block.kind, "".join(piece.text for piece in block.pieces))
        for block in stretch(document, 0, len(text), 0, 0)
    ]
    assert told == [
        ("label", "Page 1"),
        ("label", "Slide 1"),
        ("heading", "Title"),
        ("text", "One."),
        ("label", "Page 2"),
        ("label", "Slide 2"),
        ("text", "Two."),
    ]


def _plain(text: str) -> Document:
    return Document("id", "x:y", "T", "text/plain", text, "0" * 64)


@pytest.mark.parametrize("line", ["word " * 20 + "\n", "a"])
@pytest.mark.parametrize("at", [0, 500_000, 999_990])
def test_a_window_of_a_long_text_is_bounded_and_holds_its_quote(line: str, at: int) -> None:
    document = _plain((line * 1_000_000)[:1_000_000])
    seen = window(document, at, at + 10)
    assert seen.end - seen.start <= 2.2 * REACH
    assert seen.start <= at < at + 10 <= seen.end
    assert (seen.has_before, seen.has_after) == (seen.start > 0, seen.end < 1_000_000)
    assert _solid(_said(seen.blocks, marked=True)) == _solid(document.text[at : at + 10])


@pytest.mark.parametrize("line", ["Some line of a text.\n", "a", "b" * 30_000 + "\n"])
def test_windows_one_after_the_other_show_all_of_a_text(line: str) -> None:
    document = _plain((line * (200_000 // len(line) + 1))[:200_000])
    shown, at = "", 0
    while at < len(document.text):
        seen = window(document, 0, 0, at + REACH)
        assert seen.start <= at
        shown += document.text[at : seen.end]
        assert seen.end > at
        at = seen.end
    assert shown == document.text


def test_a_quote_longer_than_a_window_is_seen_in_part() -> None:
    document = _plain("word " * 40_000)
    seen = window(document, 10, 150_000)
    assert seen.end - seen.start <= 2 * REACH
    assert _said(seen.blocks).startswith("word")
