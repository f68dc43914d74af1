"""How far a difference between two readers on the same questions can be relied on; pure numpy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2_000
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean of one less that of the other, and the 95% interval around it."""

    mean: float
    low: float
    high: float


def paired_bootstrap(
    ours: Sequence[float], theirs: Sequence[float], resamples: int = RESAMPLES, seed: int = 0
) -> Difference:
    """The difference of the means of two equally long, not empty lists of scores.

    Questions are drawn with replacement, both scores of one together. See Efron and Tibshirani, "An
    Introduction to the Bootstrap" (1993), and Koehn, "Statistical Significance Tests for Machine
    Translation Evaluation" (2004).
    """
    differences = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    chance = np.random.default_rng(seed)
    means: list[float] = []
    while len(means) < resamples:
        count = min(_CHUNK, resamples - len(means))
        drawn = chance.integers(0, differences.size, (count, differences.size))
        means += differences[drawn].mean(axis=1).tolist()
    low, high = np.percentile(means, (2.5, 97.5))
    return Difference(float(differences.mean()), float(low), float(high))
