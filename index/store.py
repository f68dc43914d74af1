"""What an index can do: the `PassageStore` port, and `LocalStore`, which joins SQLite and FAISS."""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from index.catalog import Catalog, DocumentSummary, IndexSettings
from index.documents import Document, Passage
from index.embedding import Vectors
from index.errors import IncompatibleIndex, UnknownDocument
from index.lexical import match_query
from index.vectors import FaissIndex

FAISS_FILE = "vectors.faiss"
_LOAD_AT_ONCE = 20_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A document ready to be stored: float32 `(len(passages), dim)` vectors, a row a passage.

    `extractor` is the version of the extractors that read it.
    """

    document: Document
    passages: Sequence[Passage]
    vectors: Vectors
    extractor: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that one side of the search found, with the scores that both sides give it.

    `dense_score` is the cosine, from -1 to 1; `lexical_score` is BM25, from 0 up; for both, higher
    is better.
    """

    passage: Passage
    dense_score: float
    lexical_score: float


MakePassages = Callable[[Document], tuple[Sequence[Passage], Vectors]]


class PassageStore(Protocol):
    """An index of documents and their passages. Safe to use from several threads."""

    @property
    def generation(self) -> int:
        """A number that grows with every change; equal numbers mean equal content."""
        ...

    @property
    def settings(self) -> IndexSettings:
        """The embedder and the splitter that the index was made with."""
        ...

    def put(self, entries: Sequence[Entry]) -> None:
        """Add documents, or replace those with the same id: all of them in one step, or none."""
        ...

    def remove(self, document_ids: Iterable[str]) -> None:
        """Remove documents with their passages: all of them in one step, or none.

        Raises:
            UnknownDocument: there is none with one of these ids; then nothing is removed.
        """
        ...

    def document(self, document_id: str) -> Document:
        """The document with this id.

        Raises:
            UnknownDocument: there is none.
        """
        ...

    def documents(self) -> list[DocumentSummary]:
        """All documents without their texts, in the order of their URIs."""
        ...

    def find(self, uri: str) -> DocumentSummary | None:
        """The document with this URI, without its text; None where there is none."""
        ...

    def rebuild(self, settings: IndexSettings, make: MakePassages) -> None:
        """Give every document the passages and vectors that `make` makes of it, in one step."""
        ...

    def candidates(
        self, question: str, vector: Vectors, k: int, within: Collection[str] | None = None
    ) -> list[Candidate]:
        """The `k` nearest passages to a float32 `(dim,)` vector, and the `k` best by BM25.

        Each once, with both scores, in no particular order, all from one generation. With `within`,
        only passages of the documents with these ids.
        """
        ...

    def close(self) -> None:
        """Release what is held; the store cannot be used afterwards."""
        ...


