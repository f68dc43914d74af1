"""A folder of 2,000 files kept in step: what is embedded is counted, not timed."""

import os
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from index.doctor import check
from index.embedding import Vectors
from index.files import file_uri, scan
from index.indexing import Indexer, Outcome, Status
from index.local_store import LocalStore
from index.passages import Splitter
from index.retriever import Retriever
from index.sandbox.workers import InProcess
from index.store import IndexSettings
from tests.fakes.hash_embedder import HashEmbedder

pytestmark = pytest.mark.slow

FILES = 2_000
SENTENCES = 24


class DigestEmbedder(HashEmbedder):
    """A text's vector is drawn from its digest; remembers the texts that it was given."""

    def __init__(self) -> None:
        super().__init__(16, "digest")
        self.texts: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        rows = [np.frombuffer(sha256(text.encode()).digest()[:16], np.uint8) for text in texts]
        found = np.array(rows, np.float32).reshape(len(texts), 16) - 127.5
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def sentence(file: int, number: int) -> str:
    return (
        f"Clause {number} of lease {file} sets the rent of flat {file * 100 + number} for a year."
    )


def content(file: int) -> str:
    first, *rest = (sentence(file, number) for number in range(SENTENCES))
    half = len(rest) // 2
    terms, rents = " ".join([first, *rest[:half]]), " ".join(rest[half:])
    return f"# Lease {file}\n\n{terms}\n\n## Rents\n\n{rents}\n"


class Library:
    def __init__(self, folder: Path, index: Path) -> None:
        self.folder = folder
        self.embedder = DigestEmbedder()
        self.store = LocalStore.create(index, IndexSettings(self.embedder.identity, Splitter()))

    def sync(self) -> list[Status]:
        self.embedder.texts.clear()
        indexer = Indexer(self.store, self.embedder, Splitter(), InProcess())
        outcomes: list[Outcome] = list(indexer.sync(scan([str(self.folder)])))
        return [outcome.status for outcome in outcomes]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder = tmp_path_factory.mktemp("leases")
    for file in range(FILES):
        path = folder / f"{file // 100:02}" / f"lease-{file:04}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content(file), encoding="utf-8")
    made = Library(folder, tmp_path_factory.mktemp("index") / "index")
    assert made.sync() == [Status.ADDED] * FILES
    assert len(made.embedder.texts) >= 2 * FILES
    yield made
    made.store.close()


def test_touching_all_embeds_nothing(library: Library) -> None:
    for path in library.folder.rglob("*.md"):
        os.utime(path, (1, 1))
    assert library.sync() == [Status.UNCHANGED] * FILES
    assert library.embedder.texts == []


def test_renaming_all_embeds_nothing(library: Library) -> None:
    ids = {summary.id for summary in library.store.documents()}
    for path in sorted(library.folder.rglob("*.md")):
        path.rename(path.with_name(path.name.replace("lease-", "contract ")))
    for folder in list(library.folder.iterdir()):
        folder.rename(folder.with_name(f"shelf {folder.name}"))
    assert library.sync() == [Status.MOVED] * FILES
    assert library.embedder.texts == []
    assert {summary.id for summary in library.store.documents()} == ids


def test_an_edited_sentence_embeds_the_passages_that_hold_it(library: Library) -> None:
    held = 0
    paths = sorted(library.folder.rglob("*.md"))[::100]
    assert len(paths) == 20
    for place, path in enumerate(paths):
        text = path.read_text(encoding="utf-8")
        old = sentence(int(path.stem.split()[1]), place + 2)
        assert old in text
        new = old.replace("sets the rent", "raises the rent again")
        summary = library.store.find(file_uri(path))
        assert summary is not None
        held += sum(old in passage.text for passage in library.store.passages(summary.id))
        path.write_text(text.replace(old, new), encoding="utf-8")
    statuses = library.sync()
    assert sorted(statuses) == [Status.CHANGED] * 20 + [Status.UNCHANGED] * (FILES - 20)
    assert 20 <= len(library.embedder.texts) <= held
    assert all("raises the rent again" in text for text in library.embedder.texts)


def test_what_is_deleted_is_gone_from_the_next_question(library: Library) -> None:
    paths = sorted(library.folder.rglob("*.md"))[::4]
    asked = [path.read_text(encoding="utf-8").split("\n")[2] for path in paths[:5]]
    deleted = {file_uri(path) for path in paths}
    assert len(deleted) == 500
    retriever = Retriever(library.store, library.embedder)

    def found() -> set[str]:
        hits = [hit for query in retriever.embed(asked) for hit in retriever.search(query, 50)]
        return {library.store.document(hit.passage.document_id).uri for hit in hits}

    assert found() & deleted
    for path in paths:
        path.unlink()
    assert library.sync().count(Status.REMOVED) == 500
    assert library.embedder.texts == []
    assert found()
    assert not found() & deleted
    assert len(library.store.documents()) == FILES - 500


def test_the_index_is_sound_after_all_that(library: Library) -> None:
    report = check(library.store.folder, library.embedder)
    assert all(item.ok for item in report.checks), [c for c in report.checks if not c.ok]
