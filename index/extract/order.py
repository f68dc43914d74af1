"""The order in which a page's lines are read, where that of the file is clearly another.

A file's own order is nearly always right, columns and boxes included, so it is kept. But what is
drawn late, such as a heading or a table on top of the text, stands over what came before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.extract.lines import Line

# Lines further apart than this many times their size are not of one group.
GROUP_GAP = 2.5
# A page of more groups is left as it is: its order is not clear, and each is compared with each.
MOST_GROUPS = 300
MOST_MOVES = 10


@dataclass(frozen=True, slots=True)
class _Group:
    """Lines that follow one another down the page; `left` to `low` are around all of them."""

    lines: Sequence[Line]
    left: float
    right: float
    high: float
    low: float

    @classmethod
    def of(cls, lines: Sequence[Line]) -> "_Group":
        return cls(
            lines,
            left=min(line.left for line in lines),
            right=max(line.right for line in lines),
            high=max(line.base for line in lines),
            low=min(line.base for line in lines),
        )

    def is_over(self, other: "_Group") -> bool:
        """Whether they stand one over the other, not side by side."""
        shared = min(self.right, other.right) - max(self.left, other.left)
        return shared > 0.5 * min(self.right - self.left, other.right - other.left)


def in_order(lines: Sequence[Line]) -> list[Line]:
    """Return the lines with those first that stand over all that came before them."""
    groups = _groups(lines)
    if len(groups) > MOST_GROUPS:
        return list(lines)
    found: list[_Group] = []
    above = groups
    for _ in range(MOST_MOVES):
        above, rest = _parted(above)
        found = rest + found
        if not above:
            break
    return [line for group in above + found for line in group.lines]


def _groups(lines: Sequence[Line]) -> list[_Group]:
    starts = [0] if lines else []
    for at, (upper, line) in enumerate(pairwise(lines), 1):
        size = max(upper.size, line.size)
        if (
            upper.turn != line.turn
            or not -0.5 < (upper.base - line.base) / max(size, 1) < GROUP_GAP
        ):
            starts.append(at)
    return [_Group.of(lines[start:end]) for start, end in pairwise([*starts, len(lines)])]


def _parted(groups: Sequence[_Group]) -> tuple[list[_Group], list[_Group]]:
    """The groups that stand over all before them, and the others, each in their order."""
    above: list[_Group] = []
    rest: list[_Group] = []
    for group in groups:
        turn, size = group.lines[0].turn, group.lines[0].size
        before = [other for other in rest if other.lines[0].turn == turn]
        if (
            before
            and group.low > max(other.high for other in before) + 0.8 * size
            and any(group.is_over(other) for other in before)
        ):
            above.append(group)
        else:
            rest.append(group)
    return above, rest
