"""The bootstrap's interval."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evaluation.comparing import paired_bootstrap

SCORES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40)


def test_questions_are_drawn_in_pairs() -> None:
    # Whatever is drawn, the difference is the same.
    found = paired_bootstrap([1.0, 0.5, 0.25], [0.75, 0.25, 0.0])
    assert (found.mean, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_the_interval_is_that_of_the_normal_law_where_there_are_many() -> None:
    chance = np.random.default_rng(1)
    ours, theirs = chance.normal(1, 2, 900), chance.normal(0.5, 2, 900)
    found = paired_bootstrap(ours.tolist(), theirs.tolist())
    error = float(np.std(ours - theirs) / 30)
    assert found.low == pytest.approx(found.mean - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(found.mean + 1.96 * error, abs=0.15 * error)


@given(SCORES)
def test_the_mean_lies_within_and_turns_round(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = [one for one, _ in pairs], [other for _, other in pairs]
    found, back = paired_bootstrap(ours, theirs, 200), paired_bootstrap(theirs, ours, 200)
    assert found.low - 1e-9 <= found.high
    assert found.mean == pytest.approx(float(np.mean(ours) - np.mean(theirs)))
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))
    assert paired_bootstrap(ours, ours, 20).high == 0
