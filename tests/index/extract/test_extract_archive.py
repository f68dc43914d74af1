"""Archives: every file in them is a document, and nothing leaves them."""

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
from typing import Literal

import pytest

from index.extract import Extraction, extract_all
from index.extract.formats import HTML, MARKDOWN, PLAIN
from index.extract.source import Limits

FILES = {
    "b/rates.md": b"# Rates\n\nEUR 4",
    "a.txt": b"Hello.",
    "b/page.dat": b"<!DOCTYPE html><p>A page.</p>",
}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], mode: Literal["w", "w:gz", "w:bz2", "w:xz"] = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.PAX_FORMAT) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def read(data: bytes, name: str = "a.zip", limits: Limits | None = None) -> Extraction:
    return extract_all(data, uri=f"file:///{name}", name=name, limits=limits or Limits())


def reasons(found: Extraction) -> list[str]:
    return [problem.reason for problem in found.problems]


@pytest.mark.parametrize(
    "data",
    [
        *(zipped(FILES, method) for method in (0, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)),
        zipped(FILES, zipfile.ZIP_LZMA),
        *(tarred(FILES), tarred(FILES, "w:gz"), tarred(FILES, "w:bz2"), tarred(FILES, "w:xz")),
    ],
)
def test_each_file_is_a_document(data: bytes) -> None:
    found = read(data, "box")
    assert found.problems == ()
    assert [(one.uri, one.title, one.media_type, one.text) for one in found.documents] == [
        ("file:///box!/b/rates.md", "Rates", MARKDOWN, "Rates\n\nEUR 4"),
        ("file:///box!/a.txt", "Hello.", PLAIN, "Hello."),
        ("file:///box!/b/page.dat", "page", HTML, "A page."),
    ]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize(
    ("name", "inside"),
    [("x/notes.md.gz", "notes.md"), ("notes", "notes"), ("notes.tgz", "notes.tar")],
)
def test_a_packed_file_is_a_document(pack: object, name: str, inside: str) -> None:
    assert callable(pack)
    (document,) = read(pack(b"# Rates\n\nEUR 4"), name).documents
    assert document.uri == f"file:///{name}!/{inside}"
    assert document.text == ("Rates" if inside.endswith(".md") else "# Rates") + "\n\nEUR 4"


def test_packed_files_one_after_another_are_one() -> None:
    data = gzip.compress(b"Hello, ") + gzip.compress(b"World.")
    assert read(data, "a.txt.gz").documents[0].text == "Hello, World."


def test_what_is_not_a_persons_file_is_passed_over() -> None:
    files = {
        "__MACOSX/._a.txt": b"x",
        ".git/config": b"x",
        "b/.DS_Store": b"x",
        "b/Thumbs.db": b"x",
        "./a.txt": b"Hello.",
    }
    for data in (zipped(files), tarred(files)):
        found = read(data)
        assert [one.uri for one in found.documents] == ["file:///a.zip!/a.txt"]
        assert found.problems == ()


def test_links_devices_and_folders_are_passed_over() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for at, kind in enumerate(
            (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE)
        ):
            entry = tarfile.TarInfo(f"link{at}")
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    assert reasons(read(buffer.getvalue(), "a.tar")) == ["a.tar: holds no documents"]
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive_of_links:
        archive_of_links.writestr(link, "/etc/passwd")
    assert reasons(read(buffer.getvalue())) == ["a.zip: holds no documents"]


@pytest.mark.parametrize(
    "name",
    ["../up.txt", "/root.txt", "C:\\x.txt", "c:x.txt", "b/../../up.txt", "b\\..\\..\\up.txt"],
)
def test_paths_that_lead_out_are_refused(name: str) -> None:
    for data in (
        zipped({name: b"Evil.", "a.txt": b"Hello."}),
        tarred({name: b"Evil.", "a.txt": b"Hello."}),
    ):
        found = read(data)
        assert [one.text for one in found.documents] == ["Hello."]
        (reason,) = reasons(found)
        assert "leads out of the archive" in reason
        assert "!/.." not in found.problems[0].uri or name.startswith((".", "b"))


def test_a_name_with_a_nul_is_refused() -> None:
    data = zipped({"aXb.txt": b"Evil."}).replace(b"aXb.txt", b"a\0b.txt")
    assert "hides a part" in reasons(read(data))[0]


def test_names_in_utf8_that_do_not_say_so_are_read() -> None:
    data = zipped({"räte.txt": b"Hello."})
    # The bit that says UTF-8, in the entry's own header and in the directory.
    plain = data.replace(b"\x14\0\0\x08", b"\x14\0\0\0")
    assert plain != data
    assert read(plain).documents[0].uri == "file:///a.zip!/r%C3%A4te.txt"


