"""A document's original is had from where it is, and from nowhere else."""

import gzip
import io
import os
import sys
import zipfile
from dataclasses import dataclass
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from index import provenance
from index.documents import Document
from index.errors import DocumentError, LostOriginal, UnknownPage
from index.extract.formats import CSV, JSONL, MAIL, PDF, PLAIN
from index.files import scan
from index.indexing import Indexer
from index.local_store import LocalStore
from index.originals import Originals
from index.passages import Splitter
from index.provenance import Original, digests_of, original_of, page_image_of
from index.rendering import PageImage, draw
from index.sandbox.workers import InProcess
from index.store import IndexSettings, OriginState
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.small_files import pdf, zipped
from tests.index.extract.pdf_files import lines, made

EMBEDDER = HashEmbedder()
SETTINGS = IndexSettings(EMBEDDER.identity, Splitter())
LINES = b'{"text": "The rent is 900."}\n{"text": "Whales sing."}\n'


@dataclass(frozen=True)
class Library:
    """An index, with what is kept beside it and a folder of files."""

    store: LocalStore
    originals: Originals
    files: Path
    extractor: InProcess

    @property
    def indexer(self) -> Indexer:
        return Indexer(self.store, EMBEDDER, SETTINGS.splitter, self.extractor)

    def write(self, name: str, data: bytes) -> Path:
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def sync(self) -> None:
        list(self.indexer.sync(scan([str(self.files)])))

    def send(self, data: bytes, uri: str, name: str, media_type: str | None = None) -> None:
        with self.originals.keeping(data, uri, self.store):
            self.indexer.add_bytes(data, uri=uri, name=name, media_type=media_type)

    def document(self, uri: str) -> Document:
        found = self.store.find(uri)
        assert found is not None, [summary.uri for summary in self.store.documents()]
        return self.store.document(found.id)

    def original(self, uri: str) -> Original:
        return original_of(self.document(uri), self.store, self.originals, self.extractor)

    def had(self, uri: str) -> tuple[str, str, bytes]:
        with self.original(uri) as original:
            data = original.file.read()
        assert original.size == len(data)
        assert original.sha256 == sha256(data).hexdigest()
        return original.name, original.media_type, data

    def page(self, uri: str, page: int = 1, width: int = 200) -> PageImage:
        return page_image_of(
            self.document(uri), page, width, self.store, self.originals, self.extractor
        )


@pytest.fixture
def library(tmp_path: Path) -> Library:
    store = LocalStore.create(tmp_path / "index", SETTINGS)
    return Library(
        store, Originals(tmp_path / "index" / "originals"), tmp_path / "files", InProcess()
    )


def mailed(files: dict[str, bytes]) -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "a@x.org", "Offer"
    message.set_content("Please find the offer enclosed.")
    for name, data in files.items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def test_a_file_is_read_from_where_it_is(library: Library) -> None:
    path = library.write("sub folder/café.txt", b"The rent is 900.")
    library.sync()
    assert library.had(path.as_uri()) == ("café.txt", PLAIN, b"The rent is 900.")
    assert not library.originals.folder.exists()


def test_what_was_sent_is_kept(library: Library) -> None:
    library.send(b"The rent is 900.", "upload:a%2Fb%20c.txt", "a/b c.txt")
    assert library.had("upload:a%2Fb%20c.txt") == ("a_b c.txt", PLAIN, b"The rent is 900.")


@pytest.mark.parametrize(
    ("uri", "name", "expected"),
    [
        ("text:0123", "text", "0123.txt"),
        ("https://x.org/a/report?x=1#y", "report", "report.txt"),
        ("https://x.org/", "x", "x.org"),
        ("u:" + "x" * 500, "x.txt", "x" * 196 + ".txt"),
        ("u:..%2F..%2Fpasswd.txt", "x.txt", "_.._passwd.txt"),
        ("u:a%00b%0D%0AX-Evil: 1%22.txt", "x.txt", None),
        ("u:%E2%80%AEfdp.txt", "x.txt", "fdp.txt"),
        ("u:%20", "x.txt", "file.txt"),
    ],
)
def test_names_can_be_saved_anywhere(
    library: Library, uri: str, name: str, expected: str | None
) -> None:
    library.send(b"The rent is 900.", uri, name)
    found, _, _ = library.had(uri)
    if expected is not None:
        assert found == expected
    assert found.isprintable()
    assert len(found) <= 200
    assert set(found).isdisjoint('\\/:*?"<>|\r\n\0')


