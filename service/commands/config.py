"""`config`: what is set, and where each value came from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import (
    AsJson,
    EmbedderName,
    IndexFolder,
    ReaderName,
    settled_with,
)
from service.configuration import template
from service.settings import SETTINGS, Settings, Settled

if TYPE_CHECKING:
    from service.schemas.settings import SettingsBody


def config(
    as_template: Annotated[
        bool,
        typer.Option(
            "--template",
            help="Print a configuration file with every setting and its help instead.",
        ),
    ] = False,
    index: IndexFolder = None,
    embedder: EmbedderName = None,
    reader: ReaderName = None,
    host: Annotated[
        str | None, typer.Option(metavar="HOST", help="What --host of serve would set.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", help="What --port of serve would set.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show every setting, its value and where that came from.

    Settings come from the configuration file, then the environment, then the command line; later
    ones win. Make a file to begin with: pincite config --template > pincite.toml
    """
    if as_template:
        typer.echo(template(SETTINGS, Settings()), nl=False)
        return
    settled = settled_with(index=index, embedder=embedder, reader=reader, host=host, port=port)
    if as_json:
        from service.commands.output import print_json

        print_json(settings_body(settled))
        return
    from service.text import visible

    rows = [
        (one.name, words(getattr(settled.settings, one.name)), settled.origins[one.name])
        for one in SETTINGS
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, value, origin in rows:
        typer.echo(f"{name:{widths[0]}}  {visible(value):{widths[1]}}  {visible(origin)}")


def words(value: object) -> str:
    """A setting's value for people, on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} = {folder}" for name, folder in value.items()) or "-"
    if isinstance(value, tuple):
        return ", ".join(value) or "-"
    return "-" if value is None else str(value)


def settings_body(settled: Settled) -> "SettingsBody":
    """The settings as they are printed with `--json`."""
    from service.schemas.settings import SettingBody, SettingsBody

    return SettingsBody(
        settings=[
            SettingBody(
                name=one.name,
                value=_plain(getattr(settled.settings, one.name)),
                origin=settled.origins[one.name],
                variable=one.variable,
                expected=one.kind.expected,
                help=one.help,
            )
            for one in SETTINGS
        ]
    )


def _plain(value: object) -> int | str | list[str] | dict[str, str] | None:
    if isinstance(value, dict):
        return {name: str(folder) for name, folder in value.items()}
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Path):
        return str(value)
    return value if isinstance(value, int | str) else None
