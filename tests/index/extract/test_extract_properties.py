"""What holds for any bytes at all: a well-formed document or a DocumentError."""

import bz2
import gzip
import io
import itertools
import json
import lzma
import re
import struct
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from index.documents import Document, document_id
from index.extract import Extraction, extract_all
from index.extract.cleaning import clean, has_words
from index.extract.formats import FORMATS
from index.extract.nesting import flatten
from tests.fakes.compound import compound_file
from tests.fakes.small_files import tarred, zipped

# Each goes through every format.
pytestmark = pytest.mark.slow

NAMES = st.sampled_from(
    ["a.txt", "a.md", "a.html", "a.pdf", "a", "dir/b.rst", "c.json", "a.eml", "a.jsonl", ".", ""]
)
CLAIMS = st.sampled_from(
    [None, "text/html", "text/markdown", "text/plain; charset=koi8-r", "message/rfc822", ";;"]
)
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


def check(data: bytes, name: str, claim: str | None = None) -> Extraction:
    options: dict[str, Any] = {"uri": f"file:///{name}", "name": name, "media_type": claim}
    found = extract_all(data, **options)
    assert found.documents or found.problems
    for problem in found.problems:
        assert problem.reason.startswith(name or "file")
        assert "\n" not in problem.reason
        assert problem.uri.startswith(f"file:///{name}")
    for document in found.documents:
        assert document.uri.startswith(f"file:///{name}")
        assert document.id == document_id(document.uri)
        assert document.media_type in FORMATS
        check_text(document)
        check_ranges(document)
    places = [document.uri for document in found.documents]
    assert len(places) == len(set(places))
    assert extract_all(data, **options) == found
    return found


def check_text(document: Document) -> None:
    text = document.text
    assert has_words(text)
    assert text == text.strip()
    assert text == clean(text)
    assert CONTROLS.search(text) is None
    assert "\n\n\n" not in text
    assert " \n" not in text
    assert document.title
    assert all(key == key.lower() for key in document.metadata)
    for line in (document.title, *document.metadata, *document.metadata.values()):
        assert line == clean(line).strip()
        assert "\n" not in line


def check_ranges(document: Document) -> None:
    for parts in (document.pages, document.sections, document.parts, document.cells):
        assert all(0 <= part.start < part.end <= len(document.text) for part in parts)
        assert all(first.end <= second.start for first, second in itertools.pairwise(parts))
    numbers = [page.number for page in document.pages]
    assert numbers == sorted(set(numbers))
    assert all(number >= 1 for number in numbers)
    assert all(cell.row >= 1 and cell.column >= 1 for cell in document.cells)
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


PROSE = "The zone is free of charge on Sundays and on the holidays of the city."
MAIL = (
    f"From: Ann <ann@x.org>\nTo: =?utf-8?q?B=C3=B6b?= <bob@x.org>\nSubject: Rates\n"
    "Date: Mon, 5 Jan 2026 10:00:00 +0100\nMIME-Version: 1.0\n"
    'Content-Type: multipart/mixed; boundary="b"\n\n--b\n'
    'Content-Type: multipart/alternative; boundary="c"\n\n--c\nContent-Type: text/plain; '
    f"charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n{PROSE}=C3=BC\n--c\n"
    f"Content-Type: text/html\n\n<h1>Rates</h1><p>{PROSE}</p>\n--c--\n--b\n"
    'Content-Type: text/plain; name="a.txt"\nContent-Disposition: attachment\n'
    "Content-Transfer-Encoding: base64\n\nSGVsbG8gdGhlcmUu\n--b\nContent-Type: message/rfc822\n\n"
    "Subject: Inner\nMIME-Version: 1.0\n\nInside.\n--b--\n"
).encode()
RECORDS = b'[{"title": "A", "text": "Some text.", "n": 1.10}, {"text": "More.", "tags": ["x"]}]'
LINES = b'{"title": "A", "text": "Some text."}\n{"a": {"b": [1, {"c": null}]}}\n\n[1]\n'
RST = (
    b"Guide\n=====\n\n:Author: Ann\n:Date: 2026\n\nText with :ref:`a <b>` and *stress*.\n\n"
    b".. note:: Mind.\n\n- a\n\n  - b\n\nUse\n---\n\n== ==\nA  B\n== ==\n1  2\n== ==\n\n"
    b".. [1] Foot.\n"
)
FRONT = (
    b"---\ntitle: A\ntags: [a, b]\ndate: 2026-01-05\n---\n\n# Start\n\nText.\n\n"
    b"| a | b |\n|-|-|\n| 1 | 2 |\n"
)
PARTS = {
    "mimetype": b"application/epub+zip",
    "META-INF/container.xml": b'<container><rootfile full-path="a.opf"/></container>',
    "a.opf": (
        b"<package><metadata><title>A book</title><creator>Ann</creator></metadata><manifest>"
        b'<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
        b'<item id="n" href="n.ncx" media-type="application/x-dtbncx+xml"/></manifest>'
        b'<spine><itemref idref="a"/></spine></package>'
    ),
    "n.ncx": (
        b"<ncx><navMap><navPoint><navLabel><text>One</text></navLabel>"
        b'<content src="a.xhtml#x"/></navPoint></navMap></ncx>'
    ),
    "a.xhtml": b"<html><p>It begins.<a id='x'/></p></html>",
}


