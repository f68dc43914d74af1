import os
import re
import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from index.errors import InvalidSettings
from service.configuration import FILE, Folders, template
from service.settings import SETTINGS, Settings, debugging, remote, settle, user_folder
from tests.paths import ROOT

NOWHERE: dict[str, str] = {}

# For each setting: words of a variable, TOML of a file, and the value that both mean.
EXAMPLES: dict[str, tuple[str, str, Any]] = {
    "index": ("/data/index", '"/data/index"', Path("/data/index")),
    "embedder": ("org/embedder", '"org/embedder"', "org/embedder"),
    "reader": ("org/reader", '"org/reader"', "org/reader"),
    "threads": ("3", "3", 3),
    "passage_tokens": ("100", "100", 100),
    "overlap_tokens": ("0", "0", 0),
    "vector_index": ("HNSW32,SQ8", '"HNSW32,SQ8"', "HNSW32,SQ8"),
    "vector_effort": ("90000", "90000", 90000),
    "host": ("::1", '"::1"', "::1"),
    "port": ("0", "0", 0),
    "max_upload_mb": ("5", "5", 5),
    "read_seconds": ("30", "30", 30),
    "read_memory_mb": ("512", "512", 512),
    "read_characters": ("1000000", "1000000", 1_000_000),
    "ocr": ("true", "true", True),
    "json_text": ("body,note text", '["body", "note text"]', ("body", "note text")),
    "json_metadata": ("room", '["room"]', ("room",)),
    "state": ("/var/lib/p", '"/var/lib/p"', Path("/var/lib/p")),
    "allowed_hosts": (
        "docs.example, h2",
        '["docs.example", "h2"]',
        ("docs.example", "h2"),
    ),
    "trusted_proxies": (
        "10.0.0.1, fd00::/8",
        '["10.0.0.1", "fd00::/8"]',
        ("10.0.0.1", "fd00::/8"),
    ),
    "requests_per_minute": ("60", "60", 60),
    "max_questions_running": ("4", "4", 4),
    "max_questions_waiting": ("0", "0", 0),
    "question_seconds": ("9", "9", 9),
    "max_batch": ("8", "8", 8),
    "max_documents": ("1000", "1000", 1000),
    "upload_seconds": ("60", "60", 60),
    "spool_mb": ("16", "16", 16),
    "drain_seconds": ("0", "0", 0),
    "log_format": ("json", '"json"', "json"),
    "log_level": ("debug", '"debug"', "debug"),
    "audit_log": ("/var/log/a", '"/var/log/a"', Path("/var/log/a")),
    "otlp_endpoint": ("http://otel:4318", '"http://otel:4318"', "http://otel:4318"),
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where no configuration file is."""
    monkeypatch.chdir(tmp_path)


def of_file(text: str, environ: Mapping[str, str] = NOWHERE) -> Settings:
    path = Path("given.toml")
    path.write_text(text, encoding="utf-8")
    return settle(config=path, environ=environ).settings


def test_nothing_set_gives_the_defaults() -> None:
    settled = settle(environ={})
    assert settled.settings == Settings()
    assert set(settled.origins.values()) == {"default"}
    assert Settings().index == Path(".pincite")
    assert (Settings().host, Settings().port) == ("127.0.0.1", 8000)


def test_there_is_an_example_of_every_setting() -> None:
    assert [*EXAMPLES, "collections"] == [field.name for field in fields(Settings)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_setting_is_read_from_its_variable(name: str) -> None:
    words, _, value = EXAMPLES[name]
    variable = f"PINCITE_{name.upper()}"
    settled = settle(environ={variable: words})
    assert settled.settings == replace(Settings(), **{name: value})
    assert settled.origins[name] == variable


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_setting_is_read_from_a_file(name: str) -> None:
    _, toml, value = EXAMPLES[name]
    assert of_file(f"{name} = {toml}\n") == replace(Settings(), **{name: value})


def test_collections_are_a_table_of_the_file() -> None:
    found = of_file('[collections]\nhr = "/srv/hr"\nlaw = "law"\n')
    assert found.collections == {"hr": Path("/srv/hr"), "law": Path("law")}


@pytest.mark.parametrize("layers", list(product([False, True], repeat=3)), ids=str)
def test_flags_win_over_variables_and_those_over_the_file(layers: tuple[bool, bool, bool]) -> None:
    in_file, in_environ, in_flags = layers
    path = Path("layers.toml")
    path.write_text("port = 1\n" if in_file else "")
    settled = settle(
        {"port": 3} if in_flags else {}, path, {"PINCITE_PORT": "2"} if in_environ else {}
    )
    set_here = [
        found
        for found, is_set in (
            ((3, "--port"), in_flags),
            ((2, "PINCITE_PORT"), in_environ),
            ((1, str(path)), in_file),
        )
        if is_set
    ]
    expected = set_here[0] if set_here else (8000, "default")
    assert (settled.settings.port, settled.origins["port"]) == expected


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_setting_can_be_assigned_by_name(name: str) -> None:
    words, _, value = EXAMPLES[name]
    settled = settle(environ={}, assigned=[f"{name}={words}"])
    assert settled.settings == replace(Settings(), **{name: value})
    assert settled.origins[name] == "--set"


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("port", "--set: is 'port', expected NAME=VALUE"),
        ("prot=1", "--set: 'prot' is no setting; did you mean port?"),
        ("port=x", "--set: port: is 'x', expected a whole number from 0 to 65535"),
        ("collections=a=b", "--set: collections: is 'a=b', expected a table"),
    ],
)
def test_an_assignment_that_cannot_work_says_why(assignment: str, said: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        settle(environ={}, assigned=[assignment])
    assert str(raised.value).startswith(said)


def test_a_flag_of_its_own_wins_over_an_assignment_and_the_last_assignment_over_others() -> None:
    assert settle({"port": 3}, environ={}, assigned=["port=1"]).settings.port == 3
    assert settle(environ={"PINCITE_PORT": "9"}, assigned=["port=1", "port=2"]).settings.port == 2


def test_every_setting_is_used() -> None:
    """A setting that nothing reads would be a promise that is not kept."""
    modules = [path for path in (ROOT / "service").rglob("*.py") if path.name != "settings.py"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in modules)
    unused = [one.name for one in SETTINGS if not re.search(rf"settings\.{one.name}\b", text)]
    assert unused == []


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert settle({"port": None, "host": None}, environ={}).settings == Settings()


def test_a_path_in_a_file_is_relative_to_the_file_and_one_of_a_variable_to_here(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / FILE).write_text('index = "data"\naudit_log = "/var/log/audit"\n')
    found = settle(config=folder / FILE, environ={"PINCITE_STATE": "here"}).settings
    assert (found.index, found.audit_log) == (folder / "data", Path("/var/log/audit"))
    assert found.state == Path("here")


def test_the_file_is_the_one_named_or_else_the_one_here_or_else_the_users(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for folder, port in ((tmp_path, 1), (home / "pincite", 2), (tmp_path / "named", 3)):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(f"port = {port}\n")
    environ = {"XDG_CONFIG_HOME": str(home), "APPDATA": str(home)}
    named = tmp_path / "named" / FILE
    assert settle(config=named, environ=environ).settings.port == 3
    assert settle(environ={**environ, "PINCITE_CONFIG": str(named)}).settings.port == 3
    assert settle(environ=environ).settings.port == 1
    (tmp_path / FILE).unlink()
    if sys.platform != "darwin":
        assert settle(environ=environ).settings.port == 2
    assert settle(environ={}).settings.port == 8000


@pytest.mark.skipif(sys.platform == "win32", reason="files have no user ids")
def test_a_file_here_that_is_somebody_elses_is_not_used_unless_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FILE).write_text("port = 1\n")
    owner = (tmp_path / FILE).stat().st_uid
    if owner == 0:
        os.chown(tmp_path / FILE, 12345, -1)
    else:
        monkeypatch.setattr("os.getuid", lambda: owner + 1)
    with pytest.raises(InvalidSettings, match="belongs to another user"):
        settle(environ={})
    assert settle(config=Path(FILE), environ={}).settings.port == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PINCITE_THREADS", "many"),
        ("PINCITE_THREADS", "0"),
        ("PINCITE_THREADS", "1_0"),
        ("PINCITE_THREADS", "٣"),
        ("PINCITE_PORT", "65536"),
        ("PINCITE_PORT", ""),
        ("PINCITE_PORT", "-1"),
        ("PINCITE_PASSAGE_TOKENS", "1e3"),
        ("PINCITE_READ_SECONDS", "0"),
        ("PINCITE_READ_MEMORY_MB", "64"),
        ("PINCITE_READ_CHARACTERS", "-1"),
        ("PINCITE_INDEX", " "),
        ("PINCITE_READER", ""),
        ("PINCITE_HOST", "a\nb"),
        ("PINCITE_LOG_FORMAT", "JSON"),
        ("PINCITE_OCR", "yes"),
        ("PINCITE_JSON_TEXT", "a,,b"),
        ("PINCITE_ALLOWED_HOSTS", "a,,b"),
        ("PINCITE_ALLOWED_HOSTS", "a:8000"),
        ("PINCITE_ALLOWED_HOSTS", "*"),
        ("PINCITE_OTLP_ENDPOINT", "localhost:4318"),
        ("PINCITE_OTLP_ENDPOINT", "https://me:secret@otel"),
        ("PINCITE_COLLECTIONS", "hr=/srv/hr"),
        ("PINCITE_CONFIG", ""),
    ],
)
def test_a_bad_value_is_refused_by_name_with_what_was_found_and_expected(
    name: str, value: str
) -> None:
    with pytest.raises(InvalidSettings) as raised:
        settle(environ={name: value})
    assert str(raised.value).startswith(f"{name}: is {value!r}, expected ")


def test_a_value_without_end_is_not_repeated_whole() -> None:
    with pytest.raises(InvalidSettings) as raised:
        settle(environ={"PINCITE_MAX_UPLOAD_MB": "9" * 5000})
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('port = "8000"', "given.toml: port: is '8000', expected a whole number from 0 to 65535"),
        ("port = true", "port: is True, expected a whole number"),
        ("port = 70000", "port: is 70000, expected"),
        ("host = 1", "host: is 1, expected a host name or address"),
        ("ocr = 1", "ocr: is 1, expected true or false"),
        ('allowed_hosts = "a"', "allowed_hosts: is 'a', expected"),
        ("allowed_hosts = [1]", "allowed_hosts: is [1], expected"),
        ("collections = 1", "collections: is 1, expected"),
        ('[collections]\ndefault = "x"', "collections: is {'default': 'x'}, expected"),
        ('[collections]\n"../a" = "x"', "collections: is {'../a': 'x'}, expected"),
        ("[collections]\na = 1", "collections: is {'a': 1}, expected"),
        ("prot = 1", "given.toml: 'prot' is no setting; did you mean port?"),
        ("zzzzzz = 1", "'zzzzzz' is no setting; pincite config lists all settings"),
        ("port 1", "is not TOML"),
        ("port = 1\nport = 2", "is not TOML"),
        ("a = " + "[" * 5000, "is not TOML"),
        ("#" * 1_100_000, "is larger than"),
    ],
)
def test_a_file_that_cannot_work_says_what_is_wrong_with_it(toml: str, said: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        of_file(toml)
    assert said in str(raised.value)
    assert len(str(raised.value)) < 500


def test_a_file_that_is_not_text_or_not_there_says_so() -> None:
    Path("binary.toml").write_bytes(b"port = 1 # \xff\xfe")
    for name, said in (("binary.toml", "is not TOML"), ("gone.toml", "cannot be read")):
        with pytest.raises(InvalidSettings, match=said):
            settle(config=Path(name), environ={})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("PINCITE_PROT", "PINCITE_PROT: is no setting; did you mean PINCITE_PORT?"),
        ("PINCITE_ZZZZ", "PINCITE_ZZZZ: is no setting; pincite config lists all settings"),
        ("PINCITE_", "PINCITE_: is no setting"),
    ],
)
def test_a_variable_that_is_no_setting_is_refused_with_the_nearest_one(
    name: str, said: str
) -> None:
    with pytest.raises(InvalidSettings) as raised:
        settle(environ={name: "1"})
    assert said in str(raised.value)


def test_variables_of_other_use_are_left_alone() -> None:
    others = {"PINCITE_DEBUG": "1", "PINCITE_KEY": "k", "PINCITE_URL": "http://h", "PATH": "/bin"}
    assert settle(environ=others).settings == Settings()


def test_the_template_has_every_setting_and_says_the_defaults() -> None:
    text = template(SETTINGS, Settings())
    assert of_file(text) == Settings()
    filled = [
        line.removeprefix("# ") if line.startswith(("# [", "# handbook")) else line
        for line in text.splitlines()
    ]
    for one in SETTINGS:
        if not isinstance(one.kind, Folders):
            place = next(i for i, line in enumerate(filled) if line.startswith(f"# {one.name} = "))
            if not filled[place].endswith("..."):
                filled[place] = filled[place].removeprefix("# ")
    expected = replace(Settings(), collections={"handbook": Path("/srv/handbook-index")})
    assert of_file("\n".join(filled)) == expected


def test_the_users_folder_is_where_the_system_says() -> None:
    if sys.platform == "linux":
        assert user_folder("config", {"HOME": "/h"}) == Path("/h/.config/pincite")
        assert user_folder("state", {"HOME": "/h"}) == Path("/h/.local/state/pincite")
        named = {"HOME": "/h", "XDG_STATE_HOME": "/s", "XDG_CONFIG_HOME": "relative"}
        assert user_folder("state", named) == Path("/s/pincite")
        assert user_folder("config", named) == Path("/h/.config/pincite")
    assert user_folder("config", {}) is None


def test_a_server_elsewhere_is_named_by_the_environment_and_its_key_is_not_shown() -> None:
    assert (remote({}).url, remote({"PINCITE_URL": ""}).key) == (None, None)
    found = remote({"PINCITE_URL": "https://h/p", "PINCITE_KEY": "secret"})
    assert (found.url, found.key) == ("https://h/p", "secret")
    assert "secret" not in repr(found)
    with pytest.raises(InvalidSettings, match="PINCITE_URL: is 'h:1', expected an address"):
        remote({"PINCITE_URL": "h:1"})


def test_debugging_is_off_unless_asked_for() -> None:
    assert [debugging(found) for found in ({}, {"PINCITE_DEBUG": "0"}, {"PINCITE_DEBUG": ""})] == [
        False
    ] * 3
    assert debugging({"PINCITE_DEBUG": "1"})
