"""Each character of a PDF has the rectangle in which it is printed: PDFium finds it there again."""

import ctypes
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from index.boxes import boxes, unpack, unplaced
from index.documents import Box, Document
from index.extract.builder import TextBuilder
from tests.index.extract.pdf_files import Draw, both, lines, made, one_word, read

PROSE = (
    "Residents of the inner city may park without a limit of time in the zone",
    "that their permit names, on any day but the first Monday of each month,",
    "when the street is swept. A visitor's permit is good for 24 hours; it",
    "costs 4.50 EUR and is bought from the machine at the corner, which takes",
    "coins, notes and cards. It has to be laid behind the wind-screen so that",
)
# Blanks, and what is mended: the hyphens of words that go on, ligatures, the dots of leaders.
MENDED = re.compile(r"[\s\-.\u00ad\x00-\x1f\ufffe]")
DEVICE = 2**20


def turned(degrees: int, draw: Draw) -> Draw:
    def turn(canvas: Canvas) -> None:
        canvas.setPageRotation(degrees)
        draw(canvas)

    return turn


def slanted(degrees: float, draw: Draw) -> Draw:
    def turn(canvas: Canvas) -> None:
        canvas.saveState()
        canvas.translate(A4[0] / 2, A4[1] / 2)
        canvas.rotate(degrees)
        canvas.translate(-200, -650)
        draw(canvas)
        canvas.restoreState()

    return turn


def cropped(draw: Draw) -> Draw:
    def crop(canvas: Canvas) -> None:
        canvas.setCropBox((40, 300, 560, 800))
        draw(canvas)

    return crop


def ligatures(canvas: Canvas) -> None:
    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))
    canvas.setFont("Vera", 11)
    canvas.drawString(
        70, 700, "The \ufb01rst of\ufb01ce is on the \ufb02oor above the \ufb01sh shop."
    )
    canvas.drawString(70, 686, "It is \ufb01nished; its \ufb02at is af\ufb01xed to the \ufb01le.")


def hyphens(canvas: Canvas) -> None:
    lines("The regulations that were is-", "sued are well-known to the resi-", "dents here.")(
        canvas
    )


def raised(canvas: Canvas) -> None:
    words = canvas.beginText(70, 700)
    words.setFont("Times-Roman", 12)
    for text, size, rise in (("A claim", 12, 0), ("2", 7, 5), (", and H", 12, 0), ("2", 7, -3)):
        words.setFont("Times-Roman", size)
        words.setRise(rise)
        words.textOut(text)
    canvas.drawText(words)


def table(canvas: Canvas) -> None:
    canvas.setFont("Helvetica", 10)
    for at, row in enumerate(
        (
            ("Model", "Warranty", "Price"),
            ("Duo 58", "24 months", "1,290.00"),
            ("Solo 30", "12 months", "790.00"),
            ("Trio 90", "36 months", "2,450.00"),
        )
    ):
        for text, left in zip(row, (70, 200, 330), strict=True):
            canvas.drawString(left, 700 - 16 * at, text)


PROSE_LINES = lines(*PROSE)
COLUMNS = both(lines(*PROSE, size=7, left=50), lines(*PROSE, size=7, left=310))
FILES: dict[str, Callable[[], bytes]] = {
    "plain": lambda: made(PROSE_LINES, lines(*PROSE, size=16, left=20)),
    "columns": lambda: made(COLUMNS),
    "quarter": lambda: made(turned(90, PROSE_LINES), turned(90, slanted(90, PROSE_LINES))),
    "half": lambda: made(turned(180, PROSE_LINES), turned(180, slanted(180, PROSE_LINES))),
    "three quarters": lambda: made(turned(270, PROSE_LINES), turned(270, slanted(-90, table))),
    "cropped": lambda: made(cropped(PROSE_LINES), cropped(turned(90, PROSE_LINES))),
    "moved": lambda: made(turned(270, PROSE_LINES)).replace(
        b"/MediaBox [ 0 0 595.2756 841.8898 ]", b"/MediaBox [ -90 -70 595.3 841.9   ]"
    ),
    "upwards": lambda: made(slanted(90, PROSE_LINES), slanted(270, COLUMNS)),
    "ligatures": lambda: made(ligatures, cropped(turned(90, ligatures))),
    "hyphens": lambda: made(hyphens, turned(180, hyphens)),
    "raised": lambda: made(raised),
    "table": lambda: made(table, turned(90, table)),
}


