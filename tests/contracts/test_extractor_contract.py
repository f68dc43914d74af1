"""What every `Extractor` does."""

import hashlib
import io
import os
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from index.errors import DocumentError, LostOriginal, UnknownPage, UnreadableDocument
from index.extract import Extraction, extract_all
from index.extract.formats import JSONL
from index.extract.source import Limits, Reading
from index.rendering import PageImage, draw
from index.sandbox.workers import Extractor, Held, InProcess, Job, Taken, WorkerPool
from tests.fakes.small_files import pdf, zipped

LIMITS = Limits(text_bytes=2**20, binary_bytes=2**21, seconds=60)
HTML = b"<html><h1>Rent</h1><p>Due on the first.</p></html>"

MAKERS: dict[str, Callable[[], Extractor]] = {
    "in process": lambda: InProcess(LIMITS),
    "pool": lambda: WorkerPool(LIMITS, workers=2),
}


@pytest.fixture(params=MAKERS, scope="module")
def make(request: pytest.FixtureRequest) -> Callable[[], Extractor]:
    return MAKERS[request.param]


@pytest.fixture(scope="module")
def extractor(make: Callable[[], Extractor]) -> Iterator[Extractor]:
    extractor = make()
    yield extractor
    extractor.close()


def read(extractor: Extractor, job: Job) -> Extraction:
    return extractor.submit(job).result(timeout=60)


def reason(extraction: Extraction) -> str:
    assert extraction.documents == ()
    (problem,) = extraction.problems
    assert not problem.unsupported
    return problem.reason


def test_a_file_is_read(extractor: Extractor, tmp_path: Path) -> None:
    path = tmp_path / "rent.html"
    path.write_bytes(HTML)
    found = read(extractor, Job(path.as_uri(), str(path), path))
    assert found == extract_all(HTML, uri=path.as_uri(), name=str(path))
    (document,) = found.documents
    assert document.text == "Rent\n\nDue on the first."
    assert document.section_at(10) == ("Rent",)
    assert found.sha256 == hashlib.sha256(HTML).hexdigest()


def test_bytes_are_read(extractor: Extractor) -> None:
    found = read(extractor, Job("upload:1", "rent.html", data=HTML))
    assert found == extract_all(HTML, uri="upload:1", name="rent.html")


