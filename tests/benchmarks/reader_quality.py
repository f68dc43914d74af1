"""How well and how fast a reader answers SQuAD-style questions.

    python tests/benchmarks/reader_quality.py --data FILE... --reader READER [--against READER]

A reader is a folder of ours (one with a `model.json`) or the folder or name of any Hugging Face
question-answering model. Every answerable question is read with its own paragraph; the best span
counts, whatever its score ("no answer" is ignored), and is compared with the labelled answers as
SQuAD's official evaluation does (Rajpurkar et al., 2016): exact match (EM) and F1, in percent, the
best over the labelled answers, averaged over the questions.

Speed is measured with ten texts a question, as in use; with --against both readers take turns in
the same run, so that whatever else the machine does falls on both. Run it from the project's root.
"""

import argparse
import gzip
import json
import re
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from index.onnx_model import MANIFEST
from qa.hub import HubReader
from qa.reader import OnnxReader, Reader

TEXTS = 10


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled question over its paragraph."""

    question: str
    context: str
    answers: tuple[str, ...]


def items(path: Path) -> Iterator[Item]:
    """The answerable questions of a SQuAD-format file, `.json` or `.json.gz`, in order."""
    data = path.read_bytes()
    content = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    for article in content["data"]:
        for paragraph in article["paragraphs"]:
            for labelled in paragraph["qas"]:
                answers = tuple(answer["text"] for answer in labelled["answers"])
                if answers and not labelled.get("is_impossible", False):
                    yield Item(labelled["question"], paragraph["context"], answers)


def normalized(text: str) -> str:
    """The official normalisation: lower case, no punctuation, no articles, single spaces."""
    bare = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())


def exact(found: str, label: str) -> float:
    """1 where both are the same after normalising, else 0."""
    return float(normalized(found) == normalized(label))


def f1(found: str, label: str) -> float:
    """The harmonic mean of precision and recall over the words, from 0 to 1."""
    ours, theirs = normalized(found).split(), normalized(label).split()
    if not ours or not theirs:
        return float(ours == theirs)
    same = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * same / (len(ours) + len(theirs))


def best_answers(reader: Reader, asked: Sequence[Item]) -> list[str]:
    """The text of the best span for each question; "" where a paragraph has none."""
    found = []
    for item in asked:
        [reading] = reader.read(item.question, [item.context])
        best = reading.spans[0] if reading.spans else None
        found.append("" if best is None else item.context[best.start : best.end])
    return found


def percent(values: Sequence[float]) -> float:
    """The mean, times a hundred."""
    return 100 * sum(values) / len(values)


def seconds(readers: Sequence[Reader], asked: Sequence[Item], questions: int) -> list[float]:
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
    parser.add_argument("--against", help="another reader, to compare with")
    parser.add_argument(
        "--timed", type=int, default=40, help="questions a file that are timed; default: 40"
    )
    arguments = parser.parse_args()
    names = [name for name in (arguments.reader, arguments.against) if name is not None]
    readers = [load(name) for name in names]
    for path in arguments.data:
        asked = list(items(path))[: arguments.limit]
        if not asked:
            parser.error(f"{path}: holds no answerable question")
        print(f"{path.name}: {len(asked)} questions")
        answers = [best_answers(reader, asked) for reader in readers]
        for name, found in zip(names, answers, strict=True):
            pairs = list(zip(found, asked, strict=True))
            em = percent([max(exact(text, a) for a in item.answers) for text, item in pairs])
            mean_f1 = percent([max(f1(text, a) for a in item.answers) for text, item in pairs])
            print(f"  {name}: EM {em:.1f}  F1 {mean_f1:.1f}")
        if len(readers) == 2:
            same = percent([one == other for one, other in zip(*answers, strict=True)])
            print(f"  identical best answers: {same:.1f} %")
        spent = seconds(readers, asked, arguments.timed)
        for name, time in zip(names, spent, strict=True):
            print(f"  {name}: {arguments.timed * TEXTS / time:.1f} texts/s")
        if len(readers) == 2:
            print(f"  speed: {spent[1] / spent[0]:.2f} times that of {names[1]}")


if __name__ == "__main__":
    main()
