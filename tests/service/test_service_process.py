"""What only a process of its own shows: exit codes, streams, and what is imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
QUESTION = "How many books may a reader borrow?"
HEAVY = ("faiss", "fastapi", "numpy", "onnxruntime", "rich", "sqlite3", "uvicorn")


def _run(
    code: list[str], *, index: Path | None = None, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    given = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], **environment}
    if index is not None:
        given["PINCITE_INDEX"] = str(index)
    return subprocess.run(
        [sys.executable, *code], input=stdin, capture_output=True, env=given, timeout=60
    )


def _imported(arguments: str, index: Path | None = None) -> set[str]:
    """The top-level modules that a command leaves imported."""
    script = (
        "import sys\n"
        f"sys.argv = ['pincite', *{arguments.split()!r}]\n"
        "from service.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('\\0' + ' '.join({name.partition('.')[0] for name in sys.modules}))\n"
    )
    result = _run(["-c", script], index=index)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.decode().rpartition("\0")[2].split())


def test_the_module_runs_as_a_program_and_answers(library: Path) -> None:
    result = _run(["-m", "service", "ask", QUESTION], index=library)
    assert (result.returncode, result.stderr) == (0, b"")
    assert "«12»" in result.stdout.decode()


def test_the_exit_code_tells_what_came_of_it(library: Path, tmp_path: Path) -> None:
    unsaid = ["-m", "service", "ask", "Who wrote Carmen?", "--min-confidence", "1"]
    assert _run(unsaid, index=library).returncode == 1
    assert _run(unsaid, index=tmp_path / "none").returncode == 2


@pytest.mark.parametrize("arguments", ["--version", "--help", "ask --help"])
def test_help_imports_nothing_heavy(arguments: str) -> None:
    assert not _imported(arguments) & set(HEAVY)


def test_a_list_loads_no_model(library: Path) -> None:
    assert not _imported("list", library) & {"onnxruntime", "faiss", "fastapi", "uvicorn"}


def test_a_question_imports_no_torch_and_no_web_server(library: Path) -> None:
    imported = _imported(f"ask {QUESTION}", library)
    assert "onnxruntime" in imported
    assert not imported & {
        "torch",
        "transformers",
        "sentence_transformers",
        "fastapi",
        "uvicorn",
        "prometheus_client",
        "asyncio",
        "pypdfium2",
    }


def test_output_does_not_fail_for_want_of_a_character(library: Path) -> None:
    ask = ["-m", "service", "ask", QUESTION]
    plain = _run(ask, index=library, PYTHONIOENCODING="ascii")
    assert plain.returncode == 0
    assert b"?12?" in plain.stdout
    printed = _run([*ask[:3], "Où? " + QUESTION, "--json"], index=library, PYTHONIOENCODING="ascii")
    assert json.loads(printed.stdout)["question"] == "Où? " + QUESTION


def test_questions_need_not_be_valid_utf_8(library: Path) -> None:
    result = _run(
        ["-m", "service", "ask", "-", "--json"],
        index=library,
        stdin=b"\xff\xfe " + QUESTION.encode() + b"\n",
        PYTHONIOENCODING="utf-8",
    )
    assert result.returncode in (0, 1)
    assert json.loads(result.stdout)["question"].endswith(QUESTION)


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_a_reader_that_has_seen_enough_is_no_error(library: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "list"],
        stdout=write,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "PINCITE_INDEX": str(library)},
    )
    os.close(write)
    _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (0, b"")
