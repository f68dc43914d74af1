"""How well questions are answered from a folder of documents, and where answers were lost."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from index.errors import InvalidQuestion
from index.store import PassageStore
from qa.answers import Answer, Options, Reply
from qa.evaluation.faults import Fault
from qa.evaluation.places import Range, covered, intersection_over_union, overlaps
from qa.evaluation.questions import GoldPlace, Target
from qa.evaluation.squad import mark, normalized

# Where no place is labelled, an answer is right from this F1 on.
RIGHT_F1 = 0.5

Ask = Callable[[str, Options], Reply]

# How likely the reader by itself holds an answer of a reply; None where that is not known.
SpanProbability = Callable[[Reply, Answer], float | None]


class Stage(StrEnum):
    """Where an answer was lost.

    In extraction: the text that was read of the documents does not hold it. In retrieval: no
    passage that was read holds it. In reading: another stretch was preferred. In abstention: it was
    found and held back, or one was given where there is none.
    """

    EXTRACTION = "extraction"
    RETRIEVAL = "retrieval"
    READING = "reading"
    ABSTENTION = "abstention"


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of one question.

    `best` is the likeliest answer, whatever its confidence, None where nothing was found; `given`
    tells that its confidence reaches the threshold. It is `right` if it shares a character with a
    labelled place (at any of the places where it stands), or, where no place is labelled, if its F1
    is `RIGHT_F1` or more; never where there is no answer. `exact` and `f1` are the best answer's,
    by SQuAD's rules. The others are None where no place is labelled: whether the document is right,
    the intersection over union with the labelled range, and which share of its characters lie in
    the sentence and in the passages that were read; the best over the labels. `read` is how many
    passages were read. `span_probability` is how likely the reader by itself holds the answer, from
    0 to 1; None where it is not known.
    """

    target: Target
    best: Answer | None
    given: bool
    right: bool
    exact: float
    f1: float
    right_document: bool | None
    iou: float | None
    in_sentence: float | None
    in_hits: float | None
    lost_in: Stage | None
    milliseconds: float
    read: int
    span_probability: float | None = None

    @property
    def confidence(self) -> float:
        """The best answer's confidence; 0 where there is none."""
        return 0.0 if self.best is None else self.best.confidence

    @property
    def answerable(self) -> bool:
        """Whether the documents hold an answer."""
        return self.target.answerable

    @property
    def given_exact(self) -> float:
        """The exact match of what was given; that of "" where nothing was."""
        return self.exact if self.given else float(not self.answerable)

    @property
    def given_f1(self) -> float:
        """The F1 of what was given; that of "" where nothing was."""
        return self.f1 if self.given else float(not self.answerable)


def ask_all(
    ask: Ask,
    targets: Sequence[Target],
    threshold: float,
    options: Options,
    store: PassageStore,
    report: Callable[[int], None] = lambda _: None,
    span_probability: SpanProbability = lambda _, __: None,
) -> tuple[list[Judged], list[Fault]]:
    """Ask every question; what cannot be asked is a fault. `report` is told how many are done."""
    # Everything is asked for, so that what was held back is seen too; but it ends no reading.
    enough = None if options.enough is None else max(options.enough, threshold)
    whatever = replace(options, min_confidence=0.0, enough=enough)
    judged, faults = [], []
    for count, target in enumerate(targets, 1):
        try:
            reply = ask(target.question.text, whatever)
        except InvalidQuestion as error:
            faults.append(Fault(target.question.place, str(error)))
        else:
            one = judge(target, reply, threshold)
            alone = None if one.best is None else span_probability(reply, one.best)
            judged.append(replace(one, span_probability=alone))
        report(count)
    return _with_unread(judged, store), faults


