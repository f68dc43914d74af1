"""The index that an evaluation asks, for as long as it takes or to be kept."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from index.retriever import Retriever
from qa.evaluation.remembering import RememberingReader
from qa.index_calibration import in_use
from qa.kept_readings import KeptReadings
from qa.reader import Reader
from service.bootstrap import Parts, open_or_create, reader_checksum
from service.engine import Engine
from service.settings import Settings


class _MeasuredParts(Parts):
    """Models whose reader remembers: what is asked once is looked at in several ways."""

    def __init__(self, settings: Settings, readings: Path | None) -> None:
        super().__init__(settings)
        self._readings = readings
        self._remembering: Reader | None = None

    def reader(self) -> Reader:
        """See `Parts.reader`."""
        if self._remembering is None:
            reader, path = super().reader(), self._readings
            self._remembering = (
                RememberingReader(reader) if path is None else KeptReadings(reader, path)
            )
        return self._remembering


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
        """What reads; it remembers."""
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
            "calibration": str(in_use(self.engine.store, self.reader)),
            "embedder": embedder.name,
            "embedder, SHA-256": embedder.checksum,
            "splitter": f"at most {splitter.tokens} tokens, {splitter.overlap} shared",
        }


@contextmanager
def bench(settings: Settings, folder: Path | None, readings: Path | None = None) -> Iterator[Bench]:
    """Open or make the index in a folder for the block; None: in one that is gone afterwards.

    What the reader reads is kept in the file `readings`, if one is named.

    Raises:
        IndexStoreError: it cannot be used.
        ModelError: a model cannot be used.
    """
    if folder is None:
        with (
            tempfile.TemporaryDirectory(prefix="pincite-eval-") as place,
            _opened(Path(place) / "index", settings, readings, "nothing was kept") as one,
        ):
            yield one
        return
    kept = f"what was indexed is kept in {folder}"
    with _opened(folder, settings, readings, kept) as one:
        yield one


@contextmanager
def _opened(folder: Path, settings: Settings, readings: Path | None, kept: str) -> Iterator[Bench]:
    here = replace(settings, index=folder)
    parts = _MeasuredParts(here, readings)
    opened = open_or_create(here, parts)
    try:
        opened.engine.load()
        yield Bench(opened.engine, here, kept)
    finally:
        opened.engine.close()
        parts.close()
