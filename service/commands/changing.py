"""`index`, `sync` and `remove`: the commands that bring an index in step with files."""

from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import InvalidSettings, NoIndex
from service.commands.options import (
    AsJson,
    Documents,
    EmbedderName,
    IndexFolder,
    JsonMetadata,
    JsonText,
    Ocr,
    OverlapTokens,
    PassageTokens,
    settings_with,
)
from service.commands.output import print_json
from service.commands.progress import meter
from service.errors import ANSWERED, INTERRUPTED, USERS_MISTAKE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from index.files import Scan
    from index.outcomes import Outcome
    from service.settings import Settings

DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Only say what would be done; read and change nothing."),
]


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
    json_text: JsonText = None,
    json_metadata: JsonMetadata = None,
    ocr: Ocr = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Read documents into the index, making one if there is none.

    Files that have not changed since are passed over. Of those that have, only the passages that
    changed are embedded; of moved ones none. What has gone from a folder goes from the index. A
    folder's .pinciteignore says, as a .gitignore does, what is to be left out. Exit status 2 if a
    file that was named could not be read, or if there was nothing to read.
    """
    settings = settings_with(
        index=index,
        embedder=embedder,
        passage_tokens=passage_tokens,
        overlap_tokens=overlap_tokens,
        json_text=json_text,
        json_metadata=json_metadata,
        ocr=ocr,
    )
    _bring_in(settings, path, dry_run, as_json)


def sync(
    folder: Annotated[
        list[str],
        typer.Argument(
            metavar="FOLDER",
            show_default=False,
            help="The folders to bring the index in step with.",
        ),
    ],
    index: IndexFolder = None,
    embedder: EmbedderName = None,
    passage_tokens: PassageTokens = None,
    overlap_tokens: OverlapTokens = None,
    json_text: JsonText = None,
    json_metadata: JsonMetadata = None,
    ocr: Ocr = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Bring the index in step with folders: the same as `index`, for folders only.

    What is new is added, what changed is replaced, what moved is moved, and what has gone is
    removed. Documents from elsewhere stay.
    """
    settings = settings_with(
        index=index,
        embedder=embedder,
        passage_tokens=passage_tokens,
        overlap_tokens=overlap_tokens,
        json_text=json_text,
        json_metadata=json_metadata,
        ocr=ocr,
    )
    check_folders(folder)
    _bring_in(settings, folder, dry_run, as_json)


def check_folders(names: "Sequence[str]") -> None:
    """Make sure that what is to be kept in step is a folder.

    Raises:
        InvalidSettings: one of the names is not that of a folder.
    """
    from index.files import at_home

    for name in names:
        if not at_home(name).is_dir():
            found = "is not a folder" if at_home(name).exists() else "no such folder"
            raise InvalidSettings(f"{name}: {found}; name a folder (for files: pincite index)")


def _bring_in(settings: "Settings", names: "Sequence[str]", dry_run: bool, as_json: bool) -> None:
    from index.database import DATABASE
    from index.files import scan

    found = scan(names, settings.index)
    outcomes = _preview(settings, found) if dry_run else _sync(settings, found, as_json)
    if as_json:
        from service.bodies import outcomes_body

        print_json(outcomes_body(outcomes))
    else:
        from service.render import Page

        page = Page()
        if dry_run:
            page.preview(outcomes)
        is_there = dry_run or (settings.index / DATABASE).exists()
        page.outcomes(outcomes, settings.index if is_there else None, nothing_done=dry_run)
    raise typer.Exit(_exit_code(outcomes))


def _preview(settings: "Settings", found: "Scan") -> "list[Outcome]":
    from index.indexing import preview
    from service.bootstrap import open_store, reading_of

    options = reading_of(settings)
    try:
        store = open_store(settings)
    except NoIndex:
        return preview(found, None, options)
    try:
        return preview(found, store, options)
    finally:
        store.close()


def _sync(settings: "Settings", found: "Scan", as_json: bool) -> "list[Outcome]":
    from service.bootstrap import discard, open_or_create

    opened = open_or_create(settings)
    outcomes: list[Outcome] = []
    try:
        with meter(as_json=as_json) as report:
            outcomes.extend(opened.engine.sync(found, report))
        if any(outcome.changes for outcome in outcomes):
            opened.store.save_vectors()
    except KeyboardInterrupt:
        stored = sum(outcome.changes for outcome in outcomes)
        typer.echo(
            f"pincite: interrupted; stored so far: {stored}, which stay; "
            "run the command again to go on",
            err=True,
        )
        raise typer.Exit(INTERRUPTED) from None
    finally:
        if opened.created and opened.store.counts() == (0, 0):
            discard(opened)
        else:
            opened.engine.close()
    return outcomes


def _exit_code(outcomes: "Sequence[Outcome]") -> int:
    taken = any(outcome.status not in ("failed", "skipped") for outcome in outcomes)
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
        from service.bodies import documents_body

        print_json(documents_body(found))
        return
    from service.render import Page

    page = Page()
    for summary in found:
        page.removed(summary)
