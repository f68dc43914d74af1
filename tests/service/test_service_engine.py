import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from service_fakes import NumberReader, WordEmbedder, fake_engine
from uploading import Gate

from index.embedding import ModelIdentity, Vectors
from index.errors import InvalidQuestion, UnknownDocument
from index.files import file_uri
from index.indexing import Indexer
from index.local_store import LocalStore
from index.outcomes import Outcome
from index.passages import Splitter
from index.reindex import reindex
from index.sandbox.workers import InProcess
from index.store import DocumentSummary, IndexSettings
from service.engine import Engine, find


def _summary(id_: str, uri: str) -> DocumentSummary:
    return DocumentSummary(id_, uri, "title", "text/plain", "0" * 64, 10, 0, 1, "now")


def test_a_document_is_found_by_id_prefix_uri_or_path(tmp_path: Path) -> None:
    path = tmp_path / "a b.txt"
    summaries = [_summary("abcd1111", file_uri(path)), _summary("abce2222", "https://x.example/")]
    for name in ("abcd1111", "abcd", file_uri(path), str(path)):
        assert find(summaries, name) is summaries[0]
    assert find(summaries, "https://x.example/") is summaries[1]


@pytest.mark.parametrize("name", ["", "abc", "zzzz", "/no/such/file", "\udcff", "~nosuchuser/a"])
def test_a_name_that_fits_nothing_is_unknown(name: str) -> None:
    with pytest.raises(UnknownDocument, match="pincite list"):
        find([_summary("abcd1111", "a:b")], name)


def test_a_name_that_fits_several_asks_for_more_of_it() -> None:
    summaries = [_summary("abcd1111", "a:b"), _summary("abcd2222", "a:c")]
    with pytest.raises(UnknownDocument, match=r"2 documents .* give more of the id"):
        find(summaries, "abcd")


def test_a_document_named_twice_is_found_once(engine: Engine) -> None:
    assert [summary.uri for summary in engine.find(["test:pool", "test:pool"])] == ["test:pool"]


def test_an_answer_is_the_slice_that_its_citation_names(engine: Engine) -> None:
    reply = engine.ask("How many books?")
    answer = reply.answers[0]
    document = engine.store.document(answer.citation.document_id)
    assert document.text[answer.citation.start : answer.citation.end] == answer.text
    assert answer.text in ("9", "12", "28")


@pytest.mark.parametrize("question", ["", "  ", "half \ud800", "x" * 10_001])
def test_what_is_no_question_is_refused(engine: Engine, question: str) -> None:
    with pytest.raises(InvalidQuestion):
        engine.ask(question)
    with pytest.raises(InvalidQuestion):
        engine.search(question, 3)


def test_models_are_not_opened_before_they_are_needed(tmp_path: Path) -> None:
    def unwanted() -> WordEmbedder:
        raise AssertionError("opened")

    settings = IndexSettings(WordEmbedder.identity, Splitter())
    store = LocalStore.create(tmp_path / "index", settings)
    engine = Engine(store, unwanted, NumberReader, InProcess)
    assert engine.find([]) == []
    assert not engine.ready
    engine.close()


def test_hits_of_a_document_that_has_gone_are_left_out(engine: Engine) -> None:
    hits = engine.search("pool", 10)
    assert len(engine.locate(hits)) == len(hits)
    engine.remove([engine.find(["test:pool"])[0].id])
    assert {citation.uri for _, citation in engine.locate(hits)} == {"test:library"}


def test_questions_go_on_while_a_document_is_being_added(tmp_path: Path) -> None:
    adding, answered = threading.Event(), threading.Event()

    class SlowEmbedder(WordEmbedder):
        def embed_passages(self, texts: list[str]) -> Vectors:
            if any("slow" in text for text in texts):
                adding.set()
                assert answered.wait(10)
            return super().embed_passages(texts)

    embedder = SlowEmbedder()
    store = LocalStore.create(tmp_path / "index", IndexSettings(embedder.identity, Splitter()))
    engine = Engine(store, lambda: embedder, NumberReader, InProcess)
    engine.add_bytes(b"The pool is 25 metres long.", uri="test:a", name="a.txt")
    writer = threading.Thread(
        target=engine.add_bytes, args=[b"A slow text."], kwargs={"uri": "test:b", "name": "b.txt"}
    )
    writer.start()
    assert adding.wait(10)
    assert engine.ask("How long is the pool?").answers[0].text == "25"
    answered.set()
    writer.join(10)
    assert len(store.documents()) == 2
    engine.close()


