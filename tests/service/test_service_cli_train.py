"""`pincite train reader`: from labelled questions to a reader that `ask` can use."""

import json
import signal
from pathlib import Path

import pytest
from service_fakes import Run

from qa.reader import OnnxReader
from tests.qa.training.training_made import bells, labelled, tiny_base, write_squad

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_squad(tmp_path / "bells.json", bells(64))


def test_a_dry_run_says_what_would_be_trained_on(run: Run, data: Path, tmp_path: Path) -> None:
    command = ["train", "reader", "--data", f"{data}=0.5", "--base", "none", "--dry-run"]
    result = run(*command, "--out", str(tmp_path / "out"), "--steps", "3")
    assert (result.exit_code, result.stderr) == (0, "")
    shown = result.stdout.splitlines()
    assert shown[0] == "1 set, 32 questions a pass, 3.00 passes"
    assert shown[2].split() == ["bells.json", "63", "16", "1", "0", "0.5"]
    assert shown[-1] == "Nothing was trained: a dry run."
    assert not (tmp_path / "out").exists()
    body = json.loads(run(*command, "--out", str(tmp_path / "out"), "--json").stdout)
    assert body["sets"][0]["questions"] == 63
    assert body["recipe"]["steps"] == 2
    assert body["folder"] is None


def test_errors_in_the_data_are_listed_by_file_and_question(
    run: Run, data: Path, tmp_path: Path
) -> None:
    content = json.loads(data.read_text())
    content["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] = 0
    data.write_text(json.dumps(content))
    command = ("--data", str(data), "--base", "none", "--out", str(tmp_path / "out"))
    result = run("train", "reader", *command, "--dry-run")
    assert result.exit_code == 0
    assert f"{data}: article 1, paragraph 1, question 1: has the answer '1600' at 0" in (
        result.stderr
    )
    data.write_text('{"data": 7}')
    result = run("train", "reader", *command, "--dry-run")
    assert result.exit_code == 2
    assert f"{data}: is in a form that is not known" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--steps", "3", "--passes", "1"), "--steps and --passes say the same"),
        (("--passes", "-1"), "--passes: is -1"),
        (("--steps", "0"), "steps of 0 cannot work"),
        (("--rate", "7"), "rate of 7.0 cannot work"),
        (("--measure", "0"), "--measure: is 0"),
    ],
)
def test_numbers_that_cannot_work_are_refused(
    run: Run, data: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    command = ("--data", str(data), "--base", "none", "--out", str(tmp_path / "out"))
    result = run("train", "reader", *command, *options, "--dry-run")
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_base_that_is_not_there_is_refused(run: Run, data: Path, tmp_path: Path) -> None:
    command = ("--data", str(data), "--base", str(tmp_path / "none"), "--mining", "none")
    result = run("train", "reader", *command, "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "no such reader" in result.stderr


def test_a_reader_is_trained_quantized_measured_and_described(
    run: Run, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bell-reader"
    base = tiny_base(tmp_path / "base")
    command = (
        *("train", "reader", "--data", str(data), "--base", str(base), "--out", str(out)),
        *("--steps", "60", "--batch", "8", "--rate", "5e-3", "--warmup", "5", "--window", "64"),
        *("--mining", "lexical", "--licence", "MIT", "--json"),
    )
    result = run(*command)
    assert result.exit_code == 0, result.stderr
    body = json.loads(result.stdout)
    assert body["steps_done"] == 60
    assert body["folder"] == str(out / "int8")
    (measured,) = body["measured"]
    assert (measured["name"], measured["questions"]) == ("bells.json", 1)
    reader = OnnxReader(out / "int8")
    assert reader.name == "bell-reader"
    context = bells(1)[0].context
    (reading,) = reader.read("when was the bell of Bern cast", [context])
    best = reading.spans[0]
    assert context[best.start : best.end] == "1600"
    described = (out / "int8" / "README.md").read_text(encoding="utf-8")
    assert described.startswith("# bell-reader\n")
    assert "| bells.json | 63 | 16 | 1 |" in described
    assert "**Licence**: MIT" in described
    assert (out / "texts-lexical").is_dir()
    assert "step 60: loss " in result.stderr


def test_interrupted_it_goes_on_the_next_time(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qa.training import trainer

    made = trainer.Trainer._step

    def step(self: trainer.Trainer, number: int, examples: object) -> float:
        if number == 2:
            signal.raise_signal(signal.SIGINT)
        return made(self, number, examples)  # type: ignore[arg-type]

    out = tmp_path / "out"
    base = tiny_base(tmp_path / "base")
    command = (
        *("train", "reader", "--data", str(data), "--base", str(base), "--out", str(out)),
        *("--steps", "5", "--batch", "4", "--window", "64", "--mining", "none"),
    )
    monkeypatch.setattr(trainer.Trainer, "_step", step)
    result = run(*command)
    assert result.exit_code == 130
    assert "interrupted after 3 of 5 steps, which are kept" in result.stderr
    monkeypatch.setattr(trainer.Trainer, "_step", made)
    result = run(*command)
    assert result.exit_code == 0, result.stderr
    assert f"The reader is in {out / 'int8'}" in result.stdout


def test_a_small_set_may_have_nothing_kept_apart(run: Run, tmp_path: Path) -> None:
    questions = [labelled("the bell rings", "what rings", "the bell", title="bell 1")]
    path = write_squad(tmp_path / "one.json", questions)
    command = ("--data", str(path), "--base", "none", "--out", str(tmp_path / "out"))
    result = run("train", "reader", *command, "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[2].split()[:4] == ["one.json", "1", "0", "0"]


def test_questions_about_the_documents_of_an_index_are_trained_on(
    run: Run, library: Path, documents: Path, tmp_path: Path
) -> None:
    text = (documents / "library.md").read_text(encoding="utf-8")
    assert "12 books" in text
    lines = [
        {"question": "How many books?", "answers": [{"text": "12", "document": "library.md"}]},
        {"question": "Who wrote Carmen?", "answers": []},
        {"question": "How long?", "answers": ["25"]},
    ]
    path = tmp_path / "ours.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    command = ("--questions", f"{path}=2", "--documents", str(documents), "--base", "none")
    result = run(
        *("train", "reader", *command, "--out", str(tmp_path / "out"), "--dry-run", "--json"),
        index=library,
    )
    assert result.exit_code == 0, result.stderr
    assert f"{path}:3: has an answer whose place is not known" in result.stderr
    (found,) = json.loads(result.stdout)["sets"]
    assert (found["questions"], found["without_answer"], found["faults"]) == (2, 1, 1)
    assert found["weight"] == 2


def test_nothing_to_train_on_is_said(run: Run, tmp_path: Path) -> None:
    result = run("train", "reader", "--base", "none", "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "there is nothing to train on; name files with --data" in result.stderr
