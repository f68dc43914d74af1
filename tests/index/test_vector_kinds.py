"""Which kind of index a number of vectors gets, and that each kind can be changed and filtered."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import InvalidSettings
from index.vector_kinds import (
    EXACT,
    Kinds,
    check_factory,
    is_extensible,
    lists,
    nearest,
    sample_size,
    trained,
    without,
)

DIM = 16
RANDOM = np.random.default_rng(11)
CENTRES = RANDOM.standard_normal((20, DIM))
ROWS = (CENTRES[RANDOM.integers(20, size=2000)] + 0.3 * RANDOM.standard_normal((2000, DIM))).astype(
    np.float32
)
ROWS /= np.linalg.norm(ROWS, axis=1, keepdims=True)
CHANGING = ["Flat", "SQ8", "IVF16,SQ8", "IVF16,Flat", "IVF16,RaBitQ"]


@pytest.mark.parametrize(
    ("count", "kind"),
    [
        (0, "Flat"),
        (50_000, "Flat"),
        (50_001, "IVF512,SQ8"),
        (200_000, "IVF1024,SQ8"),
        (1_000_000, "IVF2048,SQ8"),
    ],
)
def test_the_kind_follows_the_number_of_vectors(count: int, kind: str) -> None:
    assert Kinds().chosen(count) == kind


def test_the_kind_can_be_named_for_what_is_too_many_to_compare_one_by_one() -> None:
    kinds = Kinds(exact_up_to=10, factory="HNSW32,SQ8")
    assert [kinds.chosen(count) for count in (10, 11)] == ["Flat", "HNSW32,SQ8"]


@given(count=st.integers(1, 10**7))
def test_lists_have_vectors_to_be_trained_on(count: int) -> None:
    assert 1 <= 4 * lists(count) <= max(4, count)
    sampled = sample_size(f"IVF{lists(count)},SQ8", count)
    assert min(count, 4 * lists(count)) <= sampled <= min(count, 65_536)
    assert sample_size(EXACT, count) == 0


@given(count=st.integers(60_000, 10**6), grown=st.floats(0.1, 10))
def test_an_index_serves_until_there_are_twice_or_half_as_many(count: int, grown: float) -> None:
    kinds = Kinds(exact_up_to=5_000)
    assert kinds.serves(kinds.chosen(count), count, int(count * grown)) == (
        count <= 4 * int(count * grown) <= 8 * count
    )


def test_an_index_serves_while_its_kind_is_the_one_asked_for() -> None:
    kinds = Kinds(exact_up_to=10)
    assert kinds.serves("Flat", 3, 10)
    assert not kinds.serves("Flat", 3, 11)
    assert not kinds.serves(kinds.chosen(11), 11, 10)
    named = Kinds(exact_up_to=10, factory="SQ8")
    assert named.serves("SQ8", 11, 10**6)
    assert not named.serves("IVF2,SQ8", 11, 11)


def test_what_is_loose_may_stay_while_it_is_little() -> None:
    kinds = Kinds(loose=5, loose_share=0.1)
    assert [kinds.is_due(10, loose) for loose in (5, 6)] == [False, True]
    assert [kinds.is_due(1000, loose) for loose in (100, 101)] == [False, True]


@pytest.mark.parametrize("factory", ["Flat", "IVF1024,SQ8", "IVF4096_HNSW32,PQ8x4fs", "HNSW32,SQ8"])
def test_a_kind_that_can_be_made_and_filtered_will_do(factory: str) -> None:
    check_factory(factory, DIM)
    check_factory(f"PCA8,{factory}", DIM)


@pytest.mark.parametrize("factory", ["", "nothing", "IVF", "PQ4x4fs", "NSG32", "Flat,Refine(Flat)"])
def test_a_kind_that_cannot_be_made_or_filtered_is_refused_in_one_line(factory: str) -> None:
    with pytest.raises(InvalidSettings, match="vector_index") as error:
        check_factory(factory, DIM)
    assert "\n" not in str(error.value)


def test_a_kind_that_needs_more_vectors_than_there_are_is_refused_in_one_line() -> None:
    with pytest.raises(InvalidSettings, match="10 vectors") as error:
        trained("IVF512,SQ8", ROWS[:10])
    assert "\n" not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("factory", CHANGING)
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_what_stays_is_found_at_its_new_position(factory: str, data: st.DataObject) -> None:
    chance = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    index = trained(factory, ROWS)
    assert is_extensible(index)
    kept = np.empty(0, dtype=np.int64)
    for first in range(0, 600, 200):
        index.add(ROWS[first : first + 200])
        kept = np.concatenate([kept, np.arange(first, first + 200)])
        gone = chance.random(len(kept)) < data.draw(st.sampled_from([0, 0.1, 0.9, 1]))
        without(index, gone)
        kept = kept[~gone]
    assert index.ntotal == len(kept)
    for number in range(0, len(kept), 40):
        found = nearest(index, ROWS[kept[number]], 40, None, 1000)
        assert number in found
        assert len(set(found.tolist())) == len(found)


@pytest.mark.slow
@pytest.mark.parametrize("factory", [*CHANGING, "IVF16,PQ4x4fs", "HNSW16", "PCA12,IVF8,SQ8"])
@pytest.mark.parametrize("share", [0.0, 0.002, 0.02, 0.2, 0.9])
def test_of_what_a_filter_leaves_all_that_is_wanted_is_found(factory: str, share: float) -> None:
    index = trained(factory, ROWS)
    index.add(ROWS)
    # The vectors that are farthest from the question, which an approximate search would not reach.
    far = np.argsort(ROWS @ ROWS[0])[: int(share * len(ROWS))]
    allowed = np.zeros(len(ROWS), dtype=bool)
    allowed[far] = True
    found = nearest(index, ROWS[0], 10, allowed, 30)
    assert allowed[found].all()
    assert len(found) >= min(10, len(far))


@pytest.mark.parametrize("factory", ["HNSW16", "IVF16,PQ4x4fs", "PCA12,IVF8,SQ8"])
def test_kinds_that_cannot_be_changed_are_known(factory: str) -> None:
    assert not is_extensible(trained(factory, ROWS))


def test_more_effort_finds_more() -> None:
    index = trained("IVF44,SQ8", ROWS)
    index.add(ROWS)

    def recall(effort: int) -> float:
        hits = 0
        for row in ROWS[::40]:
            best = np.argsort(-(ROWS @ row))[:10]
            hits += len(np.intersect1d(nearest(index, row, 10, None, effort), best))
        return hits / (10 * len(ROWS[::40]))

    assert recall(1) < recall(200) <= recall(2000)
    assert recall(2000) > 0.98
