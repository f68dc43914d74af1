"""`reindex`: another embedder or other passages, for all documents."""

from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import InvalidSettings
from service.commands.options import (
    AsJson,
    EmbedderName,
    IndexFolder,
    OverlapTokens,
    PassageTokens,
    settings_with,
)
from service.commands.output import print_json
from service.commands.progress import meter
from service.errors import INTERRUPTED

if TYPE_CHECKING:
    from index.outcomes import Report
    from index.store import PassageStore
    from service.settings import Settings


def reindex(
    index: IndexFolder = None,
    embedder: EmbedderName = None,
    passage_tokens: PassageTokens = None,
    overlap_tokens: OverlapTokens = None,
    rollback: Annotated[
        bool,
        typer.Option("--rollback", help="Go back to what the index was before the last time."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Cut and embed all documents again, for another embedder or other passages.

    The files themselves are not needed. The index answers as before until all is done, then as it
    was made anew. Interrupted, the same command goes on where it was; and --rollback undoes it.
    """
    from service.bootstrap import open_store

    settings = settings_with(
        index=index,
        embedder=embedder,
        passage_tokens=passage_tokens,
        overlap_tokens=overlap_tokens,
    )
    if rollback and (embedder, passage_tokens, overlap_tokens) != (None, None, None):
        raise InvalidSettings("--rollback goes back to what was; leave out the other options")
    store = open_store(settings)
    try:
        with meter(as_json=as_json) as report:
            (_roll_back if rollback else _reindex)(store, settings, report)
        store.save_vectors()
        documents, passages = store.counts()
        if as_json:
            from service.bodies import status_body

            print_json(status_body(store.folder, store))
            return
    except KeyboardInterrupt:
        done, total = store.edition_progress() or (0, 0)
        typer.echo(
            f"pincite: interrupted; done so far: {done} of {total} documents, which are kept; the "
            "index is as before; run the command again to go on",
            err=True,
        )
        raise typer.Exit(INTERRUPTED) from None
    finally:
        store.close()
    from service.text import counted

    typer.echo(f"{counted(documents, 'document')} cut into {counted(passages, 'passage')}")


def _reindex(store: "PassageStore", settings: "Settings", report: "Report") -> None:
    from index.reindex import reindex
    from index.store import IndexSettings
    from service.bootstrap import open_embedder, splitter

    recorded = store.settings
    named = recorded.embedder.name if settings.embedder is None else settings.embedder
    model = open_embedder(named, settings)
    cut = splitter(settings, recorded.splitter)
    if store.building == IndexSettings(model.identity, cut):
        done, total = store.edition_progress() or (0, 0)
        typer.echo(f"Going on where it was: {done} of {total} documents are done", err=True)
    reindex(store, model, cut, report)


def _roll_back(store: "PassageStore", settings: "Settings", report: "Report") -> None:
    from index.reindex import roll_back
    from service.bootstrap import open_embedder

    roll_back(store, lambda name: open_embedder(name, settings), report)