def test_a_relative_path_is_taken_from_here(
    extractor: Extractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("Near.", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert read(extractor, Job("file:///a", "a.txt", Path("a.txt"))).documents[0].text == "Near."


def test_what_the_user_says_of_a_file_is_kept(extractor: Extractor) -> None:
    job = Job(
        "upload:2",
        "x.bin",
        data=b"# Not a heading\n\nthat counts",
        media_type="text/markdown",
        metadata={"project": "Corvella", "straße": "Grün"},
        title="Notes",
    )
    (document,) = read(extractor, job).documents
    assert document.title == "Notes"
    assert not document.title_from_name
    assert document.media_type == "text/markdown"
    assert document.metadata == {"project": "Corvella", "straße": "Grün"}


def test_how_to_read_is_passed_on(extractor: Extractor) -> None:
    job = Job("upload:3", "x.jsonl", data=b'{"text": "one", "say": "two"}\n')
    assert "two" not in read(extractor, job).documents[0].text
    chosen = replace(job, options=Reading(json_text=("say",)))
    assert read(extractor, chosen).documents[0].text == "two"


def test_a_container_gives_its_documents_and_problems(extractor: Extractor) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/one.txt", "First.")
        archive.writestr("two.bin", b"\0\1\2\3" * 50)
        archive.writestr("drei ö.txt", "Third.")
    found = read(extractor, Job("file:///x.zip", "x.zip", data=buffer.getvalue()))
    assert [document.text for document in found.documents] == ["First.", "Third."]
    assert found.documents[0].uri == "file:///x.zip!/a/one.txt"
    (problem,) = found.problems
    assert problem.uri == "file:///x.zip!/two.bin"
    assert problem.unsupported


def test_a_file_that_is_not_there(extractor: Extractor, tmp_path: Path) -> None:
    found = read(extractor, Job("file:///x", "x.txt", tmp_path / "x.txt"))
    assert reason(found) == "x.txt: is gone; it was there a moment ago"
    assert found.sha256 == ""


def test_a_folder_is_no_file(extractor: Extractor, tmp_path: Path) -> None:
    found = read(extractor, Job("file:///x", "x", tmp_path))
    assert reason(found) == "x: is not a regular file; name a file or a folder"


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes in folders")
def test_a_pipe_is_not_waited_for(extractor: Extractor, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    found = read(extractor, Job("file:///x", "pipe.txt", tmp_path / "pipe.txt"))
    assert reason(found) == "pipe.txt: is not a regular file; name a file or a folder"


@pytest.mark.skipif(sys.platform == "win32", reason="has no devices in folders")
def test_a_device_is_not_read(extractor: Extractor) -> None:
    found = read(extractor, Job("file:///x", "zero", Path("/dev/zero")))
    assert reason(found) == "zero: is not a regular file; name a file or a folder"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_file_that_may_not_be_read(extractor: Extractor, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("secret", encoding="utf-8")
    path.chmod(0)
    found = read(extractor, Job("file:///x", "x.txt", path))
    assert reason(found) == "x.txt: cannot be read (Permission denied); check its permissions"


def test_a_file_of_many_gigabytes_is_not_read(extractor: Extractor, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    with path.open("wb") as file:
        file.truncate(2**36)
    found = read(extractor, Job("file:///x", "x.txt", path))
    assert reason(found) == (
        "x.txt: has 68,719,476,736 bytes, more than the 2,097,152 any file is read up to; "
        "split it and index the parts"
    )


def test_a_file_that_is_not_read_says_why_and_which_bytes(extractor: Extractor) -> None:
    found = read(extractor, Job("file:///x", "x.pdf", data=b"%PDF-1.7\nnonsense"))
    assert reason(found).startswith("x.pdf: ")
    assert found.sha256 == hashlib.sha256(b"%PDF-1.7\nnonsense").hexdigest()


def test_names_may_be_no_text(extractor: Extractor, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9\nx.txt")
    path = tmp_path / name
    try:
        path.write_text("Coffee.", encoding="utf-8")
    except OSError:
        pytest.skip("no such names here")
    found = read(extractor, Job(path.as_uri(), name, path, metadata={name: "a"}))
    assert found.documents[0].text == "Coffee."
    assert found.documents[0].uri == path.as_uri()
    path.write_bytes(b"")
    assert reason(read(extractor, Job(path.as_uri(), name, path))).endswith(
        "is empty; there is nothing in it to index"
    )


def test_each_thread_gets_what_it_asked_for(extractor: Extractor) -> None:
    texts: dict[int, list[str]] = {}

    def ask(thread: int) -> None:
        futures = [
            extractor.submit(Job(f"x:{thread}-{n}", "a.txt", data=f"Text {thread} {n}.".encode()))
            for n in range(20)
        ]
        texts[thread] = [future.result(timeout=60).documents[0].text for future in futures]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == {t: [f"Text {t} {n}." for n in range(20)] for t in range(6)}


def held(data: bytes, inside: str = "", member: bytes = b"", name: str = "x.zip") -> Held:
    wanted = hashlib.sha256(member).hexdigest()
    return Held(name, hashlib.sha256(data).hexdigest(), None, data, inside, wanted)


def test_a_file_is_taken_out_of_another(extractor: Extractor, tmp_path: Path) -> None:
    inner = zipped({"é/a.txt": "Seven pounds."})
    data = zipped({"b.txt": "No.", "offer.zip": inner})
    inside = "!/offer.zip!/%C3%A9/a.txt"
    asked = held(data, inside, b"Seven pounds.")
    assert extractor.take(asked).result(timeout=60) == Taken(b"Seven pounds.", inside)
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    asked = replace(asked, data=b"", path=path)
    assert extractor.take(asked).result(timeout=60) == Taken(b"Seven pounds.", inside)
    whole = held(data, "!/offer.zip", inner)
    assert extractor.take(whole).result(timeout=60) == Taken(inner, "!/offer.zip")


def test_a_record_gives_the_file_it_stands_in(extractor: Extractor) -> None:
    lines = b'{"text": "One."}\n{"text": "Two."}\n'
    asked = held(zipped({"x.jsonl": lines}), "!/x.jsonl!/2", b"Two.")
    assert extractor.take(asked).result(timeout=60) == Taken(lines, "!/x.jsonl", JSONL)


def test_the_hint_of_a_sender_helps(extractor: Extractor) -> None:
    lines = b'{"text": "One."}\n{"text": "Two."}\n'
    asked = replace(held(lines, "!/2", name="x"), media_type="application/jsonl")
    assert extractor.take(asked).result(timeout=60) == Taken(lines, "", JSONL)


def failure(future: Future[Taken] | Future[PageImage], kind: type[DocumentError]) -> str:
    error = future.exception(timeout=60)
    assert type(error) is kind
    return str(error)


def test_what_is_not_in_the_file_is_told(extractor: Extractor) -> None:
    asked = held(zipped({"a.txt": "No."}), "!/b.txt")
    reason = failure(extractor.take(asked), UnreadableDocument)
    assert reason == "x.zip: does not hold b.txt; index it again"


@pytest.mark.parametrize("inside", ["", "!/a.txt"])
def test_a_file_that_has_changed_is_not_taken(extractor: Extractor, inside: str) -> None:
    data = zipped({"a.txt": "No."})
    changed = "x.zip: has changed since it was indexed; index it again"
    other = replace(held(data, inside, b"No."), sha256="0" * 64)
    assert failure(extractor.take(other), LostOriginal) == changed
    assert failure(extractor.page_image(other, 1, 100), LostOriginal) == changed
    if inside:
        other = held(data, inside, b"Yes.")
        assert failure(extractor.take(other), LostOriginal) == changed


def test_a_file_that_has_gone_is_not_taken(extractor: Extractor, tmp_path: Path) -> None:
    gone = "x.zip: has gone since it was indexed; put it back, or index what is there"
    asked = replace(held(b"", "!/a.txt"), path=tmp_path / "x.zip")
    assert failure(extractor.take(asked), LostOriginal) == gone
    assert failure(extractor.page_image(asked, 1, 100), LostOriginal) == gone


@pytest.mark.skipif(sys.platform == "win32", reason="has no devices in folders")
def test_no_device_is_taken_for_a_file(extractor: Extractor) -> None:
    asked = replace(held(b""), path=Path("/dev/zero"))
    assert failure(extractor.take(asked), DocumentError) == (
        "x.zip: is not a regular file; name a file or a folder"
    )


@pytest.mark.parametrize("page", [1, 2])
def test_a_page_is_drawn(extractor: Extractor, page: int) -> None:
    data = pdf()
    expected = draw(data, page, 300, name="x.pdf")
    assert extractor.page_image(held(data), page, 300).result(timeout=60) == expected


def test_a_page_of_a_file_in_another_is_drawn(extractor: Extractor) -> None:
    data = pdf()
    asked = held(zipped({"a/offer.pdf": data}), "!/a/offer.pdf", data)
    expected = draw(data, 2, 300, name="x.pdf")
    assert extractor.page_image(asked, 2, 300).result(timeout=60) == expected


def test_a_page_that_cannot_be_drawn_is_told(extractor: Extractor) -> None:
    assert failure(extractor.page_image(held(pdf()), 3, 300), UnknownPage) == (
        "x.zip: has 2 pages; there is no page 3"
    )
    assert failure(extractor.page_image(held(b"no PDF"), 1, 300), UnreadableDocument) == (
        "x.zip: page 1 cannot be drawn; open the file in a viewer"
    )


def test_a_width_that_is_not_drawn_is_refused_at_once(extractor: Extractor) -> None:
    with pytest.raises(ValueError, match="a width of 0 pixels"):
        extractor.page_image(held(pdf()), 1, 0)


def test_after_closing_nothing_is_read(make: Callable[[], Extractor]) -> None:
    extractor = make()
    assert read(extractor, Job("x:1", "a.txt", data=b"Words.")).documents
    extractor.close()
    extractor.close()
    with pytest.raises(RuntimeError, match="closed"):
        extractor.submit(Job("x:2", "a.txt", data=b"Words."))
    with pytest.raises(RuntimeError, match="closed"):
        extractor.take(held(b"Words."))
    with pytest.raises(RuntimeError, match="closed"):
        extractor.page_image(held(pdf()), 1, 100)


def test_one_that_was_never_used_closes(make: Callable[[], Extractor]) -> None:
    make().close()
