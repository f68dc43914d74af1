"""One question after the other: how long, in which stage, and how good what is found."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa.evaluation.squad import f1
from tests.benchmarks.contestant import Contestant
from tests.benchmarks.exported import Exported
from tests.benchmarks.figures import WHOLE_SEARCH, Figure, at_p95
from tests.benchmarks.ground import FP32, OURS, PASSAGES, Ground
from tests.benchmarks.turns import each, milliseconds, take_turns

NEIGHBOURS = 10

# The first questions make everyone warm, and are not counted.
_WARMING = 2

# Ours is asked once more, to read no further than to an answer of such confidence.
ENOUGH = 0.5
_SURE = f"{OURS}, until {ENOUGH:.0%} sure"

_PARTS = {
    "total": "warm",
    "processor": "processor time",
    "read": "reading",
    "retrieve": "retrieval",
}


def questions(ground: Ground) -> Iterator[Figure]:
    """One question after the other, warm, at each size; memory and opening on the way."""
    for size in ground.plan.sizes:
        yield from _questions(ground, size)


def _questions(ground: Ground, size: int) -> Iterator[Figure]:
    labels = ground.labelled[: ground.plan.times(100, 6) + _WARMING]
    with ground.everyone(size) as everyone:
        replies = _asked(everyone, [one.text for one in labels])
        stages = [
            everyone[OURS].tell("stages", question=f"{one.text} Or not?", passages=PASSAGES)
            for one in labels
        ]
        held = {name: one.tell("memory") for name, one in everyone.items()}
        opening = {name: float(one.opened["opening"]) for name, one in everyone.items()}
    yield from _stages(ground, size, stages)
    ours, sure = replies.pop(OURS), replies.pop(_SURE)
    for name, theirs in replies.items():
        yield from _compared(ground, size, name, ours, theirs)
        own, base = milliseconds(each(sure, "total")), milliseconds(each(theirs, "total"))
        named = f"one question, until {ENOUGH:.0%} sure"
        one = ground.figure(named, own, base, "ms", name, size=size)
        yield one
        yield at_p95(one, own, base)
    if FP32 not in replies:
        return
    if not ground.plan.quick:  # a few questions say nothing of that
        golds = [one.answer for one in labels[_WARMING:]]
        for replied, until in ((ours, ""), (sure, f", until {ENOUGH:.0%} sure")):
            yield ground.figure(
                f"answers' F1, samples among the rest{until}",
                [_mean_f1(each(replied, "answer"), golds)],
                [_mean_f1(each(replies[FP32], "answer"), golds)],
                "points",
                FP32,
                better="more",
                size=size,
            )
    for part in ("resident", "peak"):
        if held[OURS][part] is not None:
            values = [held[OURS][part]], [held[FP32][part]]
            name = f"memory, {part}, after the questions"
            yield ground.figure(name, *values, "MiB", FP32, size=size)
    values = [opening[OURS]], [opening[FP32]]
    baseline = "reading FAISS's file and the texts"
    yield ground.figure("opening the index", *values, "s", baseline, size=size)


def _asked(
    everyone: Mapping[str, Contestant], texts: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """What everyone says to each question, but the first few."""
    replies: dict[str, list[dict[str, Any]]] = {name: [] for name in (*everyone, _SURE)}

    def ask(name: str) -> Callable[[int], float]:
        asked, further = (OURS, {"enough": ENOUGH}) if name == _SURE else (name, {})

        def one(number: int) -> float:
            question = texts[number]
            reply = everyone[asked].tell("ask", question=question, passages=PASSAGES, **further)
            replies[name].append(reply)
            return float(reply["total"])

        return one

    take_turns(len(texts), {name: ask(name) for name in replies})
    return {name: found[_WARMING:] for name, found in replies.items()}


def _stages(ground: Ground, size: int, stages: Sequence[Mapping[str, Any]]) -> Iterator[Figure]:
    search = milliseconds(each(stages, "search"))
    for part in ("embed", "dense", "lexical", "fuse", "search"):
        own = milliseconds(each(stages, part))
        name = f"stage: {part}"
        one = ground.figure(name, own, search, "ms", WHOLE_SEARCH, size=size)
        yield one
        yield at_p95(one, own, search)


def _compared(
    ground: Ground,
    size: int,
    name: str,
    ours: Sequence[Mapping[str, Any]],
    theirs: Sequence[Mapping[str, Any]],
) -> Iterator[Figure]:
    for part, called in _PARTS.items():
        own, base = milliseconds(each(ours, part)), milliseconds(each(theirs, part))
        one = ground.figure(f"one question, {called}", own, base, "ms", name, size=size)
        yield one
        if part == "total":
            yield at_p95(one, own, base)


def recall(ground: Ground) -> Iterator[Figure]:
    """The dense side's nearest against the exact ones."""
    for size in ground.plan.sizes:
        asked = [one.text for one in ground.labelled[: ground.plan.times(200, 40)]]
        exported = ground.exported(size)
        with ground.ours(size) as ours:
            told = ours.tell("nearest", questions=asked, k=NEIGHBOURS)
        queries = np.array(told["vectors"], dtype=np.float32)
        least = nearest_scores(exported, queries, NEIGHBOURS)[:, -1]
        # By score, since equal passages are equally good.
        shares = [
            sum(score >= bound - 1e-5 for score, _ in found) / NEIGHBOURS
            for found, bound in zip(told["found"], least, strict=True)
        ]
        yield ground.figure(
            f"recall@{NEIGHBOURS} of the dense side",
            [statistics.mean(shares)],
            [1.0],
            "",
            "exact search",
            better="more",
            size=size,
        )


def nearest_scores(exported: Exported, queries: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """The `k` best inner products of each query with all vectors, best first, a slice at a time."""
    rows = np.load(exported.vectors_file, mmap_mode="r")
    best = np.full((len(queries), k), -np.inf, dtype=np.float32)
    for first in range(0, len(rows), 50_000):
        scores = queries @ np.asarray(rows[first : first + 50_000]).T
        best = np.sort(np.concatenate([best, scores], axis=1), axis=1)[:, ::-1][:, :k]
    return best


def _mean_f1(answers: Iterable[str], golds: Iterable[str]) -> float:
    """Mean F1, in points, over the questions that have an answer."""
    scores = [f1(answer, gold) for answer, gold in zip(answers, golds, strict=True) if gold]
    return 100 * statistics.mean(scores) if scores else 0.0
