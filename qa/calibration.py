"""From what speaks for an answer to the probability that it is right."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

# What speaks for an answer besides its score; see `qa.evidence`. More of it never makes an answer
# less likely.
EVIDENCE = ("margin", "agreement")


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What comes of giving only answers of some confidence, as it was measured when fitting.

    Of the answers with a confidence of `confidence` or more at least the share `precision` was
    right, and the share `coverage` of all questions had one; both from 0 to 1.
    """

    precision: float
    confidence: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """From a reader's scores to probabilities, fitted on a development set.

    An answer's score is its span's plus `retrieval_weight` times its passage's (0 to 1), and
    `confidence = 1 / (1 + exp(-(slope * score + intercept + the weighted evidence)))`, where
    `weights` has a weight for each kind of evidence that counts, by its name in `EVIDENCE`. Answers
    below `abstain_below` (a confidence) are not given. `operating_points` tell what other
    thresholds would do.
    """

    retrieval_weight: float = 0.0
    slope: float = 1.0
    intercept: float = 0.0
    abstain_below: float = 0.5
    weights: Mapping[str, float] = field(default_factory=dict)
    operating_points: tuple[OperatingPoint, ...] = ()

    def __post_init__(self) -> None:
        """Hold the numbers against what the rest relies on.

        Raises:
            ValueError: with them a better span could make an answer less likely, or they are no
                numbers that can be worked with.
        """
        unknown = sorted(self.weights.keys() - set(EVIDENCE))
        if unknown:
            raise ValueError(f"its weights name {', '.join(unknown)}, which is no evidence here")
        numbers = (self.retrieval_weight, self.slope, self.intercept, *self.weights.values())
        if not all(map(math.isfinite, numbers)):
            raise ValueError("it holds a number that is not finite")
        if self.slope < 0 or any(weight < 0 for weight in self.weights.values()):
            raise ValueError("its slope, or a weight, is below zero")
        if not 0 <= self.abstain_below <= 1:
            raise ValueError(f"its abstain_below is {self.abstain_below}, expected from 0 to 1")

    def logit(self, score: float, evidence: Mapping[str, float] | None = None) -> float:
        """The log of the odds that an answer is right, from its score and further evidence."""
        known = {} if evidence is None else evidence
        further = sum(weight * known.get(name, 0.0) for name, weight in self.weights.items())
        return self.slope * score + self.intercept + further

    def confidence(self, score: float, evidence: Mapping[str, float] | None = None) -> float:
        """The probability, from 0 to 1, that an answer is right; see `logit`."""
        exponent = self.logit(score, evidence)
        if exponent < 0:
            odds = math.exp(max(exponent, -700))
            return odds / (1 + odds)
        return 1 / (1 + math.exp(-exponent))


def written(calibration: Calibration) -> dict[str, Any]:
    """A calibration as JSON holds it, in a model's manifest and in an index."""
    plain = asdict(calibration)
    plain["operating_points"] = [asdict(point) for point in calibration.operating_points]
    return plain


def understood(plain: object) -> Calibration:
    """The calibration that JSON holds; what it leaves out is as without a fit.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(plain, Mapping):
        raise ValueError("it is not an object")
    unknown = sorted(plain.keys() - {one.name for one in fields(Calibration)})
    if unknown:
        raise ValueError(f"it holds {', '.join(map(str, unknown))}, which is not known here")
    given = dict(plain)
    weights, points = given.pop("weights", {}), given.pop("operating_points", [])
    if not isinstance(weights, Mapping) or not isinstance(points, Sequence):
        raise ValueError("its weights are not an object, or its operating points not a list")
    try:
        return Calibration(
            **{name: float(value) for name, value in given.items()},
            weights={str(name): float(value) for name, value in weights.items()},
            operating_points=tuple(
                OperatingPoint(**{name: float(value) for name, value in point.items()})
                for point in points
            ),
        )
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueError(str(error)) from error