def test_files_with_a_password_are_named() -> None:
    data = bytearray(zipped({"a.txt": b"Hello."}, 0))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert reasons(read(bytes(data))) == [
        "a.zip!/a.txt: is encrypted; unpack the archive with its password and index the files"
    ]


def test_one_damaged_file_does_not_stop_the_others() -> None:
    data = bytearray(zipped({"a.txt": b"Hello.", "b.txt": b"World."}, 0))
    data[data.index(b"Hello.")] ^= 1
    found = read(bytes(data))
    assert [one.text for one in found.documents] == ["World."]
    assert reasons(found)[0].startswith("a.zip!/a.txt: is damaged")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_archive_that_breaks_off_is_read_up_to_there(
    mode: Literal["w", "w:gz", "w:bz2", "w:xz"],
) -> None:
    noise = random.Random(0).randbytes(200_000)
    data = tarred({"a.txt": b"Hello.", "b.bin": noise}, mode)
    found = read(data[:-1000] if mode != "w" else data[:100_000], "a.tar")
    assert "damaged" in reasons(found)[-1]
    if mode == "w":
        assert [one.text for one in found.documents] == ["Hello."]


@pytest.mark.parametrize("data", [b"PK\x03\x04 no", b"\x1f\x8b no", b"\xfd7zXZ\0 no"])
def test_a_damaged_archive_is_named_so(data: bytes) -> None:
    found = read(data)
    assert found.documents == ()
    assert "is an archive that is damaged" in reasons(found)[0]


BOMB = b"x" * 3_000_000
SMALL = Limits(expanded_bytes=1_000_000)


@pytest.mark.parametrize(
    "data",
    [
        zipped({"a.txt": BOMB, "b.txt": b"Hello."}),
        zipped({f"{at}.txt": BOMB[:400_000] for at in range(4)}),
        *(tarred({"a.txt": BOMB}, "w:gz"), tarred({"a.bin": BOMB}, "w:xz")),
        *(gzip.compress(BOMB), bz2.compress(BOMB), lzma.compress(BOMB)),
        zipped({"a.zip": zipped({"a.txt": BOMB})}),
        gzip.compress(gzip.compress(BOMB)),
    ],
)
def test_what_unpacks_to_too_much_ends_the_file(data: bytes) -> None:
    found = read(data, "bomb", SMALL)
    assert reasons(found)[-1].startswith("bomb: unpacks to more than the 1,000,000 bytes")
    assert len(reasons(found)) == 1
    assert sum(len(one.text) for one in found.documents) < 1_000_000


def test_sizes_that_lie_are_not_believed() -> None:
    data = zipped({"a.txt": BOMB})
    lying = data.replace(len(BOMB).to_bytes(4, "little"), (6).to_bytes(4, "little"))
    assert lying != data
    found = read(lying, "bomb", SMALL)
    assert found.documents == ()
    assert reasons(found)


def test_one_file_larger_than_any_is_read_does_not_stop_the_others() -> None:
    files = {"a.txt": BOMB, "b.txt": b"Hello."}
    limits = Limits(binary_bytes=1_000_000, text_bytes=1_000_000)
    for data in (zipped(files), tarred(files, "w:gz")):
        found = read(data, "box", limits)
        assert [one.text for one in found.documents] == ["Hello."]
        assert reasons(found) == [
            "box!/a.txt: unpacks to more than a file is read up to; split it and index the parts"
        ]


def test_archives_in_archives_are_read_to_a_depth() -> None:
    data = zipped({"a.txt": b"Hello."})
    for depth in range(5):
        data = zipped({f"{depth}.zip": data, f"{depth}.txt": f"At {depth}.".encode()})
    found = read(data)
    assert [one.text for one in found.documents] == ["At 1.", "At 2.", "At 3.", "At 4."]
    (reason,) = reasons(found)
    assert reason.startswith("a.zip!/4.zip!/3.zip!/2.zip!/1.zip: is nested more than 4 deep")


def test_a_file_with_holes_is_not_filled_up() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo("a.txt")
        entry.pax_headers = {
            "GNU.sparse.major": "0",
            "GNU.sparse.minor": "1",
            "GNU.sparse.map": "1099511627770,6",
            "GNU.sparse.size": "1099511627776",
        }
        entry.size = 6
        archive.addfile(entry, io.BytesIO(b"Hello."))
    assert reasons(read(buffer.getvalue(), "a.tar")) == [
        "a.tar!/a.txt: is a file with holes; unpack the archive and index the file"
    ]


def test_a_name_that_stands_twice_is_read_once() -> None:
    data = tarred({"a.txt": b"One."})[:1024] + tarred({"a.txt": b"Two."})
    found = read(data, "a.tar")
    assert [one.text for one in found.documents] == ["One."]
    assert reasons(found) == ["a.tar!/a.txt: stands twice in it; the first was read"]


def test_an_empty_archive_holds_no_documents() -> None:
    assert reasons(read(zipped({}))) == ["a.zip: holds no documents"]
