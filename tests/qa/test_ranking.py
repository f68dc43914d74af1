"""Pooling spans over passages, dropping overlaps, and putting together what says the same."""

import re
import string
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.documents import Hit, Passage
from qa.answers import Span
from qa.ranking import Quote, Ranked, normalized, pool, rank
from qa.reader import Reading

TEXT = "In Paris it rains. The Seine is wet. Rain in Paris, rain on the Seine!"


def hit(start: int, end: int, document: str = "d", score: float = 0.0, text: str = TEXT) -> Hit:
    return Hit(Passage(document, start, end, text[start:end], "Weather"), score, 0.0, 0.0)


def reading(*spans: tuple[int, int, float]) -> Reading:
    return Reading(tuple(Span(*span) for span in spans))


def texts(ranked: list[Ranked]) -> list[list[str]]:
    return [[quote.text for quote in (found.best, *found.others)] for found in ranked]


def test_offsets_in_a_passage_become_offsets_in_its_document() -> None:
    [found] = rank([hit(19, 36)], [reading((4, 9, 1.5))])
    assert found == Ranked(Quote("d", 23, 28, "Seine", 1.5, 1.5, hit(19, 36)), ())
    assert TEXT[23:28] == "Seine"


def test_without_spans_there_is_nothing_to_rank() -> None:
    assert rank([], []) == []
    assert rank([hit(0, 18)], [Reading(())]) == []


def test_hits_and_readings_must_match() -> None:
    with pytest.raises(ValueError, match="zip"):
        rank([hit(0, 18)], [])


def test_of_overlapping_quotes_the_best_stays() -> None:
    ranked = rank([hit(0, 36)], [reading((3, 8, 1.0), (0, 8, 3.0), (3, 17, 2.0), (23, 28, 0.5))])
    assert texts(ranked) == [["In Paris"], ["Seine"]]


def test_quotes_that_touch_do_not_overlap() -> None:
    assert texts(rank([hit(0, 18)], [reading((0, 3, 1.0), (3, 8, 2.0))])) == [["Paris"], ["In "]]


def test_the_same_place_read_in_two_passages_is_one_quote() -> None:
    ranked = rank([hit(0, 36), hit(19, 70)], [reading((23, 28, 1.0)), reading((4, 9, 2.0))])
    assert ranked == [Ranked(Quote("d", 23, 28, "Seine", 2.0, 2.0, hit(19, 70)), ())]


def test_the_same_place_of_two_documents_is_two_quotes() -> None:
    ranked = rank([hit(0, 18, "b"), hit(0, 18, "a")], [reading((3, 8, 1.0)), reading((3, 8, 1.0))])
    assert [(found.best.document_id, len(found.others)) for found in ranked] == [("a", 1)]


def test_quotes_that_say_the_same_become_one_answer_with_all_places_best_first() -> None:
    ranked = rank(
        [hit(0, 36), hit(37, 70), hit(19, 36, "e")],
        [
            reading((23, 28, 1.0), (3, 8, 2.0)),
            reading((23, 32, 3.0)),
            reading((0, 9, 4.0)),
        ],
    )
    assert texts(ranked) == [["The Seine", "the Seine", "Seine"], ["Paris"]]
    assert [quote.score for quote in (ranked[0].best, *ranked[0].others)] == [4.0, 3.0, 1.0]


def test_a_passage_adds_its_share_to_its_quotes() -> None:
    hits = [hit(0, 18, score=0.9), hit(19, 36, score=0.1)]
    readings = [reading((3, 8, 1.0)), reading((4, 9, 2.0))]
    assert texts(rank(hits, readings)) == [["Seine"], ["Paris"]]
    weighted = rank(hits, readings, retrieval_weight=10.0)
    assert texts(weighted) == [["Paris"], ["Seine"]]
    assert [found.best.score for found in weighted] == [10.0, 3.0]


def test_equal_scores_come_by_document_and_place() -> None:
    hits = [hit(0, 70, "b"), hit(0, 70, "a")]
    readings = [reading((23, 28, 1.0)), reading((23, 28, 1.0), (3, 8, 1.0), (12, 17, 1.0))]
    ranked = rank(hits, readings)
    assert texts(ranked) == [["Paris"], ["rains"], ["Seine", "Seine"]]
    assert [q.document_id for q in (ranked[2].best, *ranked[2].others)] == ["a", "b"]


@st.composite
def read_hits(draw: st.DrawFn) -> tuple[dict[str, str], list[Hit], list[Reading]]:
    alphabet = st.sampled_from([*"abAB  .,\n", "the", "é", "\u0301", "😀", "א"])
    documents = {name: "".join(draw(st.lists(alphabet, min_size=4, max_size=30))) for name in "xyz"}
    hits, readings = [], []
    for _ in range(draw(st.integers(0, 4))):
        name = draw(st.sampled_from("xyz"))
        size = len(documents[name])
        start = draw(st.integers(0, size - 2))
        end = draw(st.integers(start + 1, size))
        spans = []
        for _ in range(draw(st.integers(0, 6))):
            first = draw(st.integers(0, end - start - 1))
            last = draw(st.integers(first + 1, end - start))
            spans.append(Span(first, last, draw(st.integers(-4, 4)) / 2))
        score = draw(st.integers(0, 4)) / 4
        hits.append(hit(start, end, name, score, documents[name]))
        readings.append(Reading(tuple(spans)))
    return documents, hits, readings


