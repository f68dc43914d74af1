"""What was found against what is aimed at; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qa.evaluation.certainty import Certainty, certainty
from qa.evaluation.searching import DENSE, FUSED, LEXICAL, RERANKED
from tests.evaluation.comparing import Difference, paired_bootstrap
from tests.evaluation.data import HELD_OUT_1, HELD_OUT_2

Result = Mapping[str, Any]

# F1 and recall in points of a hundred, the others as they are.
LEAST_GAIN = 6.0
MOST_LOSS_BY_INT8 = 0.5
LEAST_F1 = 84.0
LEAST_AUROC = 0.85
LEAST_SHARE = 85.0
LEAST_RERANKING = 5.0
MOST_CALIBRATION_ERROR = 0.05
PRECISION = "0.8"
LEAST_RIGHT = 90.0
LEAST_ABSTAINED = 85.0

# nDCG@10 of another BM25 (bm25s, with English stop words) on the same corpora.
BM25 = {"cranfield": 0.341, "cisi": 0.364}


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure in words, what it is aimed at, and whether it is reached; `of` says over what.

    `passed` is None where something that it needs was not measured.
    """

    what: str
    found: str
    target: str
    passed: bool | None
    of: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The results of the steps that were run; None, or nothing, for those that were not.

    `ours`, `theirs` and `unquantized` are the reader, the one it is set against and its weights in
    fp32, by set; `pool` by set; `retrieval` by corpus; `samples` by file.
    """

    ours: Mapping[str, Result]
    theirs: Mapping[str, Result]
    unquantized: Mapping[str, Result]
    pool: Mapping[str, Result]
    retrieval: Mapping[str, Result]
    samples: Mapping[str, Result]
    dev: Sequence[str] = ()


def bars(found: Found) -> list[Bar]:
    """All bars, those that could not be measured too."""
    return [
        *_against_another(found),
        *_int8(found),
        *_held_out(found),
        *_pool(found),
        *_retrieval(found),
        *_confidence(found),
        *_samples(found),
    ]


def sample_of(*results: Result) -> str:
    """How many questions were asked, and whether that is a sample of more."""
    asked, every = sum(one["questions"] for one in results), sum(one["of"] for one in results)
    return f"{asked:,} questions" if asked == every else f"a sample of {asked:,} of {every:,}"


def f1(result: Result) -> float:
    """The F1 of a reader's best spans over the questions that have an answer, in percent."""
    score = result["figures"]["always"]["has_answer_f1"]
    return 0.0 if score is None else 100 * float(score)


def compared(ours: Result, theirs: Result) -> Difference:
    """How many points of F1 two readers differ by, over the questions both were asked."""
    ids = [id_ for id_ in ours["marks"] if id_ in theirs["marks"]]
    return paired_bootstrap(
        [100 * ours["marks"][id_][1] for id_ in ids], [100 * theirs["marks"][id_][1] for id_ in ids]
    )


def sure_of(results: Iterable[Result], name: str) -> Certainty:
    """What a kind of confidence ("confidence", "span_probability") is worth over several sets."""
    asked = [one for result in results for one in result["asked"]]
    return certainty([one[name] for one in asked], [one["right"] for one in asked])


def _missing(what: str, target: str) -> Bar:
    return Bar(what, "not measured", target, None)


def _against_another(found: Found) -> list[Bar]:
    what, target = "F1 against the baseline", f"at least +{LEAST_GAIN:g}"
    return _beside(found, found.theirs, what, target, LEAST_GAIN)


def _int8(found: Found) -> list[Bar]:
    what, target = "int8 against fp32", f"within {MOST_LOSS_BY_INT8:g} F1"
    return _beside(found, found.unquantized, what, target, -MOST_LOSS_BY_INT8)


def _beside(
    found: Found, others: Mapping[str, Result], which: str, target: str, least: float
) -> list[Bar]:
    """By how much our reader's F1 differs from another's on each set: at least so much."""
    bars = []
    for name in found.dev:
        what = f"Reader on {name}: {which}"
        if name not in found.ours or name not in others:
            bars.append(_missing(what, target))
            continue
        ours, theirs = found.ours[name], others[name]
        difference = compared(ours, theirs)
        told = f"{f1(ours):.1f} against {f1(theirs):.1f}: {_points(difference)}"
        bars.append(Bar(what, told, target, difference.mean >= least, sample_of(ours)))
    return bars


def _points(difference: Difference) -> str:
    return f"{difference.mean:+.1f} ({difference.low:+.1f} to {difference.high:+.1f})"


def _held_out(found: Found) -> list[Bar]:
    what, target = "Held-out articles of SQuAD 1.1: F1", f"at least {LEAST_F1:g}"
    first, second = found.ours.get(HELD_OUT_1), found.ours.get(HELD_OUT_2)
    bars = []
    if first is None:
        bars.append(_missing(what, target))
    else:
        bars.append(Bar(what, f"{f1(first):.1f}", target, f1(first) >= LEAST_F1, sample_of(first)))
    what = "Held-out articles of SQuAD 2.0: AUROC of answerability"
    target = f"at least {LEAST_AUROC:g}"
    area = None if second is None else second["figures"]["auroc"]
    if second is None or area is None:
        bars.append(_missing(what, target))
    else:
        bars.append(Bar(what, f"{area:.3f}", target, area >= LEAST_AUROC, sample_of(second)))
    return bars


