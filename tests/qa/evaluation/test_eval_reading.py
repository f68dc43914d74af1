"""Reading a whole set: order, figures, and what SQuAD's script is given."""

import json
from collections.abc import Sequence

import pytest

from qa.answers import Span
from qa.calibration import Calibration
from qa.evaluation import reader_report
from qa.evaluation.labelled import LabelledQuestion
from qa.evaluation.reading import read_all, run_reader
from qa.evaluation.squad import Scores
from qa.reader import Reading


class QuoteReader:
    """Finds what stands in brackets; sure of it by the number of exclamation marks."""

    name = "quotes"
    checksum = "3" * 64
    calibration = Calibration()

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        readings = []
        for text in texts:
            start, end = text.find("[") + 1, text.find("]")
            score = 4.0 * text.count("!") - 2
            spans = (Span(start, end, score),) if end >= 0 else ()
            readings.append(Reading(spans))
        return readings


def question(number: int, context: str, *answers: str) -> LabelledQuestion:
    return LabelledQuestion(f"q{number}", f"What {number}?", context, answers, f"f:{number}")


SET = [
    question(1, "The [cat] sat!", "cat"),
    question(2, "The [big dog] ran!", "dog"),
    question(3, "A [bird] sings.", "bird"),
    question(
        4,
        "It [rains].",
    ),
    question(5, "It [snows]!"),
    question(6, "Nothing at all."),
]


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_the_questions(threads: int) -> None:
    many = [question(number, f"[{number}]", str(number)) for number in range(50)]
    reads = list(read_all(QuoteReader(), many, threads))
    assert [read.question for read in reads] == many
    assert [read.text for read in reads] == [str(number) for number in range(50)]


def test_the_figures_are_those_of_the_spans_and_of_their_scores() -> None:
    told: list[int] = []
    reads, figures = run_reader(QuoteReader(), SET, 2, told.append)
    assert told == [1, 2, 3, 4, 5, 6]
    assert [read.text for read in reads] == ["cat", "big dog", "bird", "rains", "snows", ""]
    third = 2 / 3
    # Scores are 2 with an exclamation mark, else -2; the last question has no span at all.
    assert figures.always == Scores(
        pytest.approx(3 / 6), pytest.approx((2 + third + 1) / 6), 2 / 3, (2 + third) / 3, 1 / 3
    )
    assert figures.even == Scores(
        pytest.approx(3 / 6), pytest.approx((1 + third + 2) / 6), 1 / 3, (1 + third) / 3, 2 / 3
    )
    assert figures.auroc == pytest.approx((2 * 2 + 2 * 0.5 + 0.5 + 1) / 9)
    assert (figures.questions, figures.answerable) == (6, 3)
    assert figures.passages_per_second == pytest.approx(6 / figures.seconds)


def test_what_squads_script_takes_is_by_id() -> None:
    reads, _ = run_reader(QuoteReader(), SET)
    assert reader_report.predictions(reads) == {
        "q1": "cat",
        "q2": "big dog",
        "q3": "bird",
        "q4": "rains",
        "q5": "snows",
        "q6": "",
    }
    probabilities = reader_report.no_answer_probabilities(reads)
    assert probabilities["q1"] == pytest.approx(0.1192, abs=1e-4)
    assert probabilities["q3"] == pytest.approx(0.8808, abs=1e-4)
    assert probabilities["q6"] == 1
    assert json.loads(json.dumps(probabilities)) == probabilities


def test_each_kind_of_error_has_its_examples() -> None:
    reads, figures = run_reader(QuoteReader(), SET)
    counts = {group.title: group.count for group in reader_report.examples(reads)}
    assert counts == {
        "No word of the answer": 0,
        "The answer’s borders are missed": 1,
        "Right, and held back": 1,
        "An answer where there is none": 1,
    }
    [missed] = reader_report.examples(reads)[1].items
    assert missed.around[missed.start : missed.end] == "big dog"
    assert len(reader_report.plots(reads)) == 2
    assert reader_report.tables(figures)[0].rows[0][1] == "50.0"


def test_a_set_without_unanswerable_questions_has_no_order_to_tell() -> None:
    reads, figures = run_reader(QuoteReader(), SET[:3])
    assert figures.auroc is None
    assert figures.always.no_answer is None
    assert reader_report.plots(reads)
