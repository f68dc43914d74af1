"""PDF files made here and read again."""

import re
import threading

import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from index.errors import UnreadableDocument
from index.extract import extract_all, pdf
from index.extract.source import Limits
from tests.index.extract.pdf_files import both, lines, made, read

WORDS = "Residents of the inner city may park without a limit of time in the zone of their permit"


def test_lines_become_paragraphs_on_numbered_pages() -> None:
    first = both(lines(WORDS, "which was issued to them."), lines("Another one.", top=700))
    document = read(made(first, lambda canvas: None, lines("On the third page.")))
    assert document.media_type == "application/pdf"
    assert document.text == (
        f"{WORDS} which was issued to them.\n\nAnother one.\n\nOn the third page."
    )
    assert [page.number for page in document.pages] == [1, 3]
    assert document.page_at(document.text.index("Another")) == 1
    assert document.page_at(document.text.index("On the third")) == 3


def test_a_paragraph_ends_with_its_page() -> None:
    document = read(made(lines("It goes"), lines("on here.")))
    assert document.text == "It goes\n\non here."


def test_hyphens_at_line_ends_are_removed() -> None:
    document = read(
        made(lines(WORDS + " regu-", "lations, and well-known rules of well-", "known"))
    )
    assert "regulations, and well-known rules of well-known" in document.text


def test_a_raised_number_in_front_does_not_part_a_paragraph() -> None:
    def draw(canvas: Canvas) -> None:
        words = canvas.beginText(70, 760)
        words.setFont("Helvetica", 10)
        words.setRise(4)
        words.textOut("3")
        words.setRise(0)
        words.textOut(WORDS)
        canvas.drawText(words)
        lines("which was issued to them.", top=748)(canvas)

    assert read(made(draw)).text == f"3{WORDS} which was issued to them."


def test_the_outline_gives_nested_sections() -> None:
    def draw(canvas: Canvas) -> None:
        for text, level, top in (("Guide", 0, 760), ("1.  Set-up", 1, 700), ("End", 0, 600)):
            canvas.bookmarkPage(text)
            canvas.addOutlineEntry(text.replace("  ", " ").upper(), text, level)
            lines(text, top=top)(canvas)
            lines(WORDS, top=top - 30)(canvas)

    document = read(made(draw))
    assert [section.path for section in document.sections] == [
        ("Guide",),
        ("Guide", "1. Set-up"),
        ("End",),
    ]
    assert document.text[document.sections[1].start :].startswith("1. Set-up\n\nResidents")


def test_two_entries_of_one_title_mark_two_headings() -> None:
    def draw(canvas: Canvas) -> None:
        for part, top in (("A", 760), ("B", 600)):
            canvas.bookmarkPage(part)
            canvas.addOutlineEntry(f"Part {part}", part, 0)
            canvas.bookmarkPage(f"{part}1")
            canvas.addOutlineEntry("Summary", f"{part}1", 1)
            lines(f"Part {part}", top=top)(canvas)
            lines("Summary", top=top - 40)(canvas)
            lines(WORDS, top=top - 80)(canvas)

    paths = [section.path for section in read(made(draw)).sections]
    assert paths == [("Part A",), ("Part A", "Summary"), ("Part B",), ("Part B", "Summary")]


def test_without_an_outline_larger_type_gives_sections() -> None:
    page = both(
        lines("Guide", top=780, size=22),
        lines("Set-up", top=740, size=15),
        lines(WORDS, WORDS, WORDS, top=715),
    )
    document = read(made(page))
    assert [section.path for section in document.sections] == [("Guide",), ("Guide", "Set-up")]
    assert document.title == "Guide"


def test_running_headers_and_page_numbers_are_left_out() -> None:
    pages = [
        both(
            lines("The Guide", top=810),
            lines(f"{name} is what this page is about.", f"{name} again.", f"{name}."),
            lines(f"Page {number} of 4", top=30),
        )
        for number, name in enumerate(("Parking", "Zones", "Permits", "Fines"), 1)
    ]
    text = read(made(*pages)).text
    assert "The Guide" not in text
    assert "Page" not in text
    assert "Zones is what" in text


