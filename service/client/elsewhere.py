"""A running server asked in place of an open index: its models are loaded already."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from index.documents import Box, Document, Hit, Page, Part, Passage, Section
from index.errors import InvalidSettings, UnknownDocument
from index.store import DocumentSummary
from qa.answers import CONTEXT, Answer, Citation, Options, Reply, Timings, cite
from service.client.api import Client
from service.client.transport import Refused
from service.engine import find
from service.errors import MEANINGS, Busy, ServiceError, slug
from service.schemas import AnswerBody, CitationBody, DocumentBody, HitBody, ReplyBody, SummaryBody

_Result = TypeVar("_Result")

_PREFIX = "urn:pincite:problem:"
# What is wrong with what was sent, where no kind of error says more.
_MISTAKES = frozenset({400, 413, 415, 421, 422})


class Elsewhere:
    """What `ask` needs of an `Engine`, of a server's collection; see there for the methods."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._last: ReplyBody | None = None

    def ask(self, question: str, options: Options) -> Reply:
        """Answer one question.

        Raises:
            PinciteError: what the server refused it for, as the index here would; or the server
                cannot be reached.
        """
        body = _as_here(
            lambda: self._client.ask(
                question,
                top_k=options.answers,
                passages=options.passages,
                min_confidence=options.min_confidence,
                enough=options.enough,
                documents=None if options.within is None else list(options.within),
                where=[str(condition) for condition in options.where.conditions],
            )
        )
        self._last = body
        return _reply(body)

    def last_reply(self) -> ReplyBody:
        """The last reply as the server gave it."""
        assert self._last is not None  # noqa: S101 - there is none before a question
        return self._last

    def locate(self, hits: Iterable[Hit]) -> list[tuple[Hit, Citation]]:
        """Each hit with where it stands; hits whose documents are gone are left out."""
        found = []
        for hit in hits:
            passage = hit.passage
            try:
                body = _as_here(partial(self._client.document, passage.document_id))
            except UnknownDocument:
                continue
            document = _document(body)
            if document.text[passage.start : passage.end] == passage.text:
                found.append((hit, cite(document, passage.start, passage.end)))
        return found

    def find(self, names: Sequence[str]) -> list[DocumentSummary]:
        """The documents that a person names; each once."""
        if not names:
            return []
        documents = [_summary(body) for body in _as_here(lambda: list(self._client.documents()))]
        found = {one.id: one for name in names for one in [find(documents, name)]}
        return list(found.values())

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


# Errors by their names on the wire. Not those that say when to come back: the client has done so.
KINDS = {slug(kind): kind for kind in MEANINGS if not issubclass(kind, Busy)}


def _as_here(act: Callable[[], _Result]) -> _Result:
    """What `act` gives; what the server refused, as the error that it would have been here."""
    try:
        return act()
    except Refused as refused:
        problem = refused.problem
        kind = KINDS.get(problem.type.removeprefix(_PREFIX), ServiceError)
        if kind is ServiceError and problem.status in _MISTAKES:
            kind = InvalidSettings
        raise kind(problem.detail) from refused


def _reply(body: ReplyBody) -> Reply:
    timings = body.timings_ms
    return Reply(
        body.question,
        tuple(_answer(answer) for answer in body.answers),
        body.reason,
        tuple(_hit(hit) for hit in body.hits),
        Timings(0, 0, 0, 0)
        if timings is None
        else Timings(timings.embed, timings.retrieve, timings.read, timings.total),
        skipped=body.skipped,
    )


def _answer(body: AnswerBody) -> Answer:
    citation = _citation(body.citation, body.text)
    return Answer(
        body.text,
        body.confidence,
        body.sentence,
        citation.start - _place_in(body.sentence, citation),
        citation,
        tuple(_citation(place, place.text) for place in body.also_at),
    )


def _place_in(sentence: str, citation: Citation) -> int:
    """Where a quote begins in its sentence: of equal words, those with the same text before."""
    prefix = citation.prefix
    # A short one goes back to where the document begins, before which there is no sentence.
    last = len(sentence) if len(prefix) == CONTEXT else len(prefix)
    best, most = 0, -1
    place = sentence.find(citation.text)
    while 0 <= place <= last:
        shared = min(place, len(prefix))
        if shared > most and sentence[place - shared : place] == prefix[len(prefix) - shared :]:
            best, most = place, shared
        place = sentence.find(citation.text, place + 1)
    return best


def _citation(body: CitationBody, text: str) -> Citation:
    return Citation(
        body.document_id,
        body.uri,
        body.title,
        body.page,
        tuple(body.section),
        body.start,
        body.end,
        text,
        tuple(Box(box.page, box.left, box.top, box.right, box.bottom) for box in body.boxes),
        body.slide,
        body.sheet,
        body.cells,
        body.part,
        body.prefix,
        body.suffix,
    )


def _hit(body: HitBody) -> Hit:
    others = (Passage(one.document_id, one.start, one.end, "") for one in body.also_in)
    return Hit(
        Passage(body.document_id, body.start, body.end, body.text),
        body.score,
        body.dense_score,
        body.lexical_score,
        tuple(others),
    )


def _document(body: DocumentBody) -> Document:
    """A document as far as it is on the wire, which leaves out where each character stands."""
    return Document(
        body.id,
        body.uri,
        body.title,
        body.media_type,
        body.text,
        body.sha256,
        tuple(Page(page.number, page.start, page.end) for page in body.pages),
        tuple(Section(tuple(one.path), one.start, one.end) for one in body.sections),
        dict(body.metadata),
        tuple(Part(part.kind, part.name, part.start, part.end) for part in body.parts),
        copies=tuple(body.copies),
    )


def _summary(body: SummaryBody) -> DocumentSummary:
    return DocumentSummary(
        body.id,
        body.uri,
        body.title,
        body.media_type,
        body.sha256,
        body.characters,
        body.page_count,
        body.passage_count,
        body.added_at,
        tuple(body.copies),
        dict(body.metadata),
    )
