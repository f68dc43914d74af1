"""Folders in BEIR's layout, and what is wrong with them."""

import json
from pathlib import Path
from typing import Any

import pytest

from index.errors import InvalidLabels
from qa.evaluation.beir import CorpusDocument, load_beir


def folder(place: Path, corpus: list[Any], queries: list[Any], qrels: str) -> Path:
    (place / "qrels").mkdir()
    for name, items in (("corpus", corpus), ("queries", queries)):
        text = "".join(json.dumps(item) + "\n" for item in items)
        (place / f"{name}.jsonl").write_text(text, encoding="utf-8")
    (place / "qrels" / "test.tsv").write_text(qrels, encoding="utf-8")
    return place


CORPUS = [
    {"_id": "a", "title": "Rain", "text": "It rains."},
    {"_id": "b", "title": "", "text": "It snows."},
]
QUERIES = [{"_id": "1", "text": "rain?"}, {"_id": "2", "text": "snow?"}, {"_id": 3, "text": "sun?"}]
HEAD = "query-id\tcorpus-id\tscore\n"


def test_a_folder_is_read(tmp_path: Path) -> None:
    place = folder(tmp_path, CORPUS, QUERIES, HEAD + "1\ta\t2\n1\tb\t0\n3\tb\t1\n2\tb\t0\n")
    found = load_beir(place)
    corpus = place / "corpus.jsonl"
    assert found.documents == (
        CorpusDocument("a", "Rain", "It rains.", f"{corpus}:1"),
        CorpusDocument("b", "", "It snows.", f"{corpus}:2"),
    )
    # Nothing is relevant to the second query.
    assert found.queries == {"1": "rain?", "3": "sun?"}
    assert found.judged == {"1": {"a": 2, "b": 0}, "3": {"b": 1}}
    assert found.files == (corpus, place / "queries.jsonl", place / "qrels" / "test.tsv")
    assert found.faults == ()


def test_what_is_wrong_is_named_by_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    corpus = [*CORPUS, {"_id": "a", "text": "x"}, {"_id": "c", "text": ""}, {"text": "x"}]
    queries = [*QUERIES, {"_id": "4"}]
    qrels = HEAD + "1\ta\t1\n9\ta\t1\n1\tz\t1\n1\tc\t1\n1\tb\n1\tb\tmany\n"
    place = folder(tmp_path, corpus, queries, qrels)
    found = load_beir(place)
    assert found.judged == {"1": {"a": 1, "c": 1}}
    assert [one.id for one in found.documents] == ["a", "b"]
    assert [str(fault).removeprefix(f"{place}/") for fault in found.faults] == [
        f"corpus.jsonl:3: has the id 'a' of {place}/corpus.jsonl:1",
        "corpus.jsonl:4: has no text under 'text'; it cannot be found",
        "corpus.jsonl:5: has no text under '_id'",
        "queries.jsonl:4: has no text under 'text'",
        "qrels/test.tsv:3: judges for the query '9', which is not there",
        "qrels/test.tsv:4: judges the document 'z', which is not there",
        "qrels/test.tsv:6: has 2 fields, not query, document and score with tabs",
        "qrels/test.tsv:7: has the score 'many', not a whole number",
    ]


def test_a_folder_without_a_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidLabels, match="no such folder"):
        load_beir(tmp_path / "none")
    with pytest.raises(InvalidLabels, match=r"corpus\.jsonl: no such file"):
        load_beir(tmp_path)
    place = folder(tmp_path, CORPUS, QUERIES, HEAD)
    with pytest.raises(InvalidLabels, match="no query with a relevant document"):
        load_beir(place)
    (place / "qrels" / "test.tsv").unlink()
    with pytest.raises(InvalidLabels, match=r"holds no test\.tsv"):
        load_beir(place)


def test_the_one_file_of_judgements_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    place = folder(tmp_path, CORPUS, QUERIES, "1\ta\t1\n")
    (place / "qrels" / "test.tsv").rename(place / "qrels" / "mine.tsv")
    assert load_beir(place).judged == {"1": {"a": 1}}
