"""EPUB: chapters in reading order, titles from the table of contents, metadata."""

import io
import time
import zipfile

import pytest

from index.extract import Extraction, extract_all
from index.extract.formats import EPUB
from index.extract.source import Limits

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OPS/book.opf"/></rootfiles></container>'
)
METADATA = (
    "<dc:title>The <i xmlns=''>Handbook</i></dc:title><dc:creator>Ann A.</dc:creator>"
    "<dc:creator>Bob B.</dc:creator><dc:language>en-GB</dc:language><dc:date>2026-01-05</dc:date>"
    "<dc:subject>Parking</dc:subject><dc:subject>Zones</dc:subject>"
    "<dc:description>&lt;p&gt;All of it.&lt;/p&gt;</dc:description>"
    '<meta property="dcterms:modified">2026-02-01T10:00:00Z</meta>'
)
ITEMS = {
    "ncx": ("toc.ncx", "application/x-dtbncx+xml"),
    "two": ("text/two%20b.xhtml", "application/xhtml+xml"),
    "one": ("text/one.xhtml", "application/xhtml+xml"),
    "pic": ("pic.png", "image/png"),
}
NCX = (
    '<?xml version="1.0"?>\n<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://x/ncx.dtd">'
    '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>'
    '<navPoint><navLabel><text>Part I</text></navLabel><content src="none.xhtml"/>'
    '<navPoint><navLabel><text>First\n steps</text></navLabel><content src="text/one.xhtml#a"/>'
    "</navPoint></navPoint>"
    '<navPoint><navLabel><text>Second</text></navLabel><content src="text/two%20b.xhtml"/>'
    "</navPoint></navMap></ncx>"
)
ONE = "<html xmlns='http://x/xhtml'><head><title/></head><body><p>It begins.</p></body></html>"
TWO = "<html><head><script src='x'/></head><h1>Own title</h1><p>It ends<a id='x'/>.</p></html>"


def package(
    spine: str = "one two", items: dict[str, tuple[str, str]] = ITEMS, extra: str = ""
) -> str:
    manifest = "".join(
        f'<item id="{one}" href="{href}" media-type="{kind}" '
        f'properties="{extra if one == "nav" else ""}"/>'
        for one, (href, kind) in items.items()
    )
    refs = "".join(f'<itemref idref="{one}"/>' for one in spine.split())
    return (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<metadata>{METADATA}</metadata><manifest>{manifest}</manifest><spine>{refs}</spine></package>"
    )


