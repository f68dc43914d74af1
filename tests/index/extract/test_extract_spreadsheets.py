"""Workbooks: each sheet's tables, with values as they are shown and cells that can be cited."""

import io
import re
import time
import zipfile
from collections.abc import Callable
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from index.documents import Document
from index.errors import DocumentTooLarge, UnreadableDocument
from index.extract import extract, sheets


def saved(workbook: Workbook, changes: Callable[[str, bytes], bytes] | None = None) -> bytes:
    buffer = io.BytesIO()
    workbook.save(buffer)
    if changes is None:
        return buffer.getvalue()
    after = io.BytesIO()
    with zipfile.ZipFile(buffer) as archive, zipfile.ZipFile(after, "w") as changed:
        for name in archive.namelist():
            changed.writestr(name, changes(name, archive.read(name)))
    return after.getvalue()


def read(data: bytes, name: str = "a.xlsx") -> Document:
    return extract(data, uri=f"file:///{name}", name=name)


def sheet(name: str = "Sales") -> tuple[Workbook, Worksheet]:
    workbook = Workbook()
    worksheet = workbook.active
    assert isinstance(worksheet, Worksheet)
    worksheet.title = name
    return workbook, worksheet


def text(rows: list[list[object]]) -> str:
    """The text of a sheet with these rows, without the sheet's name."""
    workbook, worksheet = sheet()
    for row in rows:
        worksheet.append(row)
    found = read(saved(workbook)).text
    assert found.startswith("Sales\n\n")
    return found.removeprefix("Sales\n\n")


def test_a_sheet_is_a_part_whose_cells_can_be_cited() -> None:
    workbook, worksheet = sheet()
    worksheet["B3"], worksheet["C3"] = "Model", "Warranty"
    worksheet["B4"], worksheet["C4"] = "Duo 58", "24 months"
    second = workbook.create_sheet("Costs")
    second["A1"], second["B1"] = "Rent", 1200
    second.sheet_state = "hidden"
    found = read(saved(workbook))
    assert found.text == (
        "Sales\n\nModel | Warranty\nModel: Duo 58 | Warranty: 24 months\n\nCosts\n\nRent | 1200"
    )
    assert [(part.kind, part.name) for part in found.parts] == [
        ("sheet", "Sales"),
        ("sheet", "Costs"),
    ]
    assert [section.path for section in found.sections] == [("Sales",), ("Costs",)]
    cited = {
        found.text[cell.start : cell.end]: (cell.row, cell.column)
        for cell in found.cells
        if found.part_at("sheet", cell.start) == "Sales"
    }
    assert cited == {
        "Model": (3, 2),
        "Warranty": (3, 3),
        "Duo 58": (4, 2),
        "24 months": (4, 3),
    }
    assert found.title == "a"


def test_values_are_shown_as_the_sheet_shows_them() -> None:
    workbook, worksheet = sheet()
    for value, number_format in (
        (0.125, "0.0%"),
        (1204.5, '#,##0.00 "€"'),
        (date(2024, 3, 1), "d mmm yyyy"),
        (datetime(2024, 3, 1, 9, 30), "yyyy-mm-dd hh:mm"),
        (True, "General"),
    ):
        worksheet.append([value])
        worksheet.cell(worksheet.max_row, 1).number_format = number_format
    assert read(saved(workbook)).text == (
        "Sales\n\n12.5%\n1,204.50 €\n1 Mar 2024\n2024-03-01 09:30\nTRUE"
    )


def test_dates_count_from_the_epoch_of_the_workbook() -> None:
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    workbook, worksheet = sheet()
    workbook.epoch = CALENDAR_MAC_1904
    worksheet["A1"] = datetime(2024, 3, 1)
    worksheet["A1"].number_format = "yyyy-mm-dd"
    assert "2024-03-01" in read(saved(workbook)).text


def test_a_formula_is_read_as_its_stored_value() -> None:
    workbook, worksheet = sheet()
    worksheet["A1"], worksheet["A2"], worksheet["A3"] = "Sum", "=1+1", "=2+2"

    def changes(name: str, data: bytes) -> bytes:
        return re.sub(rb"(<f>1\+1</f>)<v ?(?:/>|></v>)", rb"\1<v>2</v>", data)

    assert read(saved(workbook, changes)).text == "Sales\n\nSum\n2"


def test_blocks_with_nothing_around_them_are_tables_of_their_own() -> None:
    rows: list[list[object]] = [
        ["Team", "Wins", None, "City", "Rain"],
        ["Kestrels", 31, None, "Oslo", 12],
        [],
        ["Checked by Ann."],
    ]
    assert text(rows) == (
        "Team | Wins\nTeam: Kestrels | Wins: 31\n\nCity | Rain\nCity: Oslo | Rain: 12\n\n"
        "Checked by Ann."
    )


def test_columns_of_figures_behind_a_gap_stay_with_their_names() -> None:
    rows: list[list[object]] = [
        ["Zone", "Sales", None, "Costs"],
        ["North", 31, None, 12],
        ["South", 30, None, 10],
    ]
    assert text(rows) == (
        "Zone | Sales | Costs\nZone: North | Sales: 31 | Costs: 12\n"
        "Zone: South | Sales: 30 | Costs: 10"
    )


def test_a_table_goes_on_after_an_empty_row() -> None:
    rows: list[list[object]] = [
        ["Zone", "Sales"],
        [],
        ["North", 31],
        ["South", 30],
        [],
        ["All", 61],
    ]
    assert text(rows) == (
        "Zone | Sales\nZone: North | Sales: 31\nZone: South | Sales: 30\nZone: All | Sales: 61"
    )


