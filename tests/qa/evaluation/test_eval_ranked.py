"""The measures of rankings, against their definitions."""

import math
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import MissingExtra
from qa.evaluation.ranked import ranking_scores, require_measures

IDS = [f"d{number}" for number in range(130)]
JUDGED = st.dictionaries(st.sampled_from(IDS), st.integers(0, 4), min_size=1, max_size=8)
RANKING = st.builds(
    lambda chance, count: chance.sample(IDS, count),
    st.randoms(use_true_random=False),
    st.integers(0, len(IDS)),
)


@pytest.fixture(autouse=True)
def _with_the_library(request: pytest.FixtureRequest) -> None:
    if "without" not in request.node.name:
        pytest.importorskip("pytrec_eval")


def ndcg(judged: dict[str, int], ranking: list[str], cut: int) -> float:
    gains = [judged.get(id_, 0) for id_ in ranking[:cut]]
    ideal = sorted(judged.values(), reverse=True)[:cut]

    def dcg(values: list[int]) -> float:
        return sum(value / math.log2(place + 2) for place, value in enumerate(values))

    return dcg(gains) / dcg(ideal)


def test_a_case_worked_by_hand() -> None:
    judged = {"q": {"a": 3, "b": 1}, "r": {"c": 1}}
    found = ranking_scores(judged, {"q": ["x", "a", "b"], "r": []})
    best = 3 + 1 / math.log2(3)
    assert found.ndcg_at_10 == pytest.approx((3 / math.log2(3) + 1 / 2) / best / 2)
    assert found.mrr_at_10 == pytest.approx((1 / 2 + 0) / 2)
    assert (found.recall_at_1, found.recall_at_5) == (0, 0.5)


@settings(deadline=None)
@given(JUDGED, RANKING)
def test_the_library_follows_the_definitions(judged: dict[str, int], ranking: list[str]) -> None:
    relevant = {id_ for id_, judgement in judged.items() if judgement > 0}
    if not relevant:
        with pytest.raises(ValueError, match="no query"):
            ranking_scores({"q": judged}, {"q": ranking})
        return
    found = ranking_scores({"q": judged}, {"q": ranking})
    first = next((place for place, id_ in enumerate(ranking[:10], 1) if id_ in relevant), None)
    assert found.ndcg_at_10 == pytest.approx(ndcg(judged, ranking, 10))
    assert found.mrr_at_10 == pytest.approx(0 if first is None else 1 / first)
    for cut in (1, 5, 10, 100):
        share = len(relevant & set(ranking[:cut])) / len(relevant)
        assert getattr(found, f"recall_at_{cut}") == pytest.approx(share)


def test_the_order_given_is_the_order_measured() -> None:
    # The library orders equal scores by name, backwards.
    judged = {"q": {"a": 1}}
    assert ranking_scores(judged, {"q": ["a", "z"]}).mrr_at_10 == 1
    assert ranking_scores(judged, {"q": ["z", "a"]}).mrr_at_10 == 0.5


def test_without_the_extra_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pytrec_eval", None)
    with pytest.raises(MissingExtra, match=r"pip install 'pincite\[eval\]'"):
        require_measures()
