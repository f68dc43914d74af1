"""Lines with their places on the page -> paragraphs, headings and tables."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from index.extract.builder import BLANK_LINE
from index.extract.lines import Line
from index.extract.printed import Printed
from index.extract.rows import find_tables

# A gap of more than this many times the usual distance of two lines parts two paragraphs.
WIDE_GAP = 1.25
# Rows of a table may stand further apart.
ROW_GAP = 2.2
# A heading's type is at least this much larger than the body's.
LARGER = 1.08
HEADING_LENGTH = 160
PAGE_NUMBER_LENGTH = 80
RUNNING_PAGES = 3
RUNNING_SHARE = 0.6

_ITEM = re.compile(
    r"(?:[•‣◦▪▫■□●○◆◇►▶➢➤✓✔*·∙–—-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|\d{1,3}(?:\.\d{1,3})+[.:]?)\s+\S"
)
_SENTENCE_END = re.compile(r"[.!?:;。！？][\"'”’»)\]]*$")
_LETTERS = re.compile(r"[^\W\d_].*[^\W\d_]")
_NEWLINE = re.compile("\n")
_WORD = re.compile(r"\w+(?:-\w+)*")
_LAST_NUMBER = re.compile(r"(?<![\d.,])\d{1,4}$", re.ASCII)
_OUTER_NUMBER = re.compile(r"^\d{1,4}(?![\d.,])|(?<![\d.,])\d{1,4}$", re.ASCII)
# Scripts that are written without spaces between words.
_UNSPACED = re.compile("[\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uffee]")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list, table or heading; `level` is 0 unless it is a heading."""

    printed: Printed
    level: int = 0

    @property
    def text(self) -> str:
        """What the block says."""
        return self.printed.text


def without_running_lines(pages: Sequence[list[Line]]) -> list[list[Line]]:
    """Leave out page numbers, running headers and footers.

    These are lines among the two highest or lowest of a page that, digits aside, stand there on at
    least three pages and on most of all pages with text, or of the odd or even ones. So are those
    of which the first or last number counts the pages.
    """
    largest = LARGER * body_size(pages)
    edges = [_edges(lines, number, largest) for number, lines in enumerate(pages)]
    running: set[tuple[str, str]] = set()
    for which in (slice(None), slice(0, None, 2), slice(1, None, 2)):
        counts = Counter(key for page in edges[which] for key in set().union(*page.values()))
        least = max(RUNNING_PAGES, RUNNING_SHARE * sum(bool(page) for page in edges[which]))
        running |= {key for key, count in counts.items() if count >= least}
    return [
        [line for at, line in enumerate(lines) if not page.get(at, set()) & running]
        for lines, page in zip(pages, edges, strict=True)
    ]


