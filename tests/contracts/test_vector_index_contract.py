"""What every `VectorIndex` does."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.changes import NOWHERE
from index.embedding import Vectors
from index.vector_file import Origin, Sealed
from index.vector_kinds import trained
from index.vectors import FaissIndex, Ids, VectorIndex
from tests.fakes.brute_force_index import BruteForceIndex

MakeIndex = Callable[[int], VectorIndex]

EAST, NORTH, UP = np.eye(3, dtype=np.float32)


class SealedIndex:
    """FAISS with most of its vectors in an index of some kind, made anew every few changes."""

    def __init__(self, dim: int, factory: str = "Flat", every: int = 3) -> None:
        self._rows = BruteForceIndex(dim)
        self._dim, self._factory, self._every = dim, factory, every
        self._changes = 0
        self._index = FaissIndex(dim)

    def __len__(self) -> int:
        return len(self._index)

    @property
    def ids(self) -> Ids:
        return self._index.ids

    def add(self, ids: Ids, vectors: Vectors) -> None:
        self._index.add(ids, vectors)
        self._rows.add(ids, vectors)
        self._changed()

    def remove(self, ids: Ids) -> None:
        self._index.remove(ids)
        self._rows.remove(ids)
        self._changed()

    def search(self, vector: Vectors, k: int, within: Ids | None = None) -> list[tuple[int, float]]:
        return self._index.search(vector, k, within)

    def _lookup(self, ids: Ids) -> tuple[Ids, Vectors]:
        known = np.array(sorted(set(ids.tolist()) & set(self._rows.ids.tolist())), dtype=np.int64)
        return known, self._rows.rows(known)

    def _changed(self) -> None:
        self._changes += 1
        if self._changes % self._every:
            return
        ids, rows = self._lookup(self._rows.ids)
        index = trained(self._factory, rows if len(rows) else np.zeros((1, self._dim), np.float32))
        index.add(rows)
        sealed = Sealed(index, ids, self._factory, len(ids), Origin("catalog", 1, NOWHERE, 0))
        self._index = FaissIndex(self._dim, sealed, self._lookup)


@pytest.fixture(
    params=[
        FaissIndex,
        BruteForceIndex,
        partial(SealedIndex, every=1),
        SealedIndex,
        partial(SealedIndex, factory="IVF1,SQ8"),
        pytest.param(partial(SealedIndex, factory="IVF1,SQ8", every=1), marks=pytest.mark.slow),
        pytest.param(partial(SealedIndex, factory="SQfp16"), marks=pytest.mark.slow),
        pytest.param(partial(SealedIndex, factory="HNSW8"), marks=pytest.mark.slow),
    ],
    ids=[
        "added",
        "brute force",
        "sealed",
        "sealed and added",
        "IVF and added",
        "IVF",
        "half precision",
        "HNSW",
    ],
    scope="module",
)
def make(request: pytest.FixtureRequest) -> MakeIndex:
    return request.param


def filled(make: MakeIndex, rows: dict[int, np.ndarray]) -> VectorIndex:
    index = make(3)
    index.add(np.array(list(rows), dtype=np.int64), np.array(list(rows.values()), np.float32))
    return index


def test_an_empty_index_finds_nothing(make: MakeIndex) -> None:
    index = make(3)
    assert len(index) == 0
    assert index.ids.tolist() == []
    assert index.search(EAST, 5) == []
    assert index.search(EAST, 5, np.array([1, 2])) == []


def test_the_nearest_come_first_with_their_inner_products(make: MakeIndex) -> None:
    index = filled(make, {7: NORTH, 3: np.array([0.6, 0.8, 0]), 5: EAST, 9: -EAST})
    found = index.search(EAST, 4)
    assert [id_ for id_, _ in found] == [5, 3, 7, 9]
    assert [score for _, score in found] == pytest.approx([1, 0.6, 0, -1])


def test_at_most_k_are_found(make: MakeIndex) -> None:
    index = filled(make, {1: EAST, 2: NORTH, 3: UP})
    assert [len(index.search(EAST, k)) for k in (0, 1, 2, 3, 4, 1000)] == [0, 1, 2, 3, 3, 3]


def test_a_filter_that_leaves_few_gives_few_and_no_padding(make: MakeIndex) -> None:
    index = filled(make, dict.fromkeys(range(10), EAST))
    assert index.search(EAST, 5, np.array([4, 8])) == [(4, 1.0), (8, 1.0)]
    assert index.search(EAST, 5, np.array([], dtype=np.int64)) == []
    assert index.search(EAST, 5, np.array([77, -1])) == []
    assert index.search(EAST, 5, np.array([4, 77, 4])) == [(4, 1.0)]


@pytest.mark.parametrize("k", [1, 3, 40])
def test_equal_scores_are_in_the_order_of_their_ids_however_many_there_are(
    make: MakeIndex, k: int
) -> None:
    index = filled(make, dict.fromkeys(range(300, 0, -1), EAST) | {999: NORTH})
    assert [id_ for id_, _ in index.search(EAST, k)] == list(range(1, k + 1))
    odd = np.arange(299, 0, -2)
    assert [id_ for id_, _ in index.search(EAST, k, odd)] == list(range(1, 2 * k, 2))


def test_what_was_removed_is_never_found_again(make: MakeIndex) -> None:
    index = filled(make, {1: EAST, 2: NORTH, 3: UP})
    index.remove(np.array([1, 3, 55]))
    assert len(index) == 1
    assert index.ids.tolist() == [2]
    assert [id_ for id_, _ in index.search(EAST, 5)] == [2]
    index.remove(np.array([], dtype=np.int64))
    assert len(index) == 1


def test_an_id_can_come_back_with_another_vector(make: MakeIndex) -> None:
    index = filled(make, {1: EAST, 2: NORTH})
    index.remove(np.array([1]))
    index.add(np.array([1]), UP[None])
    assert index.search(UP, 1) == [(1, 1.0)]
    assert sorted(index.ids.tolist()) == [1, 2]


def test_ids_and_vectors_of_different_number_are_refused(make: MakeIndex) -> None:
    index = make(3)
    with pytest.raises(ValueError, match="2 ids, 3 vectors"):
        index.add(np.array([1, 2]), np.eye(3, dtype=np.float32))
    assert len(index) == 0


# Small whole numbers: many ties, and inner products that are exact in float32.
rows = st.tuples(*[st.integers(-2, 2)] * 3)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 60), rows),
        st.tuples(st.just("remove"), st.integers(0, 60), rows),
        st.tuples(st.just("search"), st.integers(0, 12), rows),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=40)
@given(steps=steps, within=st.none() | st.lists(st.integers(-1, 62)))
def test_it_finds_what_comparing_with_every_vector_finds(
    make: MakeIndex, steps: list[tuple[str, int, tuple[int, ...]]], within: list[int] | None
) -> None:
    index, oracle = make(3), BruteForceIndex(3)
    allowed = None if within is None else np.array(within, dtype=np.int64)
    for action, number, values in steps:
        row = np.array(values, dtype=np.float32)
        if action == "search":
            assert index.search(row, number, allowed) == oracle.search(row, number, allowed)
            continue
        for side in (index, oracle):
            side.remove(np.array([number]))
            if action == "add":
                side.add(np.array([number]), row[None])
        assert sorted(index.ids.tolist()) == sorted(oracle.ids.tolist())
        assert len(index) == len(oracle)
