"""The wire models, shared by HTTP and `--json`.

Offsets are Unicode code points into the document's canonical text, zero-based and half-open.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from index.catalog import DocumentSummary
from index.documents import Document, Hit
from index.indexing import Outcome, Status
from index.retriever import MOST_CHARACTERS
from index.store import PassageStore
from qa.answers import ANSWERS, PASSAGES, Answer, Citation, Reply

MOST_ANSWERS = 50
MOST_PASSAGES = 200
MOST_HITS = 200


def _encodable(value: str) -> str:
    # JSON can spell half of a surrogate pair, which is no character and cannot be stored or sent.
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair, which is not text") from None
    return value


Text = Annotated[str, AfterValidator(_encodable)]

_START = "Where it begins: code points into the document's text, zero-based."
_END = "Where it ends: code points into the document's text, exclusive."
_SECTION = "The headings above it, outermost first; empty where there are none."
_PAGE = "The page it begins on, one-based; null in documents without pages."
_ID = "The document's id; it stays the same when the document's content changes."
_URI = "Where the document comes from."
_TITLE = "The document's title."

_EXAMPLE_ID = "6f0c2d2f0d5a4b1e"
_EXAMPLE_URI = "file:///home/mara/docs/staff-handbook.md"
_EXAMPLE_TITLE = "Larkfield & Moss Staff Handbook"
_EXAMPLE_SECTION = ["2. Leave", "2.1 Annual leave"]
_EXAMPLE_SENTENCE = (
    "Full-time staff receive 26 days of paid leave a year, plus the eight public holidays."
)
_EXAMPLE_SHA = "0f2c8f5d6f1e0b1c9d2a7e4b3c6f5a8d7e9b0c1d2e3f4a5b6c7d8e9f0a1b2c3d"


class Wire(BaseModel):
    """Base of all wire models; what is sent to us must not hold fields we do not know."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class CitationBody(Wire):
    """The exact place of a quote: `text[start:end]` of the document is the quote."""

    document_id: str = Field(description=_ID, examples=[_EXAMPLE_ID])
    uri: str = Field(description=_URI, examples=[_EXAMPLE_URI])
    title: str = Field(description=_TITLE, examples=[_EXAMPLE_TITLE])
    page: int | None = Field(description=_PAGE, ge=1, examples=[None, 4])
    section: list[str] = Field(description=_SECTION, examples=[_EXAMPLE_SECTION])
    start: int = Field(description=_START, ge=0, examples=[1836])
    end: int = Field(description=_END, ge=0, examples=[1843])


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
        examples=[_EXAMPLE_SENTENCE],
    )
    citation: CitationBody = Field(description="Where the quote stands.")
    also_at: list[PlaceBody] = Field(
        description="Other places that give the same answer, likeliest first.", examples=[[]]
    )


