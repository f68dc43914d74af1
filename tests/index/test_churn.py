"""However many changes an index goes through, it stays healthy and finds what it should."""

import random
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from index.boxes import pack, unplaced
from index.doctor import check
from index.documents import Cell, Document, Page, Part, Problem
from index.errors import IncompatibleIndex
from index.local_store import LocalStore
from index.passages import Splitter
from index.store import IndexSettings, Intake, Origin, PassageStore
from index.vector_kinds import Kinds
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_entry
from tests.fakes.memory_store import MemoryStore

EMBEDDERS = {name: HashEmbedder(name=name) for name in ("hash", "other")}
SPLITTER = Splitter(16, 4)
WORDS = ["rent", "whale", "tram", "otter", "lamp", "tulip", "gold", "heron", "attic", "kite"]
ORIGINS = st.sampled_from([f"file:///{name}" for name in "abcdef"])
# Few words in few orders, so that equal contents are common.
CONTENTS = st.lists(st.sampled_from(WORDS[:3]), min_size=1, max_size=2).map(" ".join) | st.lists(
    st.sampled_from(WORDS), min_size=1, max_size=40
).map(" ".join)
MEMBERS = st.dictionaries(
    st.sampled_from(["", "!/x.txt", "!/deep/y.z"]), CONTENTS, min_size=1, max_size=3
)


def a_file(uri: str, text: str) -> Document:
    """A document of this text; what else it has depends on the text alone."""
    document = a_document(uri, text)
    kind = sum(text.encode()) % 4
    if kind == 0:
        return replace(document, title=text[:9])
    if kind == 1:
        page = Page(1, 0, len(text), pack(unplaced(len(text)), (595, 842)))
        return replace(document, title="stated", pages=(page,), metadata={"words": text[:20]})
    title = uri.rsplit("/", 1)[1]
    if kind == 2:
        cell, part = Cell(0, len(text), 1, 1), Part("sheet", "One", 0, len(text))
        document = replace(document, parts=(part,), cells=(cell,))
    return replace(document, title=title.split(".")[0], title_from_name=True)


def an_origin(uri: str, members: dict[str, str]) -> Origin:
    return Origin(uri, sha256(repr(sorted(members.items())).encode()).hexdigest(), "1")


def healthy(folder: Path, embedder: HashEmbedder) -> bool:
    report = check(folder, embedder)
    assert report.ok, report
    return True


# So that tens of vectors are many.
SMALL = Kinds(exact_up_to=5, loose=3, loose_share=0.0)


