"""What `make bench` reckons, keeps and shows; and, slowly, that its steps run."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.documents import Document, Passage, document_id
from index.embedding import ModelIdentity
from index.local_store import LocalStore
from index.passages import Splitter
from index.store import Entry, IndexSettings, Intake, Origin
from tests.benchmarks import corpus, table
from tests.benchmarks.contestant import Contestant
from tests.benchmarks.exported import export
from tests.benchmarks.figures import (
    WHOLE_SEARCH,
    Bar,
    Figure,
    at_p95,
    figure,
    late,
    merged,
    regressions,
    spread,
)
from tests.benchmarks.ground import labelled
from tests.benchmarks.machine import machine
from tests.benchmarks.peak import weights
from tests.benchmarks.single import nearest_scores
from tests.benchmarks.table import markdown
from tests.benchmarks.turns import take_turns
from tests.paths import EMBEDDER, READER, ROOT, SEEDS

seconds = st.floats(0.001, 1000.0)


def a_figure(name: str = "one question, warm", ratio: float = 2.0) -> Figure:
    return figure(name, [1.0], [ratio], unit="ms", against="base", date="2026-11-24", size=1000)


def test_a_figure_is_the_median_of_the_values_and_of_the_ratios_of_pairs() -> None:
    found = figure("x", [1.0, 2.0, 4.0], [4.0, 4.0, 4.0], unit="s", against="b", date="d")
    assert (found.value, found.baseline, found.ratio) == (2.0, 4.0, 2.0)
    assert found.spread == 1.5
    assert found.samples == 3


def test_above_one_is_better_whichever_way_the_unit_runs() -> None:
    more = figure("x", [30.0], [10.0], unit="1/s", against="b", date="d", better="more")
    assert more.ratio == 3.0
    assert replace(more, better="less").key == more.key


def test_values_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="not the same number of values: 1, 2"):
        figure("x", [1.0], [1.0, 2.0], unit="s", against="b", date="d")
    with pytest.raises(ValueError, match="not the same number of values: 0, 0"):
        figure("x", [], [], unit="s", against="b", date="d")


@given(st.lists(st.tuples(seconds, seconds), min_size=1, max_size=30), seconds)
def test_a_machine_that_is_slower_all_along_gives_the_same_ratio(
    pairs: list[tuple[float, float]], slower: float
) -> None:
    ours, theirs = [own for own, _ in pairs], [base for _, base in pairs]
    quick = figure("x", ours, theirs, unit="s", against="b", date="d")
    slow = figure(
        "x",
        [own * slower for own in ours],
        [base * slower for base in theirs],
        unit="s",
        against="b",
        date="d",
    )
    assert slow.ratio == pytest.approx(quick.ratio)


@given(st.lists(seconds, min_size=2, max_size=50))
def test_quartiles_and_the_95th_percentile_lie_within_the_values(values: list[float]) -> None:
    low, high = min(values), max(values)
    assert -1e-9 <= spread(values) <= high - low + 1e-9
    assert low - 1e-9 <= late(values) <= high + 1e-9
    assert late(values) == pytest.approx(float(np.percentile(values, 95)))


def test_late_values_are_compared_with_late_values() -> None:
    ours, theirs = [1.0] * 90 + [10.0] * 10, [5.0] * 100
    found = at_p95(a_figure(), ours, theirs)
    assert (found.name, found.value, found.ratio) == ("one question, warm, p95", 10.0, 0.5)


def test_a_figure_measured_anew_takes_the_place_of_the_old_one_and_others_stay() -> None:
    old = [a_figure("a", 1.0), a_figure("b", 1.0)]
    new = [a_figure("b", 3.0), a_figure("c", 4.0)]
    found = merged(old, new)
    assert [(one.name, one.ratio) for one in found] == [("a", 1.0), ("b", 3.0), ("c", 4.0)]


@pytest.mark.parametrize(("ratio", "worse"), [(2.4, False), (1.71, False), (1.69, True)])
def test_a_ratio_that_falls_by_more_than_15_percent_is_reported(ratio: float, worse: bool) -> None:
    lines = regressions([a_figure(ratio=2.0)], [a_figure(ratio=ratio)])
    assert bool(lines) is worse
    if worse:
        assert lines == ["one question, warm (1,000 passages) against base: 1.69 times, was 2.00"]


def test_a_part_of_a_search_is_no_regression() -> None:
    parts = [replace(a_figure(ratio=ratio), against=WHOLE_SEARCH) for ratio in (9.0, 2.0)]
    assert regressions(parts[:1], parts[1:]) == []


def test_a_figure_without_a_record_is_no_regression() -> None:
    assert regressions([], [a_figure(ratio=0.1)]) == []


@pytest.mark.parametrize(
    ("bar", "met"),
    [
        (Bar("one question, warm", 1000, "base", "ratio", 2.0, ""), True),
        (Bar("one question, warm", 1000, "base", "ratio", 2.1, ""), False),
        (Bar("one question, warm", 1000, "", "value", 1.0, ""), True),
        (Bar("one question, warm", 1000, "", "value", 0.9, ""), False),
    ],
)
def test_a_bar_is_met_or_missed(bar: Bar, met: bool) -> None:
    found = bar.of([a_figure("other"), a_figure()])
    assert found is not None
    assert bar.is_met(found) is met


def test_a_bar_that_was_not_measured_is_said_so() -> None:
    page = markdown([], machine())
    assert page.count("not measured") == len(table.BARS)


def test_the_page_shows_figures_bars_and_the_machine() -> None:
    found = figure(
        "one question, warm",
        [100.0],
        [500.0],
        unit="ms",
        against="sentence-transformers + transformers, fp32",
        date="2026-11-24",
        size=100_000,
    )
    page = markdown([found], machine())
    assert "| one question, warm (100,000 passages) | at most 120 ms | 100 ms | met |" in page
    assert "| 4 times | 5.00 times | met |" in page
    assert "| one question, warm (100,000 passages) | 100 ms | 0 |" in page
    assert f"Python {sys.version.split()[0]}" in page


def test_turns_alternate_and_go_backwards_every_second_time() -> None:
    order: list[str] = []

    def named(name: str) -> float:
        order.append(name)
        return float(len(order))

    found = take_turns(2, {"a": lambda _: named("a"), "b": lambda _: named("b")})
    assert order == ["a", "b", "b", "a"]
    assert found == {"a": [1.0, 4.0], "b": [2.0, 3.0]}


def test_a_contestant_answers_and_its_end_is_told(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "from tests.benchmarks.contestant import serve\n"
        "def double(number):\n"
        "    print('a library prints this')\n"
        "    return {'number': 2 * number}\n"
        "serve({'opening': 0.5}, {'double': double, 'end': lambda: exit(7)})\n"
    )
    with Contestant(sys.executable, str(script), []) as one:
        assert one.opened == {"opening": 0.5}
        assert one.tell("double", number=21) == {"number": 42}
        assert one.tell("memory")["peak"] > 1
        with pytest.raises(RuntimeError, match="ended with exit code 7"):
            one.tell("end")


def test_the_sample_questions_are_in_the_same_order_each_time() -> None:
    assert labelled() == labelled()
    assert {bool(one.answer) for one in labelled()} == {True, False}


# The corpus


def test_a_page_gives_its_longer_paragraphs_and_no_scripts_or_labels() -> None:
    long = "This paragraph is long enough to be a text that somebody wrote &amp; meant."
    page = f"<nav><p>{long}</p></nav><script>{long}</script><p>short<p>{long}\n<b>Twice.</b></p>"
    assert list(corpus.paragraphs(page)) == [long.replace("&amp;", "&") + " Twice."]


def test_a_file_is_read_with_its_title_and_each_text_once(tmp_path: Path) -> None:
    text = "<p>" + "A sentence of no great importance stands here, and it is repeated. " * 8
    page = tmp_path / "page.html"
    page.write_text(f"<head><title>On  this</title></head>{text}{text}")
    found = corpus.document(page, "text:page.html")
    assert found is not None
    assert (found.title, found.uri) == ("On this", "text:page.html")
    assert found.text.count("A sentence of no great importance") == 8
    page.write_text("<p>Too short.</p>")
    assert corpus.document(page, "text:page.html") is None


def test_files_are_in_the_same_order_each_time_but_not_in_that_of_names(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number:02}.txt").touch()
    (tmp_path / "picture.png").touch()
    names = [path.name for path in corpus.files(tmp_path)]
    assert names == [path.name for path in corpus.files(tmp_path)]
    assert len(names) == 40
    assert names != sorted(names)


def test_guessed_vectors_are_near_the_true_ones_of_texts_with_known_words() -> None:
    rng = np.random.default_rng(5)
    meaning = rng.normal(size=(50, 16)).astype(np.float32)
    drawn = [rng.integers(0, 50, 12) for _ in range(600)]
    texts = [" ".join(f"word{number}" for number in numbers) for numbers in drawn]
    true = np.stack([meaning[numbers].mean(axis=0) for numbers in drawn])
    true /= np.linalg.norm(true, axis=1, keepdims=True)
    guess = corpus.Guess.fit(texts, true)
    assert guess.likeness > 0.9
    found = guess.vectors(texts, np.random.default_rng(1))
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, rtol=1e-5)
    own = np.sum(found * true, axis=1).mean()
    another = np.sum(found * np.roll(true, 1, axis=0), axis=1).mean()
    assert own > 0.8 > another
    np.testing.assert_array_equal(found, guess.vectors(texts, np.random.default_rng(1)))


def a_store(folder: Path, count: int) -> LocalStore:
    identity = ModelIdentity("made", "1", 8, "c" * 64)
    store = LocalStore.create(folder, IndexSettings(identity, Splitter()))
    rows = np.random.default_rng(3).normal(size=(count, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for number, row in enumerate(rows):
        uri = f"made:{number}"
        text = f"Text number {number}."
        made = Document(document_id(uri), uri, "Title", "text/plain", text, str(number))
        passage = Passage(made.id, 0, len(text), text, "Title")
        store.put([Intake(Origin(uri, str(number), "r"), [Entry(made, [passage], row[None])])])
    return store


def test_an_index_is_exported_with_each_text_beside_its_vector(tmp_path: Path) -> None:
    store = a_store(tmp_path / "index", 7)
    found = export(store, tmp_path / "out")
    texts, vectors = found.texts(), found.vectors()
    assert sorted(texts) == sorted(f"Title\nText number {number}." for number in range(7))
    for text, vector in zip(texts, vectors, strict=True):
        (nearest,) = store.candidates("", vector, 1)
        assert text == f"Title\n{nearest.passage.text}"
    before = found.vectors_file.stat().st_mtime_ns
    export(store, tmp_path / "out")
    assert found.vectors_file.stat().st_mtime_ns == before
    store.remove([store.documents()[0].id])
    assert len(export(store, tmp_path / "out").texts()) == 6
    store.close()


def test_exact_neighbours_are_those_of_all_vectors(tmp_path: Path) -> None:
    store = a_store(tmp_path / "index", 30)
    found = export(store, tmp_path / "out")
    store.close()
    queries = found.vectors()[:4]
    best = nearest_scores(found, queries, 5)
    expected = np.sort(queries @ found.vectors().T, axis=1)[:, ::-1][:, :5]
    np.testing.assert_allclose(best, expected, rtol=1e-5)


@pytest.mark.slow
def test_the_multiply_adds_of_a_token_are_those_of_the_architecture() -> None:
    width, layers = 384, 6
    layer = 4 * width * width + 2 * width * (4 * width)
    assert weights(EMBEDDER / "model.onnx") == layers * layer
    assert weights(READER / "model.onnx") == layers * layer + 2 * width


@pytest.mark.slow
def test_the_steps_that_need_no_baseline_run_on_the_samples(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True, text=True
        )
        return done.stdout

    run("-m", "service", "index", "--index", str(tmp_path / "index-344"), str(SEEDS))
    told = run(
        "tests/benchmarks/bench.py",
        *("--sizes", "344", "--quick", "--check", "--steps", "questions,recall,disk,changes"),
        *("--indexes", str(tmp_path)),
    )
    assert "recall@10 of the dense side [344]: 1  (IQR 0)" in told
    assert "stage: search [344]" in told
    assert "one change, committed [344]" in told


def test_what_is_on_record_can_be_read() -> None:
    kept = ROOT / "BENCHMARKS.json"
    if not kept.is_file():
        pytest.skip("nothing was measured yet")
    rows = json.loads(kept.read_text(encoding="utf-8"))
    figures = [Figure(**row) for row in rows["figures"]]
    assert len({one.key for one in figures}) == len(figures)
    page = (ROOT / "BENCHMARKS.md").read_text(encoding="utf-8")
    assert page == markdown(figures, rows["machine"])
