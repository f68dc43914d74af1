"""The whole command over a small folder of data, with models made for it and with the real ones."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from index.onnx_model import MANIFEST
from qa.reader import Reader, Reading
from service import bootstrap
from service.settings import Settings
from tests.evaluation.evaluate import main
from tests.evaluation.made import make_data
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.word_reader import WordReader
from tests.paths import READER


@dataclass
class Desk:
    """What the readers of a run were asked; after `most` texts, someone interrupts."""

    texts: list[str] = field(default_factory=list)
    most: int | None = None


class CountingReader(WordReader):
    """Tells the desk of each text that it reads."""

    def __init__(self, desk: Desk, name: str) -> None:
        self.name = name
        self._desk = desk

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        for text in texts:
            if self._desk.most is not None and len(self._desk.texts) >= self._desk.most:
                raise KeyboardInterrupt
            self._desk.texts.append(text)
        return super().read(question, texts, begins)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()

    def reader(settings: Settings) -> Reader:
        return CountingReader(desk, settings.reader or "bundled")

    monkeypatch.setattr(bootstrap, "open_embedder", lambda name, settings: HashEmbedder())
    monkeypatch.setattr(bootstrap, "open_reader", reader)
    monkeypatch.setattr("service.evaluation.reader.open_reader", reader)
    return desk


@pytest.fixture
def seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sample documents of one file, with questions that it answers and one that it does not."""
    folder = tmp_path / "samples"
    folder.mkdir()
    text = "The lease of the old mill costs 400 pounds. The mill has three floors."
    (folder / "lease.txt").write_text(text)
    start = text.index("400")
    place = {"document": "lease.txt", "start": start, "end": start + 3}
    known = {"question": "What costs the lease of the old mill?", "answer": "400", **place}
    unknown = {"question": "Who is the landlord?", "answer": None}
    (folder / "questions.jsonl").write_text(f"{json.dumps(known)}\n{json.dumps(unknown)}\n")
    (folder / "near-misses.jsonl").write_text(json.dumps({**unknown, "id": "x"}) + "\n")
    monkeypatch.setattr("tests.evaluation.evaluate.SEEDS", folder)
    return folder


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    """A reader of ours with other weights, as far as its manifest tells."""
    folder = tmp_path / "old-reader"
    folder.mkdir()
    manifest = json.loads((READER / MANIFEST).read_text())
    manifest["files"]["model.onnx"] = "0" * 64
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


