"""How a reader is trained: the numbers that decide it."""

from dataclasses import asdict, dataclass
from typing import Literal

from index.errors import InvalidSettings

Precision = Literal["auto", "fp32", "bf16"]

# What may differ when training goes on: it does not change what has been done so far.
_LATER = frozenset({"steps", "cooldown"})


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides, with the data and the base, which weights come out.

    `steps` batches of `batch` questions are learned from. The learning rate rises to `rate` over
    `warmup` steps, stays, and falls to nothing in a straight line over the last `cooldown` share
    of the steps, so that training can be made longer until then, and ended at any time (Hägele et
    al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations", 2024).
    `mined_share` of the questions come with a misleading passage; telling the right passage among
    those of a question counts `relevance` times as much as the span. `window` is in tokens, `clip`
    the greatest norm of a gradient.
    """

    steps: int
    batch: int = 32
    rate: float = 1.5e-4
    warmup: int = 100
    cooldown: float = 0.2
    weight_decay: float = 0.01
    dropout: float = 0.0
    clip: float = 1.0
    relevance: float = 0.3
    mined_share: float = 0.35
    window: int = 256
    seed: int = 0
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        """Hold the numbers against what can work.

        Raises:
            InvalidSettings: one cannot.
        """
        for name, fits in (
            ("steps", self.steps >= 1),
            ("batch", self.batch >= 1),
            ("rate", 0 < self.rate < 1),
            ("warmup", self.warmup >= 0),
            ("cooldown", 0 <= self.cooldown <= 1),
            ("weight_decay", 0 <= self.weight_decay < 1),
            ("dropout", 0 <= self.dropout < 1),
            ("clip", self.clip > 0),
            ("relevance", self.relevance >= 0),
            ("mined_share", 0 <= self.mined_share <= 1),
            ("window", self.window >= 32),
        ):
            if not fits:
                raise InvalidSettings(f"{name} of {getattr(self, name)} cannot work for training")

    @property
    def falling(self) -> int:
        """How many steps are taken before the learning rate begins to fall."""
        return self.steps - round(self.cooldown * self.steps)

    def ends(self, step: int) -> tuple[int, int] | None:
        """How training ends, as far as that is settled after so many steps; see `Progressed`."""
        return None if step <= self.falling else (self.steps, self.steps - self.falling)

    def rate_at(self, step: int) -> float:
        """The learning rate of a step; steps are counted from 0."""
        risen = min(1.0, (step + 1) / (self.warmup + 1))
        if step < self.falling:
            return self.rate * risen
        return self.rate * risen * (self.steps - step) / (self.steps - self.falling + 1)

    def lasting(self) -> dict[str, object]:
        """The numbers that must stay when training goes on."""
        return {name: value for name, value in asdict(self).items() if name not in _LATER}
