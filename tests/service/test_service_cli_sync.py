"""`index`, `sync` and `watch` on folders that change."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from service_fakes import NumberReader, Run, WordEmbedder

from index.errors import UnavailableIndex
from index.files import scan
from index.local_store import LocalStore
from index.outcomes import Outcome, Progress
from index.passages import Splitter
from index.sandbox.workers import InProcess
from index.store import IndexSettings
from service.bootstrap import open_or_create
from service.commands.progress import in_words
from service.engine import Engine
from service.settings import settle
from service.watching import follow

pytestmark = pytest.mark.slow

PATIENCE = 30.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("bat", "crab", "newt"):
        (folder / f"{name}.txt").write_text(f"The {name} sleeps 9 hours.", encoding="utf-8")
    return folder


def test_a_folder_is_kept_in_step(run: Run, folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    assert run("sync", str(folder), index=index).stdout == f"3 added; index: {index}\n"
    (folder / "bat.txt").rename(folder / "vampire.txt")
    (folder / "newt.txt").unlink()
    (folder / "crab.txt").write_text("The crab wakes.", encoding="utf-8")
    (folder / "owl.txt").write_text("The owl sleeps.", encoding="utf-8")
    (folder / "owls.txt").write_text("The owl sleeps.", encoding="utf-8")
    summary = "1 added, 1 changed, 1 moved, 1 copied, 1 removed; index: "
    dry = run("sync", "--dry-run", str(folder), index=index)
    assert dry.exit_code == 0
    *lines, last = dry.stdout.splitlines()
    assert last == f"so it would be: {summary}{index}"
    assert f"moved   {folder}/vampire.txt (from {folder}/bat.txt)" in lines
    assert f"removed {folder}/newt.txt" in lines
    assert len(lines) == 5
    result = run("sync", str(folder), index=index)
    assert result.stdout == f"{summary}{index}\n"
    assert "newt" not in run("list", index=index).stdout
    assert run("doctor", index=index).exit_code == 0
    body = json.loads(run("sync", "--json", str(folder), index=index).stdout)
    assert body["counts"]["unchanged"] == 4


def test_a_dry_run_makes_no_index(run: Run, folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    body = json.loads(run("index", "--dry-run", "--json", str(folder), index=index).stdout)
    assert body["counts"]["added"] == 3
    assert not index.exists()


@pytest.mark.parametrize("command", ["sync", "watch"])
def test_only_folders_are_kept_in_step(
    run: Run, folder: Path, tmp_path: Path, command: str
) -> None:
    index = tmp_path / "index"
    result = run(command, str(folder / "bat.txt"), index=index)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is not a folder" in result.stderr
    assert "no such folder" in run(command, str(folder / "none"), index=index).stderr
    assert not index.exists()


def test_an_index_in_its_folder_is_not_read(run: Run, folder: Path) -> None:
    assert run("sync", str(folder), index=folder / "index").exit_code == 0
    assert run("sync", str(folder), index=folder / "index").stdout.startswith("3 unchanged; ")


def test_how_files_are_read_can_be_set_for_every_way_in(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, folder = tmp_path / "index", tmp_path / "docs"
    folder.mkdir()
    (folder / "notes.jsonl").write_text('{"note": "The bell rings.", "text": "Unused."}\n')
    run("index", "--json-text", "note", str(folder), index=index)

    def changed(*options: str) -> list[str]:
        result = run("sync", "--json", "--dry-run", *options, str(folder), index=index)
        body = json.loads(result.stdout)
        return [one["status"] for one in body["outcomes"] if one["status"] != "unchanged"]

    assert changed() == ["changed"]
    monkeypatch.setenv("PINCITE_JSON_TEXT", "note")
    assert changed() == []
    assert changed("--json-text", "text") == ["changed"]
    opened = open_or_create(replace(settle().settings, index=index))
    try:
        engine = opened.engine
        assert [one.status for one in engine.sync(scan([str(folder)], index))] == ["unchanged"]
        data = (folder / "notes.jsonl").read_bytes().replace(b"bell", b"gong")
        engine.add_bytes(data, uri="test:notes", name="notes.jsonl")
        [uploaded] = [one for one in engine.store.documents() if one.uri.startswith("test:notes")]
        text = engine.store.document(uploaded.id).text
        assert "The gong rings." in text
        assert "Unused" not in text
    finally:
        opened.engine.close()


def test_fields_of_json_records_are_chosen(run: Run, tmp_path: Path) -> None:
    index, path = tmp_path / "index", tmp_path / "notes.jsonl"
    path.write_text(
        '{"note": "The safe is under the stairs.", "room": "hall", "floor": 1}\n', encoding="utf-8"
    )
    options = ("--json-text", "note", "--json-metadata", "room")
    assert run("index", *options, str(path), index=index).exit_code == 0
    (summary,) = json.loads(run("list", "--json", index=index).stdout)["documents"]
    shown = json.loads(run("show", summary["id"], "--json", index=index).stdout)
    assert "under the stairs" in shown["text"]
    assert shown["metadata"].get("room") == "hall"
    assert "floor" not in shown["metadata"]


def test_a_sweep_must_take_some_time(run: Run, folder: Path, tmp_path: Path) -> None:
    for value in ("0", "nan", "1e9"):
        result = run("watch", "--sweep", value, str(folder), index=tmp_path / "index")
        assert result.exit_code == 2
        assert "--sweep" in result.stderr


def test_progress_for_machines_is_json_on_standard_error(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    result = run("sync", "--json", str(folder), index=tmp_path / "index")
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert lines
    assert set(lines[0]) == {
        "compared",
        "to_read",
        "read",
        "passages",
        "failed",
        "passages_per_second",
        "seconds_left",
    }
    assert json.loads(result.stdout)["counts"]["added"] == 3


def test_progress_for_people_says_how_long_it_will_take() -> None:
    progress = Progress(compared=9, to_read=1200, read=30, passages=1811, failed=2)
    assert in_words(progress, 55.4, 95.2) == (
        "30 of 1,200, 1,811 passages, 55/s, 1:35 left, 2 failed"
    )


# Following folders, in this process


class Follower:
    """A folder followed in a thread, with fake models."""

    def __init__(self, folder: Path, index: Path) -> None:
        embedder = WordEmbedder()
        store = LocalStore.create(index, IndexSettings(embedder.identity, Splitter()))
        self.engine = Engine(store, lambda: embedder, NumberReader, InProcess)
        self.told: list[list[Outcome]] = []
        self.complaints: list[str] = []
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._thread = threading.Thread(
            target=follow,
            args=(self.engine, [str(folder)], self._stop, self._tell),
            kwargs={"complain": self._complain, "index": index, "sweep": 1.0},
        )

    def _tell(self, outcomes: list[Outcome]) -> None:
        with self._news:
            self.told.append(outcomes)
            self._news.notify_all()

    def _complain(self, error: Exception) -> None:
        with self._news:
            self.complaints.append(str(error))
            self._news.notify_all()

    def wait_until(self, complaints: int = 0, told: int = 0) -> None:
        with self._news:
            assert self._news.wait_for(
                lambda: len(self.complaints) >= complaints and len(self.told) >= told, PATIENCE
            )

    def __enter__(self) -> "Follower":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        self.engine.close()


@pytest.fixture
def follower(folder: Path, tmp_path: Path) -> Iterator[Follower]:
    with Follower(folder, tmp_path / "index") as made:
        yield made


def statuses(outcomes: list[Outcome]) -> dict[str, str]:
    return {Path(outcome.name).name: outcome.status.value for outcome in outcomes}


def test_what_changes_is_told_once(follower: Follower, folder: Path) -> None:
    follower.wait_until(told=1)
    assert set(statuses(follower.told[0]).values()) == {"added"}
    (folder / "bat.txt").write_text("The bat wakes at 7.", encoding="utf-8")
    (folder / "bad.txt").write_bytes(b"")
    follower.wait_until(told=2)
    assert statuses(follower.told[1]) == {"bat.txt": "changed", "bad.txt": "failed"}
    assert follower.engine.ask("When wakes the bat?").answers[0].text == "7"
    (folder / "bat.txt").unlink()
    follower.wait_until(told=3)
    assert statuses(follower.told[2]) == {"bat.txt": "removed"}


def test_what_goes_wrong_is_complained_of_and_tried_again(
    follower: Follower, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower.wait_until(told=1)

    def locked(*_: object) -> None:
        raise UnavailableIndex("index: is locked by another process")

    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "put", locked)
        (folder / "owl.txt").write_text("The owl sleeps.", encoding="utf-8")
        follower.wait_until(complaints=1)
    follower.wait_until(told=2)
    assert statuses(follower.told[1]) == {"owl.txt": "added"}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_the_command_follows_a_folder_until_it_is_interrupted(folder: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "watch", "--index", str(tmp_path / "index"), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("3 added; ")
        (folder / "owl.txt").write_text("The owl sleeps.", encoding="utf-8")
        assert process.stdout.readline().startswith("1 added; ")
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        out, err = process.communicate(timeout=PATIENCE)
        assert time.monotonic() - begin < 10
        assert (out, err, process.returncode) == ("", "", 0)
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_two_processes_bring_one_index_in_step_and_neither_harms(tmp_path: Path) -> None:
    folder, index = tmp_path / "docs", tmp_path / "index"
    folder.mkdir()
    for number in range(120):
        (folder / f"{number:03}.txt").write_text(
            f"Flat {number} has {number + 2} rooms.\n\nThe rent is {number * 7} pounds.",
            encoding="utf-8",
        )
    (folder / "copy.txt").write_text((folder / "007.txt").read_text(encoding="utf-8"))
    command = [
        sys.executable,
        "-m",
        "service",
        "sync",
        "--json",
        "--index",
        str(index),
        str(folder),
    ]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        counts = json.loads(out)["counts"]
        assert counts["failed"] == 0
        assert sum(counts.values()) == 121
    doctor = [sys.executable, "-m", "service", "doctor", "--index", str(index)]
    found = subprocess.run(doctor, check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
    listed = subprocess.run(
        [sys.executable, "-m", "service", "list", "--json", "--index", str(index)],
        check=True,
        capture_output=True,
        text=True,
    )
    documents = json.loads(listed.stdout)["documents"]
    assert len(documents) == 120


def test_what_the_system_refuses_is_complained_of_and_tried_again(
    follower: Follower, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower.wait_until(told=1)

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("service.watching.scan", refuse)
    follower.wait_until(complaints=1)
    monkeypatch.undo()
    (folder / "owl.txt").write_text("The owl sleeps.")
    follower.wait_until(told=2)
    assert follower.complaints[0] == (
        "the folders cannot be looked at: [Errno 5] Input/output error"
    )
    assert statuses(follower.told[1]) == {"owl.txt": "added"}