def command(tmp_path: Path, *more: str) -> list[str]:
    data = tmp_path / "data"
    if not data.exists():
        make_data(data)
    return [
        *("--data", str(data), "--results", str(tmp_path / "results")),
        *("--write", str(tmp_path / "E.md"), *more),
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("seeds")
def test_everything_is_measured_once(
    desk: Desk, baseline: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = command(tmp_path, "--against", str(baseline))
    assert main(arguments) == 0
    read = len(desk.texts)
    assert read > 20
    page = (tmp_path / "E.md").read_text(encoding="utf-8")
    for step in (
        *("reader/qed-dev/reader-v0", "reader/other-dev/reader-v0", "reader/qed-dev/old-reader"),
        *("reader/squad1-held-out/reader-v0", "reader/squad2-held-out/reader-v0"),
        *("pool/qed-dev", "pool/squad1-held-out", "pool/squad2-held-out-unanswerable"),
        *("retrieval/small", "samples/questions", "samples/near-misses"),
    ):
        assert f"| {step} |" in page
    # Each question's paragraph names the town, and no other does.
    assert "| qed-dev asked of all paragraphs: recall@1, ranked anew against fused |" in page
    assert "8 paragraphs, a document each: 8 passages." in page
    assert re.search(r"\| reader \| reader-v0, SHA-256 [0-9a-f]{64} \|", page)
    assert "a sample of" not in page
    # What is written down names no place of this machine.
    assert str(tmp_path) not in page
    # A page for each of 14 steps, and one more for each search of all paragraphs.
    assert len(list((tmp_path / "results").glob("*.html"))) == 16
    capsys.readouterr()

    assert main(arguments) == 0
    assert len(desk.texts) == read
    assert capsys.readouterr().out.count(": kept from ") == 14
    assert (tmp_path / "E.md").read_text(encoding="utf-8") == page


@pytest.mark.slow
@pytest.mark.usefixtures("seeds")
def test_an_interrupted_run_goes_on_where_it_was(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = command(tmp_path)
    assert main(arguments) == 0
    whole = sorted(desk.texts)
    page = (tmp_path / "E.md").read_text(encoding="utf-8")
    (tmp_path / "E.md").unlink()
    (tmp_path / "results").rename(tmp_path / "other")
    desk.texts.clear()
    for most in range(3, len(whole), 9):
        desk.most = most
        assert main(arguments) == 130
        assert "interrupted while " in capsys.readouterr().err
        assert not (tmp_path / "E.md").exists()
    desk.most = None
    assert main(arguments) == 0
    figures = [
        [line for line in told.splitlines() if "aimed" in line or "reached" in line]
        for told in (page, (tmp_path / "E.md").read_text(encoding="utf-8"))
    ]
    assert figures[0] == figures[1]


@pytest.mark.slow
@pytest.mark.usefixtures("desk", "seeds")
def test_one_part_is_measured_and_others_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(tmp_path, "--only", "retrieval")) == 0
    page = (tmp_path / "E.md").read_text(encoding="utf-8")
    assert "| retrieval/small |" in page
    assert "reader/qed-dev" not in page
    assert main(command(tmp_path, "--only", "samples")) == 0
    page = (tmp_path / "E.md").read_text(encoding="utf-8")
    assert "| retrieval/small |" in page
    assert "| samples/questions |" in page


@pytest.mark.slow
@pytest.mark.usefixtures("desk", "seeds")
def test_a_missed_bar_fails_only_where_that_is_wanted(tmp_path: Path) -> None:
    # So few questions leave the reader nothing to put first.
    arguments = command(tmp_path, "--only", "pool", "--limit", "1")
    assert main(arguments) == 0
    page = (tmp_path / "E.md").read_text(encoding="utf-8")
    assert "**A sample:** at most 1 questions" in page
    assert "a sample of 1 of 2" in page
    assert "**missed**" in page
    assert main([*arguments, "--strict"]) == 1
    assert main([*command(tmp_path, "--only", "retrieval"), "--strict"]) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("desk", "seeds")
def test_a_set_of_ones_own_is_measured_too(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    answers = {"text": ["Ulm"], "answer_start": [7]}
    item = {"id": "1", "context": "We saw Ulm.", "question": "What was it we saw?"}
    path.write_text(json.dumps({**item, "answers": answers}) + "\n")
    assert main(command(tmp_path, "--only", "reader", "--reader-file", str(path))) == 0
    page = (tmp_path / "E.md").read_text(encoding="utf-8")
    assert "| own | reader-v0 | 100.0 | 100.0 |" in page


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--reader", "no-such-reader"), "is neither a reader of ours nor a folder with weights"),
        (("--reader-file", "none.json"), "none.json: no such file"),
    ],
)
@pytest.mark.usefixtures("desk", "seeds")
def test_mistakes_are_told_in_a_line(
    more: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(tmp_path, *more)) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.usefixtures("seeds")
def test_the_real_models_find_what_is_plain(tmp_path: Path) -> None:
    assert main(command(tmp_path, "--limit", "1")) == 0
    results = {
        found["name"]: found
        for path in (tmp_path / "results").glob("*.json")
        for found in [json.loads(path.read_text(encoding="utf-8"))]
    }
    assert results["reader/qed-dev/reader-v0"]["figures"]["always"]["f1"] == 1
    pooled = results["pool/squad1-held-out"]
    assert pooled["rankings"]["fused"]["recall_at_1"] == 1
    assert (pooled["figures"]["best_f1"], pooled["documents"]) == (1, 8)
    assert pooled["asked"][0]["span_probability"] > 0.5
