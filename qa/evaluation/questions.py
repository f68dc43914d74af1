"""Questions over a folder of documents, a line of JSON each, and where their answers stand.

A line is `{"question": ..., "answers": [...]}`, where an answer is a text, or `{"text": ...,
"document": ..., "start": ..., "end": ...}`. `document` is a path in the folder ("a.zip!/b.txt" for
one inside another); offsets are code points in its canonical text, half-open. The text may be left
out where there are offsets, the offsets or the document where there is a text. With one answer, its
fields may stand in the line itself, the text under "answer". No answer (`[]`, `null`): the
documents do not hold one. An `id` may be given, and a `group`: its first answer's document, or else
it is alone.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from index.documents import INSIDE
from index.errors import InvalidLabels, UnknownDocument
from index.files import file_uri
from index.store import PassageStore
from qa.evaluation.faults import Fault, objects, offset_of, opened, parsed, quoted, text_of

# One text is looked for at so many places of its document at most.
_MOST_PLACES = 1000

_DOCUMENTS_KEPT = 16

# How files are called that may hold labelled questions, and how many bytes one is looked for in.
_ENDINGS = (".jsonl", ".ndjson", ".jsonl.gz")
_LONGEST_QUESTION = 2**20


@dataclass(frozen=True, slots=True)
class Gold:
    """A right answer as it is labelled; what is not given is None."""

    text: str | None
    document: str | None
    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question and its right answers; without any, the documents do not hold one.

    Questions of one `group` have so much in common that they are not measured by one another.
    """

    id: str
    text: str
    golds: tuple[Gold, ...]
    place: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class GoldPlace:
    """Where a right answer stands: `document.text[start:end]`."""

    document_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Target:
    """What a question ought to find in an index.

    `texts` are the right answers, none where the documents hold none. `places` is where they stand;
    it is empty if no document is labelled. `unread` tells that a document is labelled, but none of
    the labelled texts is to be found in what was read of it.
    """

    question: AskedQuestion
    texts: tuple[str, ...]
    places: tuple[GoldPlace, ...]
    unread: bool = False

    @property
    def answerable(self) -> bool:
        """Whether the documents hold an answer."""
        return bool(self.texts)


def load_questions(path: Path) -> tuple[list[AskedQuestion], list[Fault]]:
    """The questions of a file that can be used, in order, and what cannot be.

    Raises:
        InvalidLabels: it cannot be read.
    """
    faults: list[Fault] = []
    found: dict[str, AskedQuestion] = {}
    for place, item in objects(path, faults):
        try:
            number = place.rpartition(":")[2]
            id_ = text_of(item, "id") if "id" in item else number
            if id_ in found:
                raise ValueError(f"has the id {quoted(id_)} of {found[id_].place}")
            golds = _golds(item)
            group = text_of(item, "group") if "group" in item else _group(golds, id_)
            found[id_] = AskedQuestion(id_, text_of(item, "question"), golds, place, group)
        except ValueError as error:
            faults.append(Fault(place, str(error)))
    return list(found.values()), faults


def holds_questions(path: Path) -> bool:
    """Whether a JSONL file is one of labelled questions, by its first line: no document then."""
    if not path.name.lower().endswith(_ENDINGS) or not path.is_file():
        return False
    try:
        with opened(path) as stream:
            item = parsed(stream.readline(_LONGEST_QUESTION))
    except (ValueError, InvalidLabels):
        return False
    return isinstance(item, dict) and "question" in item and bool({"answer", "answers"} & set(item))


def _group(golds: tuple[Gold, ...], id_: str) -> str:
    """The first document that answers, or else a group of its own."""
    return next((gold.document for gold in golds if gold.document is not None), id_)


def _golds(item: dict[str, Any]) -> tuple[Gold, ...]:
    if "answers" in item:
        answers = item["answers"]
        if not isinstance(answers, list):
            raise ValueError("has no list under 'answers'")
        return tuple(_gold(answer, "text") for answer in answers)
    if "answer" not in item:
        raise ValueError("has neither 'answers' nor 'answer' (null: there is none)")
    return () if item["answer"] is None else (_gold(item, "answer"),)


