"""A store in memory, an embedder that counts letters, and a reader that says what it is told."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

from index.documents import Cell, Document, Page, Part, Passage, Section, document_id
from index.embedding import ModelIdentity, Vectors
from index.errors import UnknownDocument
from index.filters import EVERYTHING, Filter
from index.passages import Splitter
from index.store import Candidate, DocumentSummary, Entry, IndexSettings
from qa.answers import Span
from qa.calibration import Calibration
from qa.reader import Reading

DIM = 26


class LetterEmbedder:
    """A text's vector counts its letters from a to z."""

    identity = ModelIdentity("letters", "1", DIM, sha256(b"letters").hexdigest())
    dim = DIM
    max_tokens = 256

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        rows = np.array(
            [[text.lower().count(chr(97 + place)) for place in range(DIM)] for text in texts],
            np.float32,
        ).reshape(len(texts), DIM)
        rows[~rows.any(axis=1)] = 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        return self.embed_passages(texts)

    def tokenize(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        return [[(place, place + 1) for place in range(len(text))] for text in texts]


def summary(entry: Entry) -> DocumentSummary:
    """What a list of documents says of this one."""
    made = entry.document
    return DocumentSummary(
        id=made.id,
        uri=made.uri,
        title=made.title,
        media_type=made.media_type,
        sha256=made.sha256,
        characters=len(made.text),
        pages=len(made.pages),
        passages=len(entry.passages),
        added_at="2000-01-01T00:00:00Z",
        copies=made.copies,
        metadata=made.metadata,
    )


class MemoryStore:
    """Documents in a dictionary; the search looks at every passage.

    It is what an answerer asks of a store, and no more.
    """

    settings = IndexSettings(LetterEmbedder.identity, Splitter())

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self.generation = 0
        self._entries: dict[str, Entry] = {}
        self._notes: dict[str, str | None] = {}
        self.put(entries)

    def put(self, entries: Sequence[Entry]) -> None:
        self._entries |= {entry.document.id: entry for entry in entries}
        self.generation += 1

    def remove(self, document_ids: Iterable[str]) -> None:
        for found in [self.document(wanted) for wanted in document_ids]:
            del self._entries[found.id]
        self.generation += 1

    def note(self, name: str) -> str | None:
        return self._notes.get(name)

    def set_note(self, name: str, text: str | None) -> None:
        self._notes[name] = text
        self.generation += 1

    def document(self, document_id: str) -> Document:
        if document_id not in self._entries:
            raise UnknownDocument(document_id)
        return self._entries[document_id].document

    def documents(self) -> list[DocumentSummary]:
        return [summary(entry) for entry in self._entries.values()]

    def has_any(self, within: Collection[str] | None = None, where: Filter = EVERYTHING) -> bool:
        return bool(self._scope(within, where))

    def _scope(self, within: Collection[str] | None, where: Filter) -> set[str]:
        fitting = {summary.id for summary in where.select(self.documents())}
        return fitting if within is None else fitting.intersection(within)

    def candidates(
        self,
        question: str,
        vector: Vectors,
        k: int,
        within: Collection[str] | None = None,
        where: Filter = EVERYTHING,
    ) -> list[Candidate]:
        scope = self._scope(within, where)
        words = question.lower().split()
        found = [
            Candidate(
                passage,
                float(row @ vector),
                float(sum(word in passage.text.lower() for word in words)),
            )
            for entry in self._entries.values()
            if entry.document.id in scope
            for passage, row in zip(entry.passages, entry.vectors, strict=True)
        ]
        dense = sorted(found, key=lambda candidate: -candidate.dense_score)[:k]
        lexical = sorted(found, key=lambda candidate: -candidate.lexical_score)[:k]
        return [one for one in found if one in dense or one in lexical]

    def close(self) -> None:
        pass


@dataclass
class ScriptedReader:
    """Finds what the script names for a question, wherever the texts hold it.

    `script` maps a question to quotes and their scores; `meanwhile` happens during the reading;
    `seen` are the texts that were read.
    """

    script: Mapping[str, Mapping[str, float]]
    calibration: Calibration = field(default_factory=Calibration)
    meanwhile: Callable[[], None] = lambda: None
    seen: list[str] = field(default_factory=list)
    name: str = "scripted"
    checksum: str = "2" * 64

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        self.seen.extend(texts)
        self.meanwhile()
        quotes = self.script.get(question, {})
        readings = []
        for text in texts:
            spans = [
                Span(place, place + len(quote), score)
                for quote, score in quotes.items()
                for place in range(len(text))
                if text.startswith(quote, place)
            ]
            readings.append(Reading(tuple(sorted(spans, key=lambda span: -span.score))))
        return readings


def document(
    name: str,
    text: str,
    *,
    pages: Sequence[Page] = (),
    sections: Sequence[Section] = (),
    title: str | None = None,
    parts: Sequence[Part] = (),
    cells: Sequence[Cell] = (),
    media_type: str = "text/plain",
    copies: Sequence[str] = (),
) -> Document:
    """A document of the tests' own at `test:name`, with `name` for its title unless told."""
    return Document(
        document_id(f"test:{name}"),
        f"test:{name}",
        name if title is None else title,
        media_type,
        text,
        sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        tuple(pages),
        tuple(sections),
        parts=tuple(parts),
        cells=tuple(cells),
        copies=tuple(copies),
    )


def paragraphs(made: Document) -> Entry:
    """The document with a passage for each paragraph, under its title and its headings."""
    passages, position = [], 0
    for part in made.text.split("\n\n"):
        context = " > ".join([made.title, *made.section_at(position)])
        passages.append(Passage(made.id, position, position + len(part), part, context))
        position += len(part) + 2
    return Entry(made, passages, LetterEmbedder().embed_passages([p.text for p in passages]))
