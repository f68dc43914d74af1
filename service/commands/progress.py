"""How far long work is: a line that renews itself on a terminal, or lines of JSON."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from index.outcomes import Progress, Report
from service.commands.output import print_json

# So often at most, in seconds, is anything told.
_EVERY = 0.5


class _Pace:
    """How fast the work has been since it began."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._read_before: int | None = None

    def of(self, progress: Progress) -> tuple[float, float | None]:
        """Passages a second so far, and the seconds left, None while that cannot be told."""
        if self._read_before is None and progress.to_read:
            # What an earlier run has done already, and the comparing, tell nothing of the pace.
            self._began, self._read_before = time.monotonic(), progress.read
        seconds = max(1e-3, time.monotonic() - self._began)
        done = progress.read - (self._read_before or 0)
        left = None if done < 1 else seconds / done * (progress.to_read - progress.read)
        return progress.passages / seconds, left


@contextmanager
def meter(*, as_json: bool) -> Iterator[Report]:
    """What is to be told of progress, for the block; it goes to standard error.

    With `as_json` a line of JSON at most twice a second; else a line for a person, if one looks on.
    """
    if as_json:
        yield _now_and_then(_tell_machine(_Pace()))
    elif sys.stderr.isatty():
        with _line() as tell:
            yield tell
    else:
        yield lambda _: None


def _now_and_then(tell: Report) -> Report:
    told = -math.inf

    def report(progress: Progress) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= _EVERY:
            told = now
            tell(progress)

    return report


def _tell_machine(pace: _Pace) -> Report:
    def tell(progress: Progress) -> None:
        from service.schemas import ProgressBody

        rate, left = pace.of(progress)
        body = ProgressBody(
            compared=progress.compared,
            to_read=progress.to_read,
            read=progress.read,
            passages=progress.passages,
            failed=progress.failed,
            passages_per_second=round(rate, 1),
            seconds_left=None if left is None else round(left, 1),
        )
        print_json(body, one_line=True, stream=sys.stderr)

    return tell


@contextmanager
def _line() -> Iterator[Report]:
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    from service.render import console

    # Columns of text take it as markup; what is in them here is ours.
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[detail]}"))
    pace = _Pace()
    with Bars(*columns, console=console(sys.stderr), transient=True) as bars:
        task = bars.add_task("Comparing", total=None, detail="")

        def tell(progress: Progress) -> None:
            if not progress.to_read:
                bars.update(task, detail=f"{progress.compared:,} files")
                return
            bars.update(
                task,
                description="Reading",
                total=progress.to_read,
                completed=progress.read,
                detail=in_words(progress, *pace.of(progress)),
            )

        yield _now_and_then(tell)


def in_words(progress: Progress, rate: float, left: float | None) -> str:
    """How far the work is, for a person."""
    parts = [
        f"{progress.read:,} of {progress.to_read:,}",
        f"{progress.passages:,} passages",
        f"{rate:.0f}/s",
    ]
    if left is not None:
        minutes, seconds = divmod(round(left), 60)
        parts.append(f"{minutes}:{seconds:02} left")
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    return ", ".join(parts)