def test_a_bold_first_row_is_a_header() -> None:
    workbook, worksheet = sheet()
    for row in (["Name", "Role", "Seat"], ["Ann", "Lead", "Oslo"]):
        worksheet.append(row)
    assert read(saved(workbook)).text.endswith("Ann | Lead | Oslo")
    for cell in worksheet[1]:
        cell.font = Font(bold=True)
    assert read(saved(workbook)).text.endswith("Name: Ann | Role: Lead | Seat: Oslo")


def test_merged_cells_stand_in_each_row_and_over_their_columns() -> None:
    workbook, worksheet = sheet()
    for row in (
        ["Wins of 2024"],
        ["Region", "Home", None, "Away"],
        [None, "Won", "Lost", "Won"],
        ["North", 3, 1, 4],
        [None, 2, 2, 5],
    ):
        worksheet.append(row)
    for merged in ("A1:D1", "A2:A3", "B2:C2", "A4:A5"):
        worksheet.merge_cells(merged)
    assert read(saved(workbook)).text == (
        "Sales\n\nWins of 2024\nRegion | Home | Away\nRegion | Won | Lost | Won\n"
        "Region: North | Home Won: 3 | Home Lost: 1 | Away Won: 4\n"
        "Region: North | Home Won: 2 | Home Lost: 2 | Away Won: 5"
    )


def test_a_cell_in_the_last_row_and_a_size_that_lies_take_no_room() -> None:
    workbook, worksheet = sheet()
    worksheet["A1"], worksheet["XFD1048576"] = "first", "last"

    def changes(name: str, data: bytes) -> bytes:
        return data.replace(b'ref="A1:XFD1048576"', b'ref="A1:ZZZ99999999"')

    found = read(saved(workbook, changes))
    assert found.text == "Sales\n\nfirst\n\nlast"
    assert (found.cells[-1].row, found.cells[-1].column) == (1_048_576, 16_384)


def test_a_diagonal_is_read_in_a_moment() -> None:
    workbook, worksheet = sheet()
    for at in range(1, 3000):
        worksheet.cell(at, at, f"x{at}")
    start = time.process_time()
    assert read(saved(workbook)).text.endswith("x2998\nx2999")
    assert time.process_time() - start < 10


def test_merged_ranges_that_cover_all_are_not_spread() -> None:
    workbook, worksheet = sheet()
    worksheet["A1"], worksheet["B2"] = "a", "b"
    worksheet.merge_cells("C3:D4")

    def changes(name: str, data: bytes) -> bytes:
        return data.replace(b"C3:D4", b"A1:XFD1048576")

    assert read(saved(workbook, changes)).text == "Sales\n\na\nb"


def test_too_many_cells_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_CELLS", 10)
    workbook, worksheet = sheet()
    for _ in range(6):
        worksheet.append(["a", "b"])
    with pytest.raises(DocumentTooLarge, match=r"^a\.xlsx: has more than 10 cells"):
        read(saved(workbook))


def test_a_workbook_that_holds_nothing_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match=r"^a\.xlsx: holds no text"):
        read(saved(sheet()[0]))


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (b"</row>", b"", "is damaged"),
        (b"<sheetData>", b'<!DOCTYPE a [<!ENTITY a "aaaa">]><sheetData>', "its XML declares"),
        (b't="s"', b't="q"', ""),
        (b'r="A1"', b'r="1A"', "is damaged"),
    ],
)
def test_damage_is_named(before: bytes, after: bytes, reason: str) -> None:
    workbook, worksheet = sheet()
    worksheet["A1"] = "text"

    def changes(name: str, data: bytes) -> bytes:
        return data.replace(before, after) if name.startswith("xl/worksheets/") else data

    data = saved(workbook, changes)
    if not reason:
        assert read(data).text
        return
    with pytest.raises(UnreadableDocument, match=rf"^a\.xlsx: {reason}"):
        read(data)


def test_the_stated_title_is_used() -> None:
    workbook, worksheet = sheet()
    worksheet["A1"] = "text"
    workbook.properties.title, workbook.properties.creator = "Budget", "Ann"
    workbook.properties.created = datetime(2024, 3, 1, 9, 30)
    found = read(saved(workbook))
    assert found.title == "Budget"
    assert (found.metadata["author"], found.metadata["created"]) == ("Ann", "2024-03-01T09:30:00Z")


VALUES = st.one_of(
    st.none(),
    st.integers(-(10**9), 10**9),
    st.sampled_from(["Team", "City", "a b", "31", "x" * 90, " "]),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=8),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(VALUES, max_size=6), max_size=8))
def test_any_sheet_says_each_value_once_at_its_place(rows: list[list[object]]) -> None:
    workbook, worksheet = sheet("s")
    for number, row in enumerate(rows, 1):
        for column, value in enumerate(row, 1):
            cell = worksheet.cell(number, column)
            cell.value = value if not isinstance(value, str) or value else None
            cell.data_type = "s" if isinstance(cell.value, str) else "n"
    expected = {
        (number, column): words
        for number, row in enumerate(rows, 1)
        for column, value in enumerate(row, 1)
        if (words := " ".join(re.sub("[\u00ad\u200b\u2060\ufeff]", "", str(value)).split()))
        and value is not None
    }
    data = saved(workbook)
    if not any(re.search(r"[^\W_]", words) for words in expected.values()):
        return
    found = read(data)
    cited = {(cell.row, cell.column): found.text[cell.start : cell.end] for cell in found.cells}
    assert {place: words for place, words in cited.items() if place in expected} == cited
    repeated = [words for place, words in expected.items() if place not in cited]
    # Only a row that repeats the headers may be left out.
    assert all(words in cited.values() for words in repeated)
