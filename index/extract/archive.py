"""Archives: each file in a zip or tar archive is a document; nothing is written to disk.

What unpacks is counted as it does, whatever the archive says of sizes.
"""

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Protocol

from index.errors import DocumentTooLarge, UnreadableDocument
from index.extract.foreign import parsing
from index.extract.sniff import is_tar
from index.extract.source import Budget, Container, Member, Source

CHUNK = 2**20
_DRIVE = re.compile(r"[A-Za-z]:")
_NOT_SHOWN = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
_ENDINGS = {".tgz": ".tar", ".tbz2": ".tar", ".tbz": ".tar", ".txz": ".tar"}
_ENCRYPTED = 0x1
_TOO_LARGE = "unpacks to more than a file is read up to; split it and index the parts"
_DAMAGED_ENTRY = "is damaged, or packed in a way not known here; unpack it and index the file"


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read(source: Source) -> Container:
    """See the module; members are named by their path in the archive."""
    if source.data.startswith(b"PK"):
        return Container(_from_zip(source))
    if is_tar(source.data):
        return Container(_from_tar(io.BytesIO(source.data), source))
    return Container(_unpacked(source))


def entry_problem(name: str) -> str | None:
    """Why a path in an archive is not a path below it, None where it is one."""
    path = name.replace("\\", "/")
    if "\0" in name:
        return "has a name that hides a part of it; unpack the archive and index the file"
    if path.startswith("/") or _DRIVE.match(path) or ".." in path.split("/"):
        return "leads out of the archive, which only an attack needs; it is left alone"
    return None


def is_shown(name: str) -> bool:
    """Whether a path leads to what a person put there, and not through hidden names."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return not any(part.startswith(".") or part.lower() in _NOT_SHOWN for part in parts)


def _from_zip(source: Source) -> Iterator[Member]:
    with (
        parsing(source.name, "an archive"),
        zipfile.ZipFile(io.BytesIO(source.data)) as archive,
    ):
        for entry in archive.infolist():
            name = _zip_name(entry)
            if entry.is_dir() or not is_shown(name) or _is_link(entry):
                continue
            problem = entry_problem(name)
            if problem is None and entry.flag_bits & _ENCRYPTED:
                problem = "is encrypted; unpack the archive with its password and index the files"
            content: bytes | None = None
            if problem is None:
                try:
                    with parsing(name, "a file"), archive.open(entry) as file:
                        content = _take(file, source.budget)
                except UnreadableDocument:
                    problem = _DAMAGED_ENTRY
            yield _member(name, content, problem or _TOO_LARGE)


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """The name as it was meant: many programs write UTF-8 without saying so."""
    # The standard library cuts a name at a NUL.
    name = entry.orig_filename
    if entry.flag_bits & 0x800:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _is_link(entry: zipfile.ZipInfo) -> bool:
    kind = entry.external_attr >> 28
    return entry.create_system == 3 and kind not in (0, 0o10)


def _from_tar(stream: io.BufferedIOBase, source: Source) -> Iterator[Member]:
    metered = io.BufferedReader(_Metered(stream, source.budget), CHUNK)
    with (
        parsing(source.name, "an archive"),
        tarfile.open(fileobj=metered, mode="r|") as archive,
    ):
        for entry in archive:
            if not entry.isreg() or not is_shown(entry.name):
                continue
            problem = entry_problem(entry.name)
            if problem is None and entry.issparse():
                problem = "is a file with holes; unpack the archive and index the file"
            content: bytes | None = None
            if problem is None:
                # The stream takes from the budget what a size that lies makes it read.
                file = archive.extractfile(entry)
                content = b"" if file is None else _take(file, source.budget, metered=True)
            yield _member(entry.name, content, problem or _TOO_LARGE)


def _unpacked(source: Source) -> Iterator[Member]:
    """The one file that is packed, or the files of the tar archive that it is."""
    content: bytes | None = None
    with parsing(source.name, "an archive"):
        with _open(source) as stream:
            packed_tar = is_tar(stream.read(512))
        if not packed_tar:
            with _open(source) as stream:
                content = _take(stream, source.budget)
    if packed_tar:
        yield from _from_tar(_open(source), source)
        return
    if content is None:
        raise DocumentTooLarge(f"{source.name}: {_TOO_LARGE}")
    path = PurePosixPath(PurePosixPath(source.name.replace("\\", "/")).name)
    yield Member(path.stem + _ENDINGS.get(path.suffix.lower(), "") or "file", content)


def _open(source: Source) -> io.BufferedIOBase:
    data = io.BytesIO(source.data)
    if source.data.startswith(b"BZh"):
        return bz2.BZ2File(data)
    if source.data.startswith(b"\xfd7zXZ"):
        return lzma.LZMAFile(data)
    return gzip.GzipFile(fileobj=data)


class _Metered(io.RawIOBase):
    """A stream that takes from the budget what is read from it."""

    def __init__(self, stream: io.BufferedIOBase, budget: Budget) -> None:
        super().__init__()
        self._stream = stream
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._stream.read(len(buffer))
        self._budget.take_expanded(len(piece))
        buffer[: len(piece)] = piece
        return len(piece)


def _take(stream: _Readable, budget: Budget, *, metered: bool = False) -> bytes | None:
    """All of a stream, as long as the budget allows it; None if no file so large is read."""
    pieces: list[bytes] = []
    length = 0
    while piece := stream.read(CHUNK):
        if not metered:
            budget.take_expanded(len(piece))
        length += len(piece)
        if length > budget.limits.binary_bytes:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _member(name: str, content: bytes | None, problem: str) -> Member:
    path = "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))
    return Member(path, problem=problem) if content is None else Member(path, content)
