"""Mailboxes: a document for each message."""

import time

from index.extract import extract_all
from index.extract.formats import MAIL


def box(*messages: str, newline: str = "\n") -> bytes:
    lines = "".join(f"From ann@x.org Mon Jan  5 10:00:00 2026\n{one}\n\n" for one in messages)
    return lines.replace("\n", newline).encode()


ONE = "Message-ID: <1>\nSubject: One\n\nFirst text.\n>From here on it is quoted."
TWO = "Message-ID: <2>\nSubject: Two\n\nFrom now on, at 10:30, it is not.\n\nFrom me."


def test_each_message_is_a_document() -> None:
    for newline in ("\n", "\r\n"):
        found = extract_all(box(ONE, TWO, newline=newline), uri="file:///in.mbox", name="in.mbox")
        assert found.problems == ()
        assert [(one.uri, one.title) for one in found.documents] == [
            ("file:///in.mbox!/1", "One"),
            ("file:///in.mbox!/2", "Two"),
        ]
        first, second = found.documents
        assert first.media_type == MAIL
        assert first.text == "Subject: One\n\nFirst text.\nFrom here on it is quoted."
        assert second.text == "Subject: Two\n\nFrom now on, at 10:30, it is not.\n\nFrom me."


def test_a_mailbox_is_known_without_its_suffix() -> None:
    assert len(extract_all(box(ONE, TWO), uri="x", name="Inbox").documents) == 2


def test_a_message_without_a_subject_is_called_by_its_number() -> None:
    found = extract_all(box("Message-ID: <1>\n\nHello."), uri="file:///in.mbox", name="in.mbox")
    assert found.documents[0].title == "in 1"


def test_one_bad_message_does_not_stop_the_others() -> None:
    sealed = "Message-ID: <3>\nContent-Type: multipart/encrypted; boundary=b\n\n--b--"
    found = extract_all(box(ONE, sealed, TWO), uri="file:///in.mbox", name="in.mbox")
    assert [one.title for one in found.documents] == ["One", "Two"]
    assert [problem.uri for problem in found.problems] == ["file:///in.mbox!/2"]


def test_a_long_line_that_begins_no_message_takes_no_time() -> None:
    data = box(ONE) + b"From a " + b"00:00 " * 100_000 + b"\nno header\n\n" + box(TWO)
    begin = time.perf_counter()
    found = extract_all(data, uri="file:///in.mbox", name="in.mbox")
    assert time.perf_counter() - begin < 5
    assert [one.title for one in found.documents] == ["One", "Two"]
