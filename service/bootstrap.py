"""Names the concrete classes; everything else asks for a port."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import index
import qa
from index.embedding import Embedder, ModelIdentity, OnnxEmbedder
from index.errors import IncompatibleIndex, NoIndex
from index.files import at_home
from index.local_store import LocalStore
from index.onnx_model import MANIFEST, Manifest, read_manifest
from index.passages import Splitter
from index.store import IndexSettings
from index.threads import available_cores
from qa.reader import OnnxReader, Reader
from service.engine import Engine
from service.settings import Settings

if TYPE_CHECKING:  # what reads documents is not needed to answer questions
    from index.sandbox.workers import Extractor

_Value = TypeVar("_Value", int, float)

DEFAULT_EMBEDDER = "all-MiniLM-L6-v2"
DEFAULT_READER = "reader-v0"

_EMBEDDERS = Path(index.__file__).parent / "bundled"
_READERS = Path(qa.__file__).parent / "bundled"

# Passages share this part of their tokens with the one before, unless told otherwise.
_OVERLAP_SHARE = 5


@dataclass(frozen=True, slots=True)
class Opened:
    """An index opened for writing; `created` tells that there was none before."""

    engine: Engine
    store: LocalStore
    created: bool


def open_store(settings: Settings) -> LocalStore:
    """Open the index.

    Raises:
        IndexStoreError: there is none, or it cannot be used.
    """
    return LocalStore.open(settings.index)


def open_engine(settings: Settings) -> Engine:
    """Open the index for questions, and for additions as it was made.

    Raises:
        IndexStoreError: there is none, or it cannot be used.
    """
    return engine_for(open_store(settings), settings)


def engine_for(store: LocalStore, settings: Settings, made_with: Embedder | None = None) -> Engine:
    """An engine on an open store; models are checked against the index when they are loaded.

    `made_with` is an embedder that is open already.
    """
    model = made_with

    def embedder() -> Embedder:
        nonlocal model
        recorded = store.settings
        if model is None or model.identity != recorded.embedder:
            wanted = settings.embedder
            model = open_embedder(recorded.embedder.name if wanted is None else wanted, settings)
        store.require(IndexSettings(model.identity, recorded.splitter))
        return model

    def reader() -> Reader:
        return open_reader(settings)

    def extractor() -> "Extractor":
        return open_extractor(settings)

    return Engine(store, embedder, reader, extractor)


def open_extractor(settings: Settings) -> "Extractor":
    """What reads files: processes of their own, a core each, within the limits that are set."""
    from index.extract.source import Limits
    from index.sandbox.workers import WorkerPool

    default = Limits()
    limits = replace(
        default,
        seconds=_or(settings.read_seconds, default.seconds),
        memory_mb=_or(settings.read_memory_mb, default.memory_mb),
        characters=_or(settings.read_characters, default.characters),
    )
    return WorkerPool(limits, available_cores())


def _or(value: _Value | None, default: _Value) -> _Value:
    return default if value is None else value


def open_or_create(settings: Settings) -> Opened:
    """Open the index for additions, or make one if there is none.

    Raises:
        IndexStoreError: it cannot be used, or was made with other settings than asked for.
        InvalidSettings: the splitter's settings cannot work.
    """
    try:
        store = open_store(settings)
    except NoIndex:
        if settings.index.exists() and not settings.index.is_dir():
            raise
        try:
            return _create(settings)
        except IncompatibleIndex as occupied:
            # Perhaps another process has made one meanwhile.
            try:
                store = open_store(settings)
            except NoIndex:
                raise occupied from None
    recorded = store.settings
    store.require(IndexSettings(recorded.embedder, splitter(settings, recorded.splitter)))
    return Opened(engine_for(store, settings), store, created=False)


def _create(settings: Settings) -> Opened:
    model = default_embedder(settings)
    cut = splitter(settings)
    cut.check(model.max_tokens)
    store = LocalStore.create(settings.index, IndexSettings(model.identity, cut))
    return Opened(engine_for(store, settings, model), store, created=True)


def discard(opened: Opened) -> None:
    """Close and take away an index that has just been created and holds nothing."""
    opened.engine.close()
    for part in opened.store.folder.iterdir():
        part.unlink()
    opened.store.folder.rmdir()


def splitter(settings: Settings, recorded: Splitter | None = None) -> Splitter:
    """The splitter that the settings ask for, the recorded one where they ask for nothing."""
    known = Splitter() if recorded is None else recorded
    tokens = known.tokens if settings.passage_tokens is None else settings.passage_tokens
    if settings.overlap_tokens is not None:
        overlap = settings.overlap_tokens
    else:
        overlap = known.overlap if tokens == known.tokens else tokens // _OVERLAP_SHARE
    return replace(Splitter(), tokens=tokens, overlap=overlap)


def default_embedder(settings: Settings) -> Embedder:
    """The embedder for an index that is made anew."""
    named = settings.embedder
    return open_embedder(DEFAULT_EMBEDDER if named is None else named, settings)


def open_embedder(name: str, settings: Settings) -> Embedder:
    """Open an embedder by the name of a bundled one, a folder, or a Hugging Face name.

    One that is given by its folder has the folder's absolute path as its name, so that an index
    made with it opens wherever it is used from.

    Raises:
        ModelError: there is none, or it cannot be used.
    """
    folder = _bundled(_EMBEDDERS, name)
    if folder is not None:
        return OnnxEmbedder(folder, settings.threads)
    path = at_home(name).absolute()
    if (path / MANIFEST).is_file():
        model = OnnxEmbedder(path, settings.threads)
        model.identity = replace(model.identity, name=str(path))
        return model
    from index.hub import HubEmbedder

    return HubEmbedder(str(path) if path.is_dir() else name)


def open_reader(settings: Settings) -> Reader:
    """Open the reader that the settings name, or the bundled one.

    Raises:
        ModelError: there is none, or it cannot be used.
    """
    folder = _reader_folder(settings)
    if folder is not None:
        return OnnxReader(folder, settings.threads)
    from qa.hub import HubReader

    name = _reader_name(settings)
    path = at_home(name).absolute()
    return HubReader(str(path) if path.is_dir() else name)


def reader_checksum(settings: Settings) -> str | None:
    """The SHA-256 of the weights of the reader that the settings name; None of one not of ours.

    Raises:
        ModelError: its manifest cannot be read.
    """
    folder = _reader_folder(settings)
    return None if folder is None else read_manifest(folder).checksum


def _reader_name(settings: Settings) -> str:
    return DEFAULT_READER if settings.reader is None else settings.reader


def _reader_folder(settings: Settings) -> Path | None:
    """The folder of the reader that the settings name, if it is one of ours."""
    name = _reader_name(settings)
    folder = _bundled(_READERS, name)
    path = at_home(name).absolute()
    if folder is None and (path / MANIFEST).is_file():
        return path
    return folder


@dataclass(frozen=True, slots=True)
class ModelAtHand:
    """A model that can be used as it is; `folder` is None where it is not bundled.

    `in_use` tells that the index, or the settings, would use it now.
    """

    name: str
    kind: str
    licence: str | None
    checksum: str
    folder: Path | None
    in_use: bool


def models_at_hand(settings: Settings) -> list[ModelAtHand]:
    """The bundled models, and the one the index was made with if that is another; by kind.

    Raises:
        ModelError: a bundled model's manifest is damaged.
        IndexStoreError: there is an index and it cannot be used.
    """
    recorded = _recorded_embedder(settings)
    embedder = DEFAULT_EMBEDDER if recorded is None else recorded.name
    reader = DEFAULT_READER if settings.reader is None else settings.reader
    found = []
    for root in (_EMBEDDERS, _READERS):
        for path in sorted(root.glob("*/" + MANIFEST)):
            model = read_manifest(path.parent)
            in_use = path.parent.name in (embedder, reader)
            found.append(_at_hand(model, path.parent, in_use))
    if recorded is not None and all(recorded.checksum != model.checksum for model in found):
        found.append(
            ModelAtHand(recorded.name, "embedder", None, recorded.checksum, None, in_use=True)
        )
    return sorted(found, key=lambda model: (model.kind, model.name))


def _at_hand(model: Manifest, folder: Path, in_use: bool) -> ModelAtHand:
    return ModelAtHand(model.name, model.kind, model.licence, model.checksum, folder, in_use)


def _recorded_embedder(settings: Settings) -> ModelIdentity | None:
    try:
        store = open_store(settings)
    except NoIndex:
        return None
    try:
        return store.settings.embedder
    finally:
        store.close()


def _bundled(root: Path, name: str) -> Path | None:
    """The folder of the bundled model `name`; a name with a separator never is one."""
    if name in ("", ".", "..") or Path(name).name != name or not (root / name / MANIFEST).is_file():
        return None
    return root / name
