"""Questions about the documents of an index, as questions with a text to read."""

from collections.abc import Callable, Sequence

from index.documents import Document, Passage
from index.errors import InvalidQuestion
from index.passages import context_at
from index.store import PassageStore
from qa.evaluation.faults import Fault
from qa.evaluation.labelled import LabelledQuestion
from qa.evaluation.questions import AskedQuestion, Target

# So many characters are shown on each side of an answer at least, as far as there are any, and
# twice as many at most.
_REACH = 1500


def with_texts(
    targets: Sequence[Target], store: PassageStore, near: Callable[[str], Sequence[Passage]]
) -> tuple[list[LabelledQuestion], list[Fault]]:
    """Each question with the stretch of its document around its answers, under its headings.

    One without an answer comes with the passage that `near` finds first for it. Those whose answer
    has no place in a document, or that cannot be asked, cannot be used.
    """
    found, faults = [], []
    for target in targets:
        asked = target.question
        if target.places:
            found.append(_answered(target, store.document(target.places[0].document_id)))
        elif target.answerable:
            faults.append(Fault(asked.place, "has an answer whose place is not known"))
        else:
            try:
                passages = near(asked.text)
            except InvalidQuestion as error:
                faults.append(Fault(asked.place, str(error)))
                continue
            if passages:
                found.append(_unanswered(asked, passages[0]))
            else:
                faults.append(Fault(asked.place, "finds nothing in the index to be read for it"))
    return found, faults


def _unanswered(asked: AskedQuestion, first: Passage) -> LabelledQuestion:
    return LabelledQuestion(
        asked.id,
        asked.text,
        first.text,
        (),
        asked.place,
        (),
        first.context,
        first.document_id,
    )


def _answered(target: Target, document: Document) -> LabelledQuestion:
    text = document.text
    first = target.places[0]
    begin, stop = _begin(text, first.start), _stop(text, first.end)
    inside = [
        place
        for place in target.places
        if place.document_id == document.id and begin <= place.start and place.end <= stop
    ]
    return LabelledQuestion(
        target.question.id,
        target.question.text,
        text[begin:stop],
        tuple(text[place.start : place.end] for place in inside),
        target.question.place,
        tuple(place.start - begin for place in inside),
        context_at(document, first.start),
        document.id,
    )


def _begin(text: str, start: int) -> int:
    """Where what is shown before an answer begins: after a blank line, or else a line's end."""
    latest = max(0, start - _REACH)
    earliest = max(0, latest - _REACH)
    for mark in ("\n\n", "\n"):
        at = text.rfind(mark, earliest, latest)
        if at >= 0:
            return at + len(mark)
        if earliest == 0:
            return 0
    return latest


def _stop(text: str, end: int) -> int:
    """Where what is shown after an answer stops: at a blank line, or else at a line's end."""
    earliest = min(len(text), end + _REACH)
    latest = min(len(text), earliest + _REACH)
    for mark in ("\n\n", "\n"):
        at = text.find(mark, earliest, latest)
        if at >= 0:
            return at
        if latest == len(text):
            return latest
    return earliest
