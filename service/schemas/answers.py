"""Questions, answers, citations and the passages behind them, on the wire."""

from typing import Literal

from pydantic import Field

from index.retriever import MOST_CHARACTERS
from qa.answers import ANSWERS, CONTEXT, PASSAGES
from service.schemas.base import (
    BOXES,
    CELLS,
    END,
    EXAMPLE_ID,
    EXAMPLE_SECTION,
    EXAMPLE_SENTENCE,
    EXAMPLE_TITLE,
    EXAMPLE_URI,
    EXAMPLE_WHERE,
    ID,
    MOST_ANSWERS,
    MOST_CONDITIONS,
    MOST_HITS,
    MOST_PASSAGES,
    PAGE,
    PART,
    SECTION,
    SHEET,
    SLIDE,
    START,
    TITLE,
    URI,
    WHERE,
    Sent,
    Text,
    Wire,
)

# How many questions one request may put, and how many documents it may name.
MOST_QUESTIONS = 64
MOST_DOCUMENTS = 1_000

Include = Literal["hits", "timings"]
INCLUDED: tuple[Include, ...] = ("hits", "timings")
INCLUDE = (
    "What the reply holds beside the answers: hits (the passages that were read), timings (where "
    "the time went); null for both. Annotations hold hits only where they are asked for."
)
MOST_INCLUDED = 10
READ = "How many passages to read."
LEAST = "Give no answer below this, from 0 to 1; null for the reader's own threshold."
ENOUGH = (
    "Read no further once an answer has this confidence, from 0 to 1: quicker, but further answers "
    "and places may be missed; null to read all passages."
)


class BoxBody(Wire):
    """A rectangle on a printed page, in points (72 to the inch).

    The origin is the top left corner of the page as it is shown: turned and cropped.
    """

    page: int = Field(description="The page, one-based.", ge=1, examples=[11])
    left: float = Field(description="Its left side, in points from the left.", examples=[72.0])
    top: float = Field(description="Its upper side, in points from the top.", examples=[641.2])
    right: float = Field(description="Its right side, in points from the left.", examples=[140.5])
    bottom: float = Field(description="Its lower side, in points from the top.", examples=[652.4])


class LinksBody(Wire):
    """Where a quote can be opened."""

    view: str = Field(
        description="The path at which the server of this index shows the quote in its source.",
        examples=[f"/view/default/{EXAMPLE_ID}?start=1836&end=1843"],
    )
    source: str | None = Field(
        description="The address of the document itself, at the quote: of a web page with a text "
        "fragment, of a PDF with its page; null where it is neither on the web nor a local PDF.",
        examples=[None, "https://intranet.example/handbook#:~:text=26%20days"],
    )


_LINKS = "Where it can be opened."


class CitationBody(Wire):
    """The exact place of a quote: `text[start:end]` of the document is the quote."""

    document_id: str = Field(description=ID, examples=[EXAMPLE_ID])
    uri: str = Field(description=URI, examples=[EXAMPLE_URI])
    title: str = Field(description=TITLE, examples=[EXAMPLE_TITLE])
    page: int | None = Field(description=PAGE, ge=1, examples=[None, 4])
    section: list[str] = Field(description=SECTION, examples=[EXAMPLE_SECTION])
    start: int = Field(description=START, ge=0, examples=[1836])
    end: int = Field(description=END, ge=0, examples=[1843])
    slide: int | None = Field(description=SLIDE, ge=1, examples=[None, 3])
    sheet: str | None = Field(description=SHEET, examples=[None, "Prices"])
    cells: str | None = Field(description=CELLS, examples=[None, "B7", "B7:C9"])
    part: str | None = Field(description=PART, examples=[None, "1.2"])
    boxes: list[BoxBody] = Field(description=BOXES, examples=[[]])
    prefix: str = Field(
        description=f"What stands right before the quote, at most {CONTEXT} characters.",
        examples=["Full-time staff receive "],
    )
    suffix: str = Field(
        description=f"What stands right after the quote, at most {CONTEXT} characters.",
        examples=[" of paid leave a year, plus the "],
    )
    links: LinksBody = Field(description=_LINKS)


class PlaceBody(CitationBody):
    """Another place that says the same, with its own wording."""

    text: str = Field(description="The quote as it stands there.", examples=["26 days"])


class AnswerBody(Wire):
    """A verbatim quote that answers the question, with its place."""

    text: str = Field(
        description="The quote, exactly as it stands in the document.", examples=["26 days"]
    )
    confidence: float = Field(
        description="The probability, from 0 to 1, that the quote is a right answer.",
        ge=0,
        le=1,
        examples=[0.93],
    )
    sentence: str = Field(
        description="The whole sentence around the quote, exactly as it stands in the document.",
        examples=[EXAMPLE_SENTENCE],
    )
    citation: CitationBody = Field(description="Where the quote stands.")
    also_at: list[PlaceBody] = Field(
        description="Other places that give the same answer, likeliest first.", examples=[[]]
    )


class RangeBody(Wire):
    """A stretch of a document: `text[start:end]`."""

    document_id: str = Field(description=ID, examples=[EXAMPLE_ID])
    start: int = Field(description=START, ge=0, examples=[1789])
    end: int = Field(description=END, ge=0, examples=[2412])


