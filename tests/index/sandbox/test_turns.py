"""What somebody waits for has its turn before the rest, and nothing is lost or given twice."""

import threading
from collections import Counter, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.sandbox.turns import Turns


@given(st.lists(st.sampled_from(["put", "put urgent", "get", "get urgent"]), max_size=40))
def test_turns_come_in_order(steps: list[str]) -> None:
    turns: Turns[int] = Turns()
    urgent, others = deque[int](), deque[int]()
    for number, step in enumerate(steps):
        if step.startswith("put"):
            turns.put(number, urgent=step.endswith("urgent"))
            (urgent if step.endswith("urgent") else others).append(number)
            continue
        queues = [urgent] if step.endswith("urgent") else [urgent, others]
        expected = next((queue.popleft() for queue in queues if queue), None)
        if expected is None:
            with pytest.raises(TimeoutError):
                turns.get(0, urgent=step.endswith("urgent"))
        else:
            assert turns.get(0, urgent=step.endswith("urgent")) == expected
    assert turns.close() == [*urgent, *others]


def test_after_closing_there_is_none() -> None:
    turns: Turns[int] = Turns()
    turns.put(1, urgent=False)
    assert turns.close() == [1]
    assert turns.get(urgent=False) is None
    assert turns.get(urgent=True) is None
    assert turns.close() == []


def test_threads_take_each_task_once() -> None:
    turns: Turns[int] = Turns()
    taken: list[int] = []
    lock = threading.Lock()

    def take(urgent: bool) -> None:
        while (task := turns.get(urgent=urgent)) is not None:
            with lock:
                taken.append(task)
                if len(taken) == 300:
                    turns.close()

    takers = [threading.Thread(target=take, args=(place == 0,)) for place in range(4)]
    for taker in takers:
        taker.start()
    for number in range(300):
        turns.put(number, urgent=number % 3 == 0)
    for taker in takers:
        taker.join(timeout=30)
        assert not taker.is_alive()
    assert Counter(taken) == Counter(range(300))
