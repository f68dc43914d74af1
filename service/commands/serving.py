"""`serve`: the HTTP service and the web page."""

import ipaddress
import logging
import socket
from typing import Annotated

import typer

from index.errors import InvalidSettings
from service.commands.options import IndexFolder, ReaderName, settings_with


def serve(
    host: Annotated[
        str | None,
        typer.Option(
            metavar="HOST",
            help="The address to listen on; PINCITE_HOST, or else 127.0.0.1, unless given.",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            help="The port to listen on, 0 for any free one; PINCITE_PORT, or else 8000, unless "
            "given.",
        ),
    ] = None,
    allow_remote: Annotated[
        bool,
        typer.Option(
            "--allow-remote",
            help="Listen on an address that other machines reach. Anyone who reaches it can read "
            "and change the index.",
        ),
    ] = False,
    index: IndexFolder = None,
    reader: ReaderName = None,
) -> None:
    """Serve the index over HTTP, with a page to ask on, until interrupted."""
    settings = settings_with(index=index, reader=reader, host=host, port=port)
    local = is_loopback(settings.host)
    if not local and not allow_remote:
        raise InvalidSettings(
            f"{settings.host}: other machines could reach the service there, and it knows no keys; "
            "listen on 127.0.0.1, or say that you mean it: --allow-remote"
        )
    if not 0 <= settings.port <= 65_535:
        raise InvalidSettings(f"--port: is {settings.port}, expected from 0 to 65535")
    listener = _listen(settings.host, settings.port)

    import uvicorn

    from service.app import LOOPBACK_HOSTS, create_app
    from service.bootstrap import open_engine

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("faiss").setLevel(logging.WARNING)
    with listener:
        app = create_app(
            open_engine(settings), settings, allowed_hosts=LOOPBACK_HOSTS if local else None
        )
        # A log of accesses would keep what people ask; the page's question stands in its address.
        config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
        address, number = listener.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        typer.echo(f"Pincite answers at http://{shown}:{number}/ (Ctrl-C stops it)", err=True)
        try:
            uvicorn.Server(config).run(sockets=[listener])
        except KeyboardInterrupt:
            # The usual way to stop a server; uvicorn has closed everything by now.
            return


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        InvalidSettings: the address is not ours, or the port is taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        raise InvalidSettings(
            f"cannot listen on {host}, port {port} ({error.strerror or error}); "
            "choose another with --host or --port"
        ) from error
    return listener
