"""The audit trail: a line for each write, with who made it and what became of it.

It has ids, never text, questions or files' names.
"""

import json
import logging
import os
import time
from collections.abc import Sequence
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Protocol

from index.errors import InvalidSettings
from service.observing.logs import facts, stamp
from service.observing.work import request_id

_trail = logging.getLogger("pincite.audit")

Fact = str | int | float | bool | Sequence[str] | None

_MOST_CHARACTERS = 200
_MOST_ITEMS = 1000


class Who(Protocol):
    """Whoever wrote: `key_id` is None where no keys are asked for."""

    @property
    def key_id(self) -> str | None:
        """The id of the key."""
        ...

    @property
    def name(self) -> str:
        """What the key is called."""
        ...


def audit(
    action: str,
    principal: Who | None,
    collection: str | None,
    *,
    outcome: str = "done",
    **found: Fact,
) -> None:
    """Leave a line on the trail: in the log, and in the audit log's file if one is set.

    `action` is what was done, as in `document.remove`; `principal` None is the server itself.
    `outcome` is "done", "accepted", "refused" or "failed". Further facts are ids and counts; those
    that are None are left out, and long ones are cut.
    """
    line = {
        "action": action,
        "key": None if principal is None else principal.key_id,
        "name": "the server" if principal is None else principal.name,
        "collection": collection,
        "outcome": outcome,
        **found,
        "request_id": found.get("request_id", request_id()),
    }
    shown = {name: _short(value) for name, value in line.items() if value is not None}
    _trail.info("audit", extra=facts(**shown))


def _short(value: object) -> object:
    if isinstance(value, str):
        return value if len(value) <= _MOST_CHARACTERS else f"{value[:_MOST_CHARACTERS]}…"
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Sequence):
        kept = [_short(part) for part in value[:_MOST_ITEMS]]
        return kept if len(value) <= _MOST_ITEMS else [*kept, f"… {len(value)} in all"]
    return _short(str(value))


def open_trail(path: Path | None) -> None:
    """Have the audit trail's lines added to a file as well; None: to no file.

    The file is made with mode 0600 where there is none, and made again when it was moved away.

    Raises:
        InvalidSettings: it cannot be written.
    """
    for former in _trail.handlers[:]:
        _trail.removeHandler(former)
        former.close()
    _trail.setLevel(logging.INFO)
    if path is None:
        return
    try:
        handler = _AppendOnly(path, encoding="ascii")
    except OSError as error:
        raise InvalidSettings(
            f"audit_log: {path}: cannot be written ({error.strerror}); name another file"
        ) from error
    handler.setFormatter(_Line())
    _trail.addHandler(handler)


class _AppendOnly(WatchedFileHandler):
    """Adds to a file that only its owner reads, and never through a symbolic link."""

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        number = os.open(self.baseFilename, flags, 0o600)
        return open(number, "a", encoding=self.encoding)  # noqa: PTH123 - it is a descriptor


class _Line(logging.Formatter):
    """The facts of a record as a JSON object, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        found = getattr(record, "facts", {})
        return json.dumps({"time": stamp(record.created or time.time()), **found})
