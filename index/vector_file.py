"""A FAISS index as a file: written whole or not at all, mapped into memory when it is opened.

After FAISS's own bytes come the ids of its vectors, ascending, int64; then a stamp in JSON; then
the stamp's length and its digest. Opening checks all of a small file, and of a large one all but
the vectors' codes: damage to them can only make vectors be missed, since what is found is looked up
and compared once more by what the database has. `is_whole` checks all.
"""

import hashlib
import json
import os
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from index.changes import Mark
from index.durable import writing
from index.vector_kinds import faiss

_END = struct.Struct("<4sI32s")
_MAGIC = b"PCV1"
_MOST_STAMP = 65_536
_BLOCK = 1 << 20

# Files of so many bytes are checked whole when they are opened, in a tenth of a second.
_CHECKED_WHOLE = 100 * 2**20


@dataclass(frozen=True, slots=True)
class Origin:
    """What a file's vectors are of: a database, an edition of it, and a state.

    All of the edition's passages up to the number `last`, but for those removed before `mark`.
    """

    catalog: str
    edition: int
    mark: Mark
    last: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """An index that does not change: the vector at position p is that of passage `ids[p]`.

    `factory` names its kind, which was trained for `trained_for` vectors.
    """

    index: Any
    ids: NDArray[np.int64]
    factory: str
    trained_for: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What is said of a file at its end.

    The codes are `codes_bytes` from the byte `codes_from` on. `sha256` is of all before the stamp,
    `sha256_head` of that without the codes.
    """

    catalog: str
    edition: int
    place: int
    mark: int
    last: int
    factory: str
    trained_for: int
    count: int
    faiss_bytes: int
    codes_from: int
    codes_bytes: int
    sha256_head: str
    sha256: str


class _Hashed:
    """Writes what FAISS gives it, and remembers the digest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.written = 0

    def __call__(self, data: bytes) -> int:
        self._file.write(data)
        self.sha256.update(data)
        self.written += len(data)
        return len(data)


def write(path: Path, sealed: Sealed) -> None:
    """Write an index to a file, which appears whole and on the disk.

    Raises:
        OSError: it cannot be written.
    """
    with writing(path) as file:
        _write(file, sealed)


def _write(file: IO[bytes], sealed: Sealed) -> None:
    out = _Hashed(file)
    writer = faiss().PyCallbackIOWriter(out, _BLOCK)
    faiss().write_index(sealed.index, writer)
    del writer  # what is left in its buffer is written now
    faiss_bytes = out.written
    codes_from, codes_bytes = _codes(file, sealed.index, faiss_bytes)
    file.seek(0, os.SEEK_END)
    out(sealed.ids.astype("<i8").tobytes())
    origin = sealed.origin
    stamp = _Stamp(
        origin.catalog,
        origin.edition,
        origin.mark.place,
        origin.mark.value,
        origin.last,
        sealed.factory,
        sealed.trained_for,
        len(sealed.ids),
        faiss_bytes,
        codes_from,
        codes_bytes,
        _digest(_head(file, codes_from, codes_bytes, out.written)),
        out.sha256.hexdigest(),
    )
    data = json.dumps(asdict(stamp)).encode()
    file.seek(0, os.SEEK_END)
    file.write(data)
    file.write(_END.pack(_MAGIC, len(data), hashlib.sha256(data).digest()))


