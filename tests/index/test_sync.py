"""An index kept in step with folders."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from index.embedding import Vectors
from index.extract import Extraction
from index.extract.source import Reading
from index.files import file_uri, scan
from index.indexing import Indexer, Outcome, Status, preview
from index.local_store import LocalStore
from index.passages import Splitter
from index.sandbox.workers import InProcess, Job
from index.store import IndexSettings, Origin, OriginState, PassageStore
from index.sync import Digests, File, plan, recipe
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.memory_store import MemoryStore

SPLITTER = Splitter()


class CountingEmbedder(HashEmbedder):
    """Remembers the texts that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return super().embed_passages(texts)


class CountingExtractor(InProcess):
    """Remembers the files that it was to read."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def submit(self, job: Job) -> Future[Extraction]:
        self.names.append(Path(job.name).name)
        return super().submit(job)


class Library:
    """A folder of documents, and an index of it."""

    def __init__(self, folder: Path, store: PassageStore, embedder: CountingEmbedder) -> None:
        self.folder = folder
        self.store = store
        self.embedder = embedder
        self.extractor = CountingExtractor()

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def sync(self, *names: str, options: Reading = Reading()) -> dict[str, Outcome]:  # noqa: B008
        """Sync the folder, or what is named in it; outcomes by path in the folder."""
        self.embedder.texts.clear()
        self.extractor.names.clear()
        indexer = Indexer(self.store, self.embedder, SPLITTER, self.extractor, options)
        return self._by_name(indexer.sync(self._scan(*names)))

    def preview(self) -> dict[str, Outcome]:
        return self._by_name(preview(self._scan(), self.store))

    def _scan(self, *names: str) -> object:
        return scan([str(self.folder / name) for name in names] or [str(self.folder)])

    def _by_name(self, outcomes: Iterator[Outcome]) -> dict[str, Outcome]:
        return {os.path.relpath(outcome.name, self.folder): outcome for outcome in outcomes}

    def uris(self) -> set[str]:
        found = {uri for s in self.store.documents() for uri in (s.uri, *s.copies)}
        return {uri.removeprefix(file_uri(self.folder) + "/") for uri in found}

    def id(self, name: str) -> str:
        summary = self.store.find(file_uri(self.folder / name))
        assert summary is not None
        return summary.id


@pytest.fixture(params=["memory", "local"])
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Library]:
    embedder = CountingEmbedder()
    settings = IndexSettings(embedder.identity, SPLITTER)
    store: PassageStore
    if request.param == "memory":
        store = MemoryStore(settings)
    else:
        store = LocalStore.create(tmp_path / "index", settings)
    (tmp_path / "docs").mkdir()
    made = Library(tmp_path / "docs", store, embedder)
    for name in ("bat", "crab", "newt"):
        made.write(f"{name}.txt", f"The {name} sleeps.")
    made.sync()
    yield made
    store.close()


def statuses(outcomes: dict[str, Outcome]) -> dict[str, str]:
    return {name: outcome.status.value for name, outcome in outcomes.items()}


def test_touched_files_are_not_even_read(library: Library) -> None:
    for path in library.folder.iterdir():
        os.utime(path, (1, 1))
    assert set(statuses(library.sync()).values()) == {"unchanged"}
    assert (library.extractor.names, library.embedder.texts) == ([], [])


def test_a_moved_file_keeps_its_document_and_embeds_nothing(library: Library) -> None:
    known = library.id("bat.txt")
    (library.folder / "sub").mkdir()
    (library.folder / "bat.txt").rename(library.folder / "sub" / "vampire.txt")
    outcomes = library.sync()
    assert statuses(outcomes) == {
        "sub/vampire.txt": "moved",
        "crab.txt": "unchanged",
        "newt.txt": "unchanged",
    }
    assert outcomes["sub/vampire.txt"].source == str(library.folder / "bat.txt")
    assert outcomes["sub/vampire.txt"].document_id == known == library.id("sub/vampire.txt")
    assert (library.extractor.names, library.embedder.texts) == ([], [])
    assert library.uris() == {"sub/vampire.txt", "crab.txt", "newt.txt"}


def test_a_file_of_another_ending_is_read_again_but_not_embedded(library: Library) -> None:
    (library.folder / "bat.txt").rename(library.folder / "bat.text")
    assert statuses(library.sync())["bat.text"] == "added"
    assert (library.extractor.names, library.embedder.texts) == (["bat.text"], [])
    assert library.uris() == {"bat.text", "crab.txt", "newt.txt"}


def test_files_that_change_names_among_them_embed_nothing(library: Library) -> None:
    ids = [library.id(f"{name}.txt") for name in ("bat", "crab", "newt")]
    for name, other in (("bat", "x"), ("crab", "bat"), ("newt", "crab"), ("x", "newt")):
        (library.folder / f"{name}.txt").rename(library.folder / f"{other}.txt")
    assert set(statuses(library.sync()).values()) == {"changed"}
    assert (library.extractor.names, library.embedder.texts) == ([], [])
    assert [library.id(f"{name}.txt") for name in ("newt", "bat", "crab")] == ids
    assert library.store.document(library.id("crab.txt")).text == "The newt sleeps."


def test_a_copy_is_another_place_of_its_document(library: Library) -> None:
    library.write("copy.txt", "The bat sleeps.")
    outcomes = library.sync()
    assert outcomes["copy.txt"].status is Status.COPIED
    assert outcomes["copy.txt"].source == str(library.folder / "bat.txt")
    assert library.id("copy.txt") == library.id("bat.txt")
    (library.folder / "bat.txt").unlink()
    assert statuses(library.sync())["bat.txt"] == "removed"
    assert library.uris() == {"copy.txt", "crab.txt", "newt.txt"}
    assert library.embedder.texts == []


def test_copies_that_come_together_are_read_once(library: Library) -> None:
    for name in ("d/one.txt", "d/two.txt", "d/three.txt"):
        library.write(name, "The owl sleeps.")
    outcomes = library.sync("d")
    assert sorted(statuses(outcomes).values()) == ["added", "copied", "copied"]
    assert len(library.extractor.names) == len(library.embedder.texts) == 1
    assert len({outcome.document_id for outcome in outcomes.values()}) == 1


def test_copies_that_cannot_be_read_fail_each_by_its_name(library: Library) -> None:
    for name in ("d/one.pdf", "d/two.pdf"):
        library.write(name, "%PDF-1.7 and then nothing")
    outcomes = library.sync("d")
    assert set(statuses(outcomes).values()) == {"failed"}
    for name, outcome in outcomes.items():
        assert (outcome.reason or "").startswith(str(library.folder / name))


def test_what_is_gone_is_removed_and_found_no_more(library: Library) -> None:
    (library.folder / "bat.txt").unlink()
    outcomes = library.sync()
    assert outcomes["bat.txt"] == Outcome(
        str(library.folder / "bat.txt"), Status.REMOVED, False, documents=1
    )
    row = library.embedder.embed_questions(["The bat sleeps."])[0]
    found = library.store.candidates("The bat sleeps.", row, 9)
    assert {candidate.passage.text for candidate in found} == {
        "The crab sleeps.",
        "The newt sleeps.",
    }


def test_an_emptied_folder_is_emptied_in_the_index_and_then_reported(library: Library) -> None:
    for path in library.folder.iterdir():
        path.unlink()
    assert statuses(library.sync()) == {
        "bat.txt": "removed",
        "crab.txt": "removed",
        "newt.txt": "removed",
    }
    outcomes = library.sync()
    assert statuses(outcomes) == {".": "failed"}
    assert "holds no files" in (outcomes["."].reason or "")


def test_nothing_is_removed_outside_of_what_is_named(library: Library) -> None:
    library.write("sub/owl.txt", "The owl sleeps.")
    library.sync()
    for name in ("bat.txt", "sub/owl.txt"):
        (library.folder / name).unlink()
    library.write("sub/elk.txt", "The elk sleeps.")
    assert statuses(library.sync("sub")) == {"sub/owl.txt": "removed", "sub/elk.txt": "added"}
    assert "bat.txt" in library.uris()
    assert statuses(library.sync("bat.txt", "crab.txt")) == {
        "bat.txt": "failed",
        "crab.txt": "unchanged",
    }
    assert "bat.txt" in library.uris()


def test_a_folder_that_is_away_loses_nothing(library: Library) -> None:
    library.folder.rename(library.folder.with_name("away"))
    assert statuses(library.sync()) == {".": "failed"}
    assert len(library.uris()) == 3


def test_a_folder_that_cannot_be_listed_loses_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.write("sub/owl.txt", "The owl sleeps.")
    library.sync()
    scandir = os.scandir

    def guarded(path: str) -> object:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    outcomes = library.sync()
    monkeypatch.undo()
    assert statuses(outcomes)["sub"] == "failed"
    assert "sub/owl.txt" in library.uris()


def test_uploads_are_never_removed(library: Library) -> None:
    indexer = Indexer(library.store, library.embedder, SPLITTER, library.extractor)
    indexer.add_bytes(b"The elk sleeps.", uri="upload:elk", name="elk.txt")
    library.sync()
    assert library.store.find("upload:elk") is not None


def test_what_an_ignore_file_leaves_out_goes(library: Library) -> None:
    library.write("sub/owl.txt", "The owl sleeps.")
    library.write("sub/elk.txt", "The elk sleeps.")
    library.sync()
    library.write(".pinciteignore", "*.txt\n!crab.txt\n")
    library.write("sub/.pinciteignore", "!owl.txt\n")
    outcomes = library.sync()
    assert {name for name, status in statuses(outcomes).items() if status == "removed"} == {
        "bat.txt",
        "newt.txt",
        "sub/elk.txt",
    }
    assert library.uris() == {"crab.txt", "sub/owl.txt"}


def test_a_hidden_file_that_was_named_stays(library: Library) -> None:
    library.write(".owl.txt", "The owl sleeps.")
    library.sync(".owl.txt")
    assert ".owl.txt" not in statuses(library.sync())
    assert ".owl.txt" in library.uris()


def test_the_index_itself_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "a.txt").write_text("part of the index")
    (tmp_path / "b.txt").write_text("a document")
    found = scan([str(tmp_path)], tmp_path / "index").found
    assert [item.path.name for item in found] == ["b.txt"]


def test_a_failure_is_reported_again_without_reading_the_file(library: Library) -> None:
    library.write("bad.pdf", "%PDF-1.7 and then nothing")
    first = library.sync()["bad.pdf"]
    assert library.extractor.names == ["bad.pdf"]
    again = library.sync()["bad.pdf"]
    assert library.extractor.names == []
    assert again == first
    assert again.status is Status.FAILED
    library.write("bad.pdf", "%PDF-1.7 and then something else")
    library.sync()
    assert library.extractor.names == ["bad.pdf"]
    library.sync("bad.pdf")
    assert library.extractor.names == ["bad.pdf"], "one that is named is tried again"
    (library.folder / "bad.pdf").unlink()
    assert "bad.pdf" not in library.sync()
    assert len(library.store.origins()) == 3


def test_a_sidecar_is_part_of_its_file_and_no_document(library: Library) -> None:
    library.write("bat.txt.meta.yaml", "project: caves\n")
    assert statuses(library.sync()) == {
        "bat.txt": "changed",
        "crab.txt": "unchanged",
        "newt.txt": "unchanged",
    }
    assert library.store.document(library.id("bat.txt")).metadata["project"] == "caves"
    assert library.embedder.texts == []
    library.write("bat.txt.meta.yaml", "project: [\n")
    failed = library.sync()["bat.txt"]
    assert failed.status is Status.FAILED
    assert "bat.txt.meta.yaml" in (failed.reason or "")
    assert library.store.document(library.id("bat.txt")).metadata["project"] == "caves"
    (library.folder / "bat.txt.meta.yaml").unlink()
    assert library.sync()["bat.txt"].status is Status.CHANGED
    assert "project" not in library.store.document(library.id("bat.txt")).metadata


def test_a_file_named_like_a_sidecar_is_a_document_until_it_has_something_to_describe(
    library: Library,
) -> None:
    library.write("plan.txt.meta.json", '{"text": "The plan is old."}')
    assert statuses(library.sync())["plan.txt.meta.json"] == "added"
    library.write("plan.txt", "The plan is this.")
    found = library.sync()
    assert (found["plan.txt"].status, found["plan.txt.meta.json"].status) == (
        Status.ADDED,
        Status.REMOVED,
    )
    assert library.uris() == {"bat.txt", "crab.txt", "newt.txt", "plan.txt"}
    (library.folder / "plan.txt").unlink()
    library.sync()
    assert library.uris() == {"bat.txt", "crab.txt", "newt.txt", "plan.txt.meta.json"}


def test_what_a_link_to_a_folder_leads_to_is_gone_from_where_it_was(library: Library) -> None:
    library.write("old/owl.txt", "The owl sleeps.")
    library.sync()
    new = library.folder.parent / "new"
    (library.folder / "old").rename(new)
    (library.folder / "old").symlink_to(new)
    assert statuses(library.sync())["old/owl.txt"] == "removed"
    # Whoever names the link means what is in it.
    assert statuses(library.sync("old"))["old/owl.txt"] == "added"
    assert statuses(library.sync(".", "old/owl.txt"))["old/owl.txt"] == "unchanged"
    assert "old/owl.txt" in library.uris()


def test_other_choices_read_files_again(library: Library) -> None:
    options = Reading(json_text=("body",))
    assert set(statuses(library.sync(options=options)).values()) == {"changed"}
    assert set(statuses(library.sync(options=options)).values()) == {"unchanged"}
    assert library.embedder.texts == []


def test_a_preview_tells_what_would_be_done_and_does_nothing(library: Library) -> None:
    (library.folder / "bat.txt").rename(library.folder / "vampire.txt")
    (library.folder / "newt.txt").unlink()
    library.write("crab.txt", "The crab wakes.")
    library.write("owl.txt", "The owl sleeps.")
    library.write("owls.txt", "The owl sleeps.")
    generation = library.store.generation
    expected = {
        "vampire.txt": "moved",
        "newt.txt": "removed",
        "crab.txt": "changed",
        "owl.txt": "added",
        "owls.txt": "copied",
    }
    assert statuses(library.preview()) == expected
    assert library.store.generation == generation
    assert statuses(library.sync()) == expected


def test_a_preview_needs_no_index(library: Library) -> None:
    outcomes = preview(scan([str(library.folder)]), None)
    assert [outcome.status for outcome in outcomes] == [Status.ADDED] * 3


def test_what_in_a_mail_cannot_be_read_is_told_apart(library: Library) -> None:
    library.write(
        "mail.eml",
        "From: a@example.org\nTo: b@example.org\nSubject: Bats\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="x"\n\n--x\nContent-Type: text/plain\n\n'
        "The bats sleep.\n--x\nContent-Type: application/octet-stream\n"
        'Content-Disposition: attachment; filename="tool.bin"\n'
        "Content-Transfer-Encoding: base64\n\nf0VMRgIBAQABAgMEBQYHCA==\n--x--\n",
    )
    for _ in range(2):
        outcomes = library.sync()
        inside = next(name for name in outcomes if name.startswith("mail.eml!/"))
        assert inside.endswith("/tool.bin")
        assert outcomes[inside].status is Status.SKIPPED
        assert not outcomes[inside].named
        assert outcomes["mail.eml"].documents == 1
        assert outcomes["mail.eml"].document_id == library.id("mail.eml")
    assert outcomes["mail.eml"].status is Status.UNCHANGED


def test_a_file_that_changes_while_it_is_read_is_known_by_what_was_read(library: Library) -> None:
    path = library.write("owl.txt", "The owl sleeps.")

    class Late(InProcess):
        def submit(self, job: Job) -> Future[Extraction]:
            path.write_text("The owl wakes.")
            return super().submit(job)

    indexer = Indexer(library.store, library.embedder, SPLITTER, Late())
    list(indexer.sync(scan([str(path)])))
    assert library.store.document(library.id("owl.txt")).text == "The owl wakes."
    assert library.sync()["owl.txt"].status is Status.UNCHANGED


def test_the_best_of_both_is_embedded_after_an_edit(library: Library) -> None:
    sentences = [
        f"Sentence {n} tells of animal {n} and its home {n} in the wood." for n in range(200)
    ]
    library.write("long.txt", " ".join(sentences))
    library.sync()
    whole = len(library.embedder.texts)
    sentences[101] = "Sentence 101 was written anew."
    library.write("long.txt", " ".join(sentences))
    assert library.sync()["long.txt"].status is Status.CHANGED
    assert 1 <= len(library.embedder.texts) <= 2
    assert all("Sentence 101 was written anew." in text for text in library.embedder.texts)
    assert whole > 10


# The plan by itself

A_FILE: Callable[..., File] = lambda name, sha, named=False: File(  # noqa: E731
    name, Path("/d") / name, named, Origin(f"file:///d/{name}", sha, "r")
)


def a_state(name: str, sha: str, documents: int = 1) -> OriginState:
    return OriginState(Origin(f"file:///d/{name}", sha, "r"), documents)


def test_content_that_has_gone_from_one_place_moves_once_and_is_copied_elsewhere() -> None:
    gone = a_state("a", "1")
    found = plan([A_FILE("b", "1"), A_FILE("c", "1")], [gone], [gone])
    assert [(file.name, source) for file, source in found.moved] == [("b", "file:///d/a")]
    assert [(file.name, source) for file, source in found.copied] == [("c", "file:///d/a")]
    assert found.gone == (gone,)


def test_a_file_that_cannot_be_opened_is_nobodys_copy() -> None:
    found = plan([A_FILE("b", ""), A_FILE("c", "")], [a_state("a", "")], [])
    assert [file.name for file in found.added] == ["b", "c"]


def test_digests_are_remembered_only_for_files_that_have_come_to_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one")
    digests = Digests(remember=True)
    first = digests.of(path)
    path.write_text("two")
    assert digests.of(path) != first
    assert digests.of(tmp_path) == digests.of(tmp_path / "none") == ""


def test_a_recipe_names_the_ending_and_the_choices() -> None:
    plain = recipe("a.txt", Reading())
    assert recipe("b.TXT", Reading()) == plain
    assert recipe("b.md", Reading()) != plain
    assert recipe("a.txt", Reading(ocr=True)) != plain
    assert recipe("a.txt", Reading(), "beside") != plain
    assert recipe("a.tar.gz", Reading()) != recipe("a.gz", Reading())
    assert recipe("a.\udcff", Reading()).isascii()
