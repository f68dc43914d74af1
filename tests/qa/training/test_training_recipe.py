"""The numbers of a training, and the course of the learning rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import InvalidSettings
from qa.training.recipe import Recipe


def test_the_rate_rises_stays_and_falls() -> None:
    recipe = Recipe(steps=10, warmup=2, cooldown=0.4, rate=0.3)
    rates = [recipe.rate_at(step) for step in range(10)]
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.3, 0.3, 0.3, 0.24, 0.18, 0.12, 0.06])


@given(
    steps=st.integers(1, 60),
    more=st.integers(0, 60),
    warmup=st.integers(0, 20),
    cooldown=st.floats(0, 1),
)
def test_until_it_falls_a_longer_training_is_the_same(
    steps: int, more: int, warmup: int, cooldown: float
) -> None:
    short = Recipe(steps=steps, warmup=warmup, cooldown=cooldown)
    long = Recipe(steps=steps + more, warmup=warmup, cooldown=cooldown)
    assert short.lasting() == long.lasting()
    assert short.falling <= long.falling
    for step in range(short.falling):
        assert short.rate_at(step) == long.rate_at(step)
    assert all(0 < short.rate_at(step) <= short.rate for step in range(steps))
    assert short.ends(short.falling) is None
    assert short.falling == steps or short.ends(steps) == (steps, steps - short.falling)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("batch", 0),
        ("rate", 0.0),
        ("rate", float("nan")),
        ("warmup", -1),
        ("cooldown", 1.5),
        ("dropout", 1.0),
        ("mined_share", 2.0),
        ("window", 8),
        ("relevance", -0.1),
    ],
)
def test_numbers_that_cannot_work_are_named(name: str, value: float) -> None:
    with pytest.raises(InvalidSettings, match=f"^{name} of {value} cannot work"):
        Recipe(**{"steps": 5, name: value})  # type: ignore[arg-type]
