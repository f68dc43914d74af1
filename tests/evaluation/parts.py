"""What the reader, retrieval and both together make of the same passages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from index.documents import Hit
from index.retriever import Retriever
from qa.answering import read_hits
from qa.evaluation.asking import Judged
from qa.evaluation.squad import mark
from qa.reader import Reader, Reading


@dataclass(frozen=True, slots=True)
class Parts:
    """The mean F1, from 0 to 1, of the likeliest answers to questions that have one.

    `retrieval` is the best span of the passage that is found first, `reader` the best span of all
    passages read, `both` the answer that is given to users.
    """

    retrieval: float
    reader: float
    both: float


def parts(
    judged: Sequence[Judged],
    retriever: Retriever,
    reader: Reader,
    passages: int,
    report: Callable[[int], None] = lambda _: None,
) -> Parts:
    """What each part makes of questions that were asked; at least one of them has an answer."""
    sums = [0.0, 0.0, 0.0]
    count = 0
    for place, one in enumerate(judged, 1):
        if one.answerable:
            question = one.target.question.text
            [query] = retriever.embed([question])
            hits = retriever.search(query, passages)
            readings = read_hits(reader, query.text, hits)
            texts = (best_text(hits[:1], readings[:1]), best_text(hits, readings))
            for number, text in enumerate(texts):
                sums[number] += mark(text, one.target.texts).f1
            sums[2] += one.f1
            count += 1
        report(place)
    return Parts(*(total / max(1, count) for total in sums))


def best_text(hits: Sequence[Hit], readings: Sequence[Reading]) -> str:
    """The span of the highest score, whatever its passage's; "" where there is none."""
    best, text = None, ""
    for hit, reading in zip(hits, readings, strict=True):
        for span in reading.spans[:1]:
            if best is None or span.score > best:
                best, text = span.score, hit.passage.text[span.start : span.end]
    return text
