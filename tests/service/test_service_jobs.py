"""The queue of uploads, on shelves that stand in for indexes."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uploading import Gate, until

from index.errors import UnavailableIndex, UnreadableDocument
from index.outcomes import Outcome, Progress, Status
from service.engine import Engine
from service.errors import Overloaded, UnknownJob
from service.host import followers, taking_in
from service.host import jobs as module
from service.host.arrivals import Bounds
from service.host.collections import Collections
from service.host.job_records import Job, JobRecords, JobState, Upload
from service.host.jobs import Jobs
from service.host.spool import Spool
from service.host.state import State

_BOUNDS = Bounds()


class Shelf:
    """Holds what is put on it by its URI; `before` is called with each text before it is put."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        self.log: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self._alone = threading.Lock()

    def add_bytes(
        self, data: bytes, *, uri: str, name: str, report: Callable[[Progress], None], **_: object
    ) -> list[Outcome]:
        assert self._alone.acquire(blocking=False), "one at a time"
        try:
            text = data.decode()
            report(Progress(to_embed=3))
            self.before(text)
            report(Progress(to_embed=3, passages=3))
            self.held[uri] = text
            self.log.append(text)
            return [Outcome(name, Status.ADDED, documents=1)]
        finally:
            self._alone.release()

    def close(self) -> None:
        """There is nothing to close."""


class Site:
    """A queue with its database and folder, that can be left as by a crash and opened again."""

    def __init__(self, folder: Path, bounds: Bounds = _BOUNDS) -> None:
        self.folder = folder
        self.bounds = bounds
        self.shelves: dict[str, Shelf] = {"default": Shelf(), "other": Shelf()}
        self.open()

    def open(self) -> None:
        self.state = State.open(self.folder)
        named = {name: self.folder / name for name in self.shelves}
        collections = Collections(
            self.state,
            self.folder / "made",
            named,
            lambda folder: cast("Engine", self.shelves[folder.name]),
        )
        self.spool = Spool(self.folder / "spool")
        self.jobs = Jobs(JobRecords(self.state), self.spool, collections, self.bounds)

    def crash(self) -> None:
        """Leave everything as it lies; what is running notices nothing."""
        self.state.close()

    def submit(self, *texts: str, uri: str = "t:1", collection: str = "default") -> Job:
        uploads = [
            Upload("a.txt", uri, self.jobs.spool(io.BytesIO(text.encode()))) for text in texts
        ]
        return self.jobs.submit(collection, uploads)

    def settle(self) -> None:
        until(lambda: self.jobs.waiting().files == 0)

    def spooled(self) -> list[str]:
        return [path.name for path in (self.folder / "spool").iterdir()]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "server")
    yield made
    made.jobs.close(20)
    made.state.close()


def state_of(site: Site, job: Job) -> JobState:
    return site.jobs.get(job.id).state


def test_what_is_accepted_is_taken_in_and_let_go_of(site: Site) -> None:
    site.jobs.start()
    job = site.submit("One.", "Two.")
    until(lambda: state_of(site, job).over)
    done = site.jobs.get(job.id)
    assert done.state is JobState.DONE
    assert done.created_at <= (done.started_at or "") <= (done.finished_at or "")
    assert [file.outcomes[0].status for file in done.files] == [Status.ADDED, Status.ADDED]
    assert site.shelves["default"].held == {"t:1": "Two."}
    until(lambda: site.spooled() == [])
    with pytest.raises(UnknownJob, match="no job of this id"):
        site.jobs.get("nothing")


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    acts=st.lists(
        st.tuples(
            st.sampled_from(["add", "add", "add", "remove"]),
            st.sampled_from(["default", "other"]),
            st.sampled_from(["t:1", "t:2", "a.zip"]),
        ),
        max_size=25,
    )
)
def test_the_last_word_counts_for_each_uri(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, str, str]]
) -> None:
    site = Site(tmp_path_factory.mktemp("site"))
    site.jobs.start()
    expected: dict[str, dict[str, str]] = {"default": {}, "other": {}}
    try:
        for number, (act, collection, uri) in enumerate(acts):
            if act == "add":
                text = f"{number}"
                site.submit(text, uri=uri, collection=collection)
                expected[collection][uri] = text
            else:
                site.jobs.withdraw(collection, [f"{uri}!/member.txt"], 20)
                site.shelves[collection].held.pop(uri, None)
                expected[collection].pop(uri, None)
        site.settle()
        assert {name: shelf.held for name, shelf in site.shelves.items()} == expected
        for shelf in site.shelves.values():
            assert [int(text) for text in shelf.log] == sorted(int(text) for text in shelf.log)
    finally:
        site.jobs.close(20)
        site.state.close()