class HitBody(Wire):
    """A passage that was found for the question; higher scores are better."""

    document_id: str = Field(description=_ID, examples=[_EXAMPLE_ID])
    start: int = Field(description=_START, ge=0, examples=[1789])
    end: int = Field(description=_END, ge=0, examples=[2412])
    text: str = Field(
        description="The passage, exactly as it stands in the document.",
        examples=[_EXAMPLE_SENTENCE],
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
    hits: list[HitBody] = Field(description="The passages that were read, best first.")
    timings_ms: TimingsBody = Field(description="Where the time went, in milliseconds.")


class SearchHitBody(HitBody):
    """A passage with its place."""

    uri: str = Field(description=_URI, examples=[_EXAMPLE_URI])
    title: str = Field(description=_TITLE, examples=[_EXAMPLE_TITLE])
    page: int | None = Field(description=_PAGE, ge=1, examples=[None, 4])
    section: list[str] = Field(description=_SECTION, examples=[_EXAMPLE_SECTION])


class SearchBody(Wire):
    """What was found for a query."""

    query: str = Field(
        description="The query, without white space at its ends.", examples=["paid leave"]
    )
    hits: list[SearchHitBody] = Field(description="The passages found, best first.")


class SummaryBody(Wire):
    """A document without its text."""

    id: str = Field(description=_ID, examples=[_EXAMPLE_ID])
    uri: str = Field(description=_URI, examples=[_EXAMPLE_URI])
    title: str = Field(description=_TITLE, examples=[_EXAMPLE_TITLE])
    media_type: str = Field(description="The format it was read as.", examples=["text/markdown"])
    sha256: str = Field(
        description="SHA-256 of the original bytes, in hexadecimal.", examples=[_EXAMPLE_SHA]
    )
    characters: int = Field(description="Code points in its text.", ge=0, examples=[13012])
    page_count: int = Field(description="Pages; 0 where it has none.", ge=0, examples=[0])
    passage_count: int = Field(description="Passages it was cut into.", ge=0, examples=[41])
    added_at: str = Field(
        description="When it was put into the index, UTC.", examples=["2026-03-02T09:14:07Z"]
    )


class DocumentsBody(Wire):
    """All documents of the index."""

    documents: list[SummaryBody] = Field(description="The documents, in the order of their URIs.")


class PageBody(Wire):
    """One page: `text[start:end]`."""

    number: int = Field(description="The page's number, one-based.", ge=1, examples=[1])
    start: int = Field(description=_START, ge=0, examples=[0])
    end: int = Field(description=_END, ge=0, examples=[2210])


class SectionBody(Wire):
    """The stretch from one heading up to the next: `text[start:end]`."""

    path: list[str] = Field(
        description="The headings that lead here, outermost first, its own last.",
        examples=[_EXAMPLE_SECTION],
    )
    start: int = Field(description=_START, ge=0, examples=[1765])
    end: int = Field(description=_END, ge=0, examples=[2890])


class DocumentBody(Wire):
    """A whole document: its canonical text, into which all offsets point."""

    id: str = Field(description=_ID, examples=[_EXAMPLE_ID])
    uri: str = Field(description=_URI, examples=[_EXAMPLE_URI])
    title: str = Field(description=_TITLE, examples=[_EXAMPLE_TITLE])
    media_type: str = Field(description="The format it was read as.", examples=["text/markdown"])
    sha256: str = Field(
        description="SHA-256 of the original bytes, in hexadecimal.", examples=[_EXAMPLE_SHA]
    )
    text: str = Field(description="The canonical text.", examples=[_EXAMPLE_SENTENCE])
    pages: list[PageBody] = Field(description="The pages in order; empty where there are none.")
    sections: list[SectionBody] = Field(
        description="The sections in order; empty where there are none."
    )
    metadata: dict[str, str] = Field(
        description="What else the file says of itself.", examples=[{"author": "People Team"}]
    )


class OutcomeBody(Wire):
    """What became of one file."""

    name: str = Field(description="The file as it was named.", examples=["staff-handbook.md"])
    status: Status = Field(
        description=(
            "added, replaced (it had changed), unchanged, skipped (of a format that is not read, "
            "met in a folder) or failed."
        ),
        examples=["added"],
    )
    reason: str | None = Field(
        description="Why it was skipped or failed; null otherwise.", examples=[None]
    )
    document_id: str | None = Field(
        description="The document's id; null where it was not taken in.", examples=[_EXAMPLE_ID]
    )
    passages: int = Field(description="Passages it was cut into.", ge=0, examples=[41])


class CountsBody(Wire):
    """How many files had each outcome."""

    added: int = Field(description="Files that are new.", ge=0, examples=[1])
    replaced: int = Field(description="Files that had changed.", ge=0, examples=[0])
    unchanged: int = Field(description="Files that were there already.", ge=0, examples=[0])
    skipped: int = Field(description="Files of formats that are not read.", ge=0, examples=[0])
    failed: int = Field(description="Files that could not be read.", ge=0, examples=[0])


class OutcomesBody(Wire):
    """What became of all files."""

    counts: CountsBody = Field(description="How many files had each outcome.")
    outcomes: list[OutcomeBody] = Field(description="What became of each file.")


class EmbedderBody(Wire):
    """The embedder an index was made with."""

    name: str = Field(description="Its name or folder.", examples=["all-MiniLM-L6-v2"])
    revision: str = Field(description="Which release of it.", examples=["sha256:53aa5117"])
    dim: int = Field(description="The length of a vector.", ge=1, examples=[384])
    checksum: str = Field(
        description="SHA-256 of the weights, in hexadecimal.", examples=[_EXAMPLE_SHA]
    )


class SplitterBody(Wire):
    """How documents were cut into passages."""

    tokens: int = Field(description="The most tokens in a passage.", ge=1, examples=[160])
    overlap: int = Field(
        description="The most tokens it shares with the one before.", ge=0, examples=[32]
    )
    version: int = Field(description="The version of the algorithm.", ge=1, examples=[1])


class StatusBody(Wire):
    """What the index holds and what it was made with."""

    index: str = Field(description="The index folder.", examples=["/home/mara/docs/.pincite"])
    documents: int = Field(description="How many documents it holds.", ge=0, examples=[11])
    passages: int = Field(description="How many passages it holds.", ge=0, examples=[251])
    generation: int = Field(
        description="Grows with every change; equal numbers mean equal content.",
        ge=0,
        examples=[4],
    )
    embedder: EmbedderBody = Field(description="The embedder it was made with.")
    splitter: SplitterBody = Field(description="How documents were cut.")
    bytes: int = Field(description="Its size on disk, in bytes.", ge=0, examples=[1835008])


class CheckBody(Wire):
    """One thing the doctor looked at."""

    name: str = Field(description="What was looked at.", examples=["database"])
    ok: bool = Field(description="Whether it is as it should be.", examples=[True])
    found: str = Field(description="What was found.", examples=["whole"])


class ReportBody(Wire):
    """What the doctor found."""

    ok: bool = Field(description="Whether everything is as it should be.", examples=[True])
    checks: list[CheckBody] = Field(description="Each thing looked at.")


class ModelBody(Wire):
    """A model that can be used as it is."""

    name: str = Field(description="The name to use it by.", examples=["all-MiniLM-L6-v2"])
    kind: str = Field(description="embedder or reader.", examples=["embedder"])
    licence: str | None = Field(
        description="SPDX identifier of the weights' licence; null where it is not known.",
        examples=["Apache-2.0"],
    )
    checksum: str = Field(
        description="SHA-256 of the weights, in hexadecimal.", examples=[_EXAMPLE_SHA]
    )
    folder: str | None = Field(
        description="Where its files are; null where it is not bundled.",
        examples=["/usr/lib/python3/site-packages/index/bundled/all-MiniLM-L6-v2"],
    )
    in_use: bool = Field(
        description="Whether it is the one that would be used now.", examples=[True]
    )


class ModelsBody(Wire):
    """The models at hand."""

    models: list[ModelBody] = Field(description="The bundled models, and the index's own.")


class HealthBody(Wire):
    """A sign of life."""

    status: Literal["ok", "ready"] = Field(description="ok or ready.", examples=["ok"])


class FieldErrorBody(Wire):
    """What is wrong with one field of a request."""

    field: str = Field(description="The field, with dots between levels.", examples=["question"])
    detail: str = Field(description="What is wrong with it.", examples=["Field required"])


class ProblemBody(BaseModel):
    """An error, as RFC 9457 describes problems."""

    type: str = Field(
        description="Names the kind of problem; about:blank where the status says it all.",
        examples=["urn:pincite:problem:unknown-document"],
    )
    title: str = Field(
        description="The kind of problem in words; always the same for a type.",
        examples=["There is no such document"],
    )
    status: int = Field(description="The HTTP status.", ge=400, le=599, examples=[404])
    detail: str = Field(
        description="What happened this time, and what to do about it.",
        examples=["0123: no such document in the index; see: pincite list"],
    )
    instance: str = Field(description="The path asked for.", examples=["/v1/documents/0123"])
    request_id: str = Field(
        description="Names this request in the server's log; also in X-Request-ID.",
        examples=["5f3b0c1e9a7d4f62b8e1d0c9a8b7f6e5"],
    )
    errors: list[FieldErrorBody] | None = Field(
        default=None, description="Which fields of the request are wrong, where some are."
    )
    outcomes: list[OutcomeBody] | None = Field(
        default=None, description="What became of each file, where several were sent."
    )


class AskRequest(Wire):
    """A question."""

    question: Text = Field(
        description=f"The question, at most {MOST_CHARACTERS} characters.",
        examples=["How many days of paid leave do full-time staff get?"],
    )
    top_k: int = Field(
        default=ANSWERS, description="The most answers to give.", ge=1, le=MOST_ANSWERS
    )
    passages: int = Field(
        default=PASSAGES, description="How many passages to read.", ge=1, le=MOST_PASSAGES
    )
    min_confidence: float | None = Field(
        default=None,
        description="Give no answer below this, from 0 to 1; null for the reader's own threshold.",
        ge=0,
        le=1,
    )
    documents: list[Text] | None = Field(
        default=None, description="The ids of the documents to look in; null for all."
    )


class SearchRequest(Wire):
    """A query for passages."""

    query: Text = Field(
        description=f"What to look for, at most {MOST_CHARACTERS} characters.",
        examples=["paid leave"],
    )
    top_k: int = Field(default=10, description="The most passages to give.", ge=1, le=MOST_HITS)


class TextRequest(Wire):
    """A text to put into the index."""

    text: Text = Field(
        description="The text.",
        examples=["# Opening hours\n\nThe library is open from 9:00 to 17:30."],
    )
    uri: Text | None = Field(
        default=None,
        description="Where it comes from; what was stored under it is replaced. Null for a name "
        "made of the text itself.",
        min_length=1,
        max_length=2000,
        examples=["https://library.example/hours"],
    )
    title: Text | None = Field(
        default=None,
        description="Its title; null for what the text itself gives as one.",
        min_length=1,
        max_length=500,
        examples=["Opening hours"],
    )
    media_type: Literal["text/plain", "text/markdown", "text/html"] = Field(
        default="text/plain", description="What the text is written in."
    )


def reply_body(reply: Reply) -> ReplyBody:
    """The wire form of a reply; the only one, so that every way in says the same."""
    timings = reply.timings
    return ReplyBody(
        question=reply.question,
        abstained=reply.abstained,
        reason=reply.reason,
        answers=[_answer_body(answer) for answer in reply.answers],
        hits=[HitBody(**_hit_fields(hit)) for hit in reply.hits],
        timings_ms=TimingsBody(
            embed=round(timings.embed, 3),
            retrieve=round(timings.retrieve, 3),
            read=round(timings.read, 3),
            total=round(timings.total, 3),
        ),
    )


def _answer_body(answer: Answer) -> AnswerBody:
    return AnswerBody(
        text=answer.text,
        confidence=answer.confidence,
        sentence=answer.sentence,
        citation=CitationBody(**_citation_fields(answer.citation)),
        also_at=[PlaceBody(**_citation_fields(place), text=place.text) for place in answer.also_at],
    )


def _citation_fields(citation: Citation) -> dict[str, Any]:
    return {
        "document_id": citation.document_id,
        "uri": citation.uri,
        "title": citation.title,
        "page": citation.page,
        "section": list(citation.section),
        "start": citation.start,
        "end": citation.end,
    }


def _hit_fields(hit: Hit) -> dict[str, Any]:
    return {
        "document_id": hit.passage.document_id,
        "start": hit.passage.start,
        "end": hit.passage.end,
        "text": hit.passage.text,
        "score": min(1.0, max(0.0, hit.score)),
        "dense_score": hit.dense_score,
        "lexical_score": hit.lexical_score,
    }


def search_body(query: str, found: Iterable[tuple[Hit, Citation]]) -> SearchBody:
    """The wire form of what a search found."""
    hits = [
        SearchHitBody(
            **_hit_fields(hit),
            uri=citation.uri,
            title=citation.title,
            page=citation.page,
            section=list(citation.section),
        )
        for hit, citation in found
    ]
    return SearchBody(query=query.strip(), hits=hits)


def documents_body(documents: Iterable[DocumentSummary]) -> DocumentsBody:
    """The wire form of a list of documents."""
    return DocumentsBody(
        documents=[
            SummaryBody(
                id=summary.id,
                uri=summary.uri,
                title=summary.title,
                media_type=summary.media_type,
                sha256=summary.sha256,
                characters=summary.characters,
                page_count=summary.pages,
                passage_count=summary.passages,
                added_at=summary.added_at,
            )
            for summary in documents
        ]
    )


def document_body(document: Document) -> DocumentBody:
    """The wire form of a whole document."""
    return DocumentBody(
        id=document.id,
        uri=document.uri,
        title=document.title,
        media_type=document.media_type,
        sha256=document.sha256,
        text=document.text,
        pages=[PageBody(number=p.number, start=p.start, end=p.end) for p in document.pages],
        sections=[
            SectionBody(path=list(part.path), start=part.start, end=part.end)
            for part in document.sections
        ],
        metadata=dict(document.metadata),
    )


def outcomes_body(outcomes: Sequence[Outcome]) -> OutcomesBody:
    """The wire form of what became of files."""
    statuses = [outcome.status for outcome in outcomes]
    counts: Mapping[str, int] = {status.value: statuses.count(status) for status in Status}
    return OutcomesBody(
        counts=CountsBody(**counts),
        outcomes=[
            OutcomeBody(
                name=outcome.name,
                status=outcome.status,
                reason=outcome.reason,
                document_id=outcome.document_id,
                passages=outcome.passages,
            )
            for outcome in outcomes
        ],
    )


def status_body(folder: Path, store: PassageStore) -> StatusBody:
    """The wire form of the state of the index in `folder`."""
    settings = store.settings
    documents = store.documents()
    return StatusBody(
        index=str(folder.absolute()),
        documents=len(documents),
        passages=sum(summary.passages for summary in documents),
        generation=store.generation,
        embedder=EmbedderBody(
            name=settings.embedder.name,
            revision=settings.embedder.revision,
            dim=settings.embedder.dim,
            checksum=settings.embedder.checksum,
        ),
        splitter=SplitterBody(
            tokens=settings.splitter.tokens,
            overlap=settings.splitter.overlap,
            version=settings.splitter.version,
        ),
        bytes=sum(part.stat().st_size for part in folder.iterdir() if part.is_file()),
    )
