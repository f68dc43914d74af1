"""Results into files: whole or not at all."""

import json
import os
from collections.abc import Iterable
from hashlib import file_digest
from pathlib import Path

from index.errors import InvalidSettings


def check_writable(path: Path, inputs: Iterable[Path]) -> None:
    """Make sure, before long work, that a result can be put there.

    Raises:
        InvalidSettings: it is a folder, is in none, or is one of the inputs.
    """
    if path.is_dir():
        raise InvalidSettings(f"{path}: is a folder; name a file")
    if not path.absolute().parent.is_dir():
        raise InvalidSettings(f"{path}: its folder does not exist; make it first")
    if any(path.exists() and path.samefile(one) for one in inputs):
        raise InvalidSettings(f"{path}: is what is to be measured; name another file")


def write_text(path: Path, text: str) -> None:
    """Put a text into a file, in UTF-8; what was there before stays until all is written.

    Raises:
        InvalidSettings: the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            part.write_text(text, encoding="utf-8", errors="replace")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidSettings(f"{path}: cannot be written ({error.strerror})") from error


def write_json(path: Path, content: object) -> None:
    """Put a value into a file as one line of JSON. Raises as `write_text`."""
    write_text(path, json.dumps(content, ensure_ascii=False) + "\n")


def write_lines(path: Path, items: Iterable[object]) -> None:
    """Put values into a file, a line of JSON each. Raises as `write_text`."""
    write_text(path, "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items))


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
