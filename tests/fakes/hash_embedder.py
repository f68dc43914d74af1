"""An embedder that needs no model."""

import re
from collections.abc import Sequence
from functools import cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from index.embedding import ModelIdentity, Vectors


class HashEmbedder:
    """A text's vector is the sum of one vector a word, drawn from the word's SHA-256.

    So texts that share words are alike, and the same text has the same vector everywhere.
    """

    max_tokens = 256

    def __init__(self, dim: int = 32, name: str = "hash") -> None:
        self.dim = dim
        checksum = sha256(f"{name} {dim}".encode()).hexdigest()
        self.identity = ModelIdentity(name, "1", dim, checksum)
        self._word_vector = cache(self._draw)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        rows = [self._embed(text) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.dim)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        return self.embed_passages(texts)

    def tokenize(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        return [[match.span() for match in re.finditer(r"\w+|[^\w\s]", text)] for text in texts]

    def _embed(self, text: str) -> NDArray[np.float64]:
        words = re.findall(r"\w+", text.lower())[: self.max_tokens] or [""]
        total = np.sum([self._word_vector(word) for word in words], axis=0)
        result: NDArray[np.float64] = total / np.linalg.norm(total)
        return result

    def _draw(self, word: str) -> NDArray[np.float64]:
        seed = f"{self.identity.name} {word}".encode("utf-8", "surrogatepass")
        draws = np.random.default_rng(list(sha256(seed).digest()))
        return draws.standard_normal(self.dim)