def test_a_file_that_has_changed_is_not_taken_for_it(library: Library) -> None:
    path = library.write("a.txt", b"The rent is 900.")
    library.sync()
    path.write_bytes(b"The rent is 950.")
    with pytest.raises(LostOriginal) as caught:
        library.original(path.as_uri())
    assert str(caught.value) == "a.txt: has changed since it was indexed; index it again"
    path.unlink()
    with pytest.raises(LostOriginal) as caught:
        library.original(path.as_uri())
    assert str(caught.value) == (
        "a.txt: has gone since it was indexed; put it back, or index what is there"
    )
    path.write_bytes(b"The rent is 900.")
    assert library.had(path.as_uri())[2] == b"The rent is 900."


def test_what_could_not_be_read_when_it_changed_is_not_the_original(library: Library) -> None:
    """The index keeps the documents, and the digest of what it could not read."""
    path = library.write("a.txt", b"The rent is 900.")
    library.sync()
    path.write_bytes(b"\0\1\2\3" * 50)
    library.sync()
    assert library.document(path.as_uri()).text == "The rent is 900."
    with pytest.raises(LostOriginal, match="has changed since it was indexed"):
        library.original(path.as_uri())


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes in folders")
def test_a_pipe_in_its_place_is_not_waited_for(library: Library) -> None:
    path = library.write("a.txt", b"The rent is 900.")
    library.sync()
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DocumentError, match=r"^a\.txt: is not a regular file"):
        library.original(path.as_uri())


def test_a_copy_serves_where_the_first_is_gone(library: Library) -> None:
    first = library.write("a.txt", b"The rent is 900.")
    second = library.write("b/c.txt", b"The rent is 900.")
    library.sync()
    assert library.document(first.as_uri()).copies == (second.as_uri(),)
    first.unlink()
    assert library.had(first.as_uri()) == ("c.txt", PLAIN, b"The rent is 900.")
    second.write_bytes(b"Others.")
    with pytest.raises(LostOriginal, match=r"^a\.txt: has gone since"):
        library.original(first.as_uri())


def test_what_was_sent_never_makes_a_file_be_read(library: Library) -> None:
    """Even one that has the very bytes: whoever sends them must not learn that it has."""
    secret = library.write("secret.txt", b"The rent is 900.")
    library.indexer.add_bytes(b"The rent is 900.", uri=secret.as_uri(), name="x.txt")
    with pytest.raises(LostOriginal) as caught:
        library.original(secret.as_uri())
    assert str(caught.value) == (
        "secret.txt: its original is not kept; send it again, or index its file again"
    )
    inside = zipped({"a.txt": b"Whales sing."})
    library.write("secret.zip", inside)
    uri = (library.files / "secret.zip").as_uri()
    library.indexer.add_bytes(inside, uri=uri, name="x.zip")
    with pytest.raises(LostOriginal, match="is not kept"):
        library.original(f"{uri}!/a.txt")


def test_once_a_file_is_indexed_where_something_was_sent_it_is_read(library: Library) -> None:
    path = library.write("a.txt", b"The rent is 900.")
    library.indexer.add_bytes(b"Whales sing.", uri=path.as_uri(), name="a.txt")
    library.sync()
    assert library.had(path.as_uri())[2] == b"The rent is 900."


def test_what_was_sent_before_originals_were_kept(library: Library) -> None:
    library.indexer.add_bytes(b"The rent is 900.", uri="u:a", name="a.txt")
    for originals in (library.originals, None):
        with pytest.raises(LostOriginal, match=r"^a: its original is not kept; send it again"):
            original_of(library.document("u:a"), library.store, originals, library.extractor)


