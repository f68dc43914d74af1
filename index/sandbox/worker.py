"""The main function of a reading process: tasks come in at one end, results go out at the other.

It is started by `index.sandbox.workers` and talks by the messages of `index.sandbox.codec`.
"""

import os
import signal
import sys
from importlib import import_module
from typing import IO

from index.errors import DocumentError
from index.extract.source import Limits
from index.sandbox.codec import receive, result_message, send, task_from
from index.sandbox.confine import Fence, end_with, limit, limit_time, memory_in_use
from index.sandbox.jobs import NO_MEMORY, Extract, Result, carried_out, seconds_for

# After so many jobs a process gives way to a fresh one, whatever its libraries have left behind.
_JOBS = 1000

# It does so, too, when it has kept more than this share of the memory it may have.
_SHARE = 4

# Those who ask come before those whose files are read, by so many steps of the scheduler's.
_NICENESS = 5


def main() -> None:
    """Read jobs until there are no more, or until this process has had its day."""
    if sys.platform != "win32":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.nice(_NICENESS)
    jobs, results = _take_channels()
    settings, _ = receive(jobs)
    end_with(settings["parent"])
    limits = Limits(**settings["limits"])
    scratch = settings["scratch"]
    if scratch is not None:
        import tempfile

        tempfile.tempdir = scratch
    module, _, name = settings["extract"].partition(":")
    extract: Extract = getattr(import_module(module), name)
    fence = Fence(sys.path, scratch)
    limit(limits.memory_mb, scratch is not None)
    fence.put_up()
    send(results, {"ready": True})
    _silence()
    try:
        _serve(jobs, results, limits, extract)
    except MemoryError:
        sys.exit(NO_MEMORY)


def _take_channels() -> tuple[IO[bytes], IO[bytes]]:
    """Move the channels away from the standard streams, which any library may write to."""
    jobs, results = os.dup(0), os.dup(1)
    _redirect(0, os.O_RDONLY)
    _redirect(1, os.O_WRONLY)
    return os.fdopen(jobs, "rb"), os.fdopen(results, "wb")


def _silence() -> None:
    """Drop what libraries write to the error stream from now on."""
    os.dup2(1, 2)


def _redirect(stream: int, flags: int) -> None:
    nowhere = os.open(os.devnull, flags)
    os.dup2(nowhere, stream)
    os.close(nowhere)


def _serve(jobs: IO[bytes], results: IO[bytes], limits: Limits, extract: Extract) -> None:
    first = memory_in_use()
    for done in range(1, _JOBS + 1):
        try:
            task = task_from(*receive(jobs))
        except EOFError:
            return
        limit_time(seconds_for(task, limits))
        last = done == _JOBS
        found: Result | DocumentError
        try:
            found = carried_out(task, task.data, limits, extract)
        except DocumentError as error:
            found = error
        last = last or memory_in_use() - first > limits.memory_mb * 2**20 // _SHARE
        _answer(results, found, last)
        if last:
            return


def _answer(results: IO[bytes], found: Result | DocumentError, last: bool) -> None:
    header, blobs = result_message(found)
    send(results, {"last": last, **header}, blobs, sum(map(len, blobs)))
