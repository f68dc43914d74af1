"""Feedback as labelled questions, of the form that `pincite eval answers` reads."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from index.documents import INSIDE
from index.errors import UnknownDocument
from index.files import uri_path
from index.store import PassageStore
from qa.verifying import Claim, find_again
from service.host.feedback import Judgement, Marked


@dataclass(slots=True)
class _Question:
    """What was said last of each answer to a question; under None, of there being none."""

    said: dict[tuple[str, int, int] | None, Judgement] = field(default_factory=dict)

    def answers(self) -> list[Marked]:
        """The answers that are right, in the order in which they were marked first."""
        return [one.answer for one in self.said.values() if one.right and one.answer is not None]

    def has_none(self) -> bool:
        """Whether it was said, and not contradicted, that the documents do not hold an answer."""
        none = self.said.get(None)
        return none is not None and none.right and not self.answers()


def labelled(store: PassageStore, judgements: Iterable[Judgement]) -> Iterator[dict[str, Any]]:
    """A labelled question for each one of which it is known what is right.

    `judgements` come newest first: of two on the same answer, the newer one counts. Answers that
    do not stand in their document any more are left out; those that have moved are where they are
    now. Documents that are no files are not named: a file of questions names files.
    """
    questions: dict[str, _Question] = {}
    for judgement in judgements:
        answer = judgement.answer
        place = None if answer is None else (answer.document_id, answer.start, answer.end)
        questions.setdefault(judgement.question, _Question()).said.setdefault(place, judgement)
    known = {question: found.answers() for question, found in questions.items()}
    standing = _standing(store, [answer for answers in known.values() for answer in answers])
    for question, answers in known.items():
        golds = [gold for answer in answers if (gold := standing[answer]) is not None]
        if golds or questions[question].has_none():
            yield {"question": question, "answers": golds}


def _standing(
    store: PassageStore, answers: Iterable[Marked]
) -> dict[Marked, dict[str, Any] | None]:
    """Each answer with its place now, None where it is gone; each document is fetched once."""
    found: dict[Marked, dict[str, Any] | None] = {}
    by_document: dict[str, list[Marked]] = {}
    for answer in answers:
        by_document.setdefault(answer.document_id, []).append(answer)
    for document_id, marked in by_document.items():
        try:
            document = store.document(document_id)
        except UnknownDocument:
            found |= dict.fromkeys(marked)
            continue
        for answer in marked:
            start = find_again(document.text, Claim(document_id, answer.start, answer.text))
            found[answer] = None if start is None else _gold(document.uri, start, answer.text)
    return found


def _gold(uri: str, start: int, text: str) -> dict[str, Any]:
    outer, inside, inner = uri.partition(INSIDE)
    path = uri_path(outer)
    if path is None:
        return {"text": text}
    return {
        "text": text,
        "document": f"{path}{inside}{unquote(inner)}",
        "start": start,
        "end": start + len(text),
    }