def test_a_kept_file_that_is_damaged_is_not_passed_off(library: Library) -> None:
    library.send(b"The rent is 900.", "u:a.txt", "a.txt")
    kept = library.originals.path(library.document("u:a.txt").sha256)
    kept.write_bytes(b"The rent is 950.")
    with pytest.raises(LostOriginal, match="has changed"):
        library.original("u:a.txt")


@pytest.mark.parametrize("sent", [True, False])
def test_attachments_and_files_in_archives_are_taken_out(library: Library, sent: bool) -> None:
    offer, prices = pdf(), b"Model,Price\nDuo,7\nSolo,5\n"
    mail = mailed({"offer.pdf": offer})
    archive = zipped({"in/mail.eml": mail, "in/prices é.csv": prices})
    if sent:
        uri = "upload:all.zip"
        library.send(archive, uri, "all.zip")
    else:
        uri = library.write("all.zip", archive).as_uri()
        library.sync()
    assert library.had(f"{uri}!/in/mail.eml!/2/offer.pdf") == ("offer.pdf", PDF, offer)
    assert library.had(f"{uri}!/in/prices %C3%A9.csv") == ("prices é.csv", CSV, prices)
    assert library.had(f"{uri}!/in/mail.eml") == ("mail.eml", MAIL, mail)
    image = library.page(f"{uri}!/in/mail.eml!/2/offer.pdf", 2)
    assert image == draw(offer, 2, 200, name="x")


def test_a_record_has_the_file_it_stands_in(library: Library) -> None:
    library.send(LINES, "upload:x.jsonl", "x.jsonl")
    assert library.had("upload:x.jsonl!/2") == ("x.jsonl", JSONL, LINES)
    library.send(zipped({"x.jsonl": LINES}), "upload:x.zip", "x.zip")
    digests = digests_of(library.document("upload:x.jsonl!/2"), library.store)
    assert digests == {
        sha256(LINES).hexdigest(),
        sha256(zipped({"x.jsonl": LINES})).hexdigest(),
    }


def test_the_media_type_that_came_with_it_is_remembered(library: Library) -> None:
    library.send(LINES, "upload:x", "x", "application/jsonl")
    assert library.had("upload:x!/1") == ("x.jsonl", JSONL, LINES)


def test_a_file_that_was_moved_still_has_what_is_packed_in_it(library: Library) -> None:
    path = library.write("old.txt.gz", gzip.compress(b"The rent is 900."))
    library.sync()
    path.rename(path.with_name("new.txt.gz"))
    library.sync()
    uri = path.with_name("new.txt.gz").as_uri()
    (place,) = [one.uri for one in library.store.documents()]
    assert place == f"{uri}!/old.txt"
    assert library.had(place) == ("old.txt", PLAIN, b"The rent is 900.")


def test_a_container_that_has_changed_gives_nothing(library: Library) -> None:
    path = library.write("x.zip", zipped({"a.txt": b"The rent is 900.", "b.txt": b"Whales sing."}))
    library.sync()
    path.write_bytes(zipped({"a.txt": b"The rent is 900.", "b.txt": b"Whales sang."}))
    with pytest.raises(LostOriginal, match=r"^x\.zip: has changed since it was indexed"):
        library.original(f"{path.as_uri()}!/a.txt")


def test_what_stays_when_another_document_of_the_file_is_removed(library: Library) -> None:
    mail = mailed({"offer.pdf": pdf(), "other.txt": b"Whales sing."})
    library.send(mail, "upload:mail.eml", "mail.eml")
    for removed in ("upload:mail.eml!/3/other.txt", "upload:mail.eml"):
        library.store.remove([library.document(removed).id])
        library.originals.sweep(library.store.known_digests)
        assert library.had("upload:mail.eml!/2/offer.pdf") == ("offer.pdf", PDF, pdf())
    library.send(mail, "upload:mail.eml", "mail.eml")
    assert library.had("upload:mail.eml!/3/other.txt")[2] == b"Whales sing."


def test_an_origin_of_which_nothing_is_known_any_more(library: Library) -> None:
    """As older versions left it, when a document of it was removed."""
    library.send(zipped({"a.txt": b"The rent is 900."}), "upload:x.zip", "x.zip")
    document = library.document("upload:x.zip!/a.txt")
    with library.store._change() as catalog:
        catalog.origins.record("upload:x.zip", "", "")
    with pytest.raises(LostOriginal, match="is not kept"):
        original_of(document, library.store, library.originals, library.extractor)


