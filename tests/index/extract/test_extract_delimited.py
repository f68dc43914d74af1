"""CSV and TSV: one table, whose cells can be cited."""

import csv
import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.documents import Document
from index.errors import DocumentTooLarge
from index.extract import extract, sheets


def read(data: str, name: str = "a.csv") -> Document:
    return extract(data.encode(), uri=f"file:///{name}", name=name)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    rows = ["Team,City,Wins", "Kestrels,Oslo,31", "Harriers,Bergen,30"]
    found = read("\n".join(row.replace(",", delimiter) for row in rows))
    assert found.text == (
        "Team | City | Wins\nTeam: Kestrels | City: Oslo | Wins: 31\n"
        "Team: Harriers | City: Bergen | Wins: 30"
    )
    assert [
        (found.text[cell.start : cell.end], cell.row, cell.column) for cell in found.cells[3:5]
    ] == [("Kestrels", 2, 1), ("Oslo", 2, 2)]
    assert found.parts == ()
    assert found.title == "a"


def test_other_marks_in_the_cells_do_not_part_them() -> None:
    data = "Name;Price\nLamp, small;1,5\nLamp, large;2,5\nVase;3,0"
    assert read(data).text.splitlines()[1] == "Name: Lamp, small | Price: 1,5"
    tabbed = "Name\tNote\na, b\tc, d\ne, f\tg, h\n"
    assert read(tabbed, "a.tsv").text.splitlines()[1] == "Name: a, b | Note: c, d"


def test_excel_may_say_what_parts_the_cells() -> None:
    assert read("sep=;\r\nTeam,s;Wins\r\nA,b;3\r\n").text == "Team,s | Wins\nTeam,s: A,b | Wins: 3"


def test_quoted_cells_hold_lines_and_marks() -> None:
    found = read('Name,Note\nAnn,"one, two\nthree ""four"""\nBo,x\n')
    assert found.text == 'Name | Note\nName: Ann | Note: one, two three "four"\nName: Bo | Note: x'
    assert [cell.row for cell in found.cells] == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("1,2\n3,4\n", "1 | 2\n3 | 4"),
        ("Ann,Bo\nCy,Di\nAnn,Ed\n", "Ann | Bo\nCy | Di\nAnn | Ed"),
        ("A title,,\nName,Role,Seat\nAnn,Lead,Oslo\n", None),
        ("One, two.\nThree\nFour, five, six\n", "One, two.\nThree\nFour, five, six"),
    ],
)
def test_a_header_is_what_reads_as_one(data: str, expected: str | None) -> None:
    assert read(data).text == (
        expected or "A title\nName | Role | Seat\nName: Ann | Role: Lead | Seat: Oslo"
    )


def test_a_quotation_mark_that_is_not_closed_does_not_swallow_the_rest() -> None:
    rows = ["Size,Use", '5" pipe,water', *(f"{at},x{at}" for at in range(3000))]
    assert read("\n".join(rows)).text.endswith("Size: 2999 | Use: x2999")
    rows[1] = '"5 pipe,water'
    assert read("\n".join(rows)).text.endswith("Size: 2999 | Use: x2999")


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_CELLS", 10)
    with pytest.raises(DocumentTooLarge, match=r"^a\.csv: has more than 10 cells"):
        read("a,b,c\n" * 5)


def test_long_headers_do_not_make_text_without_end() -> None:
    header = ",".join(f"{'x' * 70}{at}" for at in range(10))
    start = time.process_time()
    found = read("\n".join([header, *["1,2,3,4,5,6,7,8,9,0"] * 4_000]))
    assert len(found.text) < 3_000_000
    assert time.process_time() - start < 20


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings(encoding: str) -> None:
    data = "Stadt;Zahl\nKöln;3\nMünchen;4\n".encode(encoding)
    found = extract(data, uri="x", name="a.csv")
    assert found.text.splitlines()[1] == "Stadt: Köln | Zahl: 3"


VALUES = st.text(st.sampled_from("ab1 ,;\t|\n."), max_size=5)


def test_a_cell_may_hold_what_parts_the_cells_of_other_files() -> None:
    found = read('"head","tail"\n";",";"\n";",";"\n')
    assert [(cell.row, cell.column, found.text[cell.start : cell.end]) for cell in found.cells] == [
        (1, 1, "head"),
        (1, 2, "tail"),
        (2, 1, ";"),
        (2, 2, ";"),
        (3, 1, ";"),
        (3, 2, ";"),
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(VALUES, min_size=2, max_size=4), min_size=1, max_size=6))
def test_any_table_written_with_quotes_comes_back(rows: list[list[str]]) -> None:
    rows = [["head", "tail"], *rows]
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    found = read(buffer.getvalue())
    expected = {
        (number, column): words
        for number, row in enumerate(rows, 1)
        for column, value in enumerate(row, 1)
        if (words := " ".join(value.split()))
    }
    cited = {(cell.row, cell.column): found.text[cell.start : cell.end] for cell in found.cells}
    assert cited == expected
