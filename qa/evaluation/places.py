"""How well ranges of characters meet; ranges are half-open, in code points; pure."""

from collections.abc import Iterable

Range = tuple[int, int]


def overlaps(one: Range, other: Range) -> bool:
    """Whether both share a character."""
    return max(one[0], other[0]) < min(one[1], other[1])


def intersection_over_union(one: Range, other: Range) -> float:
    """The share of characters in both among those in either, from 0 to 1."""
    shared = max(0, min(one[1], other[1]) - max(one[0], other[0]))
    either = (one[1] - one[0]) + (other[1] - other[0]) - shared
    return shared / either if either else 0.0


def covered(gold: Range, ranges: Iterable[Range]) -> float:
    """The share of the gold range's characters that lie in any of the ranges, from 0 to 1."""
    inside = sorted(
        (max(start, gold[0]), min(end, gold[1]))
        for start, end in ranges
        if overlaps((start, end), gold)
    )
    count, reached = 0, gold[0]
    for start, end in inside:
        count += max(0, end - max(start, reached))
        reached = max(reached, end)
    return count / (gold[1] - gold[0]) if gold[1] > gold[0] else 0.0
