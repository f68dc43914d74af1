"""Where sentences begin and end in a document's canonical text."""

import re
from collections.abc import Iterator

import sentencex

Range = tuple[int, int]

# Enough for any paragraph a person wrote; a longer one is cut at white space.
_LONGEST_BLOCK = 20_000

_BLOCK_BREAK = re.compile(r"\n{2,}")
# A longer label is a word at the end of a sentence or an abbreviation: "Mr. Smith", "it. Then".
_LINE_OF_ITS_OWN = re.compile(
    r"\n(?=[ \t]*(?:[-*•‣▪–·]|\(?(?:\d{1,3}|[^\W\d_]|[ivx]{2,5}|[IVX]{2,5})[.)]) )"
)
_LETTER = re.compile(r"[^\W\d_]")
_TABLE_ROW = re.compile(r" \| |\t")


def sentences(text: str, start: int = 0, end: int | None = None) -> list[Range]:
    """The sentences of `text[start:end]`, in order, as half-open ranges of code points.

    Ranges do not overlap, neither begin nor end with white space, and together hold every other
    character. A sentence never crosses a blank line, and an item of a list or a row of a table is
    never joined with the next one. Runs in linear time.
    """
    return [
        sentence
        for block in blocks(text, start, len(text) if end is None else end)
        for line in _lines(text, block)
        for sentence in _split(text, line)
    ]


def sentence_around(text: str, start: int, end: int) -> Range:
    """The range of the sentence, or of the neighbouring sentences, that hold `text[start:end]`.

    Only the surrounding block is looked at, so the cost does not grow with the document.
    """
    reach = _LONGEST_BLOCK // 2
    low = max(0, start - reach)
    high = min(len(text), end + reach)
    left = text.rfind("\n\n", low, start)
    right = text.find("\n\n", end, high)
    first = left + 2 if left >= 0 else low
    last = right if right >= 0 else high
    touched = [
        (begin, stop)
        for begin, stop in sentences(text, first, last)
        if begin < end and start < stop
    ]
    if not touched:
        return start, end
    return min(start, touched[0][0]), max(end, touched[-1][1])


def blocks(text: str, start: int, end: int) -> Iterator[Range]:
    """The stretches of `text[start:end]` between blank lines, none over 20,000 characters."""
    begin = start
    for gap in _BLOCK_BREAK.finditer(text, start, end):
        yield from _bounded(text, begin, gap.start())
        begin = gap.end()
    yield from _bounded(text, begin, end)


def _bounded(text: str, start: int, end: int) -> Iterator[Range]:
    while end - start > _LONGEST_BLOCK:
        limit = start + _LONGEST_BLOCK
        cut = max(text.rfind(" ", start + 1, limit), text.rfind("\n", start + 1, limit))
        cut = cut if cut > start else limit
        yield start, cut
        start = cut
    if start < end:
        yield start, end


def _lines(text: str, block: Range) -> Iterator[Range]:
    """Cut a block where a list item or a table row begins."""
    start, end = block
    if _TABLE_ROW.search(text, start, end):
        borders = [match.start() for match in re.finditer("\n", text[start:end])]
    else:
        borders = [match.start() for match in _LINE_OF_ITS_OWN.finditer(text[start:end])]
    begin = start
    for border in borders:
        yield begin, start + border
        begin = start + border
    yield begin, end


def _split(text: str, line: Range) -> Iterator[Range]:
    start, end = line
    begin = position = start
    for piece in sentencex.segment("en", text[start:end]):
        # The pieces follow each other in the text; looking each up keeps the offsets right even
        # where the segmenter left something out.
        found = text.find(piece, position, end)
        if found < 0:
            break
        position = found + len(piece)
        if _LETTER.search(piece):
            yield from trimmed(text, begin, position)
            begin = position
        # A piece without a letter is a number such as "4.2": it belongs to what follows it.
    yield from trimmed(text, begin, end)


def trimmed(text: str, start: int, end: int) -> Iterator[Range]:
    """The range without the white space at its ends; nothing where only white space is left."""
    piece = text[start:end]
    body = piece.strip()
    if body:
        first = start + len(piece) - len(piece.lstrip())
        yield first, first + len(body)