class LocalStore:
    """An index folder: SQLite holds everything, FAISS a copy of the vectors for searching.

    The copy is brought up to date by comparing passage numbers, whatever the reason it is behind:
    another process wrote, the file is old, or there is none.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.RLock()
        self._settings = catalog.settings
        self._vectors: FaissIndex | None = None
        self._vectors_generation = -1
        self._saved_generation = -1

    @classmethod
    def open(cls, folder: Path) -> "LocalStore":
        """Open the index in `folder`.

        Raises:
            NoIndex, IncompatibleIndex, DamagedIndex: see `Catalog.open`.
        """
        return cls(Catalog.open(folder))

    @classmethod
    def create(cls, folder: Path, settings: IndexSettings) -> "LocalStore":
        """Make a new index in `folder`.

        Raises:
            IncompatibleIndex: the folder holds an index or other things already.
        """
        return cls(Catalog.create(folder, settings))

    @property
    def folder(self) -> Path:
        """The index folder."""
        return self._catalog.folder

    @property
    def generation(self) -> int:
        """See `PassageStore.generation`."""
        with self._lock:
            return self._catalog.generation

    @property
    def settings(self) -> IndexSettings:
        """See `PassageStore.settings`."""
        with self._lock:
            return self._catalog.settings

    def require(self, wanted: IndexSettings) -> None:
        """Make sure that the index was made with these settings.

        Raises:
            IncompatibleIndex: it was not; the message names the command that changes the index.
        """
        found = self.settings
        if found.embedder != wanted.embedder:
            raise IncompatibleIndex(
                f"{self.folder}: was made with the embedder {found.embedder.name} "
                f"(weights {found.embedder.checksum[:12]}), not {wanted.embedder.name} "
                f"(weights {wanted.embedder.checksum[:12]}); embed its documents again: "
                f"pincite rebuild --embedder {wanted.embedder.name}"
            )
        if found.splitter != wanted.splitter:
            ours, theirs = wanted.splitter, found.splitter
            raise IncompatibleIndex(
                f"{self.folder}: was made with passages of {theirs.tokens} tokens, overlap "
                f"{theirs.overlap} (splitter {theirs.version}), not {ours.tokens}, {ours.overlap} "
                f"(splitter {ours.version}); cut its documents again: "
                f"pincite rebuild --passage-tokens {ours.tokens} --overlap-tokens {ours.overlap}"
            )

    def put(self, entries: Sequence[Entry]) -> None:
        """See `PassageStore.put`."""
        if not entries:
            return
        with self._lock, self._catalog.transaction(write=True):
            if self._catalog.settings != self._settings:
                raise self._rebuilt_meanwhile()
            for entry in entries:
                expected = (len(entry.passages), self._dim)
                if entry.vectors.shape != expected:
                    raise ValueError(
                        f"{entry.document.uri}: vectors have shape {entry.vectors.shape}, "
                        f"expected {expected}"
                    )
                self._catalog.delete_document(entry.document.id)
                number = self._catalog.insert_document(entry.document, entry.extractor)
                self._catalog.insert_passages(number, entry.passages, entry.vectors)

    def remove(self, document_ids: Iterable[str]) -> None:
        """See `PassageStore.remove`."""
        with self._lock, self._catalog.transaction(write=True):
            for document_id in document_ids:
                if not self._catalog.delete_document(document_id):
                    raise _unknown(document_id)

    def document(self, document_id: str) -> Document:
        """See `PassageStore.document`."""
        with self._lock, self._catalog.transaction(write=False):
            document = self._catalog.document(document_id)
        if document is None:
            raise _unknown(document_id)
        return document

    def documents(self) -> list[DocumentSummary]:
        """See `PassageStore.documents`."""
        with self._lock, self._catalog.transaction(write=False):
            return self._catalog.summaries()

    def find(self, uri: str) -> DocumentSummary | None:
        """See `PassageStore.find`."""
        with self._lock, self._catalog.transaction(write=False):
            return next(iter(self._catalog.summaries(uri)), None)

    def counts(self) -> tuple[int, int]:
        """How many documents and passages there are."""
        with self._lock, self._catalog.transaction(write=False):
            return self._catalog.counts()

    def rebuild(self, settings: IndexSettings, make: MakePassages) -> None:
        """See `PassageStore.rebuild`."""
        with self._lock:
            with self._catalog.transaction(write=True):
                self._catalog.delete_all_passages()
                self._catalog.set_settings(settings)
                for number, document in self._catalog.all_documents():
                    self._catalog.insert_passages(number, *make(document))
            self._settings = settings
            self._vectors = None

    def candidates(
        self, question: str, vector: Vectors, k: int, within: Collection[str] | None = None
    ) -> list[Candidate]:
        """See `PassageStore.candidates`."""
        query = match_query(question)
        with self._lock, self._catalog.transaction(write=False):
            if self._catalog.settings.embedder != self._settings.embedder:
                raise self._rebuilt_meanwhile()
            vectors = self._current_vectors()
            numbers = None if within is None else self._catalog.passage_numbers(within)
            dense = dict(vectors.search(vector, k, numbers))
            lexical = dict(self._catalog.bm25(query, k, within)) if query else {}
            found = sorted(dense.keys() | lexical.keys())
            no_dense = [number for number in found if number not in dense]
            if no_dense:
                rows = self._catalog.vectors(no_dense, self._dim)
                dense.update(zip(no_dense, (rows @ vector).tolist(), strict=True))
            no_lexical = [number for number in found if number not in lexical]
            if query and no_lexical:
                lexical.update(self._catalog.bm25(query, len(no_lexical), numbers=no_lexical))
            passages = self._catalog.passages(found)
        return [
            Candidate(
                passages[number],
                min(1.0, max(-1.0, dense[number])),
                lexical.get(number, 0.0),
            )
            for number in found
        ]

    @property
    def _dim(self) -> int:
        return self._settings.embedder.dim

    def _rebuilt_meanwhile(self) -> IncompatibleIndex:
        """The error for vectors and passages that no longer belong with what is stored."""
        return IncompatibleIndex(
            f"{self.folder}: was rebuilt with another embedder or splitter meanwhile; "
            "start again, to use what it is made with now"
        )

    def _current_vectors(self) -> FaissIndex:
        """The copy of the vectors, brought to the generation of the open transaction."""
        generation = self._catalog.generation
        if self._vectors is None:
            path = self.folder / FAISS_FILE
            loaded = FaissIndex.load(path, self._catalog.name, self._dim)
            self._vectors, self._saved_generation = loaded or (FaissIndex(self._dim), -1)
            # Even at the same generation the file may be of a state that a restored backup lost.
            self._vectors_generation = -1
        if self._vectors_generation != generation:
            wanted, present = self._catalog.passage_numbers(), self._vectors.ids
            extra, missing = np.setdiff1d(present, wanted), np.setdiff1d(wanted, present)
            self._vectors.remove(extra)
            for first in range(0, len(missing), _LOAD_AT_ONCE):
                part = missing[first : first + _LOAD_AT_ONCE]
                self._vectors.add(part, self._catalog.vectors(part, self._dim))
            if len(extra) or len(missing):
                self._saved_generation = -1
            self._vectors_generation = generation
        return self._vectors

    def save_vectors(self) -> None:
        """Write the copy of the vectors beside the database, so that the next start is quick.

        Only a cache: where the folder cannot be written, this is logged and nothing is lost.
        """
        with self._lock, self._catalog.transaction(write=False):
            vectors = self._current_vectors()
            if self._vectors_generation == self._saved_generation:
                return
            try:
                vectors.save(self.folder / FAISS_FILE, self._catalog.name, self._vectors_generation)
            except OSError as error:
                log.warning("%s: the FAISS file could not be written: %s", self.folder, error)
                return
            self._saved_generation = self._vectors_generation

    def close(self) -> None:
        """See `PassageStore.close`; writes the copy of the vectors if it has changed."""
        with self._lock:
            try:
                if self._vectors is not None:
                    self.save_vectors()
            finally:
                self._vectors = None
                self._catalog.close()


def _unknown(document_id: str) -> UnknownDocument:
    return UnknownDocument(f"{document_id}: no such document in the index; see: pincite list")
