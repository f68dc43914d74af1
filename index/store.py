"""What an index can do: the `PassageStore` port, and what goes in and out of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from index.documents import Document, Passage, Problem
from index.embedding import ModelIdentity, Vectors
from index.filters import EVERYTHING, Filter
from index.passages import Splitter

# Begins the recipe of an origin of which a document was removed by hand. No reading has such a
# recipe, so that the origin is read again when it comes up.
PARTLY = "partly "


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """What an index was made with; vectors and passages only make sense together with it."""

    embedder: ModelIdentity
    splitter: Splitter


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """A document without its text; `characters` counts the code points of its canonical text.

    `uri` is the place it has had longest, `copies` are its other places. `passages` are those of
    the current edition.
    """

    id: str
    uri: str
    title: str
    media_type: str
    sha256: str
    characters: int
    pages: int
    passages: int
    added_at: str
    copies: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """A file, or an upload, that documents are read from.

    `sha256` is the digest of its bytes, in hexadecimal; `recipe` names whatever else decided what
    was read: equal digests and recipes give equal documents.
    """

    uri: str
    sha256: str
    recipe: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A document ready to be stored: float32 `(len(passages), dim)` vectors, a row a passage."""

    document: Document
    passages: Sequence[Passage]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Intake:
    """What an origin holds now; each document's URI begins with the origin's.

    `problems` are the documents in it that could not be read.
    """

    origin: Origin
    entries: Sequence[Entry] = ()
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class OriginState:
    """What is stored of an origin: how many documents, and what in it could not be read."""

    origin: Origin
    documents: int
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that one side of the search found, with the scores that both sides give it.

    `dense_score` is the cosine, from -1 to 1; `lexical_score` is BM25, from 0 up; for both, higher
    is better.
    """

    passage: Passage
    dense_score: float
    lexical_score: float


class PassageStore(Protocol):
    """An index of documents and their passages. Safe to use from several threads.

    Documents of equal content are one document with several places. A document's `uri` is the
    place it has had longest; where the document states no title, that place's name is its title.

    An edition holds the passages of all documents, made with one embedder and one splitter. The
    current one is searched. Another may be built beside it, and the one before it is kept.
    """

    @property
    def generation(self) -> int:
        """A number that grows with every change; equal numbers mean equal content."""
        ...

    @property
    def settings(self) -> IndexSettings:
        """The embedder and the splitter of the current edition."""
        ...

    @property
    def building(self) -> IndexSettings | None:
        """Those of the edition that is being built, if one is."""
        ...

    @property
    def previous(self) -> IndexSettings | None:
        """Those of the edition that was current before, if it is still there."""
        ...

    def note(self, name: str) -> str | None:
        """The text that was noted under a name for those who use the index; None where none is."""
        ...

    def set_note(self, name: str, text: str | None) -> None:
        """Note a text under a name, in place of what stood there; None: nothing, any more.

        It counts as a change, since what the index is asked may be answered otherwise from now on.
        """
        ...

    def put(self, intakes: Sequence[Intake]) -> list[list[str]]:
        """Store what origins hold now, one after the other: all of it in one step, or nothing.

        An intake with entries replaces all that stood at its origin; one without leaves the
        documents as they were. Its problems take the place of those known before. A document
        whose content is stored already gets another place, and its passages are not looked at.
        A document keeps its id when its content changes; where copies of the old content stay,
        they keep the id.

        Returns:
            For each intake the ids of its entries' documents; of one without entries, the ids of
            the documents at its origin.
        """
        ...

    def rearrange(self, copies: Sequence[tuple[Origin, str]], gone: Sequence[str]) -> list[Origin]:
        """Take note of files that were copied, moved and removed: all of it in one step.

        Args:
            copies: an origin, and the URI of one with the same digest and recipe, as it was before
                this call. The documents and problems of that one are the new one's too, in place
                of all that stood there; the URIs' beginnings are changed.
            gone: the URIs of origins to be forgotten after that; unknown ones are passed over.
                Documents left without a place are removed. A copy of what goes is a move.

        Returns:
            The origins of `copies` that could not be had, since what they are copies of is not
            there (any more): they are as before, and must be read.
        """
        ...

    def origins(self, uri: str | None = None) -> list[OriginState]:
        """All origins, in the order of their URIs, or the one with this URI, if there is one.

        One whose document was removed by hand while others of it stay has a recipe that begins with
        `PARTLY`.
        """
        ...

    def problems(self) -> list[Problem]:
        """What could not be read, of all origins in the order of their URIs."""
        ...

    def remove(self, document_ids: Iterable[str]) -> None:
        """Remove documents with their places: all of them in one step, or none.

        Their origins are forgotten, so that they are read again when they come up.

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

    def page(self, after: str, most: int) -> list[DocumentSummary]:
        """The first documents whose URIs come after this one, in the order of their URIs.

        So many at most, which is a thousand or less; "" comes before all URIs.
        """
        ...

    def counts(self) -> tuple[int, int]:
        """How many documents there are, and passages in the current edition."""
        ...

    def find(self, uri: str) -> DocumentSummary | None:
        """The document that has a place with this URI, without its text; None where none has."""
        ...

    def passages(self, document_id: str) -> list[Passage]:
        """A document's passages in the current edition, in order.

        Raises:
            UnknownDocument: there is no document with this id.
        """
        ...

    def known_digests(self, digests: Collection[str]) -> set[str]:
        """Those of these digests that an origin has."""
        ...

    def known_ids(self, document_ids: Iterable[str]) -> set[str]:
        """Those of these ids that a document has."""
        ...

    def known_vectors(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """The float32 `(dim,)` vectors of those texts that the current edition has.

        A text is what was embedded: a passage's `text_in_context`.
        """
        ...

    def candidates(
        self,
        question: str,
        vector: Vectors,
        k: int,
        within: Collection[str] | None = None,
        where: Filter = EVERYTHING,
    ) -> list[Candidate]:
        """The `k` nearest passages to a float32 `(dim,)` vector, and the `k` best by BM25.

        Each once, with both scores, in no particular order, all from one generation. With `within`,
        only passages of the documents with these ids; of these only the ones that fit `where`.
        """
        ...

    def has_any(self, within: Collection[str] | None = None, where: Filter = EVERYTHING) -> bool:
        """Whether there is a document with one of these ids, None for any, that fits."""
        ...

    def begin(self, settings: IndexSettings) -> None:
        """Start to build an edition, or go on with an unfinished one of the same settings.

        An unfinished one of other settings is dropped. The previous edition, if it has these
        settings and the current one has others, is taken up again: it lacks little.
        """
        ...

    def pending(self, most: int) -> list[str]:
        """The ids of documents that the edition being built lacks, at most so many."""
        ...

    def edition_progress(self) -> tuple[int, int] | None:
        """How many documents the edition being built has, and how many there are, if one is."""
        ...

    def fill(self, filled: Sequence[tuple[Document, Sequence[Passage], Vectors]]) -> None:
        """Give documents their passages in the edition being built: all in one step, or none.

        Documents that it has already, or that are gone or changed meanwhile, are passed over.

        Raises:
            IncompatibleIndex: the edition that was begun is not being built any more.
        """
        ...

    def switch(self) -> bool:
        """Make the edition that was built the current one, in one step.

        The current one becomes the previous one, and the one before that is dropped. Where both
        have the same settings, none is kept: the old one was to be mended, not changed. False, and
        nothing changes, where documents are pending.

        Raises:
            IncompatibleIndex: the edition that was begun is not being built any more.
        """
        ...

    def close(self) -> None:
        """Release what is held; the store cannot be used afterwards."""
        ...
