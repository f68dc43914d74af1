"""Names the concrete classes; everything else asks for a port."""

import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import index
import qa
from index.database import BESIDE, DATABASE
from index.embedding import Embedder, ModelIdentity, OnnxEmbedder
from index.errors import IncompatibleIndex, InvalidSettings, NoIndex
from index.files import at_home
from index.local_store import LocalStore
from index.onnx_model import MANIFEST, Manifest, read_manifest
from index.originals import FOLDER, Originals
from index.passages import Splitter
from index.store import IndexSettings
from index.threads import available_cores
from index.vector_kinds import Kinds, check_factory
from qa.reader import OnnxReader, Reader
from service.engine import Engine
from service.settings import Settings

if TYPE_CHECKING:  # what reads documents, or serves, is not needed to answer questions
    from index.extract.source import Reading
    from index.sandbox.workers import Extractor
    from service.host.server import Door, Server

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
        InvalidSettings: its vectors cannot be indexed in the way that is set.
    """
    store = LocalStore.open(settings.index, vector_kinds(settings))
    try:
        _check_kinds(settings, store.settings.embedder.dim)
    except InvalidSettings:
        store.close()
        raise
    return store


def vector_kinds(settings: Settings) -> Kinds:
    """How vectors are searched: what the settings say, and our own choices."""
    default = Kinds()
    return replace(
        default,
        factory=settings.vector_index,
        effort=_or(settings.vector_effort, default.effort),
    )


def _check_kinds(settings: Settings, dim: int) -> None:
    if settings.vector_index is not None:
        check_factory(settings.vector_index, dim)


def open_made_with(folder: Path, wanted: IndexSettings) -> LocalStore:
    """Open the index in a folder, which is made with these settings if there is none.

    Raises:
        IndexStoreError: it cannot be used, or was made with others.
    """
    try:
        store = LocalStore.open(folder)
    except NoIndex:
        return LocalStore.create(folder, wanted)
    store.require(wanted)
    return store


def open_engine(settings: Settings) -> Engine:
    """Open the index for questions, and for additions as it was made.

    Raises:
        IndexStoreError: there is none, or it cannot be used.
    """
    return engine_for(open_store(settings), settings)


class Parts:
    """What engines use: models and what reads files, each opened once, when it is first needed.

    Safe to use from several threads.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._embedders: dict[str, Embedder] = {}
        self._reader: Reader | None = None
        self._extractor: Extractor | None = None

    def embedder(self, name: str) -> Embedder:
        """The embedder of this name; see `open_embedder`."""
        with self._lock:
            if name not in self._embedders:
                self._embedders[name] = open_embedder(name, self._settings)
            return self._embedders[name]

    def reader(self) -> Reader:
        """The reader; see `open_reader`."""
        with self._lock:
            if self._reader is None:
                self._reader = open_reader(self._settings)
            return self._reader

    def extractor(self) -> "Extractor":
        """What reads files; see `open_extractor`."""
        with self._lock:
            if self._extractor is None:
                self._extractor = open_extractor(self._settings)
            return self._extractor

    def close(self) -> None:
        """Close what reads files, when no engine uses it any more."""
        with self._lock:
            if self._extractor is not None:
                self._extractor.close()


def engine_for(
    store: LocalStore, settings: Settings, parts: Parts | None = None, *, shared: bool = False
) -> Engine:
    """An engine on an open store; models are checked against the index when they are loaded.

    `parts` are what it uses; with `shared` they are left open when it closes.
    """
    own = Parts(settings) if parts is None else parts

    def embedder() -> Embedder:
        recorded, wanted = store.settings, settings.embedder
        model = own.embedder(recorded.embedder.name if wanted is None else wanted)
        store.require(IndexSettings(model.identity, recorded.splitter))
        return model

    return Engine(
        store,
        embedder,
        own.reader,
        own.extractor,
        shares_extractor=shared,
        originals=Originals(store.folder / FOLDER),
        reading=lambda: reading_of(settings),
    )


def reading_of(settings: Settings) -> "Reading":
    """How files are read, as far as it is set."""
    from index.extract.source import Reading

    return Reading(settings.json_text, settings.json_metadata, settings.ocr)


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


def open_or_create(settings: Settings, parts: Parts | None = None) -> Opened:
    """Open the index for additions, or make one if there is none.

    `parts` are those of other engines, to be shared.

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
            return _create(settings, parts)
        except IncompatibleIndex as occupied:
            # Perhaps another process has made one meanwhile.
            try:
                store = open_store(settings)
            except NoIndex:
                raise occupied from None
    recorded = store.settings
    store.require(IndexSettings(recorded.embedder, splitter(settings, recorded.splitter)))
    engine = engine_for(store, settings, parts, shared=parts is not None)
    return Opened(engine, store, created=False)


def _create(settings: Settings, shared: Parts | None) -> Opened:
    parts = Parts(settings) if shared is None else shared
    named = settings.embedder
    model = parts.embedder(DEFAULT_EMBEDDER if named is None else named)
    cut = splitter(settings)
    cut.check(model.max_tokens)
    _check_kinds(settings, model.identity.dim)
    made = IndexSettings(model.identity, cut)
    store = LocalStore.create(settings.index, made, vector_kinds(settings))
    engine = engine_for(store, settings, parts, shared=shared is not None)
    return Opened(engine, store, created=True)


def open_server(settings: Settings, door: "Door") -> "Server":
    """Open a server around the index, which is made if there is none.

    Raises:
        IndexStoreError: the index cannot be used, or the server's folder.
    """
    from service.host import server as host
    from service.host.collections import DEFAULT

    parts = Parts(settings)

    def open_engine(folder: Path) -> Engine:
        opened = open_or_create(replace(settings, index=folder), parts)
        opened.store.write_vectors_behind()
        return opened.engine

    server = host.open_server(settings, open_engine, door)
    server.after_closing(parts.close)
    try:
        with server.collections.use(DEFAULT):
            return server
    except BaseException:
        server.close()
        raise


def discard(opened: Opened) -> None:
    """Close an index that has just been created, and take it away if it holds nothing.

    One that another process has meanwhile begun to use stays, as does what lies beside an index,
    such as a server's keys.
    """
    opened.engine.close()
    folder = opened.store.folder
    if not _is_deserted(folder):
        return
    for part in folder.iterdir():
        if part.name not in BESIDE:
            part.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def _is_deserted(folder: Path) -> bool:
    """Whether no process has the index in a folder open, and it holds no document."""
    with closing(sqlite3.connect(folder / DATABASE, timeout=0)) as database:
        try:
            # Only who is alone with a database can take it out of WAL mode.
            alone = database.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
        except sqlite3.OperationalError:
            return False
        return alone and database.execute("SELECT 1 FROM documents LIMIT 1").fetchone() is None


def splitter(settings: Settings, recorded: Splitter | None = None) -> Splitter:
    """The splitter that the settings ask for, the recorded one where they ask for nothing."""
    known = Splitter() if recorded is None else recorded
    tokens = known.tokens if settings.passage_tokens is None else settings.passage_tokens
    if settings.overlap_tokens is not None:
        overlap = settings.overlap_tokens
    else:
        overlap = known.overlap if tokens == known.tokens else tokens // _OVERLAP_SHARE
    return replace(Splitter(), tokens=tokens, overlap=overlap)


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
    folder = reader_folder(settings)
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
    folder = reader_folder(settings)
    return None if folder is None else read_manifest(folder).checksum


def _reader_name(settings: Settings) -> str:
    return DEFAULT_READER if settings.reader is None else settings.reader


def reader_folder(settings: Settings) -> Path | None:
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
