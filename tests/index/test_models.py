"""Model folders: nothing is run that is not what the manifest describes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from index.embedding import OnnxEmbedder
from index.errors import ModelError
from index.onnx_model import MANIFEST, read_manifest
from qa.reader import OnnxReader
from tests.paths import EMBEDDER, READER


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EMBEDDER, tmp_path / "model"))


def refused(folder: Path) -> str:
    with pytest.raises(ModelError) as error:
        OnnxEmbedder(folder)
    message = str(error.value)
    assert "\n" not in message
    return message


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads((folder / MANIFEST).read_text())
    change(content)
    (folder / MANIFEST).write_text(json.dumps(content))


@pytest.mark.parametrize("model", [EMBEDDER, READER])
def test_the_bundled_models_are_what_their_manifests_describe(model: Path) -> None:
    manifest = read_manifest(model)
    assert manifest.name == model.name
    assert manifest.licence == "Apache-2.0"
    assert manifest.window == 256
    assert manifest.checksum == manifest.files["model.onnx"]


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_an_altered_file_is_named_with_both_checksums(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(bytes(data))
    message = refused(folder)
    assert message.startswith(f"{folder / name}: has SHA-256 ")
    assert f"expected {read_manifest(folder).files[name]}" in message


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert refused(folder).startswith(f"{folder / name}: cannot be read (No such file")


def test_a_folder_without_a_manifest_is_no_model(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"{tmp_path}: holds no {MANIFEST}; name the folder of a model"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"3", b"null", b"{}", b"\xff\xfe\x00", b'{"name": "x"}']
)
def test_a_manifest_that_is_none_is_named(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    message = refused(folder)
    assert message.startswith(f"{folder / MANIFEST}: is not a model's manifest")


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("kind"),
        lambda content: content.update(surprise=1),
        lambda content: content.update(files=["model.onnx"]),
        lambda content: content.update(files={"tokenizer.json": "0"}),
        lambda content: content.update(files={"model.onnx": 3, "tokenizer.json": None}),
        lambda content: content.update(settings=None),
        lambda content: content.update(settings={}),
        lambda content: content.update(settings={"dim": "many"}),
        lambda content: content.update(window="wide"),
        lambda content: content.update(window=0),
    ],
)
def test_a_manifest_with_odd_entries_is_named(
    folder: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    rewrite(folder, change)
    message = refused(folder)
    assert message.startswith(f"{folder / MANIFEST}: is not a model's manifest")


def test_a_model_of_another_kind_is_refused(folder: Path) -> None:
    assert refused(READER) == f"{READER}: is a model of kind 'reader', where 'embedder' is needed"
    with pytest.raises(ModelError, match="is a model of kind 'embedder', where 'reader' is needed"):
        OnnxReader(EMBEDDER)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_file_that_is_no_model_is_named_even_if_its_checksum_is_right(
    folder: Path, name: str
) -> None:
    from hashlib import sha256

    (folder / name).write_bytes(b"{}")
    rewrite(folder, lambda content: content["files"].update({name: sha256(b"{}").hexdigest()}))
    assert refused(folder).startswith(f"{folder / name}: cannot be loaded")
