"""What can be done with one file, and doing it: read it, take a file out of it, draw a page of it.

The bytes come from its path here, and the work is done where `carried_out` is called.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeAlias

from index.documents import Problem
from index.errors import DocumentError, DocumentTooLarge, LostOriginal, UnreadableDocument
from index.extract import Extraction, extract_all
from index.extract.cleaning import one_line
from index.extract.inside import Taken, take_out
from index.extract.source import Limits, Reading
from index.rendering import PageImage, draw
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


@dataclass(frozen=True, slots=True)
class Held:
    """The original of a document: the file at `path`, or what is at `inside` in it.

    `sha256` is the digest that the file must have, `sha256_inside` the one of what is taken out of
    it, both in hexadecimal; where there is no path, `data` are its bytes. `inside`, `name` and
    `media_type` are as `take_out` has them.
    """

    name: str
    sha256: str
    path: Path | None = None
    data: bytes = b""
    inside: str = ""
    sha256_inside: str = ""
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A page of a PDF to draw; see `index.rendering.draw`."""

    held: Held
    page: int
    width: int

    @property
    def name(self) -> str:
        """The file's."""
        return self.held.name

    @property
    def path(self) -> Path | None:
        """The file's."""
        return self.held.path

    @property
    def data(self) -> bytes:
        """The file's."""
        return self.held.data


Task: TypeAlias = Job | Held | Drawing
Result: TypeAlias = Extraction | Taken | PageImage

# What is taken out of a file comes to no more bytes, since it is held in memory.
MOST_TAKEN = 128 * 2**20

# Somebody waits for what is not read into an index: it takes no more seconds.
_SOON = 30.0


def seconds_for(task: Task, limits: Limits) -> float:
    """How many seconds a task may take."""
    return limits.seconds if isinstance(task, Job) else min(_SOON, limits.seconds)


@contextmanager
def opened(task: Task, limits: Limits) -> Iterator[tuple[int, Iterator[bytes]]]:
    """How many bytes the file has, and the bytes, piece by piece.

    What is added to the file meanwhile is left out.

    Raises:
        DocumentError: it cannot be read, is no regular file, or is larger than any format is read
            up to; `LostOriginal` where an original is not there. The pieces raise it, too.
    """
    if task.path is None:
        data = memoryview(task.data)
        yield len(data), (bytes(data[at : at + _STEP]) for at in range(0, len(data), _STEP))
        return
    name = label_of(task)
    try:
        file = open_regular(task.path, name)
    except FileNotFoundError as error:
        if isinstance(task, Job):
            raise DocumentError(f"{name}: is gone; it was there a moment ago") from error
        raise LostOriginal(
            f"{name}: has gone since it was indexed; put it back, or index what is there"
        ) from error
    with file:
        size, most = os.fstat(file.fileno()).st_size, max(limits.binary_bytes, limits.text_bytes)
        if size > most:
            raise DocumentTooLarge(
                f"{name}: has {size:,} bytes, more than the {most:,} any file is read up to; "
                "split it and index the parts"
            )
        yield size, _pieces(file, size, name)


def open_regular(path: Path, name: str) -> IO[bytes]:
    """Open a file for reading; nothing that is not one, such as a pipe, is waited for.

    Raises:
        FileNotFoundError: there is none.
        DocumentError: it is no regular file, or cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _irregular(name)
        # Where a pipe has come to stand since, opening it would wait for someone to write.
        file = os.fdopen(os.open(path, os.O_RDONLY | _NONBLOCK | _BINARY), "rb")
    except FileNotFoundError:
        raise
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


def carried_out(task: Task, data: bytes, limits: Limits, extract: Extract = extract_all) -> Result:
    """Do a task with the bytes of its file.

    Raises:
        DocumentError: nothing came of it; reading a file never fails so.
    """
    if isinstance(task, Job):
        return extraction_of(task, data, limits, extract)
    try:
        if isinstance(task, Held):
            return _taken(task, data, limits)
        return draw(
            _taken(task.held, data, limits).data, task.page, task.width, name=label_of(task)
        )
    except DocumentError:
        raise
    except Exception as error:
        # What a parser did not foresee costs this file only.
        raise UnreadableDocument(f"{label_of(task)}: {_reason(error, limits)}") from error


def _taken(held: Held, data: bytes, limits: Limits) -> Taken:
    taken = take_out(data, held.inside, name=held.name, media_type=held.media_type, limits=limits)
    if held.inside and len(taken.data) > MOST_TAKEN:
        raise DocumentTooLarge(
            f"{label_of(held)}: has {len(taken.data):,} bytes, more than the {MOST_TAKEN:,} that "
            "are taken out of a file; unpack it"
        )
    if taken.inside == held.inside != "":
        check_digest(held, hashlib.sha256(taken.data).hexdigest(), held.sha256_inside)
    return taken


def check_digest(task: Task, found: str, expected: str) -> None:
    """Make sure that an original is the one that was indexed.

    Raises:
        LostOriginal: it is not.
    """
    if found != expected:
        raise LostOriginal(f"{label_of(task)}: has changed since it was indexed; index it again")


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
    except Exception as error:  # noqa: BLE001 - what a parser did not foresee costs this file only
        return failed(job, _reason(error, limits), hashlib.sha256(data).hexdigest())


def _reason(error: Exception, limits: Limits) -> str:
    """Why nothing came of a file."""
    match error:
        case MemoryError():
            return memory_reason(limits)
        case Refused():
            return f"tries to {error}, which no document may; it was not read"
        case RecursionError():
            return "is nested too deep to be read; it may be damaged"
    what = one_line(str(error))[:_QUOTED]
    return f"cannot be read ({type(error).__name__}: {what}); it may be damaged"


def memory_reason(limits: Limits) -> str:
    """Why a file that takes more memory than there may be is not read."""
    return (
        f"needs more than {limits.memory_mb:,} MB of memory to be read; split it, or raise "
        "PINCITE_READ_MEMORY_MB"
    )


def failed(job: Job, reason: str, sha256: str = "") -> Extraction:
    """The outcome of a job of which nothing was read; `reason` follows its name."""
    return Extraction((), (Problem(job.uri, f"{label_of(job)}: {reason}"),), sha256)


def label_of(task: Task) -> str:
    """The task's name on one line."""
    return one_line(task.name) or "file"
