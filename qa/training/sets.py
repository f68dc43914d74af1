"""The labelled sets that a reader is trained on, and in which order their questions come."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from index.errors import InvalidLabels, InvalidSettings
from qa.evaluation.faults import Fault
from qa.evaluation.labelled import LabelledQuestion, load_labelled
from qa.evaluation.writing import digest
from qa.training.split import articles, held_out

MOST_WEIGHT = 100.0


@dataclass(frozen=True, slots=True)
class Source:
    """A file of labelled questions; each of them is asked `weight` times a pass on average."""

    path: Path
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """What is trained on of a file, and what is kept for measuring; `titled` tells that the titles
    of its articles are names of what the texts are about. `sha256` is that of the file; where the
    texts are not in it, `texts` is one over all that is trained on, else "".
    """

    source: Source
    sha256: str
    questions: tuple[LabelledQuestion, ...]
    held_out: tuple[LabelledQuestion, ...]
    titled: bool
    faults: tuple[Fault, ...]
    texts: str = ""


@dataclass(frozen=True, slots=True)
class Draw:
    """A question to be trained on: its set's place among the sets, and its own in the set.

    `number` counts the draws from the beginning of training.
    """

    number: int
    set: int
    question: int


def parse_source(text: str) -> Source:
    """A file with a weight after its last "=", or without one.

    Raises:
        InvalidSettings: the weight is not a number above 0 and at most `MOST_WEIGHT`.
    """
    name, equals, weight = text.rpartition("=")
    if not equals or Path(text).expanduser().exists():
        return Source(Path(text).expanduser())
    try:
        value = float(weight)
    except ValueError:
        value = 0.0
    if not 0 < value <= MOST_WEIGHT:
        raise InvalidSettings(
            f"{text}: the weight {weight!r} is not a number above 0 and at most {MOST_WEIGHT:g}; "
            "write FILE=0.5, for one"
        )
    return Source(Path(name).expanduser(), value)


def load_set(source: Source) -> TrainingSet:
    """Read a file and keep one article in forty apart.

    Raises:
        InvalidLabels: it cannot be read, or nothing of it can be used.
    """
    labelled = load_labelled(source.path)
    return parted(source, labelled.questions, labelled.faults)


def parted(
    source: Source, found: Sequence[LabelledQuestion], faults: Sequence[Fault]
) -> TrainingSet:
    """What was found in a file, with one article in forty kept apart.

    Of questions about documents of an index none is, where all would be.

    Raises:
        InvalidLabels: nothing of it can be used.
    """
    if not found:
        first = f"; the first fault: {faults[0]}" if faults else ""
        raise InvalidLabels(f"{source.path}: holds no question that can be used{first}")
    located = any(one.article for one in found)
    kept = [held_out(article) for article in articles(found)]
    if located and all(kept):
        kept = [False] * len(kept)
    pairs = list(zip(found, kept, strict=True))
    questions = tuple(question for question, apart in pairs if not apart)
    if not questions:
        raise InvalidLabels(
            f"{source.path}: all of its questions are about articles that are kept for measuring; "
            "give more of them"
        )
    return TrainingSet(
        source,
        digest(source.path),
        questions,
        tuple(question for question, apart in pairs if apart),
        len({question.title for question in found}) > 1,
        tuple(faults),
        _texts(questions) if located else "",
    )


def _texts(questions: Sequence[LabelledQuestion]) -> str:
    """A SHA-256 over questions, their texts and their answers, in hexadecimal."""
    found = sha256()
    for one in questions:
        parts = [one.question, one.context, one.answers, one.starts, one.title]
        found.update(json.dumps(parts).encode())
    return found.hexdigest()


class Order:
    """The order in which questions are drawn: pass after pass, each shuffled on its own.

    It depends on the sets and the seed only, so that training goes on where it was left.
    """

    def __init__(self, sets: Sequence[TrainingSet], seed: int) -> None:
        self._sets = sets
        self._seed = seed
        self._pass: tuple[int, list[tuple[int, int]]] | None = None
        self.length = sum(_share(one) for one in sets)

    def draws(self, first: int, count: int) -> list[Draw]:
        """The draws with the numbers from `first` on, so many."""
        found = []
        for number in range(first, first + count):
            turn, place = divmod(number, self.length)
            if self._pass is None or self._pass[0] != turn:
                self._pass = (turn, self._shuffled(turn))
            found.append(Draw(number, *self._pass[1][place]))
        return found

    def _shuffled(self, turn: int) -> list[tuple[int, int]]:
        chance = random.Random(f"{self._seed}/{turn}")
        found: list[tuple[int, int]] = []
        for place, one in enumerate(self._sets):
            whole, rest = divmod(_share(one), len(one.questions))
            every = range(len(one.questions))
            found += [(place, question) for _ in range(whole) for question in every]
            found += [(place, question) for question in chance.sample(every, rest)]
        chance.shuffle(found)
        return found


def _share(one: TrainingSet) -> int:
    """How many questions of a set a pass has; at least one."""
    return max(1, round(one.source.weight * len(one.questions)))
