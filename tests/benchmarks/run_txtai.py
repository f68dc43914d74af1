"""A peer: txtai's embeddings index and its extractive question answering, on the same passages.

    python tests/benchmarks/run_txtai.py --embedder FOLDER --reader FOLDER --passages FOLDER

Run in an environment of its own, which `make bench` makes. Its index is the kind that txtai chooses
by itself, FAISS with clusters; the passages' vectors are given to it, questions are embedded by
sentence-transformers, and the reader is called a passage at a time, as its pipeline does.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.contestant import serve
from tests.benchmarks.exported import Exported


def main() -> None:
    """Run the command that the module's docstring shows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--embedder", required=True)
    parser.add_argument("--reader", required=True)
    parser.add_argument("--passages", type=Path, required=True)
    arguments = parser.parse_args()

    from sentence_transformers import SentenceTransformer
    from txtai import Embeddings
    from txtai.pipeline import Questions

    model = SentenceTransformer(arguments.embedder, device="cpu")

    def embedded(texts: list[str]) -> Any:
        return model.encode(texts, normalize_embeddings=True)

    exported = Exported(arguments.passages)
    saved = arguments.passages / "txtai"
    if not saved.is_dir():
        made = Embeddings(method="external", transform=embedded, content=False)
        made.index((number, row, None) for number, row in enumerate(exported.vectors()))
        made.save(str(saved))
    began = time.perf_counter()
    embeddings = Embeddings(method="external", transform=embedded, content=False)
    embeddings.load(str(saved), config={"transform": embedded})
    texts = exported.texts()
    opening = time.perf_counter() - began

    class Answering(Questions):
        def answer(self, context: str, tokens: Any, start: Any, end: Any) -> str | None:
            try:
                found: str | None = super().answer(context, tokens, start, end)
            except TypeError:  # the model says "no answer", which its pipeline does not know
                return None
            return found

    questions = Answering(arguments.reader, gpu=False)

    def ask(question: str, passages: int) -> dict[str, Any]:
        began, processor = time.perf_counter(), time.process_time()
        found = [texts[number] for number, _ in embeddings.search(question, passages)]
        retrieved = time.perf_counter()
        answers = questions([question] * len(found), found)
        ended = time.perf_counter()
        return {
            "retrieve": retrieved - began,
            "read": ended - retrieved,
            "total": ended - began,
            "processor": time.process_time() - processor,
            "answer": next((answer for answer in answers if answer), ""),
        }

    serve({"opening": opening}, {"ask": ask})


if __name__ == "__main__":
    main()
