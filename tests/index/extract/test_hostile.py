"""Files made to harm: each costs itself at most, and none makes Pincite reach for anything else."""

import bz2
import gzip
import io
import itertools
import lzma
import os
import socket
import struct
import tarfile
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from index.documents import Document
from index.extract import Extraction
from index.extract.cleaning import clean
from index.extract.source import Limits
from index.sandbox.workers import Extractor, InProcess, Job, WorkerPool
from tests.fakes.compound import compound_file
from tests.fakes.small_files import WORDS, rezipped, small, tarred, zipped

MIB = 2**20
LIMITS = Limits(
    expanded_bytes=16 * MIB, characters=8 * MIB, members=1000, seconds=60, memory_mb=1024
)
MARK = "CANARY-4711"


@pytest.fixture(scope="module")
def pool() -> Iterator[Extractor]:
    pool = WorkerPool(LIMITS, 1)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def bare() -> Extractor:
    """Reads in this process: what it does not reach for, no fence has kept it from."""
    return InProcess(LIMITS)


def read(extractor: Extractor, data: bytes, name: str) -> Extraction:
    job = Job(f"file:///{name}", name, data=data)
    found = extractor.submit(job).result(timeout=90)
    for problem in found.problems:
        assert problem.reason.startswith(name)
        assert "\n" not in problem.reason
        for ours in ("crashed", "disturbed", "takes longer", "memory"):
            assert ours not in problem.reason
    for document in found.documents:
        assert document.text == clean(document.text)
    return found


def refused(extractor: Extractor, data: bytes, name: str) -> str:
    """Why a file is not read."""
    found = read(extractor, data, name)
    assert found.documents == ()
    (problem,) = found.problems
    return problem.reason.removeprefix(f"{name}: ")


def only(found: Extraction) -> Document:
    assert found.problems == ()
    (document,) = found.documents
    return document


