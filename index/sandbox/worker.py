"""The main function of a reading process: jobs come in at one end, extractions go out at the other.

It is started by `index.sandbox.workers` and talks by the messages of `index.sandbox.codec`.
"""

import os
import signal
import sys
from importlib import import_module
from typing import IO

from index.extract import Extraction
from index.extract.source import Limits
from index.sandbox.codec import extraction_message, job_from, receive, send
from index.sandbox.confine import Fence, end_with, limit, limit_time, memory_in_use
from index.sandbox.jobs import NO_MEMORY, Extract, extraction_of

# After so many jobs a process gives way to a fresh one, whatever its libraries have left behind.
_JOBS = 1000

# It does so, too, when it has kept more than this share of the memory it may have.
_SHARE = 4


def main() -> None:
    """Read jobs until there are no more, or until this process has had its day."""
    if sys.platform != "win32":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
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
            job = job_from(*receive(jobs))
        except EOFError:
            return
        limit_time(limits.seconds)
        last = done == _JOBS
        found = extraction_of(job, job.data, limits, extract)
        last = last or memory_in_use() - first > limits.memory_mb * 2**20 // _SHARE
        _answer(results, found, last)
        if last:
            return


def _answer(results: IO[bytes], found: Extraction, last: bool) -> None:
    header, blobs = extraction_message(found)
    send(results, {"last": last, **header}, blobs, sum(map(len, blobs)))
