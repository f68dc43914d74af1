"""Files and texts into an index: extract, split, embed, and store in groups."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256

from index.catalog import IndexSettings
from index.documents import Document, Passage
from index.embedding import Embedder, Vectors
from index.errors import DocumentError, DocumentTooLarge, UnsupportedFormat
from index.extract import EXTRACTOR_VERSION, extract, size_limit
from index.files import Found, file_uri
from index.passages import Splitter, split, text_in_context
from index.store import Entry, PassageStore

# A group is stored when it holds this many passages: large enough to keep the transactions few,
# small enough to show progress and to lose little when interrupted.
_GROUP = 64


class Status(StrEnum):
    """What became of a file."""

    ADDED = "added"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file; `reason` says why it was skipped or failed, on one line.

    Skipped are files of unsupported formats that were met in a folder; if the user named the file
    itself, it has failed. `named` tells that the user named it.
    """

    name: str
    status: Status
    named: bool = True
    reason: str | None = None
    document_id: str | None = None
    passages: int = 0


@dataclass(frozen=True, slots=True)
class _Prepared:
    document: Document
    passages: list[Passage]
    outcome: Outcome


class Indexer:
    """Puts documents into a store, with the embedder and the splitter it was made for."""

    def __init__(self, store: PassageStore, embedder: Embedder, splitter: Splitter) -> None:
        splitter.check(embedder.max_tokens)
        self._store = store
        self._embedder = embedder
        self._splitter = splitter

    def add_files(self, files: Iterable[Found]) -> Iterator[Outcome]:
        """Read files and put them into the store; one outcome for each, some time after its turn.

        A file that cannot be read leaves the document stored for it as it was.
        """
        group: list[_Prepared] = []
        for found in files:
            prepared = self._prepare_file(found)
            if isinstance(prepared, Outcome):
                yield prepared
                continue
            group.append(prepared)
            if sum(len(item.passages) for item in group) >= _GROUP:
                yield from self._store_group(group)
                group = []
        yield from self._store_group(group)

    def add_bytes(
        self,
        data: bytes,
        *,
        uri: str,
        name: str,
        media_type: str | None = None,
        title: str | None = None,
    ) -> Outcome:
        """Put one document into the store from its bytes; `title` overrules the one found in it.

        Raises:
            DocumentError: it cannot be read; what was stored under `uri` stays.
        """
        prepared = self._prepare(
            data, uri=uri, name=name, media_type=media_type, named=True, title=title
        )
        if isinstance(prepared, Outcome):
            return prepared
        return next(self._store_group([prepared]))

    def _prepare_file(self, found: Found) -> _Prepared | Outcome:
        name = str(found.path)
        try:
            data = _read(found)
            return self._prepare(
                data, uri=file_uri(found.path), name=name, media_type=None, named=found.named
            )
        except UnsupportedFormat as error:
            status = Status.FAILED if found.named else Status.SKIPPED
            return Outcome(name, status, found.named, str(error))
        except DocumentError as error:
            return Outcome(name, Status.FAILED, found.named, str(error))

    def _prepare(
        self,
        data: bytes,
        *,
        uri: str,
        name: str,
        media_type: str | None,
        named: bool,
        title: str | None = None,
    ) -> _Prepared | Outcome:
        known = self._store.find(uri)
        if (
            known is not None
            and known.extractor == EXTRACTOR_VERSION
            and known.sha256 == sha256(data).hexdigest()
            and title in (None, known.title)
        ):
            return Outcome(
                name, Status.UNCHANGED, named, document_id=known.id, passages=known.passages
            )
        document = extract(data, uri=uri, name=name, media_type=media_type)
        if title is not None:
            document = replace(document, title=title)
        passages = split(document, self._embedder.tokenize, self._splitter)
        status = Status.ADDED if known is None else Status.REPLACED
        outcome = Outcome(name, status, named, document_id=document.id, passages=len(passages))
        return _Prepared(document, passages, outcome)

    def _store_group(self, group: Sequence[_Prepared]) -> Iterator[Outcome]:
        texts = [text_in_context(passage) for item in group for passage in item.passages]
        vectors = self._embedder.embed_passages(texts)
        entries, first = [], 0
        for item in group:
            last = first + len(item.passages)
            entries.append(
                Entry(item.document, item.passages, vectors[first:last], EXTRACTOR_VERSION)
            )
            first = last
        self._store.put(entries)
        for item in group:
            yield item.outcome


def _read(found: Found) -> bytes:
    """The bytes of a file.

    Raises:
        DocumentError: it cannot be read, or is larger than any format is read up to.
    """
    if found.problem is not None:
        raise DocumentError(f"{found.path}: {found.problem}")
    try:
        size, most = found.path.stat().st_size, size_limit()
        if size > most:
            raise DocumentTooLarge(
                f"{found.path}: has {size:,} bytes, more than the {most:,} any file is read up to; "
                "split it and index the parts"
            )
        return found.path.read_bytes()
    except FileNotFoundError as error:
        raise DocumentError(f"{found.path}: is gone; it was there a moment ago") from error
    except OSError as error:
        raise DocumentError(
            f"{found.path}: cannot be read ({error.strerror or error}); check its permissions"
        ) from error


def rebuild(
    store: PassageStore,
    embedder: Embedder,
    splitter: Splitter,
    progress: Callable[[], None] = lambda: None,
) -> None:
    """Cut and embed every stored document again, for another embedder or splitter.

    Needs no original files. Calls `progress` after each document. The index changes in one step at
    the end; interrupted before that, it stays as it was.

    Raises:
        InvalidSettings: the splitter does not fit the embedder.
    """
    splitter.check(embedder.max_tokens)

    def make(document: Document) -> tuple[list[Passage], Vectors]:
        passages = split(document, embedder.tokenize, splitter)
        vectors = embedder.embed_passages([text_in_context(passage) for passage in passages])
        progress()
        return passages, vectors

    store.rebuild(IndexSettings(embedder.identity, splitter), make)
