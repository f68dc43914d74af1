"""What a file is: the content decides, its name and the claimed type refine."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from typing import Literal

import pytest

from index.documents import Document
from index.errors import DocumentError, UnreadableDocument, UnsupportedFormat
from index.extract import SUPPORTED, extract, extract_all
from index.extract.formats import (
    BZIP2,
    CSV,
    DOCX,
    EPUB,
    FORMATS,
    GZIP,
    HTML,
    JSON,
    JSONL,
    MARKDOWN,
    MBOX,
    ODS,
    ODT,
    PDF,
    PLAIN,
    PPTX,
    RST,
    RTF,
    TAR,
    TSV,
    XLSX,
    XZ,
    ZIP,
)  # fmt: skip
from index.extract.formats import MAIL as MAIL_TYPE
from index.extract.sniff import ADVICE, binary_kind, text_kind
from index.extract.source import Limits
from tests.fakes.compound import compound_file

PAGE = b"<!DOCTYPE html><title>A page</title><p>Hello there.</p>"


def read(data: bytes, name: str, media_type: str | None = None) -> Document:
    return extract(data, uri=f"file:///{name}", name=name, media_type=media_type)


def zipped(part: str, content: str = "<xml/>") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(part, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "claim", "expected"),
    [
        (b"Hello there.", "a.txt", None, "text/plain"),
        (b"Hello there.", "a", None, "text/plain"),
        (b"Hello there.", "a.unknown", None, "text/plain"),
        (b"Hello\n=====\n\nThere.", "a.rst", None, "text/x-rst"),
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
        (
            b"Received: 3 March 2024\nReference: 4711\nAmount: 50 EUR\n\nThe committee met.",
            "letter.txt",
            None,
            "text/plain",
        ),
        (b"Received: from a by b; today\nSubject: s\n\nHello.", "a.txt", None, MAIL_TYPE),
        (b"Subject: s\nReceived:\n (qmail 1); today\n\nHello.", "a.txt", None, MAIL_TYPE),
        (b"Received: by b; today\nSubject: s\n\nHello.", "a", None, MAIL_TYPE),
    ],
)
def test_text_is_recognised(data: bytes, name: str, claim: str | None, expected: str) -> None:
    assert read(data, name, claim).media_type == expected


MAIL = b"MIME-Version: 1.0\nFrom: a@b.c\nSubject: Hi\n\nHello"


def tarred(name: str, data: bytes, mode: Literal["w", "w:gz", "w:bz2", "w:xz"] = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def office(kind: str) -> bytes:
    return zipped("[Content_Types].xml", f"<Types><Override ContentType='{kind}+xml'/></Types>")


OOXML = "application/vnd.openxmlformats-officedocument."
ODF = "application/vnd.oasis.opendocument."


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (office(OOXML + "wordprocessingml.document.main"), "a.pdf", DOCX),
        (office(OOXML + "wordprocessingml.template.main"), "a.docx", DOCX),
        (office(OOXML + "presentationml.presentation.main"), "a.txt", PPTX),
        (office(OOXML + "spreadsheetml.sheet.main"), "a", XLSX),
        (office("application/vnd.ms-excel.sheet.macroEnabled.main"), "a.xlsm", XLSX),
        (zipped("mimetype", ODF + "text"), "a.zip", ODT),
        (zipped("mimetype", ODF + "spreadsheet-template"), "a.ots", ODS),
        (zipped("mimetype", "application/epub+zip"), "a.zip", EPUB),
        (zipped("notes.txt"), "a.docx", ZIP),
        (zipped("notes.txt"), "a.txt", ZIP),
        (b"PK\x05\x06" + bytes(18), "a.zip", ZIP),
        (b"PK\x03\x04 and no more", "a.docx", DOCX),
        (b"PK\x03\x04 and no more", "a.txt", ZIP),
        (zipped("b.pdf", "%PDF-1.4 endobj"), "a.zip", ZIP),
        (tarred("a.txt", b"Hello"), "a.txt", TAR),
        (tarred("b.pdf", b"%PDF-1.4 endobj"), "a.tar", TAR),
        (tarred("a.txt", b"Hello", "w:gz"), "a", GZIP),
        (gzip.compress(b"Hello", mtime=0), "a.txt", GZIP),
        (bz2.compress(b"Hello"), "a", BZIP2),
        (lzma.compress(b"Hello"), "a", XZ),
        (rb"{\rtf1\ansi Hello}", "a.doc", RTF),
        (b"%PDF-1.4\n1 0 obj\nendobj", "a.docx", PDF),
        (MAIL, "a.txt", MAIL_TYPE),
        (MAIL, "a", MAIL_TYPE),
        (MAIL.decode().encode("utf-16"), "a.eml", MAIL_TYPE),
        (MAIL.decode().encode("utf-16-be"), "a", MAIL_TYPE),
        (b"Subject: x\n\nHello", "a.eml", MAIL_TYPE),
        (b"52\n" + MAIL, "1.emlx", MAIL_TYPE),
        (b"\n" + MAIL, "a.eml", MAIL_TYPE),
        (b"From ann@x.org Mon Jan  5 10:00:00 2026\n" + MAIL, "a", MBOX),
        (b"From ann@x.org Mon Jan  5 10:00:00 2026\n" + MAIL, "a.eml", MAIL_TYPE),
    ],
)
def test_what_is_no_text_is_recognised_by_content(data: bytes, name: str, expected: str) -> None:
    assert binary_kind(data, name, None) == expected


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"From: Ann\nSubject: Lunch\n\nA memo.", "memo.txt"),
        (b"From the desk of Ann, 10:30\n\nHello.", "a.txt"),
        (b"Hello, this is no message.", "a.eml"),
        (b"BZh is how I begin.", "a.txt"),
        (b"RIFF is a container format.", "a.txt"),
        (b"0" * 600, "a.tar"),
    ],
)
def test_text_that_resembles_something_else_is_text(data: bytes, name: str) -> None:
    assert binary_kind(data, name, None) is None


@pytest.mark.parametrize(
    ("text", "name", "claim", "expected"),
    [
        ('{"a": [1, 2]}', "a.txt", None, JSON),
        ('[{"a": 1}]', "a.md", None, JSON),
        ('"only a string"', "a.json", None, JSON),
        ('"only a string"', "a.txt", None, PLAIN),
        ("{", "a.json", None, JSON),
        ("{", "a.txt", None, PLAIN),
        ("No JSON.", "a.json", None, PLAIN),
        ('{"a": 1}\n{"a": 2}\n', "a.txt", None, JSONL),
        ('{"a": 1}\n{"a": 2}\n', "a.json", None, JSONL),
        ('{"a": 1}\n', "a.jsonl", None, JSONL),
        ('{"a": 1}\n{"a": \n', "a.jsonl", None, JSONL),
        ('[\n{"a": 1}\n]', "a.jsonl", None, JSON),
        ('{"a": 1}\n', "upload", "application/jsonl", JSONL),
        ("a,b\n1,2\n", "a.csv", None, CSV),
        ("a,b\n1,2\n", "a.txt", None, PLAIN),
        ("a,b\n1,2\n", "upload", "text/csv", CSV),
        ("a\tb\n1\t2\n", "a.tsv", None, TSV),
        ("Title\n=====", "a.rst", None, RST),
        ("Title\n=====", "a.txt", None, PLAIN),
        ("# Title", "a.md", None, MARKDOWN),
        ("<html><p>x", "a.csv", None, HTML),
    ],
)
def test_kinds_of_text(text: str, name: str, claim: str | None, expected: str) -> None:
    assert text_kind(text, name, claim) == expected


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "a.png", "a PNG image"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "a.pdf", "a JPEG image"),
        (bytes(range(256)) * 4, "a.txt", "binary data"),
        (b"Some text\0\0\0and more", "a.txt", "binary data"),
        (b"\x01\x02\x03\x04 text " * 20, "a.txt", "binary data"),
        (b"<?xml version='1.0'?><note>x</note>", "a.txt", "XML"),
        (b"<note>x</note>", "a.xml", "XML"),
        (b"print('x')", "a.py", "source code"),
        (b"a: 1", "a.yaml", "source code or settings"),
        (b"#!/bin/sh\necho x", "run", "script"),
        (zipped("mimetype", ODF + "presentation"), "a.odp", "an OpenDocument presentation"),
        (office("application/vnd.ms-excel.sheet.binary.macroEnabled.main"), "a.xlsb", ".xlsb"),
        (office("application/vnd.ms-visio.drawing.main+officedocument"), "a", "Office file"),
        (zipped("Index/Document.iwa"), "a.pages", "an Apple iWork file"),
        (compound_file({"WordDocument": b"x"}), "a.txt", "an old Word document (.doc)"),
        (compound_file({"Workbook": b"x"}), "a.doc", "an old Excel workbook (.xls)"),
        (compound_file({"PowerPoint Document": b"x"}), "a", "an old PowerPoint presentation"),
        (compound_file({"Else": b"x"}), "a", "an old Office file (OLE)"),
    ],
)
def test_what_is_not_read_is_refused_by_kind(data: bytes, name: str, words: str) -> None:
    with pytest.raises(UnsupportedFormat) as caught:
        read(data, name)
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert words in message
    assert ", which is not read; " in message
    assert "\n" not in message


def test_an_office_file_with_a_password_is_named_so() -> None:
    data = compound_file({"EncryptionInfo": b"x", "EncryptedPackage": b"x"})
    with pytest.raises(UnreadableDocument, match=r"^a\.docx: is protected with a password; save "):
        read(data, "a.docx")


def test_a_damaged_compound_file_is_named_so() -> None:
    with pytest.raises(UnreadableDocument, match=r"^a\.doc: is an old Office file .* is damaged"):
        read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 600, "a.doc")


def test_old_office_files_come_with_advice() -> None:
    with pytest.raises(UnsupportedFormat, match=r"save it as \.docx and index that$"):
        read(compound_file({"WordDocument": b"x"}), "a.doc")


def test_advice_is_for_kinds_that_are_not_read() -> None:
    assert not set(ADVICE) & set(FORMATS)


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


@pytest.mark.parametrize(("name", "limit"), [("a.txt", 10), ("a.pdf", 20)])
def test_too_many_bytes_are_refused_with_both_numbers(name: str, limit: int) -> None:
    data = b"a" * (limit + 1) if name == "a.txt" else b"%PDF-1.4".ljust(limit + 1)
    limits = Limits(text_bytes=10, binary_bytes=20)
    found = extract_all(data, uri="file:///a", name=name, limits=limits)
    assert found.documents == ()
    assert found.problems[0].reason.startswith(
        f"{name}: has {limit + 1} bytes, more than the {limit} "
    )


def test_the_name_in_an_error_stays_on_one_line() -> None:
    with pytest.raises(DocumentError) as caught:
        read(b"", "a\nb\x1b[31m.txt")
    assert str(caught.value).startswith("a b[31m.txt: is empty")
    assert "\n" not in str(caught.value)


def test_what_the_user_says_overrules_the_file_and_holds_for_what_is_in_it() -> None:
    data = MAIL.replace(
        b"\n\nHello",
        b"\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n"
        b"--b\nContent-Disposition: attachment; filename=a.txt\n\nInside.\n--b--\n",
    )
    said = {"From": "Ann", "Project": " P\n1 ", "title": "The mail", "empty": " "}
    found = extract_all(data, uri="file:///a.eml", name="a.eml", metadata=said)
    own, inside = found.documents
    assert own.metadata == {"from": "Ann", "subject": "Hi", "project": "P 1"}
    assert (own.title, own.title_from_name) == ("The mail", False)
    assert inside.metadata == {"from": "Ann", "project": "P 1"}
    assert inside.title == "Inside."
    found = extract_all(b"Hello.", uri="file:///a.txt", name="a.txt", metadata=said, title="Own")
    assert found.documents[0].title == "Own"


def test_metadata_is_cut_where_nobody_would_read_on() -> None:
    many = {f"key {at}": "v" * 5_000 for at in range(500)} | {"k" * 200: "v"}
    found = extract_all(b"Hello.", uri="file:///a.txt", name="a.txt", metadata=many)
    metadata = found.documents[0].metadata
    assert len(metadata) == 100
    assert set(metadata.values()) == {"v" * 1_000}


def test_every_format_has_suffixes_of_its_own() -> None:
    suffixes = [suffix for found in SUPPORTED.values() for suffix in found]
    assert set(SUPPORTED) == set(FORMATS)
    assert all(suffix.startswith(".") for suffix in suffixes)
    assert len(suffixes) == len(set(suffixes))


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_has_a_module_that_reads_it(kind: str) -> None:
    assert callable(FORMATS[kind].read)


@pytest.mark.parametrize("part", ["[Content_Types].xml", "mimetype"])
@pytest.mark.parametrize(("name", "kind"), [("a.pptx", PPTX), ("a.odt", ODT), ("a.zip", ZIP)])
def test_an_archive_whose_packed_bytes_are_broken_is_what_its_name_says(
    part: str, name: str, kind: str
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(part, "presentationml" * 99)
    data = bytearray(buffer.getvalue())
    packed = 30 + len(part)
    data[packed : packed + 4] = b"\xff" * 4
    assert binary_kind(bytes(data), name, None) == kind
    if kind != ZIP:
        with pytest.raises(UnreadableDocument, match="damaged"):
            extract(bytes(data), uri="x", name=name)
