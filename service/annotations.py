"""Replies as W3C Web Annotations; pure."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from urllib.parse import quote

from index.documents import Box, Hit, rectangle
from qa.answers import Citation, Reply
from service.links import PDF
from service.schemas.annotations import (
    OWN_TERMS,
    PROFILE,
    AnnotationBody,
    AnnotationPageBody,
    AnnotationsBody,
    FragmentSelectorBody,
    PositionSelectorBody,
    QuestionBody,
    QuoteSelectorBody,
    SourceBody,
    TargetBody,
)

# What no IRI may hold (RFC 3987), and white space of every kind.
_NOT_IN_IRIS = re.compile(r"[\s\x00-\x20\x7f-\x9f<>\"{}|\\^`]")


def annotations_body(reply: Reply, hits: Iterable[tuple[Hit, Citation]] = ()) -> AnnotationsBody:
    """A reply as a collection of annotations: one for each answer, and one for each of `hits`."""
    items = [
        _annotation(
            reply.question,
            [answer.citation, *answer.also_at],
            confidence=answer.confidence,
        )
        for answer in reply.answers
    ]
    items += [
        _annotation(reply.question, [place], score=min(1.0, max(0.0, hit.score)))
        for hit, place in hits
    ]
    name = _name("reply", [reply.question, *(item.id for item in items)])
    page = AnnotationPageBody(id=f"{name}:1", part_of=name, items=items)
    return AnnotationsBody(
        context=[PROFILE, OWN_TERMS],
        id=name,
        label=reply.question,
        total=len(items),
        reason=reply.reason,
        skipped=reply.skipped,
        first=page,
    )


def _annotation(
    question: str,
    places: Sequence[Citation],
    *,
    confidence: float | None = None,
    score: float | None = None,
) -> AnnotationBody:
    kind = "passage" if confidence is None else "answer"
    first = places[0]
    named = [kind, question, first.document_id, first.start, first.end]
    return AnnotationBody(
        id=_name("annotation", named),
        confidence=confidence,
        score=score,
        body=[QuestionBody(value=question)],
        target=[_target(place) for place in places],
    )


def _target(place: Citation) -> TargetBody:
    return TargetBody(
        source=SourceBody(id=_iri(place.uri), format=place.media_type),
        selector=[
            PositionSelectorBody(start=place.start, end=place.end),
            QuoteSelectorBody(
                exact=place.text,
                prefix=place.prefix,
                suffix=place.suffix,
            ),
            *(FragmentSelectorBody(value=fragment) for fragment in _fragments(place)),
        ],
    )


def _fragments(place: Citation) -> list[str]:
    """The parts of a PDF's pages on which a quote is printed, as RFC 3778 has them."""
    if place.media_type != PDF:
        return []
    if not place.boxes:
        return [] if place.page is None else [f"page={place.page}"]
    return [
        f"page={page}&viewrect={_rectangle(list(boxes))}"
        for page, boxes in groupby(place.boxes, key=lambda box: box.page)
    ]


def _rectangle(boxes: Sequence[Box]) -> str:
    """The rectangle around boxes: left, top, width and height, in points from the top left."""
    left, top, right, bottom = rectangle(boxes)
    sides = (left, top, right - left, bottom - top)
    return ",".join(f"{side:.2f}".rstrip("0").rstrip(".") for side in sides)


def _name(kind: str, parts: Sequence[object]) -> str:
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return f"urn:pincite:{kind}:{digest[:32]}"


def _iri(uri: str) -> str:
    return _NOT_IN_IRIS.sub(lambda found: quote(found[0], safe=""), uri)