FILES = {"a.txt": PROSE.encode(), "b/c.md": FRONT, "d.eml": MAIL, "e.zip": zipped({"f.rst": RST})}
MESSAGE = {
    "__properties_version1.0": bytes(32)
    + struct.pack("<HHIQ", 0x1F, 0x37, 6, 10)
    + struct.pack("<HHIQ", 0x1F, 0x1000, 6, 140)
    + struct.pack("<HHIQ", 0x40, 0x39, 6, 134_120_808_000_000_000),
    "__substg1.0_0037001F": "Rates".encode("utf-16-le"),
    "__substg1.0_1000001F": PROSE.encode("utf-16-le"),
    "__attach_version1.0_#00000000": {
        "__properties_version1.0": bytes(8) + struct.pack("<HHIQ", 0x1F, 0x3707, 6, 10),
        "__substg1.0_3707001F": "a.txt".encode("utf-16-le"),
        "__substg1.0_37010102": b"Hello there.",
    },
}
# For each a valid file, its name, and how many documents are in it.
VALID = {
    "mail": (MAIL, "a.eml", 3),
    "mail in UTF-16": (MAIL.decode().encode("utf-16"), "a.eml", 3),
    "mailbox": (b"From a@b Mon Jan  5 10:00:00 2026\n" + MAIL + b"\n", "a.mbox", 3),
    "Outlook": (compound_file(MESSAGE), "a.msg", 2),
    "records": (RECORDS, "a.json", 2),
    "lines": (LINES, "a.jsonl", 3),
    "rst": (RST, "a.rst", 1),
    "front matter": (FRONT, "a.md", 1),
    "EPUB": (zipped(PARTS), "a.epub", 1),
    "zip": (zipped(FILES), "a.zip", 6),
    "tar": (tarred(FILES), "a.tar", 6),
    "gzip": (gzip.compress(tarred(FILES), mtime=0), "a.tgz", 6),
    "bzip2": (bz2.compress(PROSE.encode()), "a.txt.bz2", 1),
    "xz": (lzma.compress(PROSE.encode()), "a.txt.xz", 1),
}
DAMAGES = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 12),
        st.one_of(
            st.binary(max_size=4),
            st.sampled_from(
                [b"\0", b"\xff\xff\xff\xff", b"<", b'"', b"\n\n", b"..", b"[" * 50, b"&x;"]
            ),
        ),
    ),
    max_size=6,
)


def damaged(data: bytes, damages: list[tuple[float, int, bytes]]) -> bytes:
    for place, length, junk in damages:
        at = int(place * len(data))
        data = data[:at] + junk + data[at + length :]
    return data


@pytest.mark.parametrize("kind", VALID)
def test_the_valid_files_are_read_whole(kind: str) -> None:
    data, name, count = VALID[kind]
    found = check(data, name)
    assert found.problems == ()
    assert len(found.documents) == count


@pytest.mark.parametrize("kind", VALID)
@settings(quick, max_examples=25)
@given(damages=DAMAGES)
def test_any_damaged_file(kind: str, damages: list[tuple[float, int, bytes]]) -> None:
    data, name, _ = VALID[kind]
    check(damaged(data, damages), name)


@pytest.mark.parametrize("kind", VALID)
@settings(quick, max_examples=300)
@given(damages=DAMAGES)
def test_any_damaged_file_at_length(kind: str, damages: list[tuple[float, int, bytes]]) -> None:
    data, name, _ = VALID[kind]
    check(damaged(data, damages), name)


@settings(quick, max_examples=50)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), HOSTILE),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(HOSTILE, inner)),
    )
)
def test_any_json(value: object) -> None:
    check(json.dumps(value).encode(), "a.json")


@quick
@given(st.dictionaries(HOSTILE, st.one_of(HOSTILE, st.lists(HOSTILE))))
def test_any_metadata(metadata: dict[str, Any]) -> None:
    check(b"---\n" + json.dumps(metadata).encode() + b"\n---\n\nText: here.\n", "a.md")
    front = "".join(f"{key}: {json.dumps(value)}\n" for key, value in metadata.items())
    check(encoded(f"---\na: 1\n{front}---\n\nText.\n", "utf-8"), "a.md")


@settings(quick, max_examples=5_000)
@given(st.one_of(MARKUP, BLOCKS, HOSTILE), ENCODINGS, NAMES, CLAIMS)
def test_any_text_at_length(text: str, encoding: str, name: str, claim: str | None) -> None:
    check(encoded(text, encoding), name, claim)
