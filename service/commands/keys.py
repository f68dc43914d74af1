"""`keys`: who may use the server, and what each may do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import InvalidSettings
from service.commands import completing
from service.commands.options import AsJson, IndexFolder, settings_with
from service.commands.output import print_json
from service.commands.served import server_state
from service.text import visible

if TYPE_CHECKING:
    from service.host.keys import Keys
    from service.host.state import State
    from service.settings import Settings

_SPAN = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 7 * 24}


class ScopeName(StrEnum):
    """What a key may do, as it is given on the command line."""

    read = "read"
    write = "write"
    admin = "admin"


def create(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What to call it, to tell it from others.")
    ],
    scope: Annotated[
        ScopeName,
        typer.Option(
            help="What it may do: read; write, which includes read; admin, which includes both."
        ),
    ] = ScopeName.read,
    collection: Annotated[
        list[str] | None,
        typer.Option(
            "--collection",
            metavar="NAME",
            help="A collection that it opens; may be given several times. All of them, also those "
            "made later, unless given.",
            autocompletion=completing.collections,
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="When it opens nothing any more: after so long (12h, 90d, 4w) or from a day on "
            "(2036-01-31). Never, unless given.",
        ),
    ] = None,
    per_minute: Annotated[
        int | None,
        typer.Option(
            "--per-minute",
            metavar="N",
            help="How many requests it may make in a minute; the server's own limit unless given.",
        ),
    ] = None,
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make a key, and show it this once.

    It works at once, also in a server that is running. Once there is a key, the server asks for
    one wherever it listens.
    """
    from service.host.keys import Scope
    from service.observing.audit import audit

    settings = settings_with(index=index)
    expires_at = None if expires is None else when(expires, datetime.now(UTC))
    with _keys(settings, make=True) as (keys, state):
        _check_collections(settings, state, collection or [])
        first = not keys.any_made()
        key, whole = keys.create(
            name,
            Scope(scope.value),
            collection or None,
            per_minute=per_minute,
            expires_at=expires_at,
        )
        audit("key.create", None, None, made=key.id, scope=key.scope.value)
    if as_json:
        from service.bodies import key_body
        from service.schemas import MadeKeyBody

        print_json(MadeKeyBody(**key_body(key).model_dump(), key=whole))
        return
    typer.echo(whole)
    typer.echo("This is the only time it is shown; keep it where secrets are kept.", err=True)
    if first:
        typer.echo(
            f"It is the first key for {visible(str(settings.index))}: from now on its server asks "
            "for one.",
            err=True,
        )


def list_keys(index: IndexFolder = None, as_json: AsJson = False) -> None:
    """List the keys, without the secrets, which nobody has any more."""
    from service.bodies import key_body
    from service.schemas import KeysBody

    with _keys(settings_with(index=index)) as (keys, _):
        body = KeysBody(keys=[key_body(key) for key in keys.all()])
    if as_json:
        print_json(body)
        return
    heads = ("ID", "SCOPE", "STATE", "EXPIRES", "LAST USED", "COLLECTIONS", "NAME")
    rows = [
        (
            key.id,
            key.scope,
            key.state,
            _day(key.expires_at),
            _day(key.last_used_at),
            "all" if key.collections is None else ",".join(key.collections),
            visible(key.name),
        )
        for key in body.keys
    ]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def revoke(
    key_id: Annotated[
        str, typer.Argument(metavar="ID", help="The key's id, as pincite keys list shows it.")
    ],
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let a key open nothing any more: at once, also in a server that is running."""
    from service.observing.audit import audit

    with _keys(settings_with(index=index)) as (keys, _):
        keys.revoke(key_id)
        audit("key.revoke", None, None, revoked=key_id)
        [revoked] = [key for key in keys.all() if key.id == key_id]
    if as_json:
        from service.bodies import key_body

        print_json(key_body(revoked))
    else:
        typer.echo(f"The key {revoked.name!r} opens nothing any more.", err=True)


@contextmanager
def _keys(settings: "Settings", *, make: bool = False) -> "Iterator[tuple[Keys, State]]":
    """The keys of the server around an index, and its state; see `server_state`."""
    from service.host.keys import Keys
    from service.observing.audit import open_trail

    with server_state(settings, "keys", make=make) as state:
        open_trail(settings.audit_log)
        try:
            yield Keys(state), state
        finally:
            open_trail(None)


def _check_collections(settings: "Settings", state: "State", names: list[str]) -> None:
    """Make sure that there are collections of these names.

    Raises:
        InvalidSettings: there is none of one of them.
    """
    from service.host.collections import DEFAULT

    made = (str(row["name"]) for row in state.rows("SELECT name FROM collections"))
    there = {DEFAULT, *settings.collections, *made}
    for name in names:
        if name not in there:
            raise InvalidSettings(
                f"--collection {name}: there is none of this name; there are: "
                f"{', '.join(sorted(there))}"
            )


def when(words: str, now: datetime) -> datetime:
    """The time that words mean: a span from now, or the beginning of a day, UTC.

    Raises:
        InvalidSettings: they mean none.
    """
    span = _SPAN.fullmatch(words)
    try:
        if span is not None:
            return now + timedelta(hours=int(span[1]) * _HOURS[span[2]])
        found = datetime.strptime(words, "%Y-%m-%d")
    except ValueError as error:
        raise InvalidSettings(
            f"--expires: is {words!r}, expected a span such as 12h, 90d or 4w, or a day such as "
            "2036-01-31"
        ) from error
    return found.replace(tzinfo=UTC)


def _day(stamp: str | None) -> str:
    return "-" if stamp is None else stamp.partition("T")[0]
