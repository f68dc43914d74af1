"""Kept originals: what an origin has is there, what none has is not, whatever happens meanwhile."""

import os
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from index.errors import UnavailableIndex
from index.originals import Originals
from index.passages import Splitter
from index.store import IndexSettings
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_intake
from tests.fakes.memory_store import MemoryStore

EMBEDDER = HashEmbedder()
CONTENTS = [b"The rent is 900.", b"The rent is 950.", b"Whales sing.", b""]


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def files(originals: Originals) -> list[str]:
    return sorted(path.name for path in originals.folder.glob("*/*"))


def unused(_: Collection[str]) -> set[str]:
    return set()


def used(digests: Collection[str]) -> set[str]:
    return set(digests)


@pytest.fixture
def originals(tmp_path: Path) -> Originals:
    return Originals(tmp_path / "index" / "originals")


def a_store() -> MemoryStore:
    return MemoryStore(IndexSettings(EMBEDDER.identity, Splitter()))


def upload(store: MemoryStore, uri: str, data: bytes) -> None:
    store.put([an_intake(a_document(uri, data.decode()), EMBEDDER, recipe="2 .txt titled ")])


def test_what_is_kept_is_there_under_its_digest(originals: Originals) -> None:
    for data in CONTENTS:
        sha = originals.keep(data)
        assert sha == digest(data)
        assert originals.path(sha) == originals.folder / sha[:2] / sha
        assert originals.path(sha).read_bytes() == data
    assert files(originals) == sorted(map(digest, CONTENTS))


def test_keeping_the_same_again_changes_nothing(originals: Originals) -> None:
    path = originals.path(originals.keep(b"Words."))
    before = path.stat()
    originals.keep(b"Words.")
    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_file_that_was_damaged_is_found_and_mended(originals: Originals) -> None:
    first, second = originals.keep(b"Words."), originals.keep(b"Others.")
    originals.path(first).write_bytes(b"Wards.")
    assert list(originals.damaged()) == [first]
    originals.keep(b"Words.")
    assert list(originals.damaged()) == []
    assert originals.path(first).read_bytes() == b"Words."
    assert originals.path(second).read_bytes() == b"Others."


def test_nothing_is_kept_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "originals").write_text("a file", encoding="utf-8")
    with pytest.raises(UnavailableIndex, match=r"an original cannot be kept there \(.*check"):
        Originals(tmp_path / "originals").keep(b"Words.")


def test_a_write_that_fails_leaves_nothing(
    originals: Originals, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnavailableIndex, match="No space left on device"):
        originals.keep(b"Words.")
    assert files(originals) == []


def test_what_no_origin_has_is_forgotten(originals: Originals) -> None:
    first, second, third = (originals.keep(data) for data in CONTENTS[:3])
    originals.forget([first, second], lambda digests: {second} & set(digests))
    assert files(originals) == sorted([second, third])
    originals.forget([third], used)
    assert files(originals) == sorted([second, third])
    originals.forget(["", "no digest", "../../x", "0" * 64], unused)
    originals.sweep(lambda digests: {third} & set(digests))
    assert files(originals) == [third]


def test_a_folder_that_is_not_there_holds_nothing(originals: Originals) -> None:
    originals.sweep(unused)
    originals.forget([digest(b"")], unused)
    assert list(originals.damaged()) == []
    assert not originals.folder.exists()


@pytest.mark.parametrize("wanted", [True, False])
def test_what_a_crash_left_is_swept_when_it_is_old(originals: Originals, wanted: bool) -> None:
    kept = originals.keep(b"Words.")
    put_aside = originals.path(kept).with_suffix(".0123.going")
    originals.path(kept).rename(put_aside)
    unfinished = originals.path(kept).with_suffix(".4567.new")
    unfinished.write_bytes(b"Wo")
    originals.sweep(used if wanted else unused)
    assert files(originals) == sorted([put_aside.name, unfinished.name])
    for path in (put_aside, unfinished):
        os.utime(path, (0, 0))
    originals.sweep(used if wanted else unused)
    assert files(originals) == ([kept] if wanted else [])


def test_what_comes_into_use_while_it_is_removed_is_put_back(originals: Originals) -> None:
    kept = originals.keep(b"Words.")
    looks = iter([set(), {kept}])
    originals.forget([kept], lambda _: next(looks))
    assert files(originals) == [kept]


