"""A program on a real pseudo-terminal, and a person who types and looks."""

import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence

# Takes the terminal for its own, so that Ctrl-C and /dev/tty work, and becomes the program.
_OWN = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvpe(sys.argv[1], sys.argv[1:], os.environ)"
)


class Terminal:
    """A program's terminal of 40 lines; `shown` is all that was ever written to it."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, 120))
        self._ours = ours
        self.shown = ""
        self._looked = 0
        self._process = subprocess.Popen(
            [sys.executable, "-c", _OWN, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", **environment},
        )
        os.close(theirs)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def see(self, text: str, seconds: float = 60) -> str:
        """Wait until a text is written after what was last seen; gives all up to its end."""
        deadline = time.monotonic() + seconds
        while text not in self.shown[self._looked :]:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} is not in {self.shown[self._looked :]!r}")
        before = self._looked
        self._looked = self.shown.index(text, before) + len(text)
        return self.shown[before : self._looked]

    def insist(self, keys: str, text: str, tries: int = 60) -> bool:
        """Press keys, again each second, until a text is written; whether it was."""
        for _ in range(tries):
            self.type(keys)
            try:
                self.see(text, seconds=1)
            except AssertionError:
                continue
            return True
        return False

    def see_prompt(self) -> None:
        """Wait until a line can be typed: the prompt takes pastes and shows the cursor."""
        self.see("\x1b[?2004h")
        self.see("\x1b[?25h")

    def end(self, seconds: float = 60) -> int:
        """Wait until the program has ended; its exit code."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        return self._process.wait(max(0.1, deadline - time.monotonic()))

    def close(self) -> None:
        """Take the terminal away; a program that is still there is killed."""
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def _read(self, deadline: float) -> bool:
        """Read what is written; false at the end, or when the time is up."""
        ready, _, _ = select.select([self._ours], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # so Linux tells that the other end is closed
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)
