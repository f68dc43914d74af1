"""What is asked of a training, checked before long work."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict

from index.errors import InvalidSettings
from qa.training.recipe import Precision

# So often are the data gone through, unless told otherwise.
_PASSES = 2.0


class Numbers(TypedDict):
    """The numbers of a recipe but for how many steps there are; see `Recipe`."""

    batch: int
    rate: float
    warmup: int
    cooldown: float
    dropout: float
    window: int
    relevance: float
    mined_share: float
    precision: Precision
    seed: int


@dataclass(frozen=True, slots=True)
class Amount:
    """How much to train: so many batches, or passes over the data."""

    steps: int | None
    passes: float | None

    def steps_of(self, questions: int, batch: int) -> int:
        """How many batches that is, where a pass has so many questions.

        Raises:
            InvalidSettings: both are named, or it comes to nothing.
        """
        if self.steps is not None and self.passes is not None:
            raise InvalidSettings("--steps and --passes say the same; give one of them")
        if self.steps is not None:
            return self.steps
        passes = _PASSES if self.passes is None else self.passes
        if not 0 < passes < float("inf"):
            raise InvalidSettings(f"--passes: is {passes:g}, expected a number above 0")
        return max(1, round(passes * questions / max(1, batch)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which data and base, and what comes of it.

    `data` are files of questions with their texts, `questions` of such about the documents of an
    index, named as in the folder `documents`; each may have a weight (FILE=2). `measure` is how
    many questions of each set that were kept apart are read afterwards.
    """

    data: Sequence[str]
    questions: Sequence[str]
    documents: Path
    base: str
    out: Path
    name: str
    licence: str
    mining: Literal["fused", "lexical", "none"]
    measure: int
    dry_run: bool
    as_json: bool

    def check(self) -> None:
        """Hold it against what can be done.

        Raises:
            InvalidSettings: it cannot work.
        """
        if not self.data and not self.questions:
            raise InvalidSettings("there is nothing to train on; name files with --data")
        if self.out.exists() and not self.out.is_dir():
            raise InvalidSettings(f"{self.out}: is a file; name a folder with --out")
        if self.measure < 1:
            raise InvalidSettings(f"--measure: is {self.measure}, expected a number from 1 up")
