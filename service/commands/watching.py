"""`watch`: keep the index in step with folders until interrupted."""

import threading
from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import InvalidSettings
from service.commands.changing import check_folders
from service.commands.options import (
    AsJson,
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

if TYPE_CHECKING:
    from index.errors import PinciteError
    from index.outcomes import Outcome

Sweep = Annotated[
    float,
    typer.Option(
        "--sweep",
        metavar="SECONDS",
        help="Look at everything that often, whatever the system told of changes.",
    ),
]


def watch(
    folder: Annotated[
        list[str],
        typer.Argument(
            metavar="FOLDER", show_default=False, help="The folders to follow, with all below them."
        ),
    ],
    sweep: Sweep = 300.0,
    index: IndexFolder = None,
    embedder: EmbedderName = None,
    passage_tokens: PassageTokens = None,
    overlap_tokens: OverlapTokens = None,
    json_text: JsonText = None,
    json_metadata: JsonMetadata = None,
    ocr: Ocr = None,
    as_json: AsJson = False,
) -> None:
    """Keep the index in step with folders as they change, until interrupted.

    Begins with what `sync` does, then says in a line what became of each burst of changes. Files
    that are still being written are waited for.
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
    check_sweep(sweep)

    from service.bodies import outcomes_body
    from service.bootstrap import open_or_create
    from service.render import Page
    from service.text import visible
    from service.watching import follow

    page = Page()

    def tell(outcomes: "list[Outcome]") -> None:
        if as_json:
            print_json(outcomes_body(outcomes), one_line=True)
        else:
            page.outcomes(outcomes, settings.index)

    def complain(error: "PinciteError") -> None:
        typer.echo(f"pincite: {visible(str(error))}", err=True)

    opened = open_or_create(settings)
    try:
        follow(
            opened.engine,
            folder,
            threading.Event(),
            tell,
            complain,
            index=settings.index,
            sweep=sweep,
        )
    except KeyboardInterrupt:
        # The usual way to end it; what was stored is whole.
        return
    finally:
        opened.engine.close()


def check_sweep(seconds: float) -> None:
    """Refuse a time between sweeps that cannot work.

    Raises:
        InvalidSettings: it is less than a second or no number.
    """
    if not 1 <= seconds <= 86_400:
        raise InvalidSettings(f"--sweep: is {seconds}, expected from 1 to 86400 seconds")
