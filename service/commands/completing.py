"""What a shell may complete beside commands and options: documents, models, collections, filters.

The shell puts what is offered on the command line, and zsh evaluates it before, so that a file's
name could run a program. Only words that mean nothing but themselves in every shell are offered.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from index.errors import PinciteError

if TYPE_CHECKING:
    from service.settings import Settings

_PLAIN = re.compile(r"[\w./][\w./@%+,=~-]*")
_STRANGE = re.compile(r"[^\w ./,-]+")
_MOST = 200
_LONGEST_HELP = 60

# Not those with < or >, which would read and write files where they are put unquoted.
_FILTERS = {
    "path~": "the file's path, with * and ?",
    "title~": "the title, with * and ?",
    "type=": "the kind, such as pdf",
    "language=": "the language, such as en",
    "author=": "who wrote it",
}

# A word with what is said of it, as zsh and fish show it.
Offer = tuple[str, str]


def documents(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Paths and ids of the index's documents."""
    return _offered(_documents(ctx, incomplete), incomplete)


def _documents(ctx: typer.Context, incomplete: str) -> Iterator[Offer]:
    from service.bootstrap import open_store
    from service.text import file_name

    store = open_store(_settings(ctx))
    try:
        found = store.documents()
    finally:
        store.close()
    base = Path.cwd()
    for summary in found:
        name = file_name(summary.uri, base)
        by_id = not _PLAIN.fullmatch(name) or (incomplete and summary.id.startswith(incomplete))
        yield (summary.id, f"{name} {summary.title}") if by_id else (name, summary.title)


def embedders(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Bundled embedders, and the index's own."""
    return _offered(_models(ctx, "embedder"), incomplete)


def readers(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Bundled readers."""
    return _offered(_models(ctx, "reader"), incomplete)


def _models(ctx: typer.Context, kind: str) -> Iterator[Offer]:
    from service.bootstrap import models_at_hand

    for model in models_at_hand(_settings(ctx)):
        if model.kind == kind:
            yield model.name, "in use" if model.in_use else "bundled"


def collections(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """The server's collections."""
    return _offered(_collections(ctx), incomplete)


def _collections(ctx: typer.Context) -> Iterator[Offer]:
    from service.host.collections import DEFAULT
    from service.host.server import COLLECTIONS, server_folder

    settings = _settings(ctx)
    yield DEFAULT, "the index that is served"
    for name, folder in settings.collections.items():
        yield name, str(folder)
    made = server_folder(settings) / COLLECTIONS
    if made.is_dir():
        for folder in sorted(made.iterdir()):
            yield folder.name, "made in the server"


def filters(incomplete: str) -> list[Offer]:
    """Beginnings of conditions; after `type=` the endings of files that are read."""
    if incomplete.startswith("type="):
        return _offered(_types(), incomplete)
    return _offered(_FILTERS.items(), incomplete)


def _types() -> Iterator[Offer]:
    from index.extract.formats import FORMATS

    for found in FORMATS.values():
        for suffix in found.suffixes:
            yield f"type={suffix.removeprefix('.')}", found.label


def _settings(ctx: typer.Context) -> "Settings":
    from service.commands.options import configured_by, settings_with

    given = ctx.find_root().params
    with configured_by(given.get("config"), given.get("assigned")):
        return settings_with(index=ctx.params.get("index"))


def _offered(offers: Iterable[Offer], incomplete: str) -> list[Offer]:
    """Those that continue what stands there and are plain words; at most 200."""
    try:
        fitting = (
            (word, _help(text))
            for word, text in offers
            if word.startswith(incomplete) and _PLAIN.fullmatch(word)
        )
        return list(islice(fitting, _MOST))
    except (PinciteError, OSError):
        # A shell that completes has no place for a message; the command itself will give it.
        return []


def _help(text: str) -> str:
    return " ".join(_STRANGE.sub(" ", text[: 4 * _LONGEST_HELP]).split())[:_LONGEST_HELP]
