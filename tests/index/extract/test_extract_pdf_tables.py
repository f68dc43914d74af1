"""Rows whose cells stand in columns are read with their headers; prose is left alone."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from reportlab.lib.enums import TA_JUSTIFY
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, Table

from index.boxes import boxes
from index.extract.lines import Line, Stretch, are_cells
from index.extract.printed import Printed
from index.extract.rows import columns_apart, find_tables
from tests.index.extract.pdf_files import Draw, both, lines, made, read

ROWS = (
    ("Model", "Warranty", "Price"),
    ("Duo 58", "24 months", "1,290.00"),
    ("Solo 30", "12 months", "790.00"),
    ("Trio 90", "36 months", "2,450.00"),
)


def grid(
    rows: Sequence[Sequence[str]],
    lefts: Sequence[float] = (70, 200, 330),
    *,
    top: float = 700,
    pitch: float = 16,
    size: float = 10,
) -> Draw:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", size)
        for at, row in enumerate(rows):
            for text, left in zip(row, lefts, strict=True):
                canvas.drawString(left, top - pitch * at, text)

    return draw


def test_cells_keep_their_headers() -> None:
    assert read(made(grid(ROWS))).text == (
        "Model | Warranty | Price\n"
        "Model: Duo 58 | Warranty: 24 months | Price: 1,290.00\n"
        "Model: Solo 30 | Warranty: 12 months | Price: 790.00\n"
        "Model: Trio 90 | Warranty: 36 months | Price: 2,450.00"
    )


def test_what_a_first_column_names_is_its_value() -> None:
    pairs = (
        ("Rated power", "2,900 W"),
        ("Weight", "27.4 kg"),
        ("Water tank", "3.2 litres"),
        ("Drip tray", "1.3 litres"),
    )
    assert read(made(grid(pairs, (70, 250)))).text == (
        "Rated power: 2,900 W\nWeight: 27.4 kg\nWater tank: 3.2 litres\nDrip tray: 1.3 litres"
    )


def test_rows_without_headers_are_parted_by_bars() -> None:
    numbers = (("1.5", "20", "300"), ("2.5", "21", "301"), ("3.5", "22", "302"))
    assert read(made(grid(numbers))).text == "1.5 | 20 | 300\n2.5 | 21 | 301\n3.5 | 22 | 302"


def test_a_cell_stands_where_it_is_printed_and_its_header_nowhere() -> None:
    document = read(made(grid(ROWS)))
    start = document.text.index("Warranty: 12 months")
    (box,) = boxes(document, start, start + len("Warranty: 12 months"))
    right = 200 + stringWidth("12 months", "Helvetica", 10)
    assert (box.left, box.right) == pytest.approx((200, right), abs=2)
    assert box.top < 841.89 - 668 < box.bottom


def test_what_stands_around_a_table_stays_prose() -> None:
    above = lines("These are the models that the shop has had since May.", top=740)
    below = lines("All prices are in euros and hold until the end of the year.", top=600)
    text = read(made(both(above, grid(ROWS), below))).text
    assert text.startswith("These are the models that the shop has had since May.\n\nModel |")
    assert text.endswith("2,450.00\n\nAll prices are in euros and hold until the end of the year.")


@pytest.mark.parametrize("align", ["TOP"])
def test_cells_of_several_lines_are_put_together(align: str) -> None:
    style = getSampleStyleSheet()["Normal"]
    rows = [
        [Paragraph(text, style) for text in row]
        for row in (
            ("Problem", "Cause", "Remedy"),
            ("Coffee runs past the rim of the filter holder", "Gasket worn", "Replace it"),
            ("Little steam", "Tip blocked", "Unscrew the tip and clear its holes with a needle"),
            ("No light", "Fuse blown or lamp broken by frost", "Call the service at once, please"),
        )
    ]

    def draw(canvas: Canvas) -> None:
        drawn = Table(rows, colWidths=(120, 100, 140), style=[("VALIGN", (0, 0), (-1, -1), align)])
        drawn.wrapOn(canvas, 400, 400)
        drawn.drawOn(canvas, 70, 500)

    assert read(made(draw)).text == (
        "Problem | Cause | Remedy\n"
        "Problem: Coffee runs past the rim of the filter holder | Cause: Gasket worn"
        " | Remedy: Replace it\n"
        "Problem: Little steam | Cause: Tip blocked"
        " | Remedy: Unscrew the tip and clear its holes with a needle\n"
        "Problem: No light | Cause: Fuse blown or lamp broken by frost"
        " | Remedy: Call the service at once, please"
    )


@pytest.mark.parametrize(
    "rows",
    [
        [("•", "The first item of a list"), ("•", "The second item"), ("•", "Third")] * 2,
        [(f"{number}.", "An item that is numbered") for number in range(1, 7)],
        [(f"2.{number}", "The Tenant pays the Rent") for number in range(1, 7)],
        [("(a)", "one"), ("(b)", "two"), ("(c)", "three"), ("(d)", "four")],
    ],
)
def test_lists_are_no_tables(rows: list[tuple[str, str]]) -> None:
    text = read(made(grid(rows, (70, 110)))).text
    assert " | " not in text
    assert ": " not in text
    assert text.split("\n")[0] == " ".join(rows[0])


def test_rows_of_long_cells_are_not_taken_for_columns_of_prose() -> None:
    rows = [
        ("Voltage and frequency of the mains", "Between 220 and 240 V at 50 or 60 Hz"),
        ("Largest power with both boilers on", "Not more than 2,900 W for ten minutes"),
        ("Capacity of the tank for fresh water", "Some 3.2 litres up to the upper mark"),
        ("Length of the cable and of the hose", "The cable 1.4 m and the hose 1.6 m"),
        ("Permitted temperatures of the room", "From 8 to 35 °C, out of the frost"),
    ]
    text = read(made(grid(rows, (50, 300)))).text
    assert [line.split(": ") for line in text.split("\n")] == [list(row) for row in rows]


def test_lines_without_places_are_kept() -> None:
    rows = page_of([([(0, 40, "a"), (30, 40, "b"), (30, 40, "12")], 12, 10)] * 5)
    bare = Line(Printed.put_in("bare"), 0, 0, rows[1].base - 6, 10)
    page = [*rows[:2], bare, *rows[2:]]
    tables = find_tables(page)
    assert all(not table.start <= 2 < table.end for table in tables)


def test_formulas_are_no_tables() -> None:
    rows = [("f(x)", "=", "ax + b"), ("g(x)", "=", "cx + d"), ("h(x)", "=", "ex")]
    assert " | " not in read(made(grid(rows, (70, 120, 170)))).text


def test_two_addresses_side_by_side_are_no_table() -> None:
    rows = [("Ann Example", "Bob Sample"), ("Director", "Secretary"), ("Alton", "Belling")]
    assert " | " not in read(made(grid(rows, (70, 300), pitch=12))).text


def test_justified_prose_is_no_table() -> None:
    style = ParagraphStyle("justified", fontSize=10, leading=12, alignment=TA_JUSTIFY)
    words = "Understandably administrators of municipal parking regulations disagree occasionally. "
    paragraph = Paragraph(words * 8, style)

    def draw(canvas: Canvas) -> None:
        paragraph.wrapOn(canvas, 130, 600)
        paragraph.drawOn(canvas, 70, 200)

    assert read(made(draw)).text == (words * 8).strip()


# Sizes, gaps and lengths that a page may have, in any combination.
STRETCHES = st.lists(
    st.tuples(st.integers(0, 400), st.integers(1, 200), st.sampled_from(["a", "12", "-", "a b"])),
    min_size=1,
    max_size=5,
)
PAGES = st.lists(
    st.tuples(STRETCHES, st.sampled_from([12, 12, 14, 20, -30]), st.sampled_from([10, 10, 8])),
    max_size=14,
)


def page_of(described: list[tuple[list[tuple[int, int, str]], int, int]]) -> list[Line]:
    found = []
    base = 800.0
    for at, (stretches, step, size) in enumerate(described):
        base -= step
        text, parts, right = "", [], 0.0
        for left, width, word in stretches:
            start = len(text) + bool(text)
            text = f"{text} {word}" if text else word
            parts.append(Stretch(start, len(text), right + left, right + left + width))
            right = right + left + width + 0.6 * size
        places = np.array([[at, offset, at + 1, offset + 1] for offset in range(len(text))])
        found.append(
            Line(
                Printed.of(text, places),
                parts[0].left,
                parts[-1].right,
                base,
                size,
                spaced=are_cells(parts, size),
                stretches=tuple(parts),
            )
        )
    return found


def characters(printed: Printed) -> list[tuple[float, float]]:
    return sorted((left, top) for left, top, _, _ in printed.places.tolist() if left == left)


@example(
    [
        ([(0, 1, "a"), (11, 1, "a")], 12, 10),
        ([(0, 14, "a"), (180, 200, "a b")], 20, 10),
        ([(0, 1, "a"), (1, 29, "a")], 12, 8),
        ([(14, 1, "a"), (389, 72, "a b")], 20, 8),
        ([(3, 2, "a")], 12, 10),
        ([(6, 1, "a"), (25, 1, "a b"), (132, 200, "a"), (102, 1, "a"), (0, 1, "a")], 12, 10),
        ([(41, 1, "a"), (242, 200, "a")], 12, 10),
        ([(0, 1, "a"), (0, 1, "a")], 12, 10),
        ([(0, 1, "a"), (11, 1, "a")], 12, 10),
    ]
)
@given(PAGES)
def test_nothing_that_is_printed_is_lost_or_doubled(
    described: list[tuple[list[tuple[int, int, str]], int, int]],
) -> None:
    page = page_of(described)
    whole = characters(Printed.join([line.printed for line in page]))
    assert characters(Printed.join([line.printed for line in columns_apart(page)])) == whole
    done = 0
    for table in find_tables(page):
        assert done <= table.start < table.end <= len(page)
        done = table.end
        inside = Printed.join([line.printed for line in page[table.start : table.end]])
        # A row of headers that comes twice is written once.
        assert set(characters(table.printed)) <= set(characters(inside))
        assert len(characters(table.printed)) == len(set(characters(table.printed)))
        lost = len(characters(inside)) - len(characters(table.printed))
        assert lost == 0 or len({line.text for line in page}) < len(page)


@pytest.mark.slow
@pytest.mark.parametrize(
    "widths", [[(0, 40), (30, 40), (30, 40)], [(at % 7, 3 + at % 5) for at in range(60)]]
)
@pytest.mark.parametrize("shift", [0, 1])
def test_time_grows_with_the_lines_alone(widths: list[tuple[int, int]], shift: int) -> None:
    rows = [
        page_of([([(left + 13 * shift * (at % 5), width, "ab") for left, width in widths], 12, 10)])
        for at in range(5)
    ]

    def seconds(count: int) -> float:
        page = [replace(rows[at % 5][0], base=-12.0 * at) for at in range(count)]
        began = time.process_time()
        find_tables(page)
        columns_apart(page)
        return time.process_time() - began

    seconds(50)
    assert seconds(1600) < 24 * seconds(200) + 0.1
