"""The results as a page of Markdown; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa.evaluation.searching import RANKINGS
from qa.evaluation.wording import NOTHING, decimal, percent
from tests.evaluation.bars import Bar, Found, Result, sample_of, sure_of

_SIGNS = {True: "reached", False: "**missed**", None: NOTHING}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the figures rest on, each with its name; `code` is the checksum of the code now."""

    told: Sequence[tuple[str, str]]
    code: str
    limit: int | None


def document(bars: Sequence[Bar], found: Found, made: Circumstances) -> str:
    """The page."""
    parts = [
        _HEAD,
        _limited(made),
        _section("Bars", [*_bars(bars), "", _SMALL_PRINT.strip()]),
        _section("The reader, given the paragraph", _readers(found)),
        _section("All paragraphs in one index", _pool(found)),
        _section("What each part adds", _parts(found)),
        _section("Confidence", _confidence(found)),
        _section("Retrieval", _retrieval(found)),
        _section("The sample documents", _samples(found)),
        _section("What produced this", _table(("", ""), made.told)),
        _section("Steps", _steps(found, made.code)),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


_HEAD = """# How well Pincite answers

Written by `make evaluate DATA=path/to/data`, which runs what answers users, and nothing else. DATA
holds `reader/` with files of labelled questions in SQuAD's form (`reader/dev/` for those that no
reader is trained on) and `retrieval/` with corpora in BEIR's layout. Results are kept by the
checksums of what they were made from, so that an interrupted run goes on and a second one takes
seconds; each step leaves a page with plots and examples beside its figures.
"""

_SMALL_PRINT = """
Intervals hold the difference 95 times in 100 (paired bootstrap over questions). Held-out articles
are those that training leaves out, one in forty by a hash of their titles. Calibration and the
order of answers are fitted on questions of held-out SQuAD articles, in another index, so that of
the figures over all paragraphs those of QED are the independent ones.
"""


def _limited(made: Circumstances) -> str:
    if made.limit is None:
        return ""
    return (
        f"**A sample:** at most {made.limit:,} questions of each set were asked. A difference of "
        "a few points means little."
    )


def _section(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"## {title}", "", *lines]) if lines else ""


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    shown = [_row(row) for row in rows]
    if not shown:
        return []
    return [_row(columns), "|" + " --- |" * len(columns), *shown]


def _row(cells: Sequence[str]) -> str:
    told = (" ".join(cell.replace("|", "\\|").split()) for cell in cells)
    return "| " + " | ".join(told) + " |"


def _bars(bars: Sequence[Bar]) -> list[str]:
    rows = [(bar.what, bar.found, bar.target, _SIGNS[bar.passed], bar.of) for bar in bars]
    return _table(("what", "found", "aimed at", "", "over"), rows)


def _readers(found: Found) -> list[str]:
    rows = []
    for results in (found.ours, found.theirs, found.unquantized):
        for name, one in results.items():
            always, figures = one["figures"]["always"], one["figures"]
            rows.append(
                (
                    name,
                    one["name"].rpartition("/")[2],
                    percent(always["has_answer_exact"]),
                    percent(always["has_answer_f1"]),
                    decimal(figures["auroc"]),
                    percent(figures["best_f1"]["score"]),
                    f"{figures['passages_per_second']:.1f}",
                    sample_of(one),
                )
            )
    columns = ("set", "reader", "EM", "F1", "AUROC", "best F1", "texts/s", "over")
    note = (
        "EM and F1 of the best span of questions with an answer; best F1 is over all questions, at "
        "the threshold of “no answer” that fits best; AUROC tells what has an answer."
    )
    lines = _table(columns, sorted(rows))
    return [*lines, "", note] if lines else []


def _pool(found: Found) -> list[str]:
    rows = []
    for name, one in found.pool.items():
        for kind in RANKINGS if "rankings" in one else ():
            scores = one["rankings"][kind]
            names = ("recall_at_1", "recall_at_5", "recall_at_10", "recall_at_100", "mrr_at_10")
            rows.append((name, kind, *(decimal(scores[key]) for key in names)))
    lines = _table(("questions", "ranking", "R@1", "R@5", "R@10", "R@100", "MRR@10"), rows)
    if not lines:
        return []
    one = next(iter(found.pool.values()))
    size = f"{one['documents']:,} paragraphs, a document each: {one['passages']:,} passages."
    return [size, "", *lines]


def _parts(found: Found) -> list[str]:
    rows = [
        (
            name,
            percent(one["parts"]["retrieval"]),
            percent(one["parts"]["reader"]),
            percent(one["parts"]["both"]),
            percent(found.ours[name]["figures"]["always"]["has_answer_f1"])
            if name in found.ours
            else NOTHING,
        )
        for name, one in found.pool.items()
        if "parts" in one
    ]
    columns = (
        "F1 over all paragraphs",
        "retrieval alone: first passage",
        "reader alone: best span",
        "both: as answered",
        "paragraph given",
    )
    return _table(columns, rows)


def _confidence(found: Found) -> list[str]:
    if not found.pool:
        return []
    groups = [(name, [one]) for name, one in found.pool.items()]
    if len(groups) > 1:
        groups.append(("all", list(found.pool.values())))
    rows = []
    for name, results in groups:
        for told, kind in (("confidence", "confidence"), ("the span alone", "span_probability")):
            sure = sure_of(results, kind)
            points = sure.coverage_at_precision.values()
            rows.append(
                (
                    name,
                    told,
                    decimal(sure.calibration_error),
                    decimal(sure.auroc),
                    decimal(sure.area_under_risk),
                    *(percent(None if point is None else point.coverage) for point in points),
                    sample_of(*results),
                )
            )
    columns = (
        *("questions", "by", "ECE", "AUROC", "AURC"),
        *("coverage at 80%", "at 90%", "at 95%", "over"),
    )
    note = (
        "Coverage is the share of questions answered, in percent, when so many of the answers are "
        "right; “the span alone” is how likely the reader holds the answer, against “no answer”."
    )
    return [*_table(columns, rows), "", note]


def _retrieval(found: Found) -> list[str]:
    rows = []
    for name, one in found.retrieval.items():
        for kind in RANKINGS:
            scores = one["figures"]["rankings"][kind]
            names = ("ndcg_at_10", "mrr_at_10", "recall_at_10", "recall_at_100")
            rows.append((name, kind, *(decimal(scores[key]) for key in names), sample_of(one)))
    return _table(("corpus", "ranking", "nDCG@10", "MRR@10", "R@10", "R@100", "over"), rows)


def _samples(found: Found) -> list[str]:
    rows = [
        (
            name,
            percent(one["figures"]["right_document"]),
            percent(one["figures"]["right"]),
            percent(one["figures"]["right_and_given"]),
            percent(one["figures"]["abstention_recall"]),
            sample_of(one),
        )
        for name, one in found.samples.items()
    ]
    columns = ("file", "right document", "right span", "and given", "absence admitted", "over")
    return _table(columns, rows)


def _steps(found: Found, code: str) -> list[str]:
    results: list[Mapping[str, Any]] = [
        one
        for group in (
            *(found.ours, found.theirs, found.unquantized),
            *(found.pool, found.retrieval, found.samples),
        )
        for one in group.values()
    ]
    rows = [
        (one["name"], f"{one['seconds']:.0f}", one["finished"], _made(one, code)) for one in results
    ]
    return _table(("step", "seconds", "finished", "code"), rows)


def _made(result: Result, code: str) -> str:
    return "as it is" if result["code"] == code else "another version"
