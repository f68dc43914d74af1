"""Errors in the page's words."""

import math
from dataclasses import dataclass

from index.errors import PinciteError
from service.errors import Busy, meaning, told


@dataclass(frozen=True, slots=True)
class Notice:
    """What went wrong; `wait` is after how many seconds it is worth trying again, if it is."""

    title: str
    detail: str
    wait: int | None = None


def notice_of(error: PinciteError) -> Notice:
    """What to say of an error."""
    return Notice(
        meaning(error).title, told(error), _seconds(error) if isinstance(error, Busy) else None
    )


def headers_of(error: Busy) -> dict[str, str]:
    """What a response says of an error that passes."""
    return {"Retry-After": str(_seconds(error))}


def _seconds(error: Busy) -> int:
    return max(1, math.ceil(error.retry_after))
