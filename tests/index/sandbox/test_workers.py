"""A file that misbehaves costs that file: the others are read, and the program goes on."""

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from index.errors import DocumentTooLarge, PinciteError, UnreadableDocument
from index.extract import Extraction
from index.extract.source import Limits, Reading
from index.rendering import PageImage, draw
from index.sandbox import jobs, linux, workers
from index.sandbox.jobs import MOST_TAKEN
from index.sandbox.workers import Held, Job, WorkerPool
from tests.fakes.small_files import WORDS, pdf, zipped
from tests.paths import ROOT

pytestmark = pytest.mark.slow

DOCTORED = "tests.fakes.doctored_extractor:extract_all"
LIMITS = Limits(seconds=60, memory_mb=256, characters=2**20)
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="the system bounds no memory")
posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(LIMITS, 1, DOCTORED)
    yield pool
    pool.close()


@pytest.fixture
def make() -> Iterator[Callable[..., WorkerPool]]:
    pools: list[WorkerPool] = []

    def make(limits: Limits = LIMITS, count: int = 1, extract: str = DOCTORED) -> WorkerPool:
        pools.append(WorkerPool(limits, count, extract))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


def read(pool: WorkerPool, deed: str, options: Reading = Reading()) -> Extraction:  # noqa: B008
    job = Job("file:///x", "x.txt", data=deed.encode(), options=options)
    return pool.submit(job).result(timeout=60)


def reason(extraction: Extraction) -> str:
    assert extraction.documents == ()
    (problem,) = extraction.problems
    assert problem.uri == "file:///x"
    assert problem.reason.startswith("x.txt: ")
    assert "\n" not in problem.reason
    assert len(extraction.sha256) == 64
    return problem.reason.removeprefix("x.txt: ")


def process(extraction: Extraction) -> int:
    """Which process read the file."""
    (document,) = extraction.documents
    found = re.search(r"in process (\d+)$", document.text)
    assert found is not None
    return int(found[1])


def answer(extraction: Extraction) -> str:
    (document,) = extraction.documents
    return document.text.rpartition(", in process")[0]


