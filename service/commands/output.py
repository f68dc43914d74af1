"""JSON on standard output."""

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel


def print_json(body: "BaseModel", *, one_line: bool = False) -> None:
    """Write a wire model to standard output, in whatever encoding that has."""
    text = _dump(body, one_line, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = _dump(body, one_line, ensure_ascii=True)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _dump(body: "BaseModel", one_line: bool, ensure_ascii: bool) -> str:
    # Not `mode="json"`: pydantic would refuse a file name that is not valid Unicode.
    content = body.model_dump()
    return json.dumps(content, ensure_ascii=ensure_ascii, indent=None if one_line else 2)
