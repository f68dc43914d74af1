"""Of a long question its end is read: as many tokens as it may take, whatever it is made of."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from qa.reader import Cutter, ending
from tests.paths import READER

PIECES = ["un", "affable", "xyzzy", "7", " ", "é", "😀", "字", "\u0301", "\u200d", "?", "ﷺ", "\x00"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(READER / "tokenizer.json"))


@given(
    question=st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES)).map("".join)),
    most=st.integers(0, 12),
)
def test_it_has_so_many_tokens_at_most(tokenizer: Tokenizer, question: str, most: int) -> None:
    def offsets(text: str) -> Sequence[tuple[int, int]]:
        return tokenizer.encode(text, add_special_tokens=False).offsets

    found = ending(question, offsets, most)
    assert question.endswith(found)
    assert len(offsets(found)) <= most
    assert found == question or len(offsets(question)) > most


@given(letters=st.integers(1, 3))
def test_a_character_of_more_tokens_than_there_is_room_for_is_left_out(letters: int) -> None:
    def offsets(text: str) -> Sequence[tuple[int, int]]:
        return [(at, at + 1) for at in range(len(text)) for _ in text[at].encode()]

    assert ending("ab😀" + "c" * letters, offsets, 3) == "c" * letters
    assert ending("ab😀", offsets, 3) == ""


@given(
    question=st.lists(st.sampled_from(PIECES), max_size=120).map("".join),
    text=st.text(max_size=60),
    window=st.integers(16, 64),
)
def test_windows_are_not_longer_than_is_asked(
    tokenizer: Tokenizer, question: str, text: str, window: int
) -> None:
    made, again = Cutter(tokenizer, window).windows([(question, text), (question, text)])
    assert [part.ids for part in made] == [part.ids for part in again]
    assert made
    assert all(len(part.ids) <= window for part in made)
