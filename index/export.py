"""Make a model folder for the quick path from a Hugging Face model (needs the `hub` extra).

    python -m index.export embedder SOURCE OUT --name NAME --licence SPDX
    python -m index.export reader SOURCE OUT --name NAME --licence SPDX

The graph is exported in fp32, then quantized: weights int8, signed, one scale a column, within
seven bits; activations as they come (dynamic). Seven bits because processors without VNNI add
pairs of products in 16 bits, which eight-bit weights overflow; it costs nothing elsewhere. The
same sources and package versions give the same bytes.
"""

import argparse
import hashlib
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

from index.errors import ModelError
from index.hub import require_hub
from index.onnx_model import MANIFEST

# Passages under their headings, with a question, fit; more would only cost time.
_WINDOW = 256

# The revision of weights that are not in one file.
_UNKNOWN = "unknown"

INPUTS = ["input_ids", "attention_mask", "token_type_ids"]


def export(
    kind: str, source: str, out: Path, *, name: str, licence: str, settings: dict[str, Any]
) -> None:
    """Write `model.onnx`, `tokenizer.json` and the manifest of the model `source` into `out`.

    Other files in `out` (licence, card) are left alone, and so are the settings of a manifest that
    is there already, unless `settings` names them, or it is another model's: what was fitted to
    other weights is worth nothing for these.

    Raises:
        ModelError: the source is missing or is not a model of this kind.
        MissingExtra: the `hub` extra is not installed.
    """
    require_hub("onnx", "torch", "transformers")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        fp32 = Path(scratch) / "fp32.onnx"
        found, revision, window = _trace(kind, source, fp32)
        _quantize(fp32, out / "model.onnx")
    _save_tokenizer(source, out / "tokenizer.json")
    manifest = out / MANIFEST
    if manifest.exists():
        before = json.loads(manifest.read_text(encoding="utf-8"))
        if before["revision"] == revision != _UNKNOWN:
            found = before["settings"] | found
    content = {
        "name": name,
        "kind": kind,
        "revision": revision,
        "licence": licence,
        "window": window,
        "files": {part: _digest(out / part) for part in ("model.onnx", "tokenizer.json")},
        "settings": found | settings,
    }
    manifest.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _trace(kind: str, source: str, target: Path) -> tuple[dict[str, Any], str, int]:
    """Export the fp32 graph.

    Returns:
        The settings it implies, the revision of the weights, and the most tokens to be given.
    """
    import torch
    from transformers import AutoModel, AutoModelForQuestionAnswering

    auto = {"embedder": AutoModel, "reader": AutoModelForQuestionAnswering}[kind]
    try:
        # Eager attention traces to plain MatMul and Softmax, which the runtime knows how to fuse.
        model = auto.from_pretrained(source, dtype=torch.float32, attn_implementation="eager")
    except (OSError, ValueError) as error:
        raise ModelError(f"{source}: is not a {kind} in Hugging Face format ({error})") from error
    model.eval()

    class Graph(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: Any, mask: Any, types: Any) -> Any:
            output = self.model(input_ids=ids, attention_mask=mask, token_type_ids=types)
            if kind == "reader":
                return output.start_logits, output.end_logits
            weights = mask.unsqueeze(-1).to(torch.float32)
            pooled = (output.last_hidden_state * weights).sum(1) / weights.sum(1)
            return torch.nn.functional.normalize(pooled, dim=1)

    outputs = ["start_logits", "end_logits"] if kind == "reader" else ["vector"]
    axes = {part: {0: "batch", 1: "token"} for part in INPUTS + outputs}
    if kind == "embedder":
        axes["vector"] = {0: "batch"}
    ids = torch.ones((2, 16), dtype=torch.int64)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Graph(),
            (ids, ids, torch.zeros_like(ids)),
            str(target),
            input_names=INPUTS,
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    settings = {"dim": int(model.config.hidden_size)} if kind == "embedder" else {}
    window = min(_WINDOW, int(getattr(model.config, "max_position_embeddings", _WINDOW)))
    return settings, _weights_digest(source), window


def _weights_digest(source: str) -> str:
    weights = Path(source) / "model.safetensors"
    return f"sha256:{_digest(weights)}" if weights.exists() else _UNKNOWN


def _quantize(fp32: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        str(fp32),
        str(target),
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


def _save_tokenizer(source: str, target: Path) -> None:
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer

    tokenizer = Tokenizer.from_str(AutoTokenizer.from_pretrained(source).backend_tokenizer.to_str())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.save(str(target))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Run the command that the module's docstring shows."""
    parser = argparse.ArgumentParser(prog="python -m index.export", description=__doc__)
    parser.add_argument("kind", choices=["embedder", "reader"])
    parser.add_argument("source", help="a folder in Hugging Face format, or a model's name")
    parser.add_argument("out", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--licence", required=True, help="SPDX identifier of the weights")
    arguments = parser.parse_args()
    export(
        arguments.kind,
        arguments.source,
        arguments.out,
        name=arguments.name,
        licence=arguments.licence,
        settings={},
    )


if __name__ == "__main__":
    main()