def book(**changed: str) -> bytes:
    files = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": package(),
        "OPS/toc.ncx": NCX,
        "OPS/text/one.xhtml": ONE,
        "OPS/text/two b.xhtml": TWO,
        "OPS/pic.png": "x",
    }
    files |= {name.replace("__", "/").replace("_", "."): data for name, data in changed.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def read(data: bytes, limits: Limits | None = None) -> Extraction:
    return extract_all(data, uri="file:///a.epub", name="a.epub", limits=limits or Limits())


def test_chapters_stand_in_reading_order_under_their_titles() -> None:
    found = read(book())
    assert found.problems == ()
    (document,) = found.documents
    assert document.media_type == EPUB
    assert document.text == "First steps\n\nIt begins.\n\nOwn title\n\nIt ends."
    assert [section.path for section in document.sections] == [("First steps",), ("Own title",)]


def test_what_the_book_says_of_itself_is_metadata() -> None:
    (document,) = read(book()).documents
    assert document.title == "The Handbook"
    assert document.metadata == {
        "author": "Ann A., Bob B.",
        "language": "en",
        "date": "2026-01-05",
        "description": "All of it.",
        "keywords": "Parking, Zones",
        "modified": "2026-02-01T10:00:00Z",
    }


def test_titles_come_from_a_navigation_page_too() -> None:
    items = {**ITEMS, "nav": ("nav.xhtml", "application/xhtml+xml")}
    del items["ncx"]
    nav = (
        "<html><body><nav epub:type='landmarks'><a href='text/one.xhtml'>Start</a></nav>"
        "<nav epub:type='toc'><ol><li><a href='text/one.xhtml'>The <b>start</b></a></li></ol></nav>"
        "</body></html>"
    )
    opf = package("nav one two", items, "nav")
    (document,) = read(book(OPS__book_opf=opf, OPS__nav_xhtml=nav)).documents
    assert document.text == "The start\n\nIt begins.\n\nOwn title\n\nIt ends."


def test_a_chapter_named_twice_is_read_once() -> None:
    spine = "one one two one none pic"
    (document,) = read(book(OPS__book_opf=package(spine))).documents
    assert document.text.count("It begins.") == 1


def test_a_locked_book_is_refused_as_such() -> None:
    locked = (
        '<encryption xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData>'
        '<enc:EncryptionMethod Algorithm="{}"/><enc:CipherData><enc:CipherReference URI="{}"/>'
        "</enc:CipherData></enc:EncryptedData></encryption>"
    )
    aes = locked.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OPS/text/one.xhtml")
    found = read(book(**{"META-INF__encryption_xml": aes}))
    assert found.problems[0].reason.startswith("a.epub: is locked by its seller (DRM)")
    fonts = locked.format("http://www.idpf.org/2008/embedding", "OPS/text/one.xhtml")
    assert read(book(**{"META-INF__encryption_xml": fonts})).problems == ()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"META-INF__container_xml": "<container/>"}, "without a list of its contents"),
        ({"META-INF__container_xml": "<container"}, "is an EPUB that is damaged"),
        ({"OPS__book_opf": "<package"}, "is an EPUB that is damaged"),
        ({"OPS__book_opf": package("none")}, "holds no text"),
        (
            {"OPS__book_opf": '<!DOCTYPE x [<!ENTITY a "aaaa">]><package>&a;</package>'},
            "is an EPUB that is damaged (EntitiesForbidden",
        ),
    ],
)
def test_a_broken_book_is_named_so(changed: dict[str, str], words: str) -> None:
    found = read(book(**changed))
    assert found.documents == ()
    assert words in found.problems[0].reason


def test_what_unpacks_to_too_much_is_refused() -> None:
    found = read(book(OPS__text__one_xhtml="<p>" + "x" * 2_000_000), Limits(expanded_bytes=10**6))
    assert found.problems[0].reason.startswith("a.epub: unpacks to more than the 1,000,000 bytes")


def test_pictures_are_not_unpacked() -> None:
    found = read(book(OPS__pic_png="x" * 2_000_000), Limits(expanded_bytes=10**6))
    assert found.problems == ()


def test_a_chapter_is_counted_whatever_it_is_called() -> None:
    opf = package("pic", {"pic": ("pic.png", "application/xhtml+xml")})
    page = "<p>Words.</p>" + " " * 2_000_000
    data = book(OPS__book_opf=opf, OPS__pic_png=page)
    found = read(data, Limits(expanded_bytes=10**6))
    assert found.problems[0].reason.startswith("a.epub: unpacks to more than the 1,000,000 bytes")
    (document,) = read(data).documents
    assert document.text == "Words."


def test_a_chapter_that_is_encrypted_is_named_so_whatever_it_is_called() -> None:
    opf = package("pic", {"pic": ("pic.png", "application/xhtml+xml")})
    data = bytearray(book(OPS__book_opf=opf))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert read(bytes(data)).problems[0].reason.startswith("a.epub: is encrypted")


@pytest.mark.slow
def test_a_book_of_many_files_and_references_takes_no_time() -> None:
    ids = [f"c{n}" for n in range(10_000)]
    opf = package(" ".join(ids), dict.fromkeys(ids, ("text/one.xhtml", "text/html")))
    data = book(OPS__book_opf=opf, **{f"x{n}": "" for n in range(10_000)})
    begin = time.perf_counter()
    (document,) = read(data).documents
    # A minute where each reference costs a look at each file.
    assert time.perf_counter() - begin < 20
    assert document.text == "It begins."
