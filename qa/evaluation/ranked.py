"""Measures of rankings, by trec_eval through pytrec_eval (the `eval` extra)."""

import importlib.metadata
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index.errors import MissingExtra

DEPTH = 10
RECALLS = (1, 5, 10, 100)
_PACKAGE = "pytrec-eval-terrier"


@dataclass(frozen=True, slots=True)
class RankingScores:
    """Means over the judged queries, from 0 to 1: nDCG@10, MRR@10, and recall at 1, 5, 10, 100.

    Gains are the judgements themselves, as trec_eval and BEIR have them.
    """

    ndcg_at_10: float
    mrr_at_10: float
    recall_at_1: float
    recall_at_5: float
    recall_at_10: float
    recall_at_100: float


def require_measures() -> str:
    """Make sure that the measures' library is installed; its name and version.

    Raises:
        MissingExtra: it is not; the message names the command that installs it.
    """
    if importlib.util.find_spec("pytrec_eval") is None:
        raise MissingExtra(
            f"{_PACKAGE} is not installed; install the eval extra: pip install 'pincite[eval]'"
        )
    return f"{_PACKAGE} {importlib.metadata.version(_PACKAGE)}"


def ranking_scores(
    judged: Mapping[str, Mapping[str, int]], rankings: Mapping[str, Sequence[str]]
) -> RankingScores:
    """Measure rankings of documents, best first, against judgements, both by query.

    A judgement above 0 is relevant. A query with no ranking counts 0.

    Raises:
        MissingExtra: the measures' library is not installed.
        ValueError: nothing is judged relevant.
    """
    require_measures()
    import pytrec_eval

    relevant = {
        query: dict(documents)
        for query, documents in judged.items()
        if any(judgement > 0 for judgement in documents.values())
    }
    if not relevant:
        raise ValueError("no query has a relevant document")
    cuts = ",".join(map(str, RECALLS))
    whole = pytrec_eval.RelevanceEvaluator(relevant, {f"ndcg_cut.{DEPTH}", f"recall.{cuts}"})
    # trec_eval has no cut for the reciprocal rank, so the ranking is cut instead.
    first = pytrec_eval.RelevanceEvaluator(relevant, {"recip_rank"})
    found = whole.evaluate({query: _run(rankings.get(query, ())) for query in relevant})
    ranks = first.evaluate({query: _run(rankings.get(query, ())[:DEPTH]) for query in relevant})

    def mean(results: Mapping[str, Mapping[str, float]], name: str) -> float:
        return sum(result[name] for result in results.values()) / len(relevant)

    return RankingScores(
        mean(found, f"ndcg_cut_{DEPTH}"),
        mean(ranks, "recip_rank"),
        *(mean(found, f"recall_{cut}") for cut in RECALLS),
    )


def _run(ranking: Sequence[str]) -> dict[str, float]:
    """The ranking as trec_eval takes it, by scores; all differ, since it orders ties by name."""
    return {document: float(len(ranking) - place) for place, document in enumerate(ranking)}
