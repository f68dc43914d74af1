"""OpenDocument texts and spreadsheets."""

import io
import time
import zipfile

import odfdo
import pytest

from index.documents import Document
from index.errors import DocumentTooLarge, UnreadableDocument
from index.extract import extract

_NAMES = "urn:oasis:names:tc:opendocument:xmlns:"
SPACES = (
    " ".join(
        f'xmlns:{short}="{_NAMES}{name}:1.0"'
        for short, name in (
            *(("office", "office"), ("text", "text"), ("table", "table"), ("style", "style")),
            *(("draw", "drawing"), ("svg", "svg-compatible"), ("meta", "meta")),
        )
    )
    + ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
)
TYPES = {
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
}


def archive(kind: str, content: str, **others: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("mimetype", TYPES[kind])
        file.writestr("content.xml", content)
        for name, part in others.items():
            file.writestr(f"{name}.xml".replace("META_INF_", "META-INF/"), part)
    return buffer.getvalue()


def read(data: bytes, name: str = "a.odt") -> Document:
    return extract(data, uri=f"file:///{name}", name=name)


def content(body: str, styles: str = "", kind: str = "text") -> str:
    return (
        f"<office:document-content {SPACES}><office:automatic-styles>{styles}"
        f"</office:automatic-styles><office:body><office:{kind}>{body}</office:{kind}>"
        "</office:body></office:document-content>"
    )


def odt(body: str, styles: str = "") -> Document:
    return read(archive("odt", content(body, styles)))


def ods(body: str) -> Document:
    return read(archive("ods", content(body, kind="spreadsheet")), "a.ods")


def test_a_document_made_by_a_library() -> None:
    made = odfdo.Document("text")
    made.body.clear()
    made.body.append(odfdo.Header(1, "Warranty"))
    made.body.append(odfdo.Paragraph("It lasts 24 months."))
    made.body.append(odfdo.List(["one", "two"]))
    buffer = io.BytesIO()
    made.save(buffer)
    found = read(buffer.getvalue())
    assert found.text == "1. Warranty\n\nIt lasts 24 months.\n\n- one\n- two"
    assert [section.path for section in found.sections] == [("1. Warranty",)]


def test_headings_and_their_numbers() -> None:
    body = (
        '<text:h text:outline-level="1">Leave</text:h><text:h text:outline-level="2">Days</text:h>'
        '<text:p>26.</text:p><text:h text:outline-level="1">Pay</text:h>'
    )
    outline = (
        f"<office:document-styles {SPACES}><office:styles><text:outline-style>"
        '<text:outline-level-style text:level="1" style:num-format="1" style:num-suffix="."/>'
        '<text:outline-level-style text:level="2" style:num-format="a" text:display-levels="2"/>'
        "</text:outline-style></office:styles></office:document-styles>"
    )
    found = read(archive("odt", content(body), styles=outline))
    assert [section.path for section in found.sections] == [
        ("1. Leave",),
        ("1. Leave", "1.a Days"),
        ("2. Pay",),
    ]
    assert odt(body).text == "Leave\n\nDays\n\n26.\n\nPay"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("a <text:span> b</text:span>\n  c", "a b c"),
        ('a<text:s text:c="2"/>b<text:tab/>c<text:line-break/>d', "a  b\tc\nd"),
        ("a<office:annotation><text:p>BAD</text:p></office:annotation>b", "ab"),
        ("<text:a>link</text:a> <text:bookmark/>x", "link x"),
        (
            (
                "<text:ruby><text:ruby-base>漢</text:ruby-base><text:ruby-text>BAD</text:ruby-text>"
                "</text:ruby>"
            ),
            "漢",
        ),
        ("<draw:frame><svg:desc>A map</svg:desc><draw:image/></draw:frame>", "[Image: A map]"),
        ("<text:hidden-text>BAD</text:hidden-text>word", "word"),
    ],
)
def test_what_a_paragraph_says(inside: str, expected: str) -> None:
    assert odt(f"<text:p>{inside}</text:p>").text == expected


