"""Lines of print with their places on the page; knows nothing of PDF files.

Lengths are in points. Each line is measured in its own direction of reading, so that a line of
text turned by ninety degrees is treated like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from index.extract.printed import Printed

# What is this many times the type's size apart stands in two words; where others stand apart in
# the same place, in two columns; and for certain in two cells.
WORD_GAP = 0.2
COLUMN_GAP = 0.5
CELL_GAP = 1.6
# No print has longer lines, in characters; what is as long is not put together any further.
LONGEST_LINE = 2000


@dataclass(frozen=True, slots=True)
class Stretch:
    """What stands between two gaps of a line that are wider than those between words.

    These are its characters from `start` to `end`;
    `left` and `right` are along the direction of reading.
    """

    start: int
    end: int
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line of print.

    `left` and `right` are along the direction of reading, `base` is the height of the base line;
    `turn` is the direction in degrees, against the clock. `hyphen` is the one at its end if its
    last word goes on in the next line. `spaced` says that it has gaps as wide as those between the
    cells of a table. Where they are known, `stretches` are what may stand in different columns.
    `level` is that of a heading, 0 for other lines.
    """

    printed: Printed
    left: float
    right: float
    base: float
    size: float
    turn: int = 0
    hyphen: Printed | None = None
    spaced: bool = False
    level: int = 0
    stretches: tuple[Stretch, ...] = ()

    @property
    def text(self) -> str:
        """What the line says, without the hyphen of a word that goes on."""
        return self.printed.text

    @property
    def hyphenated(self) -> bool:
        """Whether the last word goes on in the next line."""
        return self.hyphen is not None


def are_cells(stretches: Sequence[Stretch], size: float) -> bool:
    """Whether some of the stretches of a line stand so far apart that they are cells."""
    return any(after.left - before.right > CELL_GAP * size for before, after in pairwise(stretches))


def join_fragments(lines: Sequence[Line]) -> list[Line]:
    """Put together the lines that stand side by side, such as words around a raised number."""
    joined: list[Line] = []
    for line in lines:
        if joined and are_beside(joined[-1], line):
            joined[-1] = side_by_side(joined[-1], line)
        else:
            joined.append(line)
    return joined


def side_by_side(first: Line, second: Line) -> Line:
    """Return two lines that stand side by side as one."""
    gap = second.left - first.right
    longer = first if len(first.text) >= len(second.text) else second
    size = max(first.size, second.size)
    between = " " if gap > WORD_GAP * size else ""
    parted = gap > COLUMN_GAP * size
    return replace(
        longer,
        printed=Printed.join([first.printed, between, second.printed]),
        left=first.left,
        right=max(first.right, second.right),
        hyphen=second.hyphen,
        spaced=first.spaced or second.spaced or gap > CELL_GAP * size,
        stretches=_stretches(first, second, len(between), parted=parted),
    )


def _stretches(first: Line, second: Line, between: int, *, parted: bool) -> tuple[Stretch, ...]:
    """The stretches of two lines that become one."""
    shift = len(first.text) + between
    left = first.stretches or (Stretch(0, len(first.text), first.left, first.right),)
    right = [
        replace(stretch, start=stretch.start + shift, end=stretch.end + shift)
        for stretch in second.stretches
    ] or [Stretch(shift, shift + len(second.text), second.left, second.right)]
    if parted:
        return (*left, *right)
    middle = replace(left[-1], end=right[0].end, right=max(left[-1].right, right[0].right))
    return (*left[:-1], middle, *right[1:])


def are_beside(first: Line, second: Line) -> bool:
    """Whether the second line goes on to the right of the first."""
    if first.turn != second.turn or first.hyphenated or len(first.text) > LONGEST_LINE:
        return False
    size = max(first.size, second.size)
    raised = min(first.size, second.size) < 0.85 * size
    gap = second.left - first.right
    # What stands far off is of the same row only if it stands on the same line exactly.
    tolerance = 0.3 if gap > CELL_GAP * size else 0.7 if raised else 0.5
    offset = abs(first.base - second.base)
    # Marks above and below a letter stand one over the other.
    overlap = 1.5 if raised else 1.0 if offset < 0.05 * size else 0.5
    return offset < tolerance * size and gap > -overlap * size
