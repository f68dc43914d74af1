"""Which of several forms a client would rather have: the `Accept` header (RFC 9110, 12.5.1)."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

JSON = "application/json"
EVENTS = "text/event-stream"

_MOST_CHARACTERS = 8_000

_CHAR = r"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_NAME = rf"(?<!{_CHAR}){_CHAR}++"
_VALUE = rf"(?:{_CHAR}++|\"[^\"]*+\")"
_RANGE = re.compile(
    rf"({_NAME})/({_CHAR}++)((?:\s*+;\s*+{_CHAR}++\s*+=\s*+{_VALUE})*+)\s*+(?:,|\Z)"
)
_QUALITY = re.compile(r";\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)(?=\s|;|\Z)", re.IGNORECASE)


class _Range(NamedTuple):
    """Media types that a client takes; `quality` is how gladly, from 0 (not at all) to 1."""

    kind: str
    subkind: str
    quality: float

    def exactness(self, media_type: str) -> int:
        """How exactly a media type is meant: 0 not at all, 3 by its whole name."""
        kind, _, subkind = media_type.partition("/")
        if (self.kind, self.subkind) == (kind, subkind):
            return 3
        if (self.kind, self.subkind) == (kind, "*"):
            return 2
        return int((self.kind, self.subkind) == ("*", "*"))


def preferred(request: HTTPConnection, offered: Sequence[str]) -> str:
    """The media type that the client would rather have; of equal ones the one offered first.

    Parameters such as a profile are not looked at.

    Raises:
        HTTPException: it takes none of them (406).
    """
    found = chosen(",".join(request.headers.getlist("accept")), offered)
    if found is None:
        raise HTTPException(
            406, f"Only {' or '.join(offered)} can be had here; name one of them in Accept."
        )
    return found


def chosen(accept: str, offered: Sequence[str]) -> str | None:
    """The media type that an `Accept` header prefers; None if it takes none of those offered.

    Without a range that can be understood it is the first. Only the beginning of a very long
    header is looked at.
    """
    accept = accept[:_MOST_CHARACTERS]
    ranges = [
        _Range(found[1].lower(), found[2].lower(), _quality(found[3]))
        for found in _RANGE.finditer(accept)
    ]
    if not ranges:
        return offered[0]
    qualities = {kind: _wanted(kind, ranges) for kind in offered}
    best = max(offered, key=qualities.__getitem__)
    return best if qualities[best] > 0 else None


def _wanted(media_type: str, ranges: Sequence[_Range]) -> float:
    """How gladly a media type is taken: what the range says that means it most exactly."""
    closest = max(ranges, key=lambda one: (one.exactness(media_type), one.quality))
    return closest.quality if closest.exactness(media_type) else 0.0


def _quality(parameters: str) -> float:
    found = _QUALITY.search(parameters)
    return 1.0 if found is None else min(1.0, float(found[1]))