def test_columns_whose_lines_come_side_by_side_are_read_one_after_the_other() -> None:
    left = [
        "The left column begins up here and",
        "it is read to its very end, before",
        "anyone turns to the second column,",
        "and words that are cut there by hy-",
        "phens are made whole all the same.",
    ]
    right = [
        "The right column is the second one",
        "to be read, and it is as long as a",
        "column on the left of it, although",
        "nothing that it says goes together",
        "with what stands across the gutter.",
    ]

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Courier", 9)
        for at, (first, second) in enumerate(zip(left, right, strict=True)):
            canvas.drawString(60, 700 - 11 * at, first)
            canvas.drawString(320, 700 - 11 * at, second)

    whole = " ".join(left).replace("hy- phens", "hyphens")
    assert read(made(draw)).text == f"{whole}\n\n{' '.join(right)}"


def test_title_and_metadata() -> None:
    document = read(made(lines("Text here."), title="The Guide"))
    assert document.title == "The Guide"
    assert document.metadata["author"] == "Ann Example"
    assert document.metadata["created"] == "2000-01-01"
    assert document.metadata["modified"] == "2000-01-01"
    assert document.metadata["pages"] == "1"
    assert "unread_pages" not in document.metadata


def test_an_untitled_file_without_headings_is_called_by_its_name() -> None:
    assert read(made(lines("Text here."), title="untitled"), "dir/report.pdf").title == "report"


def test_text_that_is_scaled_by_its_matrix_is_measured_as_it_is_seen() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.scale(10, 10)
        canvas.setFont("Helvetica", 1)
        for at, text in enumerate((WORDS, "which was issued to them.")):
            canvas.drawString(7, 76 - 1.2 * at, text)

    assert read(made(draw)).text == f"{WORDS} which was issued to them."


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_turned_pages_are_read_like_upright_ones(turn: int) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setPageRotation(turn)
        canvas.translate(300, 400)
        canvas.rotate(turn)
        canvas.translate(-250, -400)
        lines(WORDS, "which was issued to them.", top=500)(canvas)
        lines("Another one.", top=440)(canvas)

    assert read(made(draw)).text == f"{WORDS} which was issued to them.\n\nAnother one."


@pytest.mark.parametrize("factor", [0, 1e-30, 1e12, 3e38])
def test_absurd_measures_do_no_harm(factor: float) -> None:
    def draw(canvas: Canvas) -> None:
        lines(WORDS)(canvas)
        # Written by hand, since the library refuses or rounds such numbers.
        canvas._code.append(f"q {factor:f} 0 0 {factor:f} {factor:f} 1 cm")
        lines("Absurd.", "More.", top=500)(canvas)
        canvas._code.append("Q")
        lines("After.", top=300)(canvas)

    text = read(made(draw)).text
    assert WORDS in text
    assert "After." in text


def test_two_columns_are_read_one_after_the_other() -> None:
    left = ["The left column begins here", "and it is read to its end", "before the right one."]
    right = ["The right column is the", "second one to be read, as", "people do."]
    page = both(lines(*left, left=70), lines(*right, left=320))
    assert read(made(page)).text == " ".join(left) + "\n\n" + " ".join(right)


def test_a_scan_has_no_text() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.rect(100, 100, 200, 200, fill=1)

    with pytest.raises(UnreadableDocument) as caught:
        read(made(draw, draw))
    assert str(caught.value) == (
        "report.pdf: has no text (2 pages, perhaps scanned); index it with --ocr (needs: "
        "pip install 'pincite[ocr]' and tesseract)"
    )


def test_an_encrypted_file_is_unreadable() -> None:
    data = made(lines("Secret."), encrypt=StandardEncryption("secret", strength=128))
    with pytest.raises(UnreadableDocument) as caught:
        read(data)
    assert str(caught.value) == (
        "report.pdf: is encrypted; save a copy without the password and index that"
    )


