"""`status`, `list`, `show`, `doctor`, `formats` and `models`: the commands that only look."""

from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import IndexStoreError, ModelError, NoIndex, PinciteError
from service.commands import completing
from service.commands.options import AsJson, IndexFolder, Where, settings_with
from service.commands.output import print_json
from service.errors import OURS

if TYPE_CHECKING:
    from service.settings import Settings


def status(
    failed: Annotated[
        bool,
        typer.Option("--failed", help="Show what could not be read, and why, instead."),
    ] = False,
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show what the index holds and what it was made with."""
    from service.bodies import failures_body, status_body
    from service.bootstrap import open_store

    store = open_store(settings_with(index=index))
    try:
        body = failures_body(store) if failed else status_body(store.folder, store)
    finally:
        store.close()
    if as_json:
        print_json(body)
        return
    from service.render import Page
    from service.schemas import FailuresBody

    page = Page()
    if isinstance(body, FailuresBody):
        page.failures(body)
    else:
        page.status(body)


def formats(as_json: AsJson = False) -> None:
    """List the formats that are read, with their usual endings.

    What is in a file decides, not what it is called. Reading scanned pages needs more: index them
    with --ocr, which says how to get it.
    """
    from service.bodies import formats_body

    body = formats_body()
    if as_json:
        print_json(body)
        return
    from service.render import Page

    Page().table([(found.name, " ".join(found.suffixes)) for found in body.formats])


def list_documents(where: Where = None, index: IndexFolder = None, as_json: AsJson = False) -> None:
    """List the documents of the index, or those that fit."""
    from index.filters import parse
    from service.bootstrap import open_store

    conditions = parse(where or [])
    store = open_store(settings_with(index=index))
    try:
        documents = conditions.select(store.documents())
    finally:
        store.close()
    if as_json:
        from service.bodies import documents_body

        print_json(documents_body(documents))
        return
    from service.render import Page

    Page().documents(documents, conditions)


def show(
    document: Annotated[
        str,
        typer.Argument(
            metavar="DOCUMENT",
            show_default=False,
            autocompletion=completing.documents,
            help="Which document: its id, the beginning of its id (4 characters or more), its "
            "path or its URI.",
        ),
    ],
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show a document as the index knows it: its parts, and the text that all places point into."""
    from service.bootstrap import open_store
    from service.engine import find

    store = open_store(settings_with(index=index))
    try:
        found = store.document(find(store.documents(), document).id)
    finally:
        store.close()
    if as_json:
        from service.bodies import document_body

        print_json(document_body(found))
        return
    from service.render import Page

    Page().document(found)


def doctor(index: IndexFolder = None, as_json: AsJson = False) -> None:
    """Check the index and the models, and say what is wrong and how to mend it.

    Exit status 3 if something is wrong.
    """
    from service.schemas import CheckBody, ReportBody

    settings = settings_with(index=index)
    checks = [CheckBody(name=name, ok=ok, found=found) for name, ok, found in _checks(settings)]
    body = ReportBody(ok=all(check.ok for check in checks), checks=checks)
    if as_json:
        print_json(body)
    else:
        from service.render import Page

        page = Page()
        page.table([(f"{'ok' if c.ok else 'WRONG':5} {c.name}", c.found) for c in checks])
    if not body.ok:
        raise typer.Exit(OURS)


def _checks(settings: "Settings") -> list[tuple[str, bool, str]]:
    from index.doctor import check
    from qa.index_calibration import state
    from service.bootstrap import open_engine, open_reader, open_store

    found: list[tuple[str, bool, str]] = []
    embedder = None
    try:
        engine = open_engine(settings)
        try:
            embedder = engine.embedder
            found.append(("embedder", True, embedder.identity.name))
        finally:
            engine.close()
    except NoIndex:
        raise
    except PinciteError as error:
        found.append(("embedder", False, str(error)))
    report = check(settings.index, embedder)
    found.extend((item.name, item.ok, item.found) for item in report.checks)
    try:
        reader = open_reader(settings)
    except ModelError as error:
        found.append(("reader", False, str(error)))
        return found
    found.append(("reader", True, reader.name))
    try:
        store = open_store(settings)
    except IndexStoreError:  # which is among the findings above
        return found
    try:
        found.append(("calibration", *state(store, reader)))
    finally:
        store.close()
    return found


def models(index: IndexFolder = None, as_json: AsJson = False) -> None:
    """List the models that ship with Pincite, and the one that the index was made with."""
    from service.bootstrap import models_at_hand

    found = models_at_hand(settings_with(index=index))
    if as_json:
        from service.schemas import ModelBody, ModelsBody

        bodies = [
            ModelBody(
                name=model.name,
                kind=model.kind,
                licence=model.licence,
                checksum=model.checksum,
                folder=None if model.folder is None else str(model.folder),
                in_use=model.in_use,
            )
            for model in found
        ]
        print_json(ModelsBody(models=bodies))
        return
    from service.render import Page

    page = Page()
    for model in found:
        page.model(model)