@cache
def document_of(name: str) -> Document:
    return read(FILES[name]())


@cache
def found_by_pdfium(name: str) -> dict[int, list[tuple[float, float, str]]]:
    """By page, the middle of each character on the page as it is shown, by PDFium's own sums."""
    with pypdfium2.PdfDocument(FILES[name]()) as file:
        return {number: characters(page) for number, page in enumerate(file, 1)}


def characters(page: pypdfium2.PdfPage) -> list[tuple[float, float, str]]:
    width, height = page.get_size()
    text_page = page.get_textpage()
    found = []
    for at in range(text_page.count_chars()):
        left, bottom, right, top = text_page.get_charbox(at)
        x, y = ctypes.c_int(), ctypes.c_int()
        middle = (left + right) / 2, (bottom + top) / 2
        pdfium.FPDF_PageToDevice(page, 0, 0, DEVICE, DEVICE, 0, *middle, x, y)
        character = chr(pdfium.FPDFText_GetUnicode(text_page, at))
        found.append((x.value / DEVICE * width, y.value / DEVICE * height, character))
    text_page.close()
    page.close()
    return found


def plain(text: str) -> str:
    return MENDED.sub("", unicodedata.normalize("NFKC", text))


def inside(x: float, y: float, box: Box) -> bool:
    return box.left <= x <= box.right and box.top <= y <= box.bottom


@cache
def places_of(name: str) -> npt.NDArray[np.float32]:
    document = document_of(name)
    assert all(page.glyphs is not None for page in document.pages)
    return np.concatenate([unpack(page.glyphs) for page in document.pages if page.glyphs])


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.data())
def test_the_text_is_found_again_in_its_boxes(name: str, data: st.DataObject) -> None:
    document = document_of(name)
    start = data.draw(st.integers(0, len(document.text) - 1))
    end = data.draw(st.integers(start + 1, min(len(document.text), start + 300)))
    places = places_of(name)
    # Letters of one ligature have one place.
    while start and np.array_equal(places[start - 1], places[start]):
        start -= 1
    while end < len(places) and np.array_equal(places[end], places[end - 1]):
        end += 1
    # Box by box, since PDFium may take the lines of a turned page from the last to the first.
    again = "".join(
        character
        for box in boxes(document, start, end)
        for x, y, character in found_by_pdfium(name)[box.page]
        if inside(x, y, box)
    )
    # A table's headers are printed once and stand before each cell.
    expected = "".join(
        character
        for at, character in enumerate(document.text[start:end], start)
        if not np.isnan(places[at, 0])
    )
    assert plain(again) == plain(expected)


@pytest.mark.parametrize("name", sorted(set(FILES) - {"table", "three quarters"}))
def test_every_character_has_a_place_and_no_blank_has_one(name: str) -> None:
    document = document_of(name)
    blank = [character.isspace() for character in document.text]
    assert np.array_equal(np.isnan(places_of(name)[:, 0]), blank)


def test_in_a_table_all_but_what_was_put_in_has_a_place() -> None:
    document = document_of("table")
    printed = "".join(
        character
        for character, place in zip(document.text, places_of("table"), strict=True)
        if not np.isnan(place[0])
    )
    first = "ModelWarrantyPrice" + "Duo5824months1,290.00"
    assert printed.startswith(first)
    assert "Warranty: 24 months" in document.text


@pytest.mark.parametrize("name", sorted(FILES))
def test_pages_have_the_size_they_are_shown_in(name: str) -> None:
    document = document_of(name)
    with pypdfium2.PdfDocument(FILES[name]()) as file:
        for page in document.pages:
            assert page.glyphs is not None
            size = file.get_page_size(page.number - 1)
            assert (page.glyphs.width, page.glyphs.height) == pytest.approx(size, abs=0.01)


def test_a_line_has_one_box_and_lines_do_not_overlap() -> None:
    document = document_of("plain")
    page = document.pages[0]
    found = boxes(document, page.start, page.end - 2)
    assert len(found) == len(PROSE)
    for upper, lower in pairwise(found):
        assert upper.bottom <= lower.top
        assert upper.bottom - upper.top == pytest.approx(lower.bottom - lower.top, abs=0.1)
    assert (found[0].left, found[0].top) == pytest.approx((70, 841.89 - 760 - 7.5), abs=1.5)


