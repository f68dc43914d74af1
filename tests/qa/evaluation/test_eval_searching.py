"""A corpus into an index and its documents out of it, in four orders."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from index.embedding import Vectors
from index.errors import InvalidLabels
from index.passages import Splitter
from index.retriever import Retriever
from index.store import IndexSettings
from qa.evaluation import search_report
from qa.evaluation.beir import CorpusDocument, load_beir
from qa.evaluation.searching import Searcher, fill, search_all
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_intake
from tests.fakes.memory_store import MemoryStore
from tests.fakes.word_reader import WordReader


class CountingEmbedder(HashEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return super().embed_passages(texts)


def corpus(**texts: str) -> list[CorpusDocument]:
    return [
        CorpusDocument(id_, f"Title {id_}", text, f"corpus.jsonl:{number}")
        for number, (id_, text) in enumerate(texts.items(), 1)
    ]


WEATHER = corpus(
    rain="It rains in Paris today.",
    snow="It snows in Oslo today.",
    sun="The sun shines on Rome.",
    fog="Fog lies over London at night.",
)


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
def store(embedder: CountingEmbedder) -> MemoryStore:
    return MemoryStore(IndexSettings(embedder.identity, Splitter()))


@pytest.fixture
def searcher(store: MemoryStore, embedder: CountingEmbedder) -> Searcher:
    fill(store, embedder, WEATHER, lambda _: None)
    return Searcher(Retriever(store, embedder), WordReader(), 2)


def test_every_document_is_in_the_index_under_its_title(
    store: MemoryStore, embedder: CountingEmbedder
) -> None:
    told: list[int] = []
    assert fill(store, embedder, WEATHER, told.append) == []
    assert told == [0, 4]
    assert [summary.uri for summary in store.documents()] == [
        "corpus:fog",
        "corpus:rain",
        "corpus:snow",
        "corpus:sun",
    ]
    assert "Title rain\nIt rains in Paris today." in embedder.texts


def test_what_is_indexed_already_is_not_embedded_again(
    store: MemoryStore, embedder: CountingEmbedder
) -> None:
    fill(store, embedder, WEATHER, lambda _: None)
    embedder.texts.clear()
    changed = [*WEATHER[:2], *corpus(sun="The sun has set.")]
    told: list[int] = []
    fill(store, embedder, changed, told.append)
    assert told == [2, 3]
    assert embedder.texts == ["Title sun\nThe sun has set."]
    assert len(store.documents()) == 3


def test_an_index_of_other_documents_is_refused(
    store: MemoryStore, embedder: CountingEmbedder
) -> None:
    store.put([an_intake(a_document("file:///a.txt", "Mine."), embedder)])
    with pytest.raises(InvalidLabels, match=r"holds file:///a\.txt"):
        fill(store, embedder, WEATHER, lambda _: None)
    assert len(store.documents()) == 1


def test_the_document_that_shares_the_words_is_first_in_every_order(searcher: Searcher) -> None:
    found = searcher.search("q", "Where does the fog lie at night?")
    assert found.query == "q"
    for name in ("lexical", "dense", "fused", "reranked"):
        assert found.rankings[name][0] == "fog"
    assert sorted(found.rankings["dense"]) == ["fog", "rain", "snow", "sun"]
    # "today" stands in two documents; the others share no word.
    assert set(searcher.search("q", "today").rankings["lexical"]) == {"rain", "snow"}


def test_the_reader_orders_only_what_it_read(searcher: Searcher) -> None:
    found = searcher.search("q", "Paris Oslo today rains snows").rankings
    assert set(found["reranked"][:2]) == set(found["fused"][:2])
    assert found["reranked"][2:] == found["fused"][2:]


def test_documents_of_equal_content_are_found_together(
    store: MemoryStore, embedder: CountingEmbedder
) -> None:
    twins = [
        CorpusDocument(id_, "", "Rain falls in Bergen.", f"c:{id_}") for id_ in ("one", "two/é")
    ]
    fill(store, embedder, [*twins, *WEATHER], lambda _: None)
    searcher = Searcher(Retriever(store, embedder), WordReader())
    found = searcher.search("q", "rain in Bergen").rankings["fused"]
    assert found[:2] == ["one", "two/é"]
    assert len(found) == len(set(found)) == 6


def test_more_passages_are_asked_for_until_there_are_enough_documents(
    embedder: CountingEmbedder,
) -> None:
    store = MemoryStore(IndexSettings(embedder.identity, Splitter(16, 0)))
    many = " ".join(f"The rain of day {day} was heavy and cold and long." for day in range(120))
    texts = {f"d{number}": f"Rain number {number}." for number in range(110)}
    fill(store, embedder, corpus(long=many, **texts), lambda _: None)
    found = Searcher(Retriever(store, embedder), WordReader(), 1).search("q", "rain day heavy cold")
    assert len(found.rankings["fused"]) == 100
    assert len(found.rankings["dense"]) == 100


def test_the_report_puts_the_orders_side_by_side(searcher: Searcher, tmp_path: Path) -> None:
    pytest.importorskip("pytrec_eval")
    place = tmp_path
    (place / "qrels").mkdir()
    lines = [json.dumps({"_id": one.id, "title": one.title, "text": one.text}) for one in WEATHER]
    (place / "corpus.jsonl").write_text("\n".join(lines))
    (place / "queries.jsonl").write_text(
        '{"_id": "1", "text": "fog at night"}\n{"_id": "2", "text": "sun"}\n'
    )
    (place / "qrels" / "test.tsv").write_text("1\tfog\t1\n2\train\t2\n")
    beir = load_beir(place)
    told: list[int] = []
    queries = {**beir.queries, "3": "x" * 20_000}
    searched, faults = search_all(searcher, queries, told.append)
    assert told == [1, 2, 3]
    assert [fault.place for fault in faults] == ["query '3'"]
    figures = search_report.search_figures(beir, searched, 4, 2, 1.0)
    assert figures.rankings["fused"].recall_at_1 == 0.5
    assert figures.rankings["fused"].recall_at_100 == 1.0
    assert figures.rankings["lexical"].recall_at_100 == 0.5
    table = search_report.tables(figures)[0]
    assert [row[0] for row in table.rows] == ["lexical", "dense", "fused", "reranked"]
    assert table.rows[2][3] == "0.500"
    predicted = search_report.predictions(searched)
    assert predicted[0]["query"] == "1"
    assert predicted[0]["fused"] == list(searched[0].rankings["fused"])
    assert "fused" in search_report.plots(beir, searched)[0]
    assert all(group.count <= 2 for group in search_report.examples(beir, searched))
