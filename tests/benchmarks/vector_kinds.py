"""Kinds of FAISS index on vectors like those of passages: recall, time, size.

Run it as ``python -m tests.benchmarks.vector_kinds PASSAGES.npy QUESTIONS.npy --size 200000``; both
files hold float32 rows of length 1 from the embedder. Beyond the passages there are, vectors are
made of them: each is mixed with near ones and moved along differences of near pairs, so that
clouds, distances and the spread in each direction stay like those of real ones; so the figures rest
on questions that are real and passages that mostly are not. All in one thread; times are the
process's own.
"""

import argparse
import gc
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]

_K = 10
_NEAR = 16
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of index: FAISS's name, list probes or beam, and how many are compared exactly."""

    factory: str
    effort: int = 0
    refined: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of a kind; times are milliseconds a question, sizes bytes a vector."""

    kind: Kind
    recall: float
    median_ms: float
    p95_ms: float
    bytes: float
    build_s: float
    add_ms: float
    remove_ms: float | None


def grown(real: Rows, size: int, seed: int = 0) -> Rows:
    """`size` rows: the real ones, then ones made of them; see above."""
    if size <= len(real):
        return real[:size]
    rng = np.random.default_rng(seed)
    exact = faiss.IndexFlatIP(real.shape[1])
    exact.add(real)
    near = exact.search(real, _NEAR + 1)[1][:, 1:]
    result = np.empty((size, real.shape[1]), np.float32)
    result[: len(real)] = real
    for first in range(len(real), size, _AT_ONCE):
        count = min(_AT_ONCE, size - first)
        base = rng.integers(len(real), size=count)
        made = real[base].copy()
        for _ in range(3):
            other = near[base, rng.integers(_NEAR, size=count)]
            made += rng.uniform(0, 0.3, (count, 1)).astype(np.float32) * (real[other] - made)
        for _ in range(8):
            one = rng.integers(len(real), size=count)
            step = real[one] - real[near[one, rng.integers(_NEAR, size=count)]]
            made += rng.normal(0, 0.2, (count, 1)).astype(np.float32) * step
        result[first : first + count] = made / np.linalg.norm(made, axis=1, keepdims=True)
    return result


def nearest(rows: Rows, questions: Rows) -> NDArray[np.int64]:
    """The ids of the `_K` nearest, found by comparing all."""
    exact = faiss.IndexFlatIP(rows.shape[1])
    heap = faiss.ResultHeap(len(questions), _K, keep_max=True)
    for first in range(0, len(rows), _AT_ONCE):
        exact.reset()
        exact.add(rows[first : first + _AT_ONCE])
        scores, ids = exact.search(questions, _K)
        heap.add_result(scores, ids + first)
    heap.finalize()
    found: NDArray[np.int64] = heap.I
    return found


def built(kind: Kind, rows: Rows, quantizers: dict[int, faiss.Index]) -> faiss.Index:
    """The index; coarse quantizers are trained once for all kinds that have as many lists."""
    index = faiss.index_factory(rows.shape[1], kind.factory, faiss.METRIC_INNER_PRODUCT)
    sample = rows[:: max(1, len(rows) // 50_000)]
    if isinstance(index, faiss.IndexIVF):
        if index.nlist not in quantizers:
            means = faiss.Kmeans(
                rows.shape[1],
                index.nlist,
                niter=8,
                spherical=True,
                min_points_per_centroid=1,
            )
            means.train(sample)
            quantizers[index.nlist] = faiss.IndexFlatIP(rows.shape[1])
            quantizers[index.nlist].add(means.centroids)
        index.quantizer = quantizers[index.nlist]
        index.own_fields = False
    index.train(sample[:20_000])
    for first in range(0, len(rows), _AT_ONCE):
        index.add(rows[first : first + _AT_ONCE])
    return index


def searching(kind: Kind, index: faiss.Index, rows: Rows) -> Callable[[Rows], NDArray[np.int64]]:
    """What finds the ids of the `_K` nearest of a `(1, dim)` row, best first."""
    parameters = None
    if isinstance(index, faiss.IndexIVF):
        parameters = faiss.SearchParametersIVF(nprobe=kind.effort)
    elif isinstance(index, faiss.IndexHNSW):
        parameters = faiss.SearchParametersHNSW(efSearch=kind.effort)

    def find(question: Rows) -> NDArray[np.int64]:
        _, found = index.search(question, kind.refined or _K, params=parameters)
        ids: NDArray[np.int64] = found[0][found[0] >= 0]
        if kind.refined:
            ids = ids[np.argsort(-(rows[ids] @ question[0]), kind="stable")]
        return ids[:_K]

    return find


def measured(
    kinds: list[Kind],
    rows: Rows,
    questions: Rows,
    expected: NDArray[np.int64],
    quantizers: dict[int, faiss.Index],
) -> list[Figures]:
    """The figures of kinds of one factory, on one index."""
    began = time.process_time()
    index = built(kinds[0], rows, quantizers)
    build = time.process_time() - began
    size = faiss.serialize_index(index).nbytes / len(rows)
    more = rows[:1000]
    began = time.process_time()
    index.add(more)
    add = (time.process_time() - began) * 1000
    remove: float | None = None
    began = time.process_time()
    try:
        index.remove_ids(np.arange(len(rows), len(rows) + len(more)))
        remove = (time.process_time() - began) * 1000
    except RuntimeError:  # a graph cannot
        index = None
        gc.collect()
        index = built(kinds[0], rows, quantizers)
    result = []
    for kind in kinds:
        find = searching(kind, index, rows)
        times, hits = [], 0
        for question, wanted in zip(questions, expected, strict=True):
            began = time.process_time()
            found = find(question[None])
            times.append((time.process_time() - began) * 1000)
            hits += len(np.intersect1d(found, wanted))
        median, high = np.percentile(times, [50, 95])
        recall = hits / expected.size
        result.append(Figures(kind, recall, median, high, size, build, add, remove))
    return result


def main() -> None:
    """Measure and print a table, one line a kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("passages", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--size", type=int, default=200_000)
    parser.add_argument("--ask", type=int, default=200, help="how many questions")
    parser.add_argument("--kinds", nargs="*", help="as FACTORY:EFFORT:REFINED")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    faiss.omp_set_num_threads(1)
    questions = np.load(given.questions)[: given.ask]
    rows = grown(np.load(given.passages), given.size)
    expected = nearest(rows, questions)
    lists = 1 << round(np.log2(2 * given.size**0.5))
    named = given.kinds or [
        "Flat",
        "SQfp16",
        "SQ8",
        *(f"IVF{lists},SQ8:{probes}" for probes in (16, 32, 64, 128)),
        *(f"IVF{lists},PQ96x4fs:{probes}:{more}" for probes in (32, 64) for more in (100, 400)),
        *(f"IVF{lists},RaBitQ:{probes}:{more}" for probes in (32, 64) for more in (100, 400)),
        *(f"IVF{lists},RaBitQfs:{probes}:{more}" for probes in (32, 64) for more in (100, 400)),
        *(f"HNSW16,SQ8:{beam}" for beam in (64, 128)),
    ]
    by_factory: dict[str, list[Kind]] = {}
    for words in named:
        factory, *numbers = words.split(":")
        by_factory.setdefault(factory, []).append(Kind(factory, *map(int, numbers)))
    lines, quantizers = [], dict[int, faiss.Index]()
    print(
        "| kind | probes | refined | recall@10 | ms | p95 | bytes | build s | +1,000 ms | -1,000 |"
    )
    print("| --- |" + " --- |" * 9)
    for kinds in by_factory.values():
        for one in measured(kinds, rows, questions, expected, quantizers):
            lines.append(asdict(one))
            removed = "no" if one.remove_ms is None else f"{one.remove_ms:.0f}"
            print(
                f"| {one.kind.factory} | {one.kind.effort or ''} | {one.kind.refined or ''} "
                f"| {one.recall:.3f} | {one.median_ms:.2f} | {one.p95_ms:.2f} | {one.bytes:.0f} "
                f"| {one.build_s:.0f} | {one.add_ms:.0f} | {removed} |",
                flush=True,
            )
    if given.json:
        given.json.write_text(json.dumps(lines, indent=1))


if __name__ == "__main__":
    main()
