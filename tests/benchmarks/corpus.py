"""An index of as many passages as wanted, for benchmarks: real texts, most vectors made up.

    python tests/benchmarks/corpus.py FOLDER --passages 100000 --texts FOLDER [--embed 4000]

`--texts` holds the texts: HTML pages and plain texts, such as documentation packages of Debian hold
(`fetch_texts.sh` gets some 2 GB of them). The sample documents come first, with vectors of their
own, so that there is something to ask about whose answer is known; then the files' paragraphs, in
an order without a plan that is the same each time: a smaller index is the beginning of a larger
one. They are cut and stored by the same code that `pincite index` runs, but for two things that
would take days:

- The cutting counts pieces of words by a pattern, not by the model's tokenizer.
- Of most passages the vector is not the embedder's. `--embed` passages are embedded; from these a
  linear map from words to vectors is fitted (ridge regression), and a vector that was not embedded
  is what the map gives for the passage's words plus a mixture of two of the map's own errors. So a
  passage lies near where it belongs, and the vectors spread as real ones do.

Made once and resumable: what is stored already is passed over, and a larger number goes on.
"""

import argparse
import hashlib
import json
import re
import sys
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import unescape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from index.documents import Document, Passage, document_id
from index.embedding import Embedder, OnnxEmbedder, Vectors
from index.errors import NoIndex
from index.files import scan
from index.local_store import LocalStore
from index.passages import Splitter, split, text_in_context
from index.store import Entry, IndexSettings, Intake, Origin
from tests.paths import EMBEDDER, SEEDS

PAGES = frozenset({".html", ".htm", ".xhtml"})
PLAIN = frozenset({".txt", ".rst", ".md"})

# Pages are taken apart by patterns: a parser takes longer than all the rest.
_SCRIPT = re.compile(r"<(script|style|head|nav)\b.*?</\1>", re.IGNORECASE | re.DOTALL)
_BORDER = re.compile(
    r"</?(?:p|div|li|ul|ol|dl|dd|dt|table|tr|td|th|pre|section|article|h[1-6]|body)\b[^>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^>]*>")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)

# A paragraph of fewer characters is a label or a link; a file of fewer is a table of contents.
_LEAST_PARAGRAPH = 60
_LEAST_TEXT = 400
# Of a longer file the rest is left out, so that no single book is a large part of the index.
_MOST_TEXT = 200_000

# A transaction holds about so many passages.
_GROUP = 4_000

# Words are told apart by a digest of so many bits.
_WORDS = 1 << 14
_RIDGE = 0.3
_WORD = re.compile(r"\w+")
# About what a piece of a word is to the model's tokenizer.
_PIECE = re.compile(r"\w{1,6}|[^\w\s]")


def pieces(texts: Sequence[str]) -> list[list[tuple[int, int]]]:
    """Where the pieces of words of each text stand, about as the model's tokenizer has them."""
    return [[match.span() for match in _PIECE.finditer(text)] for text in texts]


def files(folder: Path) -> list[Path]:
    """The readable files below a folder, in an order that is the same each time but has no plan."""
    found = (
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in PAGES | PLAIN and path.is_file()
    )
    return sorted(
        found, key=lambda path: hashlib.sha256(str(path.relative_to(folder)).encode()).digest()
    )


def paragraphs(page: str) -> Iterator[str]:
    """The longer texts between a page's block tags, each on one line."""
    for block in _BORDER.split(_SCRIPT.sub("", page)):
        text = " ".join(unescape(_TAG.sub("", block)).split())
        if len(text) >= _LEAST_PARAGRAPH:
            yield text


def document(path: Path, uri: str) -> Document | None:
    """The running text of a file; None where it has little."""
    data = path.read_bytes()
    title, text = "", data.decode("utf-8", "replace")
    if path.suffix.lower() in PAGES:
        head = _TITLE.search(text)
        title = "" if head is None else " ".join(unescape(head[1]).split())[:80]
        # What stands on a page twice is no text of its own.
        text = "\n\n".join(dict.fromkeys(paragraphs(text)))
    text = text[:_MOST_TEXT].replace("\0", " ").strip()
    if len(text) < _LEAST_TEXT:
        return None
    return Document(
        id=document_id(uri),
        uri=uri,
        title=title or path.name,
        media_type="text/plain",
        text=text,
        sha256=hashlib.sha256(data).hexdigest(),
        title_from_name=not title,
    )


