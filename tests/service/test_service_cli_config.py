import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli import app
from service.settings import SETTINGS


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env=environ)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def lines(result: Result) -> dict[str, list[str]]:
    assert result.exit_code == 0, result.output
    return {name: rest for name, *rest in map(str.split, result.stdout.splitlines())}


def test_every_setting_is_shown_with_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('threads = 2\nport = 1\nhost = "::1"\n')
    result = run("--config", "mine.toml", "config", "--port", "3", PINCITE_HOST="127.0.0.2")
    shown = lines(result)
    assert list(shown) == [one.name for one in SETTINGS]
    assert shown["port"] == ["3", "--port"]
    assert shown["host"] == ["127.0.0.2", "PINCITE_HOST"]
    assert shown["threads"] == ["2", "mine.toml"]
    assert shown["max_batch"] == ["64", "default"]
    assert shown["audit_log"] == ["-", "default"]


def test_any_setting_can_be_set_for_one_command(tmp_path: Path) -> None:
    (tmp_path / "pincite.toml").write_text("max_batch = 2\nport = 1\n")
    shown = lines(run("--set", "max_batch=3", "--set", "log_format=json", "config", "--port", "5"))
    assert shown["max_batch"] == ["3", "--set"]
    assert shown["log_format"] == ["json", "--set"]
    assert shown["port"] == ["5", "--port"]
    assert lines(run("config"))["max_batch"] == ["2", "pincite.toml"]
    refused = run("--set", "max_batch", "config")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)


def test_json_has_the_same_with_what_each_setting_is(tmp_path: Path) -> None:
    (tmp_path / "pincite.toml").write_text(
        'allowed_hosts = ["a"]\naudit_log = "a.log"\n[collections]\nhr = "hr"\n'
    )
    found = json.loads(run("config", "--json").stdout)["settings"]
    by_name = {one["name"]: one for one in found}
    assert list(by_name) == [one.name for one in SETTINGS]
    assert by_name["collections"]["value"] == {"hr": "hr"}
    assert by_name["allowed_hosts"]["value"] == ["a"]
    assert by_name["audit_log"]["value"] == "a.log"
    assert by_name["port"] == {
        "name": "port",
        "value": 8000,
        "origin": "default",
        "variable": "PINCITE_PORT",
        "expected": "a whole number from 0 to 65535",
        "help": "The port it listens on; 0 for any free one.",
    }


def test_the_template_is_a_file_to_begin_with() -> None:
    result = run("config", "--template")
    assert (result.exit_code, tomllib.loads(result.stdout)) == (0, {})


@pytest.mark.parametrize("name", ["gone.toml", "broken.toml"])
def test_a_file_that_cannot_be_used_is_the_users_mistake(name: str, tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("prot = 1")
    for arguments in (["--config", name, "config"], ["--config", name, "status"]):
        result = run(*arguments)
        assert result.exit_code == 2
        assert result.stderr.startswith(f"pincite: {name}: ")
        assert result.stderr.count("\n") == 1


def test_the_file_named_once_is_not_used_the_next_time(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("port = 1\n")
    assert lines(run("--config", "mine.toml", "config"))["port"] == ["1", "mine.toml"]
    assert lines(run("config"))["port"] == ["8000", "default"]


def test_a_file_decides_which_index_a_command_uses(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('index = "elsewhere"\n')
    result = run("--config", "mine.toml", "status")
    assert result.exit_code == 2
    assert "elsewhere" in result.stderr


def test_what_is_set_cannot_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('index = "a\\u001b[31m\\u202eb"\n')
    assert "\x1b" not in run("--config", "mine.toml", "config").stdout
    assert "\u202e" not in run("--config", "mine.toml", "config").stdout
