"""The wire models, shared by HTTP and `--json`.

Offsets are Unicode code points into the document's canonical text, zero-based and half-open.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from index.documents import PartKind
from index.outcomes import Status
from index.retriever import MOST_CHARACTERS
from qa.answers import ANSWERS, PASSAGES

MOST_ANSWERS = 50
MOST_PASSAGES = 200
MOST_HITS = 200
MOST_CONDITIONS = 50


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
_SLIDE = "The slide it begins on, one-based; null in documents without slides."
_SHEET = "The name of the sheet it begins in; null in documents without sheets that have names."
_CELLS = "The cells it touches, as spreadsheets name them; null in documents without cells."
_PART = "The number of the message's part it stands in; null in documents that are no messages."
_BOXES = (
    "Where it is printed, a box for each piece of a line, in order; empty where no layout is fixed."
)
_COPIES = "Where else the same content stands."
WHERE = (
    "Conditions that documents must fit: KEY=VALUE, KEY!=VALUE, KEY>=VALUE, KEY<=VALUE or "
    "KEY~PATTERN, where a key is path, uri, title, type, id, added, pages, characters or one of "
    "the metadata."
)
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
EXAMPLE_WHERE = ["language=en", "path~contracts/*.pdf"]
_EXAMPLE_COPIES = ["file:///home/mara/archive/staff-handbook.md"]
_EXAMPLE_SHA = "0f2c8f5d6f1e0b1c9d2a7e4b3c6f5a8d7e9b0c1d2e3f4a5b6c7d8e9f0a1b2c3d"


class Wire(BaseModel):
    """Base of all wire models; what is sent to us must not hold fields we do not know."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class BoxBody(Wire):
    """A rectangle on a printed page, in points (72 to the inch).

    The origin is the top left corner of the page as it is shown: turned and cropped.
    """

    page: int = Field(description="The page, one-based.", ge=1, examples=[11])
    left: float = Field(description="Its left side, in points from the left.", examples=[72.0])
    top: float = Field(description="Its upper side, in points from the top.", examples=[641.2])
    right: float = Field(description="Its right side, in points from the left.", examples=[140.5])
    bottom: float = Field(description="Its lower side, in points from the top.", examples=[652.4])


class CitationBody(Wire):
    """The exact place of a quote: `text[start:end]` of the document is the quote."""

    document_id: str = Field(description=_ID, examples=[_EXAMPLE_ID])
    uri: str = Field(description=_URI, examples=[_EXAMPLE_URI])
    title: str = Field(description=_TITLE, examples=[_EXAMPLE_TITLE])
    page: int | None = Field(description=_PAGE, ge=1, examples=[None, 4])
    section: list[str] = Field(description=_SECTION, examples=[_EXAMPLE_SECTION])
    start: int = Field(description=_START, ge=0, examples=[1836])
    end: int = Field(description=_END, ge=0, examples=[1843])
    slide: int | None = Field(description=_SLIDE, ge=1, examples=[None, 3])
    sheet: str | None = Field(description=_SHEET, examples=[None, "Prices"])
    cells: str | None = Field(description=_CELLS, examples=[None, "B7", "B7:C9"])
    part: str | None = Field(description=_PART, examples=[None, "1.2"])
    boxes: list[BoxBody] = Field(description=_BOXES, examples=[[]])


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


class RangeBody(Wire):
    """A stretch of a document: `text[start:end]`."""

    document_id: str = Field(description=_ID, examples=[_EXAMPLE_ID])
    start: int = Field(description=_START, ge=0, examples=[1789])
    end: int = Field(description=_END, ge=0, examples=[2412])


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
    hits: list[HitBody] = Field(description="The passages that were read, best first.")
    timings_ms: TimingsBody = Field(description="Where the time went, in milliseconds.")


