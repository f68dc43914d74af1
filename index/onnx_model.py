"""A model folder of ours on ONNX Runtime: its manifest, its checksums, its tokenizer, its weights.

A folder holds `model.json` (the manifest), `model.onnx`, `tokenizer.json`, a licence and a card;
`index.export` makes one from any Hugging Face model of the right kind.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from index.errors import ModelError
from index.threads import Precedence, available_cores, shared_pool

MANIFEST = "model.json"

# Room for a question, a text and the tokens between them.
_LEAST_WINDOW = 16


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model folder says of itself.

    `kind` is "embedder" or "reader"; `files` maps a file's name to its SHA-256 in hexadecimal;
    `window` is the most tokens the model takes at once, special tokens included; `settings` holds
    what belongs to the kind (a reader's threshold, for one).
    """

    name: str
    kind: str
    revision: str
    licence: str
    window: int
    files: Mapping[str, str]
    settings: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Hold the entries against what the rest relies on.

        Raises:
            ValueError: one is missing or of the wrong type.
        """
        if not (
            isinstance(self.files, Mapping)
            and {"model.onnx", "tokenizer.json"} <= self.files.keys()
            and all(isinstance(digest, str) for digest in self.files.values())
        ):
            raise ValueError("its files need a SHA-256 for model.onnx and tokenizer.json")
        if not isinstance(self.settings, Mapping):
            raise ValueError("its settings are not an object")
        if type(self.window) is not int or self.window < _LEAST_WINDOW:
            raise ValueError(f"its window is {self.window!r}, not a number from {_LEAST_WINDOW} up")

    @property
    def checksum(self) -> str:
        """The SHA-256 of the weights, in hexadecimal."""
        return self.files["model.onnx"]


def read_manifest(folder: Path) -> Manifest:
    """Read a model folder's manifest.

    Raises:
        ModelError: there is none, or it is not one.
    """
    path = folder / MANIFEST
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ModelError(f"{folder}: holds no {MANIFEST}; name the folder of a model") from error
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: is not a model's manifest ({error})") from error


def verified(folder: Path, manifest: Manifest, name: str) -> bytes:
    """The bytes of the file `name`, after comparing them with the manifest's checksum.

    Raises:
        ModelError: the file is missing or is not the one the manifest describes.
    """
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise ModelError(
            f"{folder / name}: cannot be read ({error.strerror}); install Pincite again"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    expected = manifest.files.get(name)
    if found != expected:
        raise ModelError(
            f"{folder / name}: has SHA-256 {found}, expected {expected}; install Pincite again"
        )
    return data


@contextmanager
def _loading(path: Path) -> Iterator[None]:
    """Say what the libraries' errors mean; they have no base of their own."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: cannot be loaded ({reason}); export the model again") from error


class OnnxModel:
    """One set of weights, ready to run.

    Every sequence is run by itself, without padding, on one thread; several run side by side on
    the shared pool. So a result never depends on what else was in the batch (the activations'
    quantization range is that of the sequence alone), and no work goes into padding.
    """

    def __init__(self, folder: Path, kind: str, threads: int | None = None) -> None:
        import onnxruntime as ort

        self.manifest = read_manifest(folder)
        if self.manifest.kind != kind:
            raise ModelError(
                f"{folder}: is a model of kind {self.manifest.kind!r}, where {kind!r} is needed"
            )
        self._threads = threads or available_cores()
        with _loading(folder / "tokenizer.json"):
            self.tokenizer = Tokenizer.from_buffer(
                verified(folder, self.manifest, "tokenizer.json")
            )
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        with _loading(folder / "model.onnx"):
            self._session = ort.InferenceSession(
                verified(folder, self.manifest, "model.onnx"),
                options,
                providers=["CPUExecutionProvider"],
            )
        self._inputs = [value.name for value in self._session.get_inputs()]

    def run(
        self, encodings: Sequence[Encoding], precedence: Precedence
    ) -> list[list[NDArray[np.float32]]]:
        """Run each sequence; one list of outputs (without the batch axis) for each, in order."""
        return shared_pool(self._threads).map(precedence, self._run_one, encodings)

    def _run_one(self, encoding: Encoding) -> list[NDArray[np.float32]]:
        values = {
            "input_ids": encoding.ids,
            "attention_mask": encoding.attention_mask,
            "token_type_ids": encoding.type_ids,
        }
        feed = {name: np.array([values[name]], dtype=np.int64) for name in self._inputs}
        return [output[0] for output in self._session.run(None, feed)]
