"""Measuring in turns, so that a machine whose speed drifts is as hard on one as on the other.

Both tools that were looked at, pytest-benchmark and pyperf, measure one thing to its end before the
next, and compare what was minutes apart: a ratio of theirs holds the machine's drift as well.
"""

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def take_turns(
    rounds: int, contestants: Mapping[str, Callable[[int], float]]
) -> dict[str, list[float]]:
    """What each contestant gives in each round, A B C A B C; every second round goes backwards.

    A contestant is given the round's number, from 0 up.
    """
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        names = list(contestants)
        for name in names if number % 2 == 0 else reversed(names):
            found[name].append(contestants[name](number))
    return found


def wall(act: Callable[[], object]) -> float:
    """The seconds that passed while `act` ran."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def processor(act: Callable[[], object]) -> float:
    """The seconds of processor time of the child processes that ended while `act` ran."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    act()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def each(rows: Sequence[Mapping[str, Any]], part: str) -> list[Any]:
    """One part of what was said each time."""
    return [row[part] for row in rows]


def milliseconds(seconds: Sequence[float]) -> list[float]:
    """Seconds as milliseconds."""
    return [1000 * one for one in seconds]
