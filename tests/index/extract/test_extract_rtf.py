"""RTF: structure comes through, and whatever the bytes are the outcome is a text or a reason."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.documents import Document
from index.errors import DocumentError, UnreadableDocument
from index.extract import extract

HEAD = r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fnil\fcharset0 Arial;}{\f1\fcharset204 Cyr;}}"


def read(body: str, name: str = "a.rtf") -> Document:
    return extract(f"{HEAD}{body}}}".encode("latin-1"), uri=f"file:///{name}", name=name)


def text(body: str) -> str:
    return read(body).text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (r"\pard One.\par Two.\par", "One.\n\nTwo."),
        (r"\pard One\line two\tab three\par", "One\ntwo\tthree"),
        (r"\pard caf\'e9 \u8217'x\rquote\emdash y\par", "café ’x’—y"),
        (r"\pard \u-10179?\u-8704? \uc0\u169 x\par", "😀 ©x"),
        (r"\pard {\f1 \'cf\'f0\'e8\'e2\'e5\'f2}\par", "Привет"),
        (r"\pard co\-op a\~b \{c\} d\\cell\par", r"coop a b {c} d\cell"),
        (r"\pard a{\v hidden}b{\deleted gone}c\par", "abc"),
        (r"\pard a{\pict\pngblip 89504e47}b{\*\bkmkstart x}c\par", "abc"),
        ("\\pard a{\\pict\\bin4 }}}}}b\\par", "ab"),
        (r"{\header BAD\par}{\footer BAD\par}\pard Text.\par", "Text."),
        (
            r'\pard {\field{\*\fldinst{HYPERLINK "http://x.example"}}{\fldrslt{a link}}}\par',
            "a link",
        ),
        (r"\pard {\*\unknown BAD}kept\par", "kept"),
    ],
)
def test_what_the_text_says(body: str, expected: str) -> None:
    assert text(body) == expected


def test_outline_levels_are_headings() -> None:
    body = (
        r"\pard\outlinelevel0 Leave\par\pard Text.\par\pard\outlinelevel1 Days\par\pard 26.\par"
        r"\pard\outlinelevel9 Body.\par"
    )
    found = read(body)
    assert found.text == "Leave\n\nText.\n\nDays\n\n26.\n\nBody."
    assert [section.path for section in found.sections] == [("Leave",), ("Leave", "Days")]
    assert found.title == "Leave"


def test_lists_keep_the_labels_that_were_written() -> None:
    body = (
        r"{\listtext\pard\plain\f0 \'b7\tab}\pard\ilvl0 First\par"
        r"{\listtext 2.\tab}\ilvl1 Second\par\pard Then.\par"
    )
    assert text(body) == "- First\n  2. Second\n\nThen."


def test_tables_keep_their_headers() -> None:
    body = (
        r"\trowd\cellx1\cellx2\pard\intbl Model\cell Warranty\cell\row"
        r"\trowd\cellx1\cellx2\pard\intbl Duo\par 58\cell 24 months\cell\row\pard After.\par"
    )
    assert text(body) == "Model | Warranty\nModel: Duo 58 | Warranty: 24 months\n\nAfter."


def test_a_row_marked_as_header_heads_its_columns() -> None:
    body = (
        r"\trowd\trhdr\pard\intbl Name\cell Role\cell Seat\cell\row"
        r"\trowd\pard\intbl Ann\cell Lead\cell Oslo\cell\row\pard"
    )
    assert text(body) == "Name | Role | Seat\nName: Ann | Role: Lead | Seat: Oslo"


def test_footnotes_follow_their_paragraph() -> None:
    body = r"\pard One{\super\chftn{\footnote\pard The \b note\b0 .}} two.\par Next.\par"
    assert text(body) == "One[1] two.\n\n[1] The note.\n\nNext."


def test_what_the_document_says_of_itself() -> None:
    info = (
        r"{\info{\title The \'e9tude}{\author Ann Lee}{\subject Leave}"
        r"{\creatim\yr2024\mo3\dy1\hr9\min30}}"
    )
    found = read(info + r"\pard Text.\par")
    assert found.title == "The étude"
    assert found.text == "Text."
    assert found.metadata["author"] == "Ann Lee"
    assert found.metadata["subject"] == "Leave"
    assert found.metadata["created"] == "2024-03-01T09:30"


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        "{" * 200_000 + "deep",
        r"{\fonttbl" + r"{\f1 x" * 100_000 + r"}\pard deep\par",
        r"\pard deep\par{\pict " + "0123456789abcdef" * 200_000 + "}",
        r"\pard deep{\field{\*\fldinst{HYPERLINK " * 5000,
        r"\pard deep\par" + r"\bin9999999999 x" * 1000,
        r"\pard deep\par" + r"\cell" * 100_000 + r"\row",
        r"\pard deep" + r"{\footnote " * 20_000,
    ],
    ids=["braces", "fonts", "picture", "fields", "binary", "cells", "notes"],
)
def test_hostile_markup_ends_soon(body: str) -> None:
    start = time.process_time()
    try:
        assert "deep" in text(body)
    except UnreadableDocument as error:
        assert str(error).startswith("a.rtf: ")  # noqa: PT017
    assert time.process_time() - start < 20


MARKUP = (
    r"\par |\pard |\cell|\row |\intbl|\trhdr|{|}|\footnote |\listtext |\outlinelevel0 |\ilvl2 |"
    r"\u8217|\u|\uc|\uc3|\'e9|\'zz|\bin3 |\v|\v0 |\*|word|\\|\{|a|\f1|\ansicpg65001|\tab|\line|"
    r"\u99999|\u-1|\pict|{\info{\title x}}|\'b7"
)
PIECES = st.sampled_from(MARKUP.split("|"))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(PIECES, st.text(st.characters(max_codepoint=255), max_size=4))))
def test_any_markup_is_read_or_refused(pieces: list[str]) -> None:
    body = "".join(pieces)
    try:
        found = read(body)
    except DocumentError as error:
        assert str(error).startswith("a.rtf: ")  # noqa: PT017
        return
    assert found == read(body)
    assert not any("\ue000" <= character <= "\ue02f" for character in found.text)
