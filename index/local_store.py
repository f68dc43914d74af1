"""An index folder as a store of passages: `LocalStore` joins SQLite and FAISS."""

import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from index.catalog import Catalog
from index.contents import content_key, passage_digest
from index.copies import Copies
from index.documents import Document, Passage, Problem
from index.editions import Edition, State
from index.embedding import Vectors
from index.errors import IncompatibleIndex, UnavailableIndex, UnknownDocument
from index.filters import EVERYTHING, Filter
from index.full_text import Sizes
from index.places import Places
from index.scopes import Scopes
from index.store import Candidate, DocumentSummary, IndexSettings, Intake, Origin, OriginState
from index.vector_copy import FAISS_FILE, NEXT, remove_left_over
from index.vector_kinds import Kinds
from index.vectors import inner_products

_SWEEP_AT_ONCE = 5_000


class LocalStore:
    """An index folder: SQLite holds everything, FAISS a copy of the vectors for searching.

    The copy is brought up to date before each search, whatever the reason it is behind: another
    process wrote, the file is old, or there is none.

    Changes have a connection to the database of their own, made for the first one, so that who
    searches or reads does not wait for them: readers see the state before, until it is committed.
    """

    def __init__(
        self, catalog: Catalog, kinds: Kinds | None = None, sizes: Sizes | None = None
    ) -> None:
        self._catalog = catalog
        # For the catalog, and the copies of vectors and words; taken after `_writing`, where both
        # are.
        self._lock = threading.RLock()
        self._writer: Catalog | None = None
        self._writing = threading.RLock()
        self._closed = False
        self._settings = catalog.settings
        self._begun: int | None = None
        self._copies = Copies(
            catalog.folder,
            Kinds() if kinds is None else kinds,
            Sizes() if sizes is None else sizes,
            self._writing,
            self._open_writer,
        )
        self._scopes = Scopes()

    @classmethod
    def open(
        cls, folder: Path, kinds: Kinds | None = None, sizes: Sizes | None = None
    ) -> "LocalStore":
        """Open the index in `folder`; `kinds` and `sizes` decide how it is searched.

        Raises:
            NoIndex, IncompatibleIndex, DamagedIndex, UnavailableIndex: see `Catalog.open`.
        """
        return cls(Catalog.open(folder), kinds, sizes)

    @classmethod
    def create(
        cls,
        folder: Path,
        settings: IndexSettings,
        kinds: Kinds | None = None,
        sizes: Sizes | None = None,
    ) -> "LocalStore":
        """Make a new index in `folder`.

        Raises:
            IncompatibleIndex: the folder holds an index or other things already.
        """
        return cls(Catalog.create(folder, settings), kinds, sizes)

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

    @property
    def building(self) -> IndexSettings | None:
        """See `PassageStore.building`."""
        return self._settings_of("building")

    @property
    def previous(self) -> IndexSettings | None:
        """See `PassageStore.previous`."""
        return self._settings_of("previous")

    def _settings_of(self, state: State) -> IndexSettings | None:
        with self._lock, self._catalog.transaction(write=False):
            edition = self._catalog.editions.in_state(state)
        return None if edition is None else edition.settings

    def require(self, wanted: IndexSettings) -> None:
        """Make sure that the current edition was made with these settings.

        From now on vectors and passages are taken to be of these. When the edition is another one
        later, they are refused until this is called with its settings.

        Raises:
            IncompatibleIndex: it was not; the message names the command that changes the index.
        """
        found = self.settings
        if found.embedder != wanted.embedder:
            raise IncompatibleIndex(
                f"{self.folder}: was made with the embedder {found.embedder.name} "
                f"(weights {found.embedder.checksum[:12]}), not {wanted.embedder.name} "
                f"(weights {wanted.embedder.checksum[:12]}); embed its documents again: "
                f"pincite reindex --embedder {wanted.embedder.name}"
            )
        if found.splitter != wanted.splitter:
            ours, theirs = wanted.splitter, found.splitter
            raise IncompatibleIndex(
                f"{self.folder}: was made with passages of {theirs.tokens} tokens, overlap "
                f"{theirs.overlap} (splitter {theirs.version}), not {ours.tokens}, {ours.overlap} "
                f"(splitter {ours.version}); cut its documents again: "
                f"pincite reindex --passage-tokens {ours.tokens} --overlap-tokens {ours.overlap}"
            )
        self._use(wanted)

    def _use(self, settings: IndexSettings) -> None:
        with self._lock:
            self._settings = settings

    # What stands where

    def put(self, intakes: Sequence[Intake]) -> list[list[str]]:
        """See `PassageStore.put`."""
        if not intakes:
            return []
        for intake in intakes:
            _check_intake(intake, self._dim)
        with self._change() as catalog:
            if catalog.settings != self._settings:
                raise self._reindexed_meanwhile()
            places = Places(catalog)
            ids = [places.put(intake) for intake in intakes]
            places.finish()
        self._copies.fold_words(everything=False)
        return ids

    @contextmanager
    def _change(self, *, unseen: bool = False) -> Iterator[Catalog]:
        """One transaction that changes the database; see `Catalog.transaction`."""
        with self._writing:
            writer = self._open_writer()
            if writer is None:
                raise UnavailableIndex(f"{self.folder}: was closed meanwhile; open it again")
            with writer.transaction(write=True, unseen=unseen):
                yield writer

    def _open_writer(self) -> Catalog | None:
        """The connection for changes, under `_writing`; None once the store is closed."""
        if self._closed:
            return None
        if self._writer is None:
            self._writer = Catalog.open(self.folder)
        return self._writer

    def note(self, name: str) -> str | None:
        """See `PassageStore.note`."""
        with self._lock, self._catalog.transaction(write=False):
            return self._catalog.note(name)

    def set_note(self, name: str, text: str | None) -> None:
        """See `PassageStore.set_note`."""
        with self._change() as catalog:
            catalog.set_note(name, text)

    def rearrange(self, copies: Sequence[tuple[Origin, str]], gone: Sequence[str]) -> list[Origin]:
        """See `PassageStore.rearrange`."""
        if not copies and not gone:
            return []
        with self._change() as catalog:
            places = Places(catalog)
            missing = places.rearrange(copies, gone)
            places.finish()
        return missing

    def origins(self, uri: str | None = None) -> list[OriginState]:
        """See `PassageStore.origins`."""
        with self._lock, self._catalog.transaction(write=False):
            problems: dict[str, list[Problem]] = {}
            for origin, of, reason, unsupported in self._catalog.origins.problems(uri):
                problems.setdefault(origin, []).append(Problem(of, reason, unsupported))
            rows = self._catalog.origins.known(uri)
        return [
            OriginState(Origin(at, sha256, recipe), documents, tuple(problems.get(at, ())))
            for at, sha256, recipe, documents in rows
        ]

    def problems(self) -> list[Problem]:
        """See `PassageStore.problems`."""
        with self._lock, self._catalog.transaction(write=False):
            found = self._catalog.origins.problems()
        return [Problem(of, reason, unsupported) for _, of, reason, unsupported in found]

    def remove(self, document_ids: Iterable[str]) -> None:
        """See `PassageStore.remove`."""
        with self._change() as catalog:
            places = Places(catalog)
            places.remove(document_ids)
            places.finish()

    # Documents

    def document(self, document_id: str) -> Document:
        """See `PassageStore.document`."""
        with self._lock, self._catalog.transaction(write=False):
            return self._catalog.document(self._number(document_id))

    def _number(self, document_id: str) -> int:
        number = self._catalog.number(document_id)
        if number is None:
            raise UnknownDocument(
                f"{document_id}: no such document in the index; see: pincite list"
            )
        return number

    def documents(self) -> list[DocumentSummary]:
        """See `PassageStore.documents`."""
        with self._lock, self._catalog.transaction(write=False):
            return self._catalog.summaries()

    def page(self, after: str, most: int) -> list[DocumentSummary]:
        """See `PassageStore.page`."""
        with self._lock, self._catalog.transaction(write=False):
            return self._catalog.summaries(self._catalog.page(after, most))

    def find(self, uri: str) -> DocumentSummary | None:
        """See `PassageStore.find`."""
        with self._lock, self._catalog.transaction(write=False):
            number = self._catalog.origins.document_at(uri)
            return None if number is None else self._catalog.summaries([number])[0]

    def passages(self, document_id: str) -> list[Passage]:
        """See `PassageStore.passages`."""
        with self._lock, self._catalog.transaction(write=False):
            return self._catalog.passages.of(
                self._catalog.editions.current.number, self._number(document_id)
            )

    def known_digests(self, digests: Collection[str]) -> set[str]:
        """See `PassageStore.known_digests`."""
        with self._lock, self._catalog.transaction(write=False):
            return self._catalog.origins.known_digests(digests)

    def known_ids(self, document_ids: Iterable[str]) -> set[str]:
        """See `PassageStore.known_ids`."""
        with self._lock, self._catalog.transaction(write=False):
            return {one for one in document_ids if self._catalog.number(one) is not None}

    def known_vectors(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """See `PassageStore.known_vectors`."""
        digests = {text: passage_digest(text) for text in texts}
        with self._lock, self._catalog.transaction(write=False):
            current = self._catalog.editions.current
            found = self._catalog.passages.vectors_by_digest(
                current.number, set(digests.values()), current.settings.embedder.dim
            )
        return {text: found[digest] for text, digest in digests.items() if digest in found}

    def counts(self) -> tuple[int, int]:
        """See `PassageStore.counts`."""
        with self._lock, self._catalog.transaction(write=False):
            return self._catalog.counts()

    # Editions

    def begin(self, settings: IndexSettings) -> None:
        """See `PassageStore.begin`."""
        with self._change(unseen=True) as catalog:
            self._begun = catalog.editions.begin(settings).number
        remove_left_over(self.folder)
        self._sweep()

    def _sweep(self) -> None:
        """Remove what editions out of use left, in portions, so that others can go on meanwhile."""
        while True:
            with self._lock, self._catalog.transaction(write=False):
                if self._catalog.editions.is_swept():
                    return
            with self._change(unseen=True) as catalog:
                catalog.editions.sweep(_SWEEP_AT_ONCE)

    def pending(self, most: int) -> list[str]:
        """See `PassageStore.pending`."""
        with self._lock, self._catalog.transaction(write=False):
            building = self._catalog.editions.in_state("building")
            return [] if building is None else self._catalog.editions.lacking(building.number, most)

    def edition_progress(self) -> tuple[int, int] | None:
        """See `PassageStore.edition_progress`."""
        with self._lock, self._catalog.transaction(write=False):
            building = self._catalog.editions.in_state("building")
            return None if building is None else self._catalog.editions.progress(building.number)

    def fill(self, filled: Sequence[tuple[Document, Sequence[Passage], Vectors]]) -> None:
        """See `PassageStore.fill`."""
        with self._change(unseen=True) as catalog:
            edition = self._begun_edition(catalog)
            if edition is None:
                return
            for document, passages, vectors in filled:
                _check_vectors(document, passages, vectors, edition.settings.embedder.dim)
                number = catalog.number(document.id)
                if (
                    number is not None
                    and not catalog.editions.is_filled(edition.number, number)
                    and content_key(catalog.document(number)) == content_key(document)
                ):
                    catalog.passages.insert(edition.number, number, passages, vectors)

    def switch(self) -> bool:
        """See `PassageStore.switch`."""
        prepared = self._copies.write_next(self._begun)
        with self._writing:
            with self._change(unseen=True) as catalog:
                building = self._begun_edition(catalog)
                if building is not None:
                    if catalog.editions.lacking(building.number, 1):
                        return False
                    catalog.editions.switch_to(building)
                    catalog.advance()
                    if prepared:
                        (self.folder / NEXT).replace(self.folder / FAISS_FILE)
                settings = catalog.settings
            self._use(settings)
        self._sweep()
        return True

    def _begun_edition(self, catalog: Catalog) -> Edition | None:
        """The edition that was begun; None where another program has made it current already.

        Raises:
            IncompatibleIndex: it is not being built any more.
        """
        building = catalog.editions.in_state("building")
        if building is not None and building.number == self._begun:
            return building
        if self._begun == catalog.editions.current.number:
            return None
        raise IncompatibleIndex(
            f"{self.folder}: what was being built is not any more, since another reindexing was "
            "begun; see: pincite status"
        )

    # Searching

    def candidates(
        self,
        question: str,
        vector: Vectors,
        k: int,
        within: Collection[str] | None = None,
        where: Filter = EVERYTHING,
    ) -> list[Candidate]:
        """See `PassageStore.candidates`."""
        with self._lock, self._catalog.transaction(write=False):
            edition = self._catalog.editions.current
            if edition.settings.embedder != self._settings.embedder:
                raise self._reindexed_meanwhile()
            vectors, words = self._copies.vectors.at(self._catalog), self._copies.words
            self._copies.look(self._catalog)
            stored = self._catalog.passages
            scope = self._scopes.find(self._catalog, within, where)
            numbers = None if scope is None else words.passages(self._catalog, scope)
            dense = dict(vectors.search(vector, k, numbers))
            lexical = dict(words.best(self._catalog, question, k, scope))
            found = sorted(dense.keys() | lexical.keys())
            no_dense = [number for number in found if number not in dense]
            if no_dense:
                rows = stored.vectors(no_dense, self._dim)
                dense.update(zip(no_dense, inner_products(rows, vector).tolist(), strict=True))
            no_lexical = [number for number in found if number not in lexical]
            lexical.update(words.scores(self._catalog, question, no_lexical))
            passages = stored.get(found)
        return [
            Candidate(
                passages[number],
                min(1.0, max(-1.0, dense[number])),
                lexical.get(number, 0.0),
            )
            for number in found
        ]

    def has_any(self, within: Collection[str] | None = None, where: Filter = EVERYTHING) -> bool:
        """See `PassageStore.has_any`."""
        with self._lock, self._catalog.transaction(write=False):
            scope = self._scopes.find(self._catalog, within, where)
            return self._catalog.counts()[0] > 0 if scope is None else len(scope.documents) > 0

    def fold_words(self) -> None:
        """Take what came into the files of words, so that searching stays quick.

        Only a cache: where the folder cannot be written, this is logged and nothing is lost.
        """
        self._copies.fold_words()

    @property
    def _dim(self) -> int:
        return self._settings.embedder.dim

    def _reindexed_meanwhile(self) -> IncompatibleIndex:
        """The error for vectors and passages that no longer belong with what is stored."""
        return IncompatibleIndex(
            f"{self.folder}: was reindexed with another embedder or splitter meanwhile; "
            "start again, to use what it is made with now"
        )

    def save_vectors(self) -> None:
        """Write the copies of vectors and words beside the database: the next start is quick then.

        A large one is written when enough has changed; that takes seconds to minutes, in which
        questions and changes go on. Only a cache: where the folder cannot be written, this is
        logged and nothing is lost.
        """
        self.fold_words()
        with self._lock, self._catalog.transaction(write=False):
            if self._catalog.settings.embedder != self._settings.embedder:
                return
            self._copies.vectors.at(self._catalog)
            edition = self._catalog.editions.current
            if not self._copies.vectors.is_due:
                return
        self._copies.write_vectors(edition)

    def write_vectors_behind(self) -> None:
        """From now on write large copies of vectors and words in the background when they are due.

        For who answers for a long time: others write it when they are done with their changes.
        """
        self._copies.write_behind()

    def close(self) -> None:
        """See `PassageStore.close`; writes a small copy of the vectors if it has changed."""
        self._copies.stop()
        with self._writing, self._lock:
            self._closed = True
            try:
                if self._copies.vectors.is_small:
                    self.save_vectors()
            finally:
                self._copies.forget()
                self._catalog.close()
                if self._writer is not None:
                    self._writer.close()


def _check_intake(intake: Intake, dim: int) -> None:
    for entry in intake.entries:
        if not entry.document.uri.startswith(intake.origin.uri):
            raise ValueError(f"{entry.document.uri}: is not in its origin, {intake.origin.uri}")
        _check_vectors(entry.document, entry.passages, entry.vectors, dim)


def _check_vectors(
    document: Document, passages: Sequence[Passage], vectors: Vectors, dim: int
) -> None:
    expected = (len(passages), dim)
    if vectors.shape != expected:
        raise ValueError(f"{document.uri}: vectors have shape {vectors.shape}, expected {expected}")
