"""Shows text in the person's pager."""

import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from index.errors import InvalidSettings
from service.chat.excerpt import Sheet

_USUAL = ("less", "more")


@dataclass(frozen=True, slots=True)
class Pager:
    """A program that shows what comes on its standard input; `words` are its command line."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, command: str | None) -> "Pager":
        """The pager that `PAGER` names; without it, the first there is of the usual ones.

        Raises:
            InvalidSettings: its quotation marks do not pair, or there is no pager.
        """
        if command is None or not command.strip():
            found = next(filter(None, map(shutil.which, _USUAL)), None)
            if found is None:
                raise InvalidSettings("there is no pager (less or more); set PAGER to one")
            return cls((found,))
        try:
            return cls(tuple(shlex.split(command)))
        except ValueError as error:
            raise InvalidSettings(
                f"PAGER: is {command!r}, which is no command line ({error}); correct or unset it"
            ) from error

    @property
    def takes_colours(self) -> bool:
        """Whether it is known to show the terminal's colours and to go to a line."""
        return Path(self.words[0]).stem == "less"

    def arguments(self, line: int) -> list[str]:
        """Its command line, to begin so that a line, from 1, is near the top."""
        if not self.takes_colours:
            return list(self.words)
        return [*self.words, "-R", "-j.3", f"+{line}"]

    def show(self, sheet: Sheet) -> None:
        """Show a sheet until the person has seen enough.

        Raises:
            InvalidSettings: the program cannot be run.
        """
        with _undisturbed():
            try:
                subprocess.run(self.arguments(sheet.line), input=sheet.text.encode(), check=False)
            except OSError as error:
                raise InvalidSettings(
                    f"PAGER: {self.words[0]} cannot be run ({error.strerror}); correct or unset it"
                ) from error


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Leave Ctrl-C to the program in front for the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # A function, since what is ignored would be ignored by the pager, too.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
