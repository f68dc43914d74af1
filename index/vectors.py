"""Nearest vectors: the `VectorIndex` port and FAISS behind it."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.embedding import Vectors
from index.vector_file import Sealed
from index.vector_kinds import Kinds, faiss, nearest

Ids = NDArray[np.int64]

# Those of some ids that have a vector, each once, and the float32 `(n, dim)` rows.
Lookup = Callable[[Ids], tuple[Ids, Vectors]]

# Where a filter leaves this few of the sealed vectors, all of them are looked up.
_FEW = 256


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
        only these ids are considered. An approximate index may miss some of the nearest; the
        inner products of what it finds are exact.
        """
        ...


class FaissIndex:
    """A sealed index of any size, what was added since beside it, and what was removed.

    What was added is compared one by one. What the sealed index finds is looked up and compared
    again, so that its scores are exact, and what cannot be looked up is not found.
    """

    def __init__(
        self,
        dim: int,
        sealed: Sealed | None = None,
        lookup: Lookup | None = None,
        kinds: Kinds | None = None,
    ) -> None:
        """An index of `dim` dimensions; `lookup` goes with `sealed`."""
        self._flat: Any = faiss().IndexFlatIP(dim)
        self._tail: Any = faiss().IndexIDMap2(self._flat)
        self._sealed = sealed
        self._lookup = lookup
        self._kinds = Kinds() if kinds is None else kinds
        # Which positions of the sealed index still count; None while all do.
        self._left: NDArray[np.bool_] | None = None
        # The filter that came last, in order, and which positions it leaves: finding them takes
        # longer than searching, and one filter often comes with many questions.
        self._filter: tuple[Ids, Ids, NDArray[np.bool_]] | None = None

    def __len__(self) -> int:
        return self._sealed_count + int(self._tail.ntotal)

    @property
    def _sealed_count(self) -> int:
        return len(self._sealed_ids) if self._left is None else int(np.count_nonzero(self._left))

    @property
    def loose(self) -> int:
        """How many vectors were added to the sealed ones or removed from them."""
        return int(self._tail.ntotal) + len(self._sealed_ids) - self._sealed_count

    @property
    def ids(self) -> Ids:
        """See `VectorIndex.ids`."""
        added: Ids = faiss().vector_to_array(self._tail.id_map)
        kept = self._sealed_ids if self._left is None else self._sealed_ids[self._left]
        return np.concatenate([kept, added])

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """See `VectorIndex.add`."""
        if len(ids) != len(vectors):
            raise ValueError(f"not the same length: {len(ids)} ids, {len(vectors)} vectors")
        if len(ids):
            self._tail.add_with_ids(
                np.ascontiguousarray(vectors, dtype=np.float32), np.asarray(ids, dtype=np.int64)
            )

    def remove(self, ids: Ids) -> None:
        """See `VectorIndex.remove`."""
        if not len(ids):
            return
        if self._tail.ntotal:
            self._tail.remove_ids(np.asarray(ids, dtype=np.int64))
        gone = self._positions(ids)
        if len(gone):
            if self._left is None:
                self._left = np.ones(len(self._sealed_ids), dtype=bool)
            self._left[gone] = False

    @property
    def _sealed_ids(self) -> Ids:
        return np.empty(0, dtype=np.int64) if self._sealed is None else self._sealed.ids

    def _positions(self, ids: Ids) -> Ids:
        """Where the sealed index has these ids, of those that it has."""
        sealed, wanted = self._sealed_ids, np.asarray(ids, dtype=np.int64)
        places = np.searchsorted(sealed, wanted)
        inside = places < len(sealed)
        places, wanted = places[inside], wanted[inside]
        found: Ids = places[sealed[places] == wanted]
        return found

    def search(self, vector: Vectors, k: int, within: Ids | None = None) -> list[tuple[int, float]]:
        """See `VectorIndex.search`."""
        if k <= 0:
            return []
        found = self._added(vector, k, within) + self._of_sealed(vector, k, within)
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k]

    def _added(self, vector: Vectors, k: int, within: Ids | None) -> list[tuple[int, float]]:
        if not self._tail.ntotal:
            return []
        numbers = faiss().vector_to_array(self._tail.id_map)
        allowed = None
        if within is not None:
            ordered, _ = self._filtered(within)
            allowed = np.zeros(len(numbers), dtype=bool)
            if len(ordered):
                places = np.minimum(np.searchsorted(ordered, numbers), len(ordered) - 1)
                allowed = ordered[places] == numbers
        places = nearest(self._flat, vector, k, allowed, self._kinds.effort)
        return _scored(numbers[places], self._flat.reconstruct_batch(places), vector)

    def _filtered(self, within: Ids) -> tuple[Ids, NDArray[np.bool_]]:
        """A filter's ids in order, and the sealed positions that it leaves."""
        if self._filter is None or self._filter[0] is not within:
            ordered = np.sort(within, kind="stable")
            allowed = np.zeros(len(self._sealed_ids), dtype=bool)
            allowed[self._positions(ordered)] = True
            self._filter = within, ordered, allowed
        return self._filter[1:]

    def _of_sealed(self, vector: Vectors, k: int, within: Ids | None) -> list[tuple[int, float]]:
        if self._sealed is None or self._lookup is None:
            return []
        allowed = self._left
        if within is not None:
            _, allowed = self._filtered(within)
            if self._left is not None:
                allowed = allowed & self._left
        if allowed is not None and np.count_nonzero(allowed) <= _FEW:
            ids = self._sealed.ids[allowed]
        else:
            positions = nearest(self._sealed.index, vector, k, allowed, self._kinds.effort)
            ids = np.unique(self._sealed.ids[positions])
        return _scored(*self._lookup(ids), vector)


def inner_products(rows: Vectors, vector: Vectors) -> Vectors:
    """Those of float32 `(n, dim)` rows with a `(dim,)` vector, float32; equal for equal rows.

    They are summed in double precision, for the order of summing may differ from row to row.
    """
    products = rows.astype(np.float64) @ vector.astype(np.float64)
    return products.astype(np.float32)


def _scored(ids: Ids, rows: Vectors, vector: Vectors) -> list[tuple[int, float]]:
    return list(zip(ids.tolist(), inner_products(rows, vector).tolist(), strict=True))