def test_notes_and_text_boxes_follow_their_paragraph() -> None:
    body = (
        '<text:p>One<text:note text:note-class="footnote"><text:note-citation>7'
        "</text:note-citation><text:note-body><text:p>The note.</text:p></text:note-body>"
        "</text:note>.<draw:frame><draw:text-box><text:p>In the box.</text:p></draw:text-box>"
        "</draw:frame></text:p><text:p>Next.</text:p>"
    )
    assert odt(body).text == "One[7].\n\n[7] The note.\n\nIn the box.\n\nNext."


LISTS = (
    '<text:list-style style:name="L"><text:list-level-style-number text:level="1"'
    ' style:num-format="1" style:num-suffix=")" text:start-value="3"/>'
    '<text:list-level-style-bullet text:level="2"/></text:list-style>'
)


def test_lists_have_the_markers_of_their_style() -> None:
    item = "<text:list-item><text:p>{}</text:p>{}</text:list-item>".format
    inner = f"<text:list>{item('b', '')}</text:list>"
    body = (
        f'<text:list text:style-name="L">{item("a", "<text:p>more</text:p>" + inner)}'
        f"{item('c', '')}</text:list><text:list>{item('d', '')}</text:list>"
    )
    assert odt(body, LISTS).text == "3) a\n  more\n  - b\n4) c\n- d"


def cell(words: str, attributes: str = "") -> str:
    return f"<table:table-cell {attributes}><text:p>{words}</text:p></table:table-cell>"


def row(*cells: str) -> str:
    return f"<table:table-row>{''.join(cells)}</table:table-row>"


def table(*rows: str, name: str = "T") -> str:
    return f'<table:table table:name="{name}">{"".join(rows)}</table:table>'


def test_tables_keep_their_headers() -> None:
    header = row(cell("Name"), cell("Role"), cell("Seat"))
    merged = row(cell("Ann"), cell("Lead", 'table:number-rows-spanned="2"'), cell("Oslo")) + row(
        cell("Bo"), "<table:covered-table-cell/>", cell("Rome")
    )
    body = table(f"<table:table-header-rows>{header}</table:table-header-rows>", merged)
    assert odt(body).text == (
        "Name | Role | Seat\nName: Ann | Role: Lead | Seat: Oslo\n"
        "Name: Bo | Role: Lead | Seat: Rome"
    )


def test_a_table_in_a_cell_makes_the_outer_one_layout() -> None:
    inner = table(row(cell("a"), cell("b")))
    body = table(row(cell("Left."), f"<table:table-cell>{inner}</table:table-cell>"))
    assert odt(body).text == "Left.\n\na | b"


def test_deletions_and_contents_are_left_out() -> None:
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>BAD</text:p>"
        "</text:deletion></text:changed-region></text:tracked-changes>"
        "<text:table-of-content><text:index-body><text:p>BAD</text:p></text:index-body>"
        "</text:table-of-content><text:section><text:p>Kept.</text:p></text:section>"
    )
    assert odt(body).text == "Kept."


META = (
    f"<office:document-meta {SPACES}><office:meta><dc:title>Leave policy</dc:title>"
    "<meta:initial-creator>Ann Lee</meta:initial-creator><dc:language>de</dc:language>"
    "<meta:creation-date>2024-03-01T09:30:00.123456789</meta:creation-date>"
    "<meta:keyword>leave</meta:keyword><meta:keyword>days</meta:keyword>"
    '<meta:document-statistic meta:page-count="3"/></office:meta></office:document-meta>'
)


def test_what_the_document_says_of_itself() -> None:
    found = read(archive("odt", content("<text:p>Text.</text:p>"), meta=META))
    assert found.title == "Leave policy"
    assert found.metadata == {
        "author": "Ann Lee",
        "language": "de",
        "created": "2024-03-01T09:30:00",
        "keywords": "leave, days",
        "pages": "3",
    }


