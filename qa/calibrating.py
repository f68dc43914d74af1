"""Fitting a calibration to labelled questions, and measuring it on questions it was not fitted to.

The answer's rank is a conditional logit over the answers to one question (McFadden, "Conditional
Logit Analysis of Qualitative Choice Behavior", 1974): span and passage each get a weight, and their
ratio is the passage's share of the score. Its confidence is a logistic regression on the score and
the further evidence, with an L2 penalty on standardised features.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.documents import Hit
from index.errors import InvalidLabels, InvalidQuestion
from index.retriever import Retriever
from index.store import PassageStore
from qa.answering import Places, read_hits
from qa.calibration import EVIDENCE, Calibration, OperatingPoint
from qa.evaluation.asking import is_right
from qa.evaluation.certainty import PRECISIONS, Certainty, certainty, coverage_at, risk_coverage
from qa.evaluation.faults import Fault
from qa.evaluation.questions import Target
from qa.evaluation.squad import mark
from qa.evidence import evidence, weigh
from qa.logistic import Vector, fit, log_loss
from qa.ranking import Quote, Ranked, pool, rank
from qa.reader import Reader, Reading, chance

# Fewer questions, or right or wrong answers among them, tell nothing that would hold for others.
LEAST_QUESTIONS = 30
LEAST_OF_EACH = 8

FOLDS = 5


@dataclass(frozen=True, slots=True)
class _Hold:
    """How strongly weights are held to those before, each on the scale of its evidence.

    As a prior: the inverse of the variance that they are expected to have around them.
    """

    weights: float
    intercept: float


# Where there is nothing to begin from, and where a calibration is refitted: how often questions
# have answers differs more from one set of documents to another than what speaks for an answer.
_FROM_NOTHING = _Hold(1.0, 1e-3)
_REFIT = _Hold(20.0, 8.0)

_LEAST_DEVIATION = 1e-3

# What a threshold may cost, as a share, for answering more.
_LEVEL = 0.04

_Range = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Case:
    """A labelled question and what was read for it.

    `right` are the quotes that answer it, `unquotable` those that no answer is made of (headings,
    titles), each by document id, start and end. Cases of one `group` are not on both sides of a fit
    and its measuring, unless there are too few groups for that (see `folds`).
    """

    group: str
    answerable: bool
    hits: tuple[Hit, ...]
    readings: tuple[Reading, ...]
    right: frozenset[_Range]
    unquotable: frozenset[_Range]


@dataclass(frozen=True, slots=True)
class Predicted:
    """The likeliest answer to one question: its confidence, and whether it is right.

    `span_probability` is how likely the reader by itself holds it, against "no answer". Both lie in
    [0, 1] and are None where nothing was found; what is wrong, or asked without an answer, is not
    right.
    """

    confidence: float | None
    span_probability: float | None
    right: bool
    answerable: bool


@dataclass(frozen=True, slots=True)
class Worth:
    """What confidences are worth: their certainty, Brier score and log loss (nats), lower better.

    `given` is the share of all questions that is answered at the threshold, `right_given` the share
    of those with an answer that is answered right there, `abstained` the share of those without
    that is abstained from; None where there are none.
    """

    certainty: Certainty
    brier: float
    log_loss: float
    given: float
    right_given: float | None
    abstained: float | None


Fitter = Callable[[Sequence[Case]], Calibration]


def read_case(retriever: Retriever, reader: Reader, target: Target, passages: int) -> Case:
    """Ask a labelled question as it is asked for an answer, and hold what is found against it.

    Raises:
        InvalidQuestion: it is empty or too long.
    """
    [query] = retriever.embed([target.question.text])
    hits = retriever.search(query, passages)
    readings = read_hits(reader, query.text, hits)
    return case_of(target, hits, readings, retriever.store)


def case_of(
    target: Target, hits: Sequence[Hit], readings: Sequence[Reading], store: PassageStore
) -> Case:
    """What was read for a labelled question, held against what it ought to find."""
    places = Places(hits, store)
    right, unquotable = set(), set()
    for quote in pool(hits, readings):
        if places.quoted(quote) is None:
            unquotable.add(_range(quote))
        elif _answers(quote, target):
            right.add(_range(quote))
    return Case(
        target.question.group,
        target.answerable,
        tuple(hits),
        tuple(readings),
        frozenset(right),
        frozenset(unquotable),
    )


def _answers(quote: Quote, target: Target) -> bool:
    place = (quote.document_id, (quote.start, quote.end))
    return is_right(target, [place], mark(quote.text, target.texts).f1)


def _range(quote: Quote) -> _Range:
    return quote.document_id, quote.start, quote.end


def read_cases(
    retriever: Retriever,
    reader: Reader,
    targets: Sequence[Target],
    passages: int,
    report: Callable[[int], None] = lambda _: None,
) -> tuple[list[Case], list[Fault]]:
    """The cases of labelled questions; what cannot be asked is a fault.

    `report` is told how many are done.
    """
    cases, faults = [], []
    for count, target in enumerate(targets, 1):
        try:
            cases.append(read_case(retriever, reader, target, passages))
        except InvalidQuestion as error:
            faults.append(Fault(target.question.place, str(error)))
        report(count)
    return cases, faults


def predict(case: Case, calibration: Calibration) -> Predicted:
    """What a calibration makes of a case."""
    ranked = rank(case.hits, case.readings, calibration.retrieval_weight)
    answers = [
        [one for one in places if _range(one.quote) not in case.unquotable]
        for places in weigh(ranked, calibration)
    ]
    best = max(filter(None, answers), key=lambda places: places[0].confidence, default=None)
    if best is None:
        return Predicted(None, None, False, case.answerable)
    return Predicted(
        best[0].confidence,
        chance(best[0].quote.span_score),
        any(_range(one.quote) in case.right for one in best),
        case.answerable,
    )


def worth(predicted: Sequence[Predicted], threshold: float) -> Worth:
    """What confidences are worth; there is at least one question."""
    values = [0.0 if one.confidence is None else one.confidence for one in predicted]
    confidences, right = np.array(values), np.array([one.right for one in predicted])
    given = np.array([one.confidence is not None for one in predicted]) & (confidences >= threshold)
    has = np.array([one.answerable for one in predicted])
    bounded = np.clip(confidences, 1e-9, 1 - 1e-9)
    return Worth(
        certainty([one.confidence for one in predicted], [one.right for one in predicted]),
        float(np.mean((confidences - right) ** 2)),
        float(log_loss(np.log(bounded / (1 - bounded)), right).mean()),
        float(given.mean()),
        float((given & right)[has].mean()) if has.any() else None,
        float((~given)[~has].mean()) if not has.all() else None,
    )


def by_span_probability(predicted: Sequence[Predicted]) -> Certainty:
    """What the reader's own probabilities of the same answers would be worth as confidences."""
    return certainty([one.span_probability for one in predicted], [one.right for one in predicted])


