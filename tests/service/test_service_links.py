"""Links to quotes: what they open, and which are never made."""

import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.documents import Document, Page
from index.extract.formats import PDF as PDF_TYPE
from qa.answers import Citation, cite
from service.links import PDF, source_link, view_path

PAGE = "https://example.org/staff/handbook"
TEXT = (
    "Leave\n\nFull-time staff receive 26 days of paid leave, plus holidays & more.\n\n"
    "- one, two\n- three - four\n\nRate | Days\nRate: A | Days: 26 days\n"
)


def page_of(text: str, uri: str = PAGE, media_type: str = "text/html") -> Document:
    return Document("d1", uri, "Page", media_type, text, "0" * 64)


def cited(quoted: str, text: str = TEXT, uri: str = PAGE) -> Citation:
    start = text.index(quoted)
    return cite(page_of(text, uri), start, start + len(quoted))


def pdf(uri: str) -> Citation:
    made = Document("d1", uri, "P", PDF_TYPE, "aaa\nbbb", "0" * 64, (Page(1, 0, 3), Page(2, 4, 7)))
    return cite(made, 4, 7)


def test_the_name_of_another_module_is_the_same_here() -> None:
    assert PDF == PDF_TYPE


def test_the_viewer_shows_a_range_of_a_document_of_a_collection() -> None:
    assert view_path("default", "6f0c", 3, 9) == "/view/default/6f0c?start=3&end=9"
    assert view_path("a/b", "?x", 3, 9) == "/view/a%2Fb/%3Fx?start=3&end=9"


@pytest.mark.parametrize(
    ("quoted", "directive"),
    [
        (
            "26 days of",
            (
                "Full%2Dtime%20staff%20receive-,26%20days%20of,"
                "-paid%20leave%2C%20plus%20holidays%20%26"
            ),
        ),
        ("Leave", "Leave"),
        ("Full-time", "Full%2Dtime,-staff%20receive%2026%20days%20of%20paid"),
        ("holidays & more.", "26%20days%20of%20paid%20leave%2C%20plus-,holidays%20%26%20more."),
        ("one, two", "one%2C%20two"),
        ("four", "three%20%2D-,four"),
        ("Days: 26 days", "Days%3A%2026%20days"),
        ("- one, two\n- three - four", "one%2C%20two,three%20%2D%20four"),
    ],
)
def test_a_web_page_is_opened_at_the_text(quoted: str, directive: str) -> None:
    found = source_link(cited(quoted))
    assert found is not None
    assert found.startswith(f"{PAGE}#:~:text=")
    assert found.removeprefix(f"{PAGE}#:~:text=") == directive


def test_a_long_quote_is_named_by_its_first_and_last_words() -> None:
    long = " ".join(f"w{place}" for place in range(200))
    found = source_link(cited(long, long))
    first, last = (f"%20w{n}" for n in (7, 199))
    assert found is not None
    assert found.startswith(f"{PAGE}#:~:text=w0%20w1")
    assert found.endswith(last)
    assert found.count(",") == 1
    assert f"{first},w192" in found


def test_a_fragment_stays_but_a_directive_in_it_does_not() -> None:
    assert source_link(cited("Leave", uri=f"{PAGE}#s2")) == f"{PAGE}#s2:~:text=Leave"
    hostile = f"{PAGE}#s2:~:text=Other"
    assert source_link(cited("Leave", uri=hostile)) == f"{PAGE}#s2:~:text=Leave"


def test_a_quote_without_a_word_opens_the_page() -> None:
    assert source_link(cited(" ", uri=f"{PAGE}#s2", text=" ")) == f"{PAGE}#s2"
    assert source_link(cited(" ", text=" ")) == PAGE


def test_a_pdf_is_opened_at_its_page() -> None:
    assert source_link(pdf("https://x.example/a.pdf?v=1#old")) == (
        "https://x.example/a.pdf?v=1#page=2"
    )
    assert source_link(pdf("file:///home/mara/a%20b.pdf")) == "file:///home/mara/a%20b.pdf#page=2"


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)//https://x.example",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "blob:https://x.example/1",
        "file:///etc/passwd",
        "file://server/share/a.pdf",
        "upload:handbook.html",
        "text:0123",
        "test:a",
        "",
        "//x.example/a",
        "https:x.example",
        "https:///a",
        "https:/\\x.example/",
        "https://bank.example@evil.example/",
        "https://bank.example\\@evil.example/",
        "https://x.example:port/",
        "https://[::1/",
        "https://a b.example/",
        'https://x.example"onclick=/',
        "https://x.example/all.zip!/a.html",
    ],
)
def test_no_link_is_made_of_what_is_no_page(uri: str) -> None:
    assert source_link(cited("Leave", uri=uri)) is None


def test_names_in_other_letters_are_spelt_as_browsers_do() -> None:
    assert source_link(cited("Leave", uri="https://bücher.example/ä")) == (
        "https://xn--bcher-kva.example/%C3%A4#:~:text=Leave"
    )


_URIS = st.one_of(
    st.text(max_size=40),
    st.builds("{}{}".format, st.sampled_from(["https://x.example/", "http://"]), st.text()),
    st.builds("{}:{}".format, st.sampled_from(["javascript", "data", "file"]), st.text()),
)


@given(_URIS, st.text(max_size=200), st.booleans(), st.data())
def test_a_link_leads_to_the_web_or_a_file_and_nothing_can_break_out_of_it(
    uri: str, text: str, is_pdf: bool, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    media_type = PDF_TYPE if is_pdf else "text/html"
    found = source_link(cite(page_of(text, uri, media_type), start, end))
    if found is None:
        return
    assert re.fullmatch(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+", found)
    parts = urlsplit(found)
    assert parts.scheme in ("http", "https", "file")
    assert parts.scheme != "file" or (is_pdf and not parts.netloc)
    assert "@" not in parts.netloc


@given(st.text(max_size=100), st.text(max_size=400), st.text(max_size=100))
def test_a_text_fragment_holds_words_of_the_quote_and_of_what_adjoins_it(
    before: str, quoted: str, after: str
) -> None:
    text = before + quoted + after
    found = source_link(cite(page_of(text), len(before), len(before) + len(quoted)))
    assert found is not None
    _, has_text, directive = found.partition("#:~:text=")
    if not has_text:
        assert not quoted.split() or found == PAGE
        return
    pieces = directive.split(",")
    assert len(pieces) <= 3
    for piece in pieces:
        words = " ".join(unquote(piece.removesuffix("-").removeprefix("-")).split())
        source = before if piece.endswith("-") else after if piece.startswith("-") else quoted
        assert words in " ".join(source.split())
