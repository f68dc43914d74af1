"""Errors in the page's words."""

from dataclasses import dataclass

from index.errors import PinciteError
from service.errors import Busy, meaning, told


@dataclass(frozen=True, slots=True)
class Notice:
    """What went wrong, on a page with this status.

    `wait` is after how many seconds it is worth trying again, if it is.
    """

    title: str
    detail: str
    status: int
    wait: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What the response says beside its status."""
        return {} if self.wait is None else {"Retry-After": str(self.wait)}


def notice_of(error: PinciteError) -> Notice:
    """What to say of an error."""
    what = meaning(error)
    wait = error.wait if isinstance(error, Busy) else None
    return Notice(what.title, told(error), what.status, wait)