class Churn(RuleBasedStateMachine):
    """A local store, and beside it one in memory that goes through the same changes."""

    kinds = Kinds()

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        start = IndexSettings(EMBEDDERS["hash"].identity, SPLITTER)
        self.store: LocalStore = LocalStore.create(self.folder, start, self.kinds)
        self.oracle = MemoryStore(start)
        self.begun = False

    @property
    def embedder(self) -> HashEmbedder:
        return EMBEDDERS[self.oracle.settings.embedder.name]

    def _put(self, *intakes: Intake) -> None:
        assert self.store.put(intakes) == self.oracle.put(intakes)

    def _intake(
        self, uri: str, members: dict[str, str], problems: Sequence[Problem] = ()
    ) -> Intake:
        entries = [
            an_entry(a_file(uri + name, text), self.embedder, self.oracle.settings.splitter)
            for name, text in members.items()
        ]
        return Intake(an_origin(uri, members), entries, problems)

    @rule(uri=ORIGINS, members=MEMBERS)
    def put(self, uri: str, members: dict[str, str]) -> None:
        self._put(self._intake(uri, members))

    @rule(contents=st.dictionaries(ORIGINS, MEMBERS, min_size=2, max_size=4))
    def put_many(self, contents: dict[str, dict[str, str]]) -> None:
        self._put(*(self._intake(uri, members) for uri, members in contents.items()))

    @rule(uri=ORIGINS, members=st.just({}) | MEMBERS)
    def put_problems(self, uri: str, members: dict[str, str]) -> None:
        problems = [Problem(f"{uri}!/bad", "bad: is damaged"), Problem(uri, "x", unsupported=True)]
        self._put(self._intake(uri, members, problems))

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        ids = [summary.id for summary in self.oracle.documents()]
        if ids:
            chosen = data.draw(st.lists(st.sampled_from(ids), unique=True, min_size=1, max_size=3))
            self.store.remove(chosen)
            self.oracle.remove(chosen)

    @rule(
        pairs=st.lists(st.tuples(ORIGINS, ORIGINS), max_size=4, unique_by=lambda pair: pair[0]),
        gone=st.lists(ORIGINS, max_size=2),
        move=st.booleans(),
    )
    def rearrange(self, pairs: list[tuple[str, str]], gone: list[str], move: bool) -> None:
        known = {state.origin.uri: state.origin for state in self.oracle.origins()}
        copies = [
            (replace(known.get(source, Origin("", "", "never")), uri=uri), source)
            for uri, source in pairs
        ]
        if move:
            gone = [source for _, source in pairs if source not in dict(pairs)]
        assert self.store.rearrange(copies, gone) == self.oracle.rearrange(copies, gone)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = LocalStore.open(self.folder, self.kinds)
        self.begun = False

    @rule()
    def lose_the_faiss_file(self) -> None:
        self.reopen()
        self.store.close()
        for part in self.folder.glob("vectors*"):
            part.unlink()
        self.store = LocalStore.open(self.folder, self.kinds)

    @rule()
    def write_the_vectors(self) -> None:
        self.store.save_vectors()

    @rule()
    def write_the_vectors_from_elsewhere(self) -> None:
        other = LocalStore.open(self.folder, self.kinds)
        other.save_vectors()
        other.close()

    @rule()
    def write_from_elsewhere(self) -> None:
        mine = self.store
        self.store = LocalStore.open(self.folder, self.kinds)
        self._put(self._intake("file:///elsewhere", {"": f"kite {mine.generation}"}))
        self.store.close()
        self.store = mine

    # Editions

    @rule(name=st.sampled_from(sorted(EMBEDDERS)), tokens=st.sampled_from([16, 24]))
    def begin(self, name: str, tokens: int) -> None:
        wanted = IndexSettings(EMBEDDERS[name].identity, Splitter(tokens, 4))
        for store in (self.store, self.oracle):
            store.begin(wanted)
        self.begun = True

    @precondition(lambda self: self.begun and self.oracle.building is not None)
    @rule(most=st.integers(1, 4))
    def fill(self, most: int) -> None:
        wanted = self.oracle.building
        assert wanted is not None
        ids = self.oracle.pending(most)
        entries = [
            an_entry(self.oracle.document(id_), EMBEDDERS[wanted.embedder.name], wanted.splitter)
            for id_ in ids
        ]
        for store in (self.store, self.oracle):
            store.fill([(entry.document, entry.passages, entry.vectors) for entry in entries])

    @precondition(lambda self: self.begun)
    @rule()
    def switch(self) -> None:
        results = []
        for store in (self.store, self.oracle):
            try:
                results.append(store.switch())
            except IncompatibleIndex:
                results.append(None)
        assert results[0] == results[1]

    @precondition(lambda self: self.begun and self.oracle.building is not None)
    @rule()
    def fill_and_switch(self) -> None:
        while self.oracle.pending(1):
            self.fill(9)
        self.switch()

    # What must hold

    @rule(question=CONTENTS)
    def search(self, question: str) -> None:
        hits, expected = (
            {
                candidate.passage
                for candidate in store.candidates(
                    question, self.embedder.embed_questions([question])[0], 1000
                )
            }
            for store in (self.store, self.oracle)
        )
        assert hits == expected
        for passage in hits:
            text = self.oracle.document(passage.document_id).text
            assert text[passage.start : passage.end] == passage.text

    @invariant()
    def everything_agrees(self) -> None:
        if not hasattr(self, "store"):
            return
        ours, theirs = (
            [replace(summary, added_at="") for summary in store.documents()]
            for store in (self.store, self.oracle)
        )
        assert ours == theirs
        for summary in ours:
            assert self.store.document(summary.id) == self.oracle.document(summary.id)
            assert self.store.passages(summary.id) == list(self.oracle.passages(summary.id))
        assert [_state(self.store), self.store.settings] == [
            _state(self.oracle),
            self.oracle.settings,
        ]
        assert healthy(self.folder, self.embedder)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            healthy(self.folder, self.embedder)
            shutil.rmtree(self.folder)


