"""`index`, `remove` and `rebuild`: the commands that change an index."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import (
    AsJson,
    Documents,
    EmbedderName,
    IndexFolder,
    OverlapTokens,
    PassageTokens,
    settings_with,
)
from service.commands.output import print_json
from service.errors import ANSWERED, INTERRUPTED, USERS_MISTAKE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from index.files import Found
    from index.indexing import Outcome
    from service.settings import Settings


def index(
    path: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH",
            show_default=False,
            help="Files, folders (everything below them that can be read), or quoted patterns "
            "such as 'reports/**/*.pdf'.",
        ),
    ],
    index: IndexFolder = None,
    embedder: EmbedderName = None,
    passage_tokens: PassageTokens = None,
    overlap_tokens: OverlapTokens = None,
    as_json: AsJson = False,
) -> None:
    """Read documents into the index, making one if there is none.

    Files that have not changed since are passed over; those that have are replaced. Exit status 2
    if a file that was named could not be read, or if there was nothing to read.
    """
    from index.files import expand

    settings = settings_with(
        index=index,
        embedder=embedder,
        passage_tokens=passage_tokens,
        overlap_tokens=overlap_tokens,
    )
    outcomes = _index(settings, list(expand(path)))
    if as_json:
        from service.schemas import outcomes_body

        print_json(outcomes_body(outcomes))
    else:
        from service.render import Page

        Page().outcomes(outcomes, settings.index)
    raise typer.Exit(_exit_code(outcomes))


def _index(settings: "Settings", files: "Sequence[Found]") -> "list[Outcome]":
    from service.bootstrap import discard, open_or_create

    opened = open_or_create(settings)
    outcomes: list[Outcome] = []
    try:
        with progress("Indexing", len(files)) as advance:
            for outcome in opened.engine.add_files(files):
                outcomes.append(outcome)
                advance()
        if _stored(outcomes):
            opened.store.save_vectors()
    except KeyboardInterrupt:
        typer.echo(
            f"pincite: interrupted; stored so far: {_stored(outcomes)}, which stay; "
            "run the command again to go on",
            err=True,
        )
        raise typer.Exit(INTERRUPTED) from None
    finally:
        if opened.created and opened.store.counts() == (0, 0):
            discard(opened)
        else:
            opened.store.close()
    return outcomes


def _stored(outcomes: "Sequence[Outcome]") -> int:
    return sum(outcome.status in ("added", "replaced") for outcome in outcomes)


def _exit_code(outcomes: "Sequence[Outcome]") -> int:
    taken = any(outcome.status in ("added", "replaced", "unchanged") for outcome in outcomes)
    named_failed = any(outcome.named and outcome.status == "failed" for outcome in outcomes)
    return ANSWERED if taken and not named_failed else USERS_MISTAKE


def remove(
    document: Documents,
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Remove documents from the index: all that are named, or none. The files stay."""
    from service.bootstrap import open_engine

    engine = open_engine(settings_with(index=index))
    try:
        found = engine.find(document)
        engine.remove([summary.id for summary in found])
    finally:
        engine.close()
    if as_json:
        from service.schemas import documents_body

        print_json(documents_body(found))
        return
    from service.render import Page

    page = Page()
    for summary in found:
        page.removed(summary)


def rebuild(
    index: IndexFolder = None,
    embedder: EmbedderName = None,
    passage_tokens: PassageTokens = None,
    overlap_tokens: OverlapTokens = None,
    as_json: AsJson = False,
) -> None:
    """Cut and embed all documents again, for another embedder or other passages.

    The files themselves are not needed. Until all is done the index stays as it was.
    """
    from index.indexing import rebuild as rebuild_index
    from service.bootstrap import open_embedder, open_store, splitter

    settings = settings_with(
        index=index,
        embedder=embedder,
        passage_tokens=passage_tokens,
        overlap_tokens=overlap_tokens,
    )
    store = open_store(settings)
    try:
        recorded = store.settings
        named = recorded.embedder.name if settings.embedder is None else settings.embedder
        model = open_embedder(named, settings)
        cut = splitter(settings, recorded.splitter)
        documents, _ = store.counts()
        with progress("Rebuilding", documents) as advance:
            rebuild_index(store, model, cut, advance)
        store.save_vectors()
        documents, passages = store.counts()
        if as_json:
            from service.schemas import status_body

            print_json(status_body(store.folder, store))
            return
    finally:
        store.close()
    from service.text import counted

    typer.echo(f"{counted(documents, 'document')} cut into {counted(passages, 'passage')}")


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on standard error, if that is a terminal; the block calls it for each step."""
    import sys

    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from service.render import console

    columns = (what, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
