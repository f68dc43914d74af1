"""However many changes an index goes through, it stays healthy and finds what it should."""

import random
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from index.catalog import IndexSettings
from index.doctor import check
from index.documents import Document
from index.indexing import rebuild
from index.passages import Splitter
from index.retriever import Retriever
from index.store import LocalStore
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_entry
from tests.fakes.memory_store import MemoryStore

EMBEDDER = HashEmbedder()
SPLITTER = Splitter(16, 4)
WORDS = ["rent", "whale", "tram", "otter", "lamp", "tulip", "gold", "heron", "attic", "kite"]
NAMES = st.sampled_from("abcdefgh")
CONTENTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=40).map(" ".join)


def healthy(folder: Path) -> bool:
    report = check(folder, EMBEDDER)
    assert report.ok, report
    return True


class Churn(RuleBasedStateMachine):
    """A local store, and beside it one in memory that goes through the same changes."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.splitter = SPLITTER
        start = IndexSettings(EMBEDDER.identity, SPLITTER)
        self.store, self.oracle = LocalStore.create(self.folder, start), MemoryStore(start)

    def _put(self, *documents: Document) -> None:
        entries = [an_entry(document, EMBEDDER, self.splitter) for document in documents]
        self.store.put(entries)
        self.oracle.put(entries)

    @rule(name=NAMES, content=CONTENTS)
    def put(self, name: str, content: str) -> None:
        self._put(a_document(f"test:{name}", content))

    @rule(contents=st.dictionaries(NAMES, CONTENTS, min_size=2))
    def put_many(self, contents: dict[str, str]) -> None:
        self._put(*(a_document(f"test:{name}", text) for name, text in contents.items()))

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        ids = [summary.id for summary in self.oracle.documents()]
        if ids:
            chosen = data.draw(st.lists(st.sampled_from(ids), unique=True, min_size=1))
            self.store.remove(chosen)
            self.oracle.remove(chosen)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = LocalStore.open(self.folder)

    @rule()
    def lose_the_faiss_file(self) -> None:
        self.store.close()
        for part in self.folder.glob("vectors*"):
            part.unlink()
        self.store = LocalStore.open(self.folder)

    @rule()
    def write_from_elsewhere(self) -> None:
        mine = self.store
        self.store = LocalStore.open(self.folder)
        self._put(a_document("test:elsewhere", f"kite {mine.generation}"))
        self.store.close()
        self.store = mine

    @rule(tokens=st.integers(16, 24))
    def rebuild(self, tokens: int) -> None:
        self.splitter = Splitter(tokens, 4)
        for store in (self.store, self.oracle):
            rebuild(store, EMBEDDER, self.splitter)

    @rule(question=CONTENTS)
    def search(self, question: str) -> None:
        hits, expected = (
            Retriever(store, EMBEDDER).search(Retriever(store, EMBEDDER).embed([question])[0], 1000)
            for store in (self.store, self.oracle)
        )
        assert {hit.passage for hit in hits} == {hit.passage for hit in expected}
        for hit in hits:
            text = self.oracle.document(hit.passage.document_id).text
            assert text[hit.passage.start : hit.passage.end] == hit.passage.text

    @invariant()
    def documents_agree(self) -> None:
        if hasattr(self, "store"):
            ours = [self.store.document(s.id) for s in self.store.documents()]
            theirs = [self.oracle.document(s.id) for s in self.oracle.documents()]
            assert ours == theirs
            assert healthy(self.folder)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            healthy(self.folder)
            shutil.rmtree(self.folder)


TestChurn = Churn.TestCase
TestChurn.settings = settings(max_examples=6, stateful_step_count=60, deadline=None)


def test_a_thousand_changes_leave_the_index_healthy(tmp_path: Path) -> None:
    chance = random.Random(20)
    folder = tmp_path / "index"
    store = LocalStore.create(folder, IndexSettings(EMBEDDER.identity, SPLITTER))
    kept: dict[str, Document] = {}
    for step in range(1, 1001):
        action = chance.random()
        if action < 0.8 or not kept:
            text = " ".join(chance.choices(WORDS, k=chance.randint(1, 60)))
            document = a_document(f"test:{chance.randint(1, 400)}", text)
            kept[document.id] = document
            store.put([an_entry(document, EMBEDDER, SPLITTER)])
        elif action < 0.95:
            gone = chance.choice(list(kept))
            del kept[gone]
            store.remove([gone])
        else:
            store.close()
            store = LocalStore.open(folder)
        if step % 10 == 0:
            word = chance.choice(WORDS)
            question = EMBEDDER.embed_questions([word])[0]
            for candidate in store.candidates(word, question, 20):
                passage = candidate.passage
                text = kept[passage.document_id].text
                assert text[passage.start : passage.end] == passage.text
        if step % 50 == 0:
            assert healthy(folder)
    assert {s.id for s in store.documents()} == kept.keys()
    assert all(store.document(id_) == document for id_, document in kept.items())
    store.close()
    assert healthy(folder)
