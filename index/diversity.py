"""Hits that differ from one another; pure."""

from collections.abc import Mapping, Sequence

import numpy as np

from index.documents import Hit
from index.embedding import Vectors
from index.passages import text_in_context


def diverse(
    hits: Sequence[Hit], vectors: Mapping[str, Vectors], k: int, diversity: float
) -> list[Hit]:
    """`k` of the hits, in the order in which they are chosen: by maximal marginal relevance.

    Each next one has the greatest `(1 - diversity) * score - diversity * likeness`, where its
    likeness is its greatest cosine to one that was chosen before it, where that is positive; of
    equal ones the first of `hits`. `diversity` lies in [0, 1]: 0 leaves the order by score.
    `vectors` has the float32 `(dim,)` vectors, of length 1, of passages, by their text in context;
    one that is missing is like no other. See Carbonell and Goldstein, "The Use of MMR,
    Diversity-Based Reranking for Reordering Documents and Producing Summaries" (1998).
    """
    if not hits:
        return []
    scores = np.array([hit.score for hit in hits])
    cosines = _cosines(hits, vectors)
    likeness = np.zeros(len(hits))
    left = np.ones(len(hits), dtype=bool)
    chosen: list[Hit] = []
    for _ in range(min(k, len(hits))):
        worth = np.where(left, (1 - diversity) * scores - diversity * likeness, -np.inf)
        place = int(np.argmax(worth))
        chosen.append(hits[place])
        left[place] = False
        likeness = np.maximum(likeness, cosines[place])
    return chosen


def _cosines(hits: Sequence[Hit], vectors: Mapping[str, Vectors]) -> Vectors:
    known = [vectors.get(text_in_context(hit.passage)) for hit in hits]
    dim = max((len(vector) for vector in known if vector is not None), default=1)
    rows = np.stack([np.zeros(dim, np.float32) if one is None else one for one in known])
    cosines: Vectors = rows @ rows.T
    return cosines
