"""Questions over HTTP take turns."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from service.http.access import Access

_Result = TypeVar("_Result")


def turn(request: Request, access: Access, work: int = 1) -> AbstractAsyncContextManager[None]:
    """A block that answers `work` questions of a request, when it is its turn.

    The request's body must have been read. See `Admission.slot` for what is raised.
    """
    gone = partial(_gone, request)
    return access.server.admission.slot(access.principal.key_id, work, gone)


async def answer(
    request: Request, access: Access, act: Callable[[], _Result], work: int = 1
) -> _Result:
    """What `act` gives, called in a thread when it is the request's turn; see `turn`."""
    async with turn(request, access, work):
        return await run_in_threadpool(act)


async def _gone(request: Request) -> None:
    """Return when the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