def test_collections_do_not_wait_for_one_another(site: Site) -> None:
    gate = Gate()
    site.shelves["default"].before = lambda _: gate()
    site.jobs.start()
    held_up = site.submit("One.")
    assert gate.reached.wait(20)
    passing = site.submit("Two.", collection="other")
    until(lambda: state_of(site, passing).over)
    assert state_of(site, held_up) is JobState.RUNNING
    gate.open()
    site.settle()


def test_what_was_accepted_before_a_crash_is_taken_in_after_it(site: Site) -> None:
    jobs = [site.submit(f"{number}", uri=f"t:{number}") for number in range(5)]
    (site.folder / "spool" / "left.part").write_bytes(b"half")
    site.crash()
    site.open()
    assert [state_of(site, job) for job in jobs] == [JobState.QUEUED] * 5
    site.jobs.start()
    site.settle()
    assert [state_of(site, job) for job in jobs] == [JobState.DONE] * 5
    assert site.shelves["default"].log == ["0", "1", "2", "3", "4"]
    until(lambda: site.spooled() == [])


def test_what_was_being_taken_in_at_a_crash_is_taken_in_again(site: Site) -> None:
    job = site.submit("One.", "Two.")
    records = JobRecords(site.state)
    first = records.next("default")
    assert first is not None
    assert records.begin(first)
    site.crash()
    site.open()
    site.jobs.start()
    site.settle()
    assert state_of(site, job) is JobState.DONE
    assert site.shelves["default"].log == ["One.", "Two."]


def test_a_file_at_which_the_server_stops_again_and_again_is_given_up(site: Site) -> None:
    job = site.submit("One.")
    for _ in range(8):
        records = JobRecords(site.state)
        file = records.next("default")
        assert file is not None
        assert records.begin(file)
        records.resume()
    site.jobs.start()
    site.settle()
    [outcome] = site.jobs.get(job.id).files[0].outcomes
    assert outcome.reason == (
        "a.txt: the server stopped 8 times while it was taken in; it is not tried again"
    )


def test_a_server_that_stops_lets_what_runs_end_and_leaves_the_rest(site: Site) -> None:
    gate = Gate()
    site.shelves["default"].before = lambda _: gate()
    site.jobs.start()
    job = site.submit("One.", "Two.")
    assert gate.reached.wait(20)
    site.jobs.stop()
    gate.open()
    site.jobs.close(20)
    assert site.shelves["default"].log == ["One."]
    assert state_of(site, job) is JobState.RUNNING
    site.crash()
    site.open()
    site.jobs.start()
    site.settle()
    assert site.shelves["default"].log == ["One.", "Two."]
    assert state_of(site, job) is JobState.DONE


def test_a_removal_waits_for_what_is_being_taken_in(site: Site) -> None:
    gate = Gate()
    site.shelves["default"].before = lambda _: gate()
    site.jobs.start()
    running = site.submit("One.")
    waiting = site.submit("Two.")
    elsewhere = site.submit("Three.", uri="t:2")
    assert gate.reached.wait(20)
    with pytest.raises(Overloaded, match="is being taken in") as refused:
        site.jobs.withdraw("default", ["t:1"], 0.05)
    assert refused.value.retry_after > 0
    assert state_of(site, waiting) is JobState.QUEUED
    removed: list[str | None] = []

    def remove() -> None:
        site.jobs.withdraw("default", ["t:1"], 20)
        removed.append(site.shelves["default"].held.pop("t:1", None))

    thread = threading.Thread(target=remove)
    thread.start()
    gate.open()
    thread.join(20)
    site.settle()
    assert removed == ["One."]
    assert state_of(site, waiting) is JobState.CANCELLED
    assert site.shelves["default"].held == {"t:2": "Three."}
    assert state_of(site, running) is JobState.DONE
    assert state_of(site, elsewhere) is JobState.DONE


