"""Questions about the documents of an index, as questions with a text to read."""

from collections.abc import Callable, Sequence

from index.documents import Document, Passage
from index.passages import context_at
from index.store import PassageStore
from qa.evaluation.faults import Fault
from qa.evaluation.labelled import LabelledQuestion
from qa.evaluation.questions import Target

# So many characters are shown on each side of an answer at least, as far as there are any.
_REACH = 1500


def with_texts(
    targets: Sequence[Target], store: PassageStore, near: Callable[[str], Sequence[Passage]]
) -> tuple[list[LabelledQuestion], list[Fault]]:
    """Each question with the stretch of its document around its answers, under its headings.

    One without an answer comes with the passage that `near` finds first for it. Those whose answer
    has no place in a document cannot be used.
    """
    found, faults = [], []
    for target in targets:
        asked = target.question
        if target.places:
            found.append(_answered(target, store.document(target.places[0].document_id)))
        elif target.answerable:
            faults.append(Fault(asked.place, "has an answer whose place is not known"))
        elif passages := near(asked.text):
            first = passages[0]
            found.append(
                LabelledQuestion(
                    asked.id, asked.text, first.text, (), asked.place, (), first.context
                )
            )
        else:
            faults.append(Fault(asked.place, "finds nothing in the index to be read for it"))
    return found, faults


def _answered(target: Target, document: Document) -> LabelledQuestion:
    text = document.text
    first = target.places[0]
    blank = text.rfind("\n\n", 0, max(0, first.start - _REACH))
    begin = 0 if blank < 0 else blank + 2
    stop = text.find("\n\n", min(len(text), first.end + _REACH))
    stop = len(text) if stop < 0 else stop
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
    )