def judge(target: Target, reply: Reply, threshold: float) -> Judged:
    """Hold a reply, in which nothing was held back, against the labels."""
    best = reply.answers[0] if reply.answers else None
    given = best is not None and best.confidence >= threshold
    marked = mark("" if best is None else best.text, target.texts)
    right = best is not None and is_right(target, _places(best), marked.f1)
    return Judged(
        target,
        best,
        given,
        right,
        marked.exact,
        marked.f1,
        *_against_places(target.places, best, reply),
        _lost_in(target, reply, given=given, right=right),
        reply.timings.total,
        len(reply.hits),
    )


def is_right(target: Target, places: Sequence[tuple[str, Range]], f1: float) -> bool:
    """Whether an answer is right, from where it stands, by document id, and from its F1."""
    if not target.places:
        return target.answerable and f1 >= RIGHT_F1
    return any(
        found[0] == gold.document_id and overlaps(found[1], (gold.start, gold.end))
        for gold in target.places
        for found in places
    )


def _places(answer: Answer) -> list[tuple[str, Range]]:
    """All places at which an answer stands, with their documents."""
    return [
        (place.document_id, (place.start, place.end))
        for place in (answer.citation, *answer.also_at)
    ]


def _against_places(
    golds: Sequence[GoldPlace], best: Answer | None, reply: Reply
) -> tuple[bool | None, float | None, float | None, float | None]:
    if not golds:
        return None, None, None, None
    documents = {gold.document_id for gold in golds}
    found = [] if best is None else _places(best)
    sentences: list[tuple[str, Range]] = []
    if best is not None:
        end = best.sentence_start + len(best.sentence)
        sentences = [(best.citation.document_id, (best.sentence_start, end))]
    passages = _passages(reply)
    return (
        any(document in documents for document, _ in found),
        max(
            (
                intersection_over_union(place, (gold.start, gold.end))
                for gold in golds
                for document, place in found
                if document == gold.document_id
            ),
            default=0.0,
        ),
        max(_covered(gold, sentences) for gold in golds),
        max(_covered(gold, passages) for gold in golds),
    )


def _passages(reply: Reply) -> list[tuple[str, Range]]:
    """The passages that were read, and those left out since they say the same."""
    return [
        (passage.document_id, (passage.start, passage.end))
        for hit in reply.hits
        for passage in (hit.passage, *hit.duplicates)
    ]


def _covered(gold: GoldPlace, ranges: Iterable[tuple[str, Range]]) -> float:
    inside = [found for document, found in ranges if document == gold.document_id]
    return covered((gold.start, gold.end), inside)


def _lost_in(target: Target, reply: Reply, *, given: bool, right: bool) -> Stage | None:
    """Where the right answer was lost, as far as the reply tells; None where it was not."""
    if not target.answerable:
        return Stage.ABSTENTION if given else None
    if right:
        return None if given else Stage.ABSTENTION
    if target.unread:
        return Stage.EXTRACTION
    if target.places:
        passages = _passages(reply)
        read = any(_covered(gold, passages) == 1 for gold in target.places)
    else:
        texts = [_words(hit.passage.text) for hit in reply.hits]
        read = any(_words(wanted) in text for wanted in target.texts for text in texts)
    return Stage.READING if read else Stage.RETRIEVAL


def _with_unread(judged: Sequence[Judged], store: PassageStore) -> list[Judged]:
    """Tell of answers labelled by text alone, and not retrieved, whether a document holds them."""
    missing = {
        place: [_words(text) for text in one.target.texts]
        for place, one in enumerate(judged)
        if one.lost_in is Stage.RETRIEVAL and not one.target.places
    }
    for summary in store.documents() if missing else ():
        text = _words(store.document(summary.id).text)
        missing = {
            place: wanted
            for place, wanted in missing.items()
            if not any(words in text for words in wanted)
        }
    return [
        replace(one, lost_in=Stage.EXTRACTION) if place in missing else one
        for place, one in enumerate(judged)
    ]


def _words(text: str) -> str:
    """A text's words as answers are compared by, with a blank around each."""
    return f" {normalized(text) or text.strip()} "