def test_of_a_cancelled_job_nothing_more_is_taken_in(site: Site) -> None:
    gate = Gate()
    site.shelves["default"].before = lambda _: gate()
    site.jobs.start()
    first = site.submit("One.", "Two.")
    second = site.submit("Three.")
    assert gate.reached.wait(20)
    states = [file.state for file in site.jobs.cancel(first.id).files]
    assert states == [JobState.RUNNING, JobState.CANCELLED]
    assert site.jobs.cancel(second.id).state is JobState.CANCELLED
    gate.open()
    until(lambda: state_of(site, first).over)
    assert state_of(site, first) is JobState.DONE
    assert site.shelves["default"].log == ["One."]
    assert site.jobs.cancel(first.id).state is JobState.DONE
    until(lambda: site.spooled() == [])


def test_all_that_waits_for_a_collection_is_cancelled(site: Site) -> None:
    here = [site.submit(f"{number}") for number in range(3)]
    there = site.submit("One.", collection="other")
    site.jobs.cancel_all("default")
    assert [state_of(site, job) for job in here] == [JobState.CANCELLED] * 3
    assert state_of(site, there) is JobState.QUEUED


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UnreadableDocument("a.txt: is empty; send another"), "a.txt: is empty; send another"),
        (
            RuntimeError("secret insides"),
            "a.txt: something went wrong here; the server's log has the details",
        ),
    ],
)
def test_why_a_file_failed_is_kept(site: Site, error: Exception, reason: str) -> None:
    def fail(text: str) -> None:
        if text == "bad":
            raise error

    site.shelves["default"].before = fail
    site.jobs.start()
    job = site.submit("bad", "good")
    alone = site.submit("bad")
    site.settle()
    files = site.jobs.get(job.id).files
    assert [file.state for file in files] == [JobState.FAILED, JobState.DONE]
    assert files[0].outcomes[0].reason == reason
    assert (state_of(site, job), state_of(site, alone)) == (JobState.DONE, JobState.FAILED)


def test_while_the_index_is_not_available_a_file_is_tried_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_in, "_PAUSES", (0.001, 0.001))
    times = iter([True, True, False, True, True, True])

    def fail(_: str) -> None:
        if next(times):
            raise UnavailableIndex("/srv/index: the disk is full; make room")

    site.shelves["default"].before = fail
    site.jobs.start()
    helped, lost = site.submit("One."), site.submit("Two.")
    site.settle()
    assert state_of(site, helped) is JobState.DONE
    [outcome] = site.jobs.get(lost.id).files[0].outcomes
    assert outcome.reason == ("a.txt: the index is not available just now; send it again later")


