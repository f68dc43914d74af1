"""`chat`: a prompt to ask at, one question after another."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import PinciteError
from qa.answers import PASSAGES
from service.commands.asking import check_amounts
from service.commands.options import (
    IndexFolder,
    MinConfidence,
    Passages,
    ReaderName,
    Where,
    settings_with,
)
from service.errors import ANSWERED
from service.text import shown, visible

if TYPE_CHECKING:
    from prompt_toolkit.history import History

    from service.chat.loop import Chat
    from service.chat.opening import Opener
    from service.chat.vocabulary import Vocabulary
    from service.engine import Engine
    from service.render import Page


def chat(
    top: Annotated[int, typer.Option(metavar="N", help="How many answers to show at a time.")] = 3,
    passages: Passages = PASSAGES,
    min_confidence: MinConfidence = None,
    where: Where = None,
    browser: Annotated[
        str | None,
        typer.Option(
            "--browser",
            metavar="URL",
            help="Open citations on the page of a running `pincite serve` instead of the pager: "
            "its address, such as http://127.0.0.1:8000.",
        ),
    ] = None,
    no_history: Annotated[
        bool, typer.Option("--no-history", help="Do not keep what is typed for the next time.")
    ] = False,
    index: IndexFolder = None,
    reader: ReaderName = None,
) -> None:
    """Ask one question after another at a prompt, and open what is cited at the quote.

    Type a question, then the number of a citation to open it in PAGER; help tells the rest. Tab
    completes, the arrows bring back earlier lines, Ctrl-C drops the line, Ctrl-D leaves. Without a
    terminal the lines come from standard input, and the exit status is that of `ask -`.
    """
    from index.filters import parse
    from service.bootstrap import open_engine
    from service.chat.loop import Chat, Manner
    from service.chat.state import State
    from service.render import Page

    check_amounts(top, passages, min_confidence)
    state = State(where=parse(where or []))
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    page = Page()
    opener = _opener(browser, page, on_terminal)
    history = _history(no_history) if on_terminal else None
    engine = open_engine(settings_with(index=index, reader=reader))
    try:
        talk = Chat(engine, page, opener, _complain, Manner(top, passages, min_confidence), state)
        code = _follow(talk) if history is None else _converse(talk, engine, history)
    finally:
        engine.close()
    raise typer.Exit(code)


def _complain(message: str) -> None:
    sys.stdout.flush()
    typer.echo(f"pincite: {visible(message)}", err=True)


def _opener(browser: str | None, page: "Page", on_terminal: bool) -> "Opener":
    from service.chat.opening import Here, InBrowser, InPager
    from service.chat.pager import Pager
    from service.configuration import Web, read
    from service.settings import pager

    if browser is not None:
        address = read("--browser", Web("an address such as http://127.0.0.1:8000"), browser)
        return InBrowser(str(address), "default", page)
    return InPager(Pager.of(pager())) if on_terminal else Here(page)


def _history(unwanted: bool) -> "History":
    from prompt_toolkit.history import InMemoryHistory

    from service.chat.history import LineHistory
    from service.settings import user_folder

    folder = None if unwanted else user_folder("state")
    return InMemoryHistory() if folder is None else LineHistory(folder / "history")


def _follow(talk: "Chat") -> int:
    """Follow the lines on standard input; the exit code is the gravest there was."""
    from service.chat.prompt import piped

    code = ANSWERED
    for line in piped():
        if line.strip():
            typer.echo(f"> {shown(line).strip()}")
        outcome = talk.take(line)
        if outcome is None:
            break
        code = max(code, outcome)
        sys.stdout.flush()
    return code


def _converse(talk: "Chat", engine: "Engine", history: "History") -> int:
    """Follow the lines a person types; what fails is told, and the next line may fare better."""
    from service.chat.prompt import typed

    typer.echo("Ask your documents; help tells what else there is, Ctrl-D leaves.")
    with _preparing(engine) as prepared:
        for line in typed(lambda: _prompt(talk), prepared.vocabulary, history):
            try:
                if talk.take(line) is None:
                    break
            except PinciteError as error:
                _complain(str(error))
            except KeyboardInterrupt:
                _complain("interrupted")
    return ANSWERED


def _prompt(talk: "Chat") -> str:
    where = shown(str(talk.state.where)).strip()
    return f"[{where}] > " if where else "> "


class _Preparation:
    """What is got ready while a person types: the models, then what can be completed."""

    def __init__(self, engine: "Engine") -> None:
        from service.chat.vocabulary import Vocabulary

        self._engine = engine
        self._vocabulary = Vocabulary()
        self.stop = threading.Event()

    def vocabulary(self) -> "Vocabulary":
        """What can be completed by now."""
        return self._vocabulary

    def run(self) -> None:
        """Get it ready."""
        from service.chat.vocabulary import collect

        try:
            self._engine.load()
            self._vocabulary = collect(self._engine.store, Path.cwd(), self.stop.is_set)
        except PinciteError:
            # The next question meets the same and says so, where it does not disturb the prompt.
            return


@contextmanager
def _preparing(engine: "Engine") -> Iterator[_Preparation]:
    preparation = _Preparation(engine)
    thread = threading.Thread(target=preparation.run, name="pincite-preparing", daemon=True)
    thread.start()
    try:
        yield preparation
    finally:
        # The index is closed next, which must not happen under it.
        preparation.stop.set()
        thread.join()
