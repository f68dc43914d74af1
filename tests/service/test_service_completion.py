"""Shell completion, by the protocol that the shells' own scripts speak."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from service_fakes import fake_engine
from typer.main import get_command

from service.cli import app
from service.commands import completing

# What means nothing but itself, unquoted, in every shell.
PLAIN = re.compile(r"[\w./@%+,:=~-]+")


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index with documents of plain and of hostile names."""
    folder = tmp_path / "index"
    engine = fake_engine(folder)
    for name in ("plain.txt", "$(touch pwned).txt", "a b.txt", 'x\\"; touch pwned; ".txt'):
        path = tmp_path / "files" / name
        engine.add_bytes(name.encode(), uri=path.as_uri(), name="text.txt", title=f"`{name}`'")
    engine.close()
    return folder


def _context(index: Path) -> Any:
    command: Any = get_command(app)
    group = command.make_context("pincite", ["show"], resilient_parsing=True)
    words = ["--index", str(index)]
    return command.commands["show"].make_context(
        "show", words, parent=group, resilient_parsing=True
    )


def test_documents_are_offered_by_path_or_else_by_id(index: Path, tmp_path: Path) -> None:
    offered = completing.documents(_context(index), "")
    words = [word for word, _ in offered]
    assert str(tmp_path / "files" / "plain.txt") in words
    assert len(words) == 6
    assert sum(bool(re.fullmatch("[0-9a-f]{16}", word)) for word in words) == 5
    assert all(PLAIN.fullmatch(word) for word in words)
    assert all(re.fullmatch(r"[\w ./,-]*", said) for _, said in offered)
    first = next(word for word in words if re.fullmatch("[0-9a-f]{16}", word))
    assert [word for word, _ in completing.documents(_context(index), first[:6])] == [first]


def test_an_index_that_cannot_be_read_is_passed_over_in_silence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert completing.documents(_context(tmp_path / "none"), "") == []
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "catalog.sqlite").write_bytes(b"no database" * 100)
    assert completing.documents(_context(broken), "") == []
    assert completing.embedders(_context(broken), "") == []
    assert capfd.readouterr() == ("", "")


def test_models_collections_and_filters(index: Path) -> None:
    assert completing.readers(_context(index), "") == [("reader-v0", "in use")]
    assert ("all-MiniLM-L6-v2", "bundled") in completing.embedders(_context(index), "all")
    (index / "server" / "collections" / "contracts").mkdir(parents=True)
    assert [word for word, _ in completing.collections(_context(index), "")] == [
        "default",
        "contracts",
    ]
    assert ("type=pdf", "PDF") in completing.filters("type=p")
    assert [word for word, _ in completing.filters("ti")] == ["title~"]
    assert all(PLAIN.fullmatch(word) for word, _ in completing.filters(""))


def _completed(words: str, index: Path, shell: str) -> str:
    environment = {
        **os.environ,
        "PINCITE_INDEX": str(index),
        "_PINCITE_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    result = subprocess.run(
        [sys.executable, "-c", "from service.cli import main; main()"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.stderr == ""
    return result.stdout


@pytest.mark.slow
def test_each_shell_is_answered(index: Path) -> None:
    bash = _completed("pincite se", index, "bash")
    assert bash.split() == ["search", "serve"]
    zsh = _completed("pincite show ", index, "zsh")
    assert 'plain.txt":"plain.txt"' in zsh
    fish = _completed("pincite ask --reader ", index, "fish")
    assert fish == "reader-v0\tin use\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", "from service.cli import main; main()"],
        env={**os.environ, "_PINCITE_COMPLETE": f"source_{shell}"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert "_PINCITE_COMPLETE=complete_" + shell in result.stdout
    assert result.stderr == ""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_itself_completes(index: Path, tmp_path: Path) -> None:
    program = tmp_path / "pincite"
    program.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'from service.cli import main; main()' \"$@\"\n"
    )
    program.chmod(0o755)
    script = """
        eval "$(_PINCITE_COMPLETE=source_bash pincite)"
        COMP_WORDS=(pincite remove "")
        COMP_CWORD=2
        _pincite_completion pincite
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    result = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={
            **os.environ,
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "PINCITE_INDEX": str(index),
            "PYTHONPATH": str(Path.cwd()),
        },
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert "files/plain.txt" in result.stdout.split()
    assert len(result.stdout.split()) == 6
    assert not (tmp_path / "pwned").exists()
