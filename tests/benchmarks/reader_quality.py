"""Two readers on the same labelled questions: how good each is, how alike, how fast.

    python tests/benchmarks/reader_quality.py --data FILE... --reader READER --against READER

A reader is a folder of ours (one with a `model.json`) or the folder or name of any Hugging Face
question-answering model. Every answerable question is read with its own paragraph; the best span
counts, whatever its score, as in `pincite eval reader`, whose measures these are.

Speed is measured with ten texts a question, as in use; the readers take turns in the same run, so
that whatever else the machine does falls on both. Run it from the project's root.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from index.onnx_model import MANIFEST
from qa.evaluation.labelled import LabelledQuestion, load_labelled
from qa.evaluation.reading import read_all
from qa.evaluation.squad import scores
from qa.hub import HubReader
from qa.reader import OnnxReader, Reader

TEXTS = 10


def seconds(
    readers: Sequence[Reader], asked: Sequence[LabelledQuestion], questions: int
) -> list[float]:
    """How long each reader takes for `questions` questions over ten texts each, taking turns."""
    spent = [0.0] * len(readers)
    for place in range(-1, questions):
        texts = [asked[(place + step) % len(asked)].context for step in range(TEXTS)]
        for number, reader in enumerate(readers):
            began = perf_counter()
            reader.read(asked[place % len(asked)].question, texts)
            # The first round only warms up.
            spent[number] += perf_counter() - began if place >= 0 else 0.0
    return spent


def load(name: str) -> Reader:
    """The reader in the folder, or of the Hugging Face name, `name`."""
    folder = Path(name)
    return OnnxReader(folder) if (folder / MANIFEST).is_file() else HubReader(name)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="FILE")
    parser.add_argument("--limit", type=int, help="questions a file, the first ones; default: all")
    parser.add_argument("--reader", required=True, help="a folder or a Hugging Face name")
    parser.add_argument("--against", required=True, help="another reader, to compare with")
    parser.add_argument(
        "--timed", type=int, default=40, help="questions a file that are timed; default: 40"
    )
    arguments = parser.parse_args()
    names = (arguments.reader, arguments.against)
    readers = [load(name) for name in names]
    for path in arguments.data:
        answerable = [item for item in load_labelled(path).questions if item.answers]
        asked = answerable[: arguments.limit]
        if not asked:
            parser.error(f"{path}: holds no answerable question")
        print(f"{path.name}: {len(asked)} questions")
        reads = [list(read_all(reader, asked)) for reader in readers]
        for name, found in zip(names, reads, strict=True):
            means = scores([read.marked for read in found])
            print(f"  {name}: EM {100 * means.exact:.1f}  F1 {100 * means.f1:.1f}")
        same = sum(one.text == other.text for one, other in zip(*reads, strict=True))
        print(f"  identical best answers: {100 * same / len(asked):.1f} %")
        spent = seconds(readers, asked, arguments.timed)
        for name, time in zip(names, spent, strict=True):
            print(f"  {name}: {arguments.timed * TEXTS / time:.1f} texts/s")
        print(f"  speed: {spent[1] / spent[0]:.2f} times that of {names[1]}")


if __name__ == "__main__":
    main()
