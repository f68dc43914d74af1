"""Two documents, and models small enough to know what they will say."""

import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from typer.testing import Result

from index.database import DATABASE
from index.embedding import ModelIdentity, Vectors
from index.local_store import LocalStore
from index.originals import FOLDER, Originals
from index.passages import Splitter
from index.sandbox.workers import InProcess
from index.store import IndexSettings
from qa.answers import Span
from qa.calibration import Calibration
from qa.reader import Reader, Reading
from service.engine import Engine
from service.host.server import Door, Server, open_server
from service.settings import Settings

LIBRARY = """# Library rules

## Opening hours

The library opens at 9 in the morning. On Sundays it stays closed.

## Loans

A reader may borrow 12 books at a time. A book is lent for 28 days.
"""
POOL = "The swimming pool is 25 metres long.\n\nA ticket for the pool costs 4 pounds.\n"

DIM = 64

Run = Callable[..., Result]


class WordEmbedder:
    """A text's vector counts its words, each under a place given by its digest."""

    identity = ModelIdentity("words", "1", DIM, sha256(b"words").hexdigest())
    dim = DIM
    max_tokens = 256

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), DIM), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()) or ["nothing"]:
                row[sha256(word.encode()).digest()[0] % DIM] += 1
            row /= np.linalg.norm(row)
        return rows

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        return self.embed_passages(texts)

    def tokenize(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        return [[match.span() for match in re.finditer(r"\w+|[^\w\s]", text)] for text in texts]


class NumberReader:
    """Takes numbers for answers; sure of those in texts that hold the question's last word."""

    name = "numbers"
    checksum = "1" * 64
    calibration = Calibration()

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        last = (re.findall(r"\w+", question.lower()) or [""])[-1]
        readings = []
        for text in texts:
            score = 3.0 if last in text.lower() else -3.0
            spans = [
                Span(match.start(), match.end(), score - place / 100)
                for place, match in enumerate(re.finditer(r"\d+", text))
            ]
            readings.append(Reading(tuple(spans)))
        return readings


def engine_on(store: LocalStore, reader: Callable[[], Reader] = NumberReader) -> Engine:
    """An engine with fake models on an index made with them."""
    embedder = WordEmbedder()
    originals = Originals(store.folder / FOLDER)
    return Engine(store, lambda: embedder, reader, InProcess, originals=originals)


def fake_engine(folder: Path, reader: Callable[[], Reader] = NumberReader) -> Engine:
    """An engine with fake models on a new index of the library rules and the pool."""
    store = LocalStore.create(folder, IndexSettings(WordEmbedder.identity, Splitter()))
    engine = engine_on(store, reader)
    engine.add_bytes(LIBRARY.encode(), uri="test:library", name="library.md")
    engine.add_bytes(POOL.encode(), uri="test:pool", name="pool.txt")
    return engine


def fake_server(
    settings: Settings,
    reader: Callable[[], Reader] = NumberReader,
    door: Door = Door.KEYED,
) -> Server:
    """A server with fake models; its default collection holds the library rules and the pool.

    Other collections are empty when they are made.
    """

    def open_engine(folder: Path) -> Engine:
        if (folder / DATABASE).exists():
            return engine_on(LocalStore.open(folder), reader)
        if folder == settings.index:
            return fake_engine(folder, reader)
        store = LocalStore.create(folder, IndexSettings(WordEmbedder.identity, Splitter()))
        return engine_on(store, reader)

    return open_server(settings, open_engine, door)
