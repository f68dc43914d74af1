"""A passage store in plain dictionaries: fake and oracle at once."""

import math
import re
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from urllib.parse import unquote

from index.documents import Document, Passage, Problem, document_id
from index.embedding import Vectors
from index.errors import IncompatibleIndex, UnknownDocument
from index.filters import EVERYTHING, Filter
from index.lexical import content_words
from index.passages import text_in_context
from index.store import (
    PARTLY,
    Candidate,
    DocumentSummary,
    Entry,
    IndexSettings,
    Intake,
    Origin,
    OriginState,
)

Passages = tuple[Sequence[Passage], Vectors]


@dataclass(frozen=True, slots=True)
class _Row:
    passage: Passage
    vector: Vectors
    counts: Counter[str]
    length: int


@dataclass
class _Stored:
    """A document: its content, the place whose name is its title, and its passages by edition."""

    document: Document
    titled_by: str | None
    editions: dict[int, Passages] = field(default_factory=dict)


@dataclass
class _Place:
    origin: str
    document: str
    left: bool = False
    """Whether it is left from what its origin held before."""


class MemoryStore:
    """Keeps everything in memory.

    The lexical score is BM25 from 0 up, by the formula of SQLite's FTS5 with weight 1 for a word
    in the text and 0.5 for one in the context; words are compared without stemming.
    """

    def __init__(self, settings: IndexSettings) -> None:
        self._documents: dict[str, _Stored] = {}
        self._ids: dict[tuple[object, ...], str] = {}  # by content
        self._places: dict[str, _Place] = {}  # the longest known first
        self._origins: dict[str, Origin] = {}
        self._problems: dict[str, tuple[Problem, ...]] = {}
        self._editions = {1: settings}
        self._current, self._last = 1, 1
        self._building: int | None = None
        self._previous: int | None = None
        self._begun: int | None = None
        self._generation = 0
        self._notes: dict[str, str] = {}
        self._lock = threading.RLock()

    @property
    def generation(self) -> int:
        return self._generation

    @property
    def settings(self) -> IndexSettings:
        return self._editions[self._current]

    @property
    def building(self) -> IndexSettings | None:
        return None if self._building is None else self._editions[self._building]

    @property
    def previous(self) -> IndexSettings | None:
        return None if self._previous is None else self._editions[self._previous]

    def note(self, name: str) -> str | None:
        return self._notes.get(name)

    def set_note(self, name: str, text: str | None) -> None:
        with self._lock:
            if text is None:
                self._notes.pop(name, None)
            else:
                self._notes[name] = text
            self._generation += 1

    # What stands where

    def put(self, intakes: Sequence[Intake]) -> list[list[str]]:
        for intake in intakes:
            for entry in intake.entries:
                _check(entry.passages, entry.vectors, self.settings.embedder.dim)
                if not entry.document.uri.startswith(intake.origin.uri):
                    raise ValueError(f"{entry.document.uri} does not stand in {intake.origin.uri}")
        if not intakes:
            return []
        with self._lock:
            ids = [self._take(intake) for intake in intakes]
            self._finish()
        return ids

    def _take(self, intake: Intake) -> list[str]:
        origin = intake.origin
        self._origins[origin.uri] = origin
        self._problems[origin.uri] = tuple(intake.problems)
        here = [uri for uri, place in self._places.items() if place.origin == origin.uri]
        if not intake.entries:
            for uri in here:
                self._places[uri].left = True
            return list(dict.fromkeys(self._places[uri].document for uri in here))
        going = set(here) - {entry.document.uri for entry in intake.entries}
        ids = [self._enter(origin.uri, entry, going) for entry in intake.entries]
        for uri in going:
            del self._places[uri]
        return ids

    def _enter(self, origin: str, entry: Entry, going: set[str]) -> str:
        uri, content = entry.document.uri, _content(entry.document)
        id_ = self._ids.get(content)
        if id_ is not None:
            self._link(uri, _Place(origin, id_))
            stored = self._documents[id_]
            if stored.titled_by is not None and self._uris(id_)[0] == uri:
                stored.document = replace(stored.document, title=entry.document.title)
                stored.titled_by = uri
            return id_
        id_ = self._places[uri].document if uri in self._places else None
        if id_ is None or set(self._uris(id_)) - going - {uri}:
            id_ = self._free_id(uri)
        else:
            del self._ids[_content(self._documents[id_].document)]
        self._ids[content] = id_
        document = replace(entry.document, id=id_, copies=())
        passages = [replace(passage, document_id=id_) for passage in entry.passages]
        self._documents[id_] = _Stored(
            document,
            uri if document.title_from_name else None,
            {self._current: (passages, entry.vectors)},
        )
        self._link(uri, _Place(origin, id_))
        return id_

    def _free_id(self, uri: str) -> str:
        salt, id_ = 0, document_id(uri)
        while id_ in self._documents:
            salt += 1
            id_ = document_id(f"{uri}\0{salt}")
        return id_

    def _link(self, uri: str, place: _Place) -> None:
        self._places[uri] = place  # one that was there keeps its turn

    def _uris(self, id_: str) -> list[str]:
        return [uri for uri, place in self._places.items() if place.document == id_]

    def _finish(self) -> None:
        """Let go of documents without a place, and call the others by their first place's name."""
        firsts: dict[str, str] = {}
        for uri, place in self._places.items():
            firsts.setdefault(place.document, uri)
        self._documents = {id_: one for id_, one in self._documents.items() if id_ in firsts}
        self._ids = {_content(one.document): id_ for id_, one in self._documents.items()}
        for id_, stored in self._documents.items():
            first = firsts[id_]
            if stored.titled_by not in (None, first):
                stored.document = replace(stored.document, title=_named(first))
                stored.titled_by = first
        self._generation += 1

    def rearrange(self, copies: Sequence[tuple[Origin, str]], gone: Sequence[str]) -> list[Origin]:
        if not copies and not gone:
            return []
        with self._lock:
            here: dict[str, dict[str, _Place]] = {}
            for uri, place in self._places.items():
                here.setdefault(place.origin, {})[uri] = place
            leaving, missing, kept = set(gone), [], {}
            found: list[tuple[Origin, dict[str, _Place], tuple[Problem, ...]]] = []
            for origin, source in copies:
                known = self._origins.get(source)
                if known is None or (known.sha256, known.recipe) != (origin.sha256, origin.recipe):
                    missing.append(origin)
                    continue
                places = {
                    origin.uri + uri[len(source) :]: replace(place, origin=origin.uri)
                    for uri, place in here.get(source, {}).items()
                    if source in leaving or not place.left
                }
                problems = tuple(
                    replace(problem, uri=origin.uri + problem.uri.removeprefix(source))
                    for problem in self._problems[source]
                )
                found.append((origin, places, problems))
            for origin, places, problems in found:
                self._origins[origin.uri] = origin
                self._problems[origin.uri] = problems
                for uri, place in places.items():
                    self._link(uri, place)
                kept[origin.uri] = places
            self._places = {
                uri: place
                for uri, place in self._places.items()
                if place.origin not in leaving and uri in kept.get(place.origin, [uri])
            }
            for uri in leaving:
                self._origins.pop(uri, None)
                self._problems.pop(uri, None)
            self._finish()
        return missing

    def origins(self, uri: str | None = None) -> list[OriginState]:
        with self._lock:
            counts = Counter(place.origin for place in self._places.values())
            return [
                OriginState(origin, counts[of], self._problems[of])
                for of, origin in sorted(self._origins.items())
                if uri in (None, of)
            ]

    def problems(self) -> list[Problem]:
        return [problem for state in self.origins() for problem in state.problems]

    def remove(self, document_ids: Iterable[str]) -> None:
        with self._lock:
            ids = list(document_ids)
            for place, id_ in enumerate(ids):
                if id_ not in self._documents or id_ in ids[:place]:
                    raise UnknownDocument(f"{id_}: no such document")
            forgotten = {p.origin for p in self._places.values() if p.document in ids}
            self._places = {u: p for u, p in self._places.items() if p.document not in ids}
            holding = {place.origin for place in self._places.values()}
            for uri in forgotten:
                if uri in holding:
                    known = self._origins[uri]
                    recipe = PARTLY + known.recipe.removeprefix(PARTLY)
                    self._origins[uri] = replace(known, recipe=recipe)
                else:
                    del self._origins[uri], self._problems[uri]
            self._finish()

    # Documents

    def document(self, document_id: str) -> Document:
        with self._lock:
            if document_id not in self._documents:
                raise UnknownDocument(f"{document_id}: no such document")
            uri, *copies = self._uris(document_id)
            return replace(self._documents[document_id].document, uri=uri, copies=tuple(copies))

    def page(self, after: str, most: int) -> list[DocumentSummary]:
        return [summary for summary in self.documents() if summary.uri > after][:most]

    def counts(self) -> tuple[int, int]:
        found = self.documents()
        return len(found), sum(summary.passages for summary in found)

    def documents(self) -> list[DocumentSummary]:
        with self._lock:
            uris: dict[str, list[str]] = {}
            for uri, place in self._places.items():
                uris.setdefault(place.document, []).append(uri)
            found = [
                _summary(self._documents[id_], places, len(self._passages_of(id_)[0]))
                for id_, places in uris.items()
            ]
        return sorted(found, key=lambda summary: summary.uri)

    def find(self, uri: str) -> DocumentSummary | None:
        with self._lock:
            place = self._places.get(uri)
            if place is None:
                return None
            id_ = place.document
            return _summary(self._documents[id_], self._uris(id_), len(self._passages_of(id_)[0]))

    def _passages_of(self, id_: str) -> Passages:
        return self._documents[id_].editions[self._current]

    def passages(self, document_id: str) -> list[Passage]:
        with self._lock:
            if document_id not in self._documents:
                raise UnknownDocument(f"{document_id}: no such document")
            return list(self._passages_of(document_id)[0])

    def known_digests(self, digests: Collection[str]) -> set[str]:
        with self._lock:
            return {origin.sha256 for origin in self._origins.values()} & set(digests)

    def known_ids(self, document_ids: Iterable[str]) -> set[str]:
        with self._lock:
            return {*document_ids} & self._documents.keys()

    def known_vectors(self, texts: Sequence[str]) -> dict[str, Vectors]:
        with self._lock:
            known = {
                text_in_context(passage): vector
                for id_ in self._documents
                for passage, vector in zip(*self._passages_of(id_), strict=True)
            }
        return {text: known[text] for text in texts if text in known}

    # Searching

    def candidates(
        self,
        question: str,
        vector: Vectors,
        k: int,
        within: Collection[str] | None = None,
        where: Filter = EVERYTHING,
    ) -> list[Candidate]:
        with self._lock:
            rows = [
                _row(passage, passage_vector)
                for id_ in self._documents
                for passage, passage_vector in zip(*self._passages_of(id_), strict=True)
            ]
            scope = self._scope(within, where)
        found = [
            Candidate(row.passage, float(row.vector @ vector), lexical)
            for row, lexical in zip(rows, _bm25(content_words(question), rows), strict=True)
            if row.passage.document_id in scope
        ]
        dense = sorted(found, key=lambda candidate: -candidate.dense_score)[:k]
        lexical = sorted(
            (candidate for candidate in found if candidate.lexical_score > 0),
            key=lambda candidate: -candidate.lexical_score,
        )[:k]
        return list({candidate.passage.id: candidate for candidate in dense + lexical}.values())

    def has_any(self, within: Collection[str] | None = None, where: Filter = EVERYTHING) -> bool:
        return bool(self._scope(within, where))

    def _scope(self, within: Collection[str] | None, where: Filter) -> set[str]:
        fitting = {summary.id for summary in where.select(self.documents())}
        return fitting if within is None else fitting.intersection(within)

    # Editions

    def begin(self, settings: IndexSettings) -> None:
        with self._lock:
            if self.building != settings:
                self._drop(self._building)
                if self.previous == settings != self.settings:
                    self._building, self._previous = self._previous, None
                else:
                    self._last += 1
                    self._building = self._last
                    self._editions[self._last] = settings
            self._begun = self._building

    def _drop(self, edition: int | None) -> None:
        if edition is not None:
            del self._editions[edition]
            for stored in self._documents.values():
                stored.editions.pop(edition, None)

    def pending(self, most: int) -> list[str]:
        with self._lock:
            if self._building is None:
                return []
            lacking = [
                i for i, one in self._documents.items() if self._building not in one.editions
            ]
            return lacking[:most]

    def edition_progress(self) -> tuple[int, int] | None:
        if self._building is None:
            return None
        return len(self._documents) - len(self.pending(len(self._documents))), len(self._documents)

    def fill(self, filled: Sequence[tuple[Document, Sequence[Passage], Vectors]]) -> None:
        with self._lock:
            if self._is_switched():
                return
            edition = self._building
            assert edition is not None
            for _, passages, vectors in filled:
                _check(passages, vectors, self._editions[edition].embedder.dim)
            for document, passages, vectors in filled:
                stored = self._documents.get(document.id)
                if stored is not None and _content(stored.document) == _content(document):
                    stored.editions.setdefault(edition, (passages, vectors))

    def switch(self) -> bool:
        with self._lock:
            if self._is_switched():
                return True
            if self.pending(1):
                return False
            assert self._building is not None
            self._drop(self._previous)
            self._previous, self._current = self._current, self._building
            self._building = None
            if self.previous == self.settings:
                self._drop(self._previous)
                self._previous = None
            self._generation += 1
            return True

    def _is_switched(self) -> bool:
        """Whether the edition that was begun is the current one already."""
        if self._begun is not None and self._begun == self._current:
            return True
        if self._begun is None or self._begun != self._building:
            raise IncompatibleIndex("the edition that was begun is not being built any more")
        return False

    def close(self) -> None:
        pass


