"""From a question to a full-text query."""

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical import content_words, match_query

TEXT = "The deposit for Saltmarsh House is 1,800 pounds."


@pytest.fixture(scope="module")
def table() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE VIRTUAL TABLE t USING fts5 (text, tokenize='porter unicode61 remove_diacritics 2')"
    )
    connection.execute("INSERT INTO t VALUES (?)", (TEXT,))
    yield connection
    connection.close()


def matches(table: sqlite3.Connection, question: str) -> bool:
    query = match_query(question)
    rows = table.execute("SELECT count(*) FROM t WHERE t MATCH ?", (query,)) if query else [(0,)]
    return next(iter(rows))[0] == 1


SYNTAX = st.sampled_from(
    [
        "AND",
        "OR",
        "NOT",
        "NEAR",
        "(",
        ")",
        '"',
        "*",
        "^",
        ":",
        "+",
        "-",
        "{",
        "text",
        "'",
        "\x00",
        "_",
    ]
)


@given(question=st.text() | st.lists(SYNTAX | st.text(max_size=5)).map(" ".join))
def test_the_full_text_table_takes_the_query_of_any_question(
    table: sqlite3.Connection, question: str
) -> None:
    matches(table, question)


@given(question=st.text(st.characters(categories=["Cs", "Co", "Cn", "Cc"])))
def test_what_is_no_word_gives_no_query(question: str) -> None:
    assert match_query(question) == ""


@given(around=st.lists(SYNTAX))
def test_a_word_is_found_whatever_syntax_stands_around_it(
    table: sqlite3.Connection, around: list[str]
) -> None:
    assert matches(table, " ".join([*around, "saltmarsh", *around]))


@pytest.mark.parametrize("question", ["DEPOSIT?", "deposits", "dépôsit", "what is the deposit"])
def test_case_accents_and_endings_do_not_matter(table: sqlite3.Connection, question: str) -> None:
    assert matches(table, question)


def test_words_that_only_ask_are_left_out() -> None:
    assert content_words("What is the deposit for the house?") == ["deposit", "house"]


def test_the_parts_of_a_name_are_words(table: sqlite3.Connection) -> None:
    assert content_words("What is MAX_tokens_ of _the_ house?") == ["max", "tokens", "house"]
    assert matches(table, "house_deposit")


def test_where_all_words_only_ask_they_all_count() -> None:
    assert content_words("Who are we?") == ["who", "are", "we"]


@given(question=st.lists(st.text(min_size=1)).map(" ".join))
def test_words_are_distinct_and_not_too_many(question: str) -> None:
    words = content_words(question)
    assert len(words) == len(set(words)) <= 64


def test_of_a_pasted_page_the_first_words_count() -> None:
    assert content_words(" ".join(f"w{n}" for n in range(500))) == [f"w{n}" for n in range(64)]
