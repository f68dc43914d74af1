import io
import json
import logging
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import InvalidSettings
from service.observing.audit import audit, open_trail
from service.observing.logs import Json, Plain, configure, facts
from service.observing.work import Work, current
from service.settings import Settings

QUOTED = "the text of a document"


@dataclass(frozen=True)
class Someone:
    key_id: str | None
    name: str


@pytest.fixture
def _log_as_before() -> Iterator[None]:
    """Leave the log as it was found."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    open_trail(None)
    for name in ("index", "qa", "service", "pincite", "faiss"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def record(message: str = "request", **found: object) -> logging.LogRecord:
    made = logging.LogRecord("pincite.test", logging.INFO, "file.py", 1, message, (), None)
    made.created = 1_795_000_000.125
    made.__dict__.update(facts(**found))
    return made


def failed(error: BaseException) -> logging.LogRecord:
    made = record("it failed")
    try:
        raise error
    except type(error) as raised:
        made.exc_info = (type(raised), raised, raised.__traceback__)
    return made


def test_a_line_for_people_has_time_level_message_and_facts() -> None:
    line = Plain().format(record(method="GET", route="/v1/documents/{id}", ms=1.5, key=None))
    assert line == (
        "2026-11-18T11:06:40.125Z INFO request method=GET route=/v1/documents/{id} ms=1.5"
    )


def test_a_json_line_has_the_same() -> None:
    line = Json().format(record(status=200, collections=["a", "b"]))
    assert json.loads(line) == {
        "time": "2026-11-18T11:06:40.125Z",
        "level": "info",
        "logger": "pincite.test",
        "message": "request",
        "status": 200,
        "collections": ["a", "b"],
    }


@given(st.text(), st.text())
def test_whatever_is_in_a_record_it_stays_on_its_line(message: str, value: str) -> None:
    made = record(message, fact=value)
    for line in (Plain().format(made), Json().format(made)):
        assert len(line.splitlines()) == 1
        assert not set(line) & set("\x00\x07\x1b\x7f\u202e\u2028")
    assert json.loads(Json().format(made))["fact"] == value


@given(st.text(min_size=1), st.text())
def test_a_facts_end_can_be_told_in_a_line_for_people(first: str, second: str) -> None:
    line = Plain().format(record("m", a=first, b=second))
    rest = line.split(" m a=", 1)[1]
    if rest.startswith('"'):
        _, end = json.JSONDecoder().raw_decode(rest)
    else:
        end = rest.index(" ")
    assert rest[end:].startswith(" b=")


def test_lines_name_the_request_that_is_worked_on() -> None:
    token = current.set(Work("/v1/ask", "abc-1"))
    try:
        assert Plain().format(record()).endswith("request request_id=abc-1")
        assert json.loads(Json().format(record()))["request_id"] == "abc-1"
    finally:
        current.reset(token)
    assert "request_id" not in Plain().format(record())


def test_what_an_error_says_is_not_logged_but_where_it_was_raised() -> None:
    def inner() -> None:
        raise ValueError(QUOTED)

    try:
        try:
            inner()
        except ValueError as cause:
            raise KeyError(QUOTED) from cause
    except KeyError as error:
        made = failed(error)
    for line in (Plain().format(made), Json().format(made)):
        assert QUOTED not in line
        assert "in inner" in line
        assert line.index("builtins.ValueError") < line.index("builtins.KeyError")
    for line in (Plain(outspoken=True).format(made), Json(outspoken=True).format(made)):
        assert QUOTED in line


def test_a_traceback_cannot_begin_a_line_of_its_own() -> None:
    line = Plain(outspoken=True).format(failed(ValueError("x\n2026-11-18 ERROR forged\r\x1b[2J")))
    first, *others = line.splitlines()
    assert first.endswith("it failed")
    assert all(other.startswith("    ") for other in others)
    assert "\x1b" not in line


def test_an_error_that_is_its_own_cause_ends() -> None:
    error, other = ValueError("a"), ValueError("b")
    error.__cause__, other.__cause__ = other, error
    assert Plain().format(failed(error)).count("builtins.ValueError") == 2


def test_a_long_message_is_cut() -> None:
    assert len(Plain().format(record("x" * 100_000, fact="y z" * 100_000))) < 10_000


@pytest.mark.usefixtures("_log_as_before")
def test_the_settings_say_how_and_how_much_is_logged() -> None:
    for level, heard in (("info", ["info"]), ("warning", []), ("debug", ["debug", "info"])):
        out = io.StringIO()
        configure(Settings(log_format="json", log_level=level), out)
        logging.getLogger("service.something").debug("debug")
        logging.getLogger("pincite.something").info("info")
        logging.getLogger("somebody.elses").debug("what was sent")
        assert [json.loads(line)["message"] for line in out.getvalue().splitlines()] == heard


@pytest.mark.usefixtures("_log_as_before")
def test_a_write_leaves_a_line_in_the_log_and_in_the_file(tmp_path: Path) -> None:
    path, out = tmp_path / "audit.jsonl", io.StringIO()
    configure(Settings(audit_log=path, log_format="json"), out)
    token = current.set(Work("/v1/documents", "r-7"))
    try:
        audit("document.remove", Someone("k1", "mara\n"), "hr", document="d1", job=None)
    finally:
        current.reset(token)
    audit("job.finish", None, "hr", outcome="failed", documents=3, job="j1")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [
        {
            "time": lines[0]["time"],
            "action": "document.remove",
            "key": "k1",
            "name": "mara\n",
            "collection": "hr",
            "outcome": "done",
            "document": "d1",
            "request_id": "r-7",
        },
        {
            "time": lines[1]["time"],
            "action": "job.finish",
            "name": "the server",
            "collection": "hr",
            "outcome": "failed",
            "documents": 3,
            "job": "j1",
        },
    ]
    logged = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["action"] for line in logged] == ["document.remove", "job.finish"]
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.usefixtures("_log_as_before")
def test_the_trail_is_kept_when_only_errors_are_logged(tmp_path: Path) -> None:
    out = io.StringIO()
    configure(Settings(audit_log=tmp_path / "a", log_level="error"), out)
    audit("key.create", None, None)
    assert len((tmp_path / "a").read_text().splitlines()) == 1


@pytest.mark.usefixtures("_log_as_before")
def test_the_audit_log_is_added_to_and_made_again_when_it_was_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for _ in range(2):
        open_trail(path)
        audit("a", None, None)
    assert len(path.read_text().splitlines()) == 2
    if sys.platform != "win32":
        path.rename(tmp_path / "audit.jsonl.1")
        audit("b", None, None)
        assert [json.loads(line)["action"] for line in path.read_text().splitlines()] == ["b"]


@pytest.mark.usefixtures("_log_as_before")
def test_long_facts_are_cut(tmp_path: Path) -> None:
    open_trail(tmp_path / "a")
    audit("a", Someone("k", "n" * 10_000), "c", documents=["d" * 1000] * 5000)
    assert len((tmp_path / "a").read_text()) < 250_000


@pytest.mark.usefixtures("_log_as_before")
def test_an_audit_log_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"audit_log: .* cannot be written"):
        open_trail(tmp_path / "no" / "folder")
    if hasattr(os, "O_NOFOLLOW"):
        (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(InvalidSettings):
            open_trail(tmp_path / "link")
