"""What a person can set from outside; the only reader of the environment.

By file, environment and flag, in that order: later ones win.
"""

# ruff: noqa: RUF009 - setting() makes a field

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from index.errors import InvalidSettings
from service.configuration import (
    Choice,
    Folders,
    Place,
    Several,
    Switch,
    Web,
    Whole,
    Words,
    declared,
    from_file,
    nearest,
    read,
    setting,
    standard_file,
)

_PREFIX = "PINCITE_"

# Variables that are not settings: what is asked of a server elsewhere, and how to look inside.
_OTHER_VARIABLES = ("PINCITE_CONFIG", "PINCITE_DEBUG", "PINCITE_KEY", "PINCITE_URL")

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_NETWORK = re.compile(
    r"(\d{1,3}(\.\d{1,3}){3}(/\d{1,2})?)|([0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7}(/\d{1,3})?)"
)
_FIELD = re.compile(r"[^,\s](?:[^,\n]*[^,\s])?")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set; None leaves the choice to the index or to the bundled default.

    Each field's declaration says what it is, in which unit, and what values it takes.
    """

    index: Path = setting(Path(".pincite"), Place("a folder"), "The index folder.")
    embedder: str | None = setting(
        None,
        Words("a model's name or folder"),
        "The model that makes vectors; unless set, the one the index was made with.",
    )
    reader: str | None = setting(
        None,
        Words("a model's name or folder"),
        "The model that reads; unless set, the bundled one.",
    )
    threads: int | None = setting(
        None, Whole(1, 1024), "How many threads the models share; unless set, one a core."
    )
    passage_tokens: int | None = setting(
        None, Whole(16, 100_000), "The most tokens in a passage; unless set, 160."
    )
    overlap_tokens: int | None = setting(
        None,
        Whole(0, 50_000),
        "The most tokens that a passage shares with the one before; unless set, a fifth of it.",
    )
    vector_index: str | None = setting(
        None,
        Words("a FAISS factory string"),
        "The kind of index over more than 50000 vectors, in FAISS's words; unless set, inverted "
        "lists of vectors in eight bits.",
    )
    vector_effort: int | None = setting(
        None,
        Whole(100, 999_999_999),
        "With how many of its vectors a question is compared, about: more finds more of the "
        "nearest passages and takes longer; unless set, 60000.",
    )
    host: str = setting(
        "127.0.0.1", Words("a host name or address"), "The address that serve listens on."
    )
    port: int = setting(8000, Whole(0, 65_535), "The port it listens on; 0 for any free one.")
    max_upload_mb: int = setting(
        64, Whole(1, 65_536), "The most MiB (2**20 bytes) that one request may upload."
    )
    read_seconds: int | None = setting(
        None, Whole(1, 86_400), "The most seconds that reading one file may take; unless set, 120."
    )
    read_memory_mb: int | None = setting(
        None,
        Whole(256, 1_048_576),
        "The most MiB of memory that reading one file may need; unless set, 2048.",
    )
    read_characters: int | None = setting(
        None,
        Whole(1, 999_999_999),
        "The most characters of text that one file may come to; unless set, 33554432.",
    )
    ocr: bool = setting(
        False,
        Switch(),
        "Whether the text of scanned pages is recognised; needs pincite[ocr] and tesseract.",
    )
    json_text: tuple[str, ...] = setting(
        (),
        Several("names of fields, commas between them", _FIELD),
        "The fields of JSON records that are their text; unless set, those usually so called.",
    )
    json_metadata: tuple[str, ...] = setting(
        (),
        Several("names of fields, commas between them", _FIELD),
        "The fields of JSON records that are kept as metadata; unless set, all simple ones.",
    )
    state: Path | None = setting(
        None,
        Place("a folder"),
        "Where the server keeps its keys, jobs and collections; unless set, the folder server in "
        "the index folder.",
    )
    allowed_hosts: tuple[str, ...] = setting(
        (),
        Several("host names without ports, commas between them", _HOST),
        "Names that the server may be called by, beside localhost and its own addresses.",
    )
    trusted_proxies: tuple[str, ...] = setting(
        (),
        Several("IP addresses or networks, commas between them", _NETWORK),
        "Proxies in front of the server, whose X-Forwarded-For and X-Forwarded-Proto are believed.",
    )
    requests_per_minute: int | None = setting(
        None,
        Whole(1, 1_000_000),
        "How many requests a key may make in a minute, where it was not made with a limit of its "
        "own; unless set, any number.",
    )
    max_questions_running: int | None = setting(
        None, Whole(1, 1024), "How many questions are worked on at once; unless set, one a core."
    )
    max_questions_waiting: int = setting(
        64, Whole(0, 100_000), "How many questions may wait; those beyond are refused with 503."
    )
    question_seconds: int = setting(
        30, Whole(1, 3600), "How many seconds a question may wait for its turn; then 503."
    )
    max_batch: int = setting(64, Whole(1, 64), "How many questions one request may ask.")
    max_documents: int | None = setting(
        None, Whole(1, 999_999_999), "How many documents a collection may hold; unless set, any."
    )
    upload_seconds: int = setting(
        600, Whole(1, 86_400), "How many seconds the slowest upload may take to arrive."
    )
    spool_mb: int = setting(
        1024,
        Whole(1, 1_048_576),
        "How many MiB of uploads may wait to be taken in; a collection may have half of it.",
    )
    drain_seconds: int = setting(
        30, Whole(0, 3600), "How many seconds a server that is stopped gives to what still runs."
    )
    log_format: str = setting("text", Choice(("text", "json")), "How log lines are written.")
    log_level: str = setting(
        "info", Choice(("debug", "info", "warning", "error")), "The least that is logged."
    )
    audit_log: Path | None = setting(
        None,
        Place("a file"),
        "A file to which a line of JSON is added for each write; unless set, only the log has it.",
    )
    otlp_endpoint: str | None = setting(
        None,
        Web(),
        "Where OpenTelemetry traces are sent, by OTLP over HTTP; unless set, nowhere.",
    )
    collections: Mapping[str, Path] = setting(
        {}, Folders(), "Further indexes to serve, each under the name of its collection."
    )


SETTINGS = declared(Settings)
_BY_NAME = {one.name: one for one in SETTINGS}
_BY_VARIABLE = {one.variable: one for one in SETTINGS}


@dataclass(frozen=True, slots=True)
class Settled:
    """Settings with where each came from.

    `origins` has, by name: "default", a configuration file's path, a variable, or a flag.
    """

    settings: Settings
    origins: Mapping[str, str]


def settle(
    flags: Mapping[str, object] | None = None,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    assigned: Sequence[str] = (),
) -> Settled:
    """The settings of file, environment and flags; later ones win.

    `flags` are values by name; None is as good as not given. `config` is the file to read; else
    `PINCITE_CONFIG` names it, or it is `pincite.toml` in the current folder or the user's
    configuration folder, if there is one. `environ` None reads the process's own. `assigned` are
    flags for settings that have none of their own, as NAME=VALUE.

    Raises:
        InvalidSettings: a value cannot work, or what is set does not exist.
    """
    variables = os.environ if environ is None else environ
    values: dict[str, object] = {}
    origins = {one.name: "default" for one in SETTINGS}
    path = _named(variables) if config is None else config
    if path is None:
        path = standard_file(user_folder("config", variables))
    if path is not None:
        for name, value in from_file(path, SETTINGS).items():
            values[name], origins[name] = value, str(path)
    for variable, name, value in _of_variables(variables):
        values[name], origins[name] = value, variable
    for name, value in map(_assigned, assigned):
        values[name], origins[name] = value, "--set"
    for one in SETTINGS:
        given = None if flags is None else flags.get(one.name)
        if given is not None:
            values[one.name], origins[one.name] = given, one.flag
    return Settled(replace(Settings(), **values), origins)  # type: ignore[arg-type]


def _assigned(assignment: str) -> tuple[str, object]:
    """The name and the value that NAME=VALUE sets."""
    name, equals, words = assignment.partition("=")
    if not equals:
        raise InvalidSettings(f"--set: is {assignment[:100]!r}, expected NAME=VALUE")
    if name not in _BY_NAME:
        raise InvalidSettings(f"--set: {name[:100]!r} is no setting; {nearest(name, _BY_NAME)}")
    return name, read(f"--set: {name}", _BY_NAME[name].kind, words)


def _of_variables(variables: Mapping[str, str]) -> list[tuple[str, str, object]]:
    """Each setting's variable that is set: the variable, the setting's name, its value."""
    known = [*_BY_VARIABLE, *_OTHER_VARIABLES]
    found = []
    for variable in sorted(name for name in variables if name.startswith(_PREFIX)):
        if variable in _OTHER_VARIABLES:
            continue
        if variable not in _BY_VARIABLE:
            raise InvalidSettings(f"{variable}: is no setting; {nearest(variable, known, _PREFIX)}")
        one = _BY_VARIABLE[variable]
        value = read(variable, one.kind, variables[variable])
        found.append((variable, one.name, value))
    return found


def _named(variables: Mapping[str, str]) -> Path | None:
    named = variables.get("PINCITE_CONFIG")
    if named is None:
        return None
    path = read("PINCITE_CONFIG", Place("a file"), named)
    assert isinstance(path, Path)  # noqa: S101 - what a Place reads
    return path


def user_folder(kind: str, environ: Mapping[str, str] | None = None) -> Path | None:
    """Where this user's files of Pincite are: `kind` is "config" or "state".

    None where the system does not say, as for a service without a home. The folder may not exist.
    """
    variables = os.environ if environ is None else environ
    if sys.platform == "win32":
        base = variables.get("APPDATA" if kind == "config" else "LOCALAPPDATA")
        return Path(base, "pincite") if base else None
    home = variables.get("HOME")
    named = variables.get(f"XDG_{kind.upper()}_HOME")
    if named and Path(named).is_absolute():
        return Path(named, "pincite")
    if not home:
        return None
    if sys.platform == "darwin":
        return Path(home, "Library", "Application Support", "pincite")
    return Path(home, ".config" if kind == "config" else ".local/state", "pincite")


@dataclass(frozen=True, slots=True)
class Remote:
    """A server elsewhere, as the environment names it; the key is never shown."""

    url: str | None
    key: str | None = field(repr=False)


def remote(environ: Mapping[str, str] | None = None) -> Remote:
    """The server of `PINCITE_URL`, and the key for it of `PINCITE_KEY`; empty is not set.

    Raises:
        InvalidSettings: the address cannot be one.
    """
    variables = os.environ if environ is None else environ
    url = variables.get("PINCITE_URL") or None
    if url is not None:
        read("PINCITE_URL", Web(), url)
    return Remote(url, variables.get("PINCITE_KEY") or None)


def debugging(environ: Mapping[str, str] | None = None) -> bool:
    """Whether `PINCITE_DEBUG` asks for tracebacks; apart from the rest, so that it cannot fail."""
    found = os.environ if environ is None else environ
    return found.get("PINCITE_DEBUG", "0") not in ("", "0")


def pager(environ: Mapping[str, str] | None = None) -> str | None:
    """The command line of the person's pager, `PAGER`; None where there is none."""
    return (os.environ if environ is None else environ).get("PAGER")
