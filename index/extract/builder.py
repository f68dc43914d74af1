"""Puts canonical text together, noting where each page and heading stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from index.documents import Page, Section
from index.extract.cleaning import clean, has_words

BLANK_LINE = "\n\n"


@dataclass(frozen=True, slots=True)
class Extracted:
    """What an extractor makes of a file; an empty `title` means that the file names none.

    Pages and sections are as in `Document`: code points into `text`, in order, not overlapping.
    """

    text: str
    title: str = ""
    pages: tuple[Page, ...] = ()
    sections: tuple[Section, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


class TextBuilder:
    """Accumulates cleaned blocks, with one blank line between each two."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._page: int | None = None
        self._page_starts: list[tuple[int, int]] = []
        self._above: list[tuple[int, str]] = []
        self._section_starts: list[tuple[int, tuple[str, ...]]] = []

    @property
    def first_heading(self) -> str:
        """The outermost heading that came first, empty while there is none."""
        return self._section_starts[0][1][0] if self._section_starts else ""

    def page(self, number: int) -> None:
        """Let what follows stand on page `number`, one-based."""
        self._page = number

    def heading(self, text: str, level: int) -> None:
        """Add a heading as a block of its own; `level` is 1 for the outermost."""
        title = " ".join(clean(text).split())
        if not has_words(title):
            self.block(title)
            return
        while self._above and self._above[-1][0] >= level:
            self._above.pop()
        self._above.append((level, title))
        path = tuple(heading for _, heading in self._above)
        self._section_starts.append((self._append(title), path))

    def block(self, text: str) -> None:
        """Add a paragraph, list, table or several of them; does nothing if there is no text."""
        cleaned = clean(text).strip("\n").rstrip()
        if cleaned and not self._parts:
            cleaned = cleaned.lstrip()
        if cleaned:
            self._append(cleaned)

    def build(self, title: str = "", metadata: Mapping[str, str] | None = None) -> Extracted:
        """Return the text so far; each page and section reaches up to the start of the next one."""
        text = BLANK_LINE.join(self._parts)
        page_ends = [start for _, start in self._page_starts[1:]] + [len(text)]
        section_ends = [start for start, _ in self._section_starts[1:]] + [len(text)]
        return Extracted(
            text,
            title,
            tuple(
                Page(number, start, end)
                for (number, start), end in zip(self._page_starts, page_ends, strict=False)
            ),
            tuple(
                Section(path, start, end)
                for (start, path), end in zip(self._section_starts, section_ends, strict=False)
            ),
            {} if metadata is None else metadata,
        )

    def _append(self, block: str) -> int:
        start = self._length + len(BLANK_LINE) if self._parts else 0
        if self._page is not None and (
            not self._page_starts or self._page_starts[-1][0] != self._page
        ):
            self._page_starts.append((self._page, start))
        self._parts.append(block)
        self._length = start + len(block)
        return start
