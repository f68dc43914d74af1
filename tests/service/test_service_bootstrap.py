import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

import index
from index.embedding import OnnxEmbedder
from index.errors import IncompatibleIndex, InvalidSettings, NoIndex
from index.local_store import LocalStore
from index.passages import Splitter
from index.sandbox.workers import Job
from index.store import IndexSettings
from index.vector_copy import FAISS_FILE
from index.vector_kinds import Kinds
from qa.reader import OnnxReader
from service.bootstrap import (
    DEFAULT_EMBEDDER,
    DEFAULT_READER,
    discard,
    models_at_hand,
    open_embedder,
    open_engine,
    open_extractor,
    open_or_create,
    open_reader,
    open_server,
    open_store,
    splitter,
    vector_kinds,
)
from service.host.collections import DEFAULT
from service.host.server import Door
from service.settings import Settings

BUNDLED = Path(index.__file__).parent / "bundled" / DEFAULT_EMBEDDER


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """A copy of the bundled embedder under another name."""
    folder = tmp_path / "mine"
    shutil.copytree(BUNDLED, folder)
    manifest = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    manifest["name"] = "mine"
    (folder / "model.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def test_bundled_models_are_opened_by_name() -> None:
    assert isinstance(open_embedder(DEFAULT_EMBEDDER, Settings()), OnnxEmbedder)
    assert isinstance(open_reader(Settings()), OnnxReader)
    assert open_reader(Settings(reader=DEFAULT_READER)).name == DEFAULT_READER


def test_an_embedder_given_by_its_folder_is_named_by_its_absolute_path(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model_folder.parent)
    embedder = open_embedder("mine", Settings())
    assert embedder.identity.name == str(model_folder)
    opened = open_or_create(Settings(index=Path("index"), embedder="mine"))
    opened.engine.close()
    monkeypatch.chdir("/")
    settings = Settings(index=model_folder.parent / "index")
    engine = open_engine(settings)
    assert engine.embedder.identity.name == str(model_folder)
    engine.close()
    assert [model.name for model in models_at_hand(settings)] == [DEFAULT_EMBEDDER, DEFAULT_READER]


def test_a_server_writes_the_copy_of_many_vectors_in_the_background(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = Kinds(exact_up_to=2, loose=0, loose_share=0.0)
    monkeypatch.setattr("service.bootstrap.vector_kinds", lambda _: few)
    folder = tmp_path / "index"
    shutil.copytree(library, folder)
    (folder / FAISS_FILE).unlink()
    server = open_server(Settings(index=folder), Door.OPEN)
    try:
        with server.collections.use(DEFAULT) as collection:
            assert collection.engine.search("books", 3)
            until = time.monotonic() + 30
            while not (folder / FAISS_FILE).exists() and time.monotonic() < until:
                time.sleep(0.01)
        assert (folder / FAISS_FILE).exists()
    finally:
        server.close()


def test_another_embedder_than_the_index_was_made_with_is_refused(
    library: Path, model_folder: Path
) -> None:
    engine = open_engine(Settings(index=library, embedder=str(model_folder)))
    with pytest.raises(IncompatibleIndex, match="pincite reindex --embedder"):
        _ = engine.embedder
    engine.close()


def test_other_passages_than_the_index_was_made_with_are_refused(library: Path) -> None:
    with pytest.raises(IncompatibleIndex, match="pincite reindex --passage-tokens 100"):
        open_or_create(Settings(index=library, passage_tokens=100))


def test_files_are_read_by_processes_of_their_own_within_the_limits_that_are_set(
    tmp_path: Path,
) -> None:
    extractor = open_extractor(Settings(read_characters=10))
    try:
        read = extractor.submit(Job("u:a", "a.txt", data=b"The bat sleeps."))
        (problem,) = read.result(60).problems
        assert "more than the 10 characters" in problem.reason
        short = extractor.submit(Job("u:b", "b.txt", data=b"The bat."))
        assert [document.text for document in short.result(60).documents] == ["The bat."]
    finally:
        extractor.close()


def test_an_index_that_another_process_makes_meanwhile_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(index=tmp_path / "index")
    create = LocalStore.create

    def late(folder: Path, made_with: IndexSettings, kinds: Kinds) -> LocalStore:
        create(folder, made_with, kinds).close()
        return create(folder, made_with, kinds)

    monkeypatch.setattr(LocalStore, "create", late)
    opened = open_or_create(settings)
    assert not opened.created
    opened.engine.close()


@pytest.mark.parametrize("is_open", [True, False])
def test_an_index_that_another_process_has_begun_to_use_is_not_discarded(
    tmp_path: Path, is_open: bool
) -> None:
    settings = Settings(index=tmp_path / "index")
    first, second = open_or_create(settings), open_or_create(settings)
    assert (first.created, second.created) == (True, False)
    if is_open:
        discard(first)
    second.engine.add_bytes(b"The bat sleeps.", uri="t:bat", name="bat.txt")
    second.engine.close()
    if not is_open:
        discard(first)
    third = open_store(settings)
    assert [one.uri for one in third.documents()] == ["t:bat"]
    third.close()


def test_an_index_that_nobody_uses_is_discarded(tmp_path: Path) -> None:
    settings = Settings(index=tmp_path / "index")
    discard(open_or_create(settings))
    assert not settings.index.exists()


def test_an_index_is_not_made_with_settings_that_cannot_work(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings):
        open_or_create(Settings(index=tmp_path / "index", passage_tokens=5000))
    assert not (tmp_path / "index").exists()


def test_a_place_without_an_index_is_reported(tmp_path: Path) -> None:
    with pytest.raises(NoIndex):
        open_engine(Settings(index=tmp_path / "nowhere"))


def test_the_splitter_is_the_recorded_one_unless_asked_otherwise() -> None:
    recorded = Splitter(tokens=100, overlap=10)
    assert splitter(Settings(), recorded) == recorded
    assert splitter(Settings(overlap_tokens=0), recorded) == replace(recorded, overlap=0)
    assert splitter(Settings(passage_tokens=60), recorded) == Splitter(60, 12)
    assert splitter(Settings()) == Splitter()


def test_the_default_overlap_is_the_share_that_other_sizes_get() -> None:
    assert splitter(Settings(passage_tokens=Splitter().tokens)).overlap == Splitter().overlap


def test_vectors_are_searched_as_the_settings_say(tmp_path: Path) -> None:
    assert vector_kinds(Settings()) == Kinds()
    given = Settings(index=tmp_path / "index", vector_index="IVF64,SQ4", vector_effort=90)
    assert vector_kinds(given) == replace(Kinds(), factory="IVF64,SQ4", effort=90)
    open_or_create(given).engine.close()
    open_store(given).close()


@pytest.mark.parametrize("factory", ["XYZ", "PQ4x4fs", "Flat,Refine(Flat)"])
def test_a_kind_of_vector_index_that_faiss_cannot_make_or_filter_is_refused(
    tmp_path: Path, factory: str
) -> None:
    open_or_create(Settings(index=tmp_path / "index")).engine.close()
    for folder, action in (("index", open_store), ("other", open_or_create)):
        with pytest.raises(InvalidSettings, match="vector_index") as error:
            action(Settings(index=tmp_path / folder, vector_index=factory))
        assert "\n" not in str(error.value)
    assert not (tmp_path / "other").exists()
