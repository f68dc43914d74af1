"""What counts as reached, and what is written down of it."""

from typing import Any

import pytest

from tests.evaluation.bars import Bar, Found, bars, sample_of
from tests.evaluation.document import Circumstances, document

NONE = Found({}, {}, {}, {}, {}, {}, ["qed-dev"])


def read(*f1s: float, of: int = 0, auroc: float | None = None) -> dict[str, Any]:
    mean = sum(f1s) / len(f1s)
    return {
        "name": "reader/qed-dev/some-reader",
        "questions": len(f1s),
        "of": of or len(f1s),
        "marks": {str(place): [0.0, f1] for place, f1 in enumerate(f1s)},
        "figures": {
            "always": {"has_answer_exact": 0.5, "has_answer_f1": mean},
            "best_f1": {"score": mean},
            "auroc": auroc,
            "passages_per_second": 12.5,
        },
        "seconds": 1.0,
        "finished": "2026-01-02T03:04:05+00:00",
        "code": "c",
    }


def rankings(**first: float) -> dict[str, dict[str, float]]:
    names = ("ndcg_at_10", "mrr_at_10", "recall_at_1", "recall_at_5", "recall_at_10")
    return {
        kind: dict.fromkeys((*names, "recall_at_100"), first.get(kind, 0.0))
        for kind in ("lexical", "dense", "fused", "reranked")
    }


def asked(*pairs: tuple[float, float, bool]) -> dict[str, Any]:
    return {
        **read(*(float(right) for _, _, right in pairs)),
        "name": "pool/qed-dev",
        "documents": 10,
        "passages": 11,
        "figures": {"best_f1": 0.6},
        "parts": {"retrieval": 0.3, "reader": 0.4, "both": 0.6},
        "rankings": rankings(fused=0.5, reranked=0.56),
        "asked": [
            {"confidence": confidence, "span_probability": alone, "right": right}
            for confidence, alone, right in pairs
        ],
    }


def samples(answerable: int, questions: int, given: float, abstained: float) -> dict[str, Any]:
    figures = {
        "questions": questions,
        "answerable": answerable,
        "right": given,
        "right_document": given,
        "right_and_given": given if answerable else None,
        "abstention_recall": abstained,
    }
    return {**read(1.0), "name": "samples/x", "figures": figures}


def by_what(found: Found) -> dict[str, Bar]:
    return {bar.what: bar for bar in bars(found)}


def found(**parts: Any) -> Found:
    return Found(**{**{name: {} for name in Found.__slots__}, "dev": ["qed-dev"], **parts})


def test_without_results_nothing_is_reached_and_nothing_missed() -> None:
    assert len(bars(NONE)) >= 9
    assert {bar.passed for bar in bars(NONE)} == {None}
    assert {bar.found for bar in bars(NONE)} == {"not measured"}


@pytest.mark.parametrize(("ours", "passed"), [(0.56, True), (0.559, False)])
def test_six_points_above_the_baseline_are_asked_for(ours: float, passed: bool) -> None:
    some = found(
        ours={"qed-dev": read(ours, ours, of=40)}, theirs={"qed-dev": read(0.5, 0.5, of=40)}
    )
    bar = by_what(some)["Reader on qed-dev: F1 against the baseline"]
    assert bar.passed is passed
    assert bar.of == "a sample of 2 of 40"
    assert bar.found.startswith(f"{100 * ours:.1f} against 50.0: +{100 * ours - 50:.1f} (")


@pytest.mark.parametrize(("ours", "passed"), [(0.496, True), (0.494, False), (0.9, True)])
def test_int8_may_lose_half_a_point(ours: float, passed: bool) -> None:
    some = found(ours={"qed-dev": read(ours)}, unquantized={"qed-dev": read(0.5)})
    assert by_what(some)["Reader on qed-dev: int8 against fp32"].passed is passed


def test_held_out_articles_have_bars_of_their_own() -> None:
    some = found(
        ours={"squad1-held-out": read(0.84), "squad2-held-out": read(0.2, auroc=0.8499)},
    )
    first, second = list(by_what(some).values())[2:4]
    assert (first.found, first.passed) == ("84.0", True)
    assert (second.found, second.passed) == ("0.850", False)


def test_all_paragraphs_are_set_against_the_right_one() -> None:
    some = found(pool={"qed-dev": asked((0.9, 0.9, True))}, ours={"qed-dev": read(0.7)})
    share, first = list(by_what(some).values())[4:6]
    assert (share.found, share.passed) == ("60.0 of 70.0: 85.7%", True)
    assert (first.found, first.passed) == ("56.0 against 50.0: +6.0", True)


def test_fused_is_set_against_the_better_part_and_a_known_bm25() -> None:
    def one(**first: float) -> dict[str, Any]:
        return {**read(1.0), "name": "retrieval/x", "figures": {"rankings": rankings(**first)}}

    some = found(
        retrieval={
            "cisi": one(lexical=0.1, dense=0.2, fused=0.3),
            "other": one(lexical=0.1, dense=0.2, fused=0.2),
        }
    )
    cisi, other = (
        by_what(some)[f"Retrieval on {name}: fused nDCG@10"] for name in ("cisi", "other")
    )
    assert (cisi.target, cisi.passed) == ("at least 0.364", False)
    assert (other.target, other.passed) == ("at least 0.200", True)


def test_confidence_is_set_against_the_span_alone() -> None:
    pairs = [(0.9, 0.2, True)] * 9 + [(0.9, 0.99, False)] + [(0.0, 0.5, False)] * 10
    error, coverage = list(by_what(found(pool={"qed-dev": asked(*pairs)})).values())[6 - 0 + 1 :][
        :2
    ]
    assert (error.found, error.passed) == ("0.000", True)
    # By the span alone nothing is given with that precision: its surest is wrong.
    assert (coverage.found, coverage.passed) == ("50.0% against 0.0%", True)


def test_sample_documents_are_counted_over_both_files() -> None:
    some = found(samples={"a": samples(10, 15, 0.9, 0.8), "b": samples(0, 5, 0.0, 1.0)})
    right, held = list(by_what(some).values())[-2:]
    assert (right.found, right.passed) == ("9 of 10: 90.0%", True)
    assert (held.found, held.passed) == ("9 of 10: 90.0%", True)


def test_a_sample_is_called_one() -> None:
    assert sample_of(read(1.0, 1.0)) == "2 questions"
    assert sample_of(read(1.0, of=3), read(1.0)) == "a sample of 2 of 4"


def test_the_page_tells_of_samples_of_other_code_and_of_bars() -> None:
    some = found(pool={"qed-dev": asked((0.9, 0.9, True))}, ours={"qed-dev": read(0.7)})
    made = Circumstances([("machine", "a | b")], "other", 25)
    page = document(bars(some), some, made)
    assert "**A sample:** at most 25 questions" in page
    assert "another version" in page
    assert "| machine | a \\| b |" in page
    assert "| Reader on qed-dev: F1 against the baseline | not measured |" in page
    assert page.endswith("\n")
    assert "\n\n\n" not in page
    whole = document(bars(some), some, Circumstances([], "c", None))
    assert "A sample" not in whole
    assert "as it is" in whole
    # Every row of a table has as many cells as its head.
    for lines in page.split("\n\n"):
        rows = [
            line.replace("\\|", "").count("|") for line in lines.splitlines() if line[:1] == "|"
        ]
        assert len(set(rows)) <= 1
