"""Passages that look right for a question and hold no answer: found as questions find them."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from index.contents import text_digest
from index.documents import Document, Passage
from index.embedding import Embedder, ModelIdentity, Vectors
from index.indexing import embed
from index.passages import Splitter, split
from index.retriever import MOST_CHARACTERS, Retriever
from index.store import Entry, Intake, Origin, PassageStore

# By so much at most, in radians, the vectors of texts differ that ought to be alike.
_ANGLE = 0.1

# So many texts are stored in one step.
_GROUP = 200

# So many passages are looked at for one that holds no answer.
LOOKED_AT = 8


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a labelled set, under its article's title; "" where that says nothing."""

    title: str
    text: str


class Blind:
    """An embedder to which all texts are as good as alike, so that only words decide what is found.

    Not quite: a search for the nearest is slow where all are equally near.
    """

    identity = ModelIdentity("blind", "1", 2, "0" * 64)
    dim = 2

    def __init__(self, embedder: Embedder) -> None:
        self.max_tokens = embedder.max_tokens
        self._tokenize = embedder.tokenize

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed_passages`."""
        angles = [_ANGLE * int(text_digest(text)[:8], 16) / 2**32 for text in texts]
        return np.array([[math.cos(one), math.sin(one)] for one in angles], np.float32).reshape(
            -1, 2
        )

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed_questions`."""
        return np.tile(np.array([1, 0], np.float32), (len(texts), 1))

    def tokenize(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """See `Embedder.tokenize`."""
        return self._tokenize(texts)


class Mine:
    """An index of the texts that are trained on, to look for misleading passages in."""

    def __init__(self, store: PassageStore, embedder: Embedder, splitter: Splitter) -> None:
        self._store = store
        self._embedder = embedder
        self._splitter = splitter
        self._retriever = Retriever(store, embedder)

    def fill(self, texts: Sequence[Text], report: Callable[[int], None] = lambda _: None) -> None:
        """Store texts, those that are there already left as they are, and remove all others.

        `report` is told how many are done.
        """
        known = {state.origin.uri for state in self._store.origins()}
        distinct = {_uri(text): text for text in texts}
        if gone := sorted(known - distinct.keys()):
            self._store.rearrange([], gone)
        missing = iter([(uri, text) for uri, text in distinct.items() if uri not in known])
        done = len(distinct.keys() & known)
        report(done)
        while group := list(islice(missing, _GROUP)):
            self._store.put(list(self._intakes(group)))
            done += len(group)
            report(done)

    def _intakes(self, group: Sequence[tuple[str, Text]]) -> Iterator[Intake]:
        made: list[tuple[str, Document, list[Passage]]] = []
        for uri, text in group:
            document = document_of(text, uri)
            cut = split(document, self._embedder.tokenize, self._splitter)
            made.append((uri, document, cut))
        passages = [passage for _, _, cut in made for passage in cut]
        vectors = embed(self._store, self._embedder, passages)
        first = 0
        for uri, document, cut in made:
            rows = vectors[first : first + len(cut)]
            first += len(cut)
            yield Intake(Origin(uri, document.sha256, ""), [Entry(document, cut, rows)])

    def near(self, question: str) -> list[Passage]:
        """The passages that a question finds first, best first; of a long one its end is asked."""
        return nearest(self._retriever, question.strip()[-MOST_CHARACTERS:])


def nearest(retriever: Retriever, question: str) -> list[Passage]:
    """The passages of an index that a question finds first, best first.

    Raises:
        InvalidQuestion: the question is empty or too long.
    """
    (query,) = retriever.embed([question])
    return [hit.passage for hit in retriever.search(query, LOOKED_AT)]


def document_of(text: Text, uri: str = "") -> Document:
    """A text of a labelled set as a document of its own."""
    return Document(
        id="",
        uri=uri,
        title=text.title or uri,
        media_type="text/plain",
        text=text.text,
        sha256=text_digest(text.text),
        title_from_name=not text.title,
    )


def _uri(text: Text) -> str:
    return f"text:{text_digest(text.title + chr(0) + text.text)}"
