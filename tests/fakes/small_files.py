"""One small sound file of each format, made here; all of them say `WORDS`."""

import gzip
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from functools import cache

import docx
import openpyxl
import pptx
from reportlab.pdfgen.canvas import Canvas

from tests.fakes.compound import Tree, compound_file

WORDS = "The rent is due on the first."

OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    """A zip archive of these files; one called `mimetype` is stored, not packed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            kind = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), data, kind, 9)
    return buffer.getvalue()


def rezipped(data: bytes, edit: Callable[[str, bytes], bytes]) -> bytes:
    """A zip archive with each file in it changed by `edit`, which is given its name too."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return zipped({name: edit(name, archive.read(name)) for name in archive.namelist()})


def tarred(files: Mapping[str, bytes]) -> bytes:
    """A tar archive of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def html() -> bytes:
    return (
        f"<!DOCTYPE html><html lang='en'><head><title>Rent</title></head><body><h1>Rent</h1>"
        f"<p>{WORDS}</p><ul><li>One<li>Two</ul><table><tr><th>Model<th>Price<tr><td>Duo<td>7"
        f"</table></body></html>"
    ).encode()


def markdown() -> bytes:
    head = "---\nauthor: Ann\n---\n# Rent\n\n"
    return f"{head}{WORDS}\n\n- One\n- Two\n\n|a|b|\n|-|-|\n|1|2|\n".encode()


def rst() -> bytes:
    return f"Rent\n====\n\n:Author: Ann\n\n{WORDS}\n\n- One\n- Two\n\n.. note:: Mind.\n".encode()


def pdf() -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, invariant=True, pageCompression=1)
    for number in range(2):
        canvas.bookmarkPage(str(number))
        canvas.addOutlineEntry(f"Part {number}", str(number))
        canvas.drawString(70, 700, WORDS)
        canvas.drawString(70, 660, f"Page {number} says more.")
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def word() -> bytes:
    document = docx.Document()
    document.add_heading("Rent", 1)
    document.add_paragraph(WORDS)
    document.add_paragraph("One", style="List Bullet")
    table = document.add_table(2, 2)
    for number, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = f"cell {number}"
    return saved(document)


def slides() -> bytes:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "Rent"
    slide.placeholders[1].text = WORDS
    slide.notes_slide.notes_text_frame.text = "Say it twice."
    return saved(presentation)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Clause", "Amount"])
    sheet.append([WORDS, 1250.5])
    sheet.append(["Deposit", 2500])
    return saved(book)


def saved(document: object) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)  # type: ignore[attr-defined]
    return buffer.getvalue()


def open_document(kind: str, body: str) -> bytes:
    return zipped(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "META-INF/manifest.xml": (
                '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:'
                'manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="'
                f'application/vnd.oasis.opendocument.{kind}"/><manifest:file-entry '
                'manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
                "</manifest:manifest>"
            ),
            "content.xml": (
                f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document-content '
                f'xmlns:office="{OFFICE}" xmlns:text="{TEXT}" xmlns:table="{TABLE}" '
                f'office:version="1.3"><office:body>{body}</office:body></office:document-content>'
            ),
            "styles.xml": f'<office:document-styles xmlns:office="{OFFICE}"/>',
            "meta.xml": f'<office:document-meta xmlns:office="{OFFICE}"/>',
        }
    )


def odt() -> bytes:
    return open_document(
        "text",
        f'<office:text><text:h text:outline-level="1">Rent</text:h><text:p>{WORDS}</text:p>'
        "<text:list><text:list-item><text:p>One</text:p></text:list-item></text:list>"
        "</office:text>",
    )


def ods() -> bytes:
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = "".join(
        f"<table:table-row>{cell.format(a)}{cell.format(b)}</table:table-row>"
        for a, b in [("Clause", "Amount"), (WORDS, "1250"), ("Deposit", "2500")]
    )
    return open_document(
        "spreadsheet",
        f'<office:spreadsheet><table:table table:name="Sheet 1">{rows}</table:table>'
        "</office:spreadsheet>",
    )


def rtf() -> bytes:
    return (
        rb"{\rtf1\ansi\deff0{\fonttbl{\f0 Arial;}}{\info{\title Rent}}\pard\b Rent\b0\par "
        + WORDS.encode()
        + rb"\par\trowd\cellx900\cellx1800 a\cell b\cell\row\pard caf\'e9 \u8364?\par}"
    )


def epub() -> bytes:
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": (
                '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
                '<rootfile full-path="book.opf"/></rootfiles></container>'
            ),
            "book.opf": (
                '<package xmlns="http://www.idpf.org/2007/opf" '
                'xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>Rent</dc:title>'
                '</metadata><manifest><item id="a" href="a.xhtml" '
                'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine>'
                "</package>"
            ),
            "a.xhtml": f"<html><head><title/></head><body><p>{WORDS}</p></body></html>",
        }
    )


def mail() -> bytes:
    return (
        "From: Ann <ann@x.org>\r\nTo: Bob <bob@x.org>\r\nSubject: =?utf-8?q?Rent?=\r\n"
        "Date: Mon, 5 Jan 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{WORDS}\r\n--b\r\n"
        'Content-Type: text/html\r\nContent-Disposition: attachment; filename="a.html"\r\n\r\n'
        "<p>Attached.</p>\r\n--b--\r\n"
    ).encode()


def mbox() -> bytes:
    return b"".join(
        b"From ann@x.org Mon Jan  5 10:00:00 2026\n" + mail().replace(b"\r\n", b"\n") + b"\n"
        for _ in range(2)
    )


def outlook() -> bytes:
    def properties(offset: int, values: Mapping[int, str]) -> Tree:
        streams = {f"__substg1.0_{n:04X}001F": v.encode("utf-16-le") for n, v in values.items()}
        rows = [struct.pack("<HHIQ", 0x1F, n, 6, 2 * len(v)) for n, v in values.items()]
        return {"__properties_version1.0": bytes(offset) + b"".join(rows), **streams}

    return compound_file(
        properties(32, {0x37: "Rent", 0xC1A: "Ann", 0x1A: "IPM.Note", 0x1000: WORDS})
    )


def lines() -> bytes:
    records = [{"title": "Rent", "text": WORDS}, {"text": "More.", "author": "Ann"}]
    return "".join(json.dumps(record) + "\n" for record in records).encode()


MAKERS: Mapping[str, Callable[[], bytes]] = {
    "a.txt": lambda: f"Rent\n\n{WORDS}\n".encode(),
    "a.md": markdown,
    "a.rst": rst,
    "a.html": html,
    "a.pdf": pdf,
    "a.docx": word,
    "a.pptx": slides,
    "a.xlsx": workbook,
    "a.odt": odt,
    "a.ods": ods,
    "a.csv": lambda: f'Clause,Amount\n"{WORDS}",1250\nDeposit,"2,500"\n'.encode(),
    "a.tsv": lambda: f"Clause\tAmount\n{WORDS}\t1250\nDeposit\t2500\n".encode(),
    "a.rtf": rtf,
    "a.epub": epub,
    "a.eml": mail,
    "a.mbox": mbox,
    "a.msg": outlook,
    "a.json": lambda: json.dumps({"rent": {"text": WORDS, "sum": [1, 2.5, None]}}).encode(),
    "a.jsonl": lines,
    "a.zip": lambda: zipped({"in/a.txt": WORDS, "b.html": html(), "c.bin": bytes(range(40))}),
    "a.tar": lambda: tarred({"in/a.txt": WORDS.encode(), "b.html": html()}),
    "a.tar.gz": lambda: gzip.compress(tarred({"in/a.txt": WORDS.encode()}), mtime=0),
    "a.txt.gz": lambda: gzip.compress(WORDS.encode(), mtime=0),
}


@cache
def small(name: str) -> bytes:
    """The file called `name` in `MAKERS`."""
    return MAKERS[name]()
