"""What speaks for an answer within all that was read for its question; pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index.documents import Hit
from qa.calibration import Calibration
from qa.ranking import Quote, Ranked
from qa.reader import chance

# Beyond this many logits a margin says no more.
MOST_MARGIN = 10.0

Evidence = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Likely:
    """A quote with the probability, from 0 to 1, that it is a right answer."""

    quote: Quote
    confidence: float


def weigh(ranked: Sequence[Ranked], calibration: Calibration) -> list[tuple[Likely, ...]]:
    """Distinct answers with how likely they are right, likeliest first; each with its places so.

    `ranked` are the answers that all passages give (see `rank`). Equal confidences are
    in the order of `ranked`.
    """
    answers = [
        sorted(
            (
                Likely(quote, calibration.confidence(quote.score, found))
                for quote, found in zip((one.best, *one.others), each, strict=True)
            ),
            key=lambda likely: -likely.confidence,
        )
        for one, each in zip(ranked, evidence(ranked), strict=True)
    ]
    return sorted(map(tuple, answers), key=lambda places: -places[0].confidence)


def evidence(ranked: Sequence[Ranked]) -> list[list[Evidence]]:
    """The evidence for each quote of each answer, in their order, the best quote first.

    For a quote, by name:

    - margin: its score less that of the best other answer, in logits, at most `MOST_MARGIN` either
      way.
    - agreement: how many further passages give the same answer, each counted as likely as the
      reader holds it there, against "no answer".

    All but the margin stay as they are when the score of the quote alone changes.
    """
    found: list[list[Evidence]] = []
    for nth, one in enumerate(ranked):
        # The best answer's rival is the second, that of all others is the best.
        rival = ranked[1 if nth == 0 else 0].best.score if len(ranked) > 1 else -math.inf
        by_passage = _by_passage(one)
        found.append(
            [
                {
                    "margin": max(-MOST_MARGIN, min(MOST_MARGIN, quote.score - rival)),
                    "agreement": math.fsum(
                        likely for key, likely in by_passage.items() if key != _key(quote.hit)
                    ),
                }
                for quote in (one.best, *one.others)
            ]
        )
    return found


def _key(hit: Hit) -> tuple[str, int, int]:
    return hit.passage.document_id, hit.passage.start, hit.passage.end


def _by_passage(answer: Ranked) -> dict[tuple[str, int, int], float]:
    """How likely the reader holds an answer in each passage that gives it."""
    found: dict[tuple[str, int, int], float] = {}
    for quote in (answer.best, *answer.others):
        key = _key(quote.hit)
        found[key] = max(chance(quote.span_score), found.get(key, 0.0))
    return found
