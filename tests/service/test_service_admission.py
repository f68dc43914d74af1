"""Who is let in, who waits, who is turned away."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Overloaded
from service.host.admission import Admission, ClientGone

Who = str | None


class Crowd:
    """Requests to one admission, each in a task of its own, that hold their slots until told."""

    def __init__(self, running: int, waiting: int, seconds: float = 30) -> None:
        self.admission = Admission(running, waiting, seconds)
        self.inside: list[object] = []
        self.began: list[object] = []
        self._may_go: dict[object, asyncio.Event] = {}

    async def comes(
        self,
        name: object,
        who: Who = None,
        work: int = 1,
        gone: Callable[[], Awaitable[object]] | None = None,
    ) -> "asyncio.Task[None]":
        self._may_go[name] = asyncio.Event()
        task = asyncio.create_task(self._request(name, who, work, gone))
        await settle()
        return task

    async def _request(
        self,
        name: object,
        who: Who,
        work: int,
        gone: Callable[[], Awaitable[object]] | None,
    ) -> None:
        async with self.admission.slot(who, work, gone):
            self.began.append(name)
            self.inside.append(name)
            await self._may_go[name].wait()
            self.inside.remove(name)

    async def goes(self, name: object) -> None:
        self._may_go[name].set()
        await settle()

    async def all_go(self) -> None:
        while self.inside:
            await self.goes(self.inside[0])
        assert (self.admission.running, self.admission.waiting) == (0, 0)


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_so_many_work_and_the_others_wait_in_line() -> None:
    async def run() -> None:
        crowd = Crowd(2, 10)
        for name in range(5):
            await crowd.comes(name)
        assert crowd.inside == [0, 1]
        assert (crowd.admission.running, crowd.admission.waiting) == (2, 3)
        await crowd.goes(1)
        assert crowd.inside == [0, 2]
        await crowd.all_go()
        assert crowd.began == [0, 1, 2, 3, 4]

    asyncio.run(run())


def test_beyond_the_limit_one_is_refused_at_once_with_a_time_to_come_back() -> None:
    async def run() -> None:
        crowd = Crowd(1, 2)
        for name in range(3):
            await crowd.comes(name)
        refused = await crowd.comes("late")
        told = r"as many questions wait as may\); try again in 2 s$"
        with pytest.raises(Overloaded, match=told) as error:
            refused.result()
        # Three questions are before it, of half a second each as far as is known.
        assert error.value.retry_after == pytest.approx(1.5)
        assert crowd.admission.refused == 1
        await crowd.all_go()

    asyncio.run(run())


def test_the_time_to_come_back_follows_how_long_questions_take() -> None:
    async def run(seconds: float) -> float:
        now = 0.0
        admission = Admission(1, 1, 30, lambda: now)
        for _ in range(50):
            async with admission.slot():
                now += seconds
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(admission.slot())
            waiting = asyncio.create_task(admission.slot().__aenter__())
            await settle()
            with pytest.raises(Overloaded) as error:
                await admission.slot().__aenter__()
            waiting.cancel()
            await settle()
        return error.value.retry_after

    assert asyncio.run(run(4.0)) == pytest.approx(8.0, rel=0.1)
    assert asyncio.run(run(0.01)) == 1.0
    assert asyncio.run(run(900.0)) == 60.0


def test_a_turn_that_does_not_come_in_time_is_given_up() -> None:
    async def run() -> None:
        crowd = Crowd(1, 5, seconds=0.01)
        await crowd.comes("first")
        late = await crowd.comes("late")
        with pytest.raises(Overloaded, match=r"0\.01 s were not enough"):
            await late
        assert crowd.admission.waiting == 0
        await crowd.all_go()

    asyncio.run(run())


def test_with_no_room_to_wait_there_is_work_or_refusal() -> None:
    async def run() -> None:
        crowd = Crowd(1, 0)
        await crowd.comes("first")
        refused = await crowd.comes("second")
        with pytest.raises(Overloaded):
            refused.result()
        await crowd.all_go()
        await crowd.comes("third")
        assert crowd.inside == ["third"]
        await crowd.all_go()

    asyncio.run(run())


@pytest.mark.parametrize("way", ["cancelled", "gone"])
def test_who_goes_away_while_waiting_costs_nothing(way: str) -> None:
    async def run() -> None:
        crowd = Crowd(1, 2)
        left = asyncio.Event()
        await crowd.comes("first")
        await crowd.comes("second")
        leaver = await crowd.comes("leaver", gone=left.wait)
        if way == "gone":
            left.set()
            await settle()
            with pytest.raises(ClientGone):
                leaver.result()
        else:
            leaver.cancel()
            await settle()
            assert leaver.cancelled()
        assert crowd.admission.waiting == 1
        await crowd.comes("third")
        await crowd.all_go()
        assert crowd.began == ["first", "second", "third"]

    asyncio.run(run())


def test_who_is_cancelled_in_the_moment_of_the_turn_gives_the_slot_back() -> None:
    async def run() -> None:
        crowd = Crowd(1, 2)
        await crowd.comes("first")
        unlucky = await crowd.comes("unlucky")
        await crowd.comes("next")
        crowd._may_go["first"].set()
        while crowd.admission.waiting != 1:
            await asyncio.sleep(0)
        unlucky.cancel()
        await settle()
        assert crowd.inside == ["next"]
        await crowd.all_go()

    asyncio.run(run())


def test_one_key_cannot_fill_the_queue() -> None:
    async def run() -> None:
        crowd = Crowd(1, 4)
        await crowd.comes("running", "greedy")
        greedy = [await crowd.comes(("greedy", number), "greedy") for number in range(4)]
        modest = [await crowd.comes(("modest", number), "modest") for number in range(3)]
        # It was alone, so it had all places; then two of its four go to the other, not a third.
        assert [task.done() for task in greedy] == [False, False, True, True]
        assert [task.done() for task in modest] == [False, False, True]
        for task in (greedy[2], greedy[3], modest[2]):
            assert isinstance(task.exception(), Overloaded)
        await crowd.all_go()
        # The one that had its turn already waits for the other's.
        assert crowd.began[1:] == [("modest", 0), ("greedy", 0), ("modest", 1), ("greedy", 1)]

    asyncio.run(run())


def test_a_place_is_taken_from_one_who_goes_away_in_that_moment() -> None:
    async def run() -> None:
        crowd = Crowd(1, 2)
        await crowd.comes("running", "greedy")
        _, leaving = [await crowd.comes(number, "greedy") for number in range(2)]
        coming = asyncio.ensure_future(crowd.comes("modest", "modest"))
        await asyncio.sleep(0)
        leaving.cancel()
        modest = await coming
        assert not modest.done()
        await crowd.all_go()
        assert "modest" in crowd.began

    asyncio.run(run())


def test_no_place_is_taken_where_that_would_not_make_room() -> None:
    async def run() -> None:
        crowd = Crowd(1, 4)
        await crowd.comes("running", "a")
        waiting = [await crowd.comes(("a", number), "a") for number in range(4)]
        refused = await crowd.comes("batch", "b", work=3)
        assert isinstance(refused.exception(), Overloaded)
        assert not any(task.done() for task in waiting)
        await crowd.all_go()

    asyncio.run(run())


def test_a_batch_counts_for_its_questions() -> None:
    async def run() -> None:
        crowd = Crowd(1, 4)
        await crowd.comes("running")
        await crowd.comes("batch", work=64)  # alone, it may wait
        assert crowd.admission.waiting == 64
        assert isinstance((await crowd.comes("other")).exception(), Overloaded)
        await crowd.all_go()

    asyncio.run(run())


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6)), min_size=1, max_size=40),
    st.integers(1, 3),
)
def test_keys_that_wait_are_served_evenly(come: list[tuple[str, int]], running: int) -> None:
    async def run() -> None:
        crowd = Crowd(running, 10_000)
        for number in range(running):
            await crowd.comes(("first", number), "z")
        work = {(who, number): size for number, (who, size) in enumerate(come)}
        for name, size in work.items():
            await crowd.comes(name, name[0], size)
        await crowd.all_go()
        began = [name for name in crowd.began if name in work]
        assert sorted(began) == sorted(work)
        for who in "abc":
            own = [number for whose, number in began if whose == who]
            assert own == sorted(own), "of one key, the first come is first"
        left = Counter(name[0] for name in began)
        served: Counter[str] = Counter()
        for who, number in began:
            served[who] += work[who, number]
            left[who] -= 1
            # Among keys that still wait, none is ahead by more than its largest requests.
            waiting = [served[name] for name in left if left[name]]
            if waiting:
                assert max(waiting) - min(waiting) <= 12

    asyncio.run(run())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["comes", "goes", "cancelled"]),
            st.sampled_from(["a", "b", None]),
            st.integers(1, 4),
        ),
        max_size=60,
    ),
    st.integers(1, 3),
    st.integers(0, 6),
)
def test_whatever_happens_the_bounds_hold_and_nothing_is_lost(
    events: list[tuple[str, Who, int]], running: int, waiting: int
) -> None:
    async def run() -> None:
        crowd = Crowd(running, waiting)
        tasks: dict[int, asyncio.Task[None]] = {}
        for number, (event, who, size) in enumerate(events):
            if event == "comes":
                tasks[number] = await crowd.comes(number, who, size)
            elif event == "goes" and crowd.inside:
                await crowd.goes(crowd.inside[size % len(crowd.inside)])
            elif event == "cancelled" and tasks:
                task = tasks[sorted(tasks)[size % len(tasks)]]
                name = next(key for key, value in tasks.items() if value is task)
                if name in crowd.inside:
                    crowd.inside.remove(name)
                task.cancel()
                await settle()
            admission = crowd.admission
            assert admission.running == len(crowd.inside) <= running
            # One batch that is larger than the queue may wait alone.
            assert admission.waiting <= max(waiting, 4 if waiting else 0)
            # A slot is free only when nobody waits.
            assert admission.running == running or admission.waiting == 0
        await crowd.all_go()
        for task in tasks.values():
            assert task.done()
            if not task.cancelled() and task.exception() is not None:
                assert isinstance(task.exception(), Overloaded)

    asyncio.run(run())
