"""What is asked of an evaluation, checked before long work."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import InvalidSettings
from qa.evaluation.writing import check_writable


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many questions to ask (None: all), drawn by `seed`, and where the results go."""

    limit: int | None
    seed: int
    predictions: Path | None
    page: Path | None
    as_json: bool

    def check(self, inputs: Sequence[Path], *more: Path | None) -> None:
        """Hold it, and `more` files to be written, against what can be done.

        Raises:
            InvalidSettings: it cannot work.
        """
        if self.limit is not None and self.limit < 1:
            raise InvalidSettings(f"--limit: is {self.limit}, expected a number from 1 up")
        for result in (self.predictions, self.page, *more):
            if result is not None:
                check_writable(result, inputs)

    def questions(self, taken: int, all_of: int) -> str:
        """Which part of the questions was asked, in words."""
        if taken == all_of:
            return f"all {all_of:,}"
        return f"{taken:,} of {all_of:,}, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class WantedIndex:
    """Where the index is to be kept (None: nowhere), and how many passages to read."""

    folder: Path | None
    passages: int

    def __post_init__(self) -> None:
        """Hold it against what can be done.

        Raises:
            InvalidSettings: it cannot work.
        """
        if not 1 <= self.passages <= 200:
            raise InvalidSettings(f"--passages: is {self.passages}, expected from 1 to 200")