class HitBody(Wire):
    """A passage that was found for the question; higher scores are better."""

    document_id: str = Field(description=ID, examples=[EXAMPLE_ID])
    start: int = Field(description=START, ge=0, examples=[1789])
    end: int = Field(description=END, ge=0, examples=[2412])
    text: str = Field(
        description="The passage, exactly as it stands in the document.",
        examples=[EXAMPLE_SENTENCE],
    )
    score: float = Field(
        description="What orders the hits, from 0 to 1.", ge=0, le=1, examples=[0.78]
    )
    dense_score: float = Field(
        description="Likeness in meaning: the cosine of question and passage, from -1 to 1.",
        ge=-1,
        le=1,
        examples=[0.56],
    )
    lexical_score: float = Field(
        description="Words in common: BM25, from 0 (none shared) upwards.", ge=0, examples=[9.4]
    )
    also_in: list[RangeBody] = Field(
        description="Passages of other documents that were left out, since they say only what this "
        "one and its neighbours say.",
        examples=[[]],
    )


class TimingsBody(Wire):
    """Where the time went, in milliseconds."""

    embed: float = Field(description="Embedding the question, in ms.", ge=0, examples=[4.2])
    retrieve: float = Field(description="Searching the index, in ms.", ge=0, examples=[3.1])
    read: float = Field(description="Reading and ranking, in ms.", ge=0, examples=[96.5])
    total: float = Field(description="All of it, in ms.", ge=0, examples=[103.8])


class ReplyBody(Wire):
    """What came of one question."""

    question: str = Field(
        description="The question, without white space at its ends.",
        examples=["How many days of paid leave do full-time staff get?"],
    )
    abstained: bool = Field(
        description="Whether the documents were found not to say; then there are no answers.",
        examples=[False],
    )
    reason: str | None = Field(
        description="Why there is no answer; null where there is one.", examples=[None]
    )
    answers: list[AnswerBody] = Field(description="The answers, likeliest first.")
    hits: list[HitBody] = Field(
        description="The passages that were read, best first; empty where they are not included."
    )
    timings_ms: TimingsBody | None = Field(
        description="Where the time went, in milliseconds; null where it is not included. Of a "
        "question put before, whose reply was kept, it is the time that finding it took."
    )
    skipped: int = Field(
        default=0,
        description="How many passages were found but not read, since an answer was sure enough.",
        ge=0,
        examples=[0],
    )


class PartialReplyBody(ReplyBody):
    """What came of a question so far; more passages are to be read."""

    unread: int = Field(description="How many more passages are to be read.", ge=0, examples=[6])


class BatchBody(Wire):
    """What came of several questions."""

    replies: list[ReplyBody] = Field(description="A reply for each question, in their order.")


class SearchHitBody(HitBody):
    """A passage with its place."""

    uri: str = Field(description=URI, examples=[EXAMPLE_URI])
    title: str = Field(description=TITLE, examples=[EXAMPLE_TITLE])
    page: int | None = Field(description=PAGE, ge=1, examples=[None, 4])
    section: list[str] = Field(description=SECTION, examples=[EXAMPLE_SECTION])
    slide: int | None = Field(description=SLIDE, ge=1, examples=[None, 3])
    sheet: str | None = Field(description=SHEET, examples=[None, "Prices"])
    cells: str | None = Field(description=CELLS, examples=[None, "B7", "B7:C9"])
    part: str | None = Field(description=PART, examples=[None, "1.2"])
    boxes: list[BoxBody] = Field(description=BOXES, examples=[[]])
    links: LinksBody = Field(description=_LINKS)


class SearchBody(Wire):
    """What was found for a query."""

    query: str = Field(
        description="The query, without white space at its ends.", examples=["paid leave"]
    )
    hits: list[SearchHitBody] = Field(description="The passages found, best first.")


class AskOptions(Sent):
    """How to answer."""

    top_k: int = Field(
        default=ANSWERS, description="The most answers to give.", ge=1, le=MOST_ANSWERS, strict=True
    )
    passages: int = Field(default=PASSAGES, description=READ, ge=1, le=MOST_PASSAGES, strict=True)
    min_confidence: float | None = Field(default=None, description=LEAST, ge=0, le=1, strict=True)
    enough: float | None = Field(default=None, description=ENOUGH, ge=0, le=1, strict=True)
    documents: list[Text] | None = Field(
        default=None,
        description="The ids of the documents to look in; null for all.",
        max_length=MOST_DOCUMENTS,
    )
    where: list[Text] = Field(
        default=[], description=WHERE, max_length=MOST_CONDITIONS, examples=[EXAMPLE_WHERE]
    )
    include: list[Include] | None = Field(
        default=None, description=INCLUDE, max_length=MOST_INCLUDED, examples=[None, []]
    )


class AskRequest(AskOptions):
    """A question."""

    question: Text = Field(
        description=f"The question, at most {MOST_CHARACTERS} characters.",
        examples=["How many days of paid leave do full-time staff get?"],
    )


class BatchRequest(AskOptions):
    """Several questions, all to be answered in the same way."""

    questions: list[Text] = Field(
        description=f"The questions, each of at most {MOST_CHARACTERS} characters.",
        min_length=1,
        max_length=MOST_QUESTIONS,
        examples=[["How long is the lease?", "Who pays for repairs?"]],
    )


class SearchRequest(Sent):
    """A query for passages."""

    query: Text = Field(
        description=f"What to look for, at most {MOST_CHARACTERS} characters.",
        examples=["paid leave"],
    )
    top_k: int = Field(
        default=10, description="The most passages to give.", ge=1, le=MOST_HITS, strict=True
    )
    diversity: float = Field(
        default=0.0,
        description="How much passages that are unlike those before them are preferred, from 0 to "
        "1 (maximal marginal relevance).",
        ge=0,
        le=1,
        strict=True,
    )
    where: list[Text] = Field(
        default=[], description=WHERE, max_length=MOST_CONDITIONS, examples=[EXAMPLE_WHERE]
    )
