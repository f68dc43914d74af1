"""The page to ask on: a question, and its answers as they are found."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from index.errors import PinciteError
from index.filters import parse
from qa.answers import ANSWERS, Options, Reply
from service.http.access import Access, ReadAccess
from service.http.events import event, event_stream
from service.http.turns import answer, turn
from service.schemas import MOST_ANSWERS
from service.web import addresses
from service.web.addresses import Fields
from service.web.frame import frame_of
from service.web.holdings import holdings
from service.web.narrowing import Narrowing, narrowing
from service.web.notices import Notice, notice_of
from service.web.showing import ReplyView, reply_view, type_names
from service.web.templating import HEADERS, page, rendered

_NEAREST = 3
_MORE = 5

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as an address asks it."""

    question: str
    narrowing: Narrowing
    top_k: int

    def fields(self) -> Fields:
        """The fields of the address that asks it again."""
        more = [] if self.top_k == ANSWERS else [("top_k", str(self.top_k))]
        question = [("q", self.question)] if self.question else []
        return [*question, *self.narrowing.fields(), *more]

    def options(self) -> Options:
        """How to answer it.

        Raises:
            InvalidFilter: a condition is none.
        """
        return Options(answers=self.top_k, where=parse(self.narrowing.conditions()))


def asked(
    narrowed: Annotated[Narrowing, Depends(narrowing)],
    q: str = "",
    top_k: Annotated[int, Query(ge=1, le=MOST_ANSWERS)] = ANSWERS,
) -> Asked:
    """The question that an address asks; empty if it asks none."""
    return Asked(q.strip(), narrowed, top_k)


AskedHere = Annotated[Asked, Depends(asked)]


@router.get("/")
async def start(request: Request, access: ReadAccess, asking: AskedHere) -> Response:
    """The page to ask on, with the answers if something was asked."""
    reply, notice = None, None
    if asking.question:
        try:
            reply = await reply_to(request, access, asking)
        except PinciteError as error:
            notice = notice_of(error)
    return await run_in_threadpool(_page, access, asking, reply, notice)


async def reply_to(request: Request, access: Access, asking: Asked) -> Reply:
    """The reply to a question, when it is its turn.

    Raises:
        InvalidQuestion, InvalidFilter: it cannot be asked.
        Overloaded: there are too many others.
    """
    options = asking.options()
    return await answer(
        request, access, lambda: access.collection.engine.ask(asking.question, options)
    )


@router.get("/ask/stream")
async def stream(request: Request, access: ReadAccess, asking: AskedHere) -> Response:
    """The answers as they are found: an event for the reply so far, each time it has grown.

    `partial` comes while more is read, then `reply`, or `problem`. An event's data is JSON: `html`
    is the piece of the page to show, `status` what it says in short.
    """
    return event_stream(_events(request, access, asking), HEADERS)


async def _events(request: Request, access: Access, asking: Asked) -> AsyncIterator[str]:
    # Within, so that a stream that nobody reads has not taken a turn.
    try:
        replies = access.collection.engine.asking(asking.question, asking.options())
        async with turn(request, access):
            while (reply := await run_in_threadpool(next, replies, None)) is not None:
                yield await run_in_threadpool(_event, reply, access, asking)
                if await request.is_disconnected():
                    return
    except PinciteError as error:
        yield _sent("problem", rendered("_notice.html", notice=notice_of(error)), "")


def _event(reply: Reply, access: Access, asking: Asked) -> str:
    view = _view(reply, access, asking)
    piece = rendered("_reply.html", reply=view, **_values(access, asking))
    return _sent("reply" if view.done else "partial", piece, view.status)


def _sent(name: str, piece: str, status: str) -> str:
    return event(name, json.dumps({"html": piece, "status": status}))


def _view(reply: Reply, access: Access, asking: Asked) -> ReplyView:
    near = reply.hits[:_NEAREST] if reply.abstained and not reply.unread else ()
    located = access.collection.engine.locate(near)
    return reply_view(reply, access.collection.name, asking.fields(), located)


def _values(access: Access, asking: Asked) -> dict[str, object]:
    """What the pieces of the page need."""
    collection = access.collection.name
    more = replace(asking, top_k=min(MOST_ANSWERS, asking.top_k + _MORE))
    return {
        "asked": asking,
        "again": addresses.page("/", collection, asking.fields()),
        "verdicts": addresses.page("/feedback", collection),
        "more": addresses.page("/", collection, more.fields()) if more != asking else "",
    }


def _page(access: Access, asking: Asked, reply: Reply | None, notice: Notice | None) -> Response:
    held = holdings(access.collection.engine)
    all_over = replace(asking, narrowing=Narrowing())
    values = _values(access, asking) | {
        "cleared": addresses.page("/", access.collection.name, all_over.fields()),
        "documents": held.documents,
        "types": type_names(held.types),
        "reply": None if reply is None else _view(reply, access, asking),
    }
    return page("ask.html", frame_of(access), "/", values, notice=notice)
