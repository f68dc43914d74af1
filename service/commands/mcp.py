"""`mcp`: the index as tools of the Model Context Protocol, on standard input and output."""

import logging
import sys

import typer

from service.commands.options import IndexFolder, ReaderName, settings_with


def mcp(index: IndexFolder = None, reader: ReaderName = None) -> None:
    """Offer the index to a program that speaks the Model Context Protocol, on standard streams.

    The tools ask, search, read and list only read. Have the program start this command, with the
    index as an absolute path. The settings' further collections are offered as well. A running
    `pincite serve` offers the same at /mcp.
    """
    from dataclasses import replace
    from pathlib import Path

    import anyio

    from service.bootstrap import open_engine
    from service.engine import Engine
    from service.host.collections import DEFAULT
    from service.mcp.desk import LocalDesk
    from service.mcp.stdio import serve

    settings = settings_with(index=index, reader=reader)

    def opened(folder: Path) -> Engine:
        return open_engine(replace(settings, index=folder))

    desk = LocalDesk({DEFAULT: settings.index, **settings.collections}, opened)
    # Standard output is the protocol's alone.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="pincite: %(message)s")
    try:
        # Now rather than at the first question, for a plain word where there is no index.
        with desk.use(DEFAULT):
            if sys.stdin.isatty():
                typer.echo("Waiting for a program to speak MCP; Ctrl-D ends it.", err=True)
            anyio.run(serve, desk)
    except KeyboardInterrupt:
        # The usual way to stop it, beside closing its input.
        return
    finally:
        desk.close()
