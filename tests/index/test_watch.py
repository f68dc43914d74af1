"""When folders are looked at again, with real files and the system's own notifications."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from index import watch as watching
from index.watch import Due, updates

pytestmark = pytest.mark.slow

# How long to wait for what must happen; nothing is waited for longer than it takes.
PATIENCE = 20.0


class Watch:
    """Updates of a folder, gathered in a thread of its own."""

    def __init__(self, *folders: Path, **options: object) -> None:
        self.due: list[Due] = []
        self.stop = threading.Event()
        self._news = threading.Condition()
        self._source = updates(folders, self.stop, **options)  # type: ignore[arg-type]
        self._thread = threading.Thread(target=self._follow)

    def __enter__(self) -> "Watch":
        self._thread.start()
        self.wait_for(1)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def _follow(self) -> None:
        for due in self._source:
            with self._news:
                self.due.append(due)
                self._news.notify_all()

    def wait_for(self, count: int, patience: float = PATIENCE) -> bool:
        """Whether there have been so many updates in time."""
        with self._news:
            return self._news.wait_for(lambda: len(self.due) >= count, patience)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("The bat sleeps.")
    return folder


def change(folder: Path) -> None:
    (folder / "a.txt").write_text("The bat wakes.")


def move(folder: Path) -> None:
    (folder / "a.txt").rename(folder / "sub" / "b.txt")


def remove(folder: Path) -> None:
    (folder / "a.txt").unlink()


def create(folder: Path) -> None:
    (folder / "new").mkdir()
    (folder / "new" / "c.txt").write_text("The crab sleeps.")


def ignore(folder: Path) -> None:
    (folder / ".pinciteignore").write_text("*.txt\n")


@pytest.mark.parametrize("act", [change, move, remove, create, ignore])
def test_a_change_is_told_of(folder: Path, act: Callable[[Path], None]) -> None:
    with Watch(folder, settle=0.1) as watch:
        assert watch.due == [Due(swept=True)]
        act(folder)
        assert watch.wait_for(2)
        assert watch.due[1] == Due()


def test_what_happens_in_hidden_places_and_in_the_index_is_passed_over(folder: Path) -> None:
    for name in (".hidden", "index"):
        (folder / name).mkdir()
    with Watch(folder, index=folder / "index", settle=0.1) as watch:
        for name in (".hidden/a.txt", ".b.txt", "index/catalog.sqlite", "index/.tmp"):
            (folder / name).write_text("nothing to see")
        assert not watch.wait_for(2, patience=1.5)
        change(folder)
        assert watch.wait_for(2)


def test_it_is_time_again_after_a_while_though_nothing_was_told(folder: Path) -> None:
    with Watch(folder, sweep=0.5) as watch:
        assert watch.wait_for(3)
        assert watch.due[:3] == [Due(swept=True)] * 3


def test_a_folder_that_goes_and_comes_back_is_followed_again(folder: Path) -> None:
    with Watch(folder, sweep=0.5, settle=0.1) as watch:
        folder.rename(folder.with_name("away"))
        count = len(watch.due)
        assert watch.wait_for(count + 2)
        folder.with_name("away").rename(folder)
        assert watch.wait_for(len(watch.due) + 2)


def test_where_nothing_can_be_watched_sweeps_remain(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import watchfiles

    def refuse(*_: object, **__: object) -> Iterator[None]:
        raise OSError(28, "OS file watch limit reached")

    monkeypatch.setattr(watchfiles, "watch", refuse)
    with Watch(folder, sweep=0.3) as watch:
        assert watch.wait_for(3)
    assert "only by sweeps" in caplog.text


# What becomes of batches of changes, with a clock of the test's own.


class Clock:
    """Stands still but for its own ticks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(watching.time, "monotonic", lambda: self.now)

    def batches(self, *batches: set[Path], step: float = 0.25) -> Iterator[set[Path]]:
        for batch in batches:
            self.now += step
            yield batch


def told(clock: Clock, *batches: set[Path], until: float = 1e9) -> list[tuple[float, Due]]:
    return [
        (clock.now - 1000, due)
        for due in watching._settled(clock.batches(*batches), until, settle=0.5)
    ]


def test_a_burst_is_one_update(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = {folder / "a.txt"}
    found = told(Clock(monkeypatch), set(), batch, batch, batch, set(), set(), set(), set())
    assert found == [(1.5, Due())]


def test_a_file_still_being_written_is_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    path = folder / "a.txt"

    def growing() -> Iterator[set[Path]]:
        yield {path}
        for _ in range(8):
            with path.open("a") as file:
                file.write("more")
            clock.now += 0.25
            yield set()
        for _ in range(3):
            clock.now += 0.25
            yield set()

    times = [clock.now - 1000 for _ in watching._settled(growing(), 1e9, settle=0.5)]
    assert times == [2.5]


def test_others_do_not_wait_for_ever_for_one_that_is_always_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, done = folder / "a.txt", folder / "b.txt"
    batches = [{busy, done}, *[{busy}] * 60, *[set[Path]()] * 4]
    (after, first), (_, last) = told(Clock(monkeypatch), *batches)
    assert 10 < after < 11
    assert first == Due(frozenset({busy}))
    assert last == Due()


def test_the_time_for_a_sweep_ends_the_wait_but_not_amid_a_burst(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = {folder / "a.txt"}
    batches = [set(), batch, batch, set(), set(), set(), batch, set(), set()]
    found = told(Clock(monkeypatch), *batches, until=1000.5)
    assert found == [(1.25, Due())]


def test_a_file_that_is_always_written_does_not_put_the_sweep_off_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    assert told(clock, *[{folder / "a.txt"}] * 100, until=1005) == []
    assert 15 < clock.now - 1000 < 16


def test_stopping_is_quick(folder: Path) -> None:
    with Watch(folder) as watch:
        begin = time.monotonic()
        watch.stop.set()
    assert time.monotonic() - begin < 5
