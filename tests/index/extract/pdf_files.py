"""PDF files made for tests."""

import io
from collections.abc import Callable

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from index.documents import Document
from index.extract import extract

Draw = Callable[[Canvas], None]


def made(*pages: Draw, **options: object) -> bytes:
    buffer = io.BytesIO()
    title = options.pop("title", "")
    canvas = Canvas(buffer, pagesize=A4, invariant=True, **options)
    canvas.setTitle(title)
    canvas.setAuthor("Ann Example")
    for draw in pages:
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def lines(*texts: str, top: float = 760, size: float = 10, left: float = 70) -> Draw:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", size)
        for at, text in enumerate(texts):
            canvas.drawString(left, top - 1.2 * size * at, text)

    return draw


def one_word(word: str, font: str, size: float, turn: int, slant: float, crop: bool) -> Draw:
    """A word from the middle of a small page, which may be turned and cropped, slanted on it."""

    def draw(canvas: Canvas) -> None:
        canvas.setPageSize((300, 340))
        if crop:
            canvas.setCropBox((20, 30, 280, 310))
        canvas.setPageRotation(turn)
        canvas.translate(150, 160)
        canvas.rotate(slant)
        canvas.setFont(font, size)
        canvas.drawString(0, 0, word)

    return draw


def both(*draws: Draw) -> Draw:
    def draw(canvas: Canvas) -> None:
        for each in draws:
            each(canvas)

    return draw


def read(data: bytes, name: str = "report.pdf") -> Document:
    return extract(data, uri=f"file:///{name}", name=name)