def check(cases: Sequence[Case], calibration: Calibration) -> None:
    """Make sure that there is enough to fit to.

    Raises:
        InvalidLabels: there is not; the message says how much is needed.
    """
    right = sum(predict(case, calibration).right for case in cases)
    wrong = len(cases) - right
    if len(cases) < LEAST_QUESTIONS or min(right, wrong) < LEAST_OF_EACH:
        raise InvalidLabels(
            f"there are {len(cases):,} questions that can be used, {right:,} of them with a right "
            f"answer found and {wrong:,} without; at least {LEAST_QUESTIONS} are needed, "
            f"{LEAST_OF_EACH} of each kind: label more (questions without an answer count as the "
            "second kind)"
        )


def refitted(cases: Sequence[Case], base: Calibration) -> Calibration:
    """A calibration fitted to cases and held close to `base`; the ranking by score stays."""
    return _with_confidence(cases, base, base, _REFIT)


def fitted(cases: Sequence[Case], kinds: Sequence[str] = EVIDENCE) -> Calibration:
    """A calibration fitted to cases from nothing, on these kinds of evidence."""
    first = Calibration(retrieval_weight=_retrieval_weight(cases))
    start = replace(first, slope=0.0, weights=dict.fromkeys(kinds, 0.0))
    return _with_confidence(cases, first, start, _FROM_NOTHING)


