"""What became of files, and how far the work is."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What became of a file."""

    ADDED = "added"
    CHANGED = "changed"
    MOVED = "moved"
    COPIED = "copied"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file, or of something in it that could not be read.

    `reason` says why it was skipped or failed, on one line. Skipped are files of unsupported
    formats that were met in a folder; if the user named the file itself, it has failed. `named`
    tells that the user named it. `documents` counts those that the index holds of the file (of one
    that was removed, held), `document_id` is the first one's; `passages` are theirs together.
    `source` is where the content of a file that was moved or copied stood before.
    """

    name: str
    status: Status
    named: bool = True
    reason: str | None = None
    document_id: str | None = None
    passages: int = 0
    documents: int = 0
    source: str | None = None

    @property
    def changes(self) -> bool:
        """Whether the index is another one for it."""
        return self.status in _CHANGES


_CHANGES = frozenset({Status.ADDED, Status.CHANGED, Status.MOVED, Status.COPIED, Status.REMOVED})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is: files compared, files to read and read so far, passages embedded.

    `to_embed` counts the passages to embed of the files read so far.
    """

    compared: int = 0
    to_read: int = 0
    read: int = 0
    passages: int = 0
    failed: int = 0
    to_embed: int = 0


def tally(outcomes: Sequence[Outcome]) -> str:
    """How many there are of each status, on one line."""
    counts = Counter(outcome.status for outcome in outcomes)
    return ", ".join(f"{counts[status]:,} {status}" for status in Status if counts[status])


Report = Callable[[Progress], None]
