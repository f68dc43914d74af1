"""Text with the place of each of its characters, kept together through all mending."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from index.boxes import Places, around, unplaced
from index.extract.cleaning import drop_invisible

_INSTEAD = {
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "st",
    "\ufb06": "st",
    # Bullets, as the fonts of symbols have them.
    "\uf0a7": "▪",
    "\uf0b7": "•",
}
# What one character or one pair of surrogates is mended by: all that is not clean is among it.
_SINGLE = re.compile(
    "[\ud800-\udbff][\udc00-\udfff]|[\x00-\x1f\x7f-\xa0\u00ad\u1680\u2000-\u200b\u2028\u2029\u202f"
    "\u205f\u2060\u3000\ud800-\udfff\uf0a7\uf0b7\ufb00-\ufb06\ufeff\ufffe\uffff]"
)
_BLANKS = re.compile("  +")
# The dots that lead from a heading to its page number in a table of contents.
_LEADER = re.compile(r"(?: ?[.·…_]){4,} ?")
LEADER = " ... "


@dataclass(frozen=True, slots=True, eq=False)
class Printed:
    """A stretch of print: `places` has a row for each code point of `text`.

    White space is never printed: its rows are NaN, as are those of characters that were put in.
    """

    text: str
    places: Places

    @classmethod
    def of(cls, text: str, places: Places) -> Self:
        """Return a stretch of these characters; a place that is not finite is none.

        Raises:
            ValueError: there is not one place for each character.
        """
        if len(text) != len(places):
            raise ValueError(f"not one place a character: {len(places)} for {text[:40]!r}")
        kept = np.where(np.isfinite(places).all(axis=1, keepdims=True), places, np.nan)
        kept[[character.isspace() for character in text]] = np.nan
        return cls(text, kept.astype(np.float32))

    @classmethod
    def put_in(cls, text: str) -> Self:
        """Return a stretch that is not printed."""
        return cls(text, unplaced(len(text)))

    @classmethod
    def join(cls, parts: Iterable["Printed | str"]) -> Self:
        """Put stretches together; strings are put in."""
        stretches = [cls.put_in(part) if isinstance(part, str) else part for part in parts]
        if not stretches:
            return cls.put_in("")
        return cls(
            "".join(stretch.text for stretch in stretches),
            np.concatenate([stretch.places for stretch in stretches]),
        )

    def cut(self, start: int, end: int) -> Self:
        """Return the stretch from character `start` to `end`."""
        return type(self)(self.text[start:end], self.places[start:end])

    def stripped(self) -> Self:
        """Return it without the white space at its ends."""
        if self.text.strip() == self.text:
            return self
        start = len(self.text) - len(self.text.lstrip())
        return self.cut(start, max(start, len(self.text.rstrip())))

    def replaced(self, pattern: re.Pattern[str], instead: Callable[[str], str]) -> Self:
        """Return it with something instead of each match.

        All of that stands where the characters of the match stood, save its white space.
        """
        parts: list[Printed | str] = []
        done = 0
        for match in pattern.finditer(self.text):
            start, end = match.span()
            text = instead(match[0])
            if text == match[0]:
                continue
            place = around(self.places[start:end])
            parts += [
                self.cut(done, start),
                Printed.of(text, np.repeat(place, len(text), axis=0)),
            ]
            done = end
        if not parts:
            return self
        return self.join([*parts, self.cut(done, len(self.text))])


def mended(printed: Printed) -> tuple[Printed, bool]:
    """Return a line of print as it reads, and whether it has leaders.

    Ligatures are resolved, characters that never show left out, runs of blanks and leaders made
    short. The text is clean and has no white space but single spaces inside.
    """
    tidy = printed.replaced(_SINGLE, _instead).replaced(_BLANKS, lambda _: " ")
    short = tidy.replaced(_LEADER, lambda _: LEADER)
    return short.stripped(), LEADER in short.text and short is not tidy


def _instead(found: str) -> str:
    if found in _INSTEAD:
        return _INSTEAD[found]
    if len(found) == 2:
        return found.encode("utf-16", "surrogatepass").decode("utf-16")
    if "\ud800" <= found <= "\udfff":
        return "\ufffd"
    shown = drop_invisible(found)
    return " " if shown.isspace() else shown
