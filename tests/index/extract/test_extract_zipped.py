"""ZIP-based documents: what they unpack to is bounded before any library sees them."""

import io
import struct
import zipfile

import pytest

from index.errors import DocumentTooLarge, UnreadableDocument
from index.extract import zipped
from index.extract.foreign import parsing
from index.extract.source import Budget, Limits, Source
from index.extract.zipped import check_archive, check_xml, plain_copy, read_entry


def archive(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return buffer.getvalue()


def source(data: bytes, expanded: int = 10**6) -> Source:
    return Source(data, "a.docx", Budget(Limits(expanded_bytes=expanded), "a.docx"))


def test_what_entries_unpack_to_is_taken_before_they_are() -> None:
    given = source(archive({"a.xml": b"x" * 400_000, "b.xml": b"y" * 400_000}))
    check_archive(given)
    assert given.budget.expandable == 200_000
    with pytest.raises(DocumentTooLarge, match=r"^a\.docx: unpacks to more than the 1,000,000"):
        check_archive(given)


def test_entries_that_are_not_wanted_do_not_count() -> None:
    given = source(archive({"a.xml": b"x" * 400_000, "b.png": b"y" * 4_000_000}))
    check_archive(given, lambda name: name == "a.xml")
    assert given.budget.expandable == 600_000


def test_an_entry_that_unpacks_to_more_than_it_says_is_cut() -> None:
    data = bytearray(archive({"a.xml": b"x" * 500_000}))
    true, said = struct.pack("<I", 500_000), struct.pack("<I", 10)
    while (at := data.find(true)) >= 0:
        data[at : at + 4] = said
    given = source(bytes(data))
    with check_archive(given) as opened:
        try:
            assert len(read_entry(opened, "a.xml", given)) <= 10
        except UnreadableDocument as error:
            assert "is damaged" in str(error)  # noqa: PT017
    assert given.budget.expandable == 10**6 - 10


def test_an_encrypted_entry_is_named_as_such() -> None:
    data = bytearray(archive({"a.xml": b"text"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(signature) + offset] |= 1
    with pytest.raises(UnreadableDocument, match=r"^a\.docx: is encrypted; save a copy"):
        check_archive(source(bytes(data)))


def test_too_many_parts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped, "MOST_ENTRIES", 3)
    with pytest.raises(DocumentTooLarge, match=r"^a\.docx: has 4 parts, more than the 3"):
        check_archive(source(archive({f"{at}.xml": b"" for at in range(4)})))


@pytest.mark.parametrize("data", [b"PK\x03\x04 nothing", archive({"a.xml": b"abc"})[:-30]])
def test_a_damaged_archive_is_named_as_such(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match=r"^a\.docx: is damaged"):
        check_archive(source(data))


def test_a_missing_entry_is_damage() -> None:
    given = source(archive({"a.xml": b"abc"}))
    with check_archive(given) as opened, pytest.raises(UnreadableDocument, match="is damaged"):
        read_entry(opened, "b.xml", given)


def test_the_plain_copy_holds_the_xml_and_names_the_rest() -> None:
    given = source(archive({"a.xml": b"<a/>", "media/b.png": b"x" * 10**7, "dir/": b""}))
    with zipfile.ZipFile(plain_copy(given)) as copy:
        assert {name: copy.read(name) for name in copy.namelist()} == {
            "a.xml": b"<a/>",
            "media/b.png": b"",
        }


def test_the_names_of_strict_documents_become_the_usual_ones() -> None:
    strict = (
        b'<a xmlns:w="http://purl.oclc.org/ooxml/wordprocessingml/main">http://purl.oclc.org/</a>'
    )
    usual = (
        b'<a xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        b"http://purl.oclc.org/</a>"
    )
    with zipfile.ZipFile(plain_copy(source(archive({"a.xml": strict})))) as copy:
        assert copy.read("a.xml") == usual


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a/>', "its XML declares entities"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a/>'.encode("utf-16"), "its XML declares entities"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a/>'.encode("utf-16-be"), "its XML declares entities"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "is damaged"),
        ("<a/>".encode("cp037"), "is damaged"),
        (b"text", "is damaged"),
    ],
)
def test_xml_that_could_grow_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=rf"^a\.docx: {reason}"):
        check_xml(content, source(b""))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<a/>",
        b"\xef\xbb\xbf<a/>",
        "<a/>".encode("utf-16"),
        b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<a/>',
        b"<?xml version='1.0' encoding='iso-8859-1'?><a/>",
        b"<!DOCTYPE manifest PUBLIC 'x' 'Manifest.dtd'><a/>",
    ],
)
def test_ordinary_xml_is_not_refused(content: bytes) -> None:
    check_xml(content, source(b""))


def test_whatever_a_library_raises_names_the_document() -> None:
    with pytest.raises(UnreadableDocument, match=r"^a\.docx: is damaged") as raised:  # noqa: SIM117
        with parsing("a.docx"):
            raise KeyError("word/document.xml")
    assert isinstance(raised.value.__cause__, KeyError)


def test_a_reason_that_is_known_is_kept() -> None:
    with pytest.raises(DocumentTooLarge, match="kept"), parsing("a.docx"):
        raise DocumentTooLarge("kept")