def test_boxes_of_a_quote_are_where_it_is_written() -> None:
    document = document_of("plain")
    start = document.text.index("permit names")
    (box,) = boxes(document, start, start + len("permit names"))
    left = 70 + pdfmetrics.stringWidth("that their ", "Helvetica", 10)
    right = left + pdfmetrics.stringWidth("permit names", "Helvetica", 10)
    assert (box.left, box.right) == pytest.approx((left, right), abs=1)
    assert box.top < 841.89 - 748 < box.bottom
    assert box.page == 1


def ink(data: bytes, scale: float) -> npt.NDArray[np.bool_]:
    with pypdfium2.PdfDocument(data) as file:
        page = file[0]
        picture = page.render(scale=scale, grayscale=True).to_numpy()
        dark: npt.NDArray[np.bool_] = picture.reshape(picture.shape[:2]) < 160
        page.close()
    return dark


def covered(found: tuple[Box, ...], shape: tuple[int, int], scale: float) -> npt.NDArray[np.bool_]:
    mask = np.zeros(shape, dtype=np.bool_)
    for box in found:
        top, bottom = int(box.top * scale) - 1, int(box.bottom * scale) + 2
        mask[
            max(0, top) : bottom, max(0, int(box.left * scale) - 1) : int(box.right * scale) + 2
        ] = True
    return mask


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["Vigjy", "Ågåpé", "H", "once", "(Quay)", "W,"]),
    st.sampled_from(["Helvetica", "Times-Italic", "Courier-Bold"]),
    st.floats(6, 30),
    st.sampled_from([0, 90, 180, 270]),
    st.sampled_from([0, 90, 180, 270, 33]),
    st.booleans(),
)
def test_ink_is_inside_the_boxes(
    word: str, font: str, size: float, turn: int, slant: float, crop: bool
) -> None:
    data = made(one_word(word, font, size, turn, slant, crop))
    document = read(data)
    assert document.text == word
    dark = ink(data, 3)
    found = boxes(document, 0, len(word))
    mask = covered(found, dark.shape, 3)
    assert dark.any()
    assert not (dark & ~mask).any()
    if slant != 33:
        assert len(found) == 1
        assert mask.sum() < 9 * (len(word) * size + 2) * (1.5 * size + 2)


def test_ink_of_other_words_is_outside() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setPageRotation(90)
        canvas.setFont("Helvetica", 14)
        for at, text in enumerate(("above above above", "left quoted right", "below below below")):
            canvas.drawString(100, 500 - 17 * at, text)

    data = made(draw)
    document = read(data)
    dark = ink(data, 4)
    whole = covered(boxes(document, 0, len(document.text)), dark.shape, 4)
    assert not (dark & ~whole).any()
    start = document.text.index("quoted")
    mask = covered(boxes(document, start, start + 6), dark.shape, 4)
    alone = made(
        lambda canvas: (
            canvas.setPageRotation(90),
            canvas.setFont("Helvetica", 14),
            canvas.drawString(
                100 + pdfmetrics.stringWidth("left ", "Helvetica", 14), 483, "quoted"
            ),
        )
    )
    assert np.array_equal(dark & mask, ink(alone, 4))


def test_a_builder_notes_the_places_of_blocks_page_by_page() -> None:
    builder = TextBuilder()
    builder.page(1, (100, 200))
    builder.heading("Guide", 1, np.full((5, 4), 1, dtype=np.float32))
    builder.block("ab", np.full((2, 4), 2, dtype=np.float32))
    builder.page(2, (100, 200))
    builder.block("put in")
    builder.block("c", np.full((1, 4), 3, dtype=np.float32))
    first, second = builder.build().pages
    assert first.glyphs is not None
    assert second.glyphs is not None
    none = [np.nan] * 2
    assert np.array_equal(
        unpack(first.glyphs)[:, 0], [1] * 5 + none + [2] * 2 + none, equal_nan=True
    )
    assert np.array_equal(unpack(second.glyphs)[:, 3], none * 4 + [3], equal_nan=True)


@pytest.mark.parametrize("text", ["abc", "a ", "a\u00ad"])
def test_a_builder_refuses_places_that_do_not_fit(text: str) -> None:
    builder = TextBuilder()
    builder.page(1, (100, 200))
    with pytest.raises(ValueError, match="not one place a character of clean text: 2 for"):
        builder.block(text, unplaced(2))