def _pool(found: Found) -> list[Bar]:
    bars = []
    asked = {name: one for name, one in found.pool.items() if "rankings" in one}
    for name, one in asked.items():
        what = f"{name} asked of all paragraphs: F1 of that with the paragraph given"
        target = f"at least {LEAST_SHARE:g}%"
        alone = found.ours.get(name)
        if alone is None:
            bars.append(_missing(what, target))
        else:
            pooled, given = 100 * one["figures"]["best_f1"], f1(alone)
            share = 100 * pooled / given if given else 0.0
            told = f"{pooled:.1f} of {given:.1f}: {share:.1f}%"
            bars.append(Bar(what, told, target, share >= LEAST_SHARE, sample_of(one)))
        first, fused = (100 * one["rankings"][kind]["recall_at_1"] for kind in (RERANKED, FUSED))
        bars.append(
            Bar(
                f"{name} asked of all paragraphs: recall@1, ranked anew against fused",
                f"{first:.1f} against {fused:.1f}: {first - fused:+.1f}",
                f"at least +{LEAST_RERANKING:g}",
                first - fused >= LEAST_RERANKING,
                sample_of(one),
            )
        )
    return bars or [
        _missing(
            "Asked of all paragraphs: F1 of that with the paragraph given", f"{LEAST_SHARE:g}%"
        ),
        _missing("Asked of all paragraphs: recall@1, ranked anew", f"+{LEAST_RERANKING:g}"),
    ]


def _retrieval(found: Found) -> list[Bar]:
    measured = [
        *((name, one["figures"]["rankings"], one) for name, one in found.retrieval.items()),
        *(
            (f"{name}, all paragraphs", one["rankings"], one)
            for name, one in found.pool.items()
            if "rankings" in one
        ),
    ]
    bars = []
    for name, rankings, one in measured:
        fused, lexical, dense = (rankings[kind]["ndcg_at_10"] for kind in (FUSED, LEXICAL, DENSE))
        least = max(lexical, dense, BM25.get(name, 0.0))
        told = f"{fused:.3f}; lexical {lexical:.3f}, dense {dense:.3f}"
        what, target = f"Retrieval on {name}: fused nDCG@10", f"at least {least:.3f}"
        bars.append(Bar(what, told, target, fused >= least, sample_of(one)))
    return bars or [_missing("Retrieval: fused nDCG@10", "at least lexical and dense")]


def _confidence(found: Found) -> list[Bar]:
    error = "Confidence over all paragraphs: expected calibration error"
    coverage = "Confidence over all paragraphs: coverage at 80% precision"
    target, most = "above that of the span alone", f"at most {MOST_CALIBRATION_ERROR:g}"
    results = list(found.pool.values())
    if not results:
        return [_missing(error, most), _missing(coverage, target)]
    ours, alone = sure_of(results, "confidence"), sure_of(results, "span_probability")
    of = sample_of(*results)
    bars = []
    if ours.calibration_error is None:
        bars.append(_missing(error, most))
    else:
        passed = ours.calibration_error <= MOST_CALIBRATION_ERROR
        bars.append(Bar(error, f"{ours.calibration_error:.3f}", most, passed, of))
    kept, other = covered(ours), covered(alone)
    bars.append(Bar(coverage, f"{kept:.1f}% against {other:.1f}%", target, kept > other, of))
    return bars


def covered(sure: Certainty, precision: str = PRECISION) -> float:
    """The share of questions, in percent, that are answered with a precision."""
    point = sure.coverage_at_precision[precision]
    return 0.0 if point is None else 100 * point.coverage


def _samples(found: Found) -> list[Bar]:
    right, held = "Sample documents: right span given", "Sample documents: absence admitted"
    least, most = f"at least {LEAST_RIGHT:g}%", f"at least {LEAST_ABSTAINED:g}%"
    if not found.samples:
        return [_missing(right, least), _missing(held, most)]
    figures = [one["figures"] for one in found.samples.values()]
    of = sample_of(*found.samples.values())
    with_answer = [one["answerable"] for one in figures]
    without = [one["questions"] - one["answerable"] for one in figures]
    return [
        _share(
            Bar(right, "", least, None, of), figures, "right_and_given", with_answer, LEAST_RIGHT
        ),
        _share(
            Bar(held, "", most, None, of), figures, "abstention_recall", without, LEAST_ABSTAINED
        ),
    ]


def _share(
    bar: Bar,
    figures: Sequence[Mapping[str, Any]],
    name: str,
    counts: Sequence[int],
    least: float,
) -> Bar:
    """The bar with a share over several files, each of which has so many questions that count."""
    total = sum(counts)
    if not total:
        return _missing(bar.what, bar.target)
    pairs = zip(counts, figures, strict=True)
    reached = sum(round(count * one[name]) for count, one in pairs if count)
    share = 100 * reached / total
    told = f"{reached} of {total}: {share:.1f}%"
    return replace(bar, found=told, passed=share >= least)
