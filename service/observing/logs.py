"""Log lines, one a line whatever is in them, for people or as JSON; on standard error.

Only at the level debug do they hold what an error says, which may quote what was asked or read.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

from service.observing.work import request_id
from service.settings import Settings
from service.text import visible

# The loggers that are ours; others never go below info, since theirs may hold what was sent.
OURS = ("index", "qa", "service", "pincite")

_PLAIN = re.compile(r"[A-Za-z0-9_./:{}+@-]+")
_MOST_CHARACTERS = 2000


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Have the log written as the settings say, to a stream, standard error unless given.

    Raises:
        InvalidSettings: the file of the audit log cannot be opened.
    """
    from service.observing.audit import open_trail

    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    outspoken = level <= logging.DEBUG
    handler.setFormatter(Json(outspoken) if settings.log_format == "json" else Plain(outspoken))
    root = logging.getLogger()
    for former in root.handlers[:]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(max(level, logging.INFO))
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    for name in ("faiss", "mcp"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    open_trail(settings.audit_log)


def facts(**found: object) -> dict[str, Mapping[str, object]]:
    """What a log call takes as `extra`: facts that stand by themselves; None are left out."""
    return {"facts": {name: value for name, value in found.items() if value is not None}}


class Plain(logging.Formatter):
    """Lines for people: time, level, message, `name=value` for each fact."""

    def __init__(self, outspoken: bool = False) -> None:
        super().__init__()
        self._outspoken = outspoken

    def format(self, record: logging.LogRecord) -> str:
        """The record on one line, and its traceback, if it has one, below it, indented."""
        found = {**_facts(record), **_origin(record)}
        pairs = [f"{name}={_word(value)}" for name, value in found.items()]
        line = " ".join([stamp(record.created), record.levelname, _message(record), *pairs])
        return "\n    ".join([line, *map(visible, _raised(record, self._outspoken))])


class Json(logging.Formatter):
    """A JSON object a line, in ASCII."""

    def __init__(self, outspoken: bool = False) -> None:
        super().__init__()
        self._outspoken = outspoken

    def format(self, record: logging.LogRecord) -> str:
        """The record as one JSON object."""
        found: dict[str, object] = {
            "time": stamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **_origin(record),
            **_facts(record),
        }
        raised = _raised(record, self._outspoken)
        if raised:
            found["exception"] = raised
        return json.dumps(found, default=str)


def stamp(seconds: float) -> str:
    """A time since the epoch in UTC, ISO 8601, to the millisecond."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    message = record.getMessage()
    return visible(message[:_MOST_CHARACTERS]) + ("…" if len(message) > _MOST_CHARACTERS else "")


def _facts(record: logging.LogRecord) -> dict[str, object]:
    return dict(getattr(record, "facts", {}))


def _origin(record: logging.LogRecord) -> dict[str, object]:
    named = request_id()
    return {} if named is None or "request_id" in _facts(record) else {"request_id": named}


def _word(value: object) -> str:
    """A fact's value so that its end can be told."""
    words = str(value)
    if _PLAIN.fullmatch(words):
        return words
    return json.dumps(visible(words[:_MOST_CHARACTERS]), ensure_ascii=False)


def _raised(record: logging.LogRecord, outspoken: bool) -> list[str]:
    """The lines of the record's traceback; what the errors say only to the outspoken."""
    if record.exc_info is None or record.exc_info[1] is None:
        return []
    error = record.exc_info[1]
    lines = traceback.format_exception(error) if outspoken else _unspoken(error)
    return [line for part in lines for line in part.rstrip("\n").split("\n")]


def _unspoken(error: BaseException) -> list[str]:
    """Where an error and those it came of were raised, by their types, the first one first."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        hidden = None if following.__suppress_context__ else following.__context__
        following = following.__cause__ or hidden
    lines: list[str] = []
    for raised in reversed(chain):
        kind = type(raised)
        lines += traceback.format_tb(raised.__traceback__)
        lines.append(f"{kind.__module__}.{kind.__qualname__}")
    return lines
