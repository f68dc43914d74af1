"""What the insides give, in its wire form: the only place where one is made of the other."""

import stat
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.documents import Document, Hit
from index.outcomes import Outcome, Status
from index.passages import Splitter
from index.store import DocumentSummary, PassageStore
from qa.answers import Answer, Citation, Reply, Timings
from qa.index_calibration import remembered
from service.configuration import DEFAULT_COLLECTION
from service.links import source_link, view_path
from service.schemas import (
    INCLUDED,
    AnswerBody,
    BoxBody,
    BuildingBody,
    CalibrationBody,
    CitationBody,
    CollectionBody,
    CountsBody,
    DocumentBody,
    DocumentsBody,
    EmbedderBody,
    FailureBody,
    FailuresBody,
    FormatBody,
    FormatsBody,
    HitBody,
    Include,
    JobBody,
    JobCountsBody,
    JobFileBody,
    KeyBody,
    LinksBody,
    OutcomeBody,
    OutcomesBody,
    PageBody,
    PartBody,
    PartialReplyBody,
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

if TYPE_CHECKING:  # what a server holds is not needed to answer questions
    from service.host.collections import Collection as Held
    from service.host.job_records import Job, JobState
    from service.host.keys import Key


def reply_body(
    reply: Reply,
    collection: str = DEFAULT_COLLECTION,
    include: Collection[Include] = INCLUDED,
) -> ReplyBody:
    """The wire form of a reply; the only one, so that every way in says the same.

    `collection` is the one that was asked; the index that a server was started for is its default
    one, so that what is asked without a server has the links of that.
    """
    return ReplyBody(**_reply_fields(reply, collection, include))


def partial_reply_body(
    reply: Reply, collection: str, include: Collection[Include] = INCLUDED
) -> PartialReplyBody:
    """The wire form of what is said while passages are still to be read."""
    return PartialReplyBody(**_reply_fields(reply, collection, include), unread=reply.unread)


def _reply_fields(reply: Reply, collection: str, include: Collection[Include]) -> dict[str, Any]:
    hits = reply.hits if "hits" in include else ()
    return {
        "question": reply.question,
        "abstained": reply.abstained,
        "reason": reply.reason,
        "answers": [_answer_body(answer, collection) for answer in reply.answers],
        "hits": [HitBody(**_hit_fields(hit)) for hit in hits],
        "timings_ms": _timings_body(reply.timings) if "timings" in include else None,
        "skipped": reply.skipped,
    }


def _timings_body(timings: Timings) -> TimingsBody:
    return TimingsBody(
        embed=round(timings.embed, 3),
        retrieve=round(timings.retrieve, 3),
        read=round(timings.read, 3),
        total=round(timings.total, 3),
    )


def _answer_body(answer: Answer, collection: str) -> AnswerBody:
    return AnswerBody(
        text=answer.text,
        confidence=answer.confidence,
        sentence=answer.sentence,
        citation=citation_body(answer.citation, collection),
        also_at=[
            PlaceBody(**_citation_fields(place, collection), text=place.text)
            for place in answer.also_at
        ],
    )


def citation_body(citation: Citation, collection: str) -> CitationBody:
    """The wire form of a citation in a collection."""
    return CitationBody(**_citation_fields(citation, collection))


def _citation_fields(citation: Citation, collection: str) -> dict[str, Any]:
    return {
        "document_id": citation.document_id,
        "start": citation.start,
        "end": citation.end,
        "prefix": citation.prefix,
        "suffix": citation.suffix,
        **_where_fields(citation, collection),
    }


def _where_fields(citation: Citation, collection: str) -> dict[str, Any]:
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
        "links": LinksBody(
            view=view_path(collection, citation.document_id, citation.start, citation.end),
            source=source_link(citation),
        ),
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


def search_body(
    query: str, found: Iterable[tuple[Hit, Citation]], collection: str = DEFAULT_COLLECTION
) -> SearchBody:
    """The wire form of what a search in a collection found."""
    hits = [
        SearchHitBody(**_hit_fields(hit), **_where_fields(citation, collection))
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
    return OutcomesBody(counts=_counts_body(outcomes), outcomes=_outcome_bodies(outcomes))


def _counts_body(outcomes: Iterable[Outcome]) -> CountsBody:
    counts = Counter(outcome.status for outcome in outcomes)
    return CountsBody(**{status.value: counts[status] for status in Status})


def _outcome_bodies(outcomes: Iterable[Outcome]) -> list[OutcomeBody]:
    return [
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
    ]


def job_body(job: "Job") -> JobBody:
    """The wire form of an upload that was accepted."""
    return JobBody(
        id=job.id,
        collection=job.collection,
        state=job.state,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        files=[
            JobFileBody(
                name=file.upload.name,
                uri=file.upload.uri,
                bytes=file.upload.spooled.bytes,
                state=file.state,
                outcomes=_outcome_bodies(file.outcomes),
            )
            for file in job.files
        ],
        counts=_counts_body(one for file in job.files for one in file.outcomes),
    )


def job_counts_body(counts: "Mapping[JobState, int]") -> JobCountsBody:
    """The wire form of how many uploads are in each state."""
    return JobCountsBody(**{state.value: count for state, count in counts.items()})


def collection_body(collection: "Held", *, removable: bool) -> CollectionBody:
    """The wire form of what a collection holds."""
    engine = collection.engine
    documents, passages = engine.store.counts()
    return CollectionBody(
        name=collection.name,
        documents=documents,
        passages=passages,
        generation=engine.store.generation,
        bytes=size_of(collection.folder),
        questions=engine.questions,
        removable=removable,
    )


def status_body(folder: Path, store: PassageStore) -> StatusBody:
    """The wire form of the state of the index in `folder`."""
    settings = store.settings
    documents, passages = store.counts()
    return StatusBody(
        index=str(folder.absolute()),
        documents=documents,
        passages=passages,
        failed=sum(not problem.unsupported for problem in store.problems()),
        generation=store.generation,
        embedder=EmbedderBody(
            name=settings.embedder.name,
            revision=settings.embedder.revision,
            dim=settings.embedder.dim,
            checksum=settings.embedder.checksum,
        ),
        splitter=_splitter_body(settings.splitter),
        building=_building_body(store),
        bytes=size_of(folder),
        calibration=_calibration_body(store),
    )


def _calibration_body(store: PassageStore) -> CalibrationBody | None:
    try:
        found = remembered(store)
    except ValueError:  # which the doctor tells about
        return None
    if found is None:
        return None
    return CalibrationBody(
        reader=found.reader,
        reader_checksum=found.reader_checksum,
        questions=found.questions,
        fitted_at=found.fitted_at,
        abstain_below=found.calibration.abstain_below,
    )


def size_of(folder: Path) -> int:
    """The bytes of an index and its originals; files that go meanwhile are passed over."""
    size = 0
    for path in (*folder.iterdir(), *(folder / "originals").rglob("*")):
        with suppress(OSError):
            found = path.lstat()
            size += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return size


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
            for problem in store.problems()
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


def key_body(key: "Key") -> KeyBody:
    """The wire form of what is kept of a key."""
    valid = key.is_valid(datetime.now(UTC))
    return KeyBody(
        id=key.id,
        name=key.name,
        scope=key.scope.value,
        collections=None if key.collections is None else sorted(key.collections),
        per_minute=key.per_minute,
        state="valid" if valid else "expired" if key.revoked_at is None else "revoked",
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
    )
