"""`serve`: the HTTP service and the web page."""

import logging
import signal
import socket
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import InvalidSettings
from service.commands.changing import check_folders
from service.commands.options import (
    IndexFolder,
    JsonMetadata,
    JsonText,
    Ocr,
    ReaderName,
    settings_with,
)
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
    without_keys: Annotated[
        bool,
        typer.Option(
            "--without-keys",
            help="Ask for no keys, wherever it listens. Anyone who reaches it can read and change "
            "everything.",
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
    json_text: JsonText = None,
    json_metadata: JsonMetadata = None,
    ocr: Ocr = None,
) -> None:
    """Serve the index over HTTP, with a page to ask on, until interrupted."""
    from service.host.names import is_loopback, trusted_proxies
    from service.host.server import Door

    check_folders(watch or [])
    check_sweep(sweep)
    settings = settings_with(
        index=index,
        reader=reader,
        host=host,
        port=port,
        json_text=json_text,
        json_metadata=json_metadata,
        ocr=ocr,
    )
    proxies = trusted_proxies(settings)
    # What comes through a proxy comes from other machines.
    local = is_loopback(settings.host) and not proxies
    door = Door.OPEN if without_keys else Door.KEYED if local else Door.LOCKED
    if not 0 <= settings.port <= 65_535:
        raise InvalidSettings(f"--port: is {settings.port}, expected from 0 to 65535")
    listener = _listen(settings.host, settings.port)

    from service.bootstrap import open_server
    from service.host.collections import DEFAULT
    from service.http import connections
    from service.http.app import create_app
    from service.observing.logs import configure, facts

    with listener:
        configure(settings)
        server = open_server(settings, door)
        if door is Door.LOCKED and not server.keys.any_valid():
            server.close()
            raise InvalidSettings(
                f"{settings.host}: other machines could reach the service there, and it has no "
                "keys; make one: pincite keys create NAME --scope admin; or say that anyone may "
                "read and change everything: --without-keys"
            )
        app = create_app(server)
        running = connections.server(
            app,
            drain_seconds=settings.drain_seconds,
            stopping=server.jobs.stop,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
        )
        address, number = listener.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        if settings.log_format == "json":
            log.info("listening", extra=facts(address=f"http://{shown}:{number}/"))
        else:
            typer.echo(f"Pincite answers at http://{shown}:{number}/ (Ctrl-C stops it)", err=True)
        if watch:
            with server.collections.use(DEFAULT) as collection:
                _follow(collection.engine, watch, settings, sweep)
        try:
            # The signal that stops it comes once more when everything is closed.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            running.run(sockets=[listener])
        except KeyboardInterrupt:
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
                # What a file is called is for those who ask for it; `status --failed` tells it.
                log.debug("failed: %s", outcome.reason or outcome.name)

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
