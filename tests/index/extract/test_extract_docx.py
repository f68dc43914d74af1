"""Word documents: the body as it is read, in its shape, without furniture."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import datetime

import docx
import pytest
from docx.document import Document as Docx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from index.documents import Document
from index.errors import UnreadableDocument
from index.extract import extract

NAMES = nsdecls("w", "wp", "a") + (
    ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
    ' xmlns:v="urn:schemas-microsoft-com:vml"'
    ' xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)


def saved(document: Docx, changes: Callable[[str, bytes], bytes] = lambda _, data: data) -> bytes:
    """The file, with each part changed by `changes(name, data)`."""
    before, after = io.BytesIO(), io.BytesIO()
    document.save(before)
    with zipfile.ZipFile(before) as archive, zipfile.ZipFile(after, "w") as changed:
        for name in archive.namelist():
            changed.writestr(name, changes(name, archive.read(name)))
    return after.getvalue()


def read(data: bytes, name: str = "a.docx") -> Document:
    return extract(data, uri=f"file:///{name}", name=name)


def with_body(xml: str) -> Docx:
    """A document whose body is this XML."""
    document = docx.Document()
    body = document.element.body
    root = parse_xml(f"<w:body {NAMES}>{xml}</w:body>")
    for at, child in enumerate(list(root)):
        body.insert(at, child)
    return document


def text(xml: str) -> str:
    return read(saved(with_body(xml))).text


def run(words: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{words}</w:t></w:r>'


def paragraph(words: str) -> str:
    return f"<w:p>{run(words)}</w:p>"


def test_headings_are_sections() -> None:
    document = docx.Document()
    document.add_paragraph("Before.")
    document.add_heading("Warranty", 1)
    document.add_paragraph("24 months.")
    document.add_heading("Exceptions", 2)
    document.add_paragraph("None.")
    found = read(saved(document))
    assert found.text == "Before.\n\nWarranty\n\n24 months.\n\nExceptions\n\nNone."
    assert [section.path for section in found.sections] == [
        ("Warranty",),
        ("Warranty", "Exceptions"),
    ]
    assert found.title == "Warranty"
    assert found.pages == ()


def test_the_title_is_above_all_headings() -> None:
    document = docx.Document()
    document.add_heading("Handbook", 0)
    document.add_heading("Leave", 1)
    found = read(saved(document))
    assert [section.path for section in found.sections] == [("Handbook",), ("Handbook", "Leave")]
    assert found.title == "Handbook"


def test_what_the_document_says_of_itself() -> None:
    document = docx.Document()
    document.add_paragraph("Text.")
    properties = document.core_properties
    properties.title, properties.author = "Leave policy", "Ann Lee"
    properties.created = datetime(2024, 3, 1, 9, 30)
    properties.modified = datetime(2024, 4, 1, 9, 30)
    properties.language, properties.keywords, properties.comments = "de", "leave, days", ""
    found = read(saved(document))
    assert found.title == "Leave policy"
    assert found.metadata == {
        "author": "Ann Lee",
        "created": "2024-03-01T09:30:00Z",
        "modified": "2024-04-01T09:30:00Z",
        "language": "de",
        "keywords": "leave, days",
    }


def test_a_document_without_properties_says_nothing_of_the_moment_it_is_read() -> None:
    data = saved(with_body(paragraph("Text.")))
    before, after = io.BytesIO(data), io.BytesIO()
    with zipfile.ZipFile(before) as archive, zipfile.ZipFile(after, "w") as changed:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "_rels/.rels":
                content = re.sub(rb"<Relationship [^>]*core\.xml[^>]*/>", b"", content)
            if name != "docProps/core.xml":
                changed.writestr(name, content)
    assert "modified" not in read(after.getvalue()).metadata


@pytest.mark.parametrize("title", ["Microsoft Word - draft.doc", "Untitled", "Word Document"])
def test_a_placeholder_is_no_title(title: str) -> None:
    document = docx.Document()
    document.add_paragraph("Text.")
    document.core_properties.title = title
    assert read(saved(document), "report.docx").title == "report"


def test_lists_have_markers_and_depths() -> None:
    document = docx.Document()
    for words, style in (
        ("a", "List Bullet"),
        ("b", "List Bullet 2"),
        ("c", "List Bullet"),
        ("Then.", "Normal"),
        ("one", "List Number"),
        ("two", "List Number"),
    ):
        document.add_paragraph(words, style)
    assert read(saved(document)).text == "- a\n- b\n- c\n\nThen.\n\n1. one\n2. two"


NUMBERING = """<w:abstractNum w:abstractNumId="90">
<w:lvl w:ilvl="0"><w:start w:val="4"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerRoman"/><w:lvlText w:val="%1.%2"/>
</w:lvl><w:lvl w:ilvl="2"><w:numFmt w:val="bullet"/><w:lvlText w:val="*"/></w:lvl></w:abstractNum>
<w:num w:numId="90"><w:abstractNumId w:val="90"/></w:num>"""


def numbered(words: str, level: int, extra: str = "") -> str:
    return (
        f'<w:p><w:pPr>{extra}<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="90"/></w:numPr>'
        f"</w:pPr>{run(words)}</w:p>"
    )


def with_numbering(name: str, data: bytes) -> bytes:
    if name == "word/numbering.xml":
        return data.replace(b"</w:numbering>", NUMBERING.encode() + b"</w:numbering>")
    return data


def test_numbers_are_those_a_reader_sees() -> None:
    levels = [("a", 0), ("b", 1), ("c", 1), ("d", 2), ("e", 0), ("f", 1)]
    body = "".join(numbered(words, level) for words, level in levels)
    assert read(saved(with_body(body), with_numbering)).text == (
        "4. a\n  4.i b\n  4.ii c\n    - d\n5. e\n  5.i f"
    )


def test_headings_keep_their_numbers() -> None:
    body = numbered("Leave", 0, '<w:pStyle w:val="Heading1"/>') + numbered(
        "Days", 1, '<w:pStyle w:val="Heading2"/>'
    )
    found = read(saved(with_body(body), with_numbering))
    assert [section.path for section in found.sections] == [
        ("4. Leave",),
        ("4. Leave", "4.i Days"),
    ]


def test_tables_keep_their_headers_in_place() -> None:
    document = docx.Document()
    document.add_paragraph("Before.")
    table = document.add_table(rows=0, cols=2)
    for row in (("Model", "Warranty"), ("Duo 58", "24 months"), ("Duo 60", "36 months")):
        for cell, words in zip(table.add_row().cells, row, strict=True):
            cell.text = words
    document.add_paragraph("After.")
    assert read(saved(document)).text == (
        "Before.\n\nModel | Warranty\nModel: Duo 58 | Warranty: 24 months\n"
        "Model: Duo 60 | Warranty: 36 months\n\nAfter."
    )


def test_a_row_marked_as_header_heads_its_columns() -> None:
    cell = "<w:tc><w:p>{}</w:p></w:tc>".format
    body = (
        "<w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr>"
        + "".join(cell(run(words)) for words in ("Name", "Role", "Seat"))
        + "</w:tr><w:tr>"
        + "".join(cell(run(words)) for words in ("Ann", "Lead", "Oslo"))
        + "</w:tr></w:tbl>"
    )
    assert text(body) == "Name | Role | Seat\nName: Ann | Role: Lead | Seat: Oslo"


def test_merged_cells() -> None:
    document = docx.Document()
    table = document.add_table(rows=3, cols=3)
    for at, words in enumerate(["Region", "City", "Wins", "North", "Oslo", "3", "", "Bodø", "4"]):
        table.cell(at // 3, at % 3).text = words
    table.cell(1, 0).merge(table.cell(2, 0))
    assert read(saved(document)).text == (
        "Region | City | Wins\nRegion: North | City: Oslo | Wins: 3\n"
        "Region: North | City: Bodø | Wins: 4"
    )


def test_a_table_in_a_cell_makes_the_outer_one_layout() -> None:
    document = docx.Document()
    outer = document.add_table(rows=1, cols=2)
    outer.cell(0, 0).text = "Left."
    inner = outer.cell(0, 1).add_table(rows=1, cols=2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "a", "b"
    assert read(saved(document)).text == "Left.\n\na | b"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (f"<w:ins>{run('in')}</w:ins>", "in"),
        ("<w:del><w:r><w:delText>out</w:delText></w:r></w:del>", ""),
        (f"<w:moveFrom>{run('out')}</w:moveFrom><w:moveTo>{run('in')}</w:moveTo>", "in"),
        ("<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>", ""),
        ('<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>shown</w:t></w:r>', "shown"),
        ("<w:r><w:t>co</w:t><w:softHyphen/><w:t>op</w:t></w:r>", "coop"),
        ("<w:r><w:t>a</w:t><w:noBreakHyphen/><w:t>b</w:t><w:tab/><w:t>c</w:t></w:r>", "a-b\tc"),
        ("<w:r><w:t>a</w:t><w:br/><w:t>b</w:t></w:r>", "a\nb"),
        ('<w:r><w:t>a</w:t><w:br w:type="page"/><w:t>b</w:t></w:r>', "ab"),
        (f'<w:hyperlink w:anchor="x">{run("link")}</w:hyperlink>', "link"),
        (f"<w:sdt><w:sdtPr/><w:sdtContent>{run('control')}</w:sdtContent></w:sdt>", "control"),
        (
            (
                "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr>"
                f"<w:sdtContent>{run('Click here')}</w:sdtContent></w:sdt>"
            ),
            "",
        ),
        (
            (
                '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
                f"<w:r><w:instrText>PAGE</w:instrText></w:r>{run('told')}"
                '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
                f'{run("7")}<w:r><w:fldChar w:fldCharType="end"/></w:r>'
            ),
            "7",
        ),
        (f"<w:ruby><w:rt>{run('か')}</w:rt><w:rubyBase>{run('漢')}</w:rubyBase></w:ruby>", "漢"),
        ("<m:oMath><m:r><m:t>x+1</m:t></m:r></m:oMath>", "x+1"),
        ('<w:r><w:commentReference w:id="0"/></w:r>', ""),
        (
            (
                '<w:r><w:drawing><wp:inline><wp:docPr id="1" name="P" descr="A map"/></wp:inline>'
                "</w:drawing></w:r>"
            ),
            "[Image: A map]",
        ),
        (
            (
                '<w:r><w:drawing><wp:inline><wp:docPr id="1" name="P" descr="I.png"/></wp:inline>'
                "</w:drawing></w:r>"
            ),
            "",
        ),
    ],
)
def test_what_a_paragraph_says(inside: str, expected: str) -> None:
    assert text(f"<w:p>{run('word &lt;')}{inside}{run('&gt;')}</w:p>") == f"word <{expected}>"


def test_a_paragraph_whose_end_is_deleted_goes_on_in_the_next() -> None:
    first = f"<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>{run('One ')}</w:p>"
    assert text(first + paragraph("two.") + paragraph("Three.")) == "One two.\n\nThree."
    assert text(paragraph("Zero.") + first) == "Zero.\n\nOne"


def test_a_text_box_is_read_once_after_its_paragraph() -> None:
    box = f"<w:txbxContent>{paragraph('In the box.')}</w:txbxContent>"
    shape = (
        '<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wp:anchor>'
        f"<a:graphic><a:graphicData><wps:wsp><wps:txbx>{box}</wps:txbx></wps:wsp></a:graphicData>"
        "</a:graphic></wp:anchor></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>"
        f"{box}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )
    assert text(f"<w:p>{run('Around')}{shape}{run(' it.')}</w:p>{paragraph('Next.')}") == (
        "Around it.\n\nIn the box.\n\nNext."
    )


def test_page_headers_and_tables_of_contents_are_left_out() -> None:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "BAD"
    document.sections[0].footer.paragraphs[0].text = "BAD"
    document.styles.add_style("toc 1", 1)
    document.add_paragraph("Leave\t7", "toc 1")
    document.add_paragraph("Text.")
    assert read(saved(document)).text == "Text."


FOOTNOTES = f"""<w:footnotes {nsdecls("w")}>
<w:footnote w:type="separator" w:id="-1"><w:p/></w:footnote>
<w:footnote w:id="2"><w:p><w:r><w:footnoteRef/></w:r>{run(" Until 2024.")}</w:p></w:footnote>
<w:footnote w:id="3"><w:p>{run("In Norway.")}</w:p></w:footnote></w:footnotes>"""


def test_footnotes_follow_their_paragraph() -> None:
    body = (
        f'<w:p>{run("One")}<w:r><w:footnoteReference w:id="3"/></w:r>{run(" two")}'
        f'<w:r><w:footnoteReference w:id="2"/></w:r>{run(".")}</w:p>{paragraph("Next.")}'
    )

    def changes(name: str, data: bytes) -> bytes:
        if name == "[Content_Types].xml":
            kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
            part = f'<Override PartName="/word/footnotes.xml" ContentType="{kind}"/></Types>'
            return data.replace(b"</Types>", part.encode())
        if name == "word/_rels/document.xml.rels":
            kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
            link = f'<Relationship Id="rId99" Type="{kind}" Target="footnotes.xml"/>'
            return data.replace(b"</Relationships>", f"{link}</Relationships>".encode())
        return data

    plain = io.BytesIO(saved(with_body(body), changes))
    with zipfile.ZipFile(plain, "a") as archive:
        archive.writestr("word/footnotes.xml", FOOTNOTES)
    assert read(plain.getvalue()).text == (
        "One[1] two[2].\n\n[1] In Norway.\n[2] Until 2024.\n\nNext."
    )


def with_pages(count: int) -> Callable[[str, bytes], bytes]:
    def changes(name: str, data: bytes) -> bytes:
        if name == "docProps/app.xml":
            return re.sub(rb"<Pages>\d+</Pages>", b"<Pages>%d</Pages>" % count, data)
        return data

    return changes


def test_pages_are_given_where_all_breaks_are_noted() -> None:
    turned = "<w:r><w:lastRenderedPageBreak/></w:r>"
    body = paragraph("One.") + f"<w:p>{turned}{run('Two.')}</w:p>" + f"<w:p>{turned}</w:p>"
    document = with_body(body + paragraph("Three."))
    found = read(saved(document, with_pages(3)))
    assert [(page.number, found.text[page.start : page.end].strip()) for page in found.pages] == [
        (1, "One."),
        (2, "Two."),
        (3, "Three."),
    ]
    assert found.metadata["pages"] == "3"
    unsure = read(saved(document, with_pages(4)))
    assert unsure.pages == ()
    assert "pages" not in unsure.metadata


def test_strict_documents_are_read() -> None:
    usual = re.compile(
        rb"http://schemas\.openxmlformats\.org/(officeDocument|wordprocessingml)/2006/"
    )

    def changes(name: str, data: bytes) -> bytes:
        return data if "Content" in name else usual.sub(rb"http://purl.oclc.org/ooxml/\1/", data)

    document = docx.Document()
    document.add_heading("Warranty", 1)
    found = read(saved(document, changes))
    assert [section.path for section in found.sections] == [("Warranty",)]


def test_an_entity_is_refused() -> None:
    def changes(name: str, data: bytes) -> bytes:
        if name == "word/document.xml":
            bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
            return data.replace(b"<w:document", bomb + b"<w:document", 1)
        return data

    with pytest.raises(UnreadableDocument, match=r"^a\.docx: its XML declares entities"):
        read(saved(with_body(paragraph("Text.")), changes))


def test_a_damaged_document_is_refused() -> None:
    def changes(name: str, data: bytes) -> bytes:
        return data[: len(data) // 2] if name == "word/document.xml" else data

    with pytest.raises(UnreadableDocument, match=r"^a\.docx: is damaged; open it"):
        read(saved(with_body(paragraph("Text.")), changes))


def test_nested_tables_are_read_to_the_bottom() -> None:
    inside = paragraph("deep")
    for _ in range(40):
        inside = f"<w:tbl><w:tr><w:tc>{inside}</w:tc></w:tr></w:tbl><w:p/>"
    assert text(inside) == "deep"


def test_styles_based_on_each_other_end() -> None:
    loop = (
        '<w:style w:type="paragraph" w:styleId="A"><w:name w:val="A"/><w:basedOn w:val="B"/>'
        "</w:style>"
        '<w:style w:type="paragraph" w:styleId="B"><w:name w:val="B"/><w:basedOn w:val="A"/>'
        '<w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>'
    )

    def changes(name: str, data: bytes) -> bytes:
        if name == "word/styles.xml":
            return data.replace(b"</w:styles>", loop.encode() + b"</w:styles>")
        return data

    body = f'<w:p><w:pPr><w:pStyle w:val="A"/></w:pPr>{run("Head")}</w:p>{paragraph("Text.")}'
    assert [section.path for section in read(saved(with_body(body), changes)).sections] == [
        ("Head",)
    ]
