"""The command line: `pincite` and its short form `ask`."""

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperCommand

from index.errors import PinciteError
from service import __version__
from service.commands import collecting, keys
from service.commands.asking import ask, search
from service.commands.backup import backup, restore
from service.commands.calibrating import calibrate
from service.commands.changing import index, remove, sync
from service.commands.chatting import chat
from service.commands.config import config
from service.commands.evaluating import evaluate_answers, evaluate_reader, evaluate_retrieval
from service.commands.examples import EXAMPLES
from service.commands.looking import doctor, formats, list_documents, models, show, status
from service.commands.mcp import mcp
from service.commands.options import configured_by
from service.commands.reindexing import reindex
from service.commands.serving import serve
from service.commands.training import train_reader
from service.commands.watching import watch
from service.errors import ANSWERED, INTERRUPTED, OURS, meaning
from service.settings import debugging
from service.text import visible


class Command(TyperCommand):
    """A command whose errors come out as one line and an exit code; its help has examples."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        given = ctx.find_root().params
        with _reporting(), configured_by(given.get("config"), given.get("assigned")):
            return super().invoke(ctx)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the command's examples under its help, each on a line of its own."""
        super().format_epilog(ctx, formatter)
        groups = [] if ctx.parent is None else ctx.parent.command_path.split()[1:]
        lines = EXAMPLES.get(" ".join([*groups, self.name or ""]), ())
        if lines:
            with formatter.section("Examples"):
                for line in lines:
                    formatter.write(f"  {line}\n")


@contextmanager
def _reporting() -> Iterator[None]:
    try:
        yield
        sys.stdout.flush()
    except typer.Exit:
        raise
    except PinciteError as error:
        _complain(str(error))
        raise typer.Exit(meaning(error).exit_code) from None
    except BrokenPipeError:
        # The reader of our output has seen enough (`| head`).
        _discard(sys.stdout)
        raise typer.Exit(ANSWERED) from None
    except KeyboardInterrupt:
        _complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:  # noqa: BLE001 - the last resort; PINCITE_DEBUG shows all of it
        hint = "" if debugging() else "; set PINCITE_DEBUG=1 to see where it happened"
        _complain(f"an unexpected error ({type(error).__name__}: {error}){hint}")
        raise typer.Exit(OURS) from None


def _complain(message: str) -> None:
    if debugging():
        traceback.print_exc()
    typer.echo(f"pincite: {visible(message)}", err=True)


def _discard(stream: TextIO) -> None:
    """Point a stream nowhere, so that the interpreter's last flush does not complain."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pincite {__version__}")
        raise typer.Exit


def _start(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="The configuration file; PINCITE_CONFIG, or else pincite.toml in this folder or "
            "your configuration folder, unless given.",
        ),
    ] = None,
    assigned: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Set any setting for this command, as in: pincite --set log_format=json serve. "
            "May be given several times; pincite config lists them.",
        ),
    ] = None,
) -> None:
    """Answers from your own documents, in their own words, with the exact place they stand.

    Nothing is made up and nothing leaves this machine. Begin with: pincite index PATH, then:
    pincite ask "your question".
    """


# Commands by name, each with what the list of commands says of it, which has to fit on a line.
_Commands = dict[str, tuple[Callable[..., None], str]]

_COMMANDS: _Commands = {
    "index": (index, "Read documents into the index."),
    "sync": (sync, "Bring the index in step with folders."),
    "watch": (watch, "Keep it in step as the folders change."),
    "ask": (ask, "Answer a question with quotes and their places."),
    "chat": (chat, "Ask at a prompt, and open what is cited."),
    "search": (search, "Show the passages that fit a question."),
    "list": (list_documents, "List the documents of the index."),
    "show": (show, "Show a document's text and its parts."),
    "status": (status, "Show what the index holds and is made with."),
    "remove": (remove, "Remove documents from the index."),
    "reindex": (reindex, "Cut and embed all documents again."),
    "doctor": (doctor, "Check the index and the models."),
    "formats": (formats, "List the formats that are read."),
    "models": (models, "List the models at hand."),
    "calibrate": (calibrate, "Fit how sure answers are to labelled questions."),
    "config": (config, "Show the settings and where each came from."),
    "serve": (serve, "Serve the index over HTTP, with a page."),
    "mcp": (mcp, "Offer the index as tools to a language model."),
    "backup": (backup, "Back up the index and its server into a file."),
    "restore": (restore, "Restore a backup into a new folder."),
}

# Groups of commands, each with its help and what the list of commands says of it.
_GROUPS: dict[str, tuple[str, str, _Commands]] = {
    "eval": (
        "Measure the reader, retrieval and whole answers on labelled questions.",
        "Measure answers on labelled questions.",
        {
            "reader": (evaluate_reader, "Measure the reader on questions with their texts."),
            "retrieval": (evaluate_retrieval, "Measure what is found for queries."),
            "answers": (evaluate_answers, "Measure answers from a folder of documents."),
        },
    ),
    "train": (
        "Fine-tune models on labelled questions.",
        "Fine-tune models on labelled questions.",
        {"reader": (train_reader, "Fine-tune a reader, quantize it and measure it.")},
    ),
    "keys": (
        "Make, list and revoke the keys that the server asks for.",
        "Make, list and revoke keys of the server.",
        {
            "create": (keys.create, "Make a key, and show it this once."),
            "list": (keys.list_keys, "List the keys."),
            "revoke": (keys.revoke, "Let a key open nothing any more."),
        },
    ),
    "collections": (
        "Make and list the collections of the server, each with documents and keys of its own.",
        "Make and list collections of the server.",
        {
            "create": (collecting.create, "Make an empty collection."),
            "list": (collecting.list_collections, "List the collections."),
        },
    ),
}


def _app(commands: _Commands, **how: Any) -> typer.Typer:
    # Help without Rich: it is there at once, and reads well at any width.
    made = typer.Typer(no_args_is_help=True, rich_markup_mode=None, **how)
    for name, (function, short) in commands.items():
        made.command(name, cls=Command, short_help=short)(function)
    return made


app = _app(_COMMANDS, pretty_exceptions_enable=False)
app.callback()(_start)
for _name, (_help, _short, _commands) in _GROUPS.items():
    app.add_typer(_app(_commands), name=_name, help=_help, short_help=_short)

ask_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
ask_app.command("ask", cls=Command)(ask)


def main() -> None:
    """Run `pincite`."""
    _prepare_streams()
    app(prog_name="pincite")


def main_ask() -> None:
    """Run `ask`, the short form of `pincite ask`."""
    _prepare_streams()
    ask_app(prog_name="ask")


def _prepare_streams() -> None:
    """Let no text fail for want of a character in the locale's encoding."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        # Closed (`<&-`) or replaced streams are left alone.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
