"""What holds for any bytes at all: a well-formed document or a DocumentError."""

import io
import itertools
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from index.documents import Document
from index.errors import DocumentError
from index.extract import extract
from index.extract.cleaning import clean, has_words
from index.extract.nesting import flatten

NAMES = st.sampled_from(["a.txt", "a.md", "a.html", "a.pdf", "a", "dir/b.rst", "c.json", ".", ""])
CLAIMS = st.sampled_from([None, "text/html", "text/markdown", "text/plain; charset=koi8-r", ";;"])
HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs", "Cc", "Cf", "Zs", "Zl", "Zp", "Mn"]),
        st.sampled_from("\r\n\t\f\v #*-=|.1A<>&;\u00ad\ufeff"),
    )
)
TAGS = (
    "p div br hr ul ol li table tr td th caption h1 h2 h3 pre b i a nav header footer aside main "
    "article section script style svg select option dl dt dd img title body html template"
)
MARKUP = st.lists(
    st.one_of(
        st.sampled_from(TAGS.split()).flatmap(
            lambda tag: st.sampled_from(
                [f"<{tag}>", f"</{tag}>", f"<{tag} hidden>", f"<{tag} start=5 "]
            )
        ),
        st.sampled_from(
            ["word", " ", "\n\n", "&nbsp;", "&#0;", "&#xD800;", "<!--", "-->", "]]>", "x\n"]
        ),
        HOSTILE,
    ),
    max_size=40,
).map("".join)
PIECES = (
    "# |## |- |1. |> |    |\n|\n\n|---\n|===\n|```\n|word|TITLE\n\n|4.2 Visitors\n\n|title: x\n|<b>"
    "|\f|*|_|[x](y)|![|~~"
)
ROWS = ["| a | b |\n", "|-|-|\n"]
BLOCKS = st.lists(st.sampled_from([*PIECES.split("|"), *ROWS]), max_size=40).map("".join)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1251"])
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\u00ad\u200b\u00a0\ud800-\udfff]")

settings.register_profile(
    "extract", max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
quick = settings(settings.get_profile("extract"))


def encoded(text: str, encoding: str) -> bytes:
    errors = "surrogatepass" if encoding.startswith("utf") else "ignore"
    return text.encode(encoding, errors)


def check(data: bytes, name: str, claim: str | None = None) -> None:
    options: dict[str, Any] = {"uri": f"file:///{name}", "name": name, "media_type": claim}
    message = None
    try:
        document = extract(data, **options)
    except DocumentError as error:
        message = str(error)
    if message is not None:
        assert message.startswith(f"{name or 'file'}: ")
        assert "\n" not in message
        return
    assert extract(data, **options) == document
    check_text(document)
    check_ranges(document)


def check_text(document: Document) -> None:
    text = document.text
    assert has_words(text)
    assert text == text.strip()
    assert text == clean(text)
    assert CONTROLS.search(text) is None
    assert "\n\n\n" not in text
    assert " \n" not in text
    assert document.title
    for line in (document.title, *document.metadata.values()):
        assert line == clean(line).strip()
        assert "\n" not in line


def check_ranges(document: Document) -> None:
    for parts in (document.pages, document.sections):
        assert all(0 <= part.start < part.end <= len(document.text) for part in parts)
        assert all(first.end <= second.start for first, second in itertools.pairwise(parts))
    numbers = [page.number for page in document.pages]
    assert numbers == sorted(set(numbers))
    assert all(number >= 1 for number in numbers)
    for section in document.sections:
        assert section.path
        heading = section.path[-1]
        assert document.text[section.start :].partition("\n")[0] == heading
        before = document.text[: section.start]
        assert before == "" or before.endswith("\n\n")
        rest = document.text[section.start + len(heading) :]
        assert rest == "" or rest.startswith("\n\n")


@quick
@given(st.binary(), NAMES, CLAIMS)
def test_any_bytes(data: bytes, name: str, claim: str | None) -> None:
    check(data, name, claim)


@quick
@given(HOSTILE, ENCODINGS, NAMES, CLAIMS)
def test_any_text(text: str, encoding: str, name: str, claim: str | None) -> None:
    check(encoded(text, encoding), name, claim)


@quick
@given(MARKUP, ENCODINGS)
def test_any_html(text: str, encoding: str) -> None:
    check(encoded("<html>" + text, encoding), "a.html")


@quick
@given(st.one_of(BLOCKS, MARKUP))
def test_any_markdown(text: str) -> None:
    check(encoded(text, "utf-8"), "a.md")


@quick
@given(BLOCKS)
def test_any_plain_text(text: str) -> None:
    check(encoded(text, "utf-8"), "a.txt")


def small_pdf() -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, invariant=True, pageCompression=0)
    for number in range(2):
        canvas.bookmarkPage(str(number))
        canvas.addOutlineEntry(f"Part {number}", str(number))
        canvas.drawString(70, 700, f"Part {number}")
        canvas.drawString(70, 660, "Some text that is here.")
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


PDF = small_pdf()


@quick
@given(
    st.lists(
        st.tuples(
            st.integers(9, len(PDF) - 1), st.sampled_from([b"", b"\0", b"9", b"<<", b"\xff"])
        ),
        max_size=8,
    )
)
def test_any_damaged_pdf(damages: list[tuple[int, bytes]]) -> None:
    data = PDF
    for place, junk in damages:
        data = data[:place] + junk + data[place + 1 :]
    check(data, "a.pdf")


@quick
@given(HOSTILE)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@quick
@given(MARKUP)
def test_ordinary_markup_is_not_rewritten(text: str) -> None:
    assert flatten(text) == text


@pytest.mark.slow
@settings(quick, max_examples=5_000)
@given(st.one_of(MARKUP, BLOCKS, HOSTILE), ENCODINGS, NAMES, CLAIMS)
def test_any_text_at_length(text: str, encoding: str, name: str, claim: str | None) -> None:
    check(encoded(text, encoding), name, claim)
