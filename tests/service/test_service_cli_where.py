"""`--where` of `ask`, `search` and `list`."""

import json
from pathlib import Path

import pytest
from service_fakes import Run

QUESTION = "How many books may a reader borrow?"


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        (["type=md"], ["library.md"]),
        (["path=pool.txt"], ["pool.txt"]),
        (["path~*.txt"], ["pool.txt"]),
        (["type!=md"], ["menu.html", "pool.txt"]),
        (["type!=md", "title~m*"], ["menu.html"]),
        (["title=nothing"], []),
    ],
)
def test_only_documents_that_fit_all_conditions_are_listed(
    run: Run, library: Path, conditions: list[str], names: list[str]
) -> None:
    arguments = [part for condition in conditions for part in ("--where", condition)]
    result = run("list", "--json", *arguments, index=library)
    found = [item["uri"].rpartition("/")[2] for item in json.loads(result.stdout)["documents"]]
    assert found == names
    plain = run("list", *arguments, index=library).stdout
    assert all(name in plain for name in names)
    if not names:
        assert plain == "No document fits the filter: title=nothing.\n"


def test_questions_and_queries_are_put_to_the_documents_that_fit(run: Run, library: Path) -> None:
    for command in ("ask", "search"):
        result = run(command, QUESTION, "--where", "type=html", "--json", index=library)
        [hit] = json.loads(result.stdout)["hits"]
        assert "Soup" in hit["text"]


def test_where_no_document_fits_that_is_said(run: Run, library: Path) -> None:
    said = "No document fits the filter: language=xx, type=md."
    where = ("--where", "language=xx", "--where", "type=md")
    asked = run("ask", QUESTION, *where, index=library)
    assert (asked.exit_code, asked.stdout) == (1, f"{said}\n")
    searched = run("search", QUESTION, *where, index=library)
    assert (searched.exit_code, searched.stdout) == (0, f"{said}\n")


def test_what_is_no_condition_is_a_mistake(run: Run, library: Path) -> None:
    for command in (["ask", QUESTION], ["search", QUESTION], ["list"]):
        result = run(*command, "--where", "language", index=library)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == (
            "pincite: the filter 'language' is not understood; write KEY=VALUE, KEY!=VALUE, "
            "KEY>=VALUE, KEY<=VALUE or KEY~PATTERN\n"
        )
