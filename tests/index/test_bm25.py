"""Inverted lists, and BM25 over them, against SQLite's FTS5."""

import sqlite3
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import bm25
from index.analyzer import TOKENIZER, Analyzer, term_key
from index.bm25 import Bm25, Part
from index.errors import DamagedIndex
from index.lexical import content_words, match_query
from index.postings import Row, Segment, build, load, merge, save

ANALYZER = Analyzer()
WORDS = ["rent", "Rents", "whale", "tram", "harbour", "Zürich", "the", "of", "whale_rent"]
words = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


@st.composite
def passages(draw: st.DrawFn) -> list[Row]:
    numbers = draw(st.lists(st.integers(1, 10**12), unique=True, max_size=30).map(sorted))
    return [Row(number, draw(st.integers(1, 5)), draw(words), draw(words)) for number in numbers]


def full_text(rows: Sequence[Row]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE VIRTUAL TABLE t USING fts5 (text, context, tokenize='{TOKENIZER}')")
    connection.executemany(
        "INSERT INTO t (rowid, text, context) VALUES (?, ?, ?)",
        [(row.number, row.text, row.context) for row in rows],
    )
    return connection


def by_full_text(rows: Sequence[Row], question: str) -> dict[int, float]:
    connection = full_text(rows)
    found = connection.execute(
        "SELECT rowid, -bm25(t, 1.0, 0.5) FROM t WHERE t MATCH ?", (match_query(question),)
    ).fetchall()
    connection.close()
    return dict(found)


def cut(rows: Sequence[Row], borders: Sequence[int]) -> list[Segment]:
    edges = [0, *sorted({border for border in borders if 0 < border < len(rows)}), len(rows)]
    return [build(rows[first:end], ANALYZER) for first, end in pairwise(edges)]


def same(one: Segment, other: Segment) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in Segment.__slots__
    )


def expected_best(scores: dict[int, float], k: int, kept: Sequence[Row]) -> list[tuple[int, float]]:
    among = {row.number for row in kept}
    found = [(number, score) for number, score in scores.items() if number in among]
    return sorted(found, key=lambda pair: (-round(pair[1], 9), pair[0]))[:k]


