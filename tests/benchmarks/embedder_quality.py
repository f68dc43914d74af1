"""How close the bundled int8 embedder is to its fp32 original, and how much faster.

    python tests/benchmarks/embedder_quality.py --passages FILE --against FOLDER_OR_NAME

Embeds the distinct paragraphs of a SQuAD-format file with both. Prints the mean and the least
cosine between the two vectors of a paragraph; the share of each paragraph's ten nearest neighbours
(itself left out) that both embedders name; and the passages a second of each. The two take turns,
batch by batch, in the same run. Run it from the project's root.
"""

import argparse
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from index.embedding import Embedder, OnnxEmbedder, Vectors
from index.hub import HubEmbedder

BUNDLED = Path(__file__).parents[2] / "index" / "bundled" / "all-MiniLM-L6-v2"
NEIGHBOURS = 10
BATCH = 32


def paragraphs(path: Path) -> list[str]:
    """The distinct paragraphs of a SQuAD-format file, `.json` or `.json.gz`, in order."""
    data = path.read_bytes()
    content = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    return list(
        dict.fromkeys(
            paragraph["context"]
            for article in content["data"]
            for paragraph in article["paragraphs"]
        )
    )


def embedded(embedders: Sequence[Embedder], texts: Sequence[str]) -> list[tuple[Vectors, float]]:
    """Each embedder's vectors and how many seconds they took."""
    rows: list[list[Vectors]] = [[] for _ in embedders]
    spent = [0.0] * len(embedders)
    for embedder in embedders:
        embedder.embed_passages(texts[:BATCH])
    for first in range(0, len(texts), BATCH):
        for number, embedder in enumerate(embedders):
            began = perf_counter()
            rows[number].append(embedder.embed_passages(texts[first : first + BATCH]))
            spent[number] += perf_counter() - began
    return [(np.concatenate(parts), time) for parts, time in zip(rows, spent, strict=True)]


def neighbours(vectors: Vectors) -> list[set[int]]:
    """The nearest rows of each row, itself left out."""
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    return [set(row) for row in np.argsort(-likeness, axis=1)[:, :NEIGHBOURS].tolist()]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--passages", type=Path, required=True, metavar="FILE")
    parser.add_argument("--limit", type=int, help="paragraphs, the first ones; default: all")
    parser.add_argument("--embedder", type=Path, default=BUNDLED, help="a folder of ours")
    parser.add_argument("--against", required=True, help="a SentenceTransformer: folder or name")
    arguments = parser.parse_args()
    texts = paragraphs(arguments.passages)[: arguments.limit]
    if len(texts) <= NEIGHBOURS:
        parser.error(f"{arguments.passages}: holds {len(texts)} paragraphs; more are needed")
    ours, theirs = embedded(
        [OnnxEmbedder(arguments.embedder), HubEmbedder(arguments.against)], texts
    )
    cosines = np.sum(ours[0] * theirs[0], axis=1)
    shared = [
        len(one & other) / NEIGHBOURS
        for one, other in zip(neighbours(ours[0]), neighbours(theirs[0]), strict=True)
    ]
    print(f"{arguments.passages.name}: {len(texts)} paragraphs")
    print(f"  cosine: mean {cosines.mean():.4f}  least {cosines.min():.4f}")
    print(f"  nearest {NEIGHBOURS} shared: {100 * np.mean(shared):.1f} %")
    for name, (_, time) in ((arguments.embedder.name, ours), (arguments.against, theirs)):
        print(f"  {name}: {len(texts) / time:.1f} passages/s")
    print(f"  speed: {theirs[1] / ours[1]:.2f} times that of {arguments.against}")


if __name__ == "__main__":
    main()
