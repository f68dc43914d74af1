"""Logistic regression for small problems: penalised, by Newton's method; pure numpy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_MOST_STEPS = 100
_MOST_HALVINGS = 30
_CLOSE = 1e-10


def sigmoid(values: Vector) -> Vector:
    """`1 / (1 + exp(-x))` of each value, without overflow."""
    return np.exp(-np.logaddexp(0.0, -values))


def log_loss(logits: Vector, labels: NDArray[np.bool_]) -> Vector:
    """What each label costs, in nats: minus the log of the probability given to it."""
    return np.logaddexp(0.0, np.where(labels, -logits, logits))


def fit(
    rows: Vector,
    labels: NDArray[np.bool_],
    *,
    penalties: Vector,
    prior: Vector,
    at_least_zero: Sequence[int] = (),
) -> Vector:
    """The float64 `(d,)` weights of `(n, d)` rows that explain `(n,)` labels best.

    They are the minimum of the summed log loss of `sigmoid(rows @ weights)` plus half of
    `penalties * (weights - prior) ** 2`, summed. Penalties are above zero, so that there is exactly
    one. The weights in the columns of `at_least_zero`, whose priors are not below it, are not
    either (an active set: Nocedal and Wright, "Numerical Optimization", 2006, section 16.5).
    """
    bounded = np.zeros(prior.size, bool)
    bounded[list(at_least_zero)] = True
    held = np.zeros(prior.size, bool)
    weights = prior.astype(np.float64)
    while True:
        weights = _newton(rows, labels, penalties, prior, np.where(held, 0.0, weights), ~held)
        below = bounded & ~held & (weights < 0)
        if below.any():
            held |= below
            continue
        gradient = _gradient(rows, labels, penalties, prior, weights)
        # A weight that is held at zero is let go where the loss falls above it.
        freed = held & (gradient < -_CLOSE * (1 + rows.shape[0]))
        if not freed.any():
            return weights
        worst = int(np.argmin(np.where(freed, gradient, 0.0)))
        held[worst] = False


def _loss(
    rows: Vector, labels: NDArray[np.bool_], penalties: Vector, prior: Vector, weights: Vector
) -> float:
    away = weights - prior
    return float(log_loss(rows @ weights, labels).sum() + (penalties * away**2).sum() / 2)


def _gradient(
    rows: Vector, labels: NDArray[np.bool_], penalties: Vector, prior: Vector, weights: Vector
) -> Vector:
    gradient: Vector = rows.T @ (sigmoid(rows @ weights) - labels) + penalties * (weights - prior)
    return gradient


def _newton(
    rows: Vector,
    labels: NDArray[np.bool_],
    penalties: Vector,
    prior: Vector,
    weights: Vector,
    free: NDArray[np.bool_],
) -> Vector:
    """The minimum over the free weights, from these on; the others stay."""
    loss = _loss(rows, labels, penalties, prior, weights)
    for _ in range(_MOST_STEPS):
        chance = sigmoid(rows @ weights)
        gradient = _gradient(rows, labels, penalties, prior, weights)[free]
        some = rows[:, free]
        curvature = some.T @ (some * (chance * (1 - chance))[:, None]) + np.diag(penalties[free])
        step = np.zeros(weights.size)
        step[free] = np.linalg.solve(curvature, gradient)
        for _ in range(_MOST_HALVINGS):
            moved = weights - step
            found = _loss(rows, labels, penalties, prior, moved)
            if found <= loss:
                break
            step /= 2
        else:
            return weights
        weights, gained, loss = moved, loss - found, found
        if gained <= _CLOSE * (1 + abs(loss)) and np.abs(step).max() <= _CLOSE:
            return weights
    return weights
