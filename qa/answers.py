"""The types of the answering side, one for each stage from a span to a reply.

Offsets are Unicode code points, zero-based and half-open.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from index.documents import Box, Cell, Document, Hit
from index.filters import EVERYTHING, Filter

PASSAGES = 10
ANSWERS = 3

# How much of what stands around a quote its citation holds, in code points on each side.
CONTEXT = 32


@dataclass(frozen=True, slots=True)
class Options:
    """How to answer.

    `answers` is how many to give at most, `passages` how many to retrieve and read. Answers below
    `min_confidence` (0 to 1; None for the reader's own) are not given. Once one is given with a
    confidence of `enough` (0 to 1; None for never) nothing further is read: that is quicker, but
    what else would be an answer, or say the same, is missed. `within` names the documents to look
    in, by id; None for all; of these only the ones that fit `where`.
    """

    answers: int = ANSWERS
    passages: int = PASSAGES
    min_confidence: float | None = None
    enough: float | None = None
    within: Collection[str] | None = None
    where: Filter = EVERYTHING


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a passage that may be an answer: `passage.text[start:end]`.

    `score` is how much better the span is than "no answer here", in logits: above zero the reader
    prefers the span, and it compares across passages. Higher is better.
    """

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Citation:
    """The exact place of a quote: `document.text[start:end]`; `text` is that quote.

    `page` is one-based, None in documents without pages; `section` holds the headings above the
    quote, outermost first. The others tell more where the format fixes more: `boxes` where on the
    page it is printed, line by line (see `Box`), `slide` the one-based slide, `sheet` the name of
    the sheet and `cells` the cells it touches there ("B7", "B7:C9"), `part` the number of the
    message's part ("1.2"). Page, section, slide, sheet and part are those of the quote's first
    character. `prefix` and `suffix` are what stands right before and after the quote, at most
    `CONTEXT` code points each; `media_type` is the format that the document was read as.
    """

    document_id: str
    uri: str
    title: str
    page: int | None
    section: tuple[str, ...]
    start: int
    end: int
    text: str
    boxes: tuple[Box, ...] = ()
    slide: int | None = None
    sheet: str | None = None
    cells: str | None = None
    part: str | None = None
    prefix: str = ""
    suffix: str = ""
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A verbatim quote that answers the question.

    `text == document.text[citation.start:citation.end]`. `sentence` is the whole sentence around
    the quote, which begins at `sentence_start` in the document. `confidence` is the probability,
    from 0 to 1, that the quote is a right answer. `also_at` holds the other places that give the
    same answer, each with its own wording.
    """

    text: str
    confidence: float
    sentence: str
    sentence_start: int
    citation: Citation
    also_at: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time went, in milliseconds."""

    embed: float
    retrieve: float
    read: float
    total: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one question. Without answers, `reason` says why.

    `hits` are the passages that were read, best first; `unread` is how many more there are still to
    be read: none, but for what is said while the reading goes on. `skipped` is how many were found
    but left unread, since an answer was sure enough (see `Options.enough`).
    """

    question: str
    answers: tuple[Answer, ...]
    reason: str | None
    hits: tuple[Hit, ...]
    timings: Timings
    unread: int = 0
    skipped: int = 0

    @property
    def abstained(self) -> bool:
        """Whether the documents were found not to hold the answer."""
        return not self.answers


# Tables of one sheet, which has no name.
_UNNAMED_SHEETS = frozenset({"text/csv", "text/tab-separated-values"})


def cite(document: Document, start: int, end: int) -> Citation:
    """The citation of `document.text[start:end]`."""
    from index.boxes import boxes  # needs numpy, which the commands' help does without

    slide = document.part_at("slide", start)
    return Citation(
        document.id,
        document.uri,
        document.title,
        document.page_at(start),
        document.section_at(start),
        start,
        end,
        document.text[start:end],
        boxes(document, start, end),
        None if slide is None else int(slide),
        document.part_at("sheet", start),
        _cells(document, start, end),
        document.part_at("part", start),
        document.text[max(0, start - CONTEXT) : start],
        document.text[end : end + CONTEXT],
        document.media_type,
    )


def _cells(document: Document, start: int, end: int) -> str | None:
    """The cells that a range touches in the sheet it begins in; None where it touches none."""
    for sheet in document.parts:
        if sheet.kind == "sheet" and sheet.start <= start < sheet.end:
            return cell_range(document.cells_in(start, min(end, sheet.end)))
    if document.media_type in _UNNAMED_SHEETS:
        return cell_range(document.cells_in(start, end))
    return None


def cell_range(cells: Iterable[Cell]) -> str | None:
    """The smallest range around cells, as spreadsheets write it; None if there are no cells."""
    found = list(cells)
    if not found:
        return None
    rows, columns = [cell.row for cell in found], [cell.column for cell in found]
    first = f"{column_letters(min(columns))}{min(rows)}"
    last = f"{column_letters(max(columns))}{max(rows)}"
    return first if first == last else f"{first}:{last}"


def column_letters(column: int) -> str:
    """What spreadsheets call a one-based column: A to Z, then AA, AB and so on."""
    letters = ""
    while column > 0:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
