"""How long a question takes while documents are indexed, against when nothing else goes on.

    python tests/benchmarks/ask_while_indexing.py [--questions 5] [--rounds 3]

One process with one index, as a server has it: questions are asked one after the other while a
second thread puts long documents into the index without a pause. Rounds alternate between no
indexing, indexing whose passages wait in line with the questions', and indexing with the
precedence it has; the figures are of all rounds together, the ratios are to no indexing. How fast
the indexing goes is told too: questions must not stop it.
"""

import argparse
import itertools
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from index.embedding import Embedder, OnnxEmbedder, Vectors
from index.files import scan
from service.bootstrap import Parts, engine_for, open_or_create
from service.engine import Engine
from service.settings import Settings

ROOT = Path(__file__).parent.parent.parent
EMBEDDER = ROOT / "index/bundled/all-MiniLM-L6-v2"
QUESTIONS = (
    "How long is the warranty on the Corvella Duo 58?",
    "What is the rent?",
    "How many days of leave does an employee have?",
    "Who is allowed to park in the yard?",
    "When does the cinema open?",
)
SENTENCES = 500
_DISTINCT = itertools.count()


class InLine(OnnxEmbedder):
    """Its passages wait in line with questions: what indexing was before it had a precedence."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed_passages`."""
        return self.embed_questions(texts)


class InLineParts(Parts):
    """With such an embedder."""

    def embedder(self, name: str) -> Embedder:
        """See `Parts.embedder`."""
        return InLine(EMBEDDER)


@dataclass
class Measured:
    """Seconds of each question; passages that were indexed meanwhile, and in how many seconds."""

    asked: list[float] = field(default_factory=list)
    passages: int = 0
    seconds: float = 0.0

    def told(self, name: str, idle: "Measured") -> str:
        """One line of figures."""
        median, late = statistics.median(self.asked), _p95(self.asked)
        base, base_late = statistics.median(idle.asked), _p95(idle.asked)
        rate = f"{self.passages / self.seconds:.1f}" if self.passages else "-"
        return (
            f"{name:10} median {1000 * median:5.0f} ms ({median / base:.2f})  "
            f"p95 {1000 * late:5.0f} ms ({late / base_late:.2f})  passages/s {rate}"
        )


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


@contextmanager
def indexing(engine: Engine, numbers: Iterator[int], into: Measured) -> Iterator[None]:
    """Documents go into the index, one after the other, while the block runs."""
    stop, begun = threading.Event(), threading.Event()

    def add() -> None:
        rng = random.Random(1)
        words = [f"{rng.choice('bcdfgklmnprst')}{rng.choice('aeiou')}n{n}" for n in range(4000)]
        while not stop.is_set():
            lines = [" ".join(rng.choices(words, k=12)) + "." for _ in range(SENTENCES)]
            text = "\n\n".join(" ".join(lines[at : at + 8]) for at in range(0, len(lines), 8))
            name = f"made:{next(numbers)}"
            begun.set()
            for outcome in engine.add_bytes(text.encode(), uri=name, name="made.txt"):
                into.passages += outcome.passages

    thread = threading.Thread(target=add)
    began = time.perf_counter()
    thread.start()
    begun.wait()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        into.seconds += time.perf_counter() - began


def ask(engine: Engine, count: int, into: Measured) -> None:
    """Ask so many questions, read a few passages at a time as a server does.

    Each is another, so that no reply is remembered.
    """
    for number in range(count):
        question = f"{QUESTIONS[number % len(QUESTIONS)]} {next(_DISTINCT)}"
        began = time.perf_counter()
        *_, _reply = engine.asking(question)
        into.asked.append(time.perf_counter() - began)


def main() -> None:
    """Run the command that the module's docstring shows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        settings = replace(Settings(), index=Path(scratch, "index"))
        opened = open_or_create(settings)
        list(opened.engine.sync(scan([str(ROOT / "seeds")], settings.index)))
        engines = {
            "in line": engine_for(opened.store, settings, InLineParts(settings)),
            "precedence": engine_for(opened.store, settings),
        }
        asking = opened.engine
        ask(asking, 5, Measured())
        found = {name: Measured() for name in ("idle", *engines)}
        numbers = itertools.count()
        for _ in range(arguments.rounds):
            ask(asking, arguments.questions, found["idle"])
            for name, engine in engines.items():
                with indexing(engine, numbers, found[name]):
                    ask(asking, arguments.questions, found[name])
        for name, measured in found.items():
            print(measured.told(name, found["idle"]))
        for engine in engines.values():
            engine.extractor.close()
        asking.close()


if __name__ == "__main__":
    main()
