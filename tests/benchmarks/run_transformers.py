"""The usual way, as its users write it: sentence-transformers, FAISS, and a transformers reader.

    python tests/benchmarks/run_transformers.py --embedder FOLDER --reader FOLDER --passages FOLDER

All in fp32. transformers 5 has no question-answering pipeline any more, so its reader is called
directly, all passages in one padded batch, which is faster than the pipeline was (one at a time).
With `--once QUESTION` it answers, prints, and ends, as a script that someone runs would.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

_LONGEST = 384
_LONGEST_ANSWER = 30


class Baseline:
    """Loads everything and answers questions."""

    def __init__(self, embedder: str, reader: str, passages: Path) -> None:
        import faiss
        import numpy as np
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers import AutoModelForQuestionAnswering, AutoTokenizer

        self._embedder = SentenceTransformer(embedder, device="cpu")
        self._tokenizer = AutoTokenizer.from_pretrained(reader)
        self._reader = AutoModelForQuestionAnswering.from_pretrained(
            reader, dtype=torch.float32
        ).eval()
        began = time.perf_counter()
        saved = passages / "flat.faiss"
        if not saved.is_file():
            vectors = np.load(passages / "vectors.npy")
            index = faiss.IndexFlatIP(vectors.shape[1])
            index.add(vectors)
            faiss.write_index(index, str(saved))
        began = time.perf_counter()
        self._index = faiss.read_index(str(saved))
        with (passages / "texts.jsonl").open(encoding="utf-8") as lines:
            self._texts = [json.loads(line) for line in lines]
        self.opening = time.perf_counter() - began

    def ask(self, question: str, passages: int) -> dict[str, Any]:
        """The best answer, and the seconds of each stage."""
        import torch

        began = time.perf_counter()
        processor = time.process_time()
        vector = self._embedder.encode([question], normalize_embeddings=True)
        embedded = time.perf_counter()
        _, ids = self._index.search(vector, passages)
        contexts = [self._texts[number] for number in ids[0] if number >= 0]
        found = time.perf_counter()
        encoded = self._tokenizer(
            [question] * len(contexts),
            contexts,
            truncation="only_second",
            max_length=_LONGEST,
            padding=True,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        offsets = encoded.pop("offset_mapping")
        with torch.inference_mode():
            output = self._reader(**encoded)
        best, answer = -1e9, ""
        for row, context in enumerate(contexts):
            starts, ends = output.start_logits[row], output.end_logits[row]
            null = float(starts[0] + ends[0])
            inside = torch.tensor([one == 1 for one in encoded.sequence_ids(row)])
            scores = starts[:, None] + ends[None, :]
            allowed = inside[:, None] & inside[None, :]
            spans = torch.triu(torch.ones_like(scores)) - torch.triu(
                torch.ones_like(scores), _LONGEST_ANSWER
            )
            scores = scores.masked_fill(~(allowed & spans.bool()), -1e9)
            place = int(scores.argmax())
            start, end = divmod(place, scores.shape[1])
            score = float(scores[start, end]) - null
            if score > best:
                best = score
                answer = context[int(offsets[row][start][0]) : int(offsets[row][end][1])]
        ended = time.perf_counter()
        return {
            "embed": embedded - began,
            "retrieve": found - embedded,
            "read": ended - found,
            "total": ended - began,
            "processor": time.process_time() - processor,
            "answer": answer,
        }

    def encode(self, texts: list[str]) -> dict[str, Any]:
        """Embed texts as users do; the seconds it took."""
        began = time.perf_counter()
        processor = time.process_time()
        self._embedder.encode(texts, batch_size=32, show_progress_bar=False)
        return {
            "total": time.perf_counter() - began,
            "processor": time.process_time() - processor,
        }


def main() -> None:
    """Run the command that the module's docstring shows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--embedder", required=True)
    parser.add_argument("--reader", required=True)
    parser.add_argument("--passages", type=Path, required=True)
    parser.add_argument("--once", metavar="QUESTION")
    arguments = parser.parse_args()
    baseline = Baseline(arguments.embedder, arguments.reader, arguments.passages)
    if arguments.once is not None:
        print(baseline.ask(arguments.once, 10)["answer"])
        return
    from tests.benchmarks.contestant import serve

    serve({"opening": baseline.opening}, {"ask": baseline.ask, "encode": baseline.encode})


if __name__ == "__main__":
    main()
