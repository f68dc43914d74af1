"""Questions with the text they are to be read with: SQuAD v1 and v2, and the flat form.

A file is SQuAD's JSON, or JSON Lines as Hugging Face's data sets give SQuAD: one question a line,
its answers as two lists. Both may be packed (.gz). Offsets are code points into the context.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import InvalidLabels
from qa.evaluation.faults import Fault, lines, objects, offset_of, parsed, quoted, read_all, text_of

_EXPECTED = (
    "expected SQuAD's JSON (an object with data), or a line of JSON a question with id, question, "
    "context and answers"
)


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question over its context; each of `answers` stands in it. Without answers it has none.

    `id` is unique in its file, `place` where it stands there. `starts` are the code points of the
    context at which the answers begin, one each; `title` is the article's, "" where none is named.
    `article` names what the context is a part of where the title does not, by its document's id.
    """

    id: str
    question: str
    context: str
    answers: tuple[str, ...]
    place: str
    starts: tuple[int, ...] = ()
    title: str = ""
    article: str = ""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a file holds: the questions that can be used, in order, and what cannot be."""

    questions: tuple[LabelledQuestion, ...]
    faults: tuple[Fault, ...]


def load_labelled(path: Path) -> Labelled:
    """Read a file of labelled questions.

    Raises:
        InvalidLabels: it cannot be read, is in no form that is known, or nothing of it can be used.
    """
    faults: list[Fault] = []
    items = _lines(path, faults) if _is_flat(path) else _articles(path, faults)
    questions = tuple(_distinct(items, faults))
    if not questions:
        first = f"; the first fault: {faults[0]}" if faults else ""
        raise InvalidLabels(f"{path}: holds no question that can be used{first}")
    return Labelled(questions, tuple(faults))


def _is_flat(path: Path) -> bool:
    """Whether the first line is a question by itself."""
    _, line = next(lines(path), ("", b""))
    try:
        item = parsed(line)
    except ValueError:
        # The first line of a whole that is spread over many.
        return False
    return isinstance(item, dict) and "data" not in item


def _distinct(items: Iterable[LabelledQuestion], faults: list[Fault]) -> Iterator[LabelledQuestion]:
    seen: dict[str, str] = {}
    for item in items:
        if item.id in seen:
            faults.append(Fault(item.place, f"has the id {quoted(item.id)} of {seen[item.id]}"))
        else:
            seen[item.id] = item.place
            yield item


def _lines(path: Path, faults: list[Fault]) -> Iterator[LabelledQuestion]:
    for place, item in objects(path, faults):
        yield from _checked(faults, place, _flat, item)


def _checked(
    faults: list[Fault], place: str, make: Callable[..., LabelledQuestion], *given: Any
) -> Iterator[LabelledQuestion]:
    try:
        yield make(place, *given)
    except ValueError as error:
        faults.append(Fault(place, str(error)))


def _flat(place: str, item: dict[str, Any]) -> LabelledQuestion:
    answers = item.get("answers")
    if not isinstance(answers, dict):
        raise ValueError("has no object under 'answers'")
    texts, starts = answers.get("text"), answers.get("answer_start")
    if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
        raise ValueError("needs two lists of one length in 'answers': text and answer_start")
    pairs = list(zip(texts, starts, strict=True))
    return _question(place, item, text_of(item, "context"), pairs, item.get("title"))


def _articles(path: Path, faults: list[Fault]) -> Iterator[LabelledQuestion]:
    try:
        content = parsed(read_all(path))
    except ValueError as error:
        raise InvalidLabels(f"{path}: {error}; {_EXPECTED}") from error
    articles = content.get("data") if isinstance(content, dict) else None
    if not isinstance(articles, list):
        raise InvalidLabels(f"{path}: is in a form that is not known; {_EXPECTED}")
    for number, article in enumerate(articles, 1):
        place = f"{path}: article {number}"
        title = article.get("title") if isinstance(article, dict) else None
        for count, paragraph in enumerate(_list(article, "paragraphs", place, faults), 1):
            where = f"{place}, paragraph {count}"
            for nth, item in enumerate(_list(paragraph, "qas", where, faults), 1):
                at = f"{where}, question {nth}"
                yield from _checked(faults, at, _nested, item, paragraph, title)


def _list(holder: object, name: str, place: str, faults: list[Fault]) -> list[Any]:
    found = holder.get(name) if isinstance(holder, dict) else None
    if isinstance(found, list):
        return found
    faults.append(Fault(place, f"has no list under {name!r}"))
    return []


def _nested(place: str, item: object, paragraph: dict[str, Any], title: object) -> LabelledQuestion:
    if not isinstance(item, dict):
        raise ValueError("is not a JSON object")
    answers = item.get("answers")
    if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
        raise ValueError("has no list of objects under 'answers'")
    if answers and item.get("is_impossible") is True:
        raise ValueError("has answers and says that it is impossible")
    pairs = [(answer.get("text"), answer.get("answer_start")) for answer in answers]
    return _question(place, item, text_of(paragraph, "context"), pairs, title)


def _question(
    place: str,
    item: dict[str, Any],
    context: str,
    pairs: list[tuple[Any, Any]],
    title: object,
) -> LabelledQuestion:
    for text, start in pairs:
        if not isinstance(text, str) or not text:
            raise ValueError("has an answer without text")
        begin = offset_of(start)
        found = context[begin : begin + len(text)]
        if found != text:
            raise ValueError(
                f"has the answer {quoted(text)} at {begin}, where {quoted(found)} stands"
            )
    return LabelledQuestion(
        text_of(item, "id"),
        text_of(item, "question"),
        context,
        tuple(text for text, _ in pairs),
        place,
        tuple(start for _, start in pairs),
        title if isinstance(title, str) else "",
    )
