"""Long lists by pages: a cursor holds the place of the last item shown, in the list's own order."""

import base64
import json
import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Annotated, Any, TypeVar

from fastapi import Query
from starlette.exceptions import HTTPException

_Item = TypeVar("_Item")

MOST_CHARACTERS = 8000

Cursor = Annotated[
    str | None,
    Query(
        description="Where to go on: the next_cursor of the page before, with the same query.",
        max_length=MOST_CHARACTERS,
    ),
]
Limit = Annotated[int, Query(description="The most to give.", ge=1, le=100)]


def page(
    found: Sequence[_Item],
    limit: int,
    query: Sequence[str],
    place: Callable[[_Item], Sequence[object]],
) -> tuple[Sequence[_Item], str | None]:
    """The first `limit` of what was found, and the cursor for what comes after, if there is more.

    `place` tells an item's place in the list.
    """
    shown = found[:limit]
    return shown, write_cursor(query, place(shown[-1])) if len(found) > limit else None


def write_cursor(query: Sequence[str], place: Sequence[object]) -> str:
    """The cursor for what comes after a place, in the answer to a query."""
    text = json.dumps(list(place)).encode()
    return base64.urlsafe_b64encode(_seal(query, text) + text).rstrip(b"=").decode()


def read_cursor(
    cursor: str | None, query: Sequence[str], kinds: Sequence[type]
) -> list[Any] | None:
    """The place in a cursor, whose parts are of these kinds; None where there is no cursor.

    Raises:
        HTTPException: it is not one that was given for this query.
    """
    if cursor is None:
        return None
    try:
        found = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        seal, text = found[:_SEAL], found[_SEAL:]
        place = json.loads(text) if seal == _seal(query, text) else None
    except (ValueError, RecursionError):
        place = None
    if (
        not isinstance(place, list)
        or [type(part) for part in place] != list(kinds)
        or not all(map(_can_be_asked_for, place))
    ):
        raise HTTPException(
            422,
            "The cursor is not one that was given for this query; begin again without a cursor.",
        )
    return place


def _can_be_asked_for(part: object) -> bool:
    """Whether the database takes it: it has 64 bits for a number, and no half of a surrogate."""
    if isinstance(part, str):
        return not _HALF.search(part)
    return not isinstance(part, int) or abs(part) < 2**63


_HALF = re.compile(r"[\ud800-\udfff]")

_SEAL = 9


def _seal(query: Sequence[str], text: bytes) -> bytes:
    """Tells a cursor that was cut, changed, or given for another query; it is no secret."""
    return sha256(json.dumps(list(query)).encode() + b"\n" + text).digest()[:_SEAL]
