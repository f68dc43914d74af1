"""Scanned pages are read by tesseract when that is asked for."""

import builtins
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from index.boxes import boxes
from index.documents import Document
from index.extract import extract_all
from index.extract.ocr import Word, lines_of, words_of
from index.extract.source import Reading
from tests.index.extract.pdf_files import Draw, lines, made

needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="the program tesseract is not installed"
)
TEXT = (
    "The library is open from Monday to Friday between nine and six.",
    "A reader may borrow twelve books for a period of four weeks.",
)


def scan(draw: Draw) -> Draw:
    """The same page as a picture of it."""
    with pypdfium2.PdfDocument(made(draw)) as file:
        page = file[0]
        picture: Image.Image = page.render(scale=200 / 72, grayscale=True).to_pil().copy()
        width, height = page.get_size()
        page.close()
    return lambda canvas: canvas.drawImage(ImageReader(picture), 0, 0, width, height)


def blank(canvas: Canvas) -> None:
    """Draw nothing."""


def read(data: bytes) -> tuple[Sequence[Document], Sequence[str]]:
    found = extract_all(data, uri="file:///scan.pdf", name="scan.pdf", options=Reading(ocr=True))
    return found.documents, [problem.reason for problem in found.problems]


@needs_tesseract
@pytest.mark.slow
def test_scanned_pages_are_recognised_and_others_read_as_they_are() -> None:
    data = made(scan(lines(*TEXT, size=12)), blank, lines("Typed text."))
    (document,), problems = read(data)
    assert problems == []
    assert document.text == " ".join(TEXT) + "\n\nTyped text."
    assert [page.number for page in document.pages] == [1, 3]


@needs_tesseract
@pytest.mark.slow
def test_recognised_words_have_boxes_on_the_page() -> None:
    (document,), _ = read(made(scan(lines(*TEXT, size=12))))
    start = document.text.index("twelve books")
    (box,) = boxes(document, start, start + len("twelve books"))
    left = 70 + pdf_width("A reader may borrow ")
    assert (box.left, box.right) == pytest.approx((left, left + pdf_width("twelve books")), abs=3)
    assert box.top < 841.89 - (760 - 14.4 + 3) < box.bottom


def pdf_width(text: str) -> float:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    return float(stringWidth(text, "Helvetica", 12))


@needs_tesseract
@pytest.mark.slow
def test_a_scan_of_nothing_is_said_to_be_so() -> None:
    _, problems = read(made(lambda canvas: canvas.rect(100, 100, 200, 200, fill=1)))
    assert list(problems) == [
        (
            "scan.pdf: has no text (1 page, perhaps scanned); nothing was recognised on it either; "
            "scan it again in a better quality"
        )
    ]


def test_a_file_with_text_needs_no_recognition(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "pytesseract")
    (document,), problems = read(made(lines("Typed text."), blank))
    assert (document.text, problems) == ("Typed text.", [])


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    found = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name == package:
            raise ImportError(name)
        return found(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_a_missing_package_is_said_how_to_get(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "pytesseract")
    _, problems = read(made(scan(lines(*TEXT))))
    assert list(problems) == [
        (
            "scan.pdf: OCR needs a package that is not installed; get it with: "
            "pip install 'pincite[ocr]'"
        )
    ]


def test_a_missing_program_is_said_how_to_get(monkeypatch: pytest.MonkeyPatch) -> None:
    import pytesseract

    monkeypatch.setattr(pytesseract.pytesseract, "tesseract_cmd", "no-such-program")
    _, problems = read(made(scan(lines(*TEXT))))
    assert list(problems) == [
        (
            "scan.pdf: OCR needs the program tesseract, which is not installed; get it with: "
            "apt install tesseract-ocr, or brew install tesseract"
        )
    ]


def table(*rows: tuple[str, float, int, int, int, int, int]) -> Mapping[str, Sequence[Any]]:
    """Tesseract's table: text, confidence, line, left, top, width and height of each word."""
    names = ("text", "conf", "line_num", "left", "top", "width", "height")
    found: dict[str, list[Any]] = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    return {**found, "block_num": [1] * len(rows), "par_num": [1] * len(rows)}


def test_words_that_are_not_sure_and_rows_that_are_no_words_are_left_out() -> None:
    data = table(
        ("", -1, 0, 0, 0, 900, 900),
        ("Hello", 96.5, 1, 10, 20, 50, 30),
        ("#", 3.0, 1, 70, 20, 5, 5),
        ("world", 90, 1, 80, 20, 50, 30),
        ("again", 90, 2, 10, 60, 50, 30),
    )
    assert words_of(data) == [
        [Word("Hello", 10, 20, 60, 50), Word("world", 80, 20, 130, 50)],
        [Word("again", 10, 60, 60, 90)],
    ]


def test_lines_of_words_are_measured_in_points() -> None:
    first = [Word("Type", 100, 200, 180, 238), Word("here", 200, 200, 280, 230)]
    second = [Word("as", 100, 250, 140, 272), Word("wo-", 160, 250, 220, 280)]
    upper, lower = lines_of([first, second], 4)
    assert (upper.text, lower.text) == ("Type here", "as wo")
    assert (upper.left, upper.right) == (25, 70)
    assert (
        upper.printed.places[0].tolist() == upper.printed.places[3].tolist() == [25, 50, 45, 59.5]
    )
    assert lower.hyphen is not None
    assert lower.hyphen.places.tolist() == [[40, 62.5, 55, 70]]
    # Heights vary with the letters, the size of type does not.
    assert upper.size == lower.size
    assert upper.base > lower.base
    assert not upper.spaced


def test_words_far_apart_are_cells() -> None:
    (line,) = lines_of([[Word("Zone", 0, 0, 80, 30), Word("4", 400, 0, 420, 30)]], 1)
    assert line.spaced
    assert [line.text[part.start : part.end] for part in line.stretches] == ["Zone", "4"]
    assert lines_of([], 1) == []
