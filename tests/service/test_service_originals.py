"""What an engine keeps of uploads, gives back, draws, and lets go."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from index.doctor import check
from index.errors import DocumentError, LostOriginal, UnknownDocument, UnknownPage
from index.files import scan
from index.local_store import LocalStore
from index.rendering import draw
from service.engine import Engine
from tests.fakes.small_files import pdf, zipped
from tests.service.service_fakes import LIBRARY, POOL, engine_on, fake_engine

BINARY = b"\0\1\2\3" * 50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def engine(folder: Path) -> Iterator[Engine]:
    engine = fake_engine(folder)
    yield engine
    engine.close()


def kept(folder: Path) -> set[str]:
    return {path.name for path in (folder / "originals").glob("*/*")}


def digests(*contents: bytes | str) -> set[str]:
    return {sha256(one.encode() if isinstance(one, str) else one).hexdigest() for one in contents}


def id_at(engine: Engine, uri: str) -> str:
    found = engine.store.find(uri)
    assert found is not None
    return found.id


def test_uploads_are_kept_and_given_back(engine: Engine, folder: Path) -> None:
    assert kept(folder) == digests(LIBRARY, POOL)
    with engine.original(id_at(engine, "test:pool")) as original:
        assert original.file.read() == POOL.encode()
        assert original.media_type == "text/plain"
        assert original.sha256 in digests(POOL)
    with pytest.raises(UnknownDocument):
        engine.original("ffff")


def test_an_upload_that_takes_the_place_of_another(engine: Engine, folder: Path) -> None:
    engine.add_bytes(b"The pool is 50 metres long.", uri="test:pool", name="pool.txt")
    assert kept(folder) == digests(LIBRARY, b"The pool is 50 metres long.")


def test_an_upload_that_cannot_be_read_leaves_all_as_it_was(engine: Engine, folder: Path) -> None:
    with pytest.raises(DocumentError):
        engine.add_bytes(BINARY, uri="test:pool", name="pool.txt")
    assert kept(folder) == digests(LIBRARY, POOL)
    with engine.original(id_at(engine, "test:pool")) as original:
        assert original.file.read() == POOL.encode()


def test_what_is_removed_is_not_kept(engine: Engine, folder: Path) -> None:
    engine.add_bytes(POOL.encode(), uri="test:again", name="again.txt")
    engine.add_bytes(zipped({"in.txt": "Whales sing.", "pool.txt": POOL}), uri="u:z", name="z.zip")
    archive = digests(zipped({"in.txt": "Whales sing.", "pool.txt": POOL}))
    assert kept(folder) == digests(LIBRARY, POOL) | archive
    engine.remove([id_at(engine, "test:pool")])
    assert kept(folder) == digests(LIBRARY) | archive
    engine.remove([id_at(engine, "u:z!/in.txt"), id_at(engine, "test:library")])
    assert kept(folder) == set()
    with pytest.raises(UnknownDocument):
        engine.remove(["ffff"])


def test_an_upload_without_a_change_is_kept_all_the_same(engine: Engine, folder: Path) -> None:
    """It may be in an index from a time when nothing was kept."""
    for path in (folder / "originals").glob("*/*"):
        path.unlink()
    with pytest.raises(LostOriginal):
        engine.original(id_at(engine, "test:pool"))
    engine.add_bytes(POOL.encode(), uri="test:pool", name="pool.txt")
    with engine.original(id_at(engine, "test:pool")) as original:
        assert original.file.read() == POOL.encode()


def test_what_a_crash_left_goes_with_the_next_change(engine: Engine, folder: Path) -> None:
    engine.close()
    left = folder / "originals" / "00" / ("0" * 64)
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"of a process that was killed")
    engine = engine_on(LocalStore.open(folder))
    with engine.original(id_at(engine, "test:pool")) as original:
        assert original.size == len(POOL)
    assert left.exists()
    engine.remove([id_at(engine, "test:pool")])
    assert kept(folder) == digests(LIBRARY)
    engine.close()


def test_files_are_not_kept_but_read_where_they_are(
    engine: Engine, folder: Path, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    path = files / "zoo.pdf"
    path.write_bytes(pdf())
    list(engine.sync(scan([str(files)])))
    zoo = id_at(engine, path.as_uri())
    with engine.original(zoo) as original:
        assert original.file.read() == pdf()
    assert kept(folder) == digests(LIBRARY, POOL)
    engine.remove([zoo])
    assert path.read_bytes() == pdf()


def test_pages_are_drawn_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.add_bytes(pdf(), uri="test:a.pdf", name="a.pdf")
    engine.add_bytes(zipped({"b.pdf": pdf()}), uri="test:b.zip", name="b.zip")
    id_ = id_at(engine, "test:a.pdf")
    first = engine.page_image(id_, 1, 100)
    assert first == draw(pdf(), 1, 100, name="a.pdf")
    assert engine.page_image(id_, 2, 100) == draw(pdf(), 2, 100, name="a.pdf")
    monkeypatch.setattr(engine.extractor, "page_image", None)
    assert engine.page_image(id_, 1, 100) is first
    with pytest.raises(TypeError):
        engine.page_image(id_, 1, 101)


def test_of_a_document_that_is_removed_no_page_is_given(engine: Engine) -> None:
    engine.add_bytes(pdf(), uri="test:a.pdf", name="a.pdf")
    id_ = id_at(engine, "test:a.pdf")
    engine.page_image(id_, 1, 100)
    engine.remove([id_])
    with pytest.raises(UnknownDocument):
        engine.page_image(id_, 1, 100)
    with pytest.raises(UnknownPage):
        engine.page_image(id_at(engine, "test:pool"), 1, 100)


def test_the_doctor_looks_at_what_is_kept(engine: Engine, folder: Path) -> None:
    assert check(folder).ok
    path = next(iter((folder / "originals").glob("*/*")))
    path.write_bytes(b"something else")
    report = check(folder)
    assert [law.name for law in report.checks if not law.ok] == ["originals"]
    assert report.checks[-1].found == (
        f"{path} has another digest than its name says; send the files concerned again"
    )
    engine.add_bytes(POOL.encode(), uri="test:pool", name="pool.txt")
    engine.add_bytes(LIBRARY.encode(), uri="test:library", name="library.md")
    assert check(folder).ok
