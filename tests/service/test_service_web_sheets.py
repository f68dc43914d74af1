import numpy as np
import pytest

from index.boxes import pack, unplaced
from index.documents import Box, Document, Page
from index.extract import extract
from service.web.sheets import sheet
from tests.paths import ROOT


@pytest.fixture(scope="module")
def lease() -> Document:
    path = ROOT / "seeds" / "office-lease.pdf"
    return extract(path.read_bytes(), uri="file:///office-lease.pdf", name=path.name)


def test_a_page_tells_its_size_its_neighbours_and_the_quotes_boxes(lease: Document) -> None:
    start = lease.text.index("£68,400")
    seen = sheet(lease, 1, start, start + 7)
    assert seen is not None
    assert (seen.before, seen.number, seen.after, seen.last) == (None, 1, 2, 5)
    assert (seen.width, seen.height) == pytest.approx((595.28, 841.89))
    [box] = seen.boxes
    assert box.right - box.left > 20
    # The same line, as it is read on the page.
    [line] = [line for line in seen.lines if line.text.startswith("£68,400")]
    assert line.left == pytest.approx(box.left, abs=0.2)
    assert line.bottom == pytest.approx(box.bottom, abs=0.2)


def test_the_lines_of_a_page_say_what_is_printed_on_it(lease: Document) -> None:
    for number in (1, 5):
        seen = sheet(lease, number, 0, 0)
        assert seen is not None
        said = "".join("".join(line.text for line in seen.lines).split())
        # What is not printed (a table's header before each cell) is not said.
        printed = "".join(lease.text[seen.start : seen.end].split())
        assert len(said) > 0.6 * len(printed)
        assert "Saltmarsh House" in seen.lines[0].text or number == 5
        for line in seen.lines:
            assert 0 < line.left < line.left + line.width < seen.width
            assert 0 < line.bottom - line.height < line.bottom < seen.height


def test_the_boxes_are_those_of_the_page_that_is_seen(lease: Document) -> None:
    first, second = lease.pages[:2]
    start, end = first.end - 40, second.start + 40
    for number in (1, 2):
        seen = sheet(lease, number, start, end)
        assert seen is not None
        assert seen.boxes
        assert {box.page for box in seen.boxes} == {number}


def test_there_is_no_sheet_where_no_place_is_fixed(lease: Document) -> None:
    assert sheet(lease, 6, 0, 0) is None
    assert sheet(Document("i", "x:y", "T", "text/plain", "a", "0" * 64), 1, 0, 1) is None
    without = Document("i", "x:y", "T", "text/plain", "a", "0" * 64, (Page(1, 0, 1),))
    assert sheet(without, 1, 0, 1) is None


def test_a_page_on_which_nothing_is_printed_has_no_lines() -> None:
    page = Page(1, 0, 3, pack(unplaced(3), (100.0, 200.0)))
    document = Document("i", "x:y", "T", "application/pdf", "abc", "0" * 64, (page,))
    seen = sheet(document, 1, 0, 3)
    assert seen is not None
    assert (seen.boxes, seen.lines) == ((), ())


def test_lines_are_parted_by_height_and_by_gaps() -> None:
    def printed(left: float, top: float) -> list[float]:
        return [left, top, left + 5, top + 10]

    places = np.array(
        [printed(0, 0), printed(5, 0), printed(60, 0), printed(0, 12)], dtype=np.float32
    )
    page = Page(1, 0, 4, pack(places, (100.0, 200.0)))
    document = Document("i", "x:y", "T", "application/pdf", "abcd", "0" * 64, (page,))
    seen = sheet(document, 1, 0, 1)
    assert seen is not None
    assert [line.text for line in seen.lines] == ["ab", "c", "d"]
    assert seen.boxes == (Box(1, 0.0, 0.0, 5.0, 10.0),)
