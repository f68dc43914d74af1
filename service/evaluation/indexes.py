"""The index that an evaluation asks, for as long as it takes or to be kept."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from index.retriever import Retriever
from qa.reader import Reader
from service.bootstrap import open_or_create, reader_checksum
from service.engine import Engine
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Bench:
    """An open index with its models loaded; `kept` says what stays if the work is interrupted."""

    engine: Engine
    settings: Settings
    kept: str

    @property
    def retriever(self) -> Retriever:
        """What searches the index."""
        return Retriever(self.engine.store, self.engine.embedder)

    @property
    def reader(self) -> Reader:
        """What reads."""
        return self.engine.reader

    @property
    def passages(self) -> int:
        """How many passages the index holds."""
        return sum(summary.passages for summary in self.engine.store.documents())

    def circumstances(self) -> dict[str, str | None]:
        """What is indexed, and with what models."""
        origins = self.engine.store.origins()
        content = "\n".join(f"{state.origin.sha256} {state.documents}" for state in origins)
        embedder, splitter = self.engine.settings.embedder, self.engine.settings.splitter
        return {
            "indexed files": f"{len(origins):,}",
            "their digests, SHA-256": sha256(content.encode()).hexdigest(),
            "reader": self.reader.name,
            "reader, SHA-256": reader_checksum(self.settings),
            "reader, calibration": str(self.reader.calibration),
            "embedder": embedder.name,
            "embedder, SHA-256": embedder.checksum,
            "splitter": f"at most {splitter.tokens} tokens, {splitter.overlap} shared",
        }


@contextmanager
def bench(settings: Settings, folder: Path | None) -> Iterator[Bench]:
    """Open or make the index in a folder for the block; None: in one that is gone afterwards.

    Raises:
        IndexStoreError: it cannot be used.
        ModelError: a model cannot be used.
    """
    if folder is None:
        with (
            tempfile.TemporaryDirectory(prefix="pincite-eval-") as place,
            _opened(replace(settings, index=Path(place) / "index"), "nothing was kept") as one,
        ):
            yield one
        return
    with _opened(replace(settings, index=folder), f"what was indexed is kept in {folder}") as one:
        yield one


@contextmanager
def _opened(settings: Settings, kept: str) -> Iterator[Bench]:
    opened = open_or_create(settings)
    try:
        opened.engine.load()
        yield Bench(opened.engine, settings, kept)
    finally:
        opened.engine.close()
