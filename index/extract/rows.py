"""Lines of print whose stretches stand in columns -> tables, or columns of prose one by one.

Prose is never to be taken for a table, so what is in doubt stays as it is.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from index.boxes import unplaced
from index.extract import tables
from index.extract.cleaning import has_words
from index.extract.lines import COLUMN_GAP, Line, Stretch, are_beside, side_by_side
from index.extract.printed import Printed
from index.extract.tables import TableCell

# Rows stand no further apart than this many times the size of type.
ROW_GAP = 3.0
# Lines of one paragraph stand no further apart than this many times the size.
LEADING = 1.6
# So many lines without a gap may stand between two with one: the rest of a cell of several lines.
MOST_BETWEEN = 4
# One line in so many may have print where two columns are parted; it is no row of the table.
TOLERATED = 5
MOST_CUTS = 4
# Longer runs are looked at in parts, wider ones not at all.
MOST_LINES = 300
MOST_COLUMNS = 50
# A line is looked at so many times on average.
MOST_LOOKS = 5
LEAST_ROWS = 3
LEAST_PAIRS = 4
# So many lines of one cell may come before the next cell of its row.
CELL_LINES = 4
# This share of a table's lines have cells in two columns at least.
SHARE_OF_ROWS = 0.75
# Cells of prose are longer than this, in characters, there are so many lines of it, and this share
# of them goes on, in a small letter, with what the line above began.
PROSE = 24
PROSE_LINES = 4
SHARE_GOING_ON = 0.4

_LABEL = re.compile(
    r"(?:[•‣◦▪▫■□●○◆◇►▶➢➤✓✔*·∙–—-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.):]?|\d{1,3}(?:\.\d{1,3})+[.:]?)"
)
_LETTER = re.compile(r"[^\W\d_]")
_CUT_WORD = re.compile(r"[^\W\d_]-$")


@dataclass(frozen=True, slots=True)
class Run:
    """Some lines, from `start` to `end`, and the columns in which their stretches stand.

    `columns` are the left and right ends of each, from left to right.
    """

    start: int
    end: int
    columns: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a page's lines from `start` to `end` make up."""

    start: int
    end: int
    printed: Printed


def find_tables(lines: Sequence[Line]) -> list[Table]:
    """Return the tables beyond doubt among a page's lines, in order.

    A row of a table is a line, in which each cell stands after its column's header if there is one.
    """
    found: list[Table] = []
    groups = _levelled(lines)
    levels = [level for level, _ in groups]
    done = 0
    for run in _runs(levels):
        if run.start < done:  # its first lines go on in cells of the table above
            run = replace(run, start=min(done, run.end))
        if not _is_table(levels[run.start : run.end], run):
            continue
        start, end = _first_row(levels, run, done), _last_row(levels, run)
        members = [group for _, group in groups[start:end]]
        all_members = sorted(at for group in members for at in group)
        rows = _rows(levels[start:end], members, run)
        if all_members[-1] - all_members[0] == len(all_members) - 1 and len(rows) >= LEAST_ROWS:
            found.append(Table(all_members[0], all_members[-1] + 1, _printed(rows)))
            done = end
    return found


def _levelled(lines: Sequence[Line]) -> list[tuple[Line, list[int]]]:
    """Put together what stands on one level, and note of which lines each is made.

    The cells of a row may be given one after the other, so that the lines of a cell come between
    the first line of it and that of the next.
    """
    found: list[tuple[Line, list[int]]] = []
    last = 0
    for index, line in enumerate(lines):
        at = _level_of(found, line, last)
        if at is None:
            found.append((line, [index]))
            last = len(found) - 1
        else:
            level, members = found[at]
            found[at] = side_by_side(level, line), [*members, index]
            last = at
    return found


def _level_of(levels: Sequence[tuple[Line, list[int]]], line: Line, last: int) -> int | None:
    """The index of the one among the last levels on which a line goes on."""
    if levels and are_beside(levels[last][0], line):
        return last
    for at in range(len(levels) - 1, max(-1, len(levels) - 2 - CELL_LINES), -1):
        level, _ = levels[at]
        if level.turn != line.turn or level.right > line.left:
            return None
        in_row = level.spaced or line.spaced or (at > 0 and levels[at - 1][0].spaced)
        if in_row and are_beside(level, line):
            return at
    return None


def _printed(rows: Sequence[Sequence[Printed]]) -> Printed:
    """A table's text, its cells with the places they had."""
    grid = [
        [
            TableCell(cell.text, row=row, column=column) if cell.text else None
            for column, cell in enumerate(cells, 1)
        ]
        for row, cells in enumerate(rows, 1)
    ]
    parts: list[Printed | str] = []
    for line in tables.lines(grid):
        places = unplaced(len(line.text))
        for cell in line.cells:
            places[cell.start : cell.end] = rows[cell.row - 1][cell.column - 1].places
        parts += ["\n", Printed(line.text, places)]
    return Printed.join(parts[1:])


