"""The figures of questions asked end to end; pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qa.evaluation.asking import Judged, Stage
from qa.evaluation.certainty import Bin, Certainty, Operating, certainty, percentiles

RANKS = (50, 90, 95, 99)


@dataclass(frozen=True, slots=True)
class AnswerFigures:
    """What came of a set of questions; shares and means lie in [0, 1], None where nothing is known.

    `exact` and `f1` are of what was given, where abstaining from a question without an answer
    counts 1; `has_answer_*` of the questions that have one, and `best_f1` of the likeliest answers
    to these, given or not. `right`, `right_document`, `iou`, `in_sentence` and `in_hits` are of
    the likeliest answers to questions that have one. `abstention_precision` is the share of
    questions without an answer among those abstained from, `abstention_recall` the share abstained
    from among those without an answer. Risk and coverage are over all questions, calibration over
    those for which anything was found; only a right answer to a question that has one is right.
    `span_probability` is what the reader's own probability of the same answers would be worth as
    their confidence; None where it is not known.
    `lost_in` counts the wrong replies by the stage where the right one was lost. `milliseconds`
    are percentiles, `read` is how many passages were read for a question, on average.
    """

    questions: int
    answerable: int
    threshold: float
    given: int
    exact: float
    f1: float
    has_answer_exact: float | None
    has_answer_f1: float | None
    best_f1: float | None
    right: float | None
    right_and_given: float | None
    right_document: float | None
    iou: float | None
    in_sentence: float | None
    in_hits: float | None
    abstention_precision: float | None
    abstention_recall: float | None
    auroc: float | None
    area_under_risk: float | None
    calibration_error: float | None
    coverage_at_precision: Mapping[str, Operating | None]
    risk_coverage: Sequence[Operating]
    reliability: Sequence[Bin]
    lost_in: Mapping[str, int]
    milliseconds: Mapping[int, float]
    read: float
    span_probability: Certainty | None


def answer_figures(judged: Sequence[Judged], threshold: float) -> AnswerFigures:
    """The figures of what was asked; there is at least one question."""
    has = [one for one in judged if one.answerable]
    has_not = [one for one in judged if not one.answerable]
    abstained = [one for one in judged if not one.given]
    right = [one.right for one in judged]
    sure = certainty([None if one.best is None else one.confidence for one in judged], right)
    alone = [one.span_probability for one in judged]
    counts = Counter(one.lost_in for one in judged)
    return AnswerFigures(
        questions=len(judged),
        answerable=len(has),
        threshold=threshold,
        given=len(judged) - len(abstained),
        exact=_mean(judged, lambda one: one.given_exact) or 0.0,
        f1=_mean(judged, lambda one: one.given_f1) or 0.0,
        has_answer_exact=_mean(has, lambda one: one.given_exact),
        has_answer_f1=_mean(has, lambda one: one.given_f1),
        best_f1=_mean(has, lambda one: one.f1),
        right=_mean(has, lambda one: one.right),
        right_and_given=_mean(has, lambda one: one.right and one.given),
        right_document=_mean(has, lambda one: one.right_document),
        iou=_mean(has, lambda one: one.iou),
        in_sentence=_mean(has, lambda one: one.in_sentence),
        in_hits=_mean(has, lambda one: one.in_hits),
        abstention_precision=_mean(abstained, lambda one: not one.answerable),
        abstention_recall=_mean(has_not, lambda one: not one.given),
        auroc=sure.auroc,
        area_under_risk=sure.area_under_risk,
        calibration_error=sure.calibration_error,
        coverage_at_precision=sure.coverage_at_precision,
        risk_coverage=sure.risk_coverage,
        reliability=sure.reliability,
        lost_in={stage.value: counts[stage] for stage in Stage},
        milliseconds=percentiles([one.milliseconds for one in judged], RANKS),
        read=sum(one.read for one in judged) / len(judged),
        span_probability=None if set(alone) == {None} else certainty(alone, right),
    )


def _mean(judged: Sequence[Judged], value: Callable[[Judged], float | None]) -> float | None:
    """The mean over those of which the value is known."""
    values = [found for one in judged if (found := value(one)) is not None]
    return sum(values) / len(values) if values else None
