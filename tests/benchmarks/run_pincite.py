"""Pincite as a server uses it: one engine, its models loaded, asked one question after the other.

python tests/benchmarks/run_pincite.py --index FOLDER [--reader FOLDER_OR_NAME]
"""

import argparse
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from index.documents import Document, Passage, document_id
from index.duplicates import distinct
from index.local_store import LocalStore
from index.retriever import POOL, Retriever, fuse
from index.store import Entry, Intake, Origin
from qa.answers import Options, Reply
from service.bootstrap import engine_for, open_embedder
from service.settings import Settings
from tests.benchmarks.contestant import memory, serve


class Pincite:
    """An engine and the store behind it."""

    def __init__(self, index: Path, reader: str | None) -> None:
        settings = Settings(index=index, reader=reader)
        began = time.perf_counter()
        self._store = LocalStore.open(index)
        dim = self._store.settings.embedder.dim
        self._store.candidates("", np.zeros(dim, np.float32), 1)
        self.opening = time.perf_counter() - began
        self.opened_with = memory()
        self._engine = engine_for(self._store, settings)
        self._retriever = Retriever(
            self._store, open_embedder(self._store.settings.embedder.name, settings)
        )

    def ask(self, question: str, passages: int, enough: float | None = None) -> dict[str, Any]:
        """The best answer, and the seconds of each stage."""
        processor = time.process_time()
        began = time.perf_counter()
        reply = self._engine.ask(question, Options(passages=passages, enough=enough))
        total = time.perf_counter() - began
        return {
            "embed": reply.timings.embed / 1000,
            "retrieve": reply.timings.retrieve / 1000,
            "read": reply.timings.read / 1000,
            "total": total,
            "processor": time.process_time() - processor,
            "answer": _best(reply),
        }

    def stages(self, question: str, passages: int) -> dict[str, Any]:
        """The seconds of each part of a search: each side alone, both, and fusing them."""
        began = time.perf_counter()
        (query,) = self._retriever.embed([question])
        embedded = time.perf_counter()
        self._store.candidates("", query.vector, POOL)
        dense = time.perf_counter()
        found = self._store.candidates(query.text, query.vector, POOL)
        both = time.perf_counter()
        distinct(fuse(found), passages)
        fused = time.perf_counter()
        return {
            "embed": embedded - began,
            "dense": dense - embedded,
            "lexical": max(0.0, (both - dense) - (dense - embedded)),
            "fuse": fused - both,
            "search": fused - dense,
        }

    def nearest(self, questions: Sequence[str], k: int) -> dict[str, Any]:
        """For each question its vector, and the texts of the `k` nearest passages by it."""
        queries = self._retriever.embed(questions)
        found = []
        for query in queries:
            candidates = self._store.candidates("", query.vector, k)
            best = sorted(candidates, key=lambda candidate: -candidate.dense_score)
            found.append([[one.dense_score, one.passage.text] for one in best])
        return {"vectors": [query.vector.tolist() for query in queries], "found": found}

    def flat(self, questions: Sequence[str], passages: int) -> dict[str, Any]:
        """Ask all of them; what is held in memory afterwards."""
        for question in questions:
            self._engine.ask(question, Options(passages=passages))
        return memory()

    def change(self, questions: Sequence[str], passages: int, count: int) -> dict[str, Any]:
        """Add and remove passages while questions are asked; each is looked for at once.

        The first half of the questions is asked before, when nothing else goes on. Each addition is
        a transaction with a document of one passage, each removal another; their vectors are made
        up. `unseen` counts those that the next search did not find, or found after their removal.
        """
        # As a server does.
        self._store.write_vectors_behind()
        half = len(questions) // 2
        idle = [self.ask(question, passages) for question in questions[:half]]
        over = threading.Event()
        changes: list[float] = []
        unseen = 0
        rng = np.random.default_rng(7)

        def alter() -> None:
            nonlocal unseen
            made = []
            for number in range(count):
                document, passage = _made(number)
                vector = rng.normal(size=self._store.settings.embedder.dim).astype(np.float32)
                vector /= np.linalg.norm(vector)
                entry = Entry(document, [passage], vector[None])
                began = time.perf_counter()
                ((id_,),) = self._store.put(
                    [Intake(Origin(document.uri, document.sha256, "benchmark"), [entry])]
                )
                changes.append(time.perf_counter() - began)
                unseen += not self._is_found(vector, id_)
                made.append((id_, vector))
            for id_, vector in made:
                began = time.perf_counter()
                self._store.remove([id_])
                changes.append(time.perf_counter() - began)
                unseen += self._is_found(vector, id_)
            over.set()

        thread = threading.Thread(target=alter)
        thread.start()
        busy = []
        for question in questions[half:]:
            if over.is_set():
                break
            busy.append(self.ask(question, passages))
        thread.join()
        return {"idle": idle, "busy": busy, "changes": changes, "unseen": unseen}

    def _is_found(self, vector: "np.ndarray[Any, np.dtype[np.float32]]", id_: str) -> bool:
        found = self._store.candidates("", vector, 1)
        return any(one.passage.document_id == id_ for one in found)


def _made(number: int) -> tuple[Document, Passage]:
    uri = f"made:{number}"
    text = f"Passage number {number} was made up to be added and removed again."
    id_ = document_id(uri)
    return (
        Document(id=id_, uri=uri, title="Made", media_type="text/plain", text=text, sha256=uri),
        Passage(id_, 0, len(text), text, ""),
    )


def _best(reply: Reply) -> str:
    return reply.answers[0].text if reply.answers else ""


def main() -> None:
    """Run the command that the module's docstring shows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--reader")
    arguments = parser.parse_args()
    pincite = Pincite(arguments.index, arguments.reader)
    serve(
        {"opening": pincite.opening, "memory": pincite.opened_with},
        {
            "ask": pincite.ask,
            "stages": pincite.stages,
            "nearest": pincite.nearest,
            "flat": pincite.flat,
            "change": pincite.change,
        },
    )


if __name__ == "__main__":
    main()
