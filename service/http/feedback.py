"""Feedback over HTTP: whoever may ask gives it, administrators read it."""

import json
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from index.retriever import checked
from service.errors import Conflict
from service.host.feedback import Feedback, Judgement, Marked
from service.host.keys import Scope
from service.host.labelled import labelled
from service.http.access import Access, ReadAccess
from service.http.openapi import problems
from service.http.paging import Cursor, Limit, page, read_cursor
from service.observing.audit import audit
from service.schemas import FeedbackBody, FeedbackRequest, JudgementBody
from service.schemas.base import MOST_OFFSET

LINES = "application/x-ndjson"

router = APIRouter(prefix="/v1/feedback", tags=["feedback"])


@router.post(
    "",
    summary="Mark an answer",
    status_code=201,
    responses=problems(403, 404, 409, 413, 422),
)
def give_feedback(sent: FeedbackRequest, access: ReadAccess) -> JudgementBody:
    """Say that an answer is right or wrong, or that a reply without an answer is.

    What the same key said of the same answer to the same question before is replaced.
    """
    store = access.collection.engine.store
    judgement = access.server.feedback.give(
        access.collection.name,
        access.principal.key_id,
        checked(sent.question),
        sent.right,
        _marked(sent, access),
        confidence=sent.confidence,
        note=sent.note,
        generation=store.generation,
    )
    audit("feedback.give", access.principal, access.collection.name, number=judgement.number)
    return _body(judgement)


@router.get("", summary="List the feedback", responses=problems(403, 404, 422))
def list_feedback(access: ReadAccess, cursor: Cursor = None, limit: Limit = 20) -> FeedbackBody:
    """What was said of answers, newest first; for administrators.

    What was said of documents that are gone is let go of.
    """
    feedback = _to_read(access)
    query = ("feedback", access.collection.name)
    [before] = read_cursor(cursor, query, [int]) or [None]
    found = feedback.page(access.collection.name, before, limit + 1)
    shown, following = page(found, limit, query, lambda judgement: [judgement.number])
    return FeedbackBody(feedback=[_body(judgement) for judgement in shown], next_cursor=following)


@router.get(
    "/questions",
    summary="Get the feedback as labelled questions",
    response_class=Response,
    responses=problems(403, 404, 422)
    | {
        200: {
            "description": "A line of JSON for each question of which it is known what is right, "
            "as `pincite eval answers` reads it.",
            "content": {LINES: {"schema": {"type": "string"}}},
        }
    },
)
def labelled_questions(access: ReadAccess) -> Response:
    """The questions with their right answers, to measure and to train with. For administrators.

    Answers are where they stand now; those that do not stand any more are left out. Documents that
    are files are named by their paths.
    """
    judgements = _to_read(access).all(access.collection.name)
    questions = labelled(access.collection.engine.store, judgements)
    lines = (json.dumps(question, ensure_ascii=False) + "\n" for question in questions)
    return Response("".join(lines), media_type=LINES)


@router.delete(
    "/{number:int}",
    summary="Remove a piece of feedback",
    status_code=204,
    response_class=Response,
    responses=problems(403, 404, 422),
)
def remove_feedback(
    number: Annotated[int, Path(description="Its number.", ge=1, le=MOST_OFFSET)],
    access: ReadAccess,
) -> None:
    """Let go of what was said of an answer. For administrators."""
    _to_read(access).remove(access.collection.name, number)
    audit("feedback.remove", access.principal, access.collection.name, number=number)


def _marked(sent: FeedbackRequest, access: Access) -> Marked | None:
    """The answer that is meant, as it stands in its document.

    Raises:
        UnknownDocument: the document is not there.
        Conflict: another text stands there.
    """
    if sent.document_id is None or sent.start is None or sent.end is None:
        return None
    document = access.collection.engine.store.document(sent.document_id)
    text = document.text[sent.start : sent.end]
    if len(text) < sent.end - sent.start or (sent.text is not None and sent.text != text):
        raise Conflict(
            f"{sent.document_id}: has another text at {sent.start} to {sent.end} now; ask again"
        )
    return Marked(document.id, document.uri, sent.start, sent.end, text)


def _to_read(access: Access) -> Feedback:
    """The feedback, for an administrator, without what was said of documents that are gone.

    Raises:
        Forbidden: whoever asks is none.
    """
    access.principal.require(Scope.ADMIN)
    feedback = access.server.feedback
    meant = feedback.documents(access.collection.name)
    gone = meant - access.collection.engine.store.known_ids(meant)
    if gone:
        feedback.forget(access.collection.name, gone)
    return feedback


def _body(judgement: Judgement) -> JudgementBody:
    answer = judgement.answer
    return JudgementBody(
        number=judgement.number,
        key=judgement.key,
        question=judgement.question,
        right=judgement.right,
        document_id=None if answer is None else answer.document_id,
        uri=None if answer is None else answer.uri,
        start=None if answer is None else answer.start,
        end=None if answer is None else answer.end,
        text=None if answer is None else answer.text,
        confidence=judgement.confidence,
        note=judgement.note,
        generation=judgement.generation,
        created_at=judgement.created_at,
    )
