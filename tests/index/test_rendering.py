"""Pages as pictures: what is printed lies in its boxes, and nothing comes to too much."""

import io
import re
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from index.boxes import boxes
from index.documents import Box, Document
from index.errors import UnknownPage, UnreadableDocument
from index.rendering import (
    LEAST_WIDTH,
    MOST_PIXELS,
    MOST_WIDTH,
    PageImage,
    PageImages,
    draw,
    png,
    png_size,
)
from tests.index.extract.pdf_files import lines, made, one_word, read
from tests.paths import ROOT

Picture = npt.NDArray[np.uint8]
SEEDS = ("office-lease.pdf", "product-manual.pdf")


def picture(image: PageImage) -> Picture:
    """The pixels, (height, width, 3), as an independent reader of PNG files has them."""
    with Image.open(io.BytesIO(image.png)) as opened:
        assert opened.format == "PNG"
        assert opened.size == (image.width, image.height)
        return np.asarray(opened.convert("RGB"))


def drawn(data: bytes, page: int, width: int) -> tuple[PageImage, Picture]:
    image = draw(data, page, width, name="x.pdf")
    assert image.page == page
    return image, picture(image)


def dark(pixels: Picture) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pixels.min(axis=2) < 160
    return found


def covered(found: tuple[Box, ...], document: Document, image: PageImage) -> npt.NDArray[np.bool_]:
    """The pixels under boxes, scaled as a viewer scales them; one pixel more on each side."""
    mask = np.zeros((image.height, image.width), np.bool_)
    for box in found:
        (page,) = [page for page in document.pages if page.number == box.page]
        assert page.glyphs is not None
        across, down = image.width / page.glyphs.width, image.height / page.glyphs.height
        top, left = int(box.top * down) - 1, int(box.left * across) - 1
        bottom, right = int(box.bottom * down) + 2, int(box.right * across) + 2
        mask[max(0, top) : bottom, max(0, left) : right] = True
    return mask


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["Vigjy", "Ågåpé", "H", "once", "(Quay)", "W,"]),
    st.sampled_from(["Helvetica", "Times-Italic", "Courier-Bold"]),
    st.floats(8, 30),
    st.sampled_from([0, 90, 180, 270]),
    st.sampled_from([0, 90, 180, 270, 33]),
    st.booleans(),
    st.integers(400, 1300),
)
def test_ink_is_inside_the_boxes(
    word: str, font: str, size: float, turn: int, slant: float, crop: bool, width: int
) -> None:
    data = made(one_word(word, font, size, turn, slant, crop))
    document = read(data)
    image, pixels = drawn(data, 1, width)
    assert image.width == width
    ink = dark(pixels)
    found = boxes(document, 0, len(document.text))
    mask = covered(found, document, image)
    assert ink.any()
    assert not (ink & ~mask).any()
    assert (pixels[~mask] > 250).all()


@cache
def seed(name: str) -> tuple[bytes, Document]:
    data = (ROOT / "seeds" / name).read_bytes()
    return data, read(data, name)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.sampled_from(SEEDS), st.integers(500, 1600), st.data())
def test_words_of_a_real_file_are_printed_in_their_boxes(
    name: str, width: int, data: st.DataObject
) -> None:
    file, document = seed(name)
    page = data.draw(st.sampled_from(document.pages[1:]))  # the first one may be a cover
    words = [
        (start, start + len(word))
        for start, word in _words(document.text[page.start : page.end], page.start)
        # The name of a column, repeated in each row of a table, is printed once above them.
        if word.isalpha() and len(word) > 2 and boxes(document, start, start + len(word))
    ]
    image, pixels = drawn(file, page.number, width)
    # Some type is white on a dark ground.
    for start, end in data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=5)):
        found = boxes(document, start, end)
        under = pixels[covered(found, document, image)].max(axis=-1).astype(int)
        assert under.max() - under.min() > 60, document.text[start:end]
    everything = boxes(document, page.start, page.end)
    left = min(box.left for box in everything) * image.width / A4[0]
    margin = pixels[:, : int(left * 0.9)]
    assert margin.size
    assert (margin == 255).all()


def _words(text: str, first: int) -> list[tuple[int, str]]:
    found, at = [], 0
    for word in text.split():
        at = text.index(word, at)
        found.append((first + at, word))
        at += len(word)
    return found


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_page_whose_corner_is_not_at_zero(turn: int) -> None:
    def print_word(canvas: Canvas) -> None:
        canvas.setPageRotation(turn)
        canvas.setFont("Helvetica", 20)
        canvas.drawString(100, 500, "corner")

    data = re.sub(
        rb"/MediaBox \[ 0 0 (\S+) (\S+) \]", rb"/MediaBox[-90 -70 \1 \2]", made(print_word)
    )
    document = read(data)
    assert document.pages[0].glyphs is not None
    assert document.pages[0].glyphs.width > A4[0] + 60
    image, pixels = drawn(data, 1, 700)
    mask = covered(boxes(document, 0, 6), document, image)
    ink = dark(pixels)
    assert ink.any()
    assert not (ink & ~mask).any()


