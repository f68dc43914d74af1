"""What a server keeps, opened by commands whether it is running or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from index.errors import InvalidSettings

if TYPE_CHECKING:
    from service.host.state import State
    from service.settings import Settings


@contextmanager
def server_state(settings: "Settings", sought: str, *, make: bool) -> "Iterator[State]":
    """The state of the server around an index; `sought` is the command group that asks for it.

    Raises:
        InvalidSettings: there is no such server, and none shall be made.
    """
    from service.host.server import server_folder
    from service.host.state import STATE_FILE, State

    folder = server_folder(settings)
    if not make and not (folder / STATE_FILE).exists():
        raise InvalidSettings(
            f"{folder}: there are no {sought} here; make one: pincite {sought} create NAME, or say "
            "which index the server is for: --index FOLDER"
        )
    state = State.open(folder)
    try:
        yield state
    finally:
        state.close()
