"""What is wrong with labelled data, item by item, and reading it line by line."""

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from index.errors import InvalidLabels

# What a file may unpack to.
MOST_BYTES = 2 * 2**30


@dataclass(frozen=True, slots=True)
class Fault:
    """An item that cannot be used: where it stands in the data, and what is wrong with it."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A file's bytes, unpacked where its name ends in .gz.

    Raises:
        InvalidLabels: it cannot be read.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            yield stream  # type: ignore[misc]
    except FileNotFoundError as error:
        raise InvalidLabels(f"{path}: no such file") from error
    except OSError as error:
        # Also what gzip says of data that is not packed.
        raise InvalidLabels(f"{path}: cannot be read ({error.strerror or error})") from error
    except (EOFError, zlib.error) as error:
        raise InvalidLabels(f"{path}: is damaged ({error}); pack or fetch it again") from error


def read_all(path: Path) -> bytes:
    """A file's bytes, unpacked.

    Raises:
        InvalidLabels: it cannot be read, or is too large.
    """
    with opened(path) as stream:
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InvalidLabels(f"{path}: holds more than {MOST_BYTES:,} bytes; split it")
    return data


def lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """The lines of a file that are not blank, each with its place ("FILE:7").

    Raises:
        InvalidLabels: the file cannot be read, or a line is too large.
    """
    with opened(path) as stream:
        number = 0
        while line := stream.readline(MOST_BYTES + 1):
            number += 1
            if len(line) > MOST_BYTES:
                raise InvalidLabels(f"{path}:{number}: has more than {MOST_BYTES:,} bytes")
            if line.strip():
                yield f"{path}:{number}", line


def parsed(data: bytes) -> Any:
    """What JSON stands for.

    Raises:
        ValueError: it is not UTF-8, not JSON, or nested too deeply.
    """
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 (at byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error.msg}, at character {error.pos})") from error
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error


def objects(path: Path, faults: list[Fault]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON objects of a JSONL file with their places; other lines go to `faults`.

    Raises:
        InvalidLabels: the file cannot be read.
    """
    for place, line in lines(path):
        try:
            item = parsed(line)
            if not isinstance(item, dict):
                raise ValueError("is not a JSON object")
        except ValueError as error:
            faults.append(Fault(place, str(error)))
        else:
            yield place, item


def text_of(item: dict[str, Any], name: str) -> str:
    """The text under a name; not empty, and fit to be written as UTF-8.

    Raises:
        ValueError: there is none.
    """
    value = item.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"has no text under {name!r}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"has a character under {name!r} that is not text") from error
    return value


def quoted(text: str, most: int = 80) -> str:
    """The beginning of a text in quotation marks, on one line."""
    return repr(text if len(text) <= most else text[:most] + "…")


def offset_of(value: object) -> int:
    """A code point's place.

    Raises:
        ValueError: it is not a whole number from 0 up.
    """
    if type(value) is not int or value < 0:
        raise ValueError(f"has the offset {repr(value)[:80]}, not a whole number from 0 up")
    return value
