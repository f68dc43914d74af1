"""Bounded work: how many requests run at once, how many questions wait, and who is next.

What cannot be done soon is refused at once, with a word on when to come back, instead of being
kept while it grows stale. For the event loop alone: nothing here is locked.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

from service.errors import Overloaded

# What one question is taken to need, in seconds, before any was answered.
_FIRST_GUESS = 0.5

# How much the last question counts for in what the next one is expected to need.
_WEIGHT = 0.1

# Whoever is refused is asked to come back within so many seconds.
_LATEST = 60.0


class ClientGone(Exception):
    """Whoever asked has gone away, and waits for no answer."""


def _new_turn() -> "asyncio.Future[None]":
    return asyncio.get_running_loop().create_future()


async def _watch(gone: Callable[[], Awaitable[object]], turn: "asyncio.Future[None]") -> None:
    await gone()
    if not turn.done():
        turn.set_exception(ClientGone())


@dataclass(eq=False, slots=True)
class _Waiter:
    """A request that waits until its turn is set; it fails where its place is taken away."""

    who: str | None
    work: int
    turn: "asyncio.Future[None]" = field(default_factory=_new_turn)

    @property
    def called(self) -> bool:
        """Whether its turn has come, and it holds a slot."""
        return self.turn.done() and not self.turn.cancelled() and self.turn.exception() is None


class Admission:
    """Lets `running` requests work at once and `waiting` questions more wait, for `seconds` each.

    Slots go by turns to the keys that wait, each by the number of its questions (start-time fair
    queueing), and within a key to the first come. Where there is no room to wait, the key with the
    most questions waiting loses its last place to one that would have fewer. See Goyal, Vin and
    Cheng, "Start-time Fair Queueing" (1996).
    """

    def __init__(
        self, running: int, waiting: int, seconds: float, clock: Callable[[], float] = monotonic
    ) -> None:
        self._slots = running
        self._places = waiting
        self._seconds = seconds
        self._clock = clock
        self._running = 0
        self._working = 0
        self._refused = 0
        self._each = _FIRST_GUESS
        # Who waits: a queue a key, none of them empty, and how many questions are in it.
        self._queues: dict[str | None, deque[_Waiter]] = {}
        self._questions: dict[str | None, int] = {}
        # By how many questions a key is ahead of the others, on a clock that counts questions.
        self._now = 0
        self._due: dict[str | None, int] = {}

    @property
    def running(self) -> int:
        """How many requests are worked on."""
        return self._running

    @property
    def waiting(self) -> int:
        """How many questions wait."""
        return sum(self._questions.values())

    @property
    def refused(self) -> int:
        """How many requests were refused since the start."""
        return self._refused

    @asynccontextmanager
    async def slot(
        self,
        who: str | None = None,
        work: int = 1,
        gone: Callable[[], Awaitable[object]] | None = None,
    ) -> AsyncIterator[None]:
        """Run a block that answers `work` questions when it is its turn; `who` names the key.

        The place is given up if the task is cancelled while it waits, or when what `gone` gives is
        done: it is called if there is a wait, and ends when the client has gone away.

        Raises:
            Overloaded: there is no room to wait, or the turn did not come in time.
            ClientGone: the client did not wait for it.
        """
        await self._enter(who, work, gone)
        began = self._clock()
        self._working += work
        try:
            yield
        finally:
            self._working -= work
            self._each += _WEIGHT * ((self._clock() - began) / work - self._each)
            self._leave()

    async def _enter(
        self, who: str | None, work: int, gone: Callable[[], Awaitable[object]] | None
    ) -> None:
        if self._running < self._slots and not self._queues:
            self._call(who, work)
            return
        self._make_room(who, work)
        waiter = _Waiter(who, work)
        self._queues.setdefault(who, deque()).append(waiter)
        self._questions[who] = self._questions.get(who, 0) + work
        watch = None if gone is None else asyncio.ensure_future(_watch(gone, waiter.turn))
        try:
            async with asyncio.timeout(self._seconds):
                await waiter.turn
        except TimeoutError:
            # Unless the turn came in the same moment.
            if not waiter.called:
                raise self._overloaded(f"{self._seconds:g} s were not enough to wait") from None
        except BaseException:
            if waiter.called:
                self._leave()
            raise
        finally:
            if watch is not None:
                watch.cancel()
            self._withdraw(waiter)

    def _make_room(self, who: str | None, work: int) -> None:
        """Take places away from those who have more than `who` will have.

        A request of more questions than may wait can wait alone.
        """
        if not self._places:
            raise self._overloaded("all that can be done at once is being done")
        will_have = self._questions.get(who, 0) + work
        left = dict(self._questions)
        last = {name: reversed(queue) for name, queue in self._queues.items()}
        losers: list[_Waiter] = []
        while left and sum(left.values()) + work > self._places:
            most = max(left, key=left.__getitem__)
            if most == who or left[most] <= will_have:
                raise self._overloaded("as many questions wait as may")
            losers.append(next(last[most]))
            left[most] -= losers[-1].work
        for loser in losers:
            self._withdraw(loser)
            # One whose client has gone has only not come to withdraw itself yet.
            if not loser.turn.done():
                loser.turn.set_exception(self._overloaded("others have fewer questions waiting"))

    def _withdraw(self, waiter: _Waiter) -> None:
        """Take a request out of its queue, if it is in there still."""
        queue = self._queues.get(waiter.who)
        if queue is not None and waiter in queue:
            queue.remove(waiter)
            self._count_out(waiter)

    def _count_out(self, waiter: _Waiter) -> None:
        self._questions[waiter.who] -= waiter.work
        if not self._queues[waiter.who]:
            del self._queues[waiter.who], self._questions[waiter.who]

    def _call(self, who: str | None, work: int) -> None:
        """Give a slot to a request of `who`."""
        self._running += 1
        self._now = max(self._now, self._due.get(who, 0))
        self._due[who] = self._now + work
        self._due = {name: due for name, due in self._due.items() if due > self._now}

    def _leave(self) -> None:
        """Free a slot, and give it to whose turn it is."""
        self._running -= 1
        while self._running < self._slots and self._queues:
            who = min(self._queues, key=lambda name: self._due.get(name, self._now))
            waiter = self._queues[who].popleft()
            self._count_out(waiter)
            # One that was cancelled has only not come to withdraw itself yet.
            if not waiter.turn.done():
                self._call(who, waiter.work)
                waiter.turn.set_result(None)

    def _overloaded(self, why: str) -> Overloaded:
        self._refused += 1
        ahead = self.waiting + self._working
        wait = min(_LATEST, max(1.0, ahead * self._each / self._slots))
        return Overloaded(
            f"there is more to do than can be done just now ({why}); try again in "
            f"{math.ceil(wait)} s",
            wait,
        )
