"""Keep an index in step with folders while they change."""

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path

from index.errors import PinciteError
from index.files import at_home, scan
from index.outcomes import Outcome, Status
from index.sync import Digests
from index.watch import updates
from service.engine import Engine


def follow(
    engine: Engine,
    folders: Sequence[str],
    stop: threading.Event,
    tell: Callable[[list[Outcome]], None],
    complain: Callable[[PinciteError], None],
    *,
    index: Path,
    sweep: float,
) -> None:
    """Bring the index in step with folders, again and again, until `stop` is set.

    `sweep` is how many seconds at most lie between two looks at everything. `tell` is given the
    outcomes of the first time, and then of every time that there is something new in them. What
    goes wrong is complained of, and tried again the next time.
    """
    digests = Digests(remember=True)
    told: set[Outcome] | None = None
    for due in updates([at_home(name) for name in folders], stop, index=index, sweep=sweep):
        try:
            found = scan(folders, index).without(due.busy)
            outcomes = _until(stop, engine.sync(found, digests=digests))
        except PinciteError as error:
            complain(error)
            continue
        except OSError as error:
            complain(PinciteError(f"the folders cannot be looked at: {error}"))
            continue
        troubles = {outcome for outcome in outcomes if outcome.status is Status.FAILED}
        if told is None or troubles - told or any(outcome.changes for outcome in outcomes):
            tell(outcomes if told is None else [o for o in outcomes if _is_news(o, told)])
        told = troubles


def _until(stop: threading.Event, outcomes: Iterator[Outcome]) -> list[Outcome]:
    """The outcomes up to when `stop` is set; what they tell of is stored."""
    return list(takewhile(lambda _: not stop.is_set(), outcomes))


def _is_news(outcome: Outcome, told: set[Outcome]) -> bool:
    return outcome.changes or (outcome.status is Status.FAILED and outcome not in told)
