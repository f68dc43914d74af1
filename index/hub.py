"""Any Hugging Face model, through the `hub` extra (sentence-transformers, transformers, torch).

Nothing here is imported at the top: the quick path must not pay for torch.
"""

import hashlib
import importlib.util
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from index.embedding import ModelIdentity, Vectors
from index.errors import MissingExtra, ModelError


def require_hub(*packages: str) -> None:
    """Make sure that the packages are installed.

    Raises:
        MissingExtra: one is not; the message names the command that installs it.
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"{', '.join(missing)} is not installed; "
            "install the hub extra: pip install 'pincite[hub]'"
        )


def missing_model(name: str, kind: str, error: Exception) -> ModelError:
    """The error to raise when Hugging Face's loaders find no model called `name`."""
    reason = " ".join(str(error).split())[:200]
    return ModelError(
        f"{name}: no such {kind} on this machine, and it could not be fetched ({reason}); "
        "give the path of its folder, or fetch it once while online: "
        f"hf download {name}"
    )


def weights_checksum(tensors: Iterable[tuple[str, Any]]) -> str:
    """The SHA-256 over all weights in the order of their names, in hexadecimal."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors, key=lambda pair: pair[0]):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


class HubEmbedder:
    """A `SentenceTransformer`, with its own prompts for questions and passages."""

    def __init__(self, name: str) -> None:
        require_hub("sentence_transformers", "torch")
        from sentence_transformers import SentenceTransformer

        try:
            self._model = SentenceTransformer(name, device="cpu")
        except (OSError, ValueError) as error:
            raise missing_model(name, "embedder", error) from error
        tokenizer = self._model.tokenizer
        dim = self._model.get_embedding_dimension()
        if dim is None or not getattr(tokenizer, "is_fast", False):
            raise ModelError(f"{name}: is not a text embedder with a fast tokenizer")
        self.dim = int(dim)
        window = self._model.max_seq_length or tokenizer.model_max_length
        self.max_tokens = int(window) - tokenizer.num_special_tokens_to_add()
        # The model sets how its own tokenizer cuts and pads when it first embeds, which must not be
        # while another thread uses it; tokens are counted by another one.
        plain = tokenizer.backend_tokenizer
        self._tokenizer = type(plain).from_str(plain.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.embed_questions(["?"])
        self.identity = ModelIdentity(
            name, "", self.dim, weights_checksum(self._model.state_dict().items())
        )

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed_passages`."""
        return self._rows(self._model.encode_document, texts)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed_questions`."""
        return self._rows(self._model.encode_query, texts)

    def _rows(self, encode: Any, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dim), np.float32)
        rows = encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(rows, dtype=np.float32)

    def tokenize(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """See `Embedder.tokenize`."""
        if not texts:
            return []
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [encoding.offsets for encoding in encodings]