def columns_apart(lines: Sequence[Line]) -> list[Line]:
    """Return a page's lines with columns of prose, whose lines came side by side, one by one."""
    found: list[Line] = []
    done = 0
    for run in _runs(lines):
        within = lines[run.start : run.end]
        if _is_prose(within, run):
            found += lines[done : run.start]
            for column in zip(*(_cells(line, run) for line in within), strict=True):
                found += [line for line in column if line is not None]
            done = run.end
    return [*found, *lines[done:]]


def _runs(lines: Sequence[Line]) -> Iterator[Run]:
    """Yield the stretches of lines in which two columns at least can be told apart."""
    start = looked_at = 0
    # Lines after a cut are looked at again, which on a page of nothing else would take for ever.
    while start < len(lines) and looked_at < MOST_LOOKS * (len(lines) + MOST_LINES):
        end = _run_end(lines, start)
        looked_at += end - start
        columns = _columns(lines[start:end])
        for _ in range(MOST_CUTS):
            misfit = next((at for at in range(start, end) if _crosses(lines[at], columns)), end)
            if misfit == end:
                break
            # What comes before it may be a table of its own.
            end = max((at + 1 for at in range(start, misfit) if lines[at].spaced), default=start)
            columns = _columns(lines[start:end])
        else:
            columns = ()
        if len(columns) > 1:
            yield Run(start, end, columns)
        start = max(end, start + 1)


def _run_end(lines: Sequence[Line], start: int) -> int:
    """Where the lines end, at least one, that may be rows of one table, from `start` on."""
    end = start + 1
    if not lines[start].spaced:
        return end
    for at in range(start + 1, min(len(lines), start + MOST_LINES)):
        if not _may_follow(lines[at - 1], lines[at]) or at - end > MOST_BETWEEN:
            break
        if lines[at].spaced:
            end = at + 1
    return end


def _may_follow(upper: Line, line: Line) -> bool:
    size = max(upper.size, line.size)
    return (
        bool(upper.stretches and line.stretches)
        and upper.turn == line.turn
        and upper.level == line.level == 0
        and min(upper.size, line.size) > 0.75 * size
        and 0.5 * size < upper.base - line.base < ROW_GAP * size
    )


def _columns(lines: Sequence[Line]) -> tuple[tuple[float, float], ...]:
    """Where hardly any line has print, columns are parted."""
    if not lines:
        return ()
    gap = COLUMN_GAP * median([line.size for line in lines])
    parted = [line for line in lines if _parted(line)]
    tolerated = len(parted) // TOLERATED
    edges = sorted(
        edge
        for line in parted
        for stretch in line.stretches
        for edge in ((stretch.left, 1), (stretch.right, -1))
    )
    found: list[tuple[float, float]] = []
    depth = 0
    for at, step in edges:
        before, depth = depth, depth + step
        if before <= tolerated < depth:
            if found and at - found[-1][1] < gap:
                found[-1] = (found[-1][0], math.inf)
            else:
                found.append((at, math.inf))
        elif depth <= tolerated < before:
            found[-1] = (found[-1][0], at)
    return tuple(found) if len(found) <= MOST_COLUMNS else ()


def _crosses(line: Line, columns: Sequence[tuple[float, float]]) -> bool:
    """Whether something of a line reaches over more than one column."""
    margin = 0.1 * line.size
    return any(
        sum(
            stretch.left < right - margin and left + margin < stretch.right
            for left, right in columns
        )
        > 1
        for stretch in line.stretches
    )


def _parted(line: Line) -> bool:
    return len(line.stretches) > 1


def _cells(line: Line, run: Run) -> list[Line | None]:
    """What of a line stands in each column, as lines of their own."""
    within: list[list[Stretch]] = [[] for _ in run.columns]
    for stretch in line.stretches:
        within[_column_of(stretch, run.columns)].append(stretch)
    return [_part(line, stretches) if stretches else None for stretches in within]


def _part(line: Line, stretches: Sequence[Stretch]) -> Line:
    start, end = stretches[0].start, stretches[-1].end
    printed = line.printed.cut(start, end)
    hyphen = line.hyphen if end == len(line.text) else None
    if hyphen is None and _CUT_WORD.search(printed.text):
        printed, hyphen = line.printed.cut(start, end - 1), line.printed.cut(end - 1, end)
    return replace(
        line,
        printed=printed,
        left=stretches[0].left,
        right=stretches[-1].right,
        hyphen=hyphen,
        spaced=False,
        stretches=tuple(
            replace(stretch, start=stretch.start - start, end=stretch.end - start)
            for stretch in stretches
        ),
    )