def test_a_file_that_only_forbids_changes_is_read() -> None:
    data = made(lines("Open."), encrypt=StandardEncryption("", ownerPassword="owner", canModify=0))
    assert read(data).text == "Open."


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.97])
def test_a_truncated_file_is_unreadable(share: float) -> None:
    data = made(*[lines(f"Page {number}", WORDS) for number in range(20)])
    with pytest.raises(UnreadableDocument, match=r"^report\.pdf: is a damaged or incomplete PDF"):
        read(data[: int(share * len(data))])


def test_other_bytes_after_the_magic_are_damaged() -> None:
    with pytest.raises(UnreadableDocument, match="damaged"):
        read(b"%PDF-1.7\n" + bytes(range(256)))


def test_a_pdf_is_known_by_its_content() -> None:
    assert read(b"\n\njunk\n" + made(lines("Text here.")), "a.txt").media_type == "application/pdf"


def problem(data: bytes, limits: Limits) -> str:
    extraction = extract_all(data, uri="file:///report.pdf", name="report.pdf", limits=limits)
    assert not extraction.documents
    return extraction.problems[0].reason


def test_more_text_than_a_document_may_have_is_refused() -> None:
    data = made(*[lines(WORDS, WORDS)] * 3)
    assert problem(data, Limits(characters=100)) == (
        "report.pdf: holds more than the 100 characters a file is read up to; split it and index "
        "the parts"
    )


def test_more_pages_than_a_document_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MOST_PAGES", 2)
    assert problem(made(*[lines(WORDS)] * 3), Limits()) == (
        "report.pdf: has 3 pages, more than the 2 a PDF is read up to; split it and index the parts"
    )


def damaged(data: bytes, *pages: int) -> bytes:
    """The file with the objects of these pages, counted from 0, made into something else."""
    marks = [match.start() for match in re.finditer(rb"/Type /Page\b", data)]
    for page in pages:
        data = data[: marks[page]] + b"/Type /Junk" + data[marks[page] + 11 :]
    return data


def test_a_damaged_page_costs_that_page() -> None:
    whole = made(*[lines(f"Page {name}.") for name in ("one", "two", "three", "four")])
    document = read(damaged(whole, 1, 3))
    assert document.text == "Page one.\n\nPage three."
    assert [page.number for page in document.pages] == [1, 3]
    assert document.metadata["pages"] == "4"
    assert document.metadata["unread_pages"] == "2, 4"


def test_damaged_pages_in_a_row_are_named_as_one_range() -> None:
    whole = made(*[lines(f"Page {name}.") for name in ("one", "two", "three", "four", "five")])
    assert read(damaged(whole, 0, 2, 3, 4)).metadata["unread_pages"] == "1, 3-5"


def test_a_file_of_damaged_pages_is_unreadable() -> None:
    with pytest.raises(UnreadableDocument, match=r"^report\.pdf: is a damaged or incomplete PDF"):
        read(damaged(made(lines("Page one."), lines("Page two.")), 0, 1))


def test_deeply_nested_objects_do_no_harm() -> None:
    whole = made(lines("Text here."))
    nest = b"\n9999 0 obj\n" + b"[" * 200_000 + b"]" * 200_000 + b"\nendobj\n"
    at = whole.index(b"1 0 obj")
    # The table of offsets is wrong now, so that every object is looked at to make it anew.
    assert read(whole[:at] + nest + whole[at:]).text == "Text here."


def test_handles_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    import pypdfium2

    opened: list[pypdfium2.PdfDocument] = []

    class Watched(pypdfium2.PdfDocument):
        def __init__(self, data: bytes) -> None:
            super().__init__(data)
            opened.append(self)

    monkeypatch.setattr(pypdfium2, "PdfDocument", Watched)
    read(made(lines("Text here.")))
    with pytest.raises(UnreadableDocument):
        read(made(lambda canvas: None))
    assert len(opened) == 2
    assert all(document.raw is None for document in opened)


def test_threads_may_read_at_the_same_time() -> None:
    data = [made(*[lines(f"Text {number} {page}") for page in range(20)]) for number in range(4)]
    found: dict[int, str] = {}

    def work(number: int) -> None:
        found[number] = read(data[number]).text

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[number].startswith(f"Text {number} 0") for number in range(4))
