"""From text to terms, as the full-text tables cut it."""

import sqlite3
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.analyzer import TOKENIZER, Analyzer, term_key


@pytest.fixture(scope="module")
def table() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE VIRTUAL TABLE t USING fts5 (text, tokenize='{TOKENIZER}')")
    connection.execute("CREATE VIRTUAL TABLE v USING fts5vocab (t, 'instance')")
    yield connection
    connection.close()


PARTS = ["Rents", "rent", "Zürich", "Zu\u0308rich", "ὈΔΥΣΣΕΎΣ", "naïve", "x²", "日本語", "१२३"]
PARTS += [
    "\0",
    "_",
    "a_b",
    "don't",
    "\u00a0",
    "\u2019",
    "－",
    "\U0001f469\u200d\U0001f680",
    "ß",
    "İ",
]
texts = st.text() | st.lists(st.sampled_from(PARTS) | st.text(max_size=4)).map("".join)


@given(texts=st.lists(texts, max_size=4))
def test_terms_are_those_of_the_full_text_table(
    table: sqlite3.Connection, texts: list[str]
) -> None:
    storable = [text.encode(errors="ignore").decode() for text in texts]
    table.execute("DELETE FROM t")
    table.executemany("INSERT INTO t VALUES (?)", [(text,) for text in storable])
    expected = Counter(term_key(term) for (term,) in table.execute("SELECT term FROM v"))
    assert Counter(Analyzer().keys_of(storable)) == expected


@pytest.mark.parametrize("word", ["RENTS", "rented", "rént", "(rent)"])
def test_case_accents_and_endings_do_not_matter(word: str) -> None:
    assert Analyzer().keys_of([word]) == [term_key("rent")]


@given(texts=st.lists(texts.map(lambda text: text.encode(errors="ignore").decode())))
def test_what_is_forgotten_is_learned_again(texts: list[str]) -> None:
    forgetful, other = Analyzer(most=3), Analyzer()
    for text in texts:
        assert sorted(forgetful.keys_of([text])) == sorted(other.keys_of([text]))
    assert len(forgetful.keys) <= len(other.keys)


def test_long_pieces_are_forgotten_sooner() -> None:
    short, long = Analyzer(most=100_000), Analyzer(most=100_000)
    for number in range(200):
        short.keys_of([f"w{number}"])
        long.keys_of([f"w{number}" + "x" * 10_000])
        assert len(long.keys) <= 3
    assert len(short.keys) == 200