question = st.lists(st.sampled_from([*WORDS, "otter"]), min_size=1, max_size=5).map(" ".join)


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(
    rows=passages(),
    question=question,
    k=st.integers(1, 12),
    borders=st.lists(st.integers(1, 29), max_size=3),
    gone=st.sets(st.integers(0, 29)),
    documents=st.none() | st.sets(st.integers(1, 5)),
    many=st.booleans(),
)
def test_it_finds_and_scores_what_full_text_search_does(
    rows: list[Row],
    question: str,
    k: int,
    borders: list[int],
    gone: set[int],
    documents: set[int] | None,
    many: bool,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if not many:  # the rest of the lists is left out as if they were long
            patch.setattr(bm25, "_WORTH_LOOKING", -1)
            patch.setattr(bm25, "_FEW", 100)
            patch.setattr(bm25, "_CHEAPER", 0)
        parts = [Part(segment) for segment in cut(rows, borders)]
        removed = np.array(
            [row.number for at, row in enumerate(rows) if at in gone], dtype=np.int64
        )
        for part in parts:
            part.remove(removed)
        left = [row for at, row in enumerate(rows) if at not in gone]
        scores = by_full_text(left, question)
        terms = ANALYZER.keys_of(content_words(question))
        ranking = Bm25(parts)
        within = None
        if documents is not None:
            wanted = np.array(sorted(documents), dtype=np.int64)
            within = [np.isin(part.segment.documents, wanted) for part in parts]
        kept = [row for row in left if documents is None or row.document in documents]
        found = ranking.best(terms, k, within)
        expected = expected_best(scores, k, kept)
        assert [number for number, _ in found] == [number for number, _ in expected]
        assert [score for _, score in found] == pytest.approx([score for _, score in expected])
        numbers = [row.number for row in rows] + [0, 10**13]
        given_scores = ranking.scores(terms, np.array(numbers, dtype=np.int64))
        assert given_scores.tolist() == pytest.approx([scores.get(n, 0.0) for n in numbers])


@given(
    rows=passages(),
    borders=st.lists(st.integers(1, 29), max_size=4),
    gone=st.sets(st.integers(0, 29)),
)
def test_merged_segments_are_as_if_made_in_one(
    rows: list[Row], borders: list[int], gone: set[int]
) -> None:
    segments, parts, first = cut(rows, borders), [], 0
    for segment in segments:
        mask = np.array([first + at not in gone for at in range(len(segment))], dtype=np.bool_)
        parts.append((segment, None if mask.all() else mask))
        first += len(segment)
    left = [row for at, row in enumerate(rows) if at not in gone]
    assert same(merge(parts), build(left, ANALYZER))


def test_segments_that_do_not_follow_one_another_are_not_merged() -> None:
    first, second = (build([Row(number, 1, "rent", "")], ANALYZER) for number in (7, 3))
    for wrong in ((first, second), (first, first)):
        with pytest.raises(ValueError, match="do not ascend"):
            merge([(one, None) for one in wrong])


@given(rows=passages())
def test_a_segment_comes_back_from_its_file(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> None:
    path = tmp_path_factory.mktemp("lists") / "one.lists"
    segment = build(rows, ANALYZER)
    save(segment, path)
    assert same(load(path), segment)


def test_of_many_passages_the_best_are_found_without_looking_at_all_lists() -> None:
    chance = np.random.default_rng(7)
    frequent, rare = "the", "whale"
    rows = [
        Row(
            number,
            1,
            f"{rare} " * int(chance.integers(0, 5) * (number % 97 == 0))
            + f"{frequent} " * int(chance.integers(0, 9))
            + "tram " * int(chance.integers(0, 20)),
            "",
        )
        for number in range(1, 30_001)
    ]
    segments = [build(rows[first : first + 10_000], ANALYZER) for first in range(0, 30_000, 10_000)]
    ranking = Bm25([Part(segment) for segment in segments])
    question = f"{rare} {frequent} tram"
    found = ranking.best(ANALYZER.keys_of(question.split()), 20)
    connection = full_text(rows)
    expected = connection.execute(
        """SELECT rowid, -bm25(t, 1.0, 0.5) AS score FROM t WHERE t MATCH ?
           ORDER BY score DESC, rowid LIMIT 20""",
        (" OR ".join(question.split()),),
    ).fetchall()
    connection.close()
    assert [score for _, score in found] == pytest.approx([score for _, score in expected])
    assert {number for number, _ in found[:15]} <= {number for number, _ in expected}


def test_a_word_counts_127_times_and_a_half_at_most() -> None:
    segment = build([Row(1, 1, "rent " * 300, "rent"), Row(2, 1, "rent tram", "")], ANALYZER)
    first, end = segment.list_of(term_key("rent"))
    assert segment.counts[first:end].tolist() == [255, 2]
    assert segment.lengths.tolist() == [301, 2]


def test_of_nothing_there_is_nothing_best() -> None:
    terms = ANALYZER.keys_of(["rent"])
    assert Bm25([]).best(terms, 5) == []
    assert Bm25([Part(build([], ANALYZER))]).best(terms, 5) == []
    ranking = Bm25([Part(build([Row(1, 1, "rent", "")], ANALYZER))])
    assert ranking.best([], 5) == []
    assert ranking.best(terms, 0) == []


def test_a_file_that_is_cut_or_not_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.lists"
    save(build([Row(n, 1, "rent of a tram", "whale") for n in range(50)], ANALYZER), path)
    data = path.read_bytes()
    for damaged in (b"", b"nonsense", data[:-1], data[:100], data[128:]):
        path.write_bytes(damaged)
        with pytest.raises(DamagedIndex, match=r"one\.lists: is not as it was written"):
            load(path)
