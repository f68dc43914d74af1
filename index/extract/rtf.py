"""RTF: paragraphs, headings, lists, tables and footnotes.

striprtf makes text of the markup but drops its structure. So marks are put after the control words
that carry it; they come through as characters, and the text is taken apart at them again.
"""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from index.errors import UnreadableDocument
from index.extract.blocks import BULLET, Blocks
from index.extract.builder import Extracted, TextBuilder
from index.extract.foreign import parsing
from index.extract.properties import stated_date, stated_title
from index.extract.source import Source
from index.extract.tables import TableCell, lines

# A longer font table is none; the library takes quadratic time over one.
MOST_FONTS = 128 * 1024
_MOST_INFO = 64 * 1024

# Marks, from the characters that are for private use: in text files of 8 bits there are none.
_CELL, _ROW, _PLAIN, _IN_TABLE, _HEADER_ROW = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"
_NOTE, _NOTE_END, _LABEL, _LABEL_END = "\ue005", "\ue006", "\ue007", "\ue008"
_LINE = "\ue009"
_HEADING, _DEPTH = "\ue010", "\ue020"
_MARK = re.compile("([\ue000-\ue02f\n])")
_MARKS = {
    "cell": _CELL,
    "nestcell": _CELL,
    "row": _ROW,
    "nestrow": _ROW,
    "pard": _PLAIN,
    "intbl": _IN_TABLE,
    "trhdr": _HEADER_ROW,
}
# Groups that are made text again, with a mark at their two ends.
_GROUPS = {"footnote": (_NOTE, _NOTE_END), "listtext": (_LABEL, _LABEL_END)} | {
    "pntext": (_LABEL, _LABEL_END)
}
_LEVELED = {"outlinelevel": _HEADING, "ilvl": _DEPTH}
# Text that is hidden or deleted is left out up to the end of its group.
_HIDING = frozenset({"v", "deleted"})

_TOKEN = re.compile(r"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\[^a-zA-Z]|[{}]", re.DOTALL)
_HEX = re.compile(r"[0-9a-fA-F\r\n]{512,}")
_CODE_PAGE = re.compile(rb"\\ansicpg(\d{1,5})")
_FONTS = re.compile(r"\\fonttbl")
_INFO = re.compile(r"\{\\(title|author|subject|keywords|doccomm|creatim|revtim)\b ?([^{}]*)\}")
_MOMENT = re.compile(r"\\(yr|mo|dy|hr|min)(\d+)")
_NAMES = {
    "author": "author",
    "subject": "subject",
    "keywords": "keywords",
    "doccomm": "description",
    "creatim": "created",
    "revtim": "modified",
}
_BULLETS = frozenset("·•▪◦‣●○■□–-*o§Øü\uf0b7\uf0a7\uf0d8")


def read(source: Source) -> Extracted:
    """Extract an RTF document.

    Raises:
        UnreadableDocument: it cannot be taken apart.
    """
    with parsing(source.name):
        page = _code_page(source.data)
        text = source.data.decode(page, "replace")
        if "\\rtf" not in text[:64]:
            raise UnreadableDocument(f"{source.name}: is damaged; save it again and index that")
        title, metadata = _info(text, page)
        reader = _Reader()
        reader.write(_plain(_marked(text), page))
        builder = reader.blocks.builder
        return builder.build(title or builder.first_heading, metadata)


def _code_page(data: bytes) -> str:
    stated = _CODE_PAGE.search(data[:4096])
    name = "cp1252" if stated is None else f"cp{stated[1].decode()}"
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name


def _marked(text: str) -> str:
    """RTF with marks after what carries structure, and without pictures and binary data."""
    text = _HEX.sub("", text)
    pieces: list[str] = []
    # For each open group the mark that is due at its end.
    ends: list[str] = []
    done = 0
    for token in _tokens(text):
        word, number = token[1], token[2]
        pieces.append(text[done : token.start()])
        done = token.end()
        if token[0] == "{":
            ends.append("")
        elif token[0] == "}":
            end = ends.pop() if ends else ""
            # A control word before it keeps the mark from being taken for a fallback.
            pieces.append(f"\\plain {end}" if end else "")
        if word is None:
            pieces.append(token[0])
        elif word == "line":
            # The library writes it as it does the end of a paragraph.
            pieces.append(f"\\plain {_LINE}")
        elif word in _GROUPS:
            start, end = _GROUPS[word]
            pieces.append(f"\\plain {start}")
            if ends:
                ends[-1] = end
        elif word in _LEVELED:
            level = min(max(int(number or 0), 0), 15)
            mark = chr(ord(_LEVELED[word]) + level)
            pieces.append(f"\\{word} {mark}" if level < 9 else "")
        elif word in _HIDING:
            pieces.append("" if number == "0" else "\\*")
        elif word == "bin":
            done += min(int(number or 0), len(text))
        elif _is_out_of_range(word, number):
            pieces.append("\\plain ")
        else:
            # With the blank after "fldinst" the library does not write the targets of links.
            pieces.append(f"{token[0].removesuffix(' ')} {_MARKS.get(word, '')}")
    pieces.append(text[done:])
    return "".join(pieces)


