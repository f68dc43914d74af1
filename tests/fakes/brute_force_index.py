"""A vector index in a few lines of numpy: fake and oracle at once."""

import numpy as np

from index.embedding import Vectors
from index.vectors import Ids


class BruteForceIndex:
    """Compares the question with every vector there is."""

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._rows: dict[int, Vectors] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def ids(self) -> Ids:
        return np.array(list(self._rows), dtype=np.int64)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        if len(ids) != len(vectors):
            raise ValueError(f"not the same length: {len(ids)} ids, {len(vectors)} vectors")
        self._rows.update(zip(ids.tolist(), vectors, strict=True))

    def remove(self, ids: Ids) -> None:
        for id_ in ids.tolist():
            self._rows.pop(id_, None)

    def rows(self, ids: Ids) -> Vectors:
        """The float32 `(n, dim)` rows under these ids."""
        rows = [self._rows[id_] for id_ in ids.tolist()]
        return np.stack(rows) if rows else np.empty((0, self._dim), dtype=np.float32)

    def search(self, vector: Vectors, k: int, within: Ids | None = None) -> list[tuple[int, float]]:
        allowed = self._rows.keys() if within is None else self._rows.keys() & set(within.tolist())
        found = [(id_, float(self._rows[id_] @ vector)) for id_ in allowed]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[: max(0, k)]
