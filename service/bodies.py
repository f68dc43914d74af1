"""What the insides give, in its wire form: the only place where one is made of the other."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from index.documents import Document, Hit
from index.outcomes import Outcome, Status
from index.passages import Splitter
from index.store import DocumentSummary, PassageStore
from qa.answers import Answer, Citation, Reply
from service.schemas import (
    AnswerBody,
    BoxBody,
    BuildingBody,
    CitationBody,
    CountsBody,
    DocumentBody,
    DocumentsBody,
    EmbedderBody,
    FailureBody,
    FailuresBody,
    FormatBody,
    FormatsBody,
    HitBody,
    OutcomeBody,
    OutcomesBody,
    PageBody,
    PartBody,
    PlaceBody,
    RangeBody,
    ReplyBody,
    SearchBody,
    SearchHitBody,
    SectionBody,
    SplitterBody,
    StatusBody,
    SummaryBody,
    TimingsBody,
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
        "start": citation.start,
        "end": citation.end,
        **_where_fields(citation),
    }


def _where_fields(citation: Citation) -> dict[str, Any]:
    return {
        "uri": citation.uri,
        "title": citation.title,
        "page": citation.page,
        "section": list(citation.section),
        "slide": citation.slide,
        "sheet": citation.sheet,
        "cells": citation.cells,
        "part": citation.part,
        "boxes": [
            BoxBody(page=box.page, left=box.left, top=box.top, right=box.right, bottom=box.bottom)
            for box in citation.boxes
        ],
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
        "also_in": [
            RangeBody(document_id=passage.document_id, start=passage.start, end=passage.end)
            for passage in hit.duplicates
        ],
    }


def search_body(query: str, found: Iterable[tuple[Hit, Citation]]) -> SearchBody:
    """The wire form of what a search found."""
    hits = [SearchHitBody(**_hit_fields(hit), **_where_fields(citation)) for hit, citation in found]
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
                copies=list(summary.copies),
                metadata=dict(summary.metadata),
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
        parts=[
            PartBody(kind=part.kind, name=part.name, start=part.start, end=part.end)
            for part in document.parts
        ],
        metadata=dict(document.metadata),
        copies=list(document.copies),
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
                documents=outcome.documents,
                passages=outcome.passages,
                source=outcome.source,
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
        failed=sum(not failure.unsupported for failure in failures_body(store).failures),
        generation=store.generation,
        embedder=EmbedderBody(
            name=settings.embedder.name,
            revision=settings.embedder.revision,
            dim=settings.embedder.dim,
            checksum=settings.embedder.checksum,
        ),
        splitter=_splitter_body(settings.splitter),
        building=_building_body(store),
        bytes=sum(part.stat().st_size for part in folder.iterdir() if part.is_file()),
    )


def _splitter_body(splitter: Splitter) -> SplitterBody:
    return SplitterBody(tokens=splitter.tokens, overlap=splitter.overlap, version=splitter.version)


def _building_body(store: PassageStore) -> BuildingBody | None:
    settings, progress = store.building, store.edition_progress()
    if settings is None or progress is None:
        return None
    done, documents = progress
    return BuildingBody(
        embedder=settings.embedder.name,
        splitter=_splitter_body(settings.splitter),
        done=done,
        documents=documents,
    )


def failures_body(store: PassageStore) -> FailuresBody:
    """The wire form of what could not be read when it was last tried."""
    return FailuresBody(
        failures=[
            FailureBody(uri=problem.uri, reason=problem.reason, unsupported=problem.unsupported)
            for state in store.origins()
            for problem in state.problems
        ]
    )


def formats_body() -> FormatsBody:
    """The wire form of the formats that are read."""
    from index.extract.formats import FORMATS

    return FormatsBody(
        formats=[
            FormatBody(name=found.label, media_type=kind, suffixes=list(found.suffixes))
            for kind, found in FORMATS.items()
        ]
    )