def _edges(lines: Sequence[Line], page: int, largest: float) -> dict[int, set[tuple[str, str]]]:
    """By index, what the highest and lowest lines may share with those of other pages.

    There are two of each, fewer on a page that would else be all edge. None is larger than
    `largest`, as a heading is. A row of numbers is shared only if it is the same in each digit: it
    may be a row of a table that goes on.
    """
    depth = min(2, (len(lines) - 1) // 2)
    order = sorted(range(len(lines)), key=lambda at: -lines[at].base)
    places = [(at, "top") for at in order[:depth]]
    places += [(at, "bottom") for at in order[len(order) - depth :]]
    found: dict[int, set[tuple[str, str]]] = {}
    for at, edge in places:
        if lines[at].size > largest:
            continue
        text = lines[at].text
        without_digits, numbers = re.subn(r"\d+", "#", text)
        is_row = numbers > 2 and not _LETTERS.search(text)
        found[at] = {(edge, text if is_row else without_digits)}
        if len(text) <= PAGE_NUMBER_LENGTH and not is_row:
            # At the top, a number in front is rather that of a chapter.
            pattern = _LAST_NUMBER if edge == "top" else _OUTER_NUMBER
            ends = pattern.findall(text)
            found[at] |= {(edge, f"counts from {int(number) - page}") for number in ends}
    return found


def body_size(pages: Iterable[Iterable[Line]]) -> float:
    """The size of type in which most characters are set, rounded to half a point; 0 without any."""
    counts: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            counts[_half_points(line.size)] += len(line.text)
    return counts.most_common(1)[0][0] if counts else 0.0


def line_pitches(pages: Iterable[Sequence[Line]], body: float) -> dict[float, float]:
    """The usual distance of two base lines for each size of type, that of the body among them."""
    distances: dict[float, Counter[float]] = {body: Counter()}
    for lines in pages:
        for upper, lower in pairwise(lines):
            size, distance = _half_points(upper.size), upper.base - lower.base
            if size == _half_points(lower.size) and 0.8 * size < distance < 2.5 * size:
                distances.setdefault(size, Counter())[_half_points(distance)] += 1
    pitches = {body: 1.25 * body}
    for size, counts in distances.items():
        usual, count = counts.most_common(1)[0] if counts else (0.0, 0)
        # Beside the body, what is far apart are rows of a table or single lines, not a paragraph.
        if count and (size == body or (count >= 3 and usual < 1.7 * size)):
            pitches[size] = usual
    return pitches


def mark_larger(pages: Sequence[list[Line]], body: float) -> list[list[Line]]:
    """Give a level to the lines that are set larger than the body: the largest has level 1.

    Lines that run in another direction than most, such as notes up the margin, are left alone.
    """
    turns = Counter(line.turn for lines in pages for line in lines)
    turn = turns.most_common(1)[0][0] if turns else 0
    sizes = {
        _half_points(line.size)
        for lines in pages
        for line in lines
        if line.turn == turn and line.size > LARGER * body and _LETTERS.search(line.text)
    }
    levels = {size: level for level, size in enumerate(sorted(sizes, reverse=True), 1)}
    return [
        [
            replace(line, level=levels.get(_half_points(line.size), 0))
            if line.turn == turn
            else line
            for line in lines
        ]
        for lines in pages
    ]


class Layout:
    """Joins lines into blocks, with what is known of the whole document they are from."""

    def __init__(self, pages: Sequence[Sequence[Line]]) -> None:
        self.body = body_size(pages)
        self._pitches = line_pitches(pages, self.body)
        self._words = {word for lines in pages for word in _whole_words(lines)}

    def blocks(self, lines: Sequence[Line]) -> list[Block]:
        """Return the blocks of a page: its tables and what stands between them."""
        found: list[Block] = []
        done = 0
        for table in find_tables(lines):
            found += self._flowing(lines[done : table.start])
            found.append(Block(table.printed))
            done = table.end
        return found + self._flowing(lines[done:])

    def _flowing(self, lines: Sequence[Line]) -> list[Block]:
        """Join lines with a space in a paragraph, with a new line in a list or unclear table."""
        found: list[Block] = []
        parts: list[Printed | str] = []
        start = 0
        for at, line in enumerate(lines):
            gap = self._gap(lines, start, at) if at else ""
            hyphen = lines[at - 1].hyphen if at else None
            if hyphen is not None and gap != " ":
                parts.append(hyphen)
            if gap == BLANK_LINE:
                found.append(_block(parts, lines[start]))
                parts, start = [], at
            elif at:
                parts.append(self._joint(lines[at - 1], line) if gap == " " else gap)
            parts.append(line.printed)
        if parts:
            found.append(_block([*parts, lines[-1].hyphen or ""], lines[start]))
        return found

    def _joint(self, upper: Line, line: Line) -> Printed | str:
        """What stands between two lines of a paragraph, of which the upper may end in a hyphen.

        The hyphen belongs to the word if the document has the word with it elsewhere, or has the
        two parts as words but not the whole.
        """
        if upper.hyphen is not None:
            before = _last_word(upper.text.casefold())
            after = _first_word(line.text.casefold())
            whole = before + after in self._words
            parts = len(before) > 2 and before in self._words and after in self._words
            compound = f"{before}-{after}" in self._words or parts
            return upper.hyphen if compound and not whole else ""
        if _UNSPACED.match(upper.text[-1:]) and _UNSPACED.match(line.text[:1]):
            return ""
        return " "

    def _gap(self, lines: Sequence[Line], start: int, at: int) -> str:
        """What parts line `at` from the one before it, in the block that began at `start`."""
        upper, line = lines[at - 1], lines[at]
        size = max(upper.size, line.size)
        if (
            upper.turn != line.turn
            or upper.level != line.level
            or abs(upper.size - line.size) > 0.1 * size
        ):
            return BLANK_LINE
        usual = self._pitch(size)
        distance = upper.base - line.base
        goes_on = upper.hyphenated or (
            line.text[:1].islower() and _SENTENCE_END.search(upper.text) is None
        )
        if distance < -0.5 * size:
            # Upwards: the next column, or a box beside the text.
            return " " if goes_on and not line.level else BLANK_LINE
        if upper.spaced and line.spaced and distance < ROW_GAP * usual:
            return "\n"
        if distance > WIDE_GAP * usual:
            return BLANK_LINE
        if line.level or upper.hyphenated:
            return " "
        if _ITEM.match(line.text):
            in_list = distance < 1.15 * usual or _ITEM.match(lines[start].text)
            return "\n" if in_list else BLANK_LINE
        if upper.spaced or line.spaced:
            return " " if goes_on and not line.spaced else "\n"
        shift = line.left - upper.left
        first = at - 1 == start or bool(_ITEM.match(upper.text))
        if goes_on:
            return " "
        if not first:
            if shift > 0.8 * size:
                return BLANK_LINE
            if shift < -0.8 * size and lines[start].left <= line.left + 0.5 * size:
                return BLANK_LINE
        return _after_short(lines, at, size)

    def _pitch(self, size: float) -> float:
        found = self._pitches.get(_half_points(size))
        return found or max(1.1, self._pitches[self.body] / max(1.0, self.body)) * size


def _block(parts: Sequence[Printed | str], first: Line) -> Block:
    printed = Printed.join(parts)
    text = printed.text
    if first.level and len(text) <= HEADING_LENGTH and _LETTERS.search(text):
        return Block(printed.replaced(_NEWLINE, lambda _: " "), first.level)
    return Block(printed)


def _after_short(lines: Sequence[Line], at: int, size: float) -> str:
    """What parts line `at` from the one before it: if its first word had fitted there, a break."""
    upper, line = lines[at - 1], lines[at]
    column = max(
        near.right
        for near in lines[max(0, at - 12) : at + 12]
        if near.turn == line.turn and near.left < upper.right and upper.left < near.right
    )
    word = len(line.text.split(" ", 1)[0]) / max(1, len(line.text)) * (line.right - line.left)
    room = column - upper.right - word
    if room < 2 * size or room < 0.08 * (column - upper.left):
        return " "
    return BLANK_LINE if _SENTENCE_END.search(upper.text) else "\n"


def _whole_words(lines: Sequence[Line]) -> Iterator[str]:
    """The words of a page in lower case, save those of which a line's end holds only a part."""
    broken = False
    for line in lines:
        words = _WORD.findall(line.text.casefold())
        yield from words[broken : len(words) - line.hyphenated]
        broken = line.hyphenated


def _last_word(text: str) -> str:
    words = _WORD.findall(text)
    return words[-1] if words else ""


def _first_word(text: str) -> str:
    found = _WORD.match(text)
    return found[0] if found else ""


def _half_points(size: float) -> float:
    return round(size * 2) / 2


def middle(values: Sequence[float]) -> float:
    """The median of `values`, 0 where there are none."""
    return median(values) if values else 0.0
