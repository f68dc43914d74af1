"""Questions over HTTP: one or many, answered at once or as the passages are read."""

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from index.errors import InvalidQuestion, PinciteError, UnknownDocument
from index.filters import parse
from index.retriever import checked
from qa.answers import ANSWERS, PASSAGES, Options, Reply
from service.annotations import annotations_body
from service.bodies import partial_reply_body, reply_body, search_body
from service.engine import Engine
from service.host.admission import ClientGone
from service.http.access import Access, ReadAccess
from service.http.events import event, event_stream
from service.http.negotiation import EVENTS, JSON, preferred
from service.http.openapi import events, problems
from service.http.problems import of_error, request_id, unexpected
from service.http.turns import answer, turn
from service.schemas import (
    ANNOTATIONS,
    ENOUGH,
    EXAMPLE_WHERE,
    INCLUDE,
    INCLUDED,
    LEAST,
    MOST_ANSWERS,
    MOST_CONDITIONS,
    MOST_INCLUDED,
    MOST_PASSAGES,
    PROFILE,
    READ,
    WHERE,
    AskOptions,
    AskRequest,
    BatchBody,
    BatchRequest,
    Include,
    ReplyBody,
    SearchBody,
    SearchRequest,
)

Where = Annotated[
    Sequence[str], Query(description=WHERE, max_length=MOST_CONDITIONS, examples=[EXAMPLE_WHERE])
]
Question = Annotated[str, Query(description="The question.", examples=["How long is the lease?"])]
TopK = Annotated[int, Query(description="The most answers to give.", ge=1, le=MOST_ANSWERS)]
Passages = Annotated[int, Query(description=READ, ge=1, le=MOST_PASSAGES)]
Least = Annotated[float | None, Query(description=LEAST, ge=0, le=1)]
Enough = Annotated[float | None, Query(description=ENOUGH, ge=0, le=1)]
Included = Annotated[
    list[Include] | None,
    Query(description=INCLUDE, max_length=MOST_INCLUDED, examples=[["timings"]]),
]

_EVENTS = events(partial="PartialReplyBody", reply="ReplyBody", problem="ProblemBody")
_EVENT_STREAM: dict[str, Any] = {
    "description": "Server-sent events: `partial` with a PartialReplyBody whenever more passages "
    "have been read, at the end `reply` with the ReplyBody, or `problem` with a ProblemBody. A "
    "reply that was kept comes at once.",
    "content": {EVENTS: {}},
}
_FORMS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The reply, in the form that Accept prefers. As server-sent events: see "
        "/v1/ask/stream.",
        "content": {
            ANNOTATIONS: {"schema": {"$ref": "#/components/schemas/AnnotationsBody"}},
            EVENTS: {},
        },
    }
}
_ANNOTATIONS_TYPE = f'{ANNOTATIONS}; profile="{PROFILE}"'
_CHOSEN = {"Vary": "Accept"}

router = APIRouter(tags=["questions"])


async def _turns() -> AsyncIterator[AsyncExitStack]:
    """What is entered into this is left once the response has been sent, or nobody wants it."""
    async with AsyncExitStack() as stack:
        yield stack


