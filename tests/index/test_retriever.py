"""Dense and lexical search, fused."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.documents import Passage
from index.errors import InvalidQuestion
from index.filters import parse
from index.passages import Splitter
from index.retriever import DENSE_WEIGHT, MOST_CHARACTERS, MOST_POOL, POOL, Retriever, fuse
from index.store import Candidate, IndexSettings, PassageStore
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_intake
from tests.fakes.memory_store import MemoryStore


def candidate(document: str, start: int, dense: float, lexical: float) -> Candidate:
    return Candidate(Passage(document, start, start + 3, "abc"), dense, lexical)


candidates = st.lists(
    st.builds(
        candidate,
        st.sampled_from("abc"),
        st.integers(0, 9),
        st.floats(-1, 1),
        st.just(0.0) | st.floats(0, 1e6),
    ),
    unique_by=lambda item: item.passage.id,
)


@given(candidates=candidates)
def test_scores_lie_between_0_and_1_and_the_best_comes_first(candidates: list[Candidate]) -> None:
    hits = fuse(candidates)
    assert {hit.passage for hit in hits} == {item.passage for item in candidates}
    assert len(hits) == len(candidates)
    scores = [hit.score for hit in hits]
    assert all(0 <= score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)


@given(candidates=candidates, data=st.data())
def test_the_order_of_the_candidates_does_not_matter(
    candidates: list[Candidate], data: st.DataObject
) -> None:
    assert fuse(candidates) == fuse(data.draw(st.permutations(candidates)))


@given(candidates=candidates)
def test_better_on_both_sides_is_better(candidates: list[Candidate]) -> None:
    hits = fuse(candidates)
    for place, better in enumerate(hits):
        for worse in hits[:place]:
            assert not (
                better.dense_score > max(0, worse.dense_score) + 1e-6
                and better.lexical_score >= worse.lexical_score
            )


def test_the_score_is_the_weighted_mean_of_cosine_and_share_of_the_best_bm25() -> None:
    hits = fuse([candidate("a", 0, 0.5, 2.0), candidate("b", 0, -0.4, 8.0)])
    assert [(hit.passage.document_id, hit.score) for hit in hits] == [
        ("a", pytest.approx(DENSE_WEIGHT * 0.5 + (1 - DENSE_WEIGHT) * 0.25)),
        ("b", pytest.approx(1 - DENSE_WEIGHT)),
    ]
    assert [(hit.dense_score, hit.lexical_score) for hit in hits] == [(0.5, 2.0), (-0.4, 8.0)]


def test_equal_scores_are_in_the_order_of_document_and_place() -> None:
    ties = [candidate(d, s, 0.5, 1.0) for d, s in (("b", 0), ("a", 9), ("a", 2))]
    places = [(hit.passage.document_id, hit.passage.start) for hit in fuse(ties)]
    assert places == [("a", 2), ("a", 9), ("b", 0)]


def test_where_no_word_is_shared_the_cosine_alone_counts() -> None:
    (hit,) = fuse([candidate("a", 0, 1.0, 0.0)])
    assert hit.score == DENSE_WEIGHT
    assert fuse([]) == []


@pytest.fixture
def retriever() -> Iterator[Retriever]:
    embedder = HashEmbedder()
    store = MemoryStore(IndexSettings(embedder.identity, Splitter()))
    store.put(
        [
            an_intake(a_document(f"test:{n}", f"The rent of flat number{n} is due."), embedder)
            for n in range(POOL + 20)
        ]
    )
    yield Retriever(store, embedder)
    store.close()


def test_the_best_k_are_given_best_first(retriever: Retriever) -> None:
    (query,) = retriever.embed(["rent of flat number7"])
    for k in (1, 5, POOL + 10):
        hits = retriever.search(query, k)
        assert len(hits) == k
        assert "number7 " in hits[0].passage.text
        assert hits == sorted(hits, key=lambda hit: -hit.score)


def test_a_filter_reaches_documents_beyond_the_best(retriever: Retriever) -> None:
    (query,) = retriever.embed(["rent of flat number7"])
    wanted = a_document("test:61", "").id
    assert [h.passage.document_id for h in retriever.search(query, 5, [wanted])] == [wanted]


def test_the_documents_named_and_those_that_fit_a_filter_are_looked_in(
    retriever: Retriever,
) -> None:
    (query,) = retriever.embed(["rent of flat number7"])
    three, four, five = (a_document(f"test:{n}", "").id for n in (3, 4, 5))

    def looked_in(within: list[str] | None, *conditions: str) -> set[str]:
        hits = retriever.search(query, 2 * POOL, within, parse(conditions))
        return {hit.passage.document_id for hit in hits}

    assert len(looked_in(None)) == POOL + 20
    assert looked_in([three]) == {three}
    assert looked_in(None, "uri=test:3") == {three}
    assert looked_in([five, four], "uri!=test:5") == {four}
    assert looked_in([five], "uri!=test:5") == set()
    assert len(looked_in(None, "uri!=test:5")) == POOL + 19


def test_passages_unlike_those_before_them_can_be_preferred() -> None:
    embedder = HashEmbedder()
    store = MemoryStore(IndexSettings(embedder.identity, Splitter()))
    about = [f"The rent of the flat is due on day {n} of the month." for n in range(20)]
    texts = [*about, "The rent was never paid by the whale."]
    store.put([an_intake(a_document(f"test:{n}", t), embedder) for n, t in enumerate(texts)])
    retriever = Retriever(store, embedder)
    (query,) = retriever.embed(["rent of the flat"])
    plain, varied = (retriever.search(query, 2, diversity=share) for share in (0.0, 0.9))
    assert all("due" in hit.passage.text for hit in plain)
    assert varied[0] == plain[0]
    assert "whale" in varied[1].passage.text
    assert len(retriever.search(query, 2 * POOL, diversity=0.5)) == len(texts)


def copied(copies: int) -> tuple[Retriever, PassageStore]:
    """An index where many documents say the same, and three say something else."""
    embedder = HashEmbedder()
    store = MemoryStore(IndexSettings(embedder.identity, Splitter()))
    terms = "It is to be paid on the first working day of a month. " * 3
    texts = [f"{terms}The rent of flat number7 is due."] * copies
    texts += [f"The rent of flat number{n} is late." for n in (7, 8, 9)]
    store.put(
        [an_intake(a_document(f"test:{n}", t, title=f"{n}"), embedder) for n, t in enumerate(texts)]
    )
    return Retriever(store, embedder), store


@pytest.mark.parametrize("copies", [3, POOL - 1, POOL, 5 * POOL])
def test_duplicates_do_not_crowd_out_other_passages(copies: int) -> None:
    retriever, _ = copied(copies)
    (query,) = retriever.embed(["rent of flat number7"])
    hits = retriever.search(query, 4)
    assert sorted(hit.passage.text for hit in hits)[0].endswith("number7 is due.")
    assert len({hit.passage.text for hit in hits}) == 4
    [best] = [hit for hit in hits if hit.passage.text.endswith("due.")]
    assert {passage.text for passage in best.duplicates} == {best.passage.text}
    assert len(best.duplicates) == len({passage.document_id for passage in best.duplicates})
    assert min(copies, POOL) - 1 <= len(best.duplicates) <= copies - 1


def test_where_nearly_everything_is_a_duplicate_the_search_still_ends() -> None:
    retriever, store = copied(MOST_POOL + 50)
    (query,) = retriever.embed(["rent of flat number7"])
    hits = retriever.search(query, 10)
    assert 1 <= len(hits) <= 4
    assert len(store.documents()) == MOST_POOL + 53


def test_one_question_is_a_batch_of_one(retriever: Retriever) -> None:
    questions = ["rent", " flat \n", "who?"]
    batch = retriever.embed(questions)
    assert [query.text for query in batch] == ["rent", "flat", "who?"]
    for question, query in zip(questions, batch, strict=True):
        (alone,) = retriever.embed([question])
        assert alone.vector.tolist() == query.vector.tolist()


@pytest.mark.parametrize("question", ["", " \n\t", "x" * (MOST_CHARACTERS + 1)])
def test_an_empty_or_endless_question_is_refused(retriever: Retriever, question: str) -> None:
    with pytest.raises(InvalidQuestion, match=r"is empty|at most 10,000"):
        retriever.embed(["rent", question])
