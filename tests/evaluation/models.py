"""The readers that are measured, and what tells one from another."""

from dataclasses import dataclass
from hashlib import sha256

from index.embedding import ModelIdentity
from index.errors import ModelError
from index.files import at_home
from index.onnx_model import MANIFEST
from qa.evaluation.writing import digest
from service import bootstrap
from service.bootstrap import DEFAULT_EMBEDDER, reader_checksum, reader_folder
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class ReaderModel:
    """A reader as the settings name it: `label` is what it is called in results.

    `checksum` is that of its weights, `whole` also of what its scores are worth.
    """

    label: str
    name: str | None
    checksum: str
    whole: str

    @property
    def settings(self) -> Settings:
        """The settings that choose it."""
        return Settings(reader=self.name)


def reader_model(name: str | None, label: str | None = None) -> ReaderModel:
    """The reader with this name (None: the bundled one): of ours, or a Hugging Face folder.

    Raises:
        ModelError: there is none.
    """
    settings = Settings(reader=name)
    checksum, folder = reader_checksum(settings), reader_folder(settings)
    if checksum is not None and folder is not None:
        return ReaderModel(label or folder.name, name, checksum, digest(folder / MANIFEST))
    path = at_home(name or "").absolute()
    weights = sorted([*path.glob("*.safetensors"), *path.glob("*.bin")])
    if not weights:
        raise ModelError(f"{name}: is neither a reader of ours nor a folder with weights")
    found = sha256("".join(map(digest, weights)).encode()).hexdigest()
    return ReaderModel(label or path.name, str(path), found, found)


def embedder_identity() -> ModelIdentity:
    """The embedder that indexes are made with."""
    return bootstrap.open_embedder(DEFAULT_EMBEDDER, Settings()).identity
