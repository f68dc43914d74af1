"""What is told of retrieval: the measures side by side, latencies, missed queries; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qa.evaluation.beir import Beir
from qa.evaluation.certainty import percentiles
from qa.evaluation.page import EXAMPLES, Example, Examples, Table
from qa.evaluation.plots import Axes, Series, lines
from qa.evaluation.ranked import RankingScores, ranking_scores
from qa.evaluation.searching import DEPTH, FUSED, RANKINGS, RERANKED, Searched
from qa.evaluation.wording import decimal, whole

_RANKS = (50, 90, 95, 99)
_CURVE = (1, 2, 3, 5, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class SearchFigures:
    """The measures of each ranking; `reranked` passages were read. `milliseconds`: percentiles."""

    documents: int
    passages: int
    queries: int
    reranked: int
    rankings: Mapping[str, RankingScores]
    milliseconds: Mapping[int, float]
    seconds: float


def search_figures(
    beir: Beir, searched: Sequence[Searched], passages: int, reranked: int, seconds: float
) -> SearchFigures:
    """The figures of the queries that were searched; there is at least one."""
    judged = {one.query: beir.judged[one.query] for one in searched}
    return SearchFigures(
        len(beir.documents),
        passages,
        len(searched),
        reranked,
        {
            name: ranking_scores(judged, {one.query: one.rankings[name] for one in searched})
            for name in RANKINGS
        },
        percentiles([one.milliseconds for one in searched], _RANKS),
        seconds,
    )


def tables(figures: SearchFigures) -> list[Table]:
    """The figures in tables."""
    return [
        Table(
            "Rankings",
            ("", "nDCG@10", "MRR@10", "R@1", "R@5", "R@10", "R@100"),
            [
                (
                    name,
                    decimal(found.ndcg_at_10),
                    decimal(found.mrr_at_10),
                    decimal(found.recall_at_1),
                    decimal(found.recall_at_5),
                    decimal(found.recall_at_10),
                    decimal(found.recall_at_100),
                )
                for name, found in figures.rankings.items()
            ],
            f"Means over the queries. For “{RERANKED}” the first {figures.reranked} passages of "
            f"“{FUSED}” were read and ordered as answers are.",
        ),
        Table(
            "The rest",
            ("", ""),
            [
                ("documents", whole(figures.documents)),
                ("passages", whole(figures.passages)),
                ("queries", whole(figures.queries)),
                *(
                    (f"milliseconds a search, {rank}th percentile", f"{value:.1f}")
                    for rank, value in figures.milliseconds.items()
                ),
                ("seconds for all rankings", f"{figures.seconds:.1f}"),
            ],
        ),
    ]


def plots(beir: Beir, searched: Sequence[Searched]) -> list[str]:
    """Recall by rank, of all rankings."""
    series = []
    for name in RANKINGS:
        points = [(cut / DEPTH, _recall(beir, searched, name, cut)) for cut in _CURVE]
        series.append(Series(name, points))
    return [lines("Recall by rank", Axes(f"rank, in {DEPTH}ths", "recall"), series)]


def _recall(beir: Beir, searched: Sequence[Searched], name: str, cut: int) -> float:
    shares = []
    for one in searched:
        relevant = _relevant(beir, one.query)
        shares.append(len(relevant & set(one.rankings[name][:cut])) / len(relevant))
    return sum(shares) / len(shares)


def _relevant(beir: Beir, query: str) -> set[str]:
    return {document for document, judgement in beir.judged[query].items() if judgement > 0}


def examples(beir: Beir, searched: Sequence[Searched]) -> list[Examples]:
    """Queries of which nothing was found early, and those that the reader made worse."""
    documents = {document.id: document for document in beir.documents}

    def example(one: Searched, name: str) -> Example:
        def called(id_: str) -> str:
            known = documents.get(id_)
            return id_ if known is None else f"{id_} ({(known.title or known.text)[:80]})"

        relevant = sorted(_relevant(beir, one.query))
        first = one.rankings[name][:1]
        return Example(
            beir.queries[one.query],
            "; ".join(map(called, relevant[:3])),
            called(first[0]) if first else "nothing",
            f"query {one.query}; {len(relevant)} relevant; the first one is at rank "
            f"{_rank(one.rankings[name], set(relevant)) or f'over {DEPTH}'}",
        )

    missed = [
        one
        for one in searched
        if not 1 <= _rank(one.rankings[FUSED], _relevant(beir, one.query)) <= 10
    ]
    worse = [
        one
        for one in searched
        if _rank(one.rankings[FUSED], _relevant(beir, one.query)) == 1
        and _rank(one.rankings[RERANKED], _relevant(beir, one.query)) != 1
    ]
    return [
        Examples(
            f"Nothing relevant among the first 10 ({FUSED})",
            len(missed),
            [example(one, FUSED) for one in missed[:EXAMPLES]],
        ),
        Examples(
            "Relevant first, and moved down by the reader",
            len(worse),
            [example(one, RERANKED) for one in worse[:EXAMPLES]],
        ),
    ]


def _rank(ranking: Sequence[str], relevant: set[str]) -> int:
    """The rank, from 1 up, of the first relevant document; 0 if there is none."""
    return next((place for place, id_ in enumerate(ranking, 1) if id_ in relevant), 0)


def predictions(searched: Sequence[Searched]) -> list[dict[str, object]]:
    """For each query the ids found by each ranking, best first."""
    return [
        {"query": one.query, **{name: list(one.rankings[name]) for name in RANKINGS}}
        for one in searched
    ]
