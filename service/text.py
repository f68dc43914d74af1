"""Text from documents made fit to show: it is data, and must not steer a terminal or a page."""

import re
import unicodedata
from pathlib import Path

from index.documents import rectangle
from index.files import uri_path
from qa.answers import Citation

# Characters that reorder or hide what stands around them. (CVE-2021-42574.)
_STEERING = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
_TAGS = range(0xE0000, 0xE0080)


def visible(text: str, keep: str = "") -> str:
    """The text on one line, with every character that could steer a terminal spelt out.

    Characters in `keep` (line breaks, say) stay as they are.
    """
    return "".join(char if char in keep or not _steers(char) else _spelt(char) for char in text)


def _steers(char: str) -> bool:
    if char.isascii():
        return not char.isprintable()
    return (
        char in _STEERING or ord(char) in _TAGS or unicodedata.category(char) in _HIDDEN_CATEGORIES
    )


def _spelt(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def folded(text: str) -> str:
    """The text with every run of white space as one blank; blanks at its ends stay."""
    return re.sub(r"\s+", " ", text)


def shown(text: str) -> str:
    """The text folded onto one line and made safe to show."""
    return visible(folded(text))


def around(sentence: str, start: int, end: int, most: int = 600) -> tuple[str, str, str]:
    """What stands before, in and after `sentence[start:end]`, safe to show.

    A very long sentence (a table has no full stops) is cut to about `most` characters on each side.
    """
    before, after = shown(sentence[:start]).lstrip(), shown(sentence[end:]).rstrip()
    if len(before) > most:
        before = "… " + before[-most:].split(" ", 1)[-1]
    if len(after) > most:
        after = after[:most].rsplit(" ", 1)[0] + " …"
    return before, shown(sentence[start:end]), after


def beginning(text: str, most: int = 160) -> str:
    """The first words of a text, safe to show."""
    line = shown(text).strip()
    return line if len(line) <= most else line[:most].rsplit(" ", 1)[0] + " …"


def file_name(uri: str, base: Path | None = None) -> str:
    """What a person calls the document at `uri`: a path, relative to `base` if it is below it."""
    path = uri_path(uri)
    if path is None:
        return shown(uri)
    if base is not None and path.is_relative_to(base):
        path = path.relative_to(base)
    return visible(str(path))


def range_of(start: int, end: int) -> str:
    """A range of characters for people."""
    return f"characters {start}–{end}"


def percentage(probability: float) -> str:
    """A probability from 0 to 1 for people; never "100%", which would claim to be sure."""
    return "over 99%" if probability > 0.99 else f"{probability:.0%}"


def confidence_in_words(confidence: float) -> str:
    """What a probability from 0 to 1 is called."""
    steps = ((0.9, "very likely"), (0.7, "likely"), (0.5, "more likely than not"))
    return next((words for least, words in steps if confidence >= least), "uncertain")


def place(citation: Citation, base: Path | None = None) -> str:
    """Where a quote stands, on one line: file, page or part, headings, characters."""
    return ", ".join([file_name(citation.uri, base), *spot(citation, with_box=True)])


def spot(citation: Citation, *, with_box: bool = False) -> list[str]:
    """Where in its document a quote stands: page or part, headings, characters.

    With its box, the page is followed by the rectangle around the quote, in points.
    """
    parts: list[str] = []
    if citation.page is not None:
        parts.append(f"page {citation.page}{_at(citation) if with_box else ''}")
    if citation.slide is not None:
        parts.append(f"slide {citation.slide}")
    if citation.part is not None:
        parts.append(f"part {shown(citation.part)}")
    if citation.sheet is not None:
        parts.append(f"sheet {shown(citation.sheet).strip()}")
    if citation.cells is not None:
        parts.append(f"cell{'s' if ':' in citation.cells else ''} {citation.cells}")
    # A sheet's name is the heading over all of it; once is enough.
    headings = [heading for heading in citation.section if heading != citation.sheet]
    if headings:
        parts.append(" › ".join(shown(heading).strip() for heading in headings))
    return [*parts, range_of(citation.start, citation.end)]


def _at(citation: Citation) -> str:
    """The rectangle around a quote on its first page, in points from the page's top left."""
    boxes = [box for box in citation.boxes if box.page == citation.page]
    if not boxes:
        return ""
    left, top, right, bottom = rectangle(boxes)
    return f" at {left:.0f},{top:.0f}–{right:.0f},{bottom:.0f}"


def counted(number: int, noun: str) -> str:
    """A number with its noun, which takes an s unless there is one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size_of(count: int) -> str:
    """A number of bytes for people."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
