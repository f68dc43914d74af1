"""Plain text: lines stay as they are; form feeds separate pages; plain headings are recognised."""

import re

from index.extract.builder import Extracted, TextBuilder
from index.extract.cleaning import clean, has_words
from index.extract.source import Source

TITLE_LENGTH = 120
HEADING_LENGTH = 80

_NUMBERED = re.compile(r"(\d{1,3}(?:\.\d{1,3})+\.?|\d{1,3}[.)])[ \t]+(?=\S)")
_UNDERLINE = re.compile(r"([=\-~^\"*#])\1{2,}")
_LETTERS = re.compile(r"[^\W\d_]")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def read(source: Source) -> Extracted:
    """See `read_plain`."""
    return read_plain(source.text)


def read_plain(text: str) -> Extracted:
    """Extract plain text; the title is its first line if that is short."""
    text = _ANSI.sub("", text)
    builder = TextBuilder()
    sheets = text.split("\f")
    blocks = [
        (number if len(sheets) > 1 else None, block)
        for number, sheet in enumerate(sheets, 1)
        for block in clean(sheet).split("\n\n")
        if block.strip()
    ]
    headings = _underlined(blocks) or _standalone(blocks)
    for index, (number, block) in enumerate(blocks):
        if number is not None:
            builder.page(number)
        title, level, rest = headings.get(index, ("", 0, block))
        if title:
            builder.heading(title, level)
        builder.block(rest)
    extracted = builder.build()
    first = extracted.text.partition("\n")[0]
    return builder.build(first if len(first) <= TITLE_LENGTH and has_words(first) else "")


# For each heading the index of its block, its title and level, and the rest of the block.
_Headings = dict[int, tuple[str, int, str]]


def _underlined(blocks: list[tuple[int | None, str]]) -> _Headings:
    """Find blocks that open with a title over (or between) a line of = or -, as reST has them.

    Levels follow the order in which the underlines first come, as in reST.
    """
    found: _Headings = {}
    styles: list[str] = []
    for index, (_, block) in enumerate(blocks):
        lines = block.strip("\n").split("\n", 3)
        over = "=" if len(lines) > 2 and _UNDERLINE.fullmatch(lines[0]) else ""
        if over and lines[0] == lines[2]:
            lines = lines[1:]
        elif over:
            continue
        if len(lines) < 2:
            continue
        title, underline = lines[0].strip(), _UNDERLINE.fullmatch(lines[1])
        if underline is None or not _LETTERS.search(title):
            continue
        if abs(len(lines[1]) - len(title)) > max(2, len(title) // 4):
            continue
        style = over + underline[1]
        if style not in styles:
            styles.append(style)
        found[index] = (title, styles.index(style) + 1, "\n".join(lines[2:]))
    return found


def _standalone(blocks: list[tuple[int | None, str]]) -> _Headings:
    """Find single lines in capitals ("ACTION ITEMS") or with a number ("4.2 Visitors").

    A heading has something below it, and neighbours with numbers of the same depth are a list.
    """
    depths = [_heading_depth(block) for _, block in blocks]
    found: _Headings = {}
    for index, (_, block) in enumerate(blocks[:-1]):
        depth = depths[index]
        if depth is None:
            continue
        numbered = _NUMBERED.match(block.strip())
        alike = (depths[index - 1] if index else None, depths[index + 1])
        if numbered and not _all_capitals(block) and depth in alike:
            continue
        found[index] = (block.strip(), depth, "")
    return found


def _heading_depth(block: str) -> int | None:
    line = block.strip()
    if "\n" in line or len(line) > HEADING_LENGTH or line.endswith((".", ",", ";", ":", "!")):
        return None
    numbered = _NUMBERED.match(line)
    rest = line[numbered.end() :] if numbered else line
    if not rest or not _LETTERS.match(rest) or rest[0].islower():
        return None
    if numbered:
        return len(re.findall(r"\d+", numbered[1]))
    return 1 if _all_capitals(line) else None


def _all_capitals(line: str) -> bool:
    return line.isupper() and len(_LETTERS.findall(line)) >= 4
