"""How evaluations are shown: on the terminal, as JSON, as a page."""

import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel

from index.threads import available_cores
from qa.evaluation.faults import Fault
from qa.evaluation.page import Report, Table, html
from qa.evaluation.writing import digest, write_text
from service import __version__
from service.commands.output import print_json
from service.errors import INTERRUPTED
from service.evaluation.wanted import Wanted
from service.render import Page, console
from service.text import visible

_FAULTS_SHOWN = 20


class FaultBody(BaseModel):
    """An item of the data that cannot be used."""

    place: str
    what: str


class EvaluationBody(BaseModel):
    """All figures of an evaluation, and what produced them."""

    command: str
    settings: dict[str, str]
    figures: dict[str, Any]
    faults: list[FaultBody]


@dataclass(frozen=True, slots=True)
class Measured:
    """What an evaluation came to: `figures` is a dataclass, `report` tells it to people."""

    command: str
    figures: Any
    report: Report
    faults: Sequence[Fault]


def present(measured: Measured, wanted: Wanted) -> None:
    """Print the figures, and write the page if one is wanted."""
    if wanted.page is not None:
        write_text(wanted.page, html(measured.report))
    if wanted.as_json:
        print_json(
            EvaluationBody(
                command=measured.command,
                settings=dict(measured.report.settings),
                figures=asdict(measured.figures),
                faults=[FaultBody(place=one.place, what=one.what) for one in measured.faults],
            )
        )
        return
    out = Page()
    for number, table in enumerate(measured.report.tables):
        if number:
            out.line()
        out.line(table.title, style="bold")
        for row in aligned(table):
            out.line(row)


def aligned(table: Table) -> list[str]:
    """A table's lines: columns of one width each, a line of names first if there are any."""
    rows = [list(row) for row in table.rows]
    if any(table.columns[1:]):
        rows.insert(0, list(table.columns))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            visible(cell).ljust(width) if place == 0 else visible(cell).rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def complain(faults: Sequence[Fault]) -> None:
    """Say on standard error what of the data cannot be used."""
    for fault in faults[:_FAULTS_SHOWN]:
        typer.echo(f"pincite: {visible(str(fault))}", err=True)
    more = len(faults) - _FAULTS_SHOWN
    if more > 0:
        typer.echo(f"pincite: {more:,} more like these; see them all with --json", err=True)


@contextmanager
def progress(label: str, total: int, kept: str) -> Iterator[Callable[[int], None]]:
    """What is to be told how many of `total` are done, for the block; a bar if someone looks on.

    If the block is interrupted, that is said, with what was `kept`, and the command ends.
    """
    done = 0
    with _bar(label, total) as show:

        def tell(count: int) -> None:
            nonlocal done
            done = count
            show(count)

        try:
            yield tell
        except KeyboardInterrupt:
            raise stopped(f"{label}, after {done:,} of {total:,}", kept) from None


def stopped(doing: str, kept: str) -> typer.Exit:
    """Say that the command was interrupted, and what was `kept`; what ends it."""
    typer.echo(
        f"pincite: interrupted while {doing}; {visible(kept)}; run the command again", err=True
    )
    return typer.Exit(INTERRUPTED)


@contextmanager
def _bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Left())
    with Progress(*columns, console=console(sys.stderr), transient=True) as bars:
        task = bars.add_task(label.capitalize(), total=total)
        yield lambda count: bars.update(task, completed=count)


def sources(files: Sequence[Path]) -> dict[str, str]:
    """The files that were read with their digests, as circumstances."""
    found: dict[str, str] = {}
    for count, path in enumerate(files, 1):
        name = "data" if len(files) == 1 else f"data {count}"
        found |= {name: str(path), f"{name}, SHA-256": digest(path)}
    return found


def circumstances(given: Mapping[str, str | None]) -> list[tuple[str, str]]:
    """What produced the figures: what is given and not None, the program and the machine."""
    found = [(name, value) for name, value in given.items() if value is not None]
    return [
        *found,
        ("pincite", __version__),
        ("python", platform.python_version()),
        ("machine", f"{platform.system()} {platform.machine()}, {available_cores()} cores"),
        ("finished", datetime.now(UTC).isoformat(timespec="seconds")),
    ]