def cross_validated(cases: Sequence[Case], fitter: Fitter) -> list[Predicted]:
    """What calibrations make of cases that they were not fitted to, in the order of the cases."""
    found: dict[int, Predicted] = {}
    for places in folds([case.group for case in cases]):
        held = set(places)
        rest = [case for place, case in enumerate(cases) if place not in held]
        calibration = fitter(rest)
        found |= {place: predict(cases[place], calibration) for place in places}
    return [found[place] for place in range(len(cases))]


def folds(groups: Sequence[str], count: int = FOLDS) -> list[list[int]]:
    """The places of `groups` in `count` parts about as large, each group in one of them.

    Where there are fewer groups than parts, a part may be less than a group.
    """
    sizes = Counter(groups)
    if len(sizes) < count:
        return [list(range(first, len(groups), count)) for first in range(count)]
    loads = [0] * count
    part_of: dict[str, int] = {}
    for group, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        part = loads.index(min(loads))
        part_of[group] = part
        loads[part] += size
    return [
        [place for place, group in enumerate(groups) if part_of[group] == part]
        for part in range(count)
    ]


def operating_points(predicted: Sequence[Predicted]) -> tuple[OperatingPoint, ...]:
    """For each of `PRECISIONS` that is reached, the confidence that gives it and what is left."""
    points = risk_coverage(
        [0.0 if one.confidence is None else one.confidence for one in predicted],
        [one.right for one in predicted],
    )
    found = [(level, coverage_at(points, level)) for level in PRECISIONS]
    return tuple(
        OperatingPoint(level, point.threshold, point.coverage)
        for level, point in found
        if point is not None
    )


def best_threshold(predicted: Sequence[Predicted]) -> float:
    """The confidence below which to abstain, in steps of 0.01: it leans towards answering.

    The best would have the highest mean of two shares: of the questions with an answer those that
    are answered right, and of those without one those abstained from. Where that is level, a quote
    that is wrong can be seen to be, while one that is held back is lost: so it is the lowest within
    `_LEVEL` of the best. One half, where there are no questions of one of the two kinds.
    """
    values = np.array([-1.0 if one.confidence is None else one.confidence for one in predicted])
    right = np.array([one.right for one in predicted])
    has = np.array([one.answerable for one in predicted])
    steps = np.arange(1, 100) / 100
    if has.all() or not has.any():
        return 0.5
    gains = [
        ((right & (values >= step))[has].mean() + (values < step)[~has].mean()) / 2
        for step in steps
    ]
    return float(steps[int(np.argmax(np.array(gains) >= max(gains) - _LEVEL))])


def _retrieval_weight(cases: Sequence[Case]) -> float:
    """The share of the passage that ranks right answers best, by a conditional logit."""
    choices = []
    for case in cases:
        quotes = [found.best for found in rank(case.hits, case.readings)]
        right = [place for place, quote in enumerate(quotes) if _range(quote) in case.right]
        if right and len(right) < len(quotes):
            rows = np.array([[quote.span_score, quote.hit.score] for quote in quotes])
            choices.append((rows, right[0]))
    if not choices:
        return 0.0
    span, passage = conditional_logit(choices)
    return max(0.0, passage / span) if span > 0 else 0.0