@pytest.mark.parametrize("uri", ["u:a!/b.txt", "u:a!/b!/c!/d!/e!/f!/g.txt", "u:!/!/!/!/!/"])
def test_a_uri_may_look_like_a_way_into_a_container(library: Library, uri: str) -> None:
    library.send(b"The rent is 900.", uri, "x.txt")
    assert library.had(uri)[2] == b"The rent is 900."
    library.send(zipped({"in.txt": b"Whales sing."}), f"{uri}.zip", "x.zip")
    assert library.had(f"{uri}.zip!/in.txt")[2] == b"Whales sing."


def test_an_upload_cannot_stand_for_what_is_in_another(library: Library) -> None:
    library.send(zipped({"b.txt": b"Whales sing."}), "u:a", "a.zip")
    library.send(b"The rent is 900.", "u:a!/b.txt", "b.txt")
    assert library.had("u:a!/b.txt")[2] == b"The rent is 900."
    library.send(zipped({"b.txt": b"Whales sang."}), "u:a", "a.zip")
    assert library.had("u:a!/b.txt")[2] == b"Whales sang."


def test_the_pages_of_a_pdf_are_drawn(library: Library) -> None:
    data = pdf()
    path = library.write("a.pdf", data)
    library.sync()
    for page in (1, 2):
        image = library.page(path.as_uri(), page)
        assert image == draw(data, page, 200, name="a.pdf")
        with Image.open(io.BytesIO(image.png)) as opened:
            assert opened.size == (200, image.height)
    for page in (0, -1, 3):
        with pytest.raises(UnknownPage) as caught:
            library.page(path.as_uri(), page)
        assert str(caught.value) == f"a.pdf: has 2 pages; there is no page {page}"
    with pytest.raises(ValueError, match="a width of 5 pixels"):
        library.page(path.as_uri(), 1, 5)
    path.write_bytes(pdf() + b"\n")
    with pytest.raises(LostOriginal, match="has changed"):
        library.page(path.as_uri())


def test_a_page_without_text_is_drawn_too(library: Library) -> None:
    data = made(lines("one"), lambda _: None, lines("three"), lambda _: None)
    library.send(data, "u:a.pdf", "a.pdf")
    assert [page.number for page in library.document("u:a.pdf").pages] == [1, 3]
    for page in range(1, 5):
        assert library.page("u:a.pdf", page) == draw(data, page, 200, name="a.pdf")


def test_what_is_no_pdf_has_no_page_to_be_drawn(library: Library) -> None:
    library.send(b"The rent is 900.", "u:a.txt", "a.txt")
    with pytest.raises(UnknownPage, match=r"^a\.txt: is no PDF; only pages of PDFs can be drawn$"):
        library.page("u:a.txt")


def test_a_large_file_is_not_held_in_memory(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "_IN_MEMORY", 10)
    path = library.write("a.txt", b"The rent is 900.")
    library.sync()
    with library.original(path.as_uri()) as original:
        assert original.file.fileno()
        # What happens to the file afterwards does not matter.
        path.write_bytes(b"The rent is 950.")
        assert original.file.read() == b"The rent is 900."


def test_a_uri_of_a_thousand_ways_is_looked_up_a_few_times(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = "u:" + "!/".join(map(str, range(1000)))
    library.send(b"The rent is 900.", uri, "x.txt")
    asked = []
    origins = library.store.origins

    def counted(uri: str | None = None) -> list[OriginState]:
        asked.append(uri)
        return origins(uri)

    monkeypatch.setattr(library.store, "origins", counted)
    digests_of(library.document(uri), library.store)
    assert len(asked) == 5
    assert asked[0] == uri


def test_archives_that_are_hostile_do_no_harm_here(library: Library) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "The rent is 900.")
        archive.writestr("z.txt", bytes(2**26))
    library.send(buffer.getvalue(), "u:x.zip", "x.zip")
    assert library.had("u:x.zip!/a.txt")[2] == b"The rent is 900."
