"""What stands in a container is taken out of it again, by the place its document has."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import DocumentTooLarge, UnreadableDocument
from index.extract import extract_all
from index.extract.formats import JSONL, MAIL
from index.extract.inside import Taken, take_out
from index.extract.source import Limits
from tests.fakes.small_files import tarred, zipped

URI = "file:///x"


def mailed(files: dict[str, bytes]) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@x.org", "b@x.org", "Offer"
    message.set_content("Please find the offer enclosed.")
    for name, data in files.items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    # The library's own is random.
    message.set_boundary(f"={sha256(repr(files).encode()).hexdigest()[:40]}")
    return message.as_bytes()


def packed(pack: Callable[[bytes], bytes]) -> Callable[[dict[str, bytes]], bytes]:
    return lambda files: pack(next(iter(files.values())))


NAMES = st.text(st.sampled_from("ab ö.!%#?&\u202e/"), min_size=1, max_size=8)
TEXTS = st.text("abc xyz", min_size=1, max_size=20).map(lambda text: f"The {text}".encode())
CONTAINERS = st.sampled_from([zipped, tarred, mailed, packed(bz2.compress), packed(lzma.compress)])
FILES = st.recursive(
    TEXTS,
    lambda inner: st.builds(
        lambda make, files: make(files),
        CONTAINERS,
        st.dictionaries(NAMES, inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(FILES)
def test_every_document_is_taken_out_by_its_place(data: bytes) -> None:
    """Those that share a place with another are problems, and are no documents."""
    for document in extract_all(data, uri=URI, name="x").documents:
        inside = document.uri.removeprefix(URI)
        taken = take_out(data, inside, name="x")
        assert taken.inside == inside
        assert sha256(taken.data).hexdigest() == document.sha256


def test_a_file_in_an_attachment_of_a_message_in_an_archive() -> None:
    data = zipped({"mail.eml": mailed({"offer.zip": zipped({"a/offer.txt": b"Seven pounds."})})})
    inside = "!/mail.eml!/2/offer.zip!/a/offer.txt"
    assert take_out(data, inside, name="x.zip") == Taken(b"Seven pounds.", inside)
    mail = take_out(data, "!/mail.eml", name="x.zip")
    assert mail.data.startswith(b"From: a@x.org")


def test_without_a_way_it_is_the_file_itself() -> None:
    assert take_out(b"anything", "", name="x") == Taken(b"anything", "")


def test_a_packed_file_is_found_whatever_its_container_is_called() -> None:
    data = gzip.compress(b"Words.")
    assert take_out(data, "!/old.txt", name="new.txt.gz") == Taken(b"Words.", "!/old.txt")
    data = zipped({"x.gz": gzip.compress(zipped({"in.txt": b"Words."}))})
    inside = "!/x.gz!/y.zip!/in.txt"
    assert take_out(data, inside, name="x.zip") == Taken(b"Words.", inside)


def test_of_several_packed_files_none_is_taken_for_another() -> None:
    data = gzip.compress(tarred({"a.txt": b"One.", "b.txt": b"Two."}))
    assert take_out(data, "!/b.txt", name="x.tgz").data == b"Two."
    with pytest.raises(UnreadableDocument, match=r"^x\.tgz: does not hold c\.txt; index it again"):
        take_out(data, "!/c.txt", name="x.tgz")


def test_a_record_gives_the_file_that_holds_it() -> None:
    lines = b'{"text": "One."}\n{"text": "Two."}\n'
    assert take_out(lines, "!/2", name="x.jsonl") == Taken(lines, "", JSONL)
    data = zipped({"a/x.jsonl": lines})
    assert take_out(data, "!/a/x.jsonl!/2", name="x.zip") == Taken(lines, "!/a/x.jsonl", JSONL)


def test_records_chosen_by_a_field_give_their_file_too() -> None:
    """Read without that choice, it is no container at all."""
    assert take_out(b'{"say": "One."}', "!/1", name="x.json").inside == ""


def test_the_hints_of_a_sender_are_heeded() -> None:
    lines = b'{"text": "One."}\n{"text": "Two."}\n'
    assert take_out(lines, "!/2", name="x", media_type="application/jsonl").media_type == JSONL
    message = mailed({"a.txt": b"Words."})
    mailbox = b"From a@x.org Mon Jan  5 10:00:00 2026\n" + message
    taken = take_out(mailbox, "!/1!/2/a.txt", name="x.mbox")
    assert taken.data == b"Words."
    assert extract_all(mailbox, uri=URI, name="x.mbox").documents[0].media_type == MAIL


@pytest.mark.parametrize("inside", ["!/../../etc/passwd", "!//etc/passwd", "!/", "!/a.txt!/b.txt"])
def test_a_way_that_leads_nowhere(inside: str) -> None:
    data = zipped({"a.txt": b"Words.", "../../etc/passwd": b"root", "/etc/passwd": b"root"})
    if inside == "!/a.txt!/b.txt":
        # What is no container is taken for the file of a record.
        assert take_out(data, inside, name="x.zip").inside == "!/a.txt"
        return
    with pytest.raises(UnreadableDocument, match=r"^x\.zip"):
        take_out(data, inside, name="x.zip")


def test_a_member_that_cannot_be_had_says_why() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "Words.")
    data = bytearray(buffer.getvalue())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    with pytest.raises(UnreadableDocument, match=r"^x\.zip!/a\.txt: is encrypted; unpack"):
        take_out(bytes(data), "!/a.txt", name="x.zip")


def test_what_unpacks_is_counted() -> None:
    data = zipped({"a.txt": bytes(10_000), "b.txt": b"Words."})
    with pytest.raises(DocumentTooLarge, match=r"^x\.zip: unpacks to more than the 5,000 bytes"):
        take_out(data, "!/b.txt", name="x.zip", limits=Limits(expanded_bytes=5_000))
    many = zipped({f"{n}.txt": b"x" for n in range(20)})
    with pytest.raises(DocumentTooLarge, match="more than the 10 documents"):
        take_out(many, "!/19.txt", name="x.zip", limits=Limits(members=10))


def test_names_are_on_one_line_in_reasons() -> None:
    with pytest.raises(UnreadableDocument) as caught:
        take_out(gzip.compress(tarred({"a": b"b", "c": b"d"})), "!/x\ny", name="n\nm.gz")
    assert str(caught.value) == "n m.gz: does not hold x y; index it again"