def test_colours_are_those_of_the_page() -> None:
    def fill(canvas: Canvas) -> None:
        canvas.setFillColorRGB(1, 0, 0)
        canvas.rect(0, A4[1] / 2, A4[0], A4[1] / 2, stroke=0, fill=1)
        canvas.setFillColorRGB(0, 0, 1)
        canvas.rect(0, 0, A4[0], A4[1] / 4, stroke=0, fill=1)

    _, pixels = drawn(made(fill), 1, 100)
    assert pixels[10, 50].tolist() == [255, 0, 0]
    assert pixels[90, 50].tolist() == [255, 255, 255]
    assert pixels[-10, 50].tolist() == [0, 0, 255]


def test_every_page_is_drawn_by_its_number() -> None:
    data = made(lines("one", top=760), lines("two", top=60))
    first, second = (dark(drawn(data, page, 200)[1]) for page in (1, 2))
    height = first.shape[0]
    assert first[: height // 2].any()
    assert not first[height // 2 :].any()
    assert second[height // 2 :].any()
    assert not second[: height // 2].any()


@pytest.mark.parametrize("page", [0, -1, 3, 2**40])
def test_a_page_that_is_not_there(page: int) -> None:
    data = made(lines("one"), lines("two"))
    with pytest.raises(UnknownPage, match=rf"^x\.pdf: has 2 pages; there is no page {page}$"):
        draw(data, page, 200, name="x.pdf")


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7 nonsense", b"no PDF at all"])
def test_what_is_no_pdf_is_not_drawn(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match=r"^x\.pdf: page 1 cannot be drawn"):
        draw(data, 1, 200, name="x.pdf")


@pytest.mark.parametrize("width", [0, -5, LEAST_WIDTH - 1, MOST_WIDTH + 1])
def test_a_width_that_is_not_drawn(width: int) -> None:
    with pytest.raises(ValueError, match=f"a width of {width} pixels; from 16 to 4096 are drawn"):
        draw(made(lines("one")), 1, width, name="x.pdf")


@settings(max_examples=30, deadline=None)
@given(
    st.floats(0.01, 14_000),
    st.floats(0.01, 14_000),
    st.integers(LEAST_WIDTH, MOST_WIDTH),
    st.sampled_from([0, 90]),
)
def test_no_page_is_drawn_with_too_many_pixels(
    across: float, down: float, width: int, turn: int
) -> None:
    def shape(canvas: Canvas) -> None:
        canvas.setPageSize((across, down))
        canvas.setPageRotation(turn)

    image = draw(made(shape), 1, width, name="x.pdf")
    assert 1 <= image.width <= width
    assert image.height >= 1
    assert image.width * image.height <= MOST_PIXELS
    assert png_size(image.png) == (image.width, image.height)


def test_a_wide_picture_is_drawn_narrower_in_its_shape() -> None:
    image = draw(made(lines("one")), 1, MOST_WIDTH, name="x.pdf")
    assert 0.99 * MOST_PIXELS < image.width * image.height <= MOST_PIXELS
    assert image.height / image.width == pytest.approx(A4[1] / A4[0], rel=1e-3)


PIXELS = st.tuples(st.integers(1, 20), st.integers(1, 20)).flatmap(
    lambda size: arrays(np.uint8, (*size, 3)) | arrays(np.uint8, (*size, 1))
)


@given(PIXELS)
def test_a_png_file_holds_its_pixels(pixels: Picture) -> None:
    grey = pixels.shape[2] == 1
    whole = np.repeat(pixels, 3, axis=2) if grey else pixels
    data = png(whole)
    height, width = whole.shape[:2]
    assert png_size(data) == (width, height)
    assert np.array_equal(picture(PageImage(data, 1, width, height)), whole)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.mode == ("L" if grey or (whole == whole[..., :1]).all() else "RGB")


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda b: png(PIXEL) + b))
def test_other_bytes_are_no_png_file_of_ours(data: bytes) -> None:
    if data == png(PIXEL):
        return
    with pytest.raises(ValueError):
        png_size(data)


PIXEL = np.zeros((1, 1, 3), np.uint8)


@given(st.data())
def test_a_png_file_that_was_changed_is_none_of_ours(data: st.DataObject) -> None:
    whole = bytearray(png(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError):
        png_size(bytes(whole))


def image_of(size: int, page: int = 1) -> PageImage:
    return PageImage(bytes(size), page, 10, 10)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 2), st.integers(0, 60), st.booleans()),
        max_size=30,
    )
)
def test_pictures_are_kept_as_long_as_there_is_room(
    steps: list[tuple[str, int, int, bool]],
) -> None:
    kept = PageImages(100)
    oracle: dict[tuple[str, int], PageImage] = {}
    for sha256, page, size, look in steps:
        if look:
            assert kept.get(sha256, page, 10) == oracle.get((sha256, page))
            if (sha256, page) in oracle:
                oracle[sha256, page] = oracle.pop((sha256, page))
            continue
        image = image_of(size, page)
        kept.keep(sha256, 10, image)
        oracle.pop((sha256, page), None)
        oracle[sha256, page] = image
        while sum(len(one.png) for one in oracle.values()) > 100:
            del oracle[next(iter(oracle))]
    for (sha256, page), image in oracle.items():
        assert kept.get(sha256, page, 10) is image
    assert kept.get("a", 1, 11) is None


def test_a_picture_too_large_to_be_kept_drives_none_out() -> None:
    kept = PageImages(100)
    kept.keep("a", 10, image_of(50))
    kept.keep("b", 10, image_of(101))
    assert kept.get("a", 1, 10) == image_of(50)
    assert kept.get("b", 1, 10) is None
