"""JSON on a standard stream."""

import json
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from pydantic import BaseModel


def print_json(body: "BaseModel", *, one_line: bool = False, stream: TextIO | None = None) -> None:
    """Write a wire model to a stream, standard output unless given, in whatever encoding it has."""
    out = sys.stdout if stream is None else stream
    text = _dump(body, one_line, ensure_ascii=False)
    try:
        text.encode(out.encoding or "utf-8")
    except UnicodeEncodeError:
        text = _dump(body, one_line, ensure_ascii=True)
    out.write(text + "\n")
    out.flush()


def _dump(body: "BaseModel", one_line: bool, ensure_ascii: bool) -> str:
    # Not `mode="json"`: pydantic would refuse a file name that is not valid Unicode.
    content = body.model_dump()
    return json.dumps(content, ensure_ascii=ensure_ascii, indent=None if one_line else 2)
