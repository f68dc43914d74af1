"""`ask` and `search`."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import InvalidQuestion, InvalidSettings
from qa.answers import ANSWERS, PASSAGES
from service.commands import completing
from service.commands.options import (
    AsJson,
    Enough,
    IndexFolder,
    MinConfidence,
    Passages,
    ReaderName,
    Where,
    settings_with,
)
from service.commands.output import print_json
from service.errors import ANSWERED, NOT_SAID, USERS_MISTAKE
from service.text import shown, visible

if TYPE_CHECKING:
    from qa.answers import Options, Reply
    from service.client.elsewhere import Elsewhere
    from service.engine import Engine
    from service.schemas import ReplyBody

_NEAREST = 3


def ask(
    question: Annotated[
        list[str],
        typer.Argument(
            metavar="QUESTION",
            show_default=False,
            help="The question, with or without quotation marks; - reads one question a line "
            "from standard input.",
        ),
    ],
    top: Annotated[int, typer.Option(metavar="N", help="The most answers to give.")] = ANSWERS,
    passages: Passages = PASSAGES,
    min_confidence: MinConfidence = None,
    enough: Enough = None,
    within: Annotated[
        list[str] | None,
        typer.Option(
            "--in",
            metavar="DOCUMENT",
            autocompletion=completing.documents,
            help="Look only in this document: its id, path or URI. May be given several times.",
        ),
    ] = None,
    where: Where = None,
    index: IndexFolder = None,
    reader: ReaderName = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            help="Ask a running `pincite serve` instead, whose models are loaded already: its "
            "address, such as http://127.0.0.1:8000. PINCITE_KEY is the key for it, if it needs "
            "one.",
        ),
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option(
            "--collection",
            metavar="NAME",
            autocompletion=completing.collections,
            help="Which of the server's collections to ask; default, unless given.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question with quotes from the documents, each with its place.

    Exit status: 0 answered, 1 the documents do not say, 2 a mistake in what was asked for, 3 a
    fault of Pincite's.
    """
    from index.filters import parse
    from qa.answers import Options

    check_amounts(top, passages, min_confidence, enough)
    conditions = parse(where or [])
    engine = _source(url, collection, index, reader)
    try:
        documents = engine.find(within or [])
        options = Options(
            answers=top,
            passages=passages,
            min_confidence=min_confidence,
            enough=enough,
            within=[summary.id for summary in documents] if documents else None,
            where=conditions,
        )
        if question == ["-"]:
            code = _ask_each(engine, options, as_json)
        else:
            reply = engine.ask(_text(" ".join(question)), options)
            _show(engine, reply, as_json, one_line=False)
            code = NOT_SAID if reply.abstained else ANSWERED
    finally:
        engine.close()
    raise typer.Exit(code)


def _source(
    url: str | None, collection: str | None, index: str | None, reader: str | None
) -> "Engine | Elsewhere":
    """What is asked: the index here, or a server."""
    if url is None:
        from service.bootstrap import open_engine

        if collection is not None:
            raise InvalidSettings("--collection: is for a server's; name it with --url")
        return open_engine(settings_with(index=index, reader=reader))
    for option, value in (("--index", index), ("--reader", reader)):
        if value is not None:
            raise InvalidSettings(f"{option}: the server of --url has its own; leave one out")
    from service.client import Client
    from service.client.elsewhere import Elsewhere
    from service.settings import remote

    known = remote()
    # A key that is for another server is not shown to this one.
    key = known.key if known.url in (None, url) else None
    return Elsewhere(Client(url, key, collection=collection or "default"))


def _ask_each(engine: "Engine | Elsewhere", options: "Options", as_json: bool) -> int:
    """Answer the questions on standard input, each as it comes; returns the exit code."""
    code = ANSWERED
    asked = False
    for line in _lines():
        if asked and not as_json:
            typer.echo()
        asked = True
        try:
            reply = engine.ask(line, options)
        except InvalidQuestion as error:
            typer.echo(f"pincite: {error}", err=True)
            code = USERS_MISTAKE
            continue
        if not as_json:
            typer.echo(f"> {shown(reply.question)}")
        _show(engine, reply, as_json, one_line=True)
        if reply.abstained and code == ANSWERED:
            code = NOT_SAID
    if not asked:
        raise InvalidQuestion("no question came on standard input; write one a line")
    return code


def _lines() -> Iterator[str]:
    for line in iter(sys.stdin.readline, ""):
        if line.strip():
            yield line


def _text(argument: str) -> str:
    """An argument of the command line, whose bytes need not be valid in the locale's encoding."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _show(engine: "Engine | Elsewhere", reply: "Reply", as_json: bool, *, one_line: bool) -> None:
    if as_json:
        print_json(_body(engine, reply), one_line=one_line)
        return
    from service.render import Page

    nearest = engine.locate(reply.hits[:_NEAREST]) if reply.abstained else []
    Page().reply(reply, nearest)
    sys.stdout.flush()


def _body(engine: "Engine | Elsewhere", reply: "Reply") -> "ReplyBody":
    from service.engine import Engine

    if isinstance(engine, Engine):
        from service.bodies import reply_body

        return reply_body(reply)
    return engine.last_reply()


def search(
    query: Annotated[
        list[str],
        typer.Argument(
            metavar="QUERY",
            show_default=False,
            help="What to look for, with or without quotation marks.",
        ),
    ],
    top: Annotated[int, typer.Option(metavar="N", help="The most passages to show.")] = 10,
    diversity: Annotated[
        float,
        typer.Option(
            metavar="X",
            help="How much passages that are unlike those before them are preferred, from 0 to 1.",
        ),
    ] = 0.0,
    where: Where = None,
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show the passages that a question would be answered from, with their scores."""
    from index.filters import parse
    from service.bootstrap import open_engine

    _check_range("--top", top, 1, 200)
    _check_range("--diversity", diversity, 0, 1)
    conditions = parse(where or [])
    engine = open_engine(settings_with(index=index))
    text = _text(" ".join(query))
    try:
        found = engine.locate(engine.search(text, top, conditions, diversity))
    finally:
        engine.close()
    if as_json:
        from service.bodies import search_body

        print_json(search_body(text, found))
        return
    from service.render import Page

    page = Page()
    if not found:
        page.line(
            f"No document fits the filter: {visible(str(conditions))}."
            if conditions
            else "The index holds no passages."
        )
    page.hits(found, scores=True)


def check_amounts(
    top: int, passages: int, min_confidence: float | None, enough: float | None = None
) -> None:
    """Refuse what no question can be answered with.

    Raises:
        InvalidSettings: a number is outside its range.
    """
    _check_range("--top", top, 1, 50)
    _check_range("--passages", passages, 1, 200)
    for option, confidence in (("--min-confidence", min_confidence), ("--enough", enough)):
        if confidence is not None:
            _check_range(option, confidence, 0, 1)


def _check_range(option: str, value: float, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidSettings(f"{option}: is {value}, expected from {least} to {most}")
