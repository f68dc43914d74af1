import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from service import __version__
from service.cli import app, ask_app
from service.commands.examples import EXAMPLES

COMMANDS = [
    "index",
    "sync",
    "watch",
    "ask",
    "chat",
    "search",
    "list",
    "show",
    "status",
    "remove",
    "reindex",
    "doctor",
    "formats",
    "models",
    "calibrate",
    "config",
    "serve",
    "mcp",
    "backup",
    "restore",
    "eval",
    "train",
    "keys",
    "collections",
]
# What stays and talks, so that there is no result to print.
RUNNING = {"chat", "mcp", "serve"}
GROUP: Any = get_command(app)
# What can be run, by its name and that of its group.
RUNNABLE: dict[str, Any] = {
    " ".join(filter(None, (name, below))): found
    for name, command in GROUP.commands.items()
    for below, found in getattr(command, "commands", {"": command}).items()
}


def _parameters() -> Iterator[tuple[str, Any]]:
    for name, command in RUNNABLE.items():
        for parameter in command.params:
            yield f"{name} {parameter.opts[0]}", parameter


def test_the_commands_are_these() -> None:
    assert list(GROUP.commands) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_fits_the_list(name: str) -> None:
    command = GROUP.commands[name]
    assert command.help.strip()
    assert command.short_help.endswith(".")
    listing = CliRunner().invoke(app, ["--help"]).stdout
    assert command.short_help in listing


@pytest.mark.parametrize(
    ("name", "parameter"), [pytest.param(n, p, id=n) for n, p in _parameters()]
)
def test_every_option_has_help(name: str, parameter: Any) -> None:
    assert len(parameter.help) > 10
    assert parameter.help.rstrip(".") + "." == parameter.help


@pytest.mark.parametrize("name", [name for name in RUNNABLE if name not in RUNNING])
def test_every_command_that_prints_can_print_json(name: str) -> None:
    options = {option for parameter in RUNNABLE[name].params for option in parameter.opts}
    assert {"--json"} <= options
    assert "--index" in options or name in ("formats", "restore", "eval reader")


@pytest.mark.parametrize("name", RUNNABLE)
def test_every_command_has_examples_that_it_takes(name: str) -> None:
    examples = EXAMPLES[name]
    shown = CliRunner().invoke(app, [*name.split(), "--help"]).stdout
    assert shown.endswith("Examples:\n" + "".join(f"  {example}\n" for example in examples))
    for example in examples:
        program, *words = shlex.split(example)
        assert program == "pincite"
        if {"<", ">"} & set(words):
            words = words[: next(place for place, word in enumerate(words) if word in "<>")]
        context = GROUP.make_context("pincite", words)
        assert _resolved(context) == name


def _resolved(context: Any) -> str:
    """The command that a command line names, once its options and arguments are parsed."""
    names = []
    while hasattr(context.command, "commands"):
        rest = [*context._protected_args, *context.args]
        name, command, rest = context.command.resolve_command(context, rest)
        names.append(name)
        context = command.make_context(name, rest, parent=context)
    return " ".join(names)


def test_examples_are_of_commands_that_there_are() -> None:
    assert set(EXAMPLES) <= set(RUNNABLE)


def test_no_line_of_help_is_wider_than_a_terminal() -> None:
    for name in [*COMMANDS, *RUNNABLE]:
        result = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "80"})
        assert result.exit_code == 0
        assert max(map(len, result.stdout.splitlines())) <= 80


def test_the_short_form_has_the_options_of_ask() -> None:
    short: Any = get_command(ask_app)
    names = [parameter.opts for parameter in GROUP.commands["ask"].params]
    assert [parameter.opts for parameter in short.params] == names


def test_the_version_is_that_of_the_package() -> None:
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    assert project.get("version", __version__) == __version__
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"pincite {__version__}\n")


def test_an_unknown_option_is_a_mistake() -> None:
    result = CliRunner().invoke(app, ["ask", "x", "--no-such-option"])
    assert (result.exit_code, result.stdout) == (2, "")