def test_a_removal_does_not_wait_for_what_is_being_read(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    original = Indexer.add_bytes

    def waiting(self: Indexer, data: bytes, **told: object) -> list[Outcome]:
        gate()
        return original(self, data, **told)  # type: ignore[arg-type]

    monkeypatch.setattr(Indexer, "add_bytes", waiting)
    adding = threading.Thread(
        target=engine.add_bytes, args=[b"Hello."], kwargs={"uri": "t:1", "name": "a.txt"}
    )
    adding.start()
    assert gate.reached.wait(20)
    engine.remove([document.id for document in engine.store.documents()])
    assert engine.store.documents() == []
    gate.open()
    adding.join(20)
    assert [document.uri for document in engine.store.documents()] == ["t:1"]


class OtherEmbedder(WordEmbedder):
    """Makes other vectors, of another length."""

    dim = 48
    identity = ModelIdentity("others", "1", 48, "1" * 64)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        rows = super().embed_passages(texts)[:, :48]
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def _engine_that_follows(store: LocalStore, opened: list[str]) -> Engine:
    """An engine that opens, and tells the store of, the embedder that the index is made with."""

    def embedder() -> WordEmbedder:
        recorded = store.settings
        found = next(
            e for e in (WordEmbedder(), OtherEmbedder()) if e.identity == recorded.embedder
        )
        store.require(recorded)
        opened.append(found.identity.name)
        return found

    return Engine(store, embedder, NumberReader, InProcess)


def test_an_index_made_anew_meanwhile_is_asked_with_its_own_embedder(tmp_path: Path) -> None:
    store = LocalStore.create(tmp_path / "index", IndexSettings(WordEmbedder.identity, Splitter()))
    opened: list[str] = []
    engine = _engine_that_follows(store, opened)
    engine.add_bytes(b"The pool is 25 metres long.", uri="test:a", name="a.txt")
    assert engine.ask("How long is the pool?").answers[0].text == "25"
    other = LocalStore.open(tmp_path / "index")
    reindex(other, OtherEmbedder(), Splitter(64, 8))
    other.close()
    assert engine.ask("How long is the pool?").answers[0].text == "25"
    assert engine.search("pool", 1)[0].passage.text == "The pool is 25 metres long."
    engine.add_bytes(b"The door is 3 metres high.", uri="test:b", name="b.txt")
    assert engine.settings == IndexSettings(OtherEmbedder.identity, Splitter(64, 8))
    assert engine.ask("How high is the door?").answers[0].text == "3"
    assert opened == ["words", "others"]
    engine.close()


def test_an_edition_switched_during_a_question_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalStore.create(tmp_path / "index", IndexSettings(WordEmbedder.identity, Splitter()))
    opened: list[str] = []
    engine = _engine_that_follows(store, opened)
    engine.add_bytes(b"The pool is 25 metres long.", uri="test:a", name="a.txt")
    switched = False

    class Switching(WordEmbedder):
        def embed_questions(self, texts: Sequence[str]) -> Vectors:
            nonlocal switched
            if not switched:
                switched = True
                other = LocalStore.open(tmp_path / "index")
                reindex(other, OtherEmbedder(), Splitter())
                other.close()
            return super().embed_questions(texts)

    monkeypatch.setattr(engine, "_embedder", Switching())
    assert engine.ask("How long is the pool?").answers[0].text == "25"
    assert opened == ["words", "others"]
    engine.close()


def test_what_changes_the_index_is_stopped_before_it_is_closed(tmp_path: Path) -> None:
    engine = fake_engine(tmp_path / "index")
    counts: list[int] = []
    engine.before_closing(lambda: counts.append(len(engine.store.documents())))
    engine.close()
    engine.close()
    assert counts == [2]


def test_a_document_is_found_by_any_of_its_places(tmp_path: Path) -> None:
    summary = replace(_summary("abcd1111", "a:b"), copies=("a:copy", file_uri(tmp_path / "c.txt")))
    assert find([summary], "a:copy") is find([summary], str(tmp_path / "c.txt")) is summary