def _gold(answer: object, name: str) -> Gold:
    if isinstance(answer, str):
        answer = {name: answer}
    if not isinstance(answer, dict):
        raise ValueError("has an answer that is neither a text nor an object")
    given = {key for key in (name, "document", "start", "end") if answer.get(key) is not None}
    if ("start" in given) != ("end" in given) or {"start", "document"} & given == {"start"}:
        raise ValueError("needs start, end and document together")
    if name not in given and "start" not in given:
        raise ValueError("has an answer without text and without offsets")
    start = offset_of(answer["start"]) if "start" in given else None
    end = offset_of(answer["end"]) if "end" in given else None
    if start is not None and end is not None and start >= end:
        raise ValueError(f"has an answer from {start} to {end}, which holds nothing")
    return Gold(
        text_of(answer, name) if name in given else None,
        text_of(answer, "document") if "document" in given else None,
        start,
        end,
    )


class Locator:
    """Finds the labelled places in an index that was made of the documents of a folder."""

    def __init__(self, store: PassageStore, folder: Path) -> None:
        # Many questions are about one document.
        self._document = lru_cache(_DOCUMENTS_KEPT)(store.document)
        self._folder = folder
        self._ids = {
            (outer, unquote(inner)): summary.id
            for summary in store.documents()
            for uri in (summary.uri, *summary.copies)
            for outer, _, inner in [uri.partition(INSIDE)]
        }

    def target(self, question: AskedQuestion) -> Target:
        """What the question ought to find.

        Raises:
            ValueError: a document is not there, or something else stands at an offset.
        """
        texts: list[str] = []
        places: list[GoldPlace] = []
        for gold in question.golds:
            if gold.document is None:
                texts.append(gold.text or "")
                continue
            found = self._places(gold)
            places += [place for place, _ in found]
            texts += [text for _, text in found] or [gold.text or ""]
        unread = bool(texts) and not places and any(gold.document for gold in question.golds)
        return Target(question, tuple(dict.fromkeys(texts)), tuple(places), unread)

    def _places(self, gold: Gold) -> list[tuple[GoldPlace, str]]:
        """Where a gold answer stands, and the text there; nowhere, if it has not been read."""
        name = gold.document or ""
        outer, _, inner = name.partition(INSIDE)
        path = self._folder / outer
        id_ = self._ids.get((file_uri(path), inner))
        if id_ is None:
            if not path.is_file():
                raise ValueError(f"names the document {quoted(name)}, which is not there")
            if gold.text is None:
                raise ValueError(f"has offsets in {quoted(name)}, which cannot be read")
            return []
        try:
            document = self._document(id_)
        except UnknownDocument:
            return []
        text = document.text
        if gold.start is None or gold.end is None:
            wanted = gold.text or ""
            found: list[tuple[GoldPlace, str]] = []
            start = text.find(wanted)
            while start >= 0 and len(found) < _MOST_PLACES:
                end = start + len(wanted)
                found.append((GoldPlace(document.id, start, end), wanted))
                start = text.find(wanted, end)
            return found
        there = text[gold.start : gold.end]
        if len(there) < gold.end - gold.start or (gold.text is not None and there != gold.text):
            said = "the text ends before" if gold.text is None else f"not {quoted(gold.text)}"
            raise ValueError(
                f"has an answer at {gold.start} to {gold.end} of {quoted(name)}, where "
                f"{quoted(there)} stands, {said}"
            )
        return [(GoldPlace(document.id, gold.start, gold.end), there)]


def locate(questions: list[AskedQuestion], locator: Locator) -> tuple[list[Target], list[Fault]]:
    """The targets of the questions that fit the documents, in order, and what does not fit."""
    targets, faults = [], []
    for question in questions:
        try:
            targets.append(locator.target(question))
        except ValueError as error:
            faults.append(Fault(question.place, str(error)))
    return targets, faults
