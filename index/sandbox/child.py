"""A reading process, as the program sees it: started, given jobs, ended when it misbehaves."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from index.errors import DocumentError, LostOriginal, PinciteError
from index.extract import Extraction
from index.extract.inside import Taken
from index.extract.source import Limits
from index.sandbox.codec import (
    BadMessage,
    MessageTooLarge,
    receive,
    result_from,
    send,
    task_header,
)
from index.sandbox.jobs import (
    MOST_TAKEN,
    NO_MEMORY,
    Drawing,
    Held,
    Job,
    Result,
    Task,
    check_digest,
    memory_reason,
    seconds_for,
)

# Not `-m`: the modules of the program that started it are not imported again, and the process
# finds ours where the program found them. `-I` and `-S` leave out what users put in start-up files.
# numpy would start a thread for each core, which take memory and do nothing here.
_BOOT = (
    "import json, os, sys; os.environ['OPENBLAS_NUM_THREADS'] = '1'; "
    "sys.path[:] = json.loads(sys.argv[1]); "
    "from index.sandbox.worker import main; main()"
)

# Longest time until a process is ready, in seconds: a cold disk, a busy machine.
_START = 60.0

# A message may have so many bytes for each character of text a file may hold, and so many more.
_BYTES_EACH = 10
_BYTES_MORE = 2**24


class Died(Exception):
    """The process ended, or was ended, while it read a file.

    `reason` says why, for the person whose file it is; `sha256` is the file's if it was told
    before. `overdue` tells that the time was up.
    """

    def __init__(self, reason: str, sha256: str, overdue: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sha256 = sha256
        self.overdue = overdue


class Child:
    """One reading process. One thread gives it jobs; any may kill it."""

    def __init__(self, limits: Limits, extract: str, ocr: bool) -> None:
        """Start it.

        Raises:
            PinciteError: it does not start.
        """
        self.ocr = ocr
        self.worn = False
        self._limits = limits
        self._most = _BYTES_MORE + _BYTES_EACH * limits.characters
        self._lock = threading.Lock()
        self._overdue = False
        self._scratch = (
            TemporaryDirectory(prefix="pincite-", ignore_cleanup_errors=True) if ocr else None
        )
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", "-c", _BOOT, json.dumps(_paths())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=Path(__file__).parent,
                **_apart(),
            )
        except OSError as error:
            raise _no_start(error.strerror or str(error)) from error
        assert self._process.stdin and self._process.stdout and self._process.stderr  # noqa: S101, PT018
        self._jobs = self._process.stdin
        self._results = self._process.stdout
        self._errors = self._process.stderr
        self._start(extract)

    def _start(self, extract: str) -> None:
        settings = {
            "parent": os.getpid(),
            "limits": asdict(self._limits),
            "scratch": None if self._scratch is None else self._scratch.name,
            "extract": extract,
        }
        try:
            with self._within(_START):
                send(self._jobs, settings)
                receive(self._results, self._most)
        except (EOFError, OSError, BadMessage) as error:
            self.kill()
            told = str(self._errors.read(2**16), "utf-8", "replace").strip().splitlines()
            why = told[-1] if told else f"no answer within {_START:g} s"
            self.end()
            raise _no_start(why) from error
        self._errors.close()

    @property
    def ended(self) -> bool:
        """Whether it has ended and takes no more jobs."""
        return self._process.returncode is not None

    def carry_out(self, task: Task, length: int, pieces: Iterable[bytes]) -> Result | DocumentError:
        """Have a task done with a file whose bytes are handed over piece by piece.

        Raises:
            Died: the process did not answer, or not with what can come of it; it has ended.
        """
        digest, sha256 = hashlib.sha256(), ""
        most = max(self._most, MOST_TAKEN + _BYTES_MORE) if isinstance(task, Held) else self._most

        def told() -> Iterator[bytes]:
            for piece in pieces:
                digest.update(piece)
                yield piece

        try:
            with self._within(seconds_for(task, self._limits)):
                send(self._jobs, task_header(task), told(), length)
                sha256 = digest.hexdigest()
                answer, blob = receive(self._results, most)
            found = result_from(answer, blob, task)
            if isinstance(found, Extraction) and found.sha256 != sha256:
                raise BadMessage("the digest of another file")
        except (EOFError, OSError):
            raise Died(self._why(task, self.end()), sha256, self._overdue) from None
        except MessageTooLarge:
            self.end()
            reason = (
                f"comes to more than the {most:,} bytes of text and places that a file may; "
                "split it and index the parts"
            )
            raise Died(reason, sha256) from None
        except BadMessage as error:
            self.end()
            reason = f"disturbed the process that read it ({error}); it may be damaged"
            raise Died(reason, sha256) from error
        except BaseException:
            # The message was begun, and nothing but its end could follow.
            self.end()
            raise
        self.worn = self._overdue or answer.get("last") is not False
        return _checked(task, found, sha256)

    def kill(self) -> None:
        """End the process, and what it has started, at once; from any thread."""
        with self._lock:
            if self._process.returncode is not None:
                return
            if sys.platform == "win32":
                self._process.kill()
                return
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                # It has ended by itself and was not waited for yet; macOS says EPERM then.
                self._process.kill()

    def end(self) -> int | None:
        """End the process and give back what it held; the exit code, or None if it will not end."""
        self.kill()
        for stream in (self._jobs, self._results, self._errors):
            _close(stream)
        try:
            with self._lock:
                return self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if self._scratch is not None:
                self._scratch.cleanup()

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """Kill the process if the block takes longer; its streams then end."""

        def late() -> None:
            self._overdue = True
            self.kill()

        timer = threading.Timer(seconds, late)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _why(self, task: Task, code: int | None) -> str:
        if self._overdue or code == -getattr(signal, "SIGXCPU", 0):
            seconds = seconds_for(task, self._limits)
            if seconds < self._limits.seconds:
                return f"takes longer than {seconds:g} s to be shown; open the file itself"
            return (
                f"takes longer than {self._limits.seconds:g} s to be read; split it, or raise "
                "PINCITE_READ_SECONDS"
            )
        if code == NO_MEMORY:
            return memory_reason(self._limits)
        if code == -getattr(signal, "SIGKILL", 0):
            return (
                "cannot be read: the process that read it was ended from outside, perhaps because "
                "the machine ran out of memory"
            )
        if code is None or code >= 0:
            return f"crashed the process that read it (exit code {code}); it may be damaged"
        # A native library that is refused memory often ends its process by these.
        short = _signal(-code) in ("SIGABRT", "SIGTRAP", "SIGILL")
        hint = f", or need more than {self._limits.memory_mb:,} MB of memory" if short else ""
        return (
            f"crashed the process that read it (signal {-code}, {_signal(-code)}); it may be "
            f"damaged{hint}"
        )


def _checked(task: Task, found: Result | DocumentError, sha256: str) -> Result | DocumentError:
    """What came of a task, if its file was the right one; of a job any file is."""
    if not isinstance(task, Job):
        held = task.held if isinstance(task, Drawing) else task
        try:
            check_digest(held, sha256, held.sha256)
            if isinstance(found, Taken) and found.inside == held.inside != "":
                check_digest(held, hashlib.sha256(found.data).hexdigest(), held.sha256_inside)
        except LostOriginal as error:
            return error
    return found


def _no_start(why: str) -> PinciteError:
    return PinciteError(f"the process that reads files does not start: {why}")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except OSError:
        # What was still to be written has nobody left to read it.
        return


def _paths() -> list[str]:
    """Where modules are imported from, but for the current folder: it may hold anything."""
    paths = [str(Path(path).absolute()) for path in sys.path if path and Path(path).exists()]
    ours = str(Path(__file__).parents[2])
    return paths if ours in paths else [*paths, ours]


def _apart() -> dict[str, Any]:
    """Start it so that a Ctrl-C meant for the program does not reach it.

    On Windows, at a lower priority, too; elsewhere it lowers its own.
    """
    if sys.platform == "win32":
        return {
            "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP
            | subprocess.CREATE_NO_WINDOW
            | subprocess.BELOW_NORMAL_PRIORITY_CLASS
        }
    return {"start_new_session": True}