def _state(store: PassageStore) -> tuple[object, ...]:
    return (
        store.origins(),
        store.building,
        store.previous,
        store.edition_progress(),
        set(store.pending(1000)),
    )


TestChurn = Churn.TestCase
TestChurn.settings = settings(max_examples=5, stateful_step_count=40, deadline=None)


class SmallChurn(Churn):
    """The same with vectors that are soon too many to be compared one by one."""

    kinds = SMALL


TestSmallChurn = SmallChurn.TestCase
TestSmallChurn.settings = TestChurn.settings


@pytest.mark.slow
class TestLongChurn(Churn.TestCase):  # type: ignore[name-defined, misc]
    settings = settings(
        max_examples=30,
        stateful_step_count=60,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


@pytest.mark.slow
class TestLongSmallChurn(SmallChurn.TestCase):  # type: ignore[name-defined, misc]
    settings = TestLongChurn.settings


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [Kinds(), SMALL], ids=["exact", "approximate"])
def test_a_thousand_changes_leave_the_index_healthy(tmp_path: Path, kinds: Kinds) -> None:
    chance = random.Random(20)
    folder = tmp_path / "index"
    embedder = EMBEDDERS["hash"]
    start = IndexSettings(embedder.identity, SPLITTER)
    store = LocalStore.create(folder, start, kinds)
    kept: dict[str, str] = {}  # the text at each place
    for step in range(1, 1001):
        action = chance.random()
        uri = f"file:///{chance.randint(1, 400)}"
        if action < 0.7 or not kept:
            text = " ".join(chance.choices(WORDS, k=chance.choice([1, 1, 8, 40])))
            kept[uri] = text
            entry = an_entry(a_file(uri, text), embedder, store.settings.splitter)
            store.put([Intake(an_origin(uri, {"": text}), [entry])])
        elif action < 0.8:
            source, target = chance.choice(list(kept)), uri
            origin = an_origin(target, {"": kept[source]})
            assert store.rearrange([(origin, source)], [source] if action < 0.75 else []) == []
            kept[target] = kept[source]
            if action < 0.75 and source != target:
                del kept[source]
            elif action < 0.75:
                del kept[target]
        elif action < 0.95:
            gone = chance.choice(list(kept))
            del kept[gone]
            store.rearrange([], [gone])
        elif action < 0.97:
            wanted = IndexSettings(embedder.identity, Splitter(chance.choice([16, 24]), 4))
            store.begin(wanted)
            while ids := store.pending(50):
                entries = [an_entry(store.document(i), embedder, wanted.splitter) for i in ids]
                store.fill([(one.document, one.passages, one.vectors) for one in entries])
            assert store.switch()
        else:
            store.save_vectors()
            store.close()
            store = LocalStore.open(folder, kinds)
        if step % 10 == 0:
            word = chance.choice(WORDS)
            question = embedder.embed_questions([word])[0]
            for candidate in store.candidates(word, question, 20):
                passage = candidate.passage
                text = kept[store.document(passage.document_id).uri]
                assert text[passage.start : passage.end] == passage.text
        if step % 20 == 0:
            assert healthy(folder, embedder)
    texts = {
        uri: store.document(summary.id).text
        for summary in store.documents()
        for uri in (summary.uri, *summary.copies)
    }
    assert texts == kept
    assert len(store.documents()) == len(set(kept.values()))
    store.close()
    assert healthy(folder, embedder)
