"""Passages a second: the whole of `pincite index` against `SentenceTransformer.encode` in fp32.

    python tests/benchmarks/indexing_speed.py --embedder FOLDER [--documents FOLDER] [--rounds 3]

`pincite index` is timed as a process from start to end: imports, models, reading, splitting,
embedding, database, FAISS file. `encode` (torch, batch 32) is timed alone, on the texts of the
same passages, its model loaded and warm. Both run in turn, so a machine whose speed drifts is as
hard on one as on the other; the figure to quote is the median of the ratios.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from index.files import expand
from index.local_store import LocalStore
from index.passages import text_in_context

ROOT = Path(__file__).parent.parent.parent


def index(documents: Path, folder: Path) -> float:
    """Seconds that `pincite index` takes to make a new index of the documents."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "service", "index", "--index", str(folder), str(documents)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - began


def passage_texts(folder: Path) -> list[str]:
    """What was embedded for each passage of an index."""
    store = LocalStore.open(folder)
    passages = [passage for one in store.documents() for passage in store.passages(one.id)]
    store.close()
    return [text_in_context(passage) for passage in passages]


def main() -> None:
    """Run the command that the module's docstring shows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embedder", required=True, help="all-MiniLM-L6-v2 in fp32, a folder")
    parser.add_argument("--documents", type=Path, default=ROOT / "seeds")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(arguments.embedder, device="cpu")
    ratios = []
    with tempfile.TemporaryDirectory() as scratch:
        for turn in range(arguments.rounds + 1):
            folder = Path(scratch, str(turn))
            seconds = index(arguments.documents, folder)
            texts = passage_texts(folder)
            if turn == 0:
                tokens = [len(ids) for ids in model.tokenizer(texts)["input_ids"]]
                print(
                    f"{len(list(expand([str(arguments.documents)])))} files, {len(texts)} "
                    f"passages, {statistics.mean(tokens):.0f} tokens each"
                )
                model.encode(texts[:64], batch_size=32)
                continue
            began = time.perf_counter()
            model.encode(texts, batch_size=32, show_progress_bar=False)
            baseline = time.perf_counter() - began
            ratios.append(baseline / seconds)
            print(
                f"pincite index {len(texts) / seconds:.1f} passages/s, "
                f"encode {len(texts) / baseline:.1f} passages/s, ratio {ratios[-1]:.2f}"
            )
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
