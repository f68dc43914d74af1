import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from service_fakes import Run
from typer.testing import CliRunner

from service.bootstrap import open_server
from service.cli import ask_app
from service.host.server import Door
from service.http.app import create_app
from service.settings import Settings

# They load the bundled models.
pytestmark = pytest.mark.slow

QUESTION = "How many books may a reader borrow?"
UNSAID = "Who wrote the opera Carmen?"


def test_an_answer_is_the_quote_in_its_sentence_with_its_place(run: Run, library: Path) -> None:
    result = run("ask", QUESTION, "--top", "1", index=library)
    assert result.exit_code == 0
    quote, where, sure = result.stdout.splitlines()
    assert quote == "1. A reader may borrow «12» books at a time."
    assert where.startswith("   ")
    assert "library.md, Library rules › Loans, characters " in where
    assert sure.startswith("   confidence ")


def test_the_words_of_a_question_may_come_without_quotation_marks(run: Run, library: Path) -> None:
    apart = run("ask", *QUESTION.split(), "--json", index=library)
    assert json.loads(apart.stdout)["question"] == QUESTION


def test_where_the_documents_do_not_say_the_nearest_passages_are_shown(
    run: Run, library: Path
) -> None:
    result = run("ask", UNSAID, "--min-confidence", "1", index=library)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("The documents do not say")
    assert lines[2] == "The nearest passages:"
    assert [line[:3] for line in lines[3::2]] == ["1. ", "2. ", "3. "]


def test_reading_ends_where_an_answer_is_sure_enough(run: Run, library: Path) -> None:
    quick = run("ask", QUESTION, "--enough", "0", "--top", "1", index=library)
    assert quick.exit_code == 0
    *_, blank, told = quick.stdout.splitlines()
    assert blank == ""
    assert told.startswith("Sure enough after 2 of ")
    assert json.loads(run("ask", QUESTION, "--enough", "0", "--json", index=library).stdout)[
        "skipped"
    ]
    never = run("ask", QUESTION, "--enough", "1", "--json", index=library)
    thorough = run("ask", QUESTION, "--json", index=library)
    assert json.loads(never.stdout)["answers"] == json.loads(thorough.stdout)["answers"]
    assert json.loads(never.stdout)["skipped"] == 0


def test_questions_can_be_kept_to_some_documents(run: Run, library: Path, documents: Path) -> None:
    menu = str(documents / "menu.html")
    result = run("ask", "What does it cost?", "--in", menu, "--json", index=library)
    body = json.loads(result.stdout)
    assert len({hit["document_id"] for hit in body["hits"]}) == 1
    unknown = run("ask", "What does it cost?", "--in", "nothing", index=library)
    assert unknown.exit_code == 2
    assert unknown.stderr == (
        "pincite: nothing: no document in the index has this id, path or URI; see: pincite list\n"
    )


def test_each_line_of_standard_input_is_a_question(run: Run, library: Path) -> None:
    stdin = f"{QUESTION}\n\n{UNSAID}\n"
    result = run("ask", "-", "--min-confidence", "0.9999", "--json", index=library, stdin=stdin)
    bodies = [json.loads(line) for line in result.stdout.splitlines()]
    assert [body["question"] for body in bodies] == [QUESTION, UNSAID]
    assert result.exit_code == 1
    plain = run("ask", "-", index=library, stdin=QUESTION)
    assert plain.stdout.startswith(f"> {QUESTION}\n1. A reader may borrow «12» books")
    assert plain.exit_code == 0


def test_a_question_that_cannot_be_taken_does_not_stop_the_others(run: Run, library: Path) -> None:
    stdin = "x" * 10_001 + f"\n{QUESTION}\n"
    result = run("ask", "-", "--json", index=library, stdin=stdin)
    assert result.exit_code == 2
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr.startswith("pincite: the question has 10,001 characters")


def test_no_question_on_standard_input_is_a_mistake(run: Run, library: Path) -> None:
    result = run("ask", "-", index=library, stdin="\n \n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no question came" in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ["--top", "0"],
        ["--top", "51"],
        ["--passages", "0"],
        ["--min-confidence", "1.5"],
        ["--min-confidence", "nan"],
        ["--enough", "-0.1"],
        ["--enough", "nan"],
        ["--top", "many"],
    ],
)
def test_options_that_cannot_work_are_refused(run: Run, library: Path, options: list[str]) -> None:
    result = run("ask", QUESTION, *options, index=library)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Traceback" not in result.output


