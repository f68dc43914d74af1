"""Office documents damaged in any way: a document that holds its laws, or a reason, never more."""

import io
import itertools
import zipfile
from functools import cache

import docx
import odfdo
import openpyxl
import pptx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.documents import Document
from index.extract import extract_all
from index.extract.cleaning import clean

NAMES = ("a.docx", "a.pptx", "a.xlsx", "a.odt", "a.ods")
JUNK = st.sampled_from(
    [
        *(b"", b"\0", b"<", b">", b"&", b'"', b"9", b"-1", b"99999999999", b"\xff", b"<a/>"),
        *(b"</w:p>", b"<w:tbl>", b'val="x"', b"A1:ZZZ9", b"&#0;", b"<![CDATA["),
    ]
)
DAMAGE = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), JUNK), min_size=1, max_size=5)
usual = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def sound(name: str) -> bytes:
    """A small sound document of each kind."""
    buffer = io.BytesIO()
    if name == "a.docx":
        text = docx.Document()
        text.add_heading("Head", 1)
        text.add_paragraph("One", "List Number")
        table = text.add_table(rows=2, cols=2)
        table.cell(0, 0).merge(table.cell(1, 0)).text = "Zone"
        text.save(buffer)
    elif name == "a.pptx":
        slides = pptx.Presentation()
        slide = slides.slides.add_slide(slides.slide_layouts[1])
        slide.shapes.title.text = "Head"
        slide.placeholders[1].text = "Point"
        slide.shapes.add_table(2, 2, 0, 0, 10, 10).table.cell(0, 0).text = "Zone"
        slide.notes_slide.notes_text_frame.text = "Note"
        slides.save(buffer)
    elif name == "a.xlsx":
        workbook = openpyxl.Workbook()
        sheet = workbook.active
        for row in (["Zone", "Wins"], ["North", 31], ["South", 0.5], [None, True]):
            sheet.append(row)
        sheet["B3"].number_format = "0.0%"
        sheet.merge_cells("A3:A4")
        workbook.save(buffer)
    elif name == "a.odt":
        text = odfdo.Document("text")
        text.body.append(odfdo.Header(1, "Head"))
        text.body.append(odfdo.List(["one", "two"]))
        text.body.append(odfdo.Table("T", width=2, height=2))
        text.save(buffer)
    else:
        workbook = odfdo.Document("spreadsheet")
        sheet = odfdo.Table("Sales")
        sheet.set_values([["Zone", "Wins"], ["North", 31]])
        workbook.body.append(sheet)
        workbook.save(buffer)
    return buffer.getvalue()


@cache
def parts(name: str) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(sound(name))) as archive:
        return {part: archive.read(part) for part in archive.namelist() if part[-1] != "/"}


def damaged(data: bytes, damages: list[tuple[float, int, bytes]]) -> bytes:
    for share, length, junk in damages:
        place = int(share * len(data))
        data = data[:place] + junk + data[place + length :]
    return data


def check(data: bytes, name: str) -> None:
    found = extract_all(data, uri=f"file:///{name}", name=name)
    assert found.documents or found.problems
    assert all(problem.reason.startswith(name) for problem in found.problems)
    assert extract_all(data, uri=f"file:///{name}", name=name) == found
    for document in found.documents:
        check_laws(document)


def check_laws(document: Document) -> None:
    text = document.text
    assert text == clean(text).strip()
    for ranges in (document.pages, document.sections, document.parts, document.cells):
        assert all(0 <= item.start < item.end <= len(text) for item in ranges)
        assert all(first.end <= second.start for first, second in itertools.pairwise(ranges))
    for cell in document.cells:
        value = text[cell.start : cell.end]
        assert value == value.strip()
        assert "\n" not in value
        assert cell.row > 0
        assert cell.column > 0


@pytest.mark.parametrize("name", NAMES)
def test_sound_documents_are_read(name: str) -> None:
    found = extract_all(sound(name), uri=f"file:///{name}", name=name)
    assert found.problems == ()
    assert len(found.documents) == 1
    check_laws(found.documents[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@usual
@given(data=st.data(), damages=DAMAGE)
def test_damage_inside_a_part(
    name: str, data: st.DataObject, damages: list[tuple[float, int, bytes]]
) -> None:
    hurt = data.draw(st.sampled_from(sorted(part for part in parts(name) if part[-4:] == ".xml")))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part, content in parts(name).items():
            archive.writestr(part, damaged(content, damages) if part == hurt else content)
    check(buffer.getvalue(), name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@usual
@given(damages=DAMAGE)
def test_damage_to_the_archive(name: str, damages: list[tuple[float, int, bytes]]) -> None:
    check(damaged(sound(name), damages), name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_each_part_may_be_missing(name: str) -> None:
    for missing in parts(name):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for part, content in parts(name).items():
                if part != missing:
                    archive.writestr(part, content)
        check(buffer.getvalue(), name)