@pytest.mark.parametrize("kind", ["odt", "ods"])
def test_an_encrypted_document_is_named_as_such(kind: str) -> None:
    manifest = "<manifest:manifest><manifest:encryption-data/></manifest:manifest>"
    data = archive(kind, "\x01\x02\x03", META_INF_manifest=manifest)
    with pytest.raises(UnreadableDocument, match=rf"^a\.{kind}: is encrypted; save a copy"):
        read(data, f"a.{kind}")


@pytest.mark.parametrize("kind", ["odt", "ods"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<a><b></a>", "is damaged"),
        ('<!DOCTYPE a [<!ENTITY a "aaaa">]><a>&a;</a>', "its XML declares entities"),
        ("not xml", "is damaged"),
    ],
)
def test_damage_is_named(kind: str, text: str, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=rf"^a\.{kind}: {reason}"):
        read(archive(kind, text), f"a.{kind}")


def test_a_sheet_is_a_part_whose_cells_show_their_text() -> None:
    shown = '<table:table-cell office:value-type="percentage" office:value="0.125"><text:p>12.5%'
    rows = (
        '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>',
        row('<table:table-cell table:number-columns-repeated="3"/>', cell("Zone"), cell("Share")),
        row(
            '<table:table-cell table:number-columns-repeated="3"/>',
            cell("North<office:annotation><text:p>BAD</text:p></office:annotation>"),
            f"{shown}</text:p></table:table-cell>",
        ),
        (
            '<table:table-row table:number-rows-repeated="1048571">'
            '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
        ),
    )
    found = ods(table(*rows, name="Sales") + table(row(cell("Rent"), cell("9")), name="Costs"))
    assert found.text == "Sales\n\nZone | Share\nZone: North | Share: 12.5%\n\nCosts\n\nRent | 9"
    assert [(part.kind, part.name) for part in found.parts] == [
        ("sheet", "Sales"),
        ("sheet", "Costs"),
    ]
    assert [(found.text[cell.start : cell.end], cell.row, cell.column) for cell in found.cells] == [
        ("Zone", 3, 4),
        ("Share", 3, 5),
        ("North", 4, 4),
        ("12.5%", 4, 5),
        ("Rent", 1, 1),
        ("9", 1, 2),
    ]


def test_a_cell_without_text_shows_its_value() -> None:
    body = table(row(cell("a"), '<table:table-cell office:value-type="float" office:value="3"/>'))
    assert ods(body).text == "T\n\na | 3"


def test_merged_cells_of_a_sheet() -> None:
    body = table(
        row(cell("Region"), cell("Wins")),
        row(cell("North", 'table:number-rows-spanned="2"'), cell("3")),
        row("<table:covered-table-cell/>", cell("4")),
    )
    assert ods(body).text == "T\n\nRegion | Wins\nRegion: North | Wins: 3\nRegion: North | Wins: 4"


def test_cells_repeated_without_end_are_refused() -> None:
    body = table(
        '<table:table-row table:number-rows-repeated="1048576">'
        '<table:table-cell table:number-columns-repeated="16384"><text:p>x</text:p>'
        "</table:table-cell></table:table-row>"
    )
    start = time.process_time()
    with pytest.raises(DocumentTooLarge, match=r"^a\.ods: has more than 2,000,000 cells"):
        ods(body)
    assert time.process_time() - start < 5


def test_a_sheet_made_by_a_library() -> None:
    made = odfdo.Document("spreadsheet")
    made.body.clear()
    sheet = odfdo.Table("Sales")
    sheet.set_values([["Zone", "Wins"], ["North", 31], ["South", 30]])
    made.body.append(sheet)
    buffer = io.BytesIO()
    made.save(buffer)
    assert read(buffer.getvalue(), "a.ods").text == (
        "Sales\n\nZone | Wins\nZone: North | Wins: 31\nZone: South | Wins: 30"
    )
