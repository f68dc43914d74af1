"""Ranges of characters, against sets of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.evaluation.places import covered, intersection_over_union, overlaps

RANGES = st.tuples(st.integers(0, 20), st.integers(1, 8)).map(lambda one: (one[0], sum(one)))


def characters(*ranges: tuple[int, int]) -> set[int]:
    return {place for start, end in ranges for place in range(start, end)}


@settings(deadline=None)
@given(RANGES, RANGES)
def test_two_ranges_meet_as_their_characters_do(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    both, either = (
        characters(one) & characters(other),
        characters(one) | characters(other),
    )
    assert overlaps(one, other) == bool(both)
    assert intersection_over_union(one, other) == pytest.approx(len(both) / len(either))


@settings(deadline=None)
@given(RANGES, st.lists(RANGES, max_size=6))
def test_what_is_covered_is_counted_once(
    gold: tuple[int, int], ranges: list[tuple[int, int]]
) -> None:
    inside = characters(gold) & characters(*ranges)
    assert covered(gold, ranges) == pytest.approx(len(inside) / len(characters(gold)))


def test_ranges_that_touch_share_nothing() -> None:
    assert not overlaps((0, 3), (3, 6))
    assert intersection_over_union((0, 3), (3, 6)) == 0
    assert intersection_over_union((2, 6), (2, 6)) == 1
