"""Many paragraphs as one corpus, and labelled questions asked of all of it; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from index.store import PassageStore
from qa.evaluation.beir import Beir, CorpusDocument
from qa.evaluation.labelled import LabelledQuestion
from qa.evaluation.questions import AskedQuestion, GoldPlace, Target
from qa.evaluation.searching import uri_of


@dataclass(frozen=True, slots=True)
class Pool:
    """Distinct paragraphs, a document each without a title, and the files they are from."""

    documents: tuple[CorpusDocument, ...]
    files: tuple[Path, ...]

    @property
    def checksum(self) -> str:
        """A digest of the paragraphs, in hexadecimal."""
        return sha256("\n".join(sorted(one.id for one in self.documents)).encode()).hexdigest()


def paragraph_id(context: str) -> str:
    """What a paragraph is called in a pool: the same text has one name everywhere."""
    return sha256(context.strip().encode("utf-8", "surrogatepass")).hexdigest()[:16]


def pooled(questions: Iterable[LabelledQuestion], files: Sequence[Path]) -> Pool:
    """The paragraphs that questions are about, in order, each once."""
    documents = {
        paragraph_id(one.context): CorpusDocument(
            paragraph_id(one.context), "", one.context.strip(), one.place
        )
        for one in questions
    }
    return Pool(tuple(documents.values()), tuple(files))


def as_queries(pool: Pool, questions: Sequence[LabelledQuestion]) -> Beir:
    """The questions as queries of the pool, for each of which its own paragraph is relevant."""
    return Beir(
        pool.documents,
        {one.id: one.question for one in questions},
        {one.id: {paragraph_id(one.context): 1} for one in questions},
        pool.files,
        (),
    )


def targets(store: PassageStore, questions: Sequence[LabelledQuestion]) -> list[Target]:
    """What each question ought to find in an index of the pool.

    Where a paragraph was indexed as it is, the labelled places are the right ones, else wherever
    its text has an answer's words.
    """
    found = []
    for one in questions:
        asked = AskedQuestion(one.id, one.question, (), one.place)
        summary = store.find(uri_of(paragraph_id(one.context)))
        answers = tuple(dict.fromkeys(one.answers))
        if summary is None or not answers:
            found.append(Target(asked, answers, (), unread=summary is None and bool(answers)))
            continue
        text = store.document(summary.id).text
        places = _places(one, text) if text == one.context.strip() else _anywhere(answers, text)
        gold = tuple(GoldPlace(summary.id, start, end) for start, end in places)
        found.append(Target(asked, answers, gold, unread=not gold))
    return found


def _places(question: LabelledQuestion, text: str) -> list[tuple[int, int]]:
    cut = question.context.index(text)
    return [
        (start - cut, start - cut + len(answer))
        for answer, start in zip(question.answers, question.starts, strict=True)
    ]


def _anywhere(answers: Iterable[str], text: str) -> list[tuple[int, int]]:
    places = []
    for answer in answers:
        start = text.find(answer)
        while start >= 0:
            places.append((start, start + len(answer)))
            start = text.find(answer, start + len(answer))
    return places