def test_what_is_kept_anew_while_it_is_removed_stays(originals: Originals) -> None:
    kept = originals.keep(b"Words.")
    looks = iter([set(), {kept}])

    def look(_: Collection[str]) -> set[str]:
        found = next(looks)
        if found:
            originals.keep(b"Words.")
        return found

    originals.forget([kept], look)
    assert files(originals) == [kept]


def test_a_file_removed_before_the_index_had_it_is_kept_again(originals: Originals) -> None:
    """Another process sweeps while this one puts an upload into the index."""
    store = a_store()
    with originals.keeping(CONTENTS[0], "u:a", store):
        originals.sweep(store.known_digests)
        assert files(originals) == []
        upload(store, "u:a", CONTENTS[0])
    assert files(originals) == [digest(CONTENTS[0])]


@pytest.mark.parametrize("shared", [True, False])
def test_of_an_upload_that_cannot_be_read_nothing_is_kept(
    originals: Originals, shared: bool
) -> None:
    store = a_store()
    if shared:
        with originals.keeping(CONTENTS[0], "u:b", store):
            upload(store, "u:b", CONTENTS[0])
    with pytest.raises(KeyError), originals.keeping(CONTENTS[0], "u:a", store):
        raise KeyError("it cannot be read")
    assert files(originals) == ([digest(CONTENTS[0])] if shared else [])


def test_what_stood_there_before_is_not_kept(originals: Originals) -> None:
    store = a_store()
    for data in CONTENTS[:2]:
        with originals.keeping(data, "u:a", store):
            upload(store, "u:a", data)
    assert files(originals) == [digest(CONTENTS[1])]


class Uploads(RuleBasedStateMachine):
    """Uploads come, change, fail and go: what the origins have is what is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = temporary()
        self.originals = Originals(self.gone.__enter__())
        self.store = a_store()

    @rule(uri=st.sampled_from("abc"), data=st.sampled_from(CONTENTS[:3]), fails=st.booleans())
    def add(self, uri: str, data: bytes, fails: bool) -> None:
        try:
            with self.originals.keeping(data, f"u:{uri}", self.store):
                if fails:
                    raise KeyError("it cannot be read")
                upload(self.store, f"u:{uri}", data)
        except KeyError:
            assert fails

    @rule(uri=st.sampled_from("abc"))
    def remove(self, uri: str) -> None:
        summary = self.store.find(f"u:{uri}")
        if summary is not None:
            digests = {summary.sha256}
            self.store.remove([summary.id])
            self.originals.forget(digests, self.store.known_digests)

    @rule(data=st.sampled_from(CONTENTS))
    def crash(self, data: bytes) -> None:
        self.originals.keep(data)
        self.originals.sweep(self.store.known_digests)

    @invariant()
    def what_origins_have_is_kept(self) -> None:
        wanted = {state.origin.sha256 for state in self.store.origins()}
        assert files(self.originals) == sorted(wanted)

    def teardown(self) -> None:
        self.gone.__exit__(None, None, None)


@contextmanager
def temporary() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder)


TestUploads = Uploads.TestCase
TestUploads.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)


# How long the disk takes is not what is asked.
@settings(deadline=None)
@given(st.lists(st.sampled_from(CONTENTS), min_size=1, max_size=4))
def test_the_digests_tell_what_is_kept(kept: list[bytes]) -> None:
    with temporary() as folder:
        originals = Originals(folder)
        for data in kept:
            originals.keep(data)
        assert files(originals) == sorted({digest(data) for data in kept})
        assert list(originals.damaged()) == []


def test_adding_and_sweeping_at_once_loses_nothing(originals: Originals) -> None:
    """In two threads, as in two processes: each with its own view of the folder."""
    store = a_store()
    done = threading.Event()
    sweeper = Originals(originals.folder)

    def sweep() -> None:
        while not done.is_set():
            sweeper.sweep(store.known_digests)

    thread = threading.Thread(target=sweep)
    thread.start()
    try:
        for number in range(150):
            data = f"Flat {number} costs 900.".encode()
            with originals.keeping(data, f"u:{number % 7}", store):
                upload(store, f"u:{number % 7}", data)
    finally:
        done.set()
        thread.join()
    wanted = sorted(state.origin.sha256 for state in store.origins())
    assert files(originals) == wanted
