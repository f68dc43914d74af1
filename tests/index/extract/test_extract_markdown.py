"""Markdown is read as the HTML it stands for."""

import pytest

from index.documents import Document
from index.extract import extract


def read(text: str, name: str = "a.md") -> Document:
    return extract(text.encode(), uri=f"file:///{name}", name=name)


def test_markup_becomes_text_and_headings_sections() -> None:
    document = read(
        "Intro *with* `code` and [a link](http://x.example).\n\n# Guide\n\nText\nwrapped.\n\n"
        "## Setup\n\n1. one\n2. two\n\nUse\n---\n\n~~no~~ yes\n"
    )
    assert document.text == (
        "Intro with code and a link.\n\nGuide\n\nText wrapped.\n\nSetup\n\n1. one\n2. two\n\n"
        "Use\n\nno yes"
    )
    assert [section.path for section in document.sections] == [
        ("Guide",),
        ("Guide", "Setup"),
        ("Guide", "Use"),
    ]
    assert document.section_at(0) == ()
    assert document.title == "Guide"


def test_tables_have_a_line_for_each_row() -> None:
    document = read("| Zone | Rate |\n| --- | --- |\n| A | EUR 4 |\n| B | EUR 3 |\n")
    assert document.text == "Zone | Rate\nZone: A | Rate: EUR 4\nZone: B | Rate: EUR 3"


def test_front_matter_gives_the_title_and_no_text() -> None:
    document = read('---\ntitle: "The Guide"\nauthor: Ann\nlang: en\n---\n\n# Start\n\nText.\n')
    assert document.title == "The Guide"
    assert document.text == "Start\n\nText."
    assert document.metadata == {"author": "Ann", "language": "en"}


def test_front_matter_is_yaml_of_which_scalars_and_lists_count() -> None:
    document = read(
        "---\n# About it\nTitle: The Guide\ntags: [a, b]\nversion: 1.10\ndate: 2026-01-05\n"
        "Project: >\n  P\n  1\nnested:\n  a: 1\n...\n\nText.\n"
    )
    assert document.title == "The Guide"
    assert document.text == "Text."
    assert document.metadata == {
        "tags": "a, b",
        "version": "1.10",
        "date": "2026-01-05",
        "project": "P 1",
    }


def test_front_matter_may_be_toml() -> None:
    document = read('+++\ntitle = "The Guide"\nversion = 1.10\n+++\n# Start\n\nText.\n')
    assert document.title == "The Guide"
    assert document.text == "Start\n\nText."
    assert document.metadata == {"version": "1.10"}


def test_a_colon_in_a_title_is_forgiven() -> None:
    document = read("---\ntitle: Parking: a guide\nauthor: Ann\n---\n\nText.\n")
    assert (document.title, document.text) == ("Parking: a guide", "Text.")
    assert document.metadata == {"author": "Ann"}


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: never closed\n\nText.",
        "+++\nnot toml\n+++\n\nText.",
        "---\n\nText: with a colon.\n\n---\n",
    ],
)
def test_what_is_no_front_matter_is_text(text: str) -> None:
    document = read(text)
    assert "Text" in document.text
    assert document.title_from_name


def test_a_rule_at_the_start_is_not_front_matter() -> None:
    assert read("---\n\nText here.\n\n---\n\nMore.\n").text == "Text here.\n\nMore."


def test_scripts_in_markdown_are_dropped_and_other_html_is_read() -> None:
    document = read("Before.\n\n<script>\nalert(1)\n</script>\n\n<div hidden>x</div>\n\nA<br>b.\n")
    assert document.text == "Before.\n\nA\nb."


def test_a_code_block_keeps_its_white_space() -> None:
    document = read("Run:\n\n```sh\nif x\n    then y\n```\n\nDone.")
    assert document.text == "Run:\n\nif x\n    then y\n\nDone."


def test_without_a_heading_the_title_is_the_name() -> None:
    assert read("Text.", "notes/todo.md").title == "todo"


def test_deep_nesting_neither_fails_nor_loses_text() -> None:
    assert "deep" in read(">" * 50 + " deep").text
    assert "shallow" in read("shallow\n\n" + ">" * 5_000 + " x").text
    assert "item" in read("".join("  " * depth + "- item\n" for depth in range(400))).text
