"""The passages of an index as other systems take them: a file of texts, a file of vectors."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.embedding import Vectors
from index.local_store import LocalStore
from index.passages import text_in_context

_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Exported:
    """Texts and their float32 vectors, a row a text, in a folder; made from one generation."""

    folder: Path

    @property
    def vectors_file(self) -> Path:
        """A NumPy file: float32 `(n, dim)`, rows of length 1."""
        return self.folder / "vectors.npy"

    @property
    def texts_file(self) -> Path:
        """A line of JSON a text: what models are given of the passage."""
        return self.folder / "texts.jsonl"

    def vectors(self) -> Vectors:
        """All vectors."""
        rows: Vectors = np.load(self.vectors_file)
        return rows

    def texts(self) -> list[str]:
        """All texts."""
        with self.texts_file.open(encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]


def export(store: LocalStore, folder: Path) -> Exported:
    """Write what a store holds, unless the folder has it already."""
    found = Exported(folder)
    stamp = folder / "generation"
    count = store.counts()[1]
    state = f"{store.generation} {count}"
    if stamp.is_file() and stamp.read_text() == state:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    vectors = np.lib.format.open_memmap(
        found.vectors_file, "w+", np.float32, (count, store.settings.embedder.dim)
    )
    row = 0
    waiting: list[str] = []
    with found.texts_file.open("w", encoding="utf-8") as out:

        def flush(row: int) -> int:
            known = store.known_vectors(waiting)
            for text in waiting:
                vectors[row] = known[text]
                out.write(json.dumps(text) + "\n")
                row += 1
            waiting.clear()
            return row

        for summary in store.documents():
            waiting += [text_in_context(passage) for passage in store.passages(summary.id)]
            if len(waiting) >= _AT_ONCE:
                row = flush(row)
        row = flush(row)
    vectors.flush()
    stamp.write_text(state)
    return found
