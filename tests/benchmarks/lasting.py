"""Many questions: of several clients at once, without end, and while the index changes."""

import itertools
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks.contestant import Contestant
from tests.benchmarks.figures import Figure
from tests.benchmarks.ground import FP32, PASSAGES, PEER_MOST, Ground
from tests.benchmarks.turns import each, milliseconds, take_turns
from tests.load.process import ServerProcess

_CLIENTS = (1, 4, 16)

# What a server that has as much to do as it takes on may say.
_BUSY = (429, 503)


def clients(ground: Ground) -> Iterator[Figure]:
    """Questions a second of a real server on loopback, and of the baseline one by one."""
    size = max((size for size in ground.plan.sizes if size <= PEER_MOST), default=None)
    if size is None or ground.plan.fp32 is None:
        return
    seconds = ground.plan.times(20, 8)
    fresh = ground.fresh_questions()
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        baseline = stack.enter_context(ground.baseline(ground.exported(size)))
        server = ServerProcess(ground.index(size), Path(home, "log"), ground.with_reader())
        stack.callback(shutil.rmtree, ground.index(size) / "server", ignore_errors=True)
        server.start()
        stack.callback(server.stop)
        ask_for(server.address, 1, 2.0, fresh)

        def alone(_: int) -> float:
            began, count = time.perf_counter(), 0
            while time.perf_counter() < began + seconds:
                baseline.tell("ask", question=next(fresh), passages=PASSAGES)
                count += 1
            return count / (time.perf_counter() - began)

        turns: dict[str, Callable[[int], float]] = {FP32: alone}
        for clients in _CLIENTS:
            turns[str(clients)] = lambda _, clients=clients: ask_for(
                server.address, clients, seconds, fresh
            )
        found = take_turns(ground.plan.times(3, 2), turns)
    for clients in _CLIENTS:
        yield ground.figure(
            f"questions a second, {clients} client{'s' if clients > 1 else ''}",
            found[str(clients)],
            found[FP32],
            "1/s",
            f"{FP32}, one by one",
            better="more",
            size=size,
        )


def flat(ground: Ground) -> Iterator[Figure]:
    """What is held in memory after many questions, against after the first few of them."""
    size = min(ground.plan.sizes)
    count = ground.plan.times(20_000, 100)
    warm = count // 5
    fresh = ground.fresh_questions()
    with ground.ours(size) as ours:
        before = _asked(ours, fresh, warm)
        after = _asked(ours, fresh, count - warm)
    if before["resident"] is None:
        return
    yield ground.figure(
        f"memory, resident, after {count:,} questions",
        [after["resident"]],
        [before["resident"]],
        "MiB",
        f"after {warm:,}",
        size=size,
    )


def _asked(ours: Contestant, fresh: Iterator[str], count: int) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for first in range(0, count, 100):
        some = list(itertools.islice(fresh, min(100, count - first)))
        held = ours.tell("flat", questions=some, passages=PASSAGES)
    return held


def changes(ground: Ground) -> Iterator[Figure]:
    """Questions while passages come and go, at the largest size.

    Raises:
        SystemExit: a change was not visible at once.
    """
    size = max(ground.plan.sizes)
    count = ground.plan.times(1_000, 50)
    fresh = ground.fresh_questions()
    with ground.ours(size) as ours:
        for question in itertools.islice(fresh, 3):
            ours.tell("ask", question=question, passages=PASSAGES)
        some = list(itertools.islice(fresh, ground.plan.times(400, 24)))
        told = ours.tell("change", questions=some, passages=PASSAGES, count=count)
    if told["unseen"]:
        sys.exit(f"{told['unseen']} changes were not seen by the next search")
    if not told["busy"]:
        sys.exit("no question was asked while the index changed; ask for more changes")
    name = f"while {count:,} passages are added and removed"
    for part, call in (("total", "one question"), ("retrieve", "one search")):
        idle = milliseconds(each(told["idle"], part))
        busy = milliseconds(each(told["busy"], part))
        median = statistics.median(idle)
        for which, value in (("median", statistics.median(busy)), ("slowest", max(busy))):
            yield ground.figure(
                f"{call} {name}, {which}",
                [value],
                [median],
                "ms",
                "median with nothing else going on",
                size=size,
            )
    changes = milliseconds(told["changes"])
    yield ground.figure(
        "one change, committed",
        changes,
        [statistics.median(milliseconds(each(told["idle"], "total")))] * len(changes),
        "ms",
        "one question",
        size=size,
    )


def ask_for(address: str, clients: int, seconds: float, fresh: Iterator[str]) -> float:
    """Questions a second that so many clients get answered, each asking the next when it has one.

    A client that the server has no time for waits as long as it is told to.

    Raises:
        RuntimeError: one was not answered for another reason.
    """
    lock, over = threading.Lock(), threading.Event()
    answered, failed = 0, ""
    began = time.perf_counter()

    def one() -> None:
        nonlocal answered, failed
        with httpx.Client(base_url=address, timeout=120) as client:
            while not over.is_set() and not failed:
                with lock:
                    question = next(fresh)
                response = client.post("/v1/ask", json={"question": question})
                if response.status_code in _BUSY:
                    over.wait(float(response.headers["Retry-After"]))
                    continue
                with lock:
                    if response.status_code == 200:
                        answered += 1
                    else:
                        failed = f"{response.status_code} {response.text[:200]}"

    threads = [threading.Thread(target=one) for _ in range(clients)]
    for thread in threads:
        thread.start()
    over.wait(seconds)
    over.set()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(f"the server answered {failed}")
    return answered / (time.perf_counter() - began)
