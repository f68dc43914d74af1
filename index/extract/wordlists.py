"""The numbers and styles of Word: what stands before a list's item, and what is a heading."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from index.extract.blocks import BULLET, numeral

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
LEVELS = 9
_LONGEST_MARKER = 40


@dataclass(frozen=True, slots=True)
class Style:
    """A paragraph style with what it has from those it is based on.

    `level` is that of a heading, from 1, or None; `list` is the list's number and level in it.
    """

    name: str = ""
    level: int | None = None
    list: tuple[str, int] | None = None


class Styles:
    """The paragraph styles of a document by their ids."""

    def __init__(self, root: Any) -> None:
        self._elements: dict[str, Any] = {}
        self._known: dict[str, Style] = {}
        for element in () if root is None else root.iterchildren(W + "style"):
            self._elements.setdefault(element.get(W + "styleId") or "", element)

    def style(self, name: str) -> Style:
        """The style with this id; an empty one if there is none."""
        # From the style up to the first that is known; a loop ends where it meets itself.
        chain: list[str] = []
        found = Style()
        while name in self._elements and name not in chain:
            if name in self._known:
                found = self._known[name]
                break
            chain.append(name)
            name = value(self._elements[name], "basedOn")
        for below in reversed(chain):
            element = self._elements[below]
            properties = element.find(W + "pPr")
            title = value(element, "name").lower()
            level = outline_level(properties)
            if level is None and title.startswith("heading ") and title[8:].isdecimal():
                level = min(int(title[8:10]), LEVELS)
            listed = list_of(properties, found.list)
            found = Style(title, found.level if level is None else level, listed)
            self._known[below] = found
        return found


def value(element: Any, name: str) -> str:
    """The `w:val` of the child with this name; empty if there is none."""
    child = None if element is None else element.find(W + name)
    return "" if child is None else child.get(W + "val") or ""


def outline_level(properties: Any) -> int | None:
    """A heading's level from 1; 0 for what is said to be body text, None if nothing is said."""
    said = value(properties, "outlineLvl")
    if not said.isdecimal():
        return None
    return int(said) + 1 if int(said) < LEVELS else 0


def list_of(properties: Any, inherited: tuple[str, int] | None) -> tuple[str, int] | None:
    """The list a paragraph is in, and its level from 0; number "0" takes it out of any list."""
    said = None if properties is None else properties.find(W + "numPr")
    if said is None:
        return inherited
    number = value(said, "numId") or ("" if inherited is None else inherited[0])
    level = value(said, "ilvl")
    if not number or number == "0":
        return None
    depth = int(level) if level.isdecimal() else 0 if inherited is None else inherited[1]
    return number, min(depth, LEVELS - 1)


@dataclass(frozen=True, slots=True)
class _Level:
    style: str = "decimal"
    text: str = ""
    start: int = 1


class Numbering:
    """Counts the items of a document's lists."""

    def __init__(self, root: Any) -> None:
        self._levels: dict[str, Mapping[int, _Level]] = {}
        self._abstract: dict[str, str] = {}
        self._restarts: dict[str, Mapping[int, int]] = {}
        self._counts: dict[str, list[int | None]] = {}
        self._begun: set[str] = set()
        for element in () if root is None else root.iterchildren(W + "abstractNum"):
            self._levels[element.get(W + "abstractNumId") or ""] = {
                _number(level.get(W + "ilvl"), 0): _Level(
                    value(level, "numFmt") or "decimal",
                    value(level, "lvlText"),
                    _number(value(level, "start"), 1),
                )
                for level in element.iterchildren(W + "lvl")
            }
        for element in () if root is None else root.iterchildren(W + "num"):
            number = element.get(W + "numId") or ""
            self._abstract[number] = value(element, "abstractNumId")
            self._restarts[number] = {
                _number(override.get(W + "ilvl"), 0): _number(value(override, "startOverride"), 1)
                for override in element.iterchildren(W + "lvlOverride")
                if override.find(W + "startOverride") is not None
            }

    def marker(self, number: str, depth: int) -> str:
        """Count an item of this list and return what stands before it, "4.2" or "-"."""
        abstract = self._abstract.get(number)
        levels = self._levels.get(abstract or "", {})
        level = levels.get(depth)
        if abstract is None or level is None or level.style == "bullet":
            return BULLET
        counts = self._counts.setdefault(abstract, [None] * LEVELS)
        if number not in self._begun:
            self._begun.add(number)
            for restarted, start in self._restarts[number].items():
                if restarted < LEVELS:
                    counts[restarted] = start - 1
        before = counts[depth]
        counts[depth] = level.start if before is None else before + 1
        counts[depth + 1 :] = [None] * (LEVELS - depth - 1)
        text = level.text
        for above in range(depth + 1):
            if f"%{above + 1}" in text:
                form = levels.get(above, _Level())
                count = counts[above]
                count = form.start if count is None else count
                text = text.replace(f"%{above + 1}", numeral(count, form.style))
        return text.strip() if 0 < len(text.strip()) <= _LONGEST_MARKER else BULLET


def _number(text: str | None, default: int) -> int:
    text = text or ""
    return int(text) if text.isdecimal() and len(text) < 7 else default
