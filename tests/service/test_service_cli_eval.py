"""`pincite eval`: figures, files, faults and exit codes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from service_fakes import LIBRARY, POOL, NumberReader, Run, WordEmbedder
from test_service_process import HEAVY, _imported

from index.embedding import Embedder
from qa.reader import Reader, Reading
from service import bootstrap

pytestmark = pytest.mark.slow

CONTEXT = "A reader may borrow 12 books."


@pytest.fixture(autouse=True)
def _fake_models(monkeypatch: pytest.MonkeyPatch) -> None:
    def embedder(name: str, settings: object) -> Embedder:
        return WordEmbedder()

    def reader(settings: object) -> Reader:
        return NumberReader()

    monkeypatch.setattr(bootstrap, "open_embedder", embedder)
    monkeypatch.setattr(bootstrap, "open_reader", reader)
    monkeypatch.setattr("service.evaluation.reader.open_reader", reader)


def lines(path: Path, *items: Any) -> Path:
    text = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in items)
    path.write_text(text, encoding="utf-8")
    return path


def flat(id_: str, *answers: str) -> dict[str, Any]:
    starts = [CONTEXT.index(answer) for answer in answers]
    labels = {"text": list(answers), "answer_start": starts}
    return {"id": id_, "context": CONTEXT, "question": "How many books?", "answers": labels}


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return lines(tmp_path / "set.jsonl", flat("a", "12"), flat("b", "12 books"), flat("c"))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    texts = {"books": "A reader may borrow 12 books.", "pool": "The pool is 25 metres long."}
    lines(folder / "corpus.jsonl", *({"_id": id_, "text": text} for id_, text in texts.items()))
    lines(
        folder / "queries.jsonl",
        {"_id": "1", "text": "borrow books"},
        {"_id": "2", "text": "long pool"},
    )
    lines(folder / "qrels" / "test.tsv", "1\tbooks\t1", "2\tpool\t1")
    return folder


@pytest.fixture
def library_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "library.md").write_text(LIBRARY, encoding="utf-8")
    (folder / "pool.txt").write_text(POOL, encoding="utf-8")
    return folder


@pytest.fixture
def asked(library_folder: Path) -> Path:
    start = POOL.index("25")
    place = {"document": "pool.txt", "start": start, "end": start + 2}
    return lines(
        library_folder / "asked.jsonl",
        {"question": "How long is the swimming pool?", "answers": [{"text": "25", **place}]},
        {"question": "How many books?", "answers": ["12"]},
        {"question": "Who wrote Carmen?", "answers": []},
    )


def test_the_reader_is_measured_and_squads_files_are_written(
    run: Run, questions: Path, tmp_path: Path
) -> None:
    files = {name: tmp_path / name for name in ("p.json", "n.json", "r.html")}
    result = run(
        "eval",
        "reader",
        str(questions),
        *("--predictions", str(files["p.json"]), "--na-probs", str(files["n.json"])),
        *("--report", str(files["r.html"]), "--json"),
    )
    assert (result.exit_code, result.stderr) == (0, "")
    body = json.loads(result.stdout)
    assert body["command"] == "reader"
    assert body["faults"] == []
    figures = body["figures"]
    assert (figures["questions"], figures["answerable"]) == (3, 2)
    assert figures["always"]["has_answer_exact"] == 0.5
    assert figures["always"]["has_answer_f1"] == pytest.approx((1 + 2 / 3) / 2)
    assert body["settings"]["questions"] == "all 3"
    assert len(body["settings"]["data, SHA-256"]) == 64
    assert json.loads(files["p.json"].read_text()) == {"a": "12", "b": "12", "c": "12"}
    assert set(json.loads(files["n.json"].read_text())) == {"a", "b", "c"}
    page = files["r.html"].read_text(encoding="utf-8")
    assert "The answer’s borders are missed (1)" in page
    assert body["settings"]["data, SHA-256"] in page


def test_the_figures_are_printed_in_columns(run: Run, questions: Path) -> None:
    result = run("eval", "reader", str(questions))
    assert result.exit_code == 0
    first = result.stdout.splitlines()[:3]
    assert first[0] == "Answers, in percent"
    assert first[1].split()[2:4] == ["EM", "F1"]
    assert first[2].split()[-5:] == ["33.3", "55.6", "50.0", "83.3", "0.0"]


def test_a_sample_is_drawn_the_same_way_each_time(run: Run, tmp_path: Path) -> None:
    path = lines(tmp_path / "many.jsonl", *(flat(str(number), "12") for number in range(40)))
    out = tmp_path / "p.json"

    def ids(*options: str) -> Sequence[str]:
        command = ["eval", "reader", str(path), "--limit", "5", "--predictions", str(out), *options]
        assert run(*command).exit_code == 0
        return list(json.loads(out.read_text()))

    assert len(ids()) == 5
    assert ids() == ids()
    assert ids("--seed", "1") != ids()


def test_bad_lines_are_named_and_the_rest_goes_on(run: Run, tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", flat("a", "12"), "{", {**flat("b", "12"), "context": "x"})
    result = run("eval", "reader", str(path))
    assert result.exit_code == 0
    said = result.stderr.splitlines()
    assert said[0].startswith(f"pincite: {path}:2: is not JSON")
    assert said[1:] == [f"pincite: {path}:3: has the answer '12' at 20, where '' stands"]


@pytest.mark.parametrize("content", ["", "{\n", '{"id": 3}\n'])
def test_with_nothing_left_the_exit_status_is_2(run: Run, tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(content)
    result = run("eval", "reader", str(path))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"pincite: {path}: ")


def test_what_cannot_work_is_refused_before_any_work(
    run: Run, questions: Path, corpus: Path, library_folder: Path, asked: Path
) -> None:
    before = questions.read_bytes()
    for command, said in (
        (["reader", str(questions), "--predictions", str(questions)], "is what is to be measured"),
        (["reader", str(questions), "--na-probs", "/none/x"], "its folder does not exist"),
        (["reader", str(questions), "--limit", "0"], "--limit: is 0"),
        (["retrieval", str(corpus), "--report", str(corpus)], "is a folder; name a file"),
        (["retrieval", str(corpus), "--passages", "0"], "--passages: is 0"),
        (["retrieval", str(library_folder)], "corpus.jsonl: no such file"),
        (["answers", str(asked), str(asked)], "is not a folder"),
        (["answers", str(library_folder), str(asked), "--min-confidence", "2"], "is 2.0"),
        (["answers", str(library_folder), str(asked), "--enough", "2"], "--enough: is 2.0"),
        (["answers", str(library_folder), str(library_folder / "none")], "no such file"),
    ):
        result = run("eval", *command)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr
        assert result.stderr.count("\n") == 1
    assert questions.read_bytes() == before


def test_retrieval_is_measured_in_four_orders(run: Run, corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("pytrec_eval")
    out, page = tmp_path / "p.jsonl", tmp_path / "r.html"
    result = run(
        *("eval", "retrieval", str(corpus), "--json"),
        *("--predictions", str(out), "--report", str(page)),
    )
    assert (result.exit_code, result.stderr) == (0, "")
    body = json.loads(result.stdout)
    assert list(body["figures"]["rankings"]) == ["lexical", "dense", "fused", "reranked"]
    for scores in body["figures"]["rankings"].values():
        assert (scores["ndcg_at_10"], scores["recall_at_1"]) == (1, 1)
    assert body["settings"]["measures"].startswith("pytrec-eval-terrier ")
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [one["fused"][0] for one in found] == ["books", "pool"]
    assert "Recall by rank" in page.read_text(encoding="utf-8")


def test_an_index_that_is_kept_is_gone_on_with(run: Run, corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("pytrec_eval")
    kept = tmp_path / "kept"
    first = run("eval", "retrieval", str(corpus), "--index", str(kept), "--json")
    lines(corpus / "corpus.jsonl", {"_id": "books", "text": CONTEXT}, {"_id": "x", "text": "New."})
    again = run("eval", "retrieval", str(corpus), "--index", str(kept), "--json")
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert json.loads(again.stdout)["figures"]["documents"] == 2
    assert "which is not there" in again.stderr


def test_answers_are_measured_from_end_to_end(
    run: Run, library_folder: Path, asked: Path, tmp_path: Path
) -> None:
    out, page = tmp_path / "p.jsonl", tmp_path / "r.html"
    result = run(
        *("eval", "answers", str(library_folder), str(asked), "--json"),
        *("--predictions", str(out), "--report", str(page)),
    )
    assert (result.exit_code, result.stderr) == (0, "")
    body = json.loads(result.stdout)
    figures = body["figures"]
    assert (figures["questions"], figures["answerable"], figures["given"]) == (3, 2, 2)
    assert (figures["exact"], figures["f1"], figures["right"]) == (1, 1, 1)
    assert (figures["abstention_precision"], figures["abstention_recall"]) == (1, 1)
    assert (figures["right_document"], figures["iou"], figures["in_hits"]) == (1, 1, 1)
    assert figures["lost_in"] == {"extraction": 0, "retrieval": 0, "reading": 0, "abstention": 0}
    # The labelled questions in the folder are no document.
    assert body["settings"]["indexed files"] == "2"
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["answer"] for row in rows[:2]] == ["25", "12"]
    assert [row["given"] for row in rows] == [True, True, False]
    assert rows[0]["uri"] == (library_folder / "pool.txt").as_uri()
    assert "Reliability" in page.read_text(encoding="utf-8")


def test_the_threshold_decides_what_is_given(run: Run, library_folder: Path, asked: Path) -> None:
    command = ["eval", "answers", str(library_folder), str(asked), "--json", "--min-confidence"]
    none, everything = (json.loads(run(*command, least).stdout)["figures"] for least in "10")
    assert (none["given"], none["lost_in"]["abstention"]) == (0, 2)
    assert (everything["given"], everything["lost_in"]["abstention"]) == (3, 1)


def test_it_is_told_how_much_was_read(run: Run, library_folder: Path, asked: Path) -> None:
    command = ["eval", "answers", str(library_folder), str(asked), "--json"]
    thorough, quick = (
        json.loads(run(*command, *further).stdout) for further in ([], ["--enough", "0"])
    )
    # What would be held back ends no reading.
    assert 2 <= quick["figures"]["read"] < thorough["figures"]["read"]
    assert quick["settings"]["passages read"] == "at most 10"
    assert quick["settings"]["read until the confidence is"] == "0.0"


def test_labels_that_do_not_fit_are_named_and_the_rest_goes_on(
    run: Run, library_folder: Path, tmp_path: Path
) -> None:
    (library_folder / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    path = lines(
        tmp_path / "q.jsonl",
        {
            "question": "How many?",
            "answers": [{"document": "pool.txt", "start": 0, "end": 2, "text": "x"}],
        },
        {"question": "How many?", "answers": [{"document": "none.txt", "text": "x"}]},
        {"question": "How many books?", "answers": [{"document": "library.md", "text": "12"}]},
        {"question": "How many?", "answers": [{"document": "broken.pdf", "text": "12"}]},
    )
    result = run("eval", "answers", str(library_folder), str(path), "--json")
    assert result.exit_code == 0
    said = result.stderr
    assert "broken.pdf: " in said
    assert f"{path}:1: has an answer at 0 to 2 of 'pool.txt', where 'Th' stands, not 'x'" in said
    assert f"{path}:2: names the document 'none.txt', which is not there" in said
    body = json.loads(result.stdout)
    assert len(body["faults"]) == 3
    assert body["figures"]["questions"] == 2
    assert body["figures"]["lost_in"]["extraction"] == 1


def test_an_index_of_other_documents_is_not_asked(
    run: Run, library_folder: Path, asked: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    assert (
        run("eval", "answers", str(library_folder), str(asked), "--index", str(kept)).exit_code == 0
    )
    other = tmp_path / "other"
    other.mkdir()
    (other / "pool.txt").write_text(POOL)
    result = run("eval", "answers", str(other), str(asked), "--index", str(kept))
    assert result.exit_code == 2
    assert "which is not below" in result.stderr


def test_what_was_done_is_said_when_interrupted(
    run: Run, questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(NumberReader):
        asked = 0

        def read(
            self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
        ) -> list[Reading]:
            self.asked += 1
            if self.asked == 2:
                raise KeyboardInterrupt
            return super().read(question, texts, begins)

    monkeypatch.setattr("service.evaluation.reader.open_reader", lambda _: Interrupted())
    result = run("eval", "reader", str(questions), "--json")
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == (
        "pincite: interrupted while reading, after 1 of 3; nothing was written; "
        "run the command again\n"
    )


@pytest.mark.parametrize("arguments", ["--help", "ask --help", "eval --help", "eval reader --help"])
def test_help_imports_none_of_it(arguments: str) -> None:
    assert not _imported(arguments) & {*HEAVY, "pytrec_eval"}


def test_a_question_imports_none_of_it(library: Path) -> None:
    import subprocess
    import sys

    script = (
        "import sys\nsys.argv = ['ask', 'How many books?']\nfrom service.cli import main_ask\n"
        "try:\n    main_ask()\nexcept SystemExit:\n    pass\n"
        "print([name for name in sys.modules if 'evaluation' in name])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        env={"PINCITE_INDEX": str(library), "PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=120,
        text=True,
    )
    assert result.stdout.splitlines()[-1] == "[]", result.stderr


def test_what_was_indexed_stays_when_interrupted_if_it_is_to_be_kept(
    run: Run,
    library_folder: Path,
    asked: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = tmp_path / "kept"

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("service.engine.Engine.sync", interrupt)
    result = run("eval", "answers", str(library_folder), str(asked), "--index", str(kept))
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == (
        f"pincite: interrupted while indexing; what was indexed is kept in {kept}; "
        "run the command again\n"
    )
