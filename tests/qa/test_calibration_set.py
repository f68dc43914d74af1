"""The documents and questions that a reader's calibration is fitted to."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from index.extract import extract
from qa.evaluation.questions import load_questions
from qa.training.split import held_out
from tests.tools.make_calibration_set import Article, load, write

TITLES = [title for title in (f"Article {n}" for n in range(400)) if held_out(title)][:4]
OTHERS = [title for title in (f"Article {n}" for n in range(20)) if not held_out(title)]


def squad(titles: list[str]) -> dict[str, Any]:
    """Articles of three paragraphs, each with a question that has an answer and one without."""
    return {
        "data": [
            {
                "title": title,
                "paragraphs": [
                    {
                        "context": f" {title} & part {part} <is> about bells. It is n°{part}.",
                        "qas": [
                            {
                                "id": f"{title}-{part}",
                                "question": "About what?",
                                "answers": [
                                    {
                                        "text": "bells",
                                        "answer_start": len(f" {title} & part {part} <is> about "),
                                    }
                                ],
                            },
                            {"id": f"{title}-{part}-no", "question": "Who?", "answers": []},
                        ],
                    }
                    for part in range(3)
                ],
            }
            for title in titles
        ]
    }


@pytest.fixture
def articles(tmp_path: Path) -> list[Article]:
    first, second = tmp_path / "one.json", tmp_path / "two.json.gz"
    first.write_text(json.dumps(squad([*TITLES, *OTHERS[:5]])))
    second.write_bytes(gzip.compress(json.dumps(squad(OTHERS)).encode()))
    return load([first, second])


def test_every_answer_stands_where_it_is_labelled(articles: list[Article], tmp_path: Path) -> None:
    write(articles, tmp_path / "out", taken_away=0.3, others=3, seed=1)
    questions, faults = load_questions(tmp_path / "out" / "questions.jsonl")
    assert not faults
    labelled = [gold for question in questions for gold in question.golds]
    assert len(labelled) > 3
    for gold in labelled:
        assert gold.document is not None
        path = tmp_path / "out" / "documents" / gold.document
        text = extract(path.read_bytes(), uri=path.as_uri(), name=path.name).text
        assert text[gold.start : gold.end] == gold.text == "bells"
    assert {Path(gold.document or "").suffix for gold in labelled} == {".html", ".txt"}


def test_only_what_training_leaves_out_is_asked_about(
    articles: list[Article], tmp_path: Path
) -> None:
    write(articles, tmp_path / "out", taken_away=0.0, others=3, seed=1)
    questions, _ = load_questions(tmp_path / "out" / "questions.jsonl")
    assert {question.group for question in questions} == set(TITLES)
    assert len(questions) == 6 * len(TITLES)
    assert sum(bool(question.golds) for question in questions) == 3 * len(TITLES)


def test_what_is_asked_of_paragraphs_that_were_taken_away_has_no_answer(
    articles: list[Article], tmp_path: Path
) -> None:
    write(articles, tmp_path / "out", taken_away=1.0, others=3, seed=1)
    questions, _ = load_questions(tmp_path / "out" / "questions.jsonl")
    assert len(questions) == 6 * len(TITLES)
    assert not any(question.golds for question in questions)


def test_the_same_seed_gives_the_same_bytes(articles: list[Article], tmp_path: Path) -> None:
    def made(name: str, seed: int) -> dict[str, bytes]:
        out = tmp_path / name
        write(articles, out, taken_away=0.5, others=3, seed=seed)
        return {
            path.relative_to(out).as_posix(): path.read_bytes()
            for path in out.rglob("*")
            if path.is_file()
        }

    assert made("a", 1) == made("b", 1)
    assert made("c", 1) != made("d", 2)
