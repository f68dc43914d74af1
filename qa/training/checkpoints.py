"""What training has come to, kept on the disk, so that it can go on after any end."""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from index.durable import put_on_disk
from index.errors import ModelError

_STATE = "state.json"
_OPTIMIZER = "optimizer.pt"
_WEIGHTS = "weights.pt"
_PREFIX = "step-"


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far training is: `steps` are done, `lost` is the mean loss of each stretch of them.

    `made_from` names all that must be the same for training to go on; `seconds` it took so far.
    `ends` is None while the learning rate has not begun to fall; then it names how many steps there
    are, and over how many it falls, which must stay from then on.
    """

    steps: int
    seconds: float
    lost: tuple[float, ...]
    made_from: dict[str, Any]
    ends: tuple[int, int] | None = None


class Checkpoints:
    """The checkpoints of one training, in a folder.

    Kept are the newest two, and the newest of those from which training can be made longer.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, progressed: Progressed, model: Any, optimizer: Any) -> None:
        """Keep a checkpoint; it is there whole or not at all.

        Raises:
            ModelError: the disk is full, or the folder cannot be written.
        """
        # Those of programs that were killed; they are as large as checkpoints.
        for left in self._folder.glob(f".{_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)
        place = self._place(progressed)
        part = self._folder / f".{place.name}.{os.getpid()}"
        try:
            _write(part, progressed, model, optimizer)
            shutil.rmtree(place, ignore_errors=True)
            part.rename(place)
            put_on_disk(self._folder)
        # torch says with a RuntimeError that a file cannot be written.
        except (OSError, RuntimeError) as error:
            shutil.rmtree(part, ignore_errors=True)
            raise ModelError(
                f"{self._folder}: a checkpoint cannot be kept there ({error}); make room, and run "
                "the command again to go on from the one before"
            ) from error
        longer = [one for one in self._kept() if self._read(one).ends is None]
        for old in self._kept()[:-2]:
            if old not in longer[-1:]:
                shutil.rmtree(old)

    def _kept(self) -> list[Path]:
        return sorted(self._folder.glob(f"{_PREFIX}*"))

    def _read(self, place: Path) -> Progressed:
        try:
            content = json.loads((place / _STATE).read_bytes())
            ends = content["ends"]
            return Progressed(
                **content
                | {"lost": tuple(content["lost"]), "ends": None if ends is None else tuple(ends)}
            )
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise _unreadable(place, error) from error

    def all(self) -> list[Progressed]:
        """How far each checkpoint is, the newest first.

        Raises:
            ModelError: one cannot be understood.
        """
        return [self._read(place) for place in reversed(self._kept())]

    def load(self, progressed: Progressed, model: Any, optimizer: Any) -> None:
        """Take a checkpoint's weights up, and what the optimizer knew.

        Raises:
            ModelError: they cannot be read, or are another model's.
        """
        import torch

        place = self._place(progressed)
        try:
            for what, name in ((model, _WEIGHTS), (optimizer, _OPTIMIZER)):
                what.load_state_dict(torch.load(place / name, weights_only=True))
        except (OSError, RuntimeError, ValueError, KeyError, EOFError) as error:
            raise _unreadable(place, error) from error

    def _place(self, progressed: Progressed) -> Path:
        return self._folder / f"{_PREFIX}{progressed.steps:08d}"


def _write(part: Path, progressed: Progressed, model: Any, optimizer: Any) -> None:
    """Put all of a checkpoint on the disk, in a folder of its own."""
    import torch

    part.mkdir(parents=True)
    torch.save(model.state_dict(), part / _WEIGHTS)
    torch.save(optimizer.state_dict(), part / _OPTIMIZER)
    (part / _STATE).write_text(json.dumps(asdict(progressed)), encoding="utf-8")
    for file in part.iterdir():
        with file.open("rb+") as written:
            os.fsync(written.fileno())


def _unreadable(place: Path, error: Exception) -> ModelError:
    return ModelError(
        f"{place}: is not a checkpoint that can be read ({error}); remove it to go on from the one "
        "before"
    )
