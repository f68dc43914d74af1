"""Hits that differ from one another, against the definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.diversity import diverse
from index.documents import Hit, Passage
from index.embedding import Vectors
from index.passages import text_in_context

TEXTS = [f"passage {number}" for number in range(8)]


def hit(text: str, score: float) -> Hit:
    return Hit(Passage("d", 0, len(text), text), score, score, 0.0)


def by_text(rows: dict[str, list[float]]) -> dict[str, Vectors]:
    found = {}
    for text, row in rows.items():
        vector = np.array(row, np.float32)
        found[text_in_context(hit(text, 0).passage)] = vector / np.linalg.norm(vector)
    return found


vectors = st.dictionaries(
    st.sampled_from(TEXTS),
    st.lists(st.floats(-1, 1, width=16), min_size=3, max_size=3).filter(
        lambda row: float(np.linalg.norm(row)) > 0.1
    ),
).map(by_text)
hits = st.lists(st.floats(0, 1, width=16), min_size=0, max_size=len(TEXTS)).map(
    lambda scores: [
        hit(text, score) for text, score in zip(TEXTS, sorted(scores, reverse=True), strict=False)
    ]
)


@given(hits=hits, vectors=vectors, k=st.integers(0, 10), diversity=st.floats(0, 1, width=16))
def test_each_is_the_one_that_is_worth_most_beside_those_before(
    hits: list[Hit], vectors: dict[str, Vectors], k: int, diversity: float
) -> None:
    chosen = diverse(hits, vectors, k, diversity)
    assert len(chosen) == min(k, len(hits))
    assert len({id(one) for one in chosen}) == len(chosen)

    def worth(one: Hit, before: list[Hit]) -> float:
        own = vectors.get(text_in_context(one.passage))
        others = [vectors.get(text_in_context(other.passage)) for other in before]
        likeness = [0.0, *(float(own @ it) for it in others if own is not None and it is not None)]
        return (1 - diversity) * one.score - diversity * max(likeness)

    for place, one in enumerate(chosen):
        before = chosen[:place]
        left = [other for other in hits if all(other is not it for it in before)]
        best = max(worth(other, before) for other in left)
        assert worth(one, before) == pytest.approx(best, abs=1e-6)


@given(hits=hits, vectors=vectors, k=st.integers(0, 10))
def test_without_diversity_the_order_stays(
    hits: list[Hit], vectors: dict[str, Vectors], k: int
) -> None:
    assert diverse(hits, vectors, k, 0.0) == hits[:k]


def test_what_is_like_the_best_waits() -> None:
    best, like, other = hit("one", 0.9), hit("two", 0.8), hit("three", 0.5)
    known = by_text({"one": [1, 0], "two": [1, 0.1], "three": [0, 1]})
    assert diverse([best, like, other], known, 3, 0.0) == [best, like, other]
    assert diverse([best, like, other], known, 3, 0.5) == [best, other, like]
