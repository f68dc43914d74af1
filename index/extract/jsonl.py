"""JSON Lines: each line is a record and a document of its own, called by the line's number."""

import io
from collections.abc import Iterator

from index.errors import UnreadableDocument
from index.extract.formats import JSONL
from index.extract.records import parse, record
from index.extract.source import Container, Member, Source


def read(source: Source) -> Container:
    """See the module; a line that is not valid JSON is a problem, and the others are read."""
    return Container(_records(source))


def _records(source: Source) -> Iterator[Member]:
    for number, line in enumerate(io.StringIO(source.text, newline="\n"), 1):
        if not line.strip("\ufeff \t\r\n\x1e"):
            continue
        try:
            value = parse(line, f"line {number}")
        except UnreadableDocument as error:
            reason = str(error).partition(": ")[2].partition("; ")[0]
            reason = reason.replace("line 1 column", "column")
            yield Member(str(number), problem=f"{reason}; mend the line")
        else:
            yield record(str(number), value, JSONL, source.options, source.budget)
