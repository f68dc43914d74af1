"""Dense and lexical search, fused into one list of hits."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from index.diversity import diverse
from index.documents import Hit
from index.duplicates import distinct
from index.embedding import Embedder, Vectors
from index.errors import InvalidQuestion
from index.filters import EVERYTHING, Filter
from index.passages import text_in_context
from index.store import Candidate, PassageStore

# Each side is asked for this many, so that a passage both sides rank fairly well is not missed.
POOL = 50

# Where most of those are duplicates, more are asked for, up to this many.
MOST_POOL = 16 * POOL

# The share of the dense score in a hit's score; ARCHITECTURE.md has the figures behind it.
DENSE_WEIGHT = 0.65

MOST_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class Query:
    """A question ready for searching; `vector` is float32 `(dim,)`, of length 1."""

    text: str
    vector: Vectors


class Retriever:
    """Finds the passages of a store that a question is about."""

    def __init__(self, store: PassageStore, embedder: Embedder) -> None:
        self.store = store
        self._embedder = embedder

    def embed(self, questions: Sequence[str]) -> list[Query]:
        """Prepare questions for searching.

        Raises:
            InvalidQuestion: one is empty or too long.
        """
        texts = [checked(question) for question in questions]
        return [
            Query(text, vector)
            for text, vector in zip(texts, self._embedder.embed_questions(texts), strict=True)
        ]

    def search(
        self,
        query: Query,
        k: int,
        within: Collection[str] | None = None,
        where: Filter = EVERYTHING,
        diversity: float = 0.0,
    ) -> list[Hit]:
        """The `k` best passages, best first, of the documents that fit `where`.

        `within` names the documents to look in, by id; None for all. With `diversity`, up to 1,
        passages that are unlike those before them are preferred, see `diverse`; the first is always
        the best.

        Passages that say only what better ones of another document say are not among them, but
        among the `duplicates` of those.
        """
        pool = max(POOL, k)
        wanted = pool if diversity else k
        while True:
            candidates = self.store.candidates(query.text, query.vector, pool, within, where)
            hits = distinct(fuse(candidates), wanted)
            if len(hits) >= k or len(candidates) < pool or pool >= MOST_POOL:
                break
            pool *= 4
        if not diversity:
            return hits
        vectors = self.store.known_vectors([text_in_context(hit.passage) for hit in hits])
        return diverse(hits, vectors, k, diversity)


def checked(question: str) -> str:
    """The question without white space at its ends.

    Raises:
        InvalidQuestion: it is empty, or longer than `MOST_CHARACTERS`.
    """
    text = question.strip()
    if not text:
        raise InvalidQuestion("the question is empty; ask something")
    if len(text) > MOST_CHARACTERS:
        raise InvalidQuestion(
            f"the question has {len(text):,} characters, at most {MOST_CHARACTERS:,} are taken; "
            "shorten it"
        )
    return text


def fuse(candidates: Sequence[Candidate], dense_weight: float = DENSE_WEIGHT) -> list[Hit]:
    """Order candidates by a weighted mean of both scores, best first; equal ones by their place.

    The cosine counts as it is, where it is positive; BM25, which has no upper bound, as a share of
    the best BM25 among the candidates. So the score lies in [0, 1]. See Bruch, Gai and Ingber,
    "An Analysis of Fusion Functions for Hybrid Retrieval" (2023).
    """
    best = max((candidate.lexical_score for candidate in candidates), default=0.0)
    hits = [
        Hit(
            candidate.passage,
            dense_weight * max(0.0, candidate.dense_score)
            + (1 - dense_weight) * (candidate.lexical_score / best if best > 0 else 0.0),
            candidate.dense_score,
            candidate.lexical_score,
        )
        for candidate in candidates
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.passage.document_id, hit.passage.start))