def _column_of(stretch: Stretch, columns: Sequence[tuple[float, float]]) -> int:
    """The column that a stretch shares most with, or stands nearest to."""
    shared = [min(stretch.right, right) - max(stretch.left, left) for left, right in columns]
    return shared.index(max(shared))


def _is_prose(lines: Sequence[Line], run: Run) -> bool:
    """Whether every column holds running text."""
    if len(lines) < PROSE_LINES or len(run.columns) > 3:
        return False
    for column in zip(*(_cells(line, run) for line in lines), strict=True):
        texts = [cell.text for cell in column if cell is not None]
        if len(texts) < SHARE_OF_ROWS * len(lines) or median(map(len, texts)) < PROSE:
            return False
        if sum(text[:1].islower() for text in texts) < SHARE_GOING_ON * len(texts):
            return False
    return True


def _is_table(lines: Sequence[Line], run: Run) -> bool:
    """Whether lines are rows of cells; not so where the first column but marks items."""
    if not any(line.spaced for line in lines) or _is_prose(lines, run):
        return False
    rows = [_cells(line, run) for line in lines if _parted(line)]
    full = [row for row in rows if sum(cell is not None for cell in row) > 1]
    least = LEAST_PAIRS if len(run.columns) == 2 else LEAST_ROWS
    if len(full) < least or len(full) < SHARE_OF_ROWS * len(rows):
        return False
    columns = [
        [cell.text for cell in column if cell is not None] for column in zip(*full, strict=True)
    ]
    marks = sum(bool(_LABEL.fullmatch(text)) for text in columns[0])
    if len(columns) == 2 and marks * 2 > len(columns[0]):
        return False
    # In a formula, signs stand in columns too.
    return all(any(has_words(text) for text in column) for column in columns)


def _first_row(lines: Sequence[Line], run: Run, least: int) -> int:
    """Where a table begins, with a line of headers above it whose gaps are narrow."""
    at = run.start - 1
    if at < least or not _parted(lines[at]) or not _may_follow(lines[at], lines[run.start]):
        return run.start
    cells = _cells(lines[at], run)
    heads = all(cell is not None for cell in cells) and not _crosses(lines[at], run.columns)
    return at if heads else run.start


def _last_row(lines: Sequence[Line], run: Run) -> int:
    """Where a table ends, with the lines below its last row that go on in some of its cells."""
    pitch = _pitch(lines[run.start : run.end])
    end = run.end
    while (
        end < len(lines)
        and end - run.end < MOST_BETWEEN
        and _may_follow(lines[end - 1], lines[end])
        and lines[end - 1].base - lines[end].base < pitch
        and not _crosses(lines[end], run.columns)
        and _cells(lines[end], run)[0] is None
    ):
        end += 1
    return end


def _pitch(lines: Sequence[Line]) -> float:
    """Two lines closer than this are lines of one row: closer than most rows, and as in prose."""
    rows = [line.base for line in lines if _parted(line)]
    if len(rows) < 2:
        return 0.0
    usual = median([upper - lower for upper, lower in pairwise(rows)])
    return min(0.85 * usual, LEADING * median([line.size for line in lines]))


def _rows(lines: Sequence[Line], members: Sequence[Sequence[int]], run: Run) -> list[list[Printed]]:
    """The cells of each row, empty ones without text; lines of one row are put together.

    `members` are the places in the page's order of what stands on each line.
    """
    pitch = _pitch(lines)
    gaps = [upper.base - lower.base for upper, lower in pairwise(lines)] + [math.inf]
    rows: list[list[list[Line]]] = []
    for at, line in enumerate(lines):
        cells = _cells(line, run)
        # What comes before the line above has come to its end goes on with one of its cells.
        goes_on = at > 0 and (
            members[at][0] < members[at - 1][-1]
            or (
                _may_go_on(rows[-1], cells)
                and (
                    gaps[at - 1] < pitch
                    or 1.3 * gaps[at - 1] < gaps[at] < math.inf
                    or (not _parted(line) and cells[0] is None)
                )
            )
        )
        if not goes_on:
            rows.append([[] for _ in cells])
        for column, cell in enumerate(cells):
            if cell is not None:
                rows[-1][column].append(cell)
    return [[_joined(cell) for cell in row] for row in rows]


def _may_go_on(row: Sequence[Sequence[Line]], cells: Sequence[Line | None]) -> bool:
    """Whether cells may go on those of the row above: words, under words, not in every column."""
    return not all(cells) and all(
        cell is None or (above and _LETTER.search(cell.text))
        for above, cell in zip(row, cells, strict=True)
    )


def _joined(lines: Sequence[Line]) -> Printed:
    """The lines of a cell as one; a word that goes on is made whole."""
    parts: list[Printed | str] = []
    for line in lines:
        parts += [line.printed, "" if line.hyphenated else " "]
    return Printed.join([*parts[:-1], lines[-1].hyphen or ""]) if lines else Printed.put_in("")
