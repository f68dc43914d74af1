"""Inverted lists: which passages hold a term, and how often; arrays that are mapped from a file.

Opening checks all of a small file, and of a large one all but the lists: damage to them can give a
passage another rank, or none. `is_whole` checks all.
"""

import hashlib
import mmap
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.analyzer import Analyzer
from index.durable import writing
from index.errors import DamagedIndex

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

# What a term in the text and one in the context counts, in halves.
_IN_TEXT, _IN_CONTEXT = 2, 1
_MOST_COUNT = 255

# How a file begins: what it is; how many passages, terms and entries of lists it holds; a digest of
# that and of all but the lists, and one of the lists.
_MAGIC = b"pincite2"
_SIZES = struct.Struct("<3Q")
_HEAD = struct.Struct("<8s24s32s32s")
_LISTS = frozenset({"places", "counts"})

# Files of so many bytes are checked whole when they are opened, in some hundredths of a second.
_CHECKED_WHOLE = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Row:
    """A passage to be taken in: its number, its document's number, and what is looked through."""

    number: int
    document: int
    text: str
    context: str


@dataclass(frozen=True, slots=True)
class Segment:
    """Some passages and the terms in them; nothing in it ever changes.

    `numbers`, int64, ascending, `documents`, int64, and `lengths`, float32, have an item a passage:
    its number, its document's, how many terms it holds. `terms`, uint64, ascending, are the keys of
    the distinct terms; term n is in the passages `places[starts[n]:starts[n + 1]]`, uint32,
    ascending, counted from 0; `counts`, uint8, beside it, says how often in halves: an occurrence
    in the context is half of one in the text. 127.5 stands for anything above.
    """

    numbers: Ids
    documents: Ids
    terms: NDArray[np.uint64]
    starts: Ids
    places: NDArray[np.uint32]
    lengths: NDArray[np.float32]
    counts: NDArray[np.uint8]

    def __len__(self) -> int:
        """How many passages there are."""
        return len(self.numbers)

    def list_of(self, term: int) -> tuple[int, int]:
        """From where to where `places` has the passages with the term of this key."""
        at = int(np.searchsorted(self.terms, np.uint64(term)))
        if at == len(self.terms) or self.terms[at] != term:
            return 0, 0
        return int(self.starts[at]), int(self.starts[at + 1])


def build(rows: Sequence[Row], analyzer: Analyzer) -> Segment:
    """A segment of passages that are in the order of their numbers."""
    analyzer.begin()
    cut = [(analyzer.pieces(row.text), analyzer.pieces(row.context)) for row in rows]
    analyzer.learn(piece for both in cut for pieces in both for piece in pieces)
    found: list[int] = []
    sizes = []
    for both in cut:
        for pieces in both:
            terms = analyzer.terms(pieces)
            found += terms
            sizes.append(len(terms))
    lengths = np.array(sizes, dtype=np.int64).reshape(-1, 2)
    numbers = np.array(found, dtype=np.int64)
    used = np.unique(numbers)
    keys = np.array([analyzer.keys[number] for number in used], dtype=np.uint64)
    order = np.argsort(keys)
    rank = np.zeros(int(used[-1]) + 1 if len(used) else 0, dtype=np.int64)
    rank[used[order]] = np.arange(len(used))
    # One number holds a term, its passage and its weight, so that one sort does everything.
    whole = rank[numbers] << 34
    whole |= np.repeat(np.arange(len(rows)), lengths.sum(axis=1)) << 2
    whole |= np.repeat(np.tile([_IN_TEXT, _IN_CONTEXT], len(rows)), lengths.ravel())
    whole.sort()
    pairs = whole >> 2
    firsts = np.flatnonzero(np.diff(pairs, prepend=-1))
    counts = np.add.reduceat(whole & 3, firsts) if len(firsts) else firsts
    pairs = pairs[firsts]
    return Segment(
        np.array([row.number for row in rows], dtype=np.int64),
        np.array([row.document for row in rows], dtype=np.int64),
        keys[order],
        np.searchsorted(pairs, np.arange(len(used) + 1) << 32),
        (pairs & 0xFFFFFFFF).astype(np.uint32),
        lengths.sum(axis=1).astype(np.float32),
        np.minimum(counts, _MOST_COUNT).astype(np.uint8),
    )