def conditional_logit(
    choices: Sequence[tuple[Vector, int]], penalty: float = 1e-3, steps: int = 50
) -> Vector:
    """The float64 `(d,)` weights by which what was chosen is likeliest.

    Each choice is `(n, d)` rows of alternatives and the place of the chosen one; alternative i is
    chosen with the probability `softmax(rows @ weights)[i]`. With an L2 `penalty` there is one
    solution, which Newton's method finds (McFadden, 1974).
    """
    weights = np.zeros(choices[0][0].shape[1])
    loss = _choice_loss(choices, penalty, weights)
    for _ in range(steps):
        gradient, curvature = penalty * weights, penalty * np.eye(weights.size)
        for rows, chosen in choices:
            chances = np.exp(_log_softmax(rows @ weights))
            mean = chances @ rows
            gradient = gradient + mean - rows[chosen]
            curvature = curvature + (rows * chances[:, None]).T @ rows - np.outer(mean, mean)
        step = np.linalg.solve(curvature, gradient)
        while (found := _choice_loss(choices, penalty, weights - step)) > loss:
            step = step / 2
            if np.abs(step).max() < 1e-12:
                return weights
        weights, gained, loss = weights - step, loss - found, found
        if gained < 1e-12 * (1 + loss):
            break
    return weights


def _choice_loss(choices: Sequence[tuple[Vector, int]], penalty: float, weights: Vector) -> float:
    costs = [-float(_log_softmax(rows @ weights)[chosen]) for rows, chosen in choices]
    return sum(costs) + penalty * float(weights @ weights) / 2


def _log_softmax(values: Vector) -> Vector:
    shifted = values - values.max()
    found: Vector = shifted - np.log(np.exp(shifted).sum())
    return found


def _with_confidence(
    cases: Sequence[Case], base: Calibration, prior: Calibration, hold: _Hold
) -> Calibration:
    """`base` with slope, intercept and weights fitted to cases and held to those of `prior`."""
    names = ["score", *prior.weights]
    rows, labels = _first_answers(cases, base, names)
    if not len(rows):
        return base
    deviations = np.maximum(rows.std(axis=0), _LEAST_DEVIATION)
    centre = rows.mean(axis=0)
    # The intercept is fitted at the centre of the evidence, where it is about independent of the
    # weights.
    held = np.array([prior.slope, *prior.weights.values()])
    free = np.array([prior.intercept + float(centre @ held)])
    weights = fit(
        np.column_stack([rows - centre, np.ones(len(rows))]),
        labels,
        penalties=np.concatenate([hold.weights * deviations**2, [hold.intercept]]),
        prior=np.concatenate([held, free]),
        at_least_zero=range(len(names)),
    )
    slope, *further = map(float, weights[:-1])
    return replace(
        base,
        slope=slope,
        intercept=float(weights[-1] - centre @ weights[:-1]),
        weights=dict(zip(names[1:], further, strict=True)),
    )


def _first_answers(
    cases: Sequence[Case], calibration: Calibration, names: Sequence[str]
) -> tuple[Vector, NDArray[np.bool_]]:
    """The evidence for the best answer to each question, by score, and whether it is right."""
    rows: list[list[float]] = []
    labels: list[bool] = []
    for case in cases:
        ranked = rank(case.hits, case.readings, calibration.retrieval_weight)
        found = evidence(ranked)
        first = _first(case, ranked)
        if first is not None:
            place, nth, quote = first
            known: Mapping[str, float] = {"score": quote.score, **found[place][nth]}
            rows.append([known[name] for name in names])
            labels.append(_is_right(case, ranked[place]))
    return np.array(rows, np.float64).reshape(len(rows), len(names)), np.array(labels, bool)


def _first(case: Case, ranked: Sequence[Ranked]) -> tuple[int, int, Quote] | None:
    """The best quote that an answer can be made of: its answer's place, its own there, itself."""
    for place, one in enumerate(ranked):
        for nth, quote in enumerate((one.best, *one.others)):
            if _range(quote) not in case.unquotable:
                return place, nth, quote
    return None


def _is_right(case: Case, answer: Ranked) -> bool:
    return any(_range(quote) in case.right for quote in (answer.best, *answer.others))