def _is_out_of_range(word: str, number: str | None) -> bool:
    """Whether the library would fail on a control word because of its number."""
    if number is None:
        return word in ("u", "uc", "ansicpg")
    return word == "u" and not -0x8000 <= int(number) <= 0xFFFF


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """The control words, escapes and braces outside of binary data."""
    at = 0
    while True:
        token = _TOKEN.search(text, at)
        if token is None:
            return
        yield token
        at = token.end()
        if token[1] == "bin":
            at += min(max(int(token[2] or 0), 0), len(text))


def _plain(text: str, page: str) -> str:
    from striprtf.striprtf import rtf_to_text

    fonts = _FONTS.search(text)
    if fonts is not None and _group_length(text, fonts.start()) > MOST_FONTS:
        text = text.replace("\\fonttbl", "\\nofonttbl")
    plain: str = rtf_to_text(text, encoding=page, errors="replace")
    # Characters beyond the first plane are written as two surrogates.
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _group_length(text: str, start: int) -> int:
    depth = 1
    for brace in re.finditer(r"[{}]", text[start : start + MOST_FONTS]):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.start()
    return len(text) - start


def _info(text: str, page: str) -> tuple[str, Mapping[str, str]]:
    """The title and the metadata of a document; dates are in ISO 8601."""
    start = text.find("\\info")
    found: dict[str, str] = {}
    title = ""
    for name, content in _INFO.findall(text[start : start + _MOST_INFO]) if start >= 0 else ():
        if name in ("creatim", "revtim"):
            parts = {part: int(number[:4]) for part, number in _MOMENT.findall(content)}
            found[_NAMES[name]] = stated_date(
                f"{parts.get('yr', 0):04}-{parts.get('mo', 1):02}-{parts.get('dy', 1):02}"
                f"T{parts.get('hr', 0):02}:{parts.get('min', 0):02}"
            )
        else:
            words = _plain(_marked("{\\rtf1 " + content + "}"), page)
            if name == "title":
                title = stated_title(words)
            else:
                found[_NAMES[name]] = words
    return title, {key: value for key, value in found.items() if value.strip()}


@dataclass(slots=True)
class _Paragraph:
    """The paragraph that is being read, and what the marks in it say."""

    text: list[str] = field(default_factory=list)
    level: int = 0
    depth: int = 0
    label: str = ""
    in_table: bool = False


class _Reader:
    """Takes text apart at its marks."""

    def __init__(self) -> None:
        self.blocks = Blocks(TextBuilder())
        self._open = _Paragraph()
        self._rows: list[list[TableCell | None]] = []
        self._cells: list[TableCell | None] = []
        self._is_header = False
        # Where text goes now: into a note, into a label, or into the paragraph.
        self._aside: list[str] | None = None
        self._notes = 0

    def write(self, text: str) -> None:
        """Write a marked text."""
        for piece in _MARK.split(text):
            if _MARK.fullmatch(piece) is None:
                (self._open.text if self._aside is None else self._aside).append(piece)
            elif self._aside is not None:
                self._end_aside(piece)
            elif piece == "\n":
                self._end_line()
            elif piece == _LINE:
                self._open.text.append("\n")
            elif piece == _CELL:
                # The library writes a bar for each cell.
                words = "".join(self._open.text).removesuffix("|")
                self._cells.append(TableCell(words, self._is_header))
                self._open = _Paragraph(in_table=True)
            elif piece == _ROW:
                self._end_row()
            elif piece == _HEADER_ROW:
                self._is_header = True
            elif piece == _PLAIN:
                # The label of an item may stand before its paragraph begins.
                self._open = _Paragraph(self._open.text, label=self._open.label)
            elif piece == _IN_TABLE:
                self._open.in_table = True
            elif piece in (_NOTE, _LABEL):
                self._aside = []
            elif _HEADING <= piece < _DEPTH:
                self._open.level = ord(piece) - ord(_HEADING) + 1
            elif piece >= _DEPTH:
                self._open.depth = ord(piece) - ord(_DEPTH)
        self._end_line()
        self._end_row()
        self._end_table()
        self.blocks.end()

    def _end_aside(self, mark: str) -> None:
        if mark in ("\n", _LINE) and self._aside is not None:
            self._aside.append(" ")
        elif mark == _NOTE_END:
            self._notes += 1
            self._open.text.append(f"[{self._notes}]")
            self.blocks.note(str(self._notes), "".join(self._aside or ()))
            self._aside = None
        elif mark == _LABEL_END:
            label = " ".join("".join(self._aside or ()).split())
            self._open.label = BULLET if label in _BULLETS else label
            self._aside = None

    def _end_line(self) -> None:
        """A paragraph ends, or a row, or a line in a cell."""
        open_, text = self._open, "".join(self._open.text)
        if open_.in_table or self._cells:
            open_.text = [text, "\n"] if text else []
            return
        if not text.strip():
            self._open = _Paragraph(level=open_.level, depth=open_.depth)
            return
        self._end_table()
        if open_.level:
            self.blocks.heading(f"{open_.label} {text.strip()}".strip(" -"), open_.level)
        elif open_.label:
            self.blocks.item(text, open_.label, open_.depth)
        else:
            self.blocks.paragraph(text)
        # Without a new "pard" the next paragraph is like this one, but for its label.
        self._open = _Paragraph(level=open_.level, depth=open_.depth)

    def _end_row(self) -> None:
        if self._cells:
            self._rows.append(self._cells)
            self._cells = []
        self._is_header = False
        self._open = _Paragraph()

    def _end_table(self) -> None:
        if self._rows:
            self.blocks.table(lines(self._rows))
            self._rows = []