def _codes(file: IO[bytes], index: Any, faiss_bytes: int) -> tuple[int, int]:
    """Where in FAISS's bytes the codes are, and how many bytes; none where that is not known.

    FAISS writes the codes of flat indexes, and lists of codes and positions, at the end; that this
    is so is seen from the first code.
    """
    faiss_ = faiss()
    if index.ntotal == 0:
        return faiss_bytes, 0
    if isinstance(index, faiss_.IndexIVF) and isinstance(
        faiss_.downcast_InvertedLists(index.invlists), faiss_.ArrayInvertedLists
    ):
        sizes = [index.invlists.list_size(number) for number in range(index.nlist)]
        code_size = int(index.invlists.code_size)
        first = next(number for number, size in enumerate(sizes) if size)
        length = sum(sizes) * (code_size + 8)
        code = faiss_.rev_swig_ptr(index.invlists.get_codes(first), code_size)
    elif isinstance(index, faiss_.IndexFlatCodes):
        code_size = int(index.code_size)
        length = index.ntotal * code_size
        code = faiss_.rev_swig_ptr(index.codes.data(), code_size)
    else:
        return faiss_bytes, 0
    start = faiss_bytes - length
    if start <= 0:
        return faiss_bytes, 0
    file.seek(start)
    return (start, length) if file.read(code_size) == code.tobytes() else (faiss_bytes, 0)


def read(path: Path, *, mapped: bool = True) -> Sealed | None:
    """The index in a file; None where there is none that can be trusted.

    With `mapped`, its codes are read from the file as they are needed, and those of a large one are
    not checked; else all is read and checked, and the index can be changed.
    """
    try:
        with path.open("rb") as file:
            stamp = _stamp(file)
            if stamp is None:
                return None
            end = stamp.faiss_bytes + 8 * stamp.count
            if mapped and end > _CHECKED_WHOLE:
                head = _digest(_head(file, stamp.codes_from, stamp.codes_bytes, end))
                if head != stamp.sha256_head:
                    return None
            elif _digest(_blocks(file, 0, end)) != stamp.sha256:
                return None
            file.seek(stamp.faiss_bytes)
            ids = np.frombuffer(file.read(8 * stamp.count), dtype="<i8").astype(np.int64)
            index = _index(path, file, mapped=mapped)
    except (OSError, ValueError, TypeError, RuntimeError):  # RuntimeError: FAISS cannot read it
        return None
    if index.ntotal != len(ids):
        return None
    origin = Origin(stamp.catalog, stamp.edition, Mark(stamp.place, stamp.mark), stamp.last)
    return Sealed(index, ids, stamp.factory, stamp.trained_for, origin)


def is_whole(path: Path) -> bool:
    """Whether every byte of a file is as it was written.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        stamp = _stamp(file)
        if stamp is None:
            return False
        end = stamp.faiss_bytes + 8 * stamp.count
        return _digest(_blocks(file, 0, end)) == stamp.sha256


def _index(path: Path, file: IO[bytes], *, mapped: bool) -> Any:
    faiss_ = faiss()
    if mapped:
        try:
            return faiss_.read_index(str(path), faiss_.IO_FLAG_MMAP_IFC)
        except RuntimeError:  # a kind, or a system, that cannot be mapped
            pass
    file.seek(0)
    return faiss_.read_index(faiss_.PyCallbackIOReader(file.read, _BLOCK))


def _stamp(file: IO[bytes]) -> _Stamp | None:
    size = file.seek(0, os.SEEK_END)
    if size < _END.size:
        return None
    file.seek(size - _END.size)
    magic, length, digest = _END.unpack(file.read(_END.size))
    if magic != _MAGIC or length > min(_MOST_STAMP, size - _END.size):
        return None
    file.seek(size - _END.size - length)
    data = file.read(length)
    if hashlib.sha256(data).digest() != digest:
        return None
    stamp = _Stamp(**json.loads(data))
    whole = stamp.faiss_bytes + 8 * stamp.count + length + _END.size
    return stamp if whole == size else None


def _head(file: IO[bytes], codes_from: int, codes_bytes: int, end: int) -> Iterator[bytes]:
    yield from _blocks(file, 0, codes_from)
    yield from _blocks(file, codes_from + codes_bytes, end)


def _blocks(file: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    file.seek(start)
    while start < end:
        block = file.read(min(_BLOCK, end - start))
        if not block:
            return
        start += len(block)
        yield block


def _digest(blocks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()