@pytest.mark.slow
class TestBombs:
    """A small file that becomes a large one is refused before it has."""

    @pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
    def test_packed(self, pool: Extractor, pack: Callable[[bytes], bytes]) -> None:
        assert "unpacks to more than" in refused(pool, pack(b"\n" * (20 * MIB)), "a.txt.gz")

    @pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
    def test_packed_tar(self, pool: Extractor, pack: Callable[[bytes], bytes]) -> None:
        data = pack(tarred({"a.txt": b"One.", "b.txt": bytes(20 * MIB)}))
        found = read(pool, data, "a.tar.gz")
        assert [document.text for document in found.documents] == ["One."]
        assert "unpacks to more than" in found.problems[0].reason

    def test_zip(self, pool: Extractor) -> None:
        data = zipped({"a.txt": "One.", "b.txt": bytes(20 * MIB)})
        assert len(data) < MIB
        found = read(pool, data, "a.zip")
        assert [document.text for document in found.documents] == ["One."]
        assert "unpacks to more than" in found.problems[0].reason

    def test_zip_that_lies_about_sizes(self, pool: Extractor) -> None:
        data = zipped({"b.txt": b"word " * (4 * MIB)})
        lie = data.replace(struct.pack("<I", 20 * MIB), struct.pack("<I", 100))
        assert lie != data
        found = read(pool, lie, "a.zip")
        assert sum(len(document.text) for document in found.documents) <= 100
        assert found.problems or found.documents

    @pytest.mark.slow
    def test_zip_in_zips(self, pool: Extractor) -> None:
        """Sixteen of sixteen of sixteen, as in the bomb called 42."""
        data = zipped({"a.txt": b"word " * (MIB // 4)})
        for _ in range(3):
            data = zipped({f"{number}.zip": data for number in range(16)})
        assert len(data) < MIB
        found = read(pool, data, "a.zip")
        assert sum(len(document.text) for document in found.documents) <= LIMITS.characters
        assert any("more than" in problem.reason for problem in found.problems)

    def test_zip_whose_entries_overlap(self, pool: Extractor) -> None:
        """One packed content, listed a thousand times."""
        data = zipped({"a.txt": b"word " * (MIB // 4)})
        at = data.index(b"PK\1\2")
        listing = data[at : data.index(b"PK\5\6")]
        entries = b"".join(
            listing.replace(b"a.txt", f"{number:05}".encode()) for number in range(1000)
        )
        end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1000, 1000, len(entries), at, 0)
        found = read(pool, data[:at] + entries + end, "a.zip")
        assert sum(len(document.text) for document in found.documents) <= LIMITS.characters
        assert found.problems

    def test_zip_of_many_files(self, pool: Extractor) -> None:
        found = read(pool, zipped({f"{number}.txt": "A." for number in range(1050)}), "a.zip")
        assert len(found.documents) == LIMITS.members
        assert "more than the 1,000 documents" in found.problems[-1].reason

    def test_zip_in_zip_without_end(self, pool: Extractor) -> None:
        data = zipped({"a.txt": "Deep."})
        for _ in range(50):
            data = zipped({"a.zip": data})
        assert "is nested more than 4 deep" in read(pool, data, "a.zip").problems[0].reason

    def test_mail_in_mail_without_end(self, pool: Extractor) -> None:
        data = small("a.eml")
        for number in range(200):
            data = (
                b"From: a@x.org\nSubject: s\nMIME-Version: 1.0\n"
                b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n'
                b"Content-Type: message/rfc822\n\n%s\n--%d--\n" % (number, number, data, number)
            )
        found = read(pool, data, "a.eml")
        assert len(found.documents) + len(found.problems) < 20

    @pytest.mark.parametrize(
        ("name", "part"),
        [
            ("a.docx", "word/document.xml"),
            ("a.pptx", "ppt/slides/slide1.xml"),
            ("a.xlsx", "xl/worksheets/sheet1.xml"),
            ("a.odt", "content.xml"),
            ("a.ods", "content.xml"),
            ("a.epub", "a.xhtml"),
        ],
    )
    def test_office(self, pool: Extractor, name: str, part: str) -> None:
        def grow(entry: str, data: bytes) -> bytes:
            if entry != part:
                return data
            end = data.rindex(b"</")
            return data[:end] + b" " * (20 * MIB) + data[end:]

        data = rezipped(small(name), grow)
        assert len(data) < MIB
        assert "unpacks to more than" in refused(pool, data, name)

    def test_pdf(self, pool: Extractor) -> None:
        """Streams packed twice: kilobytes that become gigabytes of drawing orders."""
        content = zlib.compress(zlib.compress(b"BT ET " * (50 * MIB // 6), 9), 9)
        stream = b"<</Filter[/FlateDecode/FlateDecode]/Length %d>>stream\n" % len(content)
        body = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>"]
        page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R>>"
        data = made_pdf([*body, page, stream + content + b"\nendstream"])
        assert len(data) < MIB
        assert "has no text" in refused(pool, data, "a.pdf")


LAUGHS = "".join(
    f'<!ENTITY a{number} "{f"&a{number - 1};" * 10}">' if number else f'<!ENTITY a0 "{WORDS}">'
    for number in range(12)
)
QUADRATIC = f'<!ENTITY a11 "{"word " * 100_000}">'
PARTS = {
    "a.docx": "word/document.xml",
    "a.pptx": "ppt/slides/slide1.xml",
    "a.xlsx": "xl/worksheets/sheet1.xml",
    "a.odt": "content.xml",
    "a.ods": "content.xml",
}
BOOK_PARTS = ["META-INF/container.xml", "book.opf", "a.xhtml"]
ALL_PARTS = [*PARTS.items(), *(("a.epub", part) for part in BOOK_PARTS)]


def with_entities(name: str, part: str, declared: str, use: str) -> bytes:
    """A document one of whose parts declares entities, and uses one in each of its texts."""

    def edit(entry: str, data: bytes) -> bytes:
        if entry != part:
            return data
        text = data.decode()
        head, root = ("", text) if not text.startswith("<?") else text.split("?>", 1)
        kind = root.lstrip("\r\n <").split(maxsplit=1)[0].rstrip(">")
        root = root.replace(WORDS, f"{WORDS} {use}").replace("Rent", f"Rent {use}")
        return f"{head}{'?>' if head else ''}<!DOCTYPE {kind} [{declared}]>{root}".encode()

    return rezipped(small(name), edit)


class TestEntities:
    """XML may declare names for texts: for texts of texts, and for other files."""

    @pytest.mark.parametrize(("name", "part"), ALL_PARTS)
    @pytest.mark.parametrize("declared", [LAUGHS, QUADRATIC], ids=["laughs", "quadratic"])
    def test_bombs(self, pool: Extractor, name: str, part: str, declared: str) -> None:
        found = read(pool, with_entities(name, part, declared, "&a11;" * 1000), name)
        assert sum(len(document.text) for document in found.documents) < 100_000

    @pytest.mark.parametrize(("name", "part"), ALL_PARTS)
    @pytest.mark.parametrize(
        "declared",
        [
            '<!ENTITY a SYSTEM "{0}">',
            '<!ENTITY a PUBLIC "-//x" "{0}">',
            '<!ENTITY % p SYSTEM "{0}"> %p;',
        ],
    )
    def test_other_files(
        self, bare: Extractor, tmp_path: Path, name: str, part: str, declared: str
    ) -> None:
        (tmp_path / "secret").write_text(MARK, encoding="utf-8")
        for place in ((tmp_path / "secret").as_uri(), str(tmp_path / "secret")):
            found = read(bare, with_entities(name, part, declared.format(place), "&a;"), name)
            assert all(MARK not in document.text for document in found.documents)

    def test_html(self, bare: Extractor, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text(MARK, encoding="utf-8")
        place = (tmp_path / "secret").as_uri()
        page = f'<!DOCTYPE html [<!ENTITY a SYSTEM "{place}">]><html><p>{WORDS} &a;</p></html>'
        assert MARK not in only(read(bare, page.encode(), "a.html")).text


class Listener:
    """Counts who connects to it."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if connection.recv(3) == b"end":
                    return
                self.connections += 1

    def close(self) -> None:
        with socket.create_connection(self._socket.getsockname()) as connection:
            connection.sendall(b"end")
        self._thread.join()
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


REMOTE: Mapping[str, Callable[[str], bytes]] = {
    "a.html": lambda url: (
        f"<html><head><link rel=stylesheet href='{url}/a.css'><base href='{url}'>"
        f"<meta http-equiv=refresh content='0;url={url}'><script src='{url}/a.js'></script>"
        f"<style>@import '{url}';body{{background:url({url})}}</style></head><body>"
        f"<img src='{url}/a.png' alt='A bridge'><iframe src='{url}'></iframe><p>{WORDS}"
        f"<object data='{url}'></object><svg><image href='{url}'/></svg>"
        f"<video src='{url}' poster='{url}'></video></body></html>"
    ).encode(),
    "a.md": lambda url: f"# Rent\n\n{WORDS}\n\n![a]({url})\n\n<img src='{url}'>\n".encode(),
    "a.rst": lambda url: (
        f"Rent\n====\n\n{WORDS}\n\n.. image:: {url}\n\n.. raw:: html\n   :url: {url}\n\n"
        f".. csv-table:: T\n   :url: {url}\n\n.. figure:: {url}\n\n`a <{url}>`_\n"
    ).encode(),
    "a.eml": lambda url: (
        f"From: a@x.org\nSubject: s\nContent-Type: text/html\n\n<img src='{url}'>{WORDS}\n"
    ).encode(),
    "a.docx": lambda url: rezipped(
        small("a.docx"),
        lambda name, data: (
            data.replace(
                b"</Relationships>",
                b'<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/'
                b'2006/relationships/attachedTemplate" Target="%s" TargetMode="External"/>'
                b'<Relationship Id="rId98" Type="http://schemas.openxmlformats.org/officeDocument/'
                b'2006/relationships/image" Target="%s" TargetMode="External"/></Relationships>'
                % (url.encode(), url.encode()),
            )
            if name.endswith(".rels")
            else data
        ),
    ),
    "a.epub": lambda url: rezipped(
        small("a.epub"),
        lambda name, data: (
            data.replace(b"<title/>", f"<link rel='stylesheet' href='{url}'/>".encode()).replace(
                b"<html>", f'<!DOCTYPE html PUBLIC "-//x" "{url}/x.dtd"><html>'.encode()
            )
            if name == "a.xhtml"
            else data
        ),
    ),
    "a.odt": lambda url: rezipped(
        small("a.odt"),
        lambda name, data: (
            data.replace(
                b"</office:text>",
                f'<text:p><text:a xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="{url}">'
                "there</text:a></text:p></office:text>".encode(),
            )
            if name == "content.xml"
            else data
        ),
    ),
}


@pytest.mark.parametrize("name", REMOTE)
def test_nothing_is_fetched(bare: Extractor, listener: Listener, name: str) -> None:
    document = only(read(bare, REMOTE[name](listener.url), name))
    assert WORDS in document.text
    assert listener.connections == 0


@pytest.mark.parametrize(("name", "part"), ALL_PARTS)
def test_no_document_type_is_fetched(
    bare: Extractor, listener: Listener, name: str, part: str
) -> None:
    declared = f'<!ENTITY a SYSTEM "{listener.url}/a"><!ENTITY % p SYSTEM "{listener.url}/p"> %p;'
    read(bare, with_entities(name, part, declared, "&a;"), name)
    assert listener.connections == 0


def test_no_file_is_included(bare: Extractor, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(MARK, encoding="utf-8")
    page = (
        f"Rent\n====\n\n{WORDS}\n\n.. include:: {secret}\n\n.. literalinclude:: {secret}\n\n"
        f".. raw:: html\n   :file: {secret}\n\n.. csv-table:: T\n   :file: {secret}\n"
    )
    document = only(read(bare, page.encode(), "a.rst"))
    assert WORDS in document.text
    assert MARK not in document.text


OUTSIDE = ["../x.txt", "a/../../x.txt", "/etc/x.txt", "C:\\x.txt", "..\\y.txt", "\\\\h\\x.txt"]


class TestArchives:
    @pytest.mark.parametrize("pack", [zipped, tarred])
    def test_paths_that_lead_out(
        self,
        bare: Extractor,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        pack: Callable[[Mapping[str, bytes]], bytes],
    ) -> None:
        (tmp_path / "in").mkdir()
        monkeypatch.chdir(tmp_path / "in")
        files = dict.fromkeys(OUTSIDE, b"Outside.")
        found = read(bare, pack({"a.txt": b"Inside.", **files, "b.txt": b"After."}), "a.zip")
        assert [document.text for document in found.documents] == ["Inside.", "After."]
        assert len(found.problems) == len(OUTSIDE)
        assert all("leads out of the archive" in problem.reason for problem in found.problems)
        assert list(tmp_path.rglob("*")) == [tmp_path / "in"]

    def test_links_and_devices(self, bare: Extractor, tmp_path: Path) -> None:
        (tmp_path / "secret.txt").write_text(MARK, encoding="utf-8")
        buffer = io.BytesIO()
        kinds = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for kind in kinds:
                entry = tarfile.TarInfo(f"{kind!r}.txt")
                entry.type = kind
                entry.linkname = str(tmp_path / "secret.txt")
                archive.addfile(entry)
            entry = tarfile.TarInfo("a.txt")
            entry.size = 4
            archive.addfile(entry, io.BytesIO(b"One."))
        assert only(read(bare, buffer.getvalue(), "a.tar")).text == "One."

    def test_a_link_in_a_zip(self, bare: Extractor, tmp_path: Path) -> None:
        (tmp_path / "secret.txt").write_text(MARK, encoding="utf-8")
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            link = zipfile.ZipInfo("link.txt")
            link.create_system = 3
            link.external_attr = 0o120777 << 16
            archive.writestr(link, str(tmp_path / "secret.txt"))
            archive.writestr("a.txt", "One.")
        assert only(read(bare, buffer.getvalue(), "a.zip")).text == "One."


def test_scripts_are_not_text(bare: Extractor) -> None:
    page = f"""<html><body onload="alert('{MARK}')"><script>document.write("{MARK}")</script>
    <noscript>Without.</noscript><p onclick="{MARK}()">{WORDS}</p>
    <a href="javascript:{MARK}()">there</a><style>.{MARK} {{}}</style>
    <template><script>{MARK}</script></template><!-- {MARK} -->
    <img src=x onerror="{MARK}()"><svg><script>{MARK}</script></svg></body></html>"""
    text = only(read(bare, page.encode(), "a.html")).text
    assert WORDS in text
    assert "there" in text
    assert MARK not in text


def made_pdf(objects: list[bytes], trailer: bytes = b"") -> bytes:
    """A PDF of these objects; the first is its catalogue."""
    data, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return data + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n"
        b"%%%%EOF\n" % (len(objects) + 1, table, len(objects) + 1, trailer, len(data))
    )


CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
PAGE = (
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R"
    b"/Resources<</Font<</F 5 0 R>>>>>>"
)
SAYS = b"BT /F 12 Tf 20 100 Td (Some words.) Tj ET"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), entries, content)


DRAWS_ITSELF = b"/Resources<</XObject<</X 6 0 R>>>>"

PDFS: Mapping[str, Callable[[], bytes]] = {
    "arrays in arrays": lambda: made_pdf(
        [
            CATALOG,
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            PAGE,
            stream(SAYS),
            FONT,
            b"[" * 300_000 + b"]" * 300_000,
        ],
        b"/Info 6 0 R",
    ),
    "dictionaries in dictionaries": lambda: made_pdf(
        [
            CATALOG,
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            PAGE[:-2] + b"/X" + b"<</X" * 100_000 + b" 1" + b">>" * 100_001,
            stream(SAYS),
            FONT,
        ]
    ),
    "a page tree without end": lambda: made_pdf(
        [CATALOG, b"<</Type/Pages/Kids[2 0 R 2 0 R 3 0 R]/Count 3>>", PAGE, stream(SAYS), FONT]
    ),
    "a page tree as deep as it is long": lambda: made_pdf(
        [
            b"<</Type/Catalog/Pages 5 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            PAGE.replace(b"5 0 R", b"4 0 R"),
            stream(SAYS),
            *(b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % n for n in range(6, 20_006)),
            PAGE,
        ]
    ),
    "a million pages that are not there": lambda: made_pdf(
        [CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1000000>>", PAGE, stream(SAYS), FONT]
    ),
    "one page a million times": lambda: made_pdf(
        [
            CATALOG,
            b"<</Type/Pages/Kids[%s]/Count 1000000>>" % (b"3 0 R " * 1_000_000),
            PAGE,
            stream(SAYS),
            FONT,
        ]
    ),
    "a form that draws itself": lambda: made_pdf(
        [
            CATALOG,
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            PAGE.replace(b"/Font", b"/XObject<</X 6 0 R>>/Font"),
            stream(SAYS + b" /X Do"),
            FONT,
            stream(b"/X Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]" + DRAWS_ITSELF),
        ]
    ),
    "forms that draw two each": lambda: made_pdf(
        [
            CATALOG,
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            PAGE.replace(b"/Font", b"/XObject<</X 6 0 R>>/Font"),
            stream(SAYS + b" /X Do"),
            FONT,
            *(
                stream(
                    b"/X Do /X Do",
                    b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]"
                    b"/Resources<</XObject<</X %d 0 R>>>>" % (n + 1),
                )
                for n in range(6, 17)
            ),
            stream(SAYS, b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]"),
        ]
    ),
    "states saved without end": lambda: made_pdf(
        [
            CATALOG,
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            PAGE,
            stream(b"q " * 500_000 + SAYS),
            FONT,
        ]
    ),
    "a page as large as the sky": lambda: made_pdf(
        [
            CATALOG,
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            PAGE.replace(b"200 200", b"1e38 1e38"),
            stream(SAYS),
            FONT,
        ]
    ),
    "an outline without end": lambda: made_pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R/Outlines 6 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            PAGE,
            stream(SAYS),
            FONT,
            b"<</First 7 0 R/Last 7 0 R/Count 9>>",
            b"<</Title(Again)/Parent 6 0 R/Next 7 0 R/First 7 0 R/Dest[3 0 R/Fit]>>",
        ]
    ),
    "a list of objects that is its own past": lambda: made_pdf(
        [CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", PAGE, stream(SAYS), FONT], b"/Prev 9"
    ),
    "an object that is itself": lambda: made_pdf(
        [CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", PAGE, b"4 0 R", FONT]
    ),
}


class TestPdf:
    @pytest.mark.parametrize("kind", PDFS)
    def test_what_is_made_to_be_endless(self, pool: Extractor, kind: str) -> None:
        started = time.monotonic()
        found = read(pool, PDFS[kind](), "a.pdf")
        assert time.monotonic() - started < 30
        assert len(found.documents) + len(found.problems) == 1
        for document in found.documents:
            assert "Some words." in document.text

    @pytest.mark.slow
    def test_what_grows_as_it_is_drawn_costs_itself(self) -> None:
        pool = WorkerPool(Limits(seconds=5, memory_mb=512), 1)
        twice = PDFS["a form that draws itself"]().replace(b"/X Do\nends", b"/X Do /X Do\nends")
        bomb, sound = [
            pool.submit(Job("file:///a", "a.pdf", data=data)) for data in (twice, small("a.pdf"))
        ]
        (problem,) = bomb.result(timeout=60).problems
        assert problem.reason.startswith(("a.pdf: crashed the process", "a.pdf: takes longer"))
        assert WORDS in only(sound.result(timeout=60)).text
        pool.close()

    def test_a_million_pages(self, pool: Extractor) -> None:
        reason = refused(pool, PDFS["one page a million times"](), "a.pdf")
        assert "pages" in reason


def encrypted_pdf() -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, encrypt=StandardEncryption("secret", ownerPassword="own"))
    canvas.drawString(70, 700, WORDS)
    canvas.save()
    return buffer.getvalue()


def encrypted_zip() -> bytes:
    data = bytearray(zipped({"a.txt": WORDS}))
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + flags] |= 1
    return bytes(data)


PROTECTED: Mapping[str, Callable[[], bytes]] = {
    "a.pdf": encrypted_pdf,
    "a.docx": lambda: compound_file({"EncryptionInfo": b"\4\0\4\0", "EncryptedPackage": b"x" * 99}),
    "a.xlsx": lambda: compound_file({"EncryptionInfo": b"\4\0\4\0", "EncryptedPackage": b"x" * 99}),
    "a.zip": encrypted_zip,
    "b.docx": lambda: encrypted_office("a.docx"),
    "a.odt": lambda: encrypted_office("a.odt"),
    "a.epub": lambda: encrypted_office("a.epub"),
}


def encrypted_office(name: str) -> bytes:
    data = bytearray(small(name))
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(mark, at + 1)
    return bytes(data)


@pytest.mark.parametrize("name", PROTECTED)
def test_what_is_protected_says_so(pool: Extractor, name: str) -> None:
    found = read(pool, PROTECTED[name](), name)
    assert found.documents == ()
    (problem,) = found.problems
    assert any(word in problem.reason for word in ("encrypted", "password"))


@pytest.mark.parametrize(
    ("inside", "name"),
    [
        ("a.pdf", "a.txt"),
        ("a.pdf", "a.docx"),
        ("a.docx", "a.pdf"),
        ("a.docx", "a.zip"),
        ("a.xlsx", "a.csv"),
        ("a.odt", "a.docx"),
        ("a.epub", "a.zip"),
        ("a.zip", "a.txt"),
        ("a.tar.gz", "a.txt"),
        ("a.rtf", "a.doc"),
        ("a.html", "a.pdf"),
        ("a.txt", "a.docx"),
        ("a.txt", "a.zip"),
        ("a.md", "a.pdf"),
        ("a.msg", "a.eml"),
        ("a.eml", "a.msg"),
        ("a.json", "a.html"),
    ],
)
def test_content_decides_and_not_the_ending(pool: Extractor, inside: str, name: str) -> None:
    found = read(pool, small(inside), name)
    assert any(WORDS in document.text for document in found.documents)


@pytest.mark.parametrize("name", ["a.txt", "a.pdf", "a.docx", "a.html", "a.eml", "a.zip", "a.json"])
def test_what_is_not_a_document_is_refused(pool: Extractor, name: str) -> None:
    noise = bytes((value * 167 + 13) % 256 for value in range(5000))
    for data in (b"\x89PNG\r\n\x1a\n" + noise, b"\x7fELF\2\1\1" + noise, bytes(5000), noise):
        assert refused(pool, data, name)


ODD = [
    "\0",
    "\x1b[31m",
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "\ud800",
    "\uffff",
    "\x85",
    "\u2029",
]
TEXTS = [
    "a.txt",
    "a.md",
    "a.rst",
    "a.html",
    "a.csv",
    "a.tsv",
    "a.json",
    "a.jsonl",
    "a.eml",
    "a.rtf",
]


LONG = 2**14
LONG_RUNS = [
    "a" * LONG,
    " " * LONG + "a",
    "\n" * LONG + "a",
    "a\n\n" * LONG,
    "a " * LONG,
    ". " * LONG,
    "# a\n" * LONG,
    "> " * LONG + "a",
    "* " * LONG + "a",
    "[" * LONG + "a",
    "[a](" * LONG,
    "`" * LONG + "a",
    "*a_" * LONG,
    "<" * LONG + "a",
    "<div>" * LONG + "a",
    "<a href=" * LONG + "a",
    "<table><tr><td>" * (LONG // 4) + "a",
    "&" * LONG + "a",
    "|" * LONG + "a",
    "a|b\n-|-\n" * (LONG // 4),
    "a,b;c\t" * LONG,
    '"' * LONG + "a",
    '{"a":' * LONG,
    "[" * LONG + "]" * LONG,
    "{" * LONG + "a",
    "\\" * LONG + "a",
    "=" * LONG + "\na\n" + "=" * LONG,
    "a\n=\n" * LONG,
    ".. a::\n" * (LONG // 4),
    "From a\n\n" * LONG,
    "a: b\n" * LONG,
    "-" * LONG + "\na",
    "---\n" + "a: *b\n" * 10_000 + "---\n\nWords.",
    "\\'e9" * LONG,
]


class TestText:
    @pytest.mark.parametrize("name", TEXTS)
    def test_odd_characters(self, pool: Extractor, name: str) -> None:
        """They may change how the words are read, but not what a text is."""
        for odd in [*ODD, "".join(ODD[1:])]:
            for place in (" rent", "The", "first.", "\n"):
                words = small(name).decode("utf-8", "surrogatepass").replace(place, place + odd)
                found = read(pool, words.encode("utf-8", "surrogatepass"), name)
                for document in found.documents:
                    assert not set(document.text) & set("\0\x1b\x85\ufeff\u200b\uffff\ud800\u2029")
                    # No letters that nobody wrote, as of an encoding wrongly guessed.
                    assert sum(it > "\u3000" and it != "\ufffd" for it in document.text) == 0

    def test_bidirectional_marks_stay_where_they_stand(self, pool: Extractor) -> None:
        """A quote is what the file says, and so is what turns its order."""
        data = "Pay \u202e001\u202c euros.".encode()
        assert only(read(pool, data, "a.txt")).text == "Pay \u202e001\u202c euros."

    @pytest.mark.parametrize("name", TEXTS)
    @pytest.mark.parametrize("junk", [b"\xff\xfe\xfd", b"\xc3\x28", b"\xed\xa0\x80", b"\x80" * 50])
    def test_invalid_utf8(self, pool: Extractor, name: str, junk: bytes) -> None:
        for place in (b" rent", b"The", b"first."):
            data = small(name).replace(place, place + b" " + junk)
            for document in read(pool, data, name).documents:
                document.text.encode()

    @pytest.mark.slow
    @pytest.mark.parametrize("name", TEXTS)
    def test_long_runs_take_time_in_proportion(self, pool: Extractor, name: str) -> None:
        """Thousands of anything are read or refused in seconds."""
        slow = {}
        for data in LONG_RUNS:
            started = time.monotonic()
            read(pool, data.encode(), name)
            if (took := time.monotonic() - started) > 20:
                slow[data[:12]] = took
        assert slow == {}


def test_a_file_of_many_gigabytes(pool: Extractor, tmp_path: Path) -> None:
    for name in ("a.txt", "a.pdf", "a.zip", "a"):
        path = tmp_path / name
        with path.open("wb") as file:
            file.write(small("a.pdf") if name == "a.pdf" else b"words ")
            file.truncate(2**35)
        found = pool.submit(Job(path.as_uri(), name, path)).result(timeout=60)
        assert found.documents == ()
        assert (
            "34,359,738,368 bytes, more than the 536,870,912 any file" in found.problems[0].reason
        )


def test_bad_files_do_not_stop_the_others(pool: Extractor) -> None:
    jobs = [
        Job(f"file:///{number}", f"{number}.x", data=data)
        for number, data in enumerate(
            itertools.chain(
                *zip(
                    (PDFS["arrays in arrays"](), encrypted_zip(), bytes(100), os.urandom(5000)),
                    itertools.repeat(WORDS.encode()),
                    strict=False,
                )
            )
        )
    ]
    found = [future.result(timeout=60) for future in [pool.submit(job) for job in jobs]]
    assert [only(extraction).text for extraction in found[1::2]] == [WORDS] * 4
    assert all(extraction.documents or extraction.problems for extraction in found)
