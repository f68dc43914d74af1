"""One file to read, and reading it: the bytes from its path, then its documents."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from index.documents import Problem
from index.errors import DocumentError, DocumentTooLarge
from index.extract import Extraction, extract_all
from index.extract.cleaning import one_line
from index.extract.source import Limits, Reading
from index.sandbox.confine import Refused

# A process that had no memory left to say so ends with this exit code.
NO_MEMORY = 77

# Most bytes that are read in one step.
_STEP = 2**20

# What is quoted of an error that a parser did not foresee: it may hold the file's own words.
_QUOTED = 200

# How `extract_all` is called.
Extract = Callable[..., Extraction]


@dataclass(frozen=True, slots=True)
class Job:
    """A file to read: the one at `path`, or `data` where there is no path.

    `name` is what reasons begin with. The rest is as `extract_all` has it.
    """

    uri: str
    name: str
    path: Path | None = None
    data: bytes = b""
    media_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    title: str | None = None
    options: Reading = Reading()  # noqa: RUF009 - immutable


@contextmanager
def opened(job: Job, limits: Limits) -> Iterator[tuple[int, Iterator[bytes]]]:
    """How many bytes the file has, and the bytes, piece by piece.

    What is added to the file meanwhile is left out.

    Raises:
        DocumentError: it cannot be read, is no regular file, or is larger than any format is read
            up to. The pieces raise it, too.
    """
    if job.path is None:
        data = memoryview(job.data)
        yield len(data), (bytes(data[at : at + _STEP]) for at in range(0, len(data), _STEP))
        return
    name = label_of(job)
    with _open(job.path, name) as file:
        size, most = os.fstat(file.fileno()).st_size, max(limits.binary_bytes, limits.text_bytes)
        if size > most:
            raise DocumentTooLarge(
                f"{name}: has {size:,} bytes, more than the {most:,} any file is read up to; "
                "split it and index the parts"
            )
        yield size, _pieces(file, size, name)


def _open(path: Path, name: str) -> IO[bytes]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _irregular(name)
        # Where a pipe has come to stand since, opening it would wait for someone to write.
        file = os.fdopen(os.open(path, os.O_RDONLY | _NONBLOCK | _BINARY), "rb")
    except FileNotFoundError as error:
        raise DocumentError(f"{name}: is gone; it was there a moment ago") from error
    except OSError as error:
        raise _unreadable(name, error) from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise _irregular(name)
    return file


def _pieces(file: IO[bytes], size: int, name: str) -> Iterator[bytes]:
    while size > 0:
        try:
            piece = file.read(min(_STEP, size))
        except OSError as error:
            raise _unreadable(name, error) from error
        if not piece:
            raise DocumentError(f"{name}: was cut short while it was read; index it again")
        size -= len(piece)
        yield piece


_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)


def _irregular(name: str) -> DocumentError:
    return DocumentError(f"{name}: is not a regular file; name a file or a folder")


def _unreadable(name: str, error: OSError) -> DocumentError:
    return DocumentError(
        f"{name}: cannot be read ({error.strerror or error}); check its permissions"
    )


def extraction_of(
    job: Job, data: bytes, limits: Limits, extract: Extract = extract_all
) -> Extraction:
    """The documents in a job's bytes; what stops a parser becomes a problem."""
    try:
        return extract(
            data,
            uri=job.uri,
            name=job.name,
            media_type=job.media_type,
            metadata=job.metadata,
            title=job.title,
            options=job.options,
            limits=limits,
        )
    except MemoryError:
        return out_of_memory(job, limits, hashlib.sha256(data).hexdigest())
    except Refused as error:
        reason = f"tries to {error}, which no document may; it was not read"
    except RecursionError:
        reason = "is nested too deep to be read; it may be damaged"
    except Exception as error:  # noqa: BLE001 - what a parser did not foresee costs this file only
        what = one_line(str(error))[:_QUOTED]
        reason = f"cannot be read ({type(error).__name__}: {what}); it may be damaged"
    return failed(job, reason, hashlib.sha256(data).hexdigest())


def out_of_memory(job: Job, limits: Limits, sha256: str = "") -> Extraction:
    """The outcome of a job that takes more memory than there may be."""
    return failed(job, memory_reason(limits), sha256)


def memory_reason(limits: Limits) -> str:
    """Why a file that takes more memory than there may be is not read."""
    return (
        f"needs more than {limits.memory_mb:,} MB of memory to be read; split it, or raise "
        "PINCITE_READ_MEMORY_MB"
    )


def failed(job: Job, reason: str, sha256: str = "") -> Extraction:
    """The outcome of a job of which nothing was read; `reason` follows its name."""
    return Extraction((), (Problem(job.uri, f"{label_of(job)}: {reason}"),), sha256)


def label_of(job: Job) -> str:
    """The job's name on one line."""
    return one_line(job.name) or "file"
