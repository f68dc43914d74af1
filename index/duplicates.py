"""Passages that say what passages of other documents say already; pure.

The same report as DOCX and as PDF gives the same words, cut into passages at other places. Reading
both takes twice as long, and brings nothing. A passage is left out only if nothing in it could be
missed: all its words stand in the same order in the passages kept of one other document, so that
another name, amount or date, or one "not", is never taken for the same; and the words of the
headings above it stand there too.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile

from index.documents import Hit, Passage
from index.passages import STEP

# Something stands before the mark just passed, on its line: so it is none of a list or a quotation.
_INSIDE = r"(?:(?<=[^\s>].)|(?<=[^\s>][^\S\n].)|(?<=[^\s>][^\S\n]{2}.))"

# Numbers are whole, with their sign and what parts their digits. Signs such as "€" and "%" are
# words; the marks of sentences and lists are not, but for those that may make a number another one:
# brackets around it, as bookkeepers write what is less than nothing, and a ">" or "- " before it.
_WORD = re.compile(
    r"(?:(?<!\w)[-−–+])?\d+(?:[^\w\s]\d+)*|[^\W\d]\w*"
    r"|[^\w\s.,;:!?…'‘’\"“”«»()\[\]{}|•·▪◦*_#>\\/–—-]"
    r"|\((?=[^\w\s()]?[^\S\n]?\d[\d.,'’ \u00a0\u202f]{0,40}[^\w\s()]?\))"
    rf"|>(?=[^\S\n]{{0,2}}\d){_INSIDE}"
    rf"|[-–](?=[^\S\n]{{1,2}}\d)(?<=[^\S\n].){_INSIDE}"
)

# A text of this many words is the same text, whatever the document is called.
_TELLING = 24

# So many words at the beginning tell nearly always that a passage is no duplicate.
_FIRST = 6

# The white space between two passages that follow one another is at most this long.
_GAP = 3

# How many words on each side of a quote are compared, and how many of them must be the same; in how
# many characters they are looked for.
_AROUND = 12
_LEAST_AROUND = 3
_WITHIN = 240


@dataclass(frozen=True, slots=True)
class _Kept:
    """A passage that is kept, at `place` among the hits kept, and the words of its headings."""

    place: int
    passage: Passage
    words: frozenset[str]
    headings: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What passages kept that follow one another say: `words` has a blank around each word."""

    start: int
    end: int
    text: str
    words: str

    def joined(self, other: "_Stretch") -> "_Stretch":
        """Both, which overlap or follow one another, as one."""
        first, last = sorted((self, other), key=lambda stretch: (stretch.start, -stretch.end))
        if last.end <= first.end:
            return first
        gap, shared = "\n" * (last.start > first.end), max(0, first.end - last.start)
        text = first.text + gap + last.text[shared:]
        # Of the two the shorter one is looked through again.
        if len(last.text) < len(first.text):
            words = first.words + _joined(_words(last.text[shared:])).lstrip()
        else:
            words = _joined(_words(first.text[: len(first.text) - shared])).rstrip() + last.words
        return _Stretch(first.start, last.end, text, words)


@dataclass(slots=True)
class _Said:
    """What the passages kept of one document say, also across the places where they were cut."""

    kept: list[_Kept] = field(default_factory=list)
    stretches: list[_Stretch] = field(default_factory=list)

    def add(self, place: int, passage: Passage) -> None:
        """Keep a passage."""
        words = _words(passage.text)
        headings = frozenset(_words(passage.context))
        self.kept.append(_Kept(place, passage, frozenset(words), headings))
        stretch = _Stretch(passage.start, passage.end, passage.text, _joined(words))
        apart = []
        for other in self.stretches:
            if other.start <= stretch.end + _GAP and stretch.start <= other.end + _GAP:
                stretch = stretch.joined(other)
            else:
                apart.append(other)
        self.stretches = [*apart, stretch]

    def says(self, joined: str) -> bool:
        """Whether words, with a blank around each, stand here in this order."""
        return any(joined in stretch.words for stretch in self.stretches)

    def place_of(self, passage: Passage) -> int | None:
        """The place of the passage kept that has most in common with this one.

        None if this one says anything that those kept do not.
        """
        words = _words(passage.text)
        if not self.says(_joined(words)):
            return None
        distinct_words = frozenset(words)
        nearest = max(self.kept, key=lambda one: len(one.words & distinct_words))
        headings = passage.context
        if len(words) >= _TELLING:
            headings = headings.partition(STEP)[2]
        unsaid = set(_words(headings)) - nearest.words - nearest.headings
        return None if unsaid else nearest.place


def distinct(hits: Sequence[Hit], k: int) -> list[Hit]:
    """The first `k` hits, in order, of which none says only what those before it say.

    Each comes with those that were left out for it: of all hits given, also of those behind the
    last one kept.
    """
    kept: list[Hit] = []
    left_out: list[list[Passage]] = []
    by_document: dict[str, _Said] = {}
    for hit in hits:
        passage = hit.passage
        place = _said_already(passage, by_document)
        if place is not None:
            left_out[place].append(passage)
        elif len(kept) < k:
            by_document.setdefault(passage.document_id, _Said()).add(len(kept), passage)
            kept.append(hit)
            left_out.append([])
    return [
        replace(hit, duplicates=tuple(passages)) if passages else hit
        for hit, passages in zip(kept, left_out, strict=True)
    ]


def _said_already(passage: Passage, by_document: Mapping[str, _Said]) -> int | None:
    first = [found[0].casefold() for found in islice(_WORD.finditer(passage.text), _FIRST)]
    if not first:
        return None
    joined = _joined(first)
    for document_id, said in by_document.items():
        if document_id != passage.document_id and said.says(joined):
            place = said.place_of(passage)
            if place is not None:
                return place
    return None


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _joined(words: Sequence[str]) -> str:
    return f" {' '.join(words)} "


def same_quote(
    text: str, start: int, end: int, other: str, least: int = 0
) -> tuple[int, int] | None:
    """Where `other` says `text[start:end]` up to white space, between the same words.

    Offsets are code points, half-open. Of several places the one around which most is the same is
    given; None if there is none with the same words on both sides, as far as the texts go, and at
    `least` so many in all.
    """
    words = text[start:end].split()
    if not words or words[0] not in other:
        return None
    pattern = re.compile(
        (r"(?<!\w)" if _is_word(words[0][0]) else "")
        + r"\s+".join(map(re.escape, words))
        + (r"(?!\w)" if _is_word(words[-1][-1]) else "")
    )
    around = _around(text, start, end)
    best, most = None, least - 1
    for found in pattern.finditer(other):
        shared = 0
        for one, another in zip(around, _around(other, *found.span()), strict=True):
            common = _common(one, another)
            if common < min(_LEAST_AROUND, len(one), len(another)):
                break
            shared += common
        else:
            if shared > most:
                best, most = found.span(), shared
    return best


def _is_word(character: str) -> bool:
    return re.match(r"\w", character) is not None


def _around(text: str, start: int, end: int) -> tuple[list[str], list[str]]:
    """The words before a quote, the nearest first, and those after it."""
    first = max(0, start - _WITHIN)
    before, after = [], []
    # The quote is among it, since what a mark before a number is, the number tells. What reaches
    # beyond the quote is around it: with 5 quoted, -5 and 5.2 are other words.
    for found in _WORD.finditer(text[first : end + _WITHIN]):
        if first + found.start() < start:
            before.append(found[0].casefold())
        if first + found.end() > end:
            after.append(found[0].casefold())
    return before[: -_AROUND - 1 : -1], after[:_AROUND]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words two lists begin with alike."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
