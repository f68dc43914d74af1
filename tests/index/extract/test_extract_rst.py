"""reStructuredText is read as the HTML it stands for, without anything it might include."""

from pathlib import Path

import pytest

from index.documents import Document
from index.errors import DocumentTooLarge
from index.extract import extract
from index.extract.formats import RST


def read(text: str, name: str = "a.rst") -> Document:
    return extract(text.encode(), uri=f"file:///{name}", name=name)


def test_markup_becomes_text_and_headings_sections() -> None:
    document = read(
        "=====\nGuide\n=====\n\nIntro *with* ``code`` and `a link <http://x.example>`_.\n\n"
        "Setup\n=====\n\n1. one\n2. two\n\n   wrapped\n\n- a\n- b\n\nUse\n---\n\n"
        ".. A comment.\n\nRun it.\n"
    )
    assert document.media_type == RST
    assert document.title == "Guide"
    assert document.text == (
        "Guide\n\nIntro with code and a link.\n\nSetup\n\n1. one\n2. two\n\nwrapped\n\n- a\n"
        "- b\n\nUse\n\nRun it."
    )
    assert [section.path for section in document.sections] == [
        ("Guide",),
        ("Guide", "Setup"),
        ("Guide", "Setup", "Use"),
    ]


def test_tables_have_a_line_for_each_row() -> None:
    document = read("====  =====\nZone  Rate\n====  =====\nA     EUR 4\nB     EUR 3\n====  =====\n")
    assert document.text.splitlines()[0] == "Zone | Rate"
    assert "EUR 3" in document.text.splitlines()[2]


def test_fields_at_the_top_are_metadata() -> None:
    document = read(
        "Guide\n=====\n\n:Authors: - Ann A.\n          - Bob B.\n:Date: 2026-01-05\n"
        ":Version: 1.10\n:lang: en\n\nText.\n"
    )
    assert document.text == "Guide\n\nText."
    assert document.metadata == {
        "author": "Ann A., Bob B.",
        "date": "2026-01-05",
        "version": "1.10",
        "language": "en",
    }


def test_nothing_else_is_read_and_no_markup_passed_on(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    document = read(
        f"Before.\n\n.. include:: {secret}\n\n.. literalinclude:: {secret}\n\n"
        f".. csv-table::\n   :file: {secret}\n\n.. raw:: html\n\n   RAW\n\n"
        f".. raw:: html\n   :file: {secret}\n\n.. role:: raw-html(raw)\n   :format: html\n\n"
        "After.\n"
    )
    assert document.text == "Before.\n\nAfter."


def test_what_sphinx_adds_keeps_its_text() -> None:
    document = read(
        "See :ref:`the rates <rates>`, :func:`~os.path.join` and :none:`that`.\n\n"
        ".. versionadded:: 2.0\n   It was *added*.\n\n.. toctree::\n   :maxdepth: 2\n\n   intro\n\n"
        ".. note:: Mind this.\n\n.. image:: http://x.example/a.png\n   :alt: A cat.\n"
    )
    assert document.text == (
        "See the rates, os.path.join and that.\n\nAdded in version 2.0: It was added.\n\n"
        "Note\n\nMind this.\n\nA cat."
    )


def test_mistakes_are_read_as_they_stand() -> None:
    document = read("Guide\n===\n\nAn *open word and `another.\n\n:field without end\n")
    assert "An *open word and `another." in document.text
    assert "WARNING" not in document.text


def test_several_headings_at_the_top_are_sections() -> None:
    document = read("One\n===\n\nText.\n\nTwo\n===\n\nMore.\n")
    assert document.title == "One"
    assert [section.path for section in document.sections] == [("One",), ("Two",)]


def test_without_a_heading_the_title_is_the_name() -> None:
    document = read("Text.", "notes/todo.rst")
    assert (document.title, document.title_from_name) == ("todo", True)


def test_a_paragraph_may_be_one_long_line() -> None:
    prose = "The zone is free. " * 2_000
    assert read(f"Guide\n=====\n\n{prose}\n").text == f"Guide\n\n{prose.strip()}"


@pytest.mark.parametrize("markup", ["*a ", "`a ", "[a_ ", "|a "])
def test_markup_that_never_ends_is_read_as_it_stands(markup: str) -> None:
    text = markup * 10_000
    assert read(f"Guide\n=====\n\n{text}").text == f"Guide\n\n{text.strip()}"


def test_substitutions_cannot_make_a_small_file_a_large_text() -> None:
    text = "".join(f".. |a{at}| replace:: " + f"|a{at + 1}| " * 10 + "\n" for at in range(9))
    with pytest.raises(DocumentTooLarge, match="holds more than"):
        read(text + ".. |a9| replace:: x\n\n|a0|\n")


def test_substitutions_are_put_in_and_circles_left() -> None:
    assert read("|A| and |b|\n\n.. |a| replace:: one |c|\n.. |c| replace:: two\n").text == (
        "one two and |b|"
    )
    assert "text" in read(".. |a| replace:: |b|\n.. |b| replace:: |a|\n\nSome text |a|\n").text


@pytest.mark.slow
def test_deep_nesting_neither_fails_nor_loses_text() -> None:
    text = "".join("  " * depth + "- item\n\n" for depth in range(400))
    assert read(text).text.count("item") == 400