class SearchHitBody(HitBody):
    """A passage with its place."""

    uri: str = Field(description=_URI, examples=[_EXAMPLE_URI])
    title: str = Field(description=_TITLE, examples=[_EXAMPLE_TITLE])
    page: int | None = Field(description=_PAGE, ge=1, examples=[None, 4])
    section: list[str] = Field(description=_SECTION, examples=[_EXAMPLE_SECTION])
    slide: int | None = Field(description=_SLIDE, ge=1, examples=[None, 3])
    sheet: str | None = Field(description=_SHEET, examples=[None, "Prices"])
    cells: str | None = Field(description=_CELLS, examples=[None, "B7", "B7:C9"])
    part: str | None = Field(description=_PART, examples=[None, "1.2"])
    boxes: list[BoxBody] = Field(description=_BOXES, examples=[[]])


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
    copies: list[str] = Field(description=_COPIES, examples=[_EXAMPLE_COPIES])
    metadata: dict[str, str] = Field(
        description="What else is known of it.", examples=[{"language": "en"}]
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


class PartBody(Wire):
    """A part of the original that is no page: `text[start:end]`."""

    kind: PartKind = Field(description="sheet, slide or part (of a message).", examples=["sheet"])
    name: str = Field(
        description="A sheet's name, a slide's one-based number, a message part's number.",
        examples=["Prices"],
    )
    start: int = Field(description=_START, ge=0, examples=[0])
    end: int = Field(description=_END, ge=0, examples=[2210])


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
    parts: list[PartBody] = Field(
        description="The sheets, slides or message parts in order; empty where there are none."
    )
    metadata: dict[str, str] = Field(
        description="What else is known of it.", examples=[{"author": "People Team"}]
    )
    copies: list[str] = Field(description=_COPIES, examples=[_EXAMPLE_COPIES])


class OutcomeBody(Wire):
    """What became of one file."""

    name: str = Field(description="The file as it was named.", examples=["staff-handbook.md"])
    status: Status = Field(
        description=(
            "added, changed, moved (its content stood elsewhere before), copied (its content "
            "stands elsewhere too), removed (it has gone), unchanged, skipped (of a format that "
            "is not read, met in a folder or in another file) or failed."
        ),
        examples=["added"],
    )
    reason: str | None = Field(
        description="Why it was skipped or failed; null otherwise.", examples=[None]
    )
    document_id: str | None = Field(
        description="The id of its first document; null where it has none in the index.",
        examples=[_EXAMPLE_ID],
    )
    documents: int = Field(
        description="Documents in it that the index holds, or held if it was removed; several for "
        "archives, mail with attachments and the like.",
        ge=0,
        examples=[1],
    )
    passages: int = Field(description="Passages they were cut into.", ge=0, examples=[41])
    source: str | None = Field(
        description="Where the content of what was moved or copied stood before; null otherwise.",
        examples=[None],
    )


class CountsBody(Wire):
    """How many files had each outcome."""

    added: int = Field(description="Files that are new.", ge=0, examples=[1])
    changed: int = Field(description="Files that had changed.", ge=0, examples=[0])
    moved: int = Field(description="Files that had moved.", ge=0, examples=[0])
    copied: int = Field(description="Files that are copies of others.", ge=0, examples=[0])
    removed: int = Field(description="Files that had gone.", ge=0, examples=[0])
    unchanged: int = Field(description="Files that were there already.", ge=0, examples=[0])
    skipped: int = Field(description="Files of formats that are not read.", ge=0, examples=[0])
    failed: int = Field(description="Files that could not be read.", ge=0, examples=[0])


class OutcomesBody(Wire):
    """What became of all files."""

    counts: CountsBody = Field(description="How many files had each outcome.")
    outcomes: list[OutcomeBody] = Field(description="What became of each file.")


class ProgressBody(Wire):
    """How far long work is; a line of it at most twice a second on standard error."""

    compared: int = Field(description="Files compared with the index.", ge=0, examples=[2000])
    to_read: int = Field(
        description="Files to read; documents to cut again in a reindexing.", ge=0, examples=[120]
    )
    read: int = Field(description="How many of those are done.", ge=0, examples=[37])
    passages: int = Field(description="Passages embedded.", ge=0, examples=[811])
    failed: int = Field(description="Files that could not be read.", ge=0, examples=[1])
    passages_per_second: float = Field(description="So far.", ge=0, examples=[55.1])
    seconds_left: float | None = Field(
        description="An estimate; null while there is none.", examples=[31.5]
    )


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


class BuildingBody(Wire):
    """An edition of the index that is being built, and does not answer yet."""

    embedder: str = Field(description="Its embedder.", examples=["all-MiniLM-L6-v2"])
    splitter: SplitterBody = Field(description="How its documents are cut.")
    done: int = Field(description="Documents that it has.", ge=0, examples=[120])
    documents: int = Field(description="Documents that it will have.", ge=0, examples=[2000])


class FailureBody(Wire):
    """A file, or something in it, that could not be read."""

    uri: str = Field(description="Where it is.", examples=["file:///home/mara/docs/old.pdf"])
    reason: str = Field(
        description="Why, and what to do.", examples=["old.pdf: is encrypted; save a copy without"]
    )
    unsupported: bool = Field(
        description="Whether it is of a format that is not read.", examples=[False]
    )


class FailuresBody(Wire):
    """What could not be read, as it was when it was last tried."""

    failures: list[FailureBody] = Field(description="In the order of their URIs.")


class FormatBody(Wire):
    """A format that is read."""

    name: str = Field(description="What it is called.", examples=["PDF"])
    media_type: str = Field(description="Its media type.", examples=["application/pdf"])
    suffixes: list[str] = Field(
        description="Its usual endings; content decides, not the name.", examples=[[".pdf"]]
    )


class FormatsBody(Wire):
    """The formats that are read."""

    formats: list[FormatBody] = Field(description="Each format.")


class StatusBody(Wire):
    """What the index holds and what it was made with."""

    index: str = Field(description="The index folder.", examples=["/home/mara/docs/.pincite"])
    documents: int = Field(description="How many documents it holds.", ge=0, examples=[11])
    passages: int = Field(description="How many passages it holds.", ge=0, examples=[251])
    failed: int = Field(
        description="How many files, or documents in them, could not be read when last tried.",
        ge=0,
        examples=[0],
    )
    generation: int = Field(
        description="Grows with every change; equal numbers mean equal content.",
        ge=0,
        examples=[4],
    )
    embedder: EmbedderBody = Field(description="The embedder it was made with.")
    splitter: SplitterBody = Field(description="How documents were cut.")
    building: BuildingBody | None = Field(
        description="The edition being built to take this one's place; null where none is."
    )
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
    where: list[Text] = Field(
        default=[], description=WHERE, max_length=MOST_CONDITIONS, examples=[EXAMPLE_WHERE]
    )


class SearchRequest(Wire):
    """A query for passages."""

    query: Text = Field(
        description=f"What to look for, at most {MOST_CHARACTERS} characters.",
        examples=["paid leave"],
    )
    top_k: int = Field(default=10, description="The most passages to give.", ge=1, le=MOST_HITS)
    where: list[Text] = Field(
        default=[], description=WHERE, max_length=MOST_CONDITIONS, examples=[EXAMPLE_WHERE]
    )


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
