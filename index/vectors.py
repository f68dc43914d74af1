"""Nearest vectors: the `VectorIndex` port and FAISS behind it."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.embedding import Vectors

Ids = NDArray[np.int64]

# How many vectors beyond those wanted FAISS is asked for at first.
_MORE = 16


class VectorIndex(Protocol):
    """Unit vectors under integer ids, searched by inner product."""

    def __len__(self) -> int:
        """How many vectors there are."""
        ...

    @property
    def ids(self) -> Ids:
        """The ids of all vectors, int64, in no particular order."""
        ...

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add float32 `(n, dim)` rows under `n` ids that are not in the index yet."""
        ...

    def remove(self, ids: Ids) -> None:
        """Remove the vectors under these ids; ids that are not there are passed over."""
        ...

    def search(self, vector: Vectors, k: int, within: Ids | None = None) -> list[tuple[int, float]]:
        """The `k` nearest of a float32 `(dim,)` vector: (id, inner product), best first.

        Fewer where there are fewer. Equal scores are in the order of their ids. With `within`,
        only these ids are considered.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a saved index was built from: the catalog, its generation, and the file's SHA-256."""

    catalog: str
    generation: int
    sha256: str


class FaissIndex:
    """Exact search with FAISS, saved as a file with a stamp beside it."""

    def __init__(self, dim: int) -> None:
        self._index: Any = _faiss().IndexIDMap2(_faiss().IndexFlatIP(dim))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def ids(self) -> Ids:
        """See `VectorIndex.ids`."""
        found: Ids = _faiss().vector_to_array(self._index.id_map)
        return found

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """See `VectorIndex.add`."""
        if len(ids) != len(vectors):
            raise ValueError(f"not the same length: {len(ids)} ids, {len(vectors)} vectors")
        if len(ids):
            self._index.add_with_ids(
                np.ascontiguousarray(vectors, dtype=np.float32), np.asarray(ids, dtype=np.int64)
            )

    def remove(self, ids: Ids) -> None:
        """See `VectorIndex.remove`."""
        if len(ids):
            self._index.remove_ids(np.asarray(ids, dtype=np.int64))

    def search(self, vector: Vectors, k: int, within: Ids | None = None) -> list[tuple[int, float]]:
        """See `VectorIndex.search`."""
        faiss = _faiss()
        parameters = None
        available = len(self)
        if within is not None:
            selector = faiss.IDSelectorBatch(np.unique(np.asarray(within, dtype=np.int64)))
            parameters = faiss.SearchParameters(sel=selector)
        wanted = min(k, available)
        if wanted <= 0:
            return []
        row = np.ascontiguousarray(vector, dtype=np.float32)[None]
        # FAISS fills up with id -1 where fewer are found, and leaves open which of several equally
        # near vectors it gives: so it is asked for more until the last one given is farther away.
        asked = min(wanted + _MORE, available)
        while True:
            scores, ids = self._index.search(row, asked, params=parameters)
            found = [(int(i), float(s)) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0]
            complete = asked == available or len(found) < asked
            if complete or found[-1][1] < found[wanted - 1][1]:
                return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:wanted]
            asked = min(4 * asked, available)

    def vectors(self, ids: Ids) -> Vectors:
        """The stored float32 rows under these ids, in their order; for checks."""
        rows = [self._index.reconstruct(int(id_)) for id_ in ids]
        return np.stack(rows) if rows else np.empty((0, self._index.d), np.float32)

    def save(self, path: Path, catalog: str, generation: int) -> None:
        """Write the index and its stamp, each by an atomic rename.

        A crash between the two leaves a stamp that does not fit, so the pair is not used.
        """
        data = _faiss().serialize_index(self._index).tobytes()
        stamp = Stamp(catalog, generation, hashlib.sha256(data).hexdigest())
        _replace(path, data)
        _replace(_stamp_path(path), json.dumps(asdict(stamp)).encode())

    @classmethod
    def load(cls, path: Path, catalog: str, dim: int) -> tuple["FaissIndex", int] | None:
        """The saved index and its generation; None where there is none that can be trusted."""
        try:
            stamp = Stamp(**json.loads(_stamp_path(path).read_bytes()))
            data = path.read_bytes()
        except (OSError, ValueError, TypeError):
            return None
        if stamp.catalog != catalog or hashlib.sha256(data).hexdigest() != stamp.sha256:
            return None
        index = cls(dim)
        try:
            index._index = _faiss().deserialize_index(np.frombuffer(data, dtype=np.uint8))
        except RuntimeError:  # written by a FAISS with another file format
            return None
        return (index, stamp.generation) if index._index.d == dim else None


def _faiss() -> Any:
    import faiss

    return faiss


def _stamp_path(path: Path) -> Path:
    return path.with_name(path.name + ".stamp")


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