@given(read_hits(), st.sampled_from([0.0, 0.5, 8.0]))
def test_the_laws_of_ranking(
    read: tuple[dict[str, str], list[Hit], list[Reading]], weight: float
) -> None:
    documents, hits, readings = read
    ranked = rank(hits, readings, weight)
    quotes = [quote for found in ranked for quote in (found.best, *found.others)]

    for quote in quotes:
        assert documents[quote.document_id][quote.start : quote.end] == quote.text
    for place, quote in enumerate(quotes):
        assert not any(quote.overlaps(other) for other in quotes[:place])
    for found in ranked:
        assert {normalized(quote.text) for quote in found.others} <= {normalized(found.best.text)}
        scores = [quote.score for quote in (found.best, *found.others)]
        assert scores == sorted(scores, reverse=True)
    assert len({normalized(found.best.text) for found in ranked}) == len(ranked)
    best = [found.best.score for found in ranked]
    assert best == sorted(best, reverse=True)

    for passage_hit, one in zip(hits, readings, strict=True):
        for span in one.spans:
            start = passage_hit.passage.start + span.start
            end = passage_hit.passage.start + span.end
            score = span.score + weight * passage_hit.score
            assert any(
                quote.document_id == passage_hit.passage.document_id
                and quote.start < end
                and start < quote.end
                and quote.score >= score
                for quote in quotes
            ), "a quote was dropped that no better one overlaps"


@given(read_hits(), st.sampled_from([0.0, 0.5, 8.0]))
def test_of_all_quotes_those_are_kept_that_no_better_one_overlaps(
    read: tuple[dict[str, str], list[Hit], list[Reading]], weight: float
) -> None:
    _, hits, readings = read
    kept: list[Quote] = []
    for quote in sorted(
        pool(hits, readings, weight),
        key=lambda one: (-one.score, one.document_id, one.start, one.end),
    ):
        if not any(quote.overlaps(other) for other in kept):
            kept.append(quote)
    ranked = rank(hits, readings, weight)
    assert [found.best for found in ranked] == [
        quote
        for place, quote in enumerate(kept)
        if all(normalized(quote.text) != normalized(other.text) for other in kept[:place])
    ]
    found = [quote for one in ranked for quote in (one.best, *one.others)]
    assert sorted(found, key=kept.index) == kept


def test_thousands_of_quotes_are_ranked_at_once() -> None:
    text = "ab " * 4_000
    spans = [(3 * at, 3 * at + 2, float(at % 7)) for at in range(4_000)]
    hits = [hit(0, len(text), text=text)]
    readings = [reading(*spans)]
    began = process_time()
    (found,) = rank(hits, readings)
    assert process_time() - began < 0.5
    assert len(found.others) == 3_999


@given(read_hits(), st.randoms())
def test_the_order_of_hits_does_not_matter(
    read: tuple[dict[str, str], list[Hit], list[Reading]], random: object
) -> None:
    _, hits, readings = read
    pairs = list(zip(hits, readings, strict=True))
    random.shuffle(pairs)  # type: ignore[attr-defined]
    assert rank([h for h, _ in pairs], [r for _, r in pairs], 1.0) == rank(hits, readings, 1.0)


def official(text: str) -> str:
    """The steps of SQuAD's evaluation: lower case, punctuation, articles, white space."""
    text = text.lower()
    text = "".join(character for character in text if character not in set(string.punctuation))
    text = re.sub(r"\b(a|an|the)\b", " ", text)
    return " ".join(text.split())


TYPOGRAPHIC = "“”‘’«»„…–—"
WORDS = st.lists(
    st.one_of(
        st.sampled_from([*string.punctuation, " ", "\t", "\n", "\u00a0", "\u3000", "É", "ß", "İ"]),
        st.sampled_from(["a", "an", "the", "The", "AN", "A", "than", "a-b", "cat", "7", "o'clock"]),
        st.characters(exclude_characters=TYPOGRAPHIC, exclude_categories=["Cs"]),
    ),
    max_size=12,
).map("".join)


@given(WORDS)
def test_texts_are_compared_as_the_official_evaluation_does(text: str) -> None:
    expected = official(text)
    if expected:
        assert normalized(text) == expected


@given(WORDS, st.sampled_from(TYPOGRAPHIC), WORDS)
def test_typographic_punctuation_counts_as_punctuation(left: str, mark: str, right: str) -> None:
    assert normalized(left + mark + right) == normalized(left + "!" + right) or not official(
        left + right
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Eiffel Tower,", "eiffel tower"),
        ("“28 days”", "28 days"),
        ("1914–1918", "19141918"),
        ("an apple a day", "apple day"),
        ("Theatre", "theatre"),
        ("The", "the"),
        (" ?! ", "?!"),
        ("", ""),
    ],
)
def test_examples_of_normalized_texts(text: str, expected: str) -> None:
    assert normalized(text) == expected


@given(st.text(max_size=12))
def test_only_white_space_normalizes_to_nothing(text: str) -> None:
    assert bool(normalized(text)) == bool(text.strip())
