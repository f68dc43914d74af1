"""Texts to vectors: the `Embedder` port and the adapter for models of ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from index.errors import ModelError
from index.onnx_model import MANIFEST, OnnxModel
from index.threads import Precedence

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What tells one model's vectors from another's: equal identities give equal vectors.

    `checksum` is the SHA-256 of the weights, in hexadecimal.
    """

    name: str
    revision: str
    dim: int
    checksum: str


class Embedder(Protocol):
    """Turns texts into unit vectors whose inner product is their likeness, from -1 to 1.

    Questions and passages have a method each, since some models give them different prompts.
    """

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is."""
        ...

    @property
    def dim(self) -> int:
        """The length of a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """How many tokens of a text are taken into account, special tokens not counted."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Embed passages: float32 `(len(texts), dim)`, rows of length 1."""
        ...

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """Embed questions: float32 `(len(texts), dim)`, rows of length 1."""
        ...

    def tokenize(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Where the tokens of each text stand: half-open ranges of code points, in order."""
        ...


class OnnxEmbedder:
    """An embedder of ours: int8 weights on ONNX Runtime, no torch.

    The graph pools and normalises; its output is one unit vector a sequence.
    """

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        self._model = OnnxModel(folder, "embedder", threads)
        manifest = self._model.manifest
        self._model.tokenizer.enable_truncation(manifest.window)
        special = self._model.tokenizer.num_special_tokens_to_add(is_pair=False)
        dim = manifest.settings.get("dim")
        if type(dim) is not int or dim < 1:
            raise ModelError(
                f"{folder / MANIFEST}: is not a model's manifest (its dim is {dim!r}, not a "
                "number from 1 up)"
            )
        self.dim = dim
        self.max_tokens = manifest.window - special
        self.identity = ModelIdentity(manifest.name, manifest.revision, self.dim, manifest.checksum)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed_passages`."""
        return self._embed(texts, Precedence.INDEXING)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed_questions`; this model has no prompts."""
        return self._embed(texts, Precedence.QUESTION)

    def _embed(self, texts: Sequence[str], precedence: Precedence) -> Vectors:
        encodings = self._model.tokenizer.encode_batch(list(texts))
        rows = [outputs[0] for outputs in self._model.run(encodings, precedence)]
        return np.stack(rows) if rows else np.empty((0, self.dim), np.float32)

    def tokenize(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """See `Embedder.tokenize`."""
        encodings = self._untruncated.encode_batch(list(texts), add_special_tokens=False)
        return [encoding.offsets for encoding in encodings]

    @cached_property
    def _untruncated(self) -> Tokenizer:
        """A tokenizer for whole texts: truncation belongs to the state of the model's own.

        Made when documents are first cut, since questions do without and it takes a while.
        """
        tokenizer = Tokenizer.from_str(self._model.tokenizer.to_str())
        tokenizer.no_truncation()
        return tokenizer
