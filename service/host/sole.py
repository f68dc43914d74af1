"""One server at a time in a folder."""

import sqlite3
from pathlib import Path

from service.errors import Conflict

LOCK_FILE = "lock.sqlite"

# So many seconds a server that is just ending is waited for.
_WAIT = 2.0


class Sole:
    """Holds a folder for this process, until it is released or the process ends, however.

    The system frees SQLite's lock with the process; SQLite has one on every system.
    """

    def __init__(self, folder: Path) -> None:
        """Take the folder.

        Raises:
            Conflict: another server has it.
        """
        path = folder / LOCK_FILE
        self._connection = sqlite3.connect(
            path, timeout=_WAIT, isolation_level=None, check_same_thread=False
        )
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise Conflict(
                f"{folder}: another server runs with it; stop that one, or give this one a folder "
                "of its own: pincite --set state=FOLDER serve"
            ) from error

    def release(self) -> None:
        """Let another server have it; releasing twice does nothing."""
        self._connection.close()