def until(holds: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def is_gone(number: int) -> bool:
    """Tell whether a process has ended; one that nobody waited for counts as there."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    return False


def test_an_endless_loop_ends_at_the_limit(make: Callable[..., WorkerPool]) -> None:
    pool = make(Limits(seconds=0.5))
    first = process(read(pool, "sleep 0"))
    assert reason(read(pool, "loop")) == (
        "takes longer than 0.5 s to be read; split it, or raise PINCITE_READ_SECONDS"
    )
    assert is_gone(first)
    assert process(read(pool, "sleep 0")) != first


@only_linux
def test_memory_without_end_ends_at_the_limit(pool: WorkerPool) -> None:
    assert reason(read(pool, "hog")) == (
        "needs more than 256 MB of memory to be read; split it, or raise PINCITE_READ_MEMORY_MB"
    )
    assert answer(read(pool, "need 100")) == str(100 * 2**20)
    assert reason(read(pool, "need 400")).startswith("needs more than 256 MB")


@posix
def test_a_crash_of_a_native_library_is_told(pool: WorkerPool) -> None:
    assert reason(read(pool, "crash")) == (
        "crashed the process that read it (signal 11, SIGSEGV); it may be damaged"
    )
    assert process(read(pool, "sleep 0"))


def test_a_process_that_leaves_is_told(pool: WorkerPool) -> None:
    assert reason(read(pool, "leave 7")) == (
        "crashed the process that read it (exit code 7); it may be damaged"
    )


def test_errors_that_no_parser_foresaw_are_told(pool: WorkerPool) -> None:
    assert reason(read(pool, "fail a\nb " + "c" * 500)) == (
        f"cannot be read (LookupError: a b {'c' * 196}); it may be damaged"
    )
    assert reason(read(pool, "overflow")) == "is nested too deep to be read; it may be damaged"


@posix
def test_a_crash_that_earlier_files_led_to_costs_nothing(pool: WorkerPool) -> None:
    first = process(read(pool, "sleep 0"))
    assert process(read(pool, "crash_if_used")) != first


@only_linux
def test_what_earlier_files_left_in_memory_costs_nothing(pool: WorkerPool) -> None:
    first = process(read(pool, "keep 60"))
    assert process(read(pool, "need 230")) != first


@only_linux
def test_a_process_that_has_grown_gives_way(pool: WorkerPool) -> None:
    first = process(read(pool, "keep 100"))
    second = process(read(pool, "sleep 0"))
    assert is_gone(first)
    assert process(read(pool, "sleep 0")) == second != first


def test_a_result_that_is_too_large_is_not_taken(make: Callable[..., WorkerPool]) -> None:
    pool = make(Limits(characters=1000))
    assert process(read(pool, "sleep 0"))
    assert reason(read(pool, "long 17000000")) == (
        "comes to more than the 16,787,216 bytes of text and places that a file may; "
        "split it and index the parts"
    )
    assert len(read(pool, "long 16000000").documents[0].text) == 16_000_000


@pytest.mark.parametrize(
    "deed", ["elsewhere file:///y", "other_bytes", "beyond", "crossed", "babble"]
)
def test_results_that_no_extractor_makes_are_not_taken(pool: WorkerPool, deed: str) -> None:
    assert reason(read(pool, deed)).startswith(
        ("disturbed the process that read it (", "comes to more than the")
    )
    assert process(read(pool, "sleep 0"))


def test_what_libraries_print_is_dropped(
    pool: WorkerPool, capfd: pytest.CaptureFixture[str]
) -> None:
    assert answer(read(pool, "chatter")) == "None"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("deed", "refused"),
    [
        ("connect", "open a network connection"),
        ("resolve", "open a network connection"),
        ("fetch", "open a network connection"),
        ("run", "run a program"),
        ("system true", "run a program"),
        ("fork", "run a program"),
        ("signal_parent", "run a program"),
        ("write {0}/new", "write a file"),
        ("write {0}/there", "write a file"),
        ("append {0}/there", "write a file"),
        ("remove {0}/there", "change a file"),
        ("rename {0}/there", "change a file"),
        ("make_folder {0}/new", "change a file"),
        ("read {0}/there", "read another file"),
        ("read {0}/link", "read another file"),
        ("read /etc/passwd", "read another file"),
        ("list_folder {0}", "list a folder"),
        ("list_folder /", "list a folder"),
        ("load {0}/there", "load a library"),
        ("database {0}/new", "open a database"),
    ],
)
def test_what_no_document_may_is_refused(
    pool: WorkerPool, tmp_path: Path, deed: str, refused: str
) -> None:
    (tmp_path / "there").write_text("kept", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "there")
    assert refused in reason(read(pool, deed.format(tmp_path)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "there"]
    assert (tmp_path / "there").read_text(encoding="utf-8") == "kept"


@pytest.mark.skipif(linux.landlock_version() == 0, reason="the system has no Landlock")
@pytest.mark.parametrize(
    ("deed", "error"),
    [
        ("native_open {0}/there", "EACCES"),
        ("native_open {0}", "EACCES"),
        ("native_open /etc/passwd", "EACCES"),
        ("native_create {0}/new", "EACCES"),
        ("native_create {0}/there", "EACCES"),
        ("native_remove {0}/there", "EACCES"),
        ("native_chmod {0}/there", "EPERM"),
        ("native_socket", "EPERM"),
        ("native_fork", "EPERM"),
        ("native_run /bin/true", "EPERM"),
        ("native_signal", "EPERM"),
    ],
)
def test_native_code_is_refused_the_same(
    pool: WorkerPool, tmp_path: Path, deed: str, error: str
) -> None:
    (tmp_path / "there").write_text("kept", encoding="utf-8")
    assert answer(read(pool, deed.format(tmp_path))) == error
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o644


@only_linux
def test_threads_may_be_started_and_there_are_none_yet(pool: WorkerPool) -> None:
    number = process(read(pool, "sleep 0"))
    assert len(list(Path(f"/proc/{number}/task").iterdir())) == 1
    assert answer(read(pool, "thread")) == "None"


@posix
def test_reading_gives_way_to_what_else_the_machine_does(pool: WorkerPool) -> None:
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    niceness = os.getpriority(os.PRIO_PROCESS, process(read(pool, "sleep 0")))
    assert niceness == min(19, ours + 5)


def test_a_file_is_not_read_again_by_its_path(pool: WorkerPool, tmp_path: Path) -> None:
    """Its bytes are handed over; the process cannot open it itself."""
    path = tmp_path / "x.txt"
    path.write_text(f"read {path}", encoding="utf-8")
    found = pool.submit(Job("file:///x", "x.txt", path)).result(timeout=60)
    assert "read another file" in reason(found)


def test_python_may_read_what_is_its_own(pool: WorkerPool) -> None:
    assert "Pincite" in answer(read(pool, f"read {ROOT / 'index' / 'errors.py'}"))
    assert "reason" not in answer(read(pool, f"list_folder {Path(os.__file__).parent}"))


def test_text_recognition_gets_a_folder_of_its_own(make: Callable[..., WorkerPool]) -> None:
    pool = make()
    scanned = Reading(ocr=True)
    folder = Path(answer(read(pool, "scratch", scanned)))
    assert folder.is_dir()
    assert folder.name.startswith("pincite-")
    assert answer(read(pool, f"write {folder}/page.png", scanned)) == "None"
    assert "run a program" in reason(read(pool, "run", scanned))
    assert "write a file" in reason(read(pool, f"write {folder.parent}/page.png", scanned))
    assert "open a network connection" in reason(read(pool, "connect", scanned))
    assert "write a file" in reason(read(pool, f"write {folder}/page.png"))
    pool.close()
    assert not folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="whose a process is only Linux tells")
@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_text_recognition_that_takes_too_long_can_be_ended(make: Callable[..., WorkerPool]) -> None:
    pool, scanned = make(), Reading(ocr=True)
    assert answer(read(pool, "end_program", scanned)) == "-15"
    assert "os.kill" in reason(read(pool, "signal_parent", scanned))
    assert "run a program" in reason(read(pool, "end_program"))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_scanned_pages_are_recognised(make: Callable[..., WorkerPool]) -> None:
    scan = Image.new("L", (1700, 2200), 255)
    ImageDraw.Draw(scan).text((200, 300), WORDS, fill=0, font=ImageFont.load_default(60))
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(612, 792))
    canvas.drawImage(ImageReader(scan), 0, 0, 612, 792)
    canvas.save()
    pool = make(Limits(), extract="index.extract:extract_all")
    job = Job("file:///x", "x.pdf", data=buffer.getvalue(), options=Reading(ocr=True))
    (document,) = pool.submit(job).result(timeout=120).documents
    assert document.text == WORDS


def drawn(pool: WorkerPool, data: bytes) -> "Future[PageImage]":
    return pool.page_image(Held("x.pdf", sha256(data).hexdigest(), None, data), 1, 100)


def test_what_somebody_waits_for_is_not_held_up(make: Callable[..., WorkerPool]) -> None:
    """Neither by a file that is being read nor by those that wait."""
    pool = make()
    running = pool.submit(Job("x:", "x", data=b"loop"))
    waiting = [pool.submit(Job("x:", "x", data=b"loop")) for _ in range(5)]
    assert until(running.running)
    data = pdf()
    for _ in range(3):
        assert drawn(pool, data).result(timeout=30) == draw(data, 1, 100, name="x.pdf")
    assert running.running()
    assert not any(future.running() or future.done() for future in waiting)


def test_pages_are_drawn_side_by_side_by_those_at_leisure(make: Callable[..., WorkerPool]) -> None:
    pool = make(count=2)
    data = pdf()
    images = [drawn(pool, data) for _ in range(20)]
    assert {future.result(timeout=60) for future in images} == {draw(data, 1, 100, name="x.pdf")}
    assert len(pool._children) <= 3


def test_a_page_drawn_after_another_uses_the_same_process(make: Callable[..., WorkerPool]) -> None:
    pool = make(count=2)
    data = pdf()
    drawn(pool, data).result(timeout=60)
    (child,) = pool._children
    for _ in range(5):
        drawn(pool, data).result(timeout=60)
    assert pool._children == {child}


def test_a_page_that_takes_too_long_is_given_up(
    make: Callable[..., WorkerPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_SOON", 0.0)
    error = drawn(make(), pdf()).exception(timeout=60)
    assert isinstance(error, UnreadableDocument)
    assert str(error) == "x.pdf: takes longer than 0 s to be shown; open the file itself"


@only_linux
def test_a_page_that_needs_too_much_memory_is_given_up(make: Callable[..., WorkerPool]) -> None:
    pool = make(Limits(memory_mb=64))
    data = zipped({"a.txt": bytes(200 * 2**20)})
    held = Held("x.zip", sha256(data).hexdigest(), None, data, "!/a.txt", "0" * 64)
    error = pool.take(held).exception(timeout=60)
    assert isinstance(error, UnreadableDocument)
    assert str(error) == (
        "x.zip: needs more than 64 MB of memory to be read; split it, or raise "
        "PINCITE_READ_MEMORY_MB"
    )
    assert drawn(pool, pdf()).result(timeout=60).width == 100


def test_what_is_taken_out_has_a_limit(make: Callable[..., WorkerPool]) -> None:
    content = bytes(MOST_TAKEN + 1)
    data = zipped({"a.txt": content})
    digest = sha256(content).hexdigest()
    held = Held("x.zip", sha256(data).hexdigest(), None, data, "!/a.txt", digest)
    error = make(Limits()).take(held).exception(timeout=60)
    assert isinstance(error, DocumentTooLarge)
    assert str(error) == (
        "x.zip: has 134,217,729 bytes, more than the 134,217,728 that are taken out of a file; "
        "unpack it"
    )


@posix
def test_a_process_that_ends_while_it_draws_costs_that_page(
    make: Callable[..., WorkerPool],
) -> None:
    """Once it is tried again, since an earlier file may have been at fault."""
    pool = make()
    data = pdf()
    drawn(pool, data).result(timeout=60)
    (child,) = pool._children
    child.kill()
    assert drawn(pool, data).result(timeout=60) == draw(data, 1, 100, name="x.pdf")


def test_closing_gives_up_pages_that_are_not_drawn(make: Callable[..., WorkerPool]) -> None:
    pool = make()
    data = pdf()
    drawn(pool, data).result(timeout=60)
    waiting = [drawn(pool, data) for _ in range(200)]
    pool.close()
    with pytest.raises(CancelledError):
        waiting[-1].result(timeout=0)


def test_processes_are_started_when_there_is_work(make: Callable[..., WorkerPool]) -> None:
    pool = make(count=2)
    numbers = {process(read(pool, "sleep 0")) for _ in range(5)}
    assert len(numbers) == 1
    futures = [pool.submit(Job("x:", "x", data=b"sleep 0.3")) for _ in range(4)]
    more = {process(future.result(timeout=60)) for future in futures}
    assert len(more) == 2
    assert numbers < more


def test_processes_without_work_are_ended(
    make: Callable[..., WorkerPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_IDLE", 0.2)
    pool = make()
    first = process(read(pool, "sleep 0"))
    assert until(lambda: is_gone(first))
    assert process(read(pool, "sleep 0")) != first


def test_closing_gives_up_what_is_not_done(make: Callable[..., WorkerPool]) -> None:
    pool = make()
    number = process(read(pool, "sleep 0"))
    running = pool.submit(Job("x:", "x", data=b"loop"))
    waiting = [pool.submit(Job("x:", "x", data=b"sleep 0")) for _ in range(3)]
    assert until(running.running)
    started = time.monotonic()
    pool.close()
    assert time.monotonic() - started < 10
    for future in (running, *waiting):
        with pytest.raises(CancelledError):
            future.result(timeout=0)
    assert is_gone(number)


def test_jobs_may_be_cancelled_before_their_turn(make: Callable[..., WorkerPool]) -> None:
    pool = make()
    first = pool.submit(Job("x:", "x", data=b"sleep 0.5"))
    assert until(first.running)
    second = pool.submit(Job("x:", "x", data=b"fail"))
    assert second.cancel()
    assert process(first.result(timeout=60)) == process(read(pool, "sleep 0"))


@pytest.mark.slow
@posix
def test_processes_killed_all_the_time_cost_only_what_they_read(
    make: Callable[..., WorkerPool],
) -> None:
    pool = make(count=2)
    done = threading.Event()

    def kill() -> None:
        while not done.wait(0.1):
            for child in list(pool._children):
                child.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    asked = [Job(f"file:///{n}", "x", data=b"sleep 0.01") for n in range(20)]
    found = [future.result(timeout=60) for future in [pool.submit(job) for job in asked]]
    done.set()
    killer.join()
    for number, extraction in enumerate(found):
        (it,) = extraction.documents or extraction.problems
        assert it.uri == f"file:///{number}"
    assert process(read(pool, "sleep 0"))


def test_an_extractor_that_is_not_there_is_ours_to_mend(make: Callable[..., WorkerPool]) -> None:
    pool = make(extract="index.nothing:extract_all")
    with pytest.raises(
        PinciteError, match=r"does not start: ModuleNotFoundError: No module named 'index.nothing'"
    ):
        read(pool, "sleep 0")


def test_a_python_that_is_not_there_is_told(
    make: Callable[..., WorkerPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(PinciteError, match="does not start: No such file or directory"):
        read(make(), "sleep 0")


SCRIPT = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from index.extract.source import Limits
from index.sandbox.workers import Job, WorkerPool
pool = WorkerPool(Limits(seconds=300), 1, {DOCTORED!r})
first = pool.submit(Job("x:", "x", data=b"sleep 0")).result()
try:
    future = pool.submit(Job("x:", "x", data=sys.argv[1].encode()))
    print(first.documents[0].text, flush=True)
    while not future.done():
        time.sleep(0.05)
except KeyboardInterrupt:
    pool.close()
    print("interrupted", flush=True)
"""


def program(deed: str) -> tuple["subprocess.Popen[bytes]", int]:
    """A program that comes from its standard input, while it reads a file; and who reads it."""
    started = subprocess.Popen(
        [sys.executable, "-", deed],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert started.stdin is not None
    assert started.stdout is not None
    started.stdin.write(SCRIPT.encode())
    started.stdin.close()
    started.stdin = None
    told = started.stdout.readline().decode()
    return started, int(told.rpartition(" ")[2])


@posix
def test_no_process_outlives_the_program() -> None:
    started, number = program("loop")
    with started:
        started.kill()
        started.wait()
        assert until(lambda: is_gone(number))


def test_the_program_ends_without_closing_anything() -> None:
    started, number = program("sleep 0")
    with started:
        out, err = started.communicate(timeout=60)
        assert (started.returncode, out, err) == (0, b"", b"")
        assert until(lambda: is_gone(number))


@posix
def test_an_interruption_is_the_programs_alone() -> None:
    started, number = program("sleep 300")
    with started:
        os.killpg(started.pid, signal.SIGINT)
        out, err = started.communicate(timeout=60)
        assert (started.returncode, out, err) == (0, b"interrupted\n", b"")
        assert is_gone(number)
