"""What a file is: the content decides, its name and the claimed type refine."""

import gzip
import io
import zipfile

import pytest

from index.documents import Document
from index.errors import DocumentError, DocumentTooLarge, UnreadableDocument, UnsupportedFormat
from index.extract import PDF_LIMIT, SUPPORTED, TEXT_LIMIT, extract, size_limit

PAGE = b"<!DOCTYPE html><title>A page</title><p>Hello there.</p>"


def read(data: bytes, name: str, media_type: str | None = None) -> Document:
    return extract(data, uri=f"file:///{name}", name=name, media_type=media_type)


def zipped(part: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(part, "<xml/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "claim", "expected"),
    [
        (b"Hello there.", "a.txt", None, "text/plain"),
        (b"Hello there.", "a", None, "text/plain"),
        (b"Hello there.", "a.unknown", None, "text/plain"),
        (b"Hello\n=====\n\nThere.", "a.rst", None, "text/plain"),
        (b"* Hello\n\nThere.", "a.org", None, "text/plain"),
        (b"2026-01-01 started", "server.log", None, "text/plain"),
        (b"# Hello", "a.md", None, "text/markdown"),
        (b"# Hello", "A.MARKDOWN", None, "text/markdown"),
        (b"# Hello", "upload", "text/markdown; charset=utf-8", "text/markdown"),
        (b"# Hello", "upload", "application/octet-stream", "text/plain"),
        (PAGE, "a.html", None, "text/html"),
        (PAGE, "a.txt", None, "text/html"),
        (PAGE, "a.md", None, "text/html"),
        (
            b"\xef\xbb\xbf\n<!-- saved -->\n<?xml version='1.0'?>\n<HTML><p>x",
            "a",
            None,
            "text/html",
        ),
        (b"<p>Only a <b>part</b> of a page.</p>", "a.htm", None, "text/html"),
        (b"<p>Only a <b>part</b> of a page.</p>", "a", "text/html", "text/html"),
        (b"<p>Only a <b>part</b> of a page.</p>", "a.txt", None, "text/plain"),
        (b"No tags, 1 < 2.", "a.html", None, "text/plain"),
        (b"A text about <html> and <body>.", "a.txt", None, "text/plain"),
        (b"A PDF file begins with %PDF-1.7 and a new line.", "a.txt", None, "text/plain"),
        (b"[1] A footnote.\n[2] Another.", "a.txt", None, "text/plain"),
        (b"{not json at all}", "a.txt", None, "text/plain"),
        (b"From: Ann\nTo: Bob\nSubject: Parking\n\nA memo.", "memo.txt", None, "text/plain"),
    ],
)
def test_text_is_recognised(data: bytes, name: str, claim: str | None, expected: str) -> None:
    assert read(data, name, claim).media_type == expected


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (zipped("word/document.xml"), "a.docx", "Word document"),
        (zipped("xl/workbook.xml"), "a.txt", "Excel workbook"),
        (zipped("anything"), "a.zip", "ZIP archive (Word, Excel, EPUB...)"),
        (gzip.compress(b"Hello", mtime=0), "a.txt.gz", "gzip archive"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "a.png", "PNG image"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "a.pdf", "JPEG image"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(20), "a.msg", "old Office file"),
        (rb"{\rtf1\ansi Hello}", "a.rtf", "Rich Text"),
        (bytes(range(256)) * 4, "a.txt", "binary data"),
        (b"Some text\0\0\0and more", "a.txt", "binary data"),
        (b"\x01\x02\x03\x04 text " * 20, "a.txt", "binary data"),
        (b'{"a": [1, 2]}', "a.txt", "JSON"),
        (b'[{"a": 1}]', "a.md", "JSON"),
        (b'{"a": 1}\n{"a": 2}\n', "a.txt", "JSON Lines"),
        (b"{", "a.json", "JSON"),
        (b"a,b\n1,2\n", "a.csv", "CSV"),
        (b"a\tb\n1\t2\n", "a.tsv", "TSV"),
        (b"<?xml version='1.0'?><note>x</note>", "a.txt", "XML"),
        (b"<note>x</note>", "a.xml", "XML"),
        (b"MIME-Version: 1.0\nFrom: a@b.c\n\nHello", "a.txt", "e-mail"),
        (b"Subject: x\n\nHello", "a.eml", "e-mail"),
        (b"print('x')", "a.py", "source code"),
        (b"a: 1", "a.yaml", "source code or settings"),
        (b"#!/bin/sh\necho x", "run", "script"),
    ],
)
def test_what_is_not_prose_is_refused_by_kind(data: bytes, name: str, words: str) -> None:
    with pytest.raises(UnsupportedFormat) as caught:
        read(data, name)
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert words in message
    assert message.endswith("which is not read yet; text, Markdown, HTML and PDF are")
    assert "\n" not in message


def test_a_claimed_type_is_refused_like_a_suffix() -> None:
    with pytest.raises(UnsupportedFormat, match="CSV"):
        read(b"a,b\n1,2", "upload", "text/csv")


def test_deeply_nested_json_is_no_trouble() -> None:
    assert read(b"[" * 200_000 + b"x", "a.txt").media_type == "text/plain"


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n"])
def test_an_empty_file_is_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match=r"^a\.txt: is empty; "):
        read(data, "a.txt")


@pytest.mark.parametrize("data", ["\u200b\ufeff".encode(), b"*** --- ***", b"<html><p></p></html>"])
def test_a_file_without_words_is_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match="holds no text"):
        read(data, "a.md")


def test_too_many_bytes_are_refused_with_both_numbers() -> None:
    with pytest.raises(DocumentTooLarge, match=r"^a\.txt: has 33,554,433 bytes.* 33,554,432 "):
        read(b"a" * (TEXT_LIMIT + 1), "a.txt")


def test_the_size_limit_is_that_of_the_largest_format() -> None:
    assert size_limit() == PDF_LIMIT > TEXT_LIMIT


def test_the_name_in_an_error_stays_on_one_line() -> None:
    with pytest.raises(DocumentError) as caught:
        read(b"", "a\nb\x1b[31m.txt")
    assert str(caught.value).startswith("a b[31m.txt: is empty")
    assert "\n" not in str(caught.value)


def test_supported_types_have_suffixes() -> None:
    assert set(SUPPORTED) == {"text/plain", "text/markdown", "text/html", "application/pdf"}
    assert all(suffix.startswith(".") for suffixes in SUPPORTED.values() for suffix in suffixes)
