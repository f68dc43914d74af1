"""The lines typed before, kept in a file that only their person can read."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from prompt_toolkit.history import History

from index.errors import InvalidSettings

MOST_LINES = 1_000


class LineHistory(History):
    """Lines typed at the prompt, in a file of one a line, of which the last are kept."""

    def __init__(self, path: Path, most: int = MOST_LINES) -> None:
        """Open the file, or make it, for this user alone; all but the `most` last lines go.

        Raises:
            InvalidSettings: it cannot be kept there.
        """
        super().__init__()
        self._path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _opened(path).close()
            path.chmod(0o600)
            lines = self._lines()
            if len(lines) > most:
                self._shorten(lines[-most:])
        except OSError as error:
            raise InvalidSettings(
                f"{path}: what is typed cannot be kept there ({error.strerror or error}); "
                "go without: --no-history"
            ) from error

    def load_history_strings(self) -> Iterable[str]:
        """The lines, the last one first."""
        return reversed(self._lines())

    def store_string(self, string: str) -> None:
        """Add a line."""
        with _opened(self._path) as file:
            file.write(" ".join(string.splitlines()) + "\n")

    def _lines(self) -> list[str]:
        # Not splitlines(), which takes further characters for the end of a line.
        text = self._path.read_text(encoding="utf-8", errors="replace")
        return [line for line in text.split("\n") if line]

    def _shorten(self, lines: list[str]) -> None:
        shorter = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with _opened(shorter) as file:
            file.write("".join(f"{line}\n" for line in lines))
        shorter.replace(self._path)


def _opened(path: Path) -> TextIO:
    """The file, to add to; it is made for this user alone, and a link is not followed."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    return os.fdopen(
        os.open(path, flags, 0o600), "a", encoding="utf-8", errors="replace", newline="\n"
    )
