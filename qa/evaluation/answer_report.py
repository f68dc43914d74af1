"""What is told of questions asked end to end: tables, plots, examples of each loss; pure."""

from collections.abc import Sequence

from qa.evaluation.answers import AnswerFigures
from qa.evaluation.asking import Judged, Stage
from qa.evaluation.certainty import Operating
from qa.evaluation.page import EXAMPLES, Example, Examples, Table
from qa.evaluation.plots import Axes, Series, bars, histogram, lines
from qa.evaluation.wording import NOTHING, decimal, percent, whole

_LOST = {
    Stage.EXTRACTION: "Lost in extraction: the text that was read does not hold it",
    Stage.RETRIEVAL: "Lost in retrieval: no passage that was read holds it",
    Stage.READING: "Lost in reading: another stretch was preferred",
    Stage.ABSTENTION: "Lost in abstention: held back, or given where there is none",
}


def tables(figures: AnswerFigures) -> list[Table]:
    """The figures in tables."""
    alone = figures.span_probability
    return [
        Table(
            "Answers, in percent",
            ("", "EM", "F1"),
            [
                ("given, all questions", percent(figures.exact), percent(figures.f1)),
                (
                    "given, questions with an answer",
                    percent(figures.has_answer_exact),
                    percent(figures.has_answer_f1),
                ),
                ("likeliest, questions with an answer", NOTHING, percent(figures.best_f1)),
            ],
            "Abstaining from a question without an answer counts as right.",
        ),
        Table(
            "Questions with an answer, in percent",
            ("the likeliest answer", ""),
            [
                ("is right", percent(figures.right)),
                ("is right and given", percent(figures.right_and_given)),
                ("is of the right document", percent(figures.right_document)),
                ("intersection over union with the labelled range", percent(figures.iou)),
                ("labelled characters in its sentence", percent(figures.in_sentence)),
                ("labelled characters in the passages read", percent(figures.in_hits)),
            ],
        ),
        Table(
            "Abstention and confidence",
            ("", ""),
            [
                ("threshold", decimal(figures.threshold)),
                ("questions", whole(figures.questions)),
                ("with an answer", whole(figures.answerable)),
                ("answered", whole(figures.given)),
                ("abstention precision, percent", percent(figures.abstention_precision)),
                ("abstention recall, percent", percent(figures.abstention_recall)),
                ("AUROC of being right", decimal(figures.auroc)),
                ("area under risk over coverage", decimal(figures.area_under_risk)),
                ("expected calibration error", decimal(figures.calibration_error)),
                *(
                    []
                    if alone is None
                    else [
                        ("AUROC, by the span alone", decimal(alone.auroc)),
                        ("area, by the span alone", decimal(alone.area_under_risk)),
                        ("calibration error, by the span alone", decimal(alone.calibration_error)),
                    ]
                ),
            ],
            "By the span alone: by how likely the reader holds it, against “no answer”.",
        ),
        Table(
            "Operating points",
            (
                "precision of at least",
                *("coverage, percent", "at a confidence from"),
                *([] if alone is None else ("by the span alone", "at a probability from")),
            ),
            [
                (
                    percent(float(level)),
                    *_point(point),
                    *([] if alone is None else _point(alone.coverage_at_precision[level])),
                )
                for level, point in figures.coverage_at_precision.items()
            ],
        ),
        Table(
            "Where wrong replies were lost",
            ("stage", "questions"),
            [(stage, whole(count)) for stage, count in figures.lost_in.items()],
        ),
        Table(
            "Milliseconds a question",
            ("percentile", "milliseconds"),
            [(f"{rank}th", f"{value:.0f}") for rank, value in figures.milliseconds.items()],
            f"Passages read a question: {figures.read:.1f}.",
        ),
    ]


def _point(point: Operating | None) -> tuple[str, str]:
    if point is None:
        return NOTHING, NOTHING
    return percent(point.coverage), decimal(point.threshold)


def plots(judged: Sequence[Judged], figures: AnswerFigures) -> list[str]:
    """Risk over coverage, reliability, and what confidences there are."""
    curves = [("by confidence", figures.risk_coverage)]
    if figures.span_probability is not None:
        curves.append(("by the span alone", figures.span_probability.risk_coverage))
    reliable = [(one.confidence, one.right) for one in figures.reliability]
    groups = [
        ("right", [one.confidence for one in judged if one.right]),
        ("wrong", [one.confidence for one in judged if one.answerable and not one.right]),
        ("no answer", [one.confidence for one in judged if not one.answerable]),
    ]
    heights = [(name, histogram(values, 10)) for name, values in groups if values]
    top = max((max(found) for _, found in heights), default=1.0)
    return [
        lines(
            "Risk over coverage",
            Axes("coverage", "risk"),
            [
                Series(name, [(point.coverage, point.risk) for point in points])
                for name, points in curves
            ],
        ),
        lines(
            "Reliability",
            Axes("confidence", "share of right answers"),
            [Series("answers", reliable, marks=True)],
            diagonal=True,
        ),
        bars("Confidence", Axes("confidence", "share of questions", top), heights),
    ]


def examples(judged: Sequence[Judged]) -> list[Examples]:
    """Some questions for each stage at which answers were lost, the surest first."""
    groups = []
    for stage, title in _LOST.items():
        found = [one for one in judged if one.lost_in is stage]
        shown = sorted(found, key=lambda one: -one.confidence)[:EXAMPLES]
        groups.append(Examples(title, len(found), [_example(one) for one in shown]))
    return groups


def _example(one: Judged) -> Example:
    detail = f"question {one.target.question.id}; confidence {one.confidence:.3f}"
    expected = " | ".join(one.target.texts) or "no answer"
    if one.best is None:
        return Example(one.target.question.text, expected, "nothing", detail)
    citation = one.best.citation
    start = citation.start - one.best.sentence_start
    if one.exact and one.answerable and not one.right:
        detail += "; the same words, and not at the labelled place"
    return Example(
        one.target.question.text,
        expected,
        one.best.text + ("" if one.given else " (held back)"),
        f"{detail}; {citation.uri}, characters {citation.start}–{citation.end}",
        one.best.sentence,
        start,
        start + len(one.best.text),
    )


def predictions(judged: Sequence[Judged]) -> list[dict[str, object]]:
    """For each question the likeliest answer, its place, and how it was judged."""
    rows: list[dict[str, object]] = []
    for one in judged:
        citation = None if one.best is None else one.best.citation
        rows.append(
            {
                "id": one.target.question.id,
                "question": one.target.question.text,
                "expected": list(one.target.texts),
                "answer": None if one.best is None else one.best.text,
                "uri": None if citation is None else citation.uri,
                "start": None if citation is None else citation.start,
                "end": None if citation is None else citation.end,
                "confidence": one.confidence,
                "span_probability": one.span_probability,
                "given": one.given,
                "right": one.right,
                "exact": one.exact,
                "f1": one.f1,
                "lost_in": one.lost_in,
            }
        )
    return rows
