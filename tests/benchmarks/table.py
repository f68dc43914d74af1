"""BENCHMARKS.md: what was measured, as tables, and which bars it reaches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.benchmarks.figures import Bar, Figure, titled

_BASE = "sentence-transformers"
_CHANGING = "one question while 1,000 passages are added and removed, slowest"
_MILLION = 1_000_000

BARS = (
    Bar("8-bit multiply-adds a second, embedder", None, "", "ratio", 0.6, "60% of the peak"),
    Bar("8-bit multiply-adds a second, reader", None, "", "ratio", 0.6, "60% of the peak"),
    Bar("ask, cold, whole process", None, _BASE, "value", 1.0, "at most 1 s"),
    Bar("ask, cold, whole process", None, _BASE, "ratio", 8.0, "8 times"),
    Bar("pincite index, files to committed", None, "", "ratio", 3.3, "3.3 times"),
    Bar("one question, warm", 100_000, _BASE, "value", 120.0, "at most 120 ms"),
    Bar("one question, warm, p95", 100_000, _BASE, "value", 200.0, "at most 200 ms"),
    Bar("one question, warm", 100_000, _BASE, "ratio", 4.0, "4 times"),
    Bar("stage: search, p95", _MILLION, "", "value", 30.0, "at most 30 ms"),
    Bar("recall@10 of the dense side", _MILLION, "", "value", 0.97, "at least 0.97"),
    Bar("memory, resident, after the questions", _MILLION, "", "value", 1_430.0, "at most 1.5 GB"),
    Bar("opening the index", _MILLION, "", "value", 1.0, "at most 1 s"),
    Bar(_CHANGING, _MILLION, "", "ratio", 0.5, "twice the median"),
    Bar("memory, resident, after 20,000 questions", 1_000, "", "ratio", 0.95, "within 5%"),
)

_INTRODUCTION = """# Benchmarks

Made by `make bench`, which also keeps the figures in `BENCHMARKS.json`; the words stand in
`tests/benchmarks/table.py`. Every figure stands beside a baseline that was measured in the same
run, in turns with it, so that *times as good* holds on a machine that is slower or busier than this
one, where the plain values do not. Values are medians; IQR is the distance between the quartiles.
Above 1 is better, whichever way the unit runs.

The baseline is what people write: sentence-transformers, flat FAISS and a transformers reader, all
fp32, with the same weights, the same passages and as many of them read. txtai is a system that does
the same, on the same weights and passages. Where nothing does the same, the baseline is named.

*Real* passages are those of documentation packages and of the samples; the vectors of the samples
and of questions are the embedder's, those of the other passages are guessed from their words with
an error like the guess's own (`tests/benchmarks/corpus.py`). So times, memory and bytes rest on
texts and vectors that spread as real ones do, and recall and F1 on samples among guessed
neighbours.
"""


def markdown(figures: Sequence[Figure], machine: Mapping[str, Any]) -> str:
    """The whole page."""
    parts = [_INTRODUCTION, *_machine(machine), "\n## Bars\n\n", *_bars(figures)]
    parts += ["\n## Figures\n\n", *_figures(figures)]
    return "".join(parts)


def _machine(found: Mapping[str, Any]) -> Iterator[str]:
    flags = ", ".join(f"{name} {'yes' if has else 'no'}" for name, has in found["flags"].items())
    versions = ", ".join(f"{name} {at}" for name, at in found["versions"].items() if at)
    yield "\n## The machine\n\n"
    yield f"{found['processor']} (family/model {found['family']}), {found['cores']} cores, "
    yield f"{found['memory_gib']} GiB. {flags}.\n{found['system']}, Python {found['python']}; "
    yield f"{versions}.\n"
    if found["load"] is not None and found["load"] > 2 * found["cores"]:
        yield f"\nIt was busy with other work: load {found['load']} on {found['cores']} cores. "
        yield "Times are those of a busy machine; processor time and ratios suffer less from it.\n"


def _bars(figures: Sequence[Figure]) -> Iterator[str]:
    yield "| figure | bar | measured | |\n| --- | --- | --- | --- |\n"
    for bar in BARS:
        found = bar.of(figures)
        name = bar.figure if bar.size is None else f"{bar.figure} ({bar.size:,} passages)"
        if found is None:
            yield f"| {name} | {bar.words} | not measured | |\n"
            continue
        measured = (
            f"{found.ratio:.2f} times"
            if bar.on == "ratio"
            else f"{_number(found.value)} {found.unit}"
        )
        verdict = "met" if bar.is_met(found) else "**missed**"
        yield f"| {name} | {bar.words} | {measured} | {verdict} |\n"


def _figures(figures: Iterable[Figure]) -> Iterator[str]:
    yield "| figure | value | IQR | baseline | its value | times as good | IQR | n | day |\n"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
    for one in figures:
        yield (
            f"| {titled(one)} | {_number(one.value)} {one.unit} | {_number(one.spread)} "
            f"| {one.against} | {_number(one.baseline)} | {one.ratio:.2f} "
            f"| {_number(one.ratio_spread)} | {one.samples} | {one.date} |\n"
        )


def _number(value: float) -> str:
    """Three digits, or all before the point."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
