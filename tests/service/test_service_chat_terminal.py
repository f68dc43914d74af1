"""`pincite chat` as a person has it: on a real terminal, with a real pager."""

import json
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from service_fakes import Run

pytest.importorskip("termios")
from terminal import Terminal

BOOKS = "How many books may a reader borrow?"
Start = Callable[..., Terminal]

pytestmark = pytest.mark.slow


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `pincite chat` on an index, with a home of its own."""
    running: list[Terminal] = []

    def started(index: Path, *options: str, **environment: str) -> Terminal:
        words = [sys.executable, "-m", "service", "chat", *options]
        home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
        terminal = Terminal(words, {"PINCITE_INDEX": str(index), **home, **environment})
        running.append(terminal)
        return terminal

    yield started
    for terminal in running:
        terminal.close()


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_a_conversation(start: Start, library: Path, tmp_path: Path) -> None:
    pager = tmp_path / "less"
    pager.write_text('#!/bin/sh\necho "$@" >args\ncat >"text"\n')
    pager.chmod(0o755)
    pager_here = f'sh -c \'cd "{tmp_path}" && exec ./less "$@"\' less'
    terminal = start(library, "--top", "1", "--min-confidence", "0.01", PAGER=pager_here)
    terminal.see_prompt()
    terminal.type(f"{BOOKS}\r")
    seen = terminal.see("further answers: more")
    assert "1. A reader may borrow \x1b[1;7m12\x1b[0m books" in seen
    terminal.see_prompt()
    terminal.type("1\r")
    terminal.see_prompt()
    terminal.type("never sent\x03")
    terminal.see_prompt()
    terminal.type("\x1b[A\x1b[A\r")  # the second line back is the question
    terminal.see("further answers: more")
    terminal.see_prompt()
    terminal.type("open 7\r")
    terminal.see("pincite: 7: no citation has this number; there are 1 to 1")
    terminal.see_prompt()
    terminal.type("/qu\t")
    terminal.see("it")
    terminal.type("\r")
    assert terminal.end() == 0
    history = tmp_path / "state" / "pincite" / "history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert history.read_text(encoding="utf-8").splitlines() == [
        BOOKS,
        "1",
        BOOKS,
        "open 7",
        "/quit",
    ]
    assert (tmp_path / "text").read_text(encoding="utf-8").count("«12»") == 1


@pytest.mark.skipif(shutil.which("less") is None, reason="there is no less here")
def test_less_opens_at_the_quote_and_leaves_ctrl_c_alone(
    start: Start, run: Run, tmp_path: Path
) -> None:
    long = tmp_path / "rules.txt"
    lines = [f"Rule {number} says nothing of note." for number in range(300)]
    lines[200] = "A reader may borrow 12 books at a time."
    long.write_text("\n\n".join(lines), encoding="utf-8")
    index = tmp_path / "index"
    assert run("index", str(long), index=index).exit_code == 0
    terminal = start(index, "--no-history", PAGER="less", LESS="")
    terminal.see_prompt()
    terminal.type(f"{BOOKS}\r")
    terminal.see("books at a time")
    terminal.see_prompt()
    terminal.type("1\r")
    terminal.see("borrow \x1b[7m12\x1b[27m")
    assert "Rule 10 says" not in terminal.shown
    terminal.see(":")
    terminal.type("\x03")
    terminal.see("\x07")  # less says that it was not to be interrupted; it drops keys meanwhile
    assert terminal.insist("q", "\x1b[?2004h")
    terminal.type("\x15")
    terminal.type("\x04")
    assert terminal.end() == 0
    assert not (tmp_path / "state").exists()


def test_a_hostile_document_does_not_steer_the_terminal(
    start: Start, run: Run, tmp_path: Path
) -> None:
    document = tmp_path / "evil.json"
    record = {
        "title": "Fees\x1b]0;pwned\x07\u202e",
        "text": "The fee\x1b[2J is 12\x9b31m pounds\x1b]52;c;eA==\x07 a day.",
    }
    document.write_text(json.dumps(record), encoding="utf-8")
    index = tmp_path / "index"
    assert run("index", str(document), index=index).exit_code == 0
    terminal = start(index, "--no-history", "--min-confidence", "0", PAGER="cat")
    terminal.see_prompt()
    terminal.type("How many pounds is the fee?\r")
    terminal.see("1. ")
    terminal.see_prompt()
    terminal.type("1\r")
    terminal.see("»")
    terminal.see_prompt()
    terminal.type("where title~Fe\t\x15hits\r")
    terminal.see("score")
    terminal.type("quit\r")
    assert terminal.end() == 0
    for bad in ("\x1b]0;", "\x1b]52", "\x1b[2J", "\x9b", "\u202e", "\x07"):
        assert bad not in terminal.shown
    assert "pwned" in _plain(terminal.shown)