def test_a_model_that_is_not_there_is_a_mistake(
    run: Run, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    result = run("ask", QUESTION, "--reader", "/no/such/model", index=library)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("pincite: ")
    assert len(result.stderr.splitlines()) == 1


def test_a_question_without_words_is_refused(run: Run, library: Path) -> None:
    result = run("ask", "  ", index=library)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "pincite: the question is empty; ask something\n"


def test_a_question_need_not_be_valid_text(run: Run, library: Path) -> None:
    result = run("ask", "How many books\udcff may a reader borrow?", "--json", index=library)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["question"].startswith("How many books\ufffd")


def test_without_an_index_the_command_that_makes_one_is_named(run: Run, tmp_path: Path) -> None:
    result = run("ask", QUESTION, index=tmp_path / "none")
    assert result.exit_code == 2
    assert result.stderr == (
        f"pincite: {tmp_path / 'none'}: no index here yet; make one: pincite index PATH\n"
    )


@pytest.mark.parametrize("question", [QUESTION, UNSAID])
def test_json_is_what_the_service_answers(run: Run, library: Path, question: str) -> None:
    printed = json.loads(run("ask", question, "--json", index=library).stdout)
    server = open_server(Settings(index=library), Door.KEYED)
    with TestClient(create_app(server), base_url="http://localhost") as client:
        served = client.post("/v1/ask", json={"question": question}).json()
    assert printed.pop("timings_ms").keys() == served.pop("timings_ms").keys()
    assert printed == served


def test_the_form_of_a_reply_is_the_one_that_is_promised(run: Run, library: Path) -> None:
    body = json.loads(run("ask", QUESTION, "--json", index=library).stdout)
    promised = ["question", "abstained", "reason", "answers", "hits", "timings_ms", "skipped"]
    assert list(body) == promised
    answer = body["answers"][0]
    assert list(answer) == ["text", "confidence", "sentence", "citation", "also_at"]
    place = ["document_id", "uri", "title", "page", "section", "start", "end"]
    place += ["slide", "sheet", "cells", "part", "boxes", "prefix", "suffix", "links"]
    assert list(answer["citation"]) == place
    for other in (also for found in body["answers"] for also in found["also_at"]):
        assert list(other) == [*place, "text"]
    assert list(body["hits"][0]) == [
        "document_id",
        "start",
        "end",
        "text",
        "score",
        "dense_score",
        "lexical_score",
        "also_in",
    ]
    assert list(body["timings_ms"]) == ["embed", "retrieve", "read", "total"]
    shown = json.loads(
        run("show", answer["citation"]["document_id"], "--json", index=library).stdout
    )
    start, end = answer["citation"]["start"], answer["citation"]["end"]
    assert shown["text"][start:end] == answer["text"]


def test_the_short_form_is_the_same_command(library: Path) -> None:
    result = CliRunner().invoke(
        ask_app, [*QUESTION.split(), "--top", "1"], env={"PINCITE_INDEX": str(library)}
    )
    assert result.exit_code == 0
    assert result.stdout.startswith("1. A reader may borrow «12» books at a time.")


def test_a_search_shows_where_each_passage_stands_and_its_scores(run: Run, library: Path) -> None:
    result = run("search", "swimming", "pool", "--top", "1", index=library)
    assert result.exit_code == 0
    where, scores, words = result.stdout.splitlines()
    assert "pool.txt, characters 0–" in where
    assert scores.startswith("   score ")
    assert words.strip().startswith("The swimming pool is 25 metres long.")
    body = json.loads(run("search", "swimming", "pool", "--json", index=library).stdout)
    varied = run("search", "swimming", "pool", "--diversity", "1", "--json", index=library)
    assert json.loads(varied.stdout)["hits"][0] == body["hits"][0]
    assert run("search", "swimming", "--diversity", "2", index=library).exit_code == 2
    assert body["query"] == "swimming pool"
    assert body["hits"][0]["uri"].endswith("/pool.txt")


def test_an_unexpected_error_is_one_line_with_a_hint(
    run: Run, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("by\x1bzero")

    monkeypatch.setattr("service.engine.Engine.ask", fail)
    result = run("ask", QUESTION, index=library)
    assert result.exit_code == 3
    assert result.stderr == (
        "pincite: an unexpected error (ZeroDivisionError: by\\x1bzero); "
        "set PINCITE_DEBUG=1 to see where it happened\n"
    )
    monkeypatch.setenv("PINCITE_DEBUG", "1")
    assert "Traceback" in run("ask", QUESTION, index=library).stderr