def test_where_the_database_fails_for_a_moment_the_work_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REST", 0.001)
    failures = iter([True, True])
    end = JobRecords.end

    def failing(self: JobRecords, *args: object) -> None:
        if next(failures, False):
            raise UnavailableIndex("the database is locked")
        end(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(JobRecords, "end", failing)
    site.jobs.start()
    job = site.submit("One.")
    site.settle()
    assert state_of(site, job) is JobState.DONE
    assert site.shelves["default"].log == ["One."] * 3


# Bounds


def test_no_more_waits_than_may(tmp_path: Path) -> None:
    site = Site(tmp_path / "server", Bounds(files=6, bytes=100))
    try:
        for _ in range(3):
            site.submit("12345", uri="t:1")
        # A collection has half of the room.
        with pytest.raises(Overloaded, match="as many uploads wait") as refused:
            site.submit("12345")
        assert refused.value.retry_after >= 1
        with pytest.raises(Overloaded), site.jobs.arrivals.enter(None, "default"):
            pass
        with site.jobs.arrivals.enter(None, "other"):
            pass
        with pytest.raises(Overloaded):
            site.submit("x" * 51, collection="other")
        site.submit("x" * 50, collection="other")
        assert len(site.spooled()) == 4
        site.jobs.start()
        site.settle()
        site.submit("12345")
    finally:
        site.jobs.close(20)
        site.state.close()


def test_so_many_uploads_arrive_at_once_and_not_all_from_one_key(site: Site) -> None:
    with ExitStack() as arriving:
        for _ in range(16):
            arriving.enter_context(site.jobs.arrivals.enter("a", "default"))
        with pytest.raises(Overloaded, match="at once"), site.jobs.arrivals.enter("a", "default"):
            pass
        for _ in range(16):
            arriving.enter_context(site.jobs.arrivals.enter("b", "default"))
        with pytest.raises(Overloaded, match="at once"), site.jobs.arrivals.enter("c", "default"):
            pass
    with site.jobs.arrivals.enter("a", "default"):
        pass


def test_jobs_that_ended_long_ago_are_forgotten(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_KEPT", 3)
    site.jobs.start()
    jobs = [site.submit(f"{number}") for number in range(6)]
    kept = site.submit("x", collection="other")
    site.settle()
    until(lambda: len(site.jobs.page("default", list(JobState), None, 10)) == 3)
    assert [job.id for job in site.jobs.page("default", list(JobState), None, 10)] == [
        job.id for job in reversed(jobs[3:])
    ]
    assert state_of(site, kept) is JobState.DONE


def test_the_same_job_is_not_made_twice(site: Site) -> None:
    def submit(text: str) -> Job:
        upload = Upload("a.txt", "t:1", site.jobs.spool(io.BytesIO(text.encode())))
        return site.jobs.submit("default", [upload], job_id="0123")

    first, again = submit("One."), submit("One.")
    assert first == again
    assert len(site.spooled()) == 1
    site.jobs.start()
    site.settle()
    assert submit("One.").state is JobState.DONE
    assert site.shelves["default"].log == ["One."]
    # After a day the same id means another job.
    with site.state.transaction() as connection:
        connection.execute("UPDATE jobs SET created_at = '2001-01-01T00:00:00Z'")
    assert submit("One.").id != first.id


# Following


def test_who_follows_a_job_hears_of_each_change(site: Site) -> None:
    gate, other = Gate(), threading.Event()
    site.shelves["default"].before = lambda _: gate()
    job = site.submit("One.")
    heard = threading.Event()
    with (
        site.jobs.followers.join(job.id, heard.set),
        site.jobs.followers.join("nothing", other.set),
    ):
        site.jobs.start()
        assert gate.reached.wait(20)
        assert heard.wait(20)
        stage = site.jobs.stage(job.id)
        assert stage is not None
        assert (stage.stage, stage.done, stage.passages) == ("embed", 0, 3)
        heard.clear()
        gate.open()
        until(lambda: state_of(site, job).over)
        assert heard.wait(20)
        assert not other.is_set()
        site.jobs.stop()
        assert other.wait(20)
    assert site.jobs.stage(job.id) is None


def test_no_more_follow_than_may(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "_MOST", 1)
    with (
        site.jobs.followers.join("a", lambda: None),
        pytest.raises(Overloaded),
        site.jobs.followers.join("b", lambda: None),
    ):
        pass
    with site.jobs.followers.join("b", lambda: None):
        pass


def test_counts_are_told_by_collection(site: Site) -> None:
    site.submit("One.", "Two.")
    site.jobs.cancel(site.submit("x").id)
    site.submit("Three.", collection="other")
    assert site.jobs.states(["default"])[JobState.QUEUED] == 1
    assert site.jobs.states(["default"])[JobState.CANCELLED] == 1
    assert site.jobs.states()[JobState.QUEUED] == 2
    assert site.jobs.states([])[JobState.QUEUED] == 0
    assert site.jobs.waiting("default").files == 2
    assert site.jobs.waiting().bytes == 14
