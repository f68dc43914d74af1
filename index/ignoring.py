"""`.pinciteignore`: which files a folder's owner does not want read, in gitignore's language.

See gitignore(5). A file holds for its folder and all below it; the deepest one that says anything
of a path decides, and in it the last line that does. What is in an ignored folder stays ignored.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

IGNORE_FILE = ".pinciteignore"

_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    "space": r" \t\n\r\f\v",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}

# One part of a pattern between slashes; None is `**`, any number of folders.
_Part = re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class _Rule:
    """A line: what it names is ignored, or with `wanted` is not after all."""

    parts: tuple[_Part, ...]
    wanted: bool
    folders_only: bool

    def fits(self, names: Sequence[str], is_folder: bool) -> bool:
        """Whether the line is about the path with these names, from the ignore file's folder on."""
        return (is_folder or not self.folders_only) and _fits(self.parts, names)


@dataclass(frozen=True, slots=True)
class Ignore:
    """What one ignore file says."""

    rules: tuple[_Rule, ...]

    def says(self, names: Sequence[str], *, is_folder: bool) -> bool | None:
        """Whether the path with these names is ignored; None where no line is about it.

        `names` lead from the ignore file's folder to the path.
        """
        for rule in reversed(self.rules):
            if rule.fits(names, is_folder):
                return not rule.wanted
        return None


def parse(content: str) -> Ignore:
    """Read the content of an ignore file; lines that can fit nothing are passed over."""
    lines = content.removeprefix("\ufeff").split("\n")
    return Ignore(tuple(rule for line in lines if (rule := _rule(line)) is not None))


def _rule(line: str) -> _Rule | None:
    line = _without_blanks(line.removesuffix("\r"))
    if not line or line.startswith("#"):
        return None
    wanted = line.startswith("!")
    line = line[1:] if wanted else line
    folders_only = line.endswith("/")
    line = line[:-1] if folders_only else line
    anchored = "/" in line
    line = line.removeprefix("/")
    if not line:
        return None
    try:
        parts = [_part(part) for part in line.split("/")] if anchored else [None, _pattern(line)]
    except _Unfit:
        return None
    # Several `**` in a row are one.
    parts = [part for place, part in enumerate(parts) if place == 0 or part or parts[place - 1]]
    return _Rule(tuple(parts), wanted, folders_only)


def _without_blanks(line: str) -> str:
    """The line without the blanks at its end, unless a backslash keeps them."""
    body = line.rstrip(" ")
    escapes = len(body) - len(body.rstrip("\\"))
    return body + " " if escapes % 2 and len(body) < len(line) else body


class _Unfit(Exception):
    """The pattern can fit no name."""


def _part(part: str) -> _Part:
    return None if len(part) > 1 and not part.strip("*") else _pattern(part)


def _pattern(part: str) -> re.Pattern[str]:
    """A pattern without slashes as a regular expression that never goes back.

    What stands between two stars has a fixed length, so the first place where it fits is as good
    as any later one.

    Raises:
        _Unfit: the pattern can fit no name.
    """
    pieces = [""]
    for sign in _signs(part):
        if sign == "*":
            pieces.append("")
        else:
            pieces[-1] += sign
    first, *rest = pieces
    if not rest:
        return re.compile(first + r"\Z", re.DOTALL)
    *inner, last = rest
    middle = "".join(f"(?>.*?{piece})" for piece in inner if piece)
    return re.compile(f"{first}{middle}.*{last}\\Z", re.DOTALL)


def _signs(part: str) -> Iterator[str]:
    """A regular expression for each sign of a pattern; "*" for any number of stars."""
    position = 0
    while position < len(part):
        char = part[position]
        position += 1
        if char == "*":
            while part[position : position + 1] == "*":
                position += 1
            yield "*"
        elif char == "?":
            yield "."
        elif char == "\\":
            if position == len(part):
                raise _Unfit
            yield re.escape(part[position])
            position += 1
        elif char == "[":
            characters, position = _bracket(part, position)
            yield characters
        else:
            yield re.escape(char)


def _bracket(part: str, position: int) -> tuple[str, int]:
    """The set of characters whose opening bracket stands before `position`, and where it ends."""
    negated = part[position : position + 1] in ("!", "^")
    position += negated
    ranges: list[str] = []
    first = True
    while first or part[position : position + 1] != "]":
        first = False
        if part.startswith("[:", position) and (end := part.find(":]", position)) >= 0:
            name = part[position + 2 : end]
            if name not in _CLASSES:
                raise _Unfit
            ranges.append(_CLASSES[name])
            position = end + 2
            continue
        low, position = _literal(part, position)
        if part[position : position + 1] == "-" and part[position + 1 : position + 2] not in (
            "",
            "]",
        ):
            high, position = _literal(part, position + 1)
            if low <= high:
                ranges.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            ranges.append(re.escape(low))
    position += 1
    if not ranges:
        return ("." if negated else r"[^\x00-\U0010ffff]"), position
    return f"[{'^' if negated else ''}{''.join(ranges)}]", position


def _literal(part: str, position: int) -> tuple[str, int]:
    if part[position : position + 1] == "\\":
        position += 1
    if position >= len(part):
        raise _Unfit
    return part[position], position + 1


def _fits(parts: Sequence[_Part], names: Sequence[str]) -> bool:
    """Whether the parts fit all the names; takes time in the order of their product."""
    states = _skipping(parts, {0})
    for name in names:
        reached = set()
        for state in states:
            if state == len(parts):
                continue
            part = parts[state]
            if part is None:
                reached.add(state)
                if state == len(parts) - 1:
                    reached.add(len(parts))
            elif part.match(name):
                reached.add(state + 1)
        states = _skipping(parts, reached)
    return len(parts) in states


def _skipping(parts: Sequence[_Part], states: set[int]) -> set[int]:
    """The states with those that `**` standing for no folder leads to; at the end it needs one."""
    return states | {
        state + 1 for state in states if state < len(parts) - 1 and parts[state] is None
    }
