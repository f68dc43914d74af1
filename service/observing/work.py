"""A piece of work that is watched: a request or a job, with the stages it went through."""

from collections import defaultdict
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import time_ns

# So many stages of one piece of work are told apart; a batch of questions has a few for each.
_MOST_STAGES = 4096


@dataclass(frozen=True, slots=True)
class Spent:
    """A stage that has ended: when, in nanoseconds since the epoch, and how many seconds it took.

    Both are as the clock of the wall was when it ended.
    """

    stage: str
    ended: int
    seconds: float

    @property
    def began(self) -> int:
        """When it began, in nanoseconds since the epoch."""
        return self.ended - int(self.seconds * 1e9)


@dataclass(slots=True)
class Work:
    """One request or job while it is worked on; its stages may end in several threads.

    `request_id` is the name of the request that it is, or that it came by.
    """

    name: str
    request_id: str
    stages: list[Spent] = field(default_factory=list)

    def add(self, stage: str, seconds: float) -> None:
        """Take note of a stage that has just ended."""
        if len(self.stages) < _MOST_STAGES:
            self.stages.append(Spent(stage, time_ns(), seconds))

    def milliseconds(self) -> dict[str, float]:
        """How long each stage took in all, in the order in which they first ended."""
        sums: dict[str, float] = defaultdict(float)
        for spent in list(self.stages):
            sums[spent.stage] += 1000 * spent.seconds
        return {f"{stage}_ms": round(spent, 1) for stage, spent in sums.items()}


current: ContextVar[Work | None] = ContextVar("work", default=None)


def request_id() -> str | None:
    """The name of the request that is worked on in this context, if one is."""
    work = current.get()
    return None if work is None else work.request_id
