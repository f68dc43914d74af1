"""`collections`: several indexes in one server."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import NoIndex, PinciteError
from service.commands.options import AsJson, IndexFolder, settings_with
from service.commands.output import print_json
from service.commands.served import server_state
from service.text import counted, visible

if TYPE_CHECKING:
    from service.engine import Engine
    from service.host.collections import Collections
    from service.schemas import PlacedCollectionBody
    from service.settings import Settings


def create(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Its name: 1 to 63 small letters, digits, - and _; no - or _ first.",
        ),
    ],
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make an empty collection. It can be used at once, also in a server that is running.

    One is removed with all its documents over HTTP (DELETE /v1/collections/NAME) or in the page,
    since the server may be at work with it.
    """
    from service.observing.audit import audit, open_trail

    settings = settings_with(index=index)
    open_trail(settings.audit_log)
    try:
        with _collections(settings, make=True) as collections:
            collections.create(name)
            audit("collection.create", None, name)
            made = _placed(settings, name, collections.folder(name))
    finally:
        open_trail(None)
    if as_json:
        print_json(made)
    else:
        typer.echo(f"The collection {name} is in {visible(made.folder)}", err=True)


def list_collections(index: IndexFolder = None, as_json: AsJson = False) -> None:
    """List the collections of the server around an index, whether it is running or not."""
    from service.schemas import PlacedCollectionsBody

    settings = settings_with(index=index)
    with _collections(settings) as collections:
        found = [_placed(settings, name, collections.folder(name)) for name in collections.names()]
    if as_json:
        print_json(PlacedCollectionsBody(collections=found))
        return
    width = max(len(one.name) for one in found)
    for one in found:
        held = f"{counted(one.documents, 'document')}, {counted(one.passages, 'passage')}"
        if not one.usable:
            held = "cannot be used"
        typer.echo(f"{one.name.ljust(width)}  {held}  {visible(one.folder)}")


@contextmanager
def _collections(settings: "Settings", *, make: bool = False) -> "Iterator[Collections]":
    """The collections of the server around an index; see `server_state`."""
    from service.bootstrap import Parts, open_or_create
    from service.host.collections import DEFAULT, Collections
    from service.host.server import COLLECTIONS, server_folder

    parts = Parts(settings)

    def open_engine(place: Path) -> "Engine":
        return open_or_create(replace(settings, index=place), parts).engine

    with closing(parts), server_state(settings, "collections", make=make) as state:
        named = {DEFAULT: settings.index, **settings.collections}
        folder = server_folder(settings) / COLLECTIONS
        with closing(Collections(state, folder, named, open_engine)) as collections:
            yield collections


def _placed(settings: "Settings", name: str, folder: Path) -> "PlacedCollectionBody":
    """What the index in a folder holds; nothing where there is none yet, or it cannot be used."""
    from service.bootstrap import open_store
    from service.schemas import PlacedCollectionBody

    documents = passages = 0
    usable = True
    try:
        with closing(open_store(replace(settings, index=folder))) as store:
            documents, passages = store.counts()
    except NoIndex:
        pass
    except PinciteError as error:
        usable = False
        typer.echo(f"pincite: the collection {name}: {visible(str(error))}", err=True)
    return PlacedCollectionBody(
        name=name,
        documents=documents,
        passages=passages,
        folder=str(folder.absolute()),
        usable=usable,
    )
