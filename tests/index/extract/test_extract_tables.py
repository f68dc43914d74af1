"""Tables: each row is a line whose cells keep their headers."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.extract.builder import TextBuilder
from index.extract.cleaning import clean
from index.extract.tables import (
    Spanning,
    TableCell,
    could_head,
    grid_of,
    lines,
    spread,
)

quick = settings(max_examples=100, deadline=None)


def read(rows: list[list[str]], header_rows: int | None = None) -> list[str]:
    return [line.text for line in lines(grid_of(rows), header_rows=header_rows)]


def marked(rows: list[list[str]]) -> list[str]:
    """The lines of a table in which a cell that begins with "!" is marked as a header."""
    grid = [
        [TableCell(text.removeprefix("!"), text.startswith("!")) for text in row] for row in rows
    ]
    return [line.text for line in lines(grid)]


def test_cells_keep_the_header_of_their_column() -> None:
    rows = [["Model", "Warranty"], ["Duo 58", "24 months"], ["Duo 60", "36 months"]]
    assert read(rows) == [
        "Model | Warranty",
        "Model: Duo 58 | Warranty: 24 months",
        "Model: Duo 60 | Warranty: 36 months",
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [["Warranty", "24 months"], ["Weight", "3 kg"], ["Colour", "blue"]],
        [["Colour", "blue"], ["Weight", "3 kg"], ["Length", "5 m"]],
        [["Seat:", "Bergen"], ["Head:", "Ann"]],
    ],
)
def test_the_first_of_two_columns_names_the_second(rows: list[list[str]]) -> None:
    assert read(rows) == [f"{key.rstrip(':')}: {value}" for key, value in rows]


@pytest.mark.parametrize(
    "rows",
    [
        [["a", "b", "c"], ["d", "e", "f"]],
        [["1", "2"], ["3", "4"]],
        [["Ann", "Bob"], ["Cy", "Di"]],
        [["only", "one row"]],
        [["One sentence stands here.", "3"], ["Another stands here.", "4"]],
        [["Ann", "12"], ["Ann", "14"]],
    ],
)
def test_without_a_header_cells_stand_side_by_side(rows: list[list[str]]) -> None:
    assert read(rows) == [" | ".join(row) for row in rows]


def test_years_over_figures_are_headers() -> None:
    rows = [["", "2023", "2024"], ["Revenue", "5.2", "6.1"], ["Costs", "4", "3"]]
    assert read(rows) == [
        "2023 | 2024",
        "Revenue | 2023: 5.2 | 2024: 6.1",
        "Costs | 2023: 4 | 2024: 3",
    ]


def test_names_without_a_corner_are_headers() -> None:
    assert read([["", "Oslo", "Bergen"], ["Rain", "often", "always"]]) == [
        "Oslo | Bergen",
        "Rain | Oslo: often | Bergen: always",
    ]


def test_a_single_cell_above_is_a_caption() -> None:
    rows = [["Teams 2024", "", ""], ["Team", "City", "Wins"], ["Kestrels", "Oslo", "31"]]
    assert read(rows) == [
        "Teams 2024",
        "Team | City | Wins",
        "Team: Kestrels | City: Oslo | Wins: 31",
    ]


def test_rows_with_few_cells_above_the_header_stand_as_they_are() -> None:
    rows = [
        ["In millions", "", "", "", "", "2023"],
        ["", "Sales", "Profit", "Tax", "Costs", "Rest"],
        ["North", "5", "4", "3", "2", "1"],
        ["South", "6", "5", "4", "3", "2"],
    ]
    assert read(rows)[:3] == [
        "In millions | 2023",
        "Sales | Profit | Tax | Costs | Rest",
        "North | Sales: 5 | Profit: 4 | Tax: 3 | Costs: 2 | Rest: 1",
    ]


def test_groups_of_columns_are_recognised_by_their_merged_cells() -> None:
    home, away = TableCell("Home"), TableCell("Away")
    grid = [
        [TableCell("Team"), home, home, away, away],
        [TableCell(text) for text in ("", "Won", "Lost", "Won", "Lost")],
        [TableCell(text) for text in ("Kestrels", "3", "1", "2", "2")],
    ]
    assert [line.text for line in lines(grid)][2] == (
        "Team: Kestrels | Home Won: 3 | Home Lost: 1 | Away Won: 2 | Away Lost: 2"
    )


def test_empty_cells_rows_and_columns_are_left_out() -> None:
    rows = [
        ["Team", "", "City", "Wins"],
        [],
        ["Kestrels", "", "", "31"],
        ["", " ", "Oslo", "\u00ad"],
    ]
    assert read(rows) == ["Team | City | Wins", "Team: Kestrels | Wins: 31", "City: Oslo"]


def test_a_header_that_comes_again_is_written_once() -> None:
    rows = [["Team", "Wins"], ["A", "1"], ["Team", "Wins"], ["B", "2"]]
    assert read(rows, 1) == ["Team | Wins", "Team: A | Wins: 1", "Team: B | Wins: 2"]


def test_marked_headers_of_columns_and_rows() -> None:
    assert marked([["!", "!Oslo", "!Bergen"], ["!Rain", "often", "always"]]) == [
        "Oslo | Bergen",
        "Rain | Oslo: often | Bergen: always",
    ]
    assert marked([["!Rain", "often", "always"], ["!Snow", "some", "none"]]) == [
        "Rain: often | always",
        "Snow: some | none",
    ]
    assert marked([["!Model", "Duo", "!Warranty", "24 months"]]) == [
        "Model: Duo | Warranty: 24 months"
    ]
    assert marked([["!a", "!b"], ["!c", "!d"]]) == ["a | b", "a: c | b: d"]


def test_headers_in_two_rows_are_joined() -> None:
    sales = TableCell("Sales", is_header=True)
    city, first, second = (TableCell(text, is_header=True) for text in ("City", "2023", "2024"))
    both = TableCell("none")
    grid = [
        [city, sales, sales],
        [city, first, second],
        [TableCell("Oslo"), TableCell("5"), TableCell("6")],
        [TableCell("Bergen"), both, both],
    ]
    assert [line.text for line in lines(grid)] == [
        "City | Sales",
        "City | 2023 | 2024",
        "City: Oslo | Sales 2023: 5 | Sales 2024: 6",
        "City: Bergen | Sales: none",
    ]


def test_a_cell_merged_over_rows_stands_in_each_unless_it_is_long() -> None:
    north, long = TableCell("North"), TableCell("long " * 100)
    grid = [
        [TableCell("Region"), TableCell("City"), TableCell("Wins")],
        [north, TableCell("Oslo"), TableCell("3")],
        [north, TableCell("Bodø"), TableCell("4")],
        [long, TableCell("Rome"), TableCell("5")],
        [long, TableCell("Bari"), TableCell("6")],
    ]
    found = [line.text for line in lines(grid)]
    assert found[1:3] == [
        "Region: North | City: Oslo | Wins: 3",
        "Region: North | City: Bodø | Wins: 4",
    ]
    assert found[4] == "City: Bari | Wins: 6"


def test_offsets_cover_the_value_only() -> None:
    (_, line) = lines(grid_of([["Model", "Warranty"], ["Duo 58", "24 months"]]))
    found = [(line.text[cell.start : cell.end], cell.row, cell.column) for cell in line.cells]
    assert found == [("Duo 58", 2, 1), ("24 months", 2, 2)]


def test_long_headers_are_written_once() -> None:
    long = "How many of the " * 10
    assert read([[long, "B"], ["1", "2"]], 1) == [f"{long.strip()} | B", "1 | B: 2"]


def test_spreading_is_what_a_browser_does() -> None:
    a, b, c, d, e = (TableCell(text) for text in "abcde")
    rows = [
        [Spanning(a, rows=2), Spanning(b, columns=2)],
        [Spanning(c), Spanning(d, rows=9)],
        [Spanning(e)],
    ]
    assert spread(rows) == [[a, b, b], [a, c, d], [e, None, d]]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (["Team", "City"], True),
        (["", "City", "Wins"], True),
        (["Team", "Team"], False),
        (["Team", "12"], False),
        (["Team", ""], False),
        (["This is a sentence.", "City"], False),
        ([], False),
    ],
)
def test_what_could_be_a_header(row: list[str], expected: bool) -> None:
    assert could_head(row) is expected


TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "Team", "City", "31", "2024", "a: b", "x | y", "\u00ad", "\x1c", "x" * 90]
    ),
)
CELLS = st.builds(TableCell, TEXTS, st.booleans(), st.integers(0, 3), st.integers(0, 3))
SPANNINGS = st.lists(
    st.lists(
        st.builds(Spanning, CELLS, st.integers(-1, 70_000), st.integers(-1, 2000)), max_size=5
    ),
    max_size=6,
)


@pytest.mark.slow
@quick
@given(SPANNINGS, st.one_of(st.none(), st.integers(0, 9)))
def test_any_table(rows: list[list[Spanning]], header_rows: int | None) -> None:
    grid = spread(rows)
    assert len(grid) == len(rows)
    slotted = {cell for row in grid for cell in row}
    assert {spanning.cell for row in rows for spanning in row} <= slotted
    found = list(lines(grid, header_rows=header_rows))
    values = {" ".join(clean(cell.text).split()) for cell in slotted if cell is not None}
    written: set[str] = set()
    for line in found:
        assert line.text == " ".join(clean(line.text).split())
        assert line.text
        end = 0
        for cell in line.cells:
            assert end <= cell.start < cell.end <= len(line.text)
            assert cell.row > 0
            assert cell.column > 0
            assert line.text[cell.start : cell.end] in values
            end = cell.end
        written.add(line.text)
    text = "\n".join(sorted(written))
    assert all(value in text for value in values)
    builder = TextBuilder()
    builder.table(found)
    extracted = builder.build()
    assert len(extracted.cells) == sum(len(line.cells) for line in found)
    assert all(extracted.text[cell.start : cell.end] in values for cell in extracted.cells)


@quick
@given(st.lists(st.lists(TEXTS, max_size=5), max_size=6))
def test_values_stand_in_their_order(rows: list[list[str]]) -> None:
    expected = [text for row in rows for value in row if (text := " ".join(clean(value).split()))]
    found = [
        line.text[cell.start : cell.end]
        for line in lines(grid_of(rows), header_rows=0)
        for cell in line.cells
    ]
    assert found == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "rows",
    [
        [[Spanning(TableCell("x" * 100), 65_534, 1000)] * 20] * 100,
        [[Spanning(TableCell("a"), 30_000, 1)]] * 30_000,
        [[Spanning(TableCell("a", is_header=True))] * 2] * 20_000,
        [[Spanning(TableCell("a"))] * 16_000, *([[Spanning(TableCell("b"))] * 2] * 20_000)],
    ],
    ids=["wide", "tall", "headers", "ragged"],
)
def test_hostile_tables_take_linear_time(rows: list[list[Spanning]]) -> None:
    start = time.process_time()
    assert sum(len(line.text) for line in lines(spread(rows))) < 30_000_000
    assert time.process_time() - start < 10


def test_labels_do_not_outgrow_the_values() -> None:
    header = ["x" * 79 + str(at) for at in range(10)]
    found = read([header, *([["1"] * 10] * 3_000)], 1)
    assert sum(map(len, found)) < 3_000_000
    assert found[1].startswith(f"{header[0]}: 1 | ")
    assert found[-1] == " | ".join("1" * 10)
