"""`calibrate`."""

from pathlib import Path
from typing import Annotated

import typer

from index.errors import InvalidSettings
from qa.answers import PASSAGES
from service.commands.options import AsJson, IndexFolder, Passages, ReaderName, settings_with


def calibrate(
    questions: Annotated[
        str | None,
        typer.Argument(
            metavar="QUESTIONS",
            show_default=False,
            help="A line of JSON a question, as for pincite eval answers; what the server's "
            "/v1/feedback/questions gives is one.",
        ),
    ] = None,
    documents: Annotated[
        str,
        typer.Option(
            "--documents",
            metavar="FOLDER",
            help="The folder in which the questions name documents; this one unless given.",
        ),
    ] = ".",
    index: IndexFolder = None,
    reader: ReaderName = None,
    passages: Passages = PASSAGES,
    readings: Annotated[
        str | None,
        typer.Option(
            "--readings",
            metavar="FILE",
            help="Keep what is read in this file, and go on with it the next time.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", help="Fit to only so many, drawn by chance; all unless given."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what it would be worth.")
    ] = False,
    reset: Annotated[
        bool,
        typer.Option("--reset", help="Forget what was fitted, and go by the reader's own again."),
    ] = False,
    into_reader: Annotated[
        bool,
        typer.Option(
            "--into-reader",
            help="Fit from nothing, over an index of --documents, and write the result into the "
            "reader's folder, for all who use it.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fit how sure answers are to labelled questions about the documents.

    The index remembers what was fitted, and answers by it with the same reader. It is kept only if
    it is better on questions that it was not fitted to.
    """
    settings = settings_with(index=index, reader=reader)
    if reset:
        if questions is not None or into_reader or dry_run:
            raise InvalidSettings("--reset: goes with --index only; leave the rest out")
        from service.calibrating import forget

        forget(settings)
        return
    if questions is None:
        raise InvalidSettings("QUESTIONS: is missing; name a file of labelled questions")
    if not 1 <= passages <= 200:
        raise InvalidSettings(f"--passages: is {passages}, expected from 1 to 200")
    if limit is not None and limit < 1:
        raise InvalidSettings(f"--limit: is {limit}, expected a number from 1 up")
    from service.calibrating import Asked, calibrate_index, calibrate_reader

    kept = None if readings is None else _path(readings)
    asked = Asked(_path(questions), _path(documents), passages, limit, kept)
    if into_reader:
        if dry_run:
            raise InvalidSettings("--dry-run: does not go with --into-reader; leave one out")
        calibrate_reader(settings, asked, None if index is None else _path(index), as_json=as_json)
    else:
        calibrate_index(settings, asked, dry_run=dry_run, as_json=as_json)


def _path(name: str) -> Path:
    return Path(name).expanduser()
