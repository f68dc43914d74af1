"""A passage store in plain dictionaries: fake and oracle at once."""

import math
import re
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from index.catalog import DocumentSummary, IndexSettings
from index.documents import Document, Passage
from index.embedding import Vectors
from index.errors import UnknownDocument
from index.lexical import content_words
from index.store import Candidate, Entry, MakePassages


@dataclass(frozen=True, slots=True)
class _Row:
    passage: Passage
    vector: Vectors
    counts: Counter[str]
    length: int


class MemoryStore:
    """Keeps everything in memory.

    The lexical score is BM25 from 0 up, by the formula of SQLite's FTS5 with weight 1 for a word
    in the text and 0.5 for one in the context; words are compared without stemming.
    """

    def __init__(self, settings: IndexSettings) -> None:
        self._settings = settings
        self._entries: dict[str, Entry] = {}
        self._generation = 0
        self._lock = threading.RLock()

    @property
    def generation(self) -> int:
        return self._generation

    @property
    def settings(self) -> IndexSettings:
        return self._settings

    def put(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        for entry in entries:
            _check(entry, self._settings.embedder.dim)
        with self._lock:
            self._entries |= {entry.document.id: entry for entry in entries}
            self._generation += 1

    def remove(self, document_ids: Iterable[str]) -> None:
        with self._lock:
            left = dict(self._entries)
            for document_id in document_ids:
                if left.pop(document_id, None) is None:
                    raise UnknownDocument(f"{document_id}: no such document")
            self._entries = left
            self._generation += 1

    def document(self, document_id: str) -> Document:
        if document_id not in self._entries:
            raise UnknownDocument(f"{document_id}: no such document")
        return self._entries[document_id].document

    def documents(self) -> list[DocumentSummary]:
        with self._lock:
            found = [_summary(entry) for entry in self._entries.values()]
        return sorted(found, key=lambda summary: summary.uri)

    def find(self, uri: str) -> DocumentSummary | None:
        return next((summary for summary in self.documents() if summary.uri == uri), None)

    def rebuild(self, settings: IndexSettings, make: MakePassages) -> None:
        with self._lock:
            entries = {}
            for id_, entry in self._entries.items():
                entries[id_] = Entry(entry.document, *make(entry.document), entry.extractor)
                _check(entries[id_], settings.embedder.dim)
            self._entries, self._settings = entries, settings
            self._generation += 1

    def candidates(
        self, question: str, vector: Vectors, k: int, within: Collection[str] | None = None
    ) -> list[Candidate]:
        with self._lock:
            rows = [
                _row(passage, passage_vector)
                for entry in self._entries.values()
                for passage, passage_vector in zip(entry.passages, entry.vectors, strict=True)
            ]
        found = [
            Candidate(row.passage, float(row.vector @ vector), lexical)
            for row, lexical in zip(rows, _bm25(content_words(question), rows), strict=True)
            if within is None or row.passage.document_id in within
        ]
        dense = sorted(found, key=lambda candidate: -candidate.dense_score)[:k]
        lexical = sorted(
            (candidate for candidate in found if candidate.lexical_score > 0),
            key=lambda candidate: -candidate.lexical_score,
        )[:k]
        return list({candidate.passage.id: candidate for candidate in dense + lexical}.values())

    def close(self) -> None:
        self._entries = {}


def _check(entry: Entry, dim: int) -> None:
    expected = (len(entry.passages), dim)
    if entry.vectors.shape != expected:
        raise ValueError(f"vectors have shape {entry.vectors.shape}, expected {expected}")


def _summary(entry: Entry) -> DocumentSummary:
    document = entry.document
    return DocumentSummary(
        document.id,
        document.uri,
        document.title,
        document.media_type,
        document.sha256,
        entry.extractor,
        len(document.text),
        len(document.pages),
        len(entry.passages),
        "2000-01-01T00:00:00Z",
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
