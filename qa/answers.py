"""The types of the answering side, one for each stage from a span to a reply.

Offsets are Unicode code points, zero-based and half-open.
"""

from collections.abc import Collection
from dataclasses import dataclass

from index.documents import Document, Hit

PASSAGES = 10
ANSWERS = 3


@dataclass(frozen=True, slots=True)
class Options:
    """How to answer.

    `answers` is how many to give at most, `passages` how many to retrieve and read. Answers below
    `min_confidence` (0 to 1; None for the reader's own) are not given. `within` names the
    documents to look in, by id; None for all.
    """

    answers: int = ANSWERS
    passages: int = PASSAGES
    min_confidence: float | None = None
    within: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a passage that may be an answer: `passage.text[start:end]`.

    `score` is how much better the span is than "no answer here", in logits: above zero the reader
    prefers the span, and it compares across passages. Higher is better.
    """

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Citation:
    """The exact place of a quote: `document.text[start:end]`; `text` is that quote.

    `page` is one-based, None in documents without pages; `section` holds the headings above the
    quote, outermost first.
    """

    document_id: str
    uri: str
    title: str
    page: int | None
    section: tuple[str, ...]
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A verbatim quote that answers the question.

    `text == document.text[citation.start:citation.end]`. `sentence` is the whole sentence around
    the quote, which begins at `sentence_start` in the document. `confidence` is the probability,
    from 0 to 1, that the quote is a right answer. `also_at` holds the other places that give the
    same answer, each with its own wording.
    """

    text: str
    confidence: float
    sentence: str
    sentence_start: int
    citation: Citation
    also_at: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time went, in milliseconds."""

    embed: float
    retrieve: float
    read: float
    total: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one question. Without answers, `reason` says why."""

    question: str
    answers: tuple[Answer, ...]
    reason: str | None
    hits: tuple[Hit, ...]
    timings: Timings

    @property
    def abstained(self) -> bool:
        """Whether the documents were found not to hold the answer."""
        return not self.answers


def cite(document: Document, start: int, end: int) -> Citation:
    """The citation of `document.text[start:end]`."""
    return Citation(
        document.id,
        document.uri,
        document.title,
        document.page_at(start),
        document.section_at(start),
        start,
        end,
        document.text[start:end],
    )
