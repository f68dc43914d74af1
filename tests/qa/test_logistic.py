"""Logistic regression, against other people's solvers and by what a minimum is."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.logistic import Vector, fit, log_loss, sigmoid

Labels = np.ndarray[Any, np.dtype[np.bool_]]


@st.composite
def problems(draw: st.DrawFn) -> tuple[Vector, Labels, Vector, Vector]:
    """Rows, labels, penalties and a prior, of a few columns."""
    seed = draw(st.integers(0, 2**16))
    chance = np.random.default_rng(seed)
    count, width = draw(st.integers(1, 40)), draw(st.integers(1, 4))
    rows = chance.normal(size=(count, width)) * draw(st.sampled_from([0.01, 1.0, 30.0]))
    labels = chance.random(count) < draw(st.sampled_from([0.0, 0.3, 0.8, 1.0]))
    penalties = np.exp(chance.uniform(-3, 3, width))
    return rows, labels, penalties, np.abs(chance.normal(size=width))


@settings(deadline=None)
@given(problems(), st.sets(st.integers(0, 3)))
def test_it_is_the_minimum_that_scipy_finds(
    problem: tuple[Vector, Labels, Vector, Vector], bounded: set[int]
) -> None:
    optimize: Any = pytest.importorskip("scipy.optimize")
    rows, labels, penalties, prior = problem
    bounded = {place for place in bounded if place < prior.size}
    weights = fit(rows, labels, penalties=penalties, prior=prior, at_least_zero=sorted(bounded))
    assert all(weights[place] >= 0 for place in bounded)

    def loss(values: Vector) -> float:
        away = values - prior
        return float(log_loss(rows @ values, labels).sum() + (penalties * away**2).sum() / 2)

    bounds = [(0.0 if place in bounded else None, None) for place in range(prior.size)]
    found = optimize.minimize(loss, prior, method="L-BFGS-B", bounds=bounds)
    assert loss(weights) <= found.fun + 1e-6 * (1 + abs(found.fun))


@settings(deadline=None)
@given(problems())
def test_without_bounds_the_gradient_vanishes(
    problem: tuple[Vector, Labels, Vector, Vector],
) -> None:
    rows, labels, penalties, prior = problem
    weights = fit(rows, labels, penalties=penalties, prior=prior)
    gradient = rows.T @ (sigmoid(rows @ weights) - labels) + penalties * (weights - prior)
    assert np.abs(gradient).max() <= 1e-6 * (1 + np.abs(rows).sum())


def test_it_is_what_scikit_learn_fits() -> None:
    linear: Any = pytest.importorskip("sklearn.linear_model")
    chance = np.random.default_rng(7)
    rows = chance.normal(size=(300, 3))
    labels = chance.random(300) < sigmoid(rows @ np.array([2.0, -1.0, 0.0]))
    ours = fit(rows, labels, penalties=np.full(3, 2.0), prior=np.zeros(3))
    theirs = linear.LogisticRegression(C=0.5, fit_intercept=False, tol=1e-10).fit(rows, labels)
    assert ours == pytest.approx(theirs.coef_[0], abs=1e-5)


def test_without_rows_the_prior_stays() -> None:
    weights = fit(
        np.zeros((0, 2)), np.zeros(0, bool), penalties=np.ones(2), prior=np.array([1.0, -2.0])
    )
    assert weights == pytest.approx([1.0, -2.0])


def test_what_can_be_told_apart_wholly_stays_finite() -> None:
    rows = np.array([[-1.0], [-2.0], [1.0], [2.0]])
    labels = np.array([False, False, True, True])
    [weight] = fit(rows, labels, penalties=np.array([1e-6]), prior=np.zeros(1))
    assert 1.0 < weight < 100.0


def test_a_stronger_penalty_holds_the_weights_closer_to_the_prior() -> None:
    chance = np.random.default_rng(3)
    rows = chance.normal(size=(50, 2))
    labels = rows[:, 0] > 0
    prior = np.array([0.0, 1.0])
    away = [
        float(np.abs(fit(rows, labels, penalties=np.full(2, held), prior=prior) - prior).max())
        for held in (0.1, 1.0, 10.0, 1e4)
    ]
    assert away == sorted(away, reverse=True)
    assert away[-1] < 0.01


@given(st.floats(-1e4, 1e4))
def test_the_sigmoid_is_a_probability_and_symmetric(value: float) -> None:
    one, other = sigmoid(np.array([value, -value]))
    assert 0.0 <= one <= 1.0
    assert one + other == pytest.approx(1.0)


def test_the_log_loss_is_minus_the_log_of_what_was_likely() -> None:
    losses = log_loss(np.array([0.0, 3.0, -800.0]), np.array([True, False, True]))
    assert losses == pytest.approx([np.log(2), -np.log(1 - sigmoid(np.array([3.0]))[0]), 800.0])
