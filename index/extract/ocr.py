"""Scanned pages: words and their places by tesseract, as lines of print. Needs the `ocr` extra."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from index.errors import UnreadableDocument
from index.extract.lines import COLUMN_GAP, Line, are_cells
from index.extract.pdf_page import UPRIGHT, stretches_of
from index.extract.printed import Printed, mended

if TYPE_CHECKING:
    from PIL.Image import Image

# Tesseract's own names for what is no language.
_NO_LANGUAGES = {"osd", "equ", "snum"}
# A page that takes longer is left unrecognised.
_SECONDS = 60
# Words it is less sure of than this, in per cent, are rather specks and drawings.
_LEAST_SURE = 25.0
# How far letters reach below their base, and from there to the top, in sizes of type.
_DESCENT, _HEIGHT = 0.21, 0.95
# A word that seems to go on in the next line.
_HYPHENATED = re.compile(r"[^\W\d_]-$")
_DESCENDERS = frozenset("gjpqyQ,;()[]{}|/@§")


@dataclass(frozen=True, slots=True)
class Word:
    """A recognised word and its rectangle in pixels, origin top left."""

    text: str
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Recogniser:
    """Reads pictures of pages in these languages, as tesseract calls them."""

    languages: str

    @classmethod
    def make(cls, name: str) -> Self:
        """Return one for the file `name`, in all languages that tesseract has data for.

        Raises:
            UnreadableDocument: the package or the program is missing.
        """
        try:
            import pytesseract
        except ImportError as error:
            raise UnreadableDocument(
                f"{name}: OCR needs a package that is not installed; get it with: "
                "pip install 'pincite[ocr]'"
            ) from error
        try:
            found = sorted(set(pytesseract.get_languages()) - _NO_LANGUAGES)
        except pytesseract.TesseractNotFoundError as error:
            raise UnreadableDocument(
                f"{name}: OCR needs the program tesseract, which is not installed; get it with: "
                "apt install tesseract-ocr, or brew install tesseract"
            ) from error
        if not found:
            raise UnreadableDocument(
                f"{name}: OCR needs a language that tesseract has data for; get it with: "
                "apt install tesseract-ocr-eng, or brew install tesseract-lang"
            )
        return cls("+".join(found))

    def lines(self, image: "Image", scale: float) -> list[Line]:
        """The lines on a picture with `scale` pixels a point; none if it takes too long."""
        import pytesseract

        try:
            data = pytesseract.image_to_data(
                image,
                lang=self.languages,
                timeout=_SECONDS,
                output_type=pytesseract.Output.DICT,
            )
        except RuntimeError as error:
            # This, of no type of its own, is how the package tells of a timeout.
            if "timeout" not in str(error):
                raise
            return []
        return lines_of(words_of(data), scale)


def words_of(data: Mapping[str, Sequence[Any]]) -> list[list[Word]]:
    """The words of tesseract's table, a list for each line; what it is not sure of is left out."""
    found: dict[tuple[int, int, int], list[Word]] = {}
    for at, text in enumerate(data["text"]):
        if not text.strip() or float(data["conf"][at]) < _LEAST_SURE:
            continue
        line = (data["block_num"][at], data["par_num"][at], data["line_num"][at])
        left, top = int(data["left"][at]), int(data["top"][at])
        found.setdefault(line, []).append(
            Word(text, left, top, left + int(data["width"][at]), top + int(data["height"][at]))
        )
    return list(found.values())


def lines_of(lines: Sequence[Sequence[Word]], scale: float) -> list[Line]:
    """Lines of print in points; the letters of a word share its rectangle.

    Recognised heights vary with the letters of a line, so all lines of about the usual size are
    taken to have it.
    """
    sizes = [_size(words) for words in lines]
    usual = median(sizes) if sizes else 0.0
    return [
        _line(words, usual if 0.7 * usual < size < 1.4 * usual else size, scale)
        for words, size in zip(lines, sizes, strict=True)
    ]


def _size(words: Sequence[Word]) -> float:
    """The size of type in pixels, by the heights of the words and how far their letters reach."""
    return median(
        (word.bottom - word.top) / (_HEIGHT if _DESCENDERS & set(word.text) else _HEIGHT - _DESCENT)
        for word in words
    )


def _line(words: Sequence[Word], size: float, scale: float) -> Line:
    parts: list[Printed | str] = []
    for word in words:
        rectangle = np.array([[word.left, word.top, word.right, word.bottom]]) / scale
        places = np.repeat(rectangle.astype(np.float32), len(word.text), axis=0)
        parts += [" ", Printed.of(word.text, places)]
    printed, has_leaders = mended(Printed.join(parts))
    hyphen = None
    if _HYPHENATED.search(printed.text):
        end = len(printed.text)
        printed, hyphen = printed.cut(0, end - 1), Printed.of("-", printed.places[-1:])
    base = median(
        word.bottom - (_DESCENT * size if _DESCENDERS & set(word.text) else 0.0) for word in words
    )
    size /= scale
    stretches = stretches_of(printed, UPRIGHT, COLUMN_GAP * size)
    return Line(
        printed,
        left=min(word.left for word in words) / scale,
        right=max(word.right for word in words) / scale,
        base=-base / scale,
        size=size,
        hyphen=hyphen,
        spaced=has_leaders or are_cells(stretches, size),
        stretches=stretches,
    )