_Turns = Annotated[AsyncExitStack, Depends(_turns)]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question to a collection, and what its reply is to hold."""

    access: Access
    question: str
    options: Options
    include: list[Include] | None

    def replies(self, step: int | None = None) -> Iterator[Reply]:
        """The replies as passages are read, `step` at a time."""
        return self.access.collection.engine.asking(self.question, self.options, step)

    def body(self, reply: Reply) -> ReplyBody:
        """A reply on the wire."""
        include = INCLUDED if self.include is None else self.include
        collection = self.access.collection.name
        if reply.unread:
            return partial_reply_body(reply, collection, include)
        return reply_body(reply, collection, include)


async def _by_address(
    q: Question,
    access: ReadAccess,
    top_k: TopK = ANSWERS,
    passages: Passages = PASSAGES,
    min_confidence: Least = None,
    enough: Enough = None,
    where: Where = (),
    include: Included = None,
) -> _Asked:
    """The question that an address has, with how to answer it."""
    options = Options(top_k, passages, min_confidence, enough, where=parse(where))
    return _Asked(access, q, options, include)


_ByAddress = Annotated[_Asked, Depends(_by_address)]


@router.post(
    "/v1/ask",
    summary="Ask a question",
    response_model=ReplyBody,
    responses=problems(404, 406, 413, 422, 503) | _FORMS,
)
async def ask(request: Request, sent: AskRequest, access: ReadAccess, turns: _Turns) -> Response:
    """Answer a question with quotes from the documents, each with its place.

    By the Accept header, as JSON, as W3C Web Annotations (application/ld+json), or as server-sent
    events while the passages are read (text/event-stream).
    """
    options = await run_in_threadpool(_options, access.collection.engine, sent)
    return await _answered(request, _Asked(access, sent.question, options, sent.include), turns)


@router.get(
    "/v1/ask",
    summary="Ask a question by address",
    response_model=ReplyBody,
    responses=problems(404, 406, 422, 503) | _FORMS,
)
async def ask_by_address(request: Request, asked: _ByAddress, turns: _Turns) -> Response:
    """The same as the other way to ask, for a quick try."""
    return await _answered(request, asked, turns)


@router.get(
    "/v1/ask/stream",
    summary="Hear the answers as they are found",
    response_class=StreamingResponse,
    responses=problems(404, 422, 503) | {200: _EVENT_STREAM},
)
async def ask_and_listen(request: Request, asked: _ByAddress, turns: _Turns) -> Response:
    """Answer a question while the passages are read, a few at a time.

    What is wrong with the question itself is a problem as everywhere, without a stream. Close the
    stream after `reply` or `problem`: a browser would ask again. One that is closed before stops
    the reading.
    """
    return await _streamed(request, asked, turns)


@router.post(
    "/v1/ask/batch",
    summary="Ask many questions",
    response_model=BatchBody,
    responses=problems(404, 413, 422, 503),
)
async def ask_batch(request: Request, sent: BatchRequest, access: ReadAccess) -> Response:
    """Answer many questions in the same way: a reply for each, in order, or none at all."""
    most = access.server.settings.max_batch
    if len(sent.questions) > most:
        raise InvalidQuestion(
            f"{len(sent.questions)} questions are more than the {most} that this server takes at "
            "once; send them in several requests"
        )
    questions = [checked(question) for question in sent.questions]
    options = await run_in_threadpool(_options, access.collection.engine, sent)
    bodies = []
    async with turn(request, access, len(questions)):
        for question in questions:
            asked = _Asked(access, question, options, sent.include)
            bodies.append(asked.body(await _read(request, asked)))
    return _json(BatchBody(replies=bodies))


@router.post("/v1/search", summary="Find passages", responses=problems(404, 413, 422, 503))
async def search(request: Request, sent: SearchRequest, access: ReadAccess) -> SearchBody:
    """The passages that a question would be answered from, with their scores."""

    def found() -> SearchBody:
        engine = access.collection.engine
        hits = engine.search(sent.query, sent.top_k, parse(sent.where), sent.diversity)
        return search_body(sent.query, engine.locate(hits), access.collection.name)

    return await answer(request, access, found)


def _options(engine: Engine, sent: AskOptions) -> Options:
    """How to answer, as a request has it.

    Raises:
        UnknownDocument: it names a document that is not there.
        InvalidFilter: a condition is none.
    """
    where = parse(sent.where)
    if sent.documents is not None:
        known = engine.store.known_ids(sent.documents)
        for document_id in sent.documents:
            if document_id not in known:
                raise UnknownDocument(
                    f"{document_id}: no document in the index has this id; see: GET /v1/documents"
                )
    return Options(
        sent.top_k, sent.passages, sent.min_confidence, sent.enough, sent.documents, where
    )


async def _answered(request: Request, asked: _Asked, turns: AsyncExitStack) -> Response:
    """The reply to a question in the form that the client prefers."""
    form = preferred(request, (JSON, ANNOTATIONS, EVENTS))
    if form == EVENTS:
        return await _streamed(request, asked, turns)
    async with turn(request, asked.access):
        reply = await _read(request, asked)
    if form == JSON:
        return _json(asked.body(reply), headers=_CHOSEN)
    hits = reply.hits if "hits" in (asked.include or ()) else ()
    located = await run_in_threadpool(asked.access.collection.engine.locate, hits)
    return _json(annotations_body(reply, located), _ANNOTATIONS_TYPE, _CHOSEN)


async def _read(request: Request, asked: _Asked) -> Reply:
    """The last of the replies.

    Raises:
        ClientGone: the client has gone away; then no more is read.
    """
    # A few at a time would be slower; as many as are usual are read before another look.
    replies = asked.replies(PASSAGES)
    reply = await run_in_threadpool(next, replies)
    while True:
        if await request.is_disconnected():
            raise ClientGone
        following = await run_in_threadpool(_following, replies)
        if following is None:
            return reply
        reply = following


def _following(replies: Iterator[Reply]) -> Reply | None:
    return next(replies, None)


async def _streamed(request: Request, asked: _Asked, turns: AsyncExitStack) -> Response:
    await turns.enter_async_context(turn(request, asked.access))
    replies = asked.replies()
    # Before anything is sent, so that a question that cannot be taken has its own status.
    first = await run_in_threadpool(next, replies)
    return event_stream(_events(request, asked, first, replies), _CHOSEN)


async def _events(
    request: Request, asked: _Asked, first: Reply, others: Iterator[Reply]
) -> AsyncIterator[str]:
    reply: Reply | None = first
    while reply is not None:
        yield event("partial" if reply.unread else "reply", asked.body(reply).model_dump_json())
        if await request.is_disconnected():
            return
        try:
            reply = await run_in_threadpool(_following, others)
        except PinciteError as error:
            yield event("problem", _text(of_error(request.scope, error)))
            return
        except Exception:
            log.exception("request %s: unexpected error", request_id(request.scope))
            yield event("problem", _text(unexpected(request.scope)))
            return


def _text(response: Response) -> str:
    return bytes(response.body).decode()


def _json(
    body: BaseModel, media_type: str = JSON, headers: dict[str, str] | None = None
) -> Response:
    # What is null in our own bodies is said; annotations leave it out.
    leave_out = media_type != JSON
    return Response(
        body.model_dump_json(exclude_none=leave_out), headers=headers, media_type=media_type
    )
