"""Plots as inline SVG; pure. All axes run from 0 to 1 unless told otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 44
_TICKS = 5

# The share of a bin that its bars fill.
_FILLED = 0.9

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """Points joined by a line, or marked one by one, in the order they are given."""

    name: str
    points: Sequence[Point]
    marks: bool = False


@dataclass(frozen=True, slots=True)
class Axes:
    """What the axes are called, and how far the upright one goes."""

    across: str
    up: str
    top: float = 1.0


def lines(title: str, axes: Axes, series: Sequence[Series], *, diagonal: bool = False) -> str:
    """A plot of lines; with `diagonal`, one where both axes are equal is drawn too."""
    parts = []
    if diagonal:
        parts.append(f'<path class="diagonal" d="{_path([(0, 0), (1, 1)], axes)}"/>')
    for number, one in enumerate(series):
        kind = f"s{number % 4}"
        if one.points and not one.marks:
            parts.append(f'<path class="line {kind}" d="{_path(one.points, axes)}"/>')
        for point in one.points if one.marks else ():
            x, y = _place(point, axes)
            parts.append(f'<circle class="mark {kind}" cx="{x}" cy="{y}" r="4"/>')
    return _figure(title, axes, parts, [one.name for one in series])


def bars(title: str, axes: Axes, series: Sequence[tuple[str, Sequence[float]]]) -> str:
    """A plot of bars: each series has one height for each of the equal bins from 0 to 1."""
    parts = []
    for number, (_, heights) in enumerate(series):
        step = 1 / max(1, len(heights))
        width = _FILLED * step / len(series)
        for place, height in enumerate(heights):
            x, y = _place((place * step + number * width, height), axes)
            right, base = _place((place * step + (number + 1) * width, 0), axes)
            size = f'width="{_number(right - x)}" height="{_number(base - y)}"'
            parts.append(f'<rect class="bar s{number % 4}" x="{x}" y="{y}" {size}/>')
    return _figure(title, axes, parts, [name for name, _ in series])


def histogram(values: Sequence[float], count: int = 20) -> list[float]:
    """The share of the values in each of `count` equal bins over [0, 1]."""
    heights = [0] * count
    for value in values:
        heights[min(count - 1, max(0, int(value * count)))] += 1
    return [height / len(values) for height in heights] if values else [0.0] * count


def _figure(title: str, axes: Axes, parts: Sequence[str], names: Sequence[str]) -> str:
    legend = "".join(
        f'<span class="key s{number % 4}"></span>{escape(name)} '
        for number, name in enumerate(names)
    )
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'role="img" aria-label="{escape(title)}">{_frame(axes)}{"".join(parts)}</svg>'
        f"<p>{legend}</p></figure>"
    )


def _frame(axes: Axes) -> str:
    parts = []
    for tick in range(_TICKS + 1):
        share = tick / _TICKS
        x, _ = _place((share, 0), axes)
        _, y = _place((0, share * axes.top), axes)
        base, end = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
        parts.append(f'<path class="grid" d="M{_LEFT} {y}H{end}M{x} {_TOP}V{base}"/>')
        parts.append(f'<text x="{x}" y="{base + 16}" text-anchor="middle">{share:g}</text>')
        value = f"{share * axes.top:.3g}"
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{value}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    across = f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(axes.across)}'
    up = (
        f'<text transform="translate(12 {(_TOP + _HEIGHT - _BOTTOM) / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(axes.up)}'
    )
    return "".join([*parts, across, "</text>", up, "</text>"])


def _path(points: Sequence[Point], axes: Axes) -> str:
    places = [_place(point, axes) for point in points]
    return "M" + "L".join(f"{x} {y}" for x, y in places)


def _place(point: Point, axes: Axes) -> Point:
    """Where a point stands in the picture; what lies outside the axes is drawn at their edge."""
    across = min(1.0, max(0.0, point[0]))
    up = min(1.0, max(0.0, point[1] / axes.top))
    return (
        _number(_LEFT + across * (_WIDTH - _LEFT - _RIGHT)),
        _number(_HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)),
    )


def _number(value: float) -> float:
    return round(value, 2)
