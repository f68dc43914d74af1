"""Mailboxes: each message is a document of its own, numbered from 1."""

import re
from collections.abc import Iterator

from index.extract.formats import MAIL
from index.extract.source import Container, Member, Source

# A line "From ann@example.org Mon Jan  5 10:00:00 2026" after a blank one, with headers below it,
# begins a message.
_FROM = re.compile(
    rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From \S++[ \t](?>[^\n]*?\d\d:\d\d)[^\n]*+\n"
    rb"(?=[!-9;-~]{1,200}:)"
)
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


def read(source: Source) -> Container:
    """Split a mailbox as mboxrd has it; lines that were quoted for its sake get their form back."""
    data = source.data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    return Container(_messages(data))


def _messages(data: bytes) -> Iterator[Member]:
    number, start = 0, 0
    for line in _FROM.finditer(data):
        if number:
            yield _member(number, data[start : line.start()])
        number, start = number + 1, line.end()
    if number:
        yield _member(number, data[start:])


def _member(number: int, data: bytes) -> Member:
    return Member(str(number), _QUOTED_FROM.sub(rb"\1", data).rstrip(b"\r\n") + b"\n", MAIL)