def word_counts(texts: Sequence[str]) -> NDArray[np.float32]:
    """How often each word is in each text, damped: float32 `(len(texts), _WORDS)`, unit rows."""
    rows = np.zeros((len(texts), _WORDS), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        np.add.at(row, word_ids(text), 1.0)
    np.sqrt(rows, out=rows)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return rows


def word_ids(text: str) -> NDArray[np.int64]:
    """A number for each word of a text, from 0 up to `_WORDS`."""
    return np.array([_word_id(word) for word in _WORD.findall(text.lower())], dtype=np.int64)


@cache
def _word_id(word: str) -> int:
    return zlib.crc32(word.encode()) % _WORDS


@dataclass(frozen=True, slots=True)
class Guess:
    """From words to vectors: `base + word_counts @ words`, float32, and the errors it makes.

    `likeness` is the mean cosine between a guessed vector, without an error, and the true one, for
    texts that the map was not fitted on.
    """

    base: Vectors
    words: Vectors
    errors: Vectors
    likeness: float

    @classmethod
    def fit(cls, texts: Sequence[str], vectors: Vectors) -> "Guess":
        """Fit the map on two thirds of the texts; its errors are those on the rest."""
        counts = word_counts(texts)
        cut = 2 * len(texts) // 3
        base = vectors[:cut].mean(axis=0)
        known = counts[:cut]
        weights = np.linalg.solve(
            known @ known.T + _RIDGE * np.eye(cut, dtype=np.float32), vectors[:cut] - base
        )
        words = (known.T @ weights).astype(np.float32)
        found = base + counts[cut:] @ words
        likeness = np.sum(_unit(found) * vectors[cut:], axis=1).mean()
        return cls(base, words, vectors[cut:] - found, float(likeness))

    def vectors(self, texts: Sequence[str], rng: np.random.Generator) -> Vectors:
        """A vector for each text: float32 `(len(texts), dim)`, rows of length 1."""
        rows = np.empty((len(texts), len(self.base)), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            ids, often = np.unique(word_ids(text), return_counts=True)
            share = np.sqrt(often.astype(np.float32))
            share /= max(float(np.linalg.norm(share)), 1e-9)
            row[:] = self.base + share @ self.words[ids]
        angle = rng.uniform(0, np.pi / 2, len(texts)).astype(np.float32)[:, None]
        one, other = rng.integers(0, len(self.errors), (2, len(texts)))
        rows += np.cos(angle) * self.errors[one] + np.sin(angle) * self.errors[other]
        return _unit(rows)


def _unit(rows: Vectors) -> Vectors:
    unit: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit


class Corpus:
    """An index folder that grows."""

    def __init__(self, folder: Path, texts: Path, guess: Path) -> None:
        self._texts = texts
        self._kept = guess
        self._embedder: Embedder = OnnxEmbedder(EMBEDDER)
        settings = IndexSettings(self._embedder.identity, Splitter())
        try:
            self.store = LocalStore.open(folder)
            self.store.require(settings)
        except NoIndex:
            self.store = LocalStore.create(folder, settings)

    def grow(self, wanted: int, embedded: int) -> None:
        """Add documents until the index has so many passages.

        Raises:
            SystemExit: the texts do not suffice.
        """
        if not self.store.counts()[0]:
            self._add_samples()
        stored = {state.origin.uri for state in self.store.origins()}
        paths = files(self._texts)
        guess = self._guess(paths, embedded)
        unread = self._unread(paths, stored)
        began, first = time.monotonic(), self.store.counts()[1]
        # A copy of a document that is there already adds no passages.
        while (count := self.store.counts()[1]) < wanted:
            rate = (count - first) / (time.monotonic() - began)
            print(f"{count:,} passages, {rate:,.0f}/s", file=sys.stderr)
            group, size = [], 0
            for read, passages in unread:
                group.append((read, passages))
                size += len(passages)
                if size >= min(_GROUP, wanted - count):
                    break
            if not group:
                sys.exit(f"{self._texts}: holds {count:,} passages, of {wanted:,}; add texts")
            self.store.put([_intake(read, passages, guess) for read, passages in group])
        self.store.save_vectors()

    def _unread(
        self, paths: Iterable[Path], stored: set[str]
    ) -> Iterator[tuple[Document, list[Passage]]]:
        """What the files hold that are not stored yet."""
        for path in paths:
            uri = f"text:{path.relative_to(self._texts)}"
            read = None if uri in stored else document(path, uri)
            if read is not None:
                yield read, split(read, pieces, Splitter())

    def _add_samples(self) -> None:
        """The sample documents, as `pincite index` adds them."""
        from index.indexing import Indexer
        from index.sandbox.workers import InProcess

        indexer = Indexer(self.store, self._embedder, Splitter(), InProcess())
        list(indexer.sync(scan([str(SEEDS)])))

    def _guess(self, paths: Sequence[Path], count: int) -> Guess:
        """The map from words to vectors, made once."""
        if not self._kept.is_file():
            texts = self._some_texts(paths, count)
            rows = []
            for first in range(0, len(texts), 64):
                rows.append(self._embedder.embed_passages(texts[first : first + 64]))
                print(f"{first:,} of {len(texts):,} embedded", file=sys.stderr)
            guess = Guess.fit(texts, np.concatenate(rows))
            np.savez(
                self._kept, base=guess.base, words=guess.words, errors=guess.errors,
                likeness=guess.likeness,
            )  # fmt: skip
        with np.load(self._kept) as data:
            guess = Guess(data["base"], data["words"], data["errors"], float(data["likeness"]))
        print(json.dumps({"likeness": round(guess.likeness, 3)}), file=sys.stderr)
        return guess

    def _some_texts(self, paths: Sequence[Path], count: int) -> list[str]:
        """Passages from all over the texts, a few a file."""
        found: list[str] = []
        for path in paths:
            read = document(path, "text:")
            if read is not None:
                passages = split(read, pieces, Splitter())
                found += [
                    text_in_context(passage) for passage in passages[:: 1 + len(passages) // 3]
                ]
            if len(found) >= count:
                break
        return found[:count]


def _intake(read: Document, passages: list[Passage], guess: Guess) -> Intake:
    rng = np.random.default_rng(zlib.crc32(read.uri.encode()))
    vectors = guess.vectors([text_in_context(passage) for passage in passages], rng)
    return Intake(Origin(read.uri, read.sha256, "benchmark"), [Entry(read, passages, vectors)])


def main() -> None:
    """Run the command that the module's docstring shows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--passages", type=int, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--embed", type=int, default=4_000)
    parser.add_argument("--guess", type=Path, help="where the map is kept; unless given, beside")
    arguments = parser.parse_args()
    folder = arguments.folder
    guess = folder.with_name("guess.npz") if arguments.guess is None else arguments.guess
    corpus = Corpus(folder, arguments.texts, guess)
    corpus.grow(arguments.passages, arguments.embed)
    corpus.store.close()


if __name__ == "__main__":
    main()
