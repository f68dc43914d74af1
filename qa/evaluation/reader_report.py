"""What is told of a reader: tables, plots, examples, and what SQuAD's own script takes; pure."""

from collections.abc import Callable, Sequence

from qa.evaluation.certainty import risk_coverage, thinned
from qa.evaluation.page import EXAMPLES, Example, Examples, Table
from qa.evaluation.plots import Axes, Series, bars, histogram, lines
from qa.evaluation.reading import EVEN, Read, ReaderFigures
from qa.evaluation.squad import Scores
from qa.evaluation.wording import NOTHING, decimal, percent, whole


def tables(figures: ReaderFigures) -> list[Table]:
    """The figures in tables."""
    rows = [
        _scores("always the best span", figures.always),
        _scores(f"none where “no answer” is above {EVEN:g}", figures.even),
        (
            "the best threshold",
            percent(figures.best_exact.score),
            percent(figures.best_f1.score),
            NOTHING,
            NOTHING,
            NOTHING,
        ),
    ]
    return [
        Table(
            "Answers, in percent",
            ("given is", "EM", "F1", "HasAns EM", "HasAns F1", "NoAns"),
            rows,
            "Counted as SQuAD’s own script does.",
        ),
        Table(
            "The rest",
            ("", ""),
            [
                ("questions", whole(figures.questions)),
                ("with an answer", whole(figures.answerable)),
                ("threshold of “no answer” for the best EM", f"{figures.best_exact.threshold:.4g}"),
                ("threshold of “no answer” for the best F1", f"{figures.best_f1.threshold:.4g}"),
                ("AUROC of answerability", decimal(figures.auroc)),
                ("contexts a second", f"{figures.passages_per_second:.1f}"),
                ("seconds", f"{figures.seconds:.1f}"),
            ],
        ),
    ]


def _scores(name: str, found: Scores) -> tuple[str, ...]:
    return (
        name,
        percent(found.exact),
        percent(found.f1),
        percent(found.has_answer_exact),
        percent(found.has_answer_f1),
        percent(found.no_answer),
    )


def plots(reads: Sequence[Read]) -> list[str]:
    """How “no answer” parts the questions, and what is right at each coverage."""
    groups = [
        ("with an answer", [one.marked.no_answer for one in reads if one.marked.answerable]),
        ("without", [one.marked.no_answer for one in reads if not one.marked.answerable]),
    ]
    heights = [(name, histogram(values)) for name, values in groups if values]
    top = max(max(found) for _, found in heights)
    points = thinned(
        risk_coverage(
            [1 - one.marked.no_answer for one in reads],
            [one.marked.answerable and one.marked.exact == 1 for one in reads],
        )
    )
    return [
        bars("Probability of “no answer”", Axes("probability", "share of questions", top), heights),
        lines(
            "Exact matches among the answers given",
            Axes("coverage", "precision"),
            [Series("precision", [(point.coverage, 1 - point.risk) for point in points])],
        ),
    ]


def examples(reads: Sequence[Read]) -> list[Examples]:
    """Some questions for each kind of error."""
    kinds: list[tuple[str, Callable[[Read], bool]]] = [
        ("No word of the answer", lambda one: one.marked.answerable and one.marked.f1 == 0),
        (
            "The answer’s borders are missed",
            lambda one: one.marked.answerable and one.marked.f1 > 0 and one.marked.exact == 0,
        ),
        (
            "Right, and held back",
            lambda one: (
                one.marked.answerable and one.marked.exact == 1 and one.marked.no_answer > EVEN
            ),
        ),
        (
            "An answer where there is none",
            lambda one: not one.marked.answerable and one.marked.no_answer <= EVEN,
        ),
    ]
    groups = []
    for title, fits in kinds:
        found = [one for one in reads if fits(one)]
        # The surest errors tell most.
        shown = sorted(found, key=lambda one: one.marked.no_answer)[:EXAMPLES]
        groups.append(Examples(title, len(found), [_example(one) for one in shown]))
    return groups


def _example(one: Read) -> Example:
    return Example(
        one.question.question,
        " | ".join(dict.fromkeys(one.question.answers)) or "no answer",
        one.text or "nothing",
        f"{one.question.id}; “no answer” {one.marked.no_answer:.3f}; F1 {one.marked.f1:.2f}",
        one.question.context,
        one.start,
        one.start + len(one.text),
    )


def predictions(reads: Sequence[Read]) -> dict[str, str]:
    """The best span's text by question, as SQuAD's script takes it."""
    return {one.question.id: one.text for one in reads}


def no_answer_probabilities(reads: Sequence[Read]) -> dict[str, float]:
    """The probability that there is no answer by question, as SQuAD's script takes it."""
    return {one.question.id: one.marked.no_answer for one in reads}
