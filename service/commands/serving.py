"""`serve`: the HTTP service and the web page."""

import ipaddress
import logging
import socket
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import InvalidSettings
from service.commands.changing import check_folders
from service.commands.options import IndexFolder, ReaderName, settings_with
from service.commands.watching import Sweep, check_sweep

if TYPE_CHECKING:
    from index.errors import PinciteError
    from index.outcomes import Outcome
    from service.engine import Engine
    from service.settings import Settings

log = logging.getLogger(__name__)


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
    watch: Annotated[
        list[str] | None,
        typer.Option(
            "--watch",
            metavar="FOLDER",
            help="Keep the index in step with this folder meanwhile; may be given several times.",
        ),
    ] = None,
    sweep: Sweep = 300.0,
    index: IndexFolder = None,
    reader: ReaderName = None,
) -> None:
    """Serve the index over HTTP, with a page to ask on, until interrupted."""
    check_folders(watch or [])
    check_sweep(sweep)
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
    from service.bootstrap import open_engine, open_or_create

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("faiss").setLevel(logging.WARNING)
    with listener:
        engine = open_or_create(settings).engine if watch else open_engine(settings)
        app = create_app(engine, settings, allowed_hosts=LOOPBACK_HOSTS if local else None)
        # A log of accesses would keep what people ask; the page's question stands in its address.
        config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
        address, number = listener.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        typer.echo(f"Pincite answers at http://{shown}:{number}/ (Ctrl-C stops it)", err=True)
        if watch:
            _follow(engine, watch, settings, sweep)
        try:
            uvicorn.Server(config).run(sockets=[listener])
        except KeyboardInterrupt:
            # The usual way to stop a server; uvicorn has closed everything by now.
            return


def _follow(engine: "Engine", folders: list[str], settings: "Settings", sweep: float) -> None:
    """Keep an engine's index in step with folders, in a thread that ends before it is closed."""
    from index.outcomes import tally
    from service.text import visible
    from service.watching import follow

    stop = threading.Event()

    def tell(outcomes: "list[Outcome]") -> None:
        log.info("documents: %s", tally(outcomes))
        for outcome in outcomes:
            if outcome.status == "failed":
                log.warning("failed: %s", visible(outcome.reason or outcome.name))

    def complain(error: "PinciteError") -> None:
        log.error("the folders could not be followed just now: %s", visible(str(error)))

    def run() -> None:
        try:
            follow(engine, folders, stop, tell, complain, index=settings.index, sweep=sweep)
        except Exception:
            # The server goes on with what it has; the log has all of it.
            log.exception("the folders are not followed any more")

    thread = threading.Thread(target=run, name="pincite-watch", daemon=True)

    def end() -> None:
        stop.set()
        thread.join()

    engine.before_closing(end)
    thread.start()


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