def merge(parts: Sequence[tuple[Segment, Mask | None]]) -> Segment:
    """One segment of several, whose numbers follow one another, without passages masked out.

    Raises:
        ValueError: their numbers do not follow one another.
    """
    parts = [(one, None) if mask is None else (_only(one, mask), None) for one, mask in parts]
    segments = [one for one, _ in parts]
    numbers = np.concatenate([one.numbers for one in segments])
    if np.any(numbers[1:] <= numbers[:-1]):
        raise ValueError("the numbers of passages to be merged do not ascend")
    terms = np.unique(np.concatenate([one.terms for one in segments]))
    at = [np.searchsorted(terms, one.terms) for one in segments]
    sizes = [np.zeros(len(terms), dtype=np.int64) for _ in segments]
    for one, own, size in zip(segments, at, sizes, strict=True):
        size[own] = np.diff(one.starts)
    starts = np.concatenate([[0], np.cumsum(np.sum(sizes, axis=0))]).astype(np.int64)
    places = np.empty(starts[-1], dtype=np.uint32)
    counts = np.empty(starts[-1], dtype=np.uint8)
    free, first = starts[:-1].copy(), 0
    for one, own, size in zip(segments, at, sizes, strict=True):
        to = np.repeat(free[own] - one.starts[:-1], np.diff(one.starts))
        to += np.arange(len(one.places))
        places[to] = one.places + np.uint32(first)
        counts[to] = one.counts
        free += size
        first += len(one)
    return Segment(
        numbers,
        np.concatenate([one.documents for one in segments]),
        terms,
        starts,
        places,
        np.concatenate([one.lengths for one in segments]),
        counts,
    )


def _only(segment: Segment, mask: Mask) -> Segment:
    """A segment of only the passages that a mask has."""
    kept = mask[segment.places]
    sizes = np.concatenate([[0], np.cumsum(kept)])[segment.starts]
    has = np.diff(sizes) > 0
    return Segment(
        segment.numbers[mask],
        segment.documents[mask],
        segment.terms[has],
        np.concatenate([sizes[:-1][has], sizes[-1:]]).astype(np.int64),
        (np.cumsum(mask) - 1)[segment.places[kept]].astype(np.uint32),
        segment.lengths[mask],
        segment.counts[kept],
    )


def save(segment: Segment, path: Path) -> None:
    """Write a segment to a file, which appears whole and on the disk.

    Raises:
        OSError: it cannot be written.
    """
    sizes = len(segment), len(segment.terms), len(segment.places)
    arrays = {
        name: np.ascontiguousarray(getattr(segment, name), dtype=dtype)
        for name, dtype, _ in _layout(*sizes)
    }
    packed = _SIZES.pack(*sizes)
    with writing(path) as file:
        file.write(_HEAD.pack(_MAGIC, packed, _head(packed, arrays), _lists(arrays)))
        for array in arrays.values():
            file.write(array.data)


def load(path: Path) -> Segment:
    """The segment in a file, mapped into memory; the lists of a large one are not checked.

    Raises:
        OSError: it cannot be read.
        DamagedIndex: it is cut, was altered, or holds something else.
    """
    arrays = _arrays(path, whole=path.stat().st_size <= _CHECKED_WHOLE)
    if arrays is None:
        raise DamagedIndex(f"{path}: is not as it was written")
    return Segment(**arrays)


def is_whole(path: Path) -> bool:
    """Whether every byte of a file is as it was written.

    Raises:
        OSError: it cannot be read.
    """
    return _arrays(path, whole=True) is not None


def _arrays(path: Path, *, whole: bool) -> dict[str, Any] | None:
    """The arrays in a file; None where they, or those that are checked, are not as written."""
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return None
        magic, packed, of_head, of_lists = _HEAD.unpack(head)
        layout = _layout(*_SIZES.unpack(packed))
        end = _HEAD.size + sum(np.dtype(dtype).itemsize * size for _, dtype, size in layout)
        if magic != _MAGIC or os.fstat(file.fileno()).st_size != end:
            return None
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    arrays: dict[str, Any] = {}
    place = _HEAD.size
    for name, dtype, size in layout:
        # An array of no length is not made at the very end of the file, which NumPy refuses.
        arrays[name] = np.frombuffer(data, dtype, size, place) if size else np.empty(0, dtype)
        place += arrays[name].nbytes
    if _head(packed, arrays) != of_head or (whole and _lists(arrays) != of_lists):
        return None
    return arrays


def _head(packed: bytes, arrays: Mapping[str, Any]) -> bytes:
    """The digest of the sizes and of all arrays but the lists."""
    return _digest(packed, *(array.data for name, array in arrays.items() if name not in _LISTS))


def _lists(arrays: Mapping[str, Any]) -> bytes:
    return _digest(*(array.data for name, array in arrays.items() if name in _LISTS))


def _digest(*parts: bytes | memoryview) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def _layout(passages: int, terms: int, postings: int) -> list[tuple[str, str, int]]:
    """The arrays in a file: field, type and length; in an order that keeps them aligned."""
    return [
        ("numbers", "<i8", passages),
        ("documents", "<i8", passages),
        ("terms", "<u8", terms),
        ("starts", "<i8", terms + 1),
        ("places", "<u4", postings),
        ("lengths", "<f4", passages),
        ("counts", "u1", postings),
    ]