def _check(passages: Sequence[Passage], vectors: Vectors, dim: int) -> None:
    expected = (len(passages), dim)
    if vectors.shape != expected:
        raise ValueError(f"vectors have shape {vectors.shape}, expected {expected}")


def _content(document: Document) -> tuple[object, ...]:
    """Everything but where the document stands and what it is called for that."""
    return (
        document.sha256,
        document.text,
        document.media_type,
        None if document.title_from_name else document.title,
        _items(document.metadata),
        document.pages,
        document.sections,
        document.parts,
        document.cells,
    )


def _items(metadata: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(metadata.items()))


def _named(uri: str) -> str:
    """A file's name without its ending."""
    name = unquote(re.split("/" if "/" in uri else ":", uri)[-1])
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return PurePosixPath(name).stem or name or uri


def _summary(stored: _Stored, uris: Sequence[str], passages: int) -> DocumentSummary:
    document = stored.document
    return DocumentSummary(
        id=document.id,
        uri=uris[0],
        title=document.title,
        media_type=document.media_type,
        sha256=document.sha256,
        characters=len(document.text),
        pages=len(document.pages),
        passages=passages,
        added_at="2000-01-01T00:00:00Z",
        copies=tuple(uris[1:]),
        metadata=dict(document.metadata),
    )


def _row(passage: Passage, vector: Vectors) -> _Row:
    text, context = (re.findall(r"\w+", part.lower()) for part in (passage.text, passage.context))
    # Counted in halves, so that the weights stay whole numbers.
    return _Row(passage, vector, Counter(2 * text) + Counter(context), len(text) + len(context))


def _bm25(words: Sequence[str], rows: Sequence[_Row]) -> list[float]:
    """See "The bm25() function" in the documentation of FTS5."""
    scores = [0.0] * len(rows)
    mean = sum(row.length for row in rows) / max(1, len(rows))
    for word in words:
        holding = sum(word in row.counts for row in rows)
        idf = max(1e-6, math.log((len(rows) - holding + 0.5) / (holding + 0.5)))
        for place, row in enumerate(rows):
            count = row.counts[word] / 2
            if count:
                norm = 1.2 * (0.25 + 0.75 * row.length / mean)
                scores[place] += idf * count * 2.2 / (count + norm)
    return scores
