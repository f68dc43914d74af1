"""Outlook messages are read like mail."""

import struct

import pytest

from index.extract import Extraction, extract_all
from index.extract.formats import MARKDOWN, OUTLOOK
from tests.fakes.compound import Tree, compound_file

TEXT, BINARY, NUMBER, TIME = 0x1F, 0x102, 0x3, 0x40
# Ten in the morning of 5 January 2026, in tenths of microseconds since 1601.
SENT = 134_120_808_000_000_000


def properties(offset: int, values: dict[tuple[int, int], str | bytes | int]) -> dict[str, bytes]:
    """The streams of an object with these properties, by number and type."""
    rows, streams = [], {}
    for (number, kind), value in values.items():
        if isinstance(value, int):
            rows.append(struct.pack("<HHIQ", kind, number, 6, value))
            continue
        data = value.encode("utf-16-le") if isinstance(value, str) else value
        rows.append(struct.pack("<HHIQ", kind, number, 6, len(data)))
        streams[f"__substg1.0_{number:04X}{kind:04X}"] = data
    return {"__properties_version1.0": bytes(offset) + b"".join(rows), **streams}


def mail(offset: int = 32, *, rest: Tree | None = None, **given: str | bytes) -> Tree:
    values: dict[tuple[int, int], str | bytes | int] = {
        (0x0037, TEXT): given.get("subject", "Parking"),
        (0x0C1A, TEXT): "Ann",
        (0x5D01, TEXT): "ann@x.org",
        (0x0C1F, TEXT): "ann@x.org",
        (0x0039, TIME): SENT,
        (0x001A, TEXT): given.get("kind", "IPM.Note"),
    }
    if "body" in given:
        values[0x1000, TEXT] = given["body"]
    if "html" in given:
        values[0x1013, BINARY] = given["html"]
    if "headers" in given:
        values[0x007D, TEXT] = given["headers"]
    people = {
        f"__recip_version1.0_#0000000{at}": properties(
            8, {(0x3001, TEXT): name, (0x39FE, TEXT): address, (0x0C15, NUMBER): kind}
        )
        for at, (name, address, kind) in enumerate([("Bob", "bob@x.org", 1), ("Cy", "cy@x.org", 2)])
    }
    return {**properties(offset, values), **people, **(rest or {})}


def attachment(at: int, name: str, data: bytes) -> Tree:
    values: dict[tuple[int, int], str | bytes | int] = {
        (0x3707, TEXT): name,
        (0x3701, BINARY): data,
    }
    return {f"__attach_version1.0_#{at:08X}": properties(8, values)}


def read(tree: Tree) -> Extraction:
    return extract_all(compound_file(tree), uri="file:///a.msg", name="a.msg")


HEAD = "From: Ann <ann@x.org>\nTo: Bob <bob@x.org>\nCc: Cy <cy@x.org>\n"


def test_a_message_is_read_like_mail() -> None:
    found = read(mail(body="The zone is free.\r\n\r\nBye\r\n"))
    (document,) = found.documents
    assert found.problems == ()
    assert document.media_type == OUTLOOK
    assert document.title == "Parking"
    assert document.text == (
        HEAD + "Date: 2026-01-05 10:00 UTC\nSubject: Parking\n\nThe zone is free.\n\nBye"
    )
    assert document.metadata == {
        "from": "Ann <ann@x.org>",
        "to": "Bob <bob@x.org>",
        "cc": "Cy <cy@x.org>",
        "subject": "Parking",
        "date": "2026-01-05T10:00:00+00:00",
    }
    assert [(part.kind, part.name) for part in document.parts] == [("part", "1")]


def test_the_headers_it_came_with_count_first() -> None:
    headers = "From: A <a@y.org>\r\nDate: Tue, 06 Jan 2026 08:00:00 +0100\r\n"
    (document,) = read(mail(body="Hello.", headers=headers)).documents
    assert document.text.startswith("From: A <a@y.org>\nTo: Bob <bob@x.org>\n")
    assert document.metadata["date"] == "2026-01-06T08:00:00+01:00"


def test_html_is_read_where_there_is_no_plain_body() -> None:
    (document,) = read(mail(html=b"<h1>Rates</h1><p>EUR 4</p>")).documents
    assert document.text.endswith("\n\nRates\n\nEUR 4")
    assert document.sections[0].path == ("Rates",)


def test_attachments_are_documents() -> None:
    rest = {
        **attachment(0, "C:\\x\\rates.md", b"# Rates\n\nEUR 4"),
        **attachment(1, "b.bin", b"\0\1" * 40),
    }
    found = read(mail(body="See there.", rest=rest))
    own, rates = found.documents
    assert own.uri == "file:///a.msg"
    assert rates.uri == "file:///a.msg!/2/rates.md"
    assert rates.media_type == MARKDOWN
    assert rates.metadata["from"] == "Ann <ann@x.org>"
    assert [problem.uri for problem in found.problems] == ["file:///a.msg!/3/b.bin"]


def test_a_large_attachment_is_read_whole() -> None:
    text = "A long line of text.\n" * 1000
    found = read(mail(body="See there.", rest=attachment(0, "long.txt", text.encode())))
    assert found.documents[1].text == text.strip()


def test_a_message_inside_is_a_document_with_its_attachments() -> None:
    inner = mail(24, subject="Inner", body="Inside.", rest=attachment(0, "deep.txt", b"Deep."))
    rest = {
        "__attach_version1.0_#00000000": {
            **properties(8, {(0x3705, NUMBER): 5}),
            "__substg1.0_3701000D": inner,
        }
    }
    found = read(mail(body="Outside.", rest=rest))
    assert found.problems == ()
    assert [(one.uri, one.title) for one in found.documents] == [
        ("file:///a.msg", "Parking"),
        ("file:///a.msg!/2", "Inner"),
        ("file:///a.msg!/2.2/deep.txt", "Deep."),
    ]


def test_an_attachment_that_is_only_a_link_is_named() -> None:
    rest = {"__attach_version1.0_#00000000": properties(8, {(0x3707, TEXT): "plan.docx"})}
    found = read(mail(body="See there.", rest=rest))
    (problem,) = found.problems
    assert problem.reason.startswith("a.msg!/2/plan.docx: is kept elsewhere and not in the message")


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "IPM.Note.SMIME", "body": ""},
        {"headers": "Content-Type: multipart/encrypted; boundary=b\r\n", "body": ""},
        {"body": "-----BEGIN PGP MESSAGE-----\r\n\r\nxyz"},
    ],
)
def test_encrypted_messages_are_refused_as_such(given: dict[str, str]) -> None:
    found = read(mail(**given))
    assert found.documents == ()
    assert found.problems[0].reason.startswith("a.msg: is an encrypted message; ")


def test_a_damaged_message_is_named_so() -> None:
    data = compound_file(mail(body="Hello."))
    found = extract_all(data[: len(data) // 2], uri="file:///a.msg", name="a.msg")
    assert found.documents == ()
    assert "damaged" in found.problems[0].reason
