"""`calibrate`: what it keeps, where, and what it refuses."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from service_fakes import NumberReader, WordEmbedder
from typer.testing import CliRunner

from index.onnx_model import MANIFEST
from qa.calibration import understood
from service import bootstrap
from service.cli import app
from tests.paths import READER

pytestmark = pytest.mark.slow

RUNNER = CliRunner()


def room(number: int) -> str:
    """A name without a digit, for those are what the reader takes for answers."""
    return f"Room{chr(97 + number // 10)}{chr(97 + number % 10)}"


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    for number in range(40):
        (folder / f"room{number}.txt").write_text(
            f"What is called {room(number)} holds {100 + number} chairs.\n"
        )
    return folder


@pytest.fixture
def questions(tmp_path: Path, documents: Path) -> Path:
    """Twenty that the documents answer, and twenty about what is not in them."""
    rows = [
        {
            "question": f"How many chairs are in {room(number)}?",
            "answers": [{"text": str(100 + number), "document": f"room{number}.txt"}],
        }
        for number in range(0, 40, 2)
    ]
    rows += [
        {"question": f"How many lamps are in Hall{room(number)}?", "answers": []}
        for number in range(20)
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def index(tmp_path: Path, documents: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bootstrap, "open_embedder", lambda *_: WordEmbedder())
    monkeypatch.setattr(bootstrap, "open_reader", lambda *_: NumberReader())
    folder = tmp_path / "index"
    assert run("index", str(documents), "--index", str(folder)).exit_code == 0
    return folder


def run(*arguments: str) -> Result:
    return RUNNER.invoke(app, list(arguments))


def calibrate(index: Path, documents: Path, questions: Path, *more: str) -> Result:
    return run(
        "calibrate",
        str(questions),
        *("--documents", str(documents), "--index", str(index), *more),
    )


def status(index: Path) -> Any:
    return json.loads(run("status", "--index", str(index), "--json").stdout)["calibration"]


def asked(index: Path, question: str) -> Any:
    return json.loads(
        run("ask", question, "--index", str(index), "--json", "--min-confidence", "0").stdout
    )["answers"]


def test_the_index_remembers_what_was_fitted_and_answers_by_it(
    index: Path, documents: Path, questions: Path
) -> None:
    assert status(index) is None
    sure, unsure = "How many chairs are in Roomae?", "How many lamps are in Hallad?"
    before = asked(index, unsure)[0]["confidence"]

    result = calibrate(index, documents, questions, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["kept"]
    assert (report["questions"], report["answerable"]) == (40, 20)
    assert report["after"]["log_loss"] < report["before"]["log_loss"]
    assert report["calibration"]["slope"] >= 0

    kept = status(index)
    assert (kept["questions"], kept["reader"]) == (40, "numbers")
    assert (
        "its own, fitted to 40 questions with numbers"
        in run("status", "--index", str(index)).stdout
    )
    after = asked(index, unsure)[0]["confidence"]
    assert after != before
    assert asked(index, sure)[0]["confidence"] > after

    assert "Forgotten" in run("calibrate", "--reset", "--index", str(index)).stdout
    assert status(index) is None
    assert asked(index, unsure)[0]["confidence"] == before
    assert "no calibration of its own" in run("calibrate", "--reset", "--index", str(index)).stdout


def test_a_dry_run_shows_the_figures_and_keeps_nothing(
    index: Path, documents: Path, questions: Path
) -> None:
    result = calibrate(index, documents, questions, "--dry-run")
    assert result.exit_code == 0
    for words in ("40 questions, 20 with an answer", "log loss", "coverage at a precision of 0.8"):
        assert words in result.stdout
    assert "not kept, since this is a dry run" in result.stdout
    assert status(index) is None


def test_readings_that_were_kept_are_gone_on_with(
    index: Path, documents: Path, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "readings"
    first = calibrate(index, documents, questions, "--dry-run", "--json", "--readings", str(kept))

    def read(*_: object) -> None:
        raise AssertionError("it is read again")

    monkeypatch.setattr(NumberReader, "read", read)
    again = calibrate(index, documents, questions, "--dry-run", "--json", "--readings", str(kept))
    assert json.loads(again.stdout) == json.loads(first.stdout)


def test_with_another_reader_it_is_not_used_and_that_is_said(
    index: Path,
    documents: Path,
    questions: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    question = "How many lamps are in Hallad?"
    before = asked(index, question)[0]["confidence"]
    assert calibrate(index, documents, questions).exit_code == 0
    other = NumberReader()
    other.name, other.checksum = "another", "5" * 64
    monkeypatch.setattr(bootstrap, "open_reader", lambda *_: other)
    assert asked(index, question)[0]["confidence"] == before
    assert any("is not used" in message for message in caplog.messages)
    assert "not another" in run("doctor", "--index", str(index)).stdout


def test_too_few_questions_are_refused_with_how_many_are_needed(
    index: Path, documents: Path, questions: Path
) -> None:
    result = calibrate(index, documents, questions, "--limit", "12")
    assert result.exit_code == 2
    assert "12 questions that can be used" in result.output
    assert "at least 30 are needed" in result.output
    assert status(index) is None


def test_a_fit_that_is_no_better_is_not_kept(
    index: Path, documents: Path, questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = json.loads(calibrate(index, documents, questions, "--dry-run", "--json").stdout)
    # What comes with the reader is already what these questions tell, and more certain of it.
    sharp = understood({**report["calibration"], "slope": 3 * report["calibration"]["slope"]})
    monkeypatch.setattr(NumberReader, "calibration", sharp)
    found = json.loads(calibrate(index, documents, questions, "--json").stdout)
    assert found["kept"] == (found["after"]["log_loss"] < found["before"]["log_loss"])
    assert (status(index) is not None) == found["kept"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["calibrate"], "QUESTIONS: is missing"),
        (["calibrate", "q.jsonl", "--reset"], "--reset: goes with --index only"),
        (["calibrate", "q.jsonl", "--passages", "0"], "--passages: is 0"),
        (["calibrate", "q.jsonl", "--limit", "0"], "--limit: is 0"),
        (["calibrate", "q.jsonl", "--into-reader", "--dry-run"], "--dry-run: does not go"),
        (["calibrate", "nowhere.jsonl"], "nowhere.jsonl: no such file"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_reader_without_a_folder_of_ours_is_not_written_into(
    index: Path, documents: Path, questions: Path
) -> None:
    result = calibrate(index, documents, questions, "--into-reader", "--reader", "some/hub-model")
    assert result.exit_code == 2
    assert "has no folder" in result.output


def test_a_fit_is_written_into_the_folder_of_the_reader(
    documents: Path, questions: Path, tmp_path: Path, index: Path
) -> None:
    # Its weights are not looked at here: what reads is the fake.
    reader = tmp_path / "reader"
    reader.mkdir()
    shutil.copy(READER / MANIFEST, reader / MANIFEST)
    result = calibrate(index, documents, questions, "--into-reader", "--reader", str(reader))
    assert result.exit_code == 0, result.output
    before = json.loads((READER / MANIFEST).read_text())
    after = json.loads((reader / MANIFEST).read_text())
    made = understood(after["settings"].pop("calibration"))
    assert made.operating_points
    assert made.slope > 0
    before["settings"].pop("calibration")
    assert after == before
    assert [path.name for path in reader.iterdir()] == [MANIFEST]
    assert status(index) is None
