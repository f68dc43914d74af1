"""Files and texts into an index."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from index import sync as comparing
from index.embedding import Vectors
from index.errors import InvalidSettings, UnsupportedFormat
from index.extract import Extraction
from index.extract.source import Limits
from index.files import Found, expand, file_uri
from index.indexing import Indexer, Outcome, Progress, Status
from index.passages import Splitter
from index.sandbox.workers import InProcess, Job
from index.store import IndexSettings, Intake, PassageStore
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.memory_store import MemoryStore

EMBEDDER = HashEmbedder()
SPLITTER = Splitter()
BINARY = b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 4


class CountingStore(MemoryStore):
    """Remembers how many documents came at once."""

    def __init__(self, settings: IndexSettings) -> None:
        super().__init__(settings)
        self.puts: list[int] = []

    def put(self, intakes: Sequence[Intake]) -> list[list[str]]:
        if intakes:
            self.puts.append(len(intakes))
        return super().put(intakes)


@pytest.fixture
def store() -> CountingStore:
    return CountingStore(IndexSettings(EMBEDDER.identity, SPLITTER))


@pytest.fixture
def indexer(store: PassageStore) -> Indexer:
    return Indexer(store, EMBEDDER, SPLITTER, InProcess())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("bat", "crab", "newt"):
        (tmp_path / f"{name}.txt").write_text(f"The {name} sleeps.")
    return tmp_path


def add(indexer: Indexer, folder: Path) -> dict[str, Outcome]:
    return by_name(indexer.add_files(expand([str(folder)])))


def by_name(outcomes: Iterator[Outcome]) -> dict[str, Outcome]:
    return {Path(outcome.name).name: outcome for outcome in outcomes}


def text(store: PassageStore, path: Path) -> str:
    summary = store.find(file_uri(path))
    assert summary is not None
    return store.document(summary.id).text


def best(store: PassageStore, question: str) -> str:
    row = EMBEDDER.embed_questions([question])[0]
    found = store.candidates(question, row, 50)
    return max(found, key=lambda candidate: candidate.dense_score).passage.text


def statuses(outcomes: dict[str, Outcome]) -> dict[str, Status]:
    return {name: outcome.status for name, outcome in outcomes.items()}


def test_files_are_added_then_unchanged_then_changed(
    indexer: Indexer, store: PassageStore, folder: Path
) -> None:
    assert set(statuses(add(indexer, folder)).values()) == {Status.ADDED}
    generation = store.generation
    assert set(statuses(add(indexer, folder)).values()) == {Status.UNCHANGED}
    assert store.generation == generation
    (folder / "bat.txt").write_text("The bat wakes.")
    assert statuses(add(indexer, folder)) == {
        "bat.txt": Status.CHANGED,
        "crab.txt": Status.UNCHANGED,
        "newt.txt": Status.UNCHANGED,
    }
    assert text(store, folder / "bat.txt") == "The bat wakes."
    assert len(store.documents()) == 3


def test_an_outcome_says_which_document_and_how_many_passages(
    indexer: Indexer, store: PassageStore, folder: Path
) -> None:
    for _ in range(2):
        outcome = add(indexer, folder)["bat.txt"]
        assert outcome.document_id == store.documents()[0].id
        assert (outcome.passages, outcome.named, outcome.reason) == (1, False, None)
        assert outcome.name == str(folder / "bat.txt")


def test_statuses_are_words_of_the_interface() -> None:
    assert [str(s) for s in Status] == [
        "added",
        "changed",
        "moved",
        "copied",
        "removed",
        "unchanged",
        "skipped",
        "failed",
    ]


def test_an_unsupported_file_is_skipped_in_a_folder_and_fails_when_named(
    indexer: Indexer, store: PassageStore, folder: Path
) -> None:
    (folder / "tool.txt").write_bytes(BINARY)
    met = add(indexer, folder)["tool.txt"]
    assert (met.status, met.named) == (Status.SKIPPED, False)
    (named,) = indexer.add_files(expand([str(folder / "tool.txt")]))
    assert (named.status, named.named) == (Status.FAILED, True)
    for outcome in (met, named):
        assert outcome.reason is not None
        assert outcome.reason.startswith(str(folder / "tool.txt"))
        assert "\n" not in outcome.reason
    assert len(store.documents()) == 3


def test_a_file_that_is_not_there_fails_and_the_others_go_on(
    indexer: Indexer, store: PassageStore, folder: Path
) -> None:
    names = [str(folder / name) for name in ("bat.txt", "missing.txt", "newt.txt")]
    outcomes = by_name(indexer.add_files(expand(names)))
    assert statuses(outcomes) == {
        "bat.txt": Status.ADDED,
        "missing.txt": Status.FAILED,
        "newt.txt": Status.ADDED,
    }
    assert "no such file or folder" in (outcomes["missing.txt"].reason or "")


def test_a_file_that_vanishes_before_its_turn_fails_and_the_others_go_on(
    store: PassageStore, folder: Path
) -> None:
    class Late(InProcess):
        def submit(self, job: Job) -> Future[Extraction]:
            (folder / "crab.txt").unlink(missing_ok=True)
            return super().submit(job)

    indexer = Indexer(store, EMBEDDER, SPLITTER, Late())
    outcomes = by_name(indexer.add_files(expand([str(folder)])))
    assert outcomes["crab.txt"].status is Status.FAILED
    assert "is gone" in (outcomes["crab.txt"].reason or "")
    assert len(store.documents()) == 2


def test_a_folder_in_a_files_place_fails(indexer: Indexer, folder: Path) -> None:
    (folder / "sub").mkdir()
    (outcome,) = indexer.add_files([Found(folder / "sub", named=True)])
    assert outcome.status is Status.FAILED
    assert "is not a regular file" in (outcome.reason or "")


@pytest.mark.parametrize("content", [b"", b" \n", BINARY, b"%PDF-1.7 and then nothing"])
def test_an_unreadable_replacement_leaves_the_old_version_searchable(
    indexer: Indexer, store: PassageStore, folder: Path, content: bytes
) -> None:
    add(indexer, folder)
    (folder / "bat.txt").write_bytes(content)
    (folder / "newt.txt").write_text("The newt wakes.")
    outcomes = add(indexer, folder)
    assert outcomes["bat.txt"].status in {Status.FAILED, Status.SKIPPED}
    assert outcomes["newt.txt"].status is Status.CHANGED
    assert text(store, folder / "bat.txt") == "The bat sleeps."
    assert best(store, "The bat sleeps") == "The bat sleeps."


def test_a_file_too_large_is_not_even_read(
    store: PassageStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits(text_bytes=10, binary_bytes=10)
    indexer = Indexer(store, EMBEDDER, SPLITTER, InProcess(limits))
    outcome = add(indexer, folder)["bat.txt"]
    assert outcome.status is Status.FAILED
    assert "has 15 bytes, more than the 10" in (outcome.reason or "")


def test_a_file_read_by_an_older_extractor_is_read_again(
    indexer: Indexer, store: PassageStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(indexer, folder)
    monkeypatch.setattr(comparing, "EXTRACTOR_VERSION", 999)
    assert set(statuses(add(indexer, folder)).values()) == {Status.CHANGED}
    assert set(statuses(add(indexer, folder)).values()) == {Status.UNCHANGED}


def test_many_small_files_are_stored_in_few_steps(
    indexer: Indexer, store: CountingStore, tmp_path: Path
) -> None:
    for n in range(150):
        (tmp_path / f"{n:03}.txt").write_text(f"Flat {n}.")
    outcomes = add(indexer, tmp_path)
    assert list(outcomes) == [f"{n:03}.txt" for n in range(150)]
    assert store.puts == [64, 64, 22]


def test_what_was_stored_before_an_interruption_stays(
    indexer: Indexer, store: CountingStore, tmp_path: Path
) -> None:
    for n in range(100):
        (tmp_path / f"{n:03}.txt").write_text(f"Flat {n}.")

    class Interrupted(InProcess):
        def submit(self, job: Job) -> Future[Extraction]:
            if job.name.endswith("090.txt"):
                raise KeyboardInterrupt
            return super().submit(job)

    with pytest.raises(KeyboardInterrupt):
        add(Indexer(store, EMBEDDER, SPLITTER, Interrupted()), tmp_path)
    assert len(store.documents()) == 64
    assert set(statuses(add(indexer, tmp_path)).values()) == {Status.ADDED, Status.UNCHANGED}
    assert len(store.documents()) == 100


def test_bytes_are_added_under_the_uri_given(indexer: Indexer, store: PassageStore) -> None:
    (outcome,) = indexer.add_bytes(b"The bat sleeps.", uri="upload:bat", name="bat.txt")
    assert outcome.status is Status.ADDED
    assert outcome.name == "bat.txt"
    summary = store.find("upload:bat")
    assert summary is not None
    assert summary.id == outcome.document_id
    (again,) = indexer.add_bytes(b"The bat sleeps.", uri="upload:bat", name="bat.txt")
    assert again.status is Status.UNCHANGED
    assert again.document_id == outcome.document_id
    (other,) = indexer.add_bytes(b"The bat wakes.", uri="upload:bat", name="bat.txt")
    assert (other.status, other.document_id) == (Status.CHANGED, outcome.document_id)


def test_a_title_that_is_given_overrules_the_one_found(
    indexer: Indexer, store: PassageStore
) -> None:
    def put(title: str | None) -> tuple[Status, str]:
        (outcome,) = indexer.add_bytes(
            b"# Found\n\nText.", uri="upload:a", name="a.md", title=title
        )
        return outcome.status, store.documents()[0].title

    assert put(None) == (Status.ADDED, "Found")
    assert put("Given") == (Status.CHANGED, "Given")
    assert put("Given") == (Status.UNCHANGED, "Given")
    assert put(None) == (Status.UNCHANGED, "Given")


def test_bytes_that_cannot_be_read_are_an_error_and_the_old_version_stays(
    indexer: Indexer, store: PassageStore
) -> None:
    indexer.add_bytes(b"The bat sleeps.", uri="upload:bat", name="bat.txt")
    with pytest.raises(UnsupportedFormat):
        indexer.add_bytes(BINARY, uri="upload:bat", name="bat.txt")
    assert best(store, "bat") == "The bat sleeps."


def test_passages_are_embedded_in_their_context(indexer: Indexer, store: PassageStore) -> None:
    indexer.add_bytes(b"# Zoo\n\n## Otters\n\nThey sleep.", uri="u:zoo", name="zoo.md")
    row = EMBEDDER.embed_questions(["zoo otters they sleep"])[0]
    assert max(c.dense_score for c in store.candidates("", row, 9)) > 0.8


def test_a_splitter_that_does_not_fit_the_embedder_is_refused(store: PassageStore) -> None:
    for splitter in (Splitter(tokens=250), Splitter(tokens=32, overlap=30)):
        with pytest.raises(InvalidSettings):
            Indexer(store, EMBEDDER, splitter, InProcess())


def test_an_embedder_that_fails_leaves_the_store_as_it_was(
    store: PassageStore, folder: Path
) -> None:
    class Failing(HashEmbedder):
        def embed_passages(self, texts: Sequence[str]) -> Vectors:
            raise MemoryError

    with pytest.raises(MemoryError):
        add(Indexer(store, Failing(), SPLITTER, InProcess()), folder)
    assert store.documents() == []
    again = add(Indexer(store, EMBEDDER, SPLITTER, InProcess()), folder)
    assert again["bat.txt"].status is Status.ADDED


def test_progress_counts_files_passages_and_failures(store: PassageStore, folder: Path) -> None:
    (folder / "bad.txt").write_bytes(b"")
    seen: list[Progress] = []
    indexer = Indexer(store, EMBEDDER, SPLITTER, InProcess(), report=seen.append)
    add(indexer, folder)
    assert seen[-1] == Progress(4, to_read=4, read=4, passages=3, failed=1, to_embed=3)
    assert [progress.read for progress in seen] == sorted(progress.read for progress in seen)
    add(indexer, folder)
    assert seen[-1] == Progress(compared=4, failed=1)
