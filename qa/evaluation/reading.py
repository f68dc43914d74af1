"""How well a reader answers when it is given the right text."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from qa.evaluation.certainty import auroc
from qa.evaluation.labelled import LabelledQuestion
from qa.evaluation.squad import ALWAYS, Best, Marked, Scores, best_exact, best_f1, mark, scores
from qa.reader import Reader, Reading

# "No answer" is taken for the answer where it is likelier than the best span.
EVEN = 0.5

# So many questions wait for each thread.
_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Read:
    """What a reader found for a labelled question, and how it compares.

    `text` is the best span, whatever its score; it begins at `start` in the context, and is ""
    where there is no span. `score` is the span's, in logits above "no answer".
    """

    question: LabelledQuestion
    text: str
    start: int
    score: float
    marked: Marked


@dataclass(frozen=True, slots=True)
class ReaderFigures:
    """What came of a set; scores and areas lie in [0, 1], None where nothing can be told.

    `always` gives every best span, `even` holds back those less likely than "no answer"; `auroc`
    is how well the scores tell what can be answered. Speed is in contexts a second.
    """

    questions: int
    answerable: int
    always: Scores
    even: Scores
    best_exact: Best
    best_f1: Best
    auroc: float | None
    seconds: float
    passages_per_second: float


def read_all(
    reader: Reader, questions: Sequence[LabelledQuestion], threads: int = 1
) -> Iterator[Read]:
    """Read each question's context, several side by side: one result a question, in order."""
    # The first one alone: what a model sets up when first used need not bear company.
    for question in questions[:1]:
        yield judged(question, reader.read(question.question, [question.context])[0])
    waiting: deque[tuple[LabelledQuestion, Future[list[Reading]]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="pincite-eval") as pool:
        try:
            for question in questions[1:]:
                future = pool.submit(reader.read, question.question, [question.context])
                waiting.append((question, future))
                if len(waiting) > _AHEAD * threads:
                    yield _next(waiting)
            while waiting:
                yield _next(waiting)
        finally:
            for _, future in waiting:
                future.cancel()


def _next(waiting: deque[tuple[LabelledQuestion, Future[list[Reading]]]]) -> Read:
    question, future = waiting.popleft()
    return judged(question, future.result()[0])


def judged(question: LabelledQuestion, reading: Reading) -> Read:
    """Compare a reading with the labels."""
    best = reading.spans[0] if reading.spans else None
    text = "" if best is None else question.context[best.start : best.end]
    marked = mark(text, question.answers, 1 - reading.answerability)
    return Read(question, text, 0 if best is None else best.start, reading.score, marked)


def reader_figures(reads: Sequence[Read], seconds: float) -> ReaderFigures:
    """The figures of a set that took so long to read; there is at least one question."""
    marked = [read.marked for read in reads]
    return ReaderFigures(
        len(reads),
        sum(one.answerable for one in marked),
        scores(marked, ALWAYS),
        scores(marked, EVEN),
        best_exact(marked),
        best_f1(marked),
        auroc([read.score for read in reads], [one.answerable for one in marked]),
        seconds,
        len(reads) / max(seconds, 1e-9),
    )


def run_reader(
    reader: Reader,
    questions: Sequence[LabelledQuestion],
    threads: int = 1,
    report: Callable[[int], None] = lambda _: None,
) -> tuple[list[Read], ReaderFigures]:
    """Read a whole set; `report` is told how many questions are done."""
    began = time.perf_counter()
    reads = []
    for read in read_all(reader, questions, threads):
        reads.append(read)
        report(len(reads))
    return reads, reader_figures(reads, time.perf_counter() - began)
