"""From examples to tokens, and back to the words of the answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from qa.reader import Cutter
from qa.training.examples import Example
from qa.training.windows import MOST_WINDOWS, Window, windows

LETTERS = "abcdefghijklmnop"
PAD, UNKNOWN, NULL, END = range(4)


def letters(window: int) -> Cutter:
    """A token a letter."""
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *LETTERS]
    tokenizer = Tokenizer(models.WordLevel({one: at for at, one in enumerate(tokens)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Split("", "isolated")]
    )
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", END), ("[CLS]", NULL))
    return Cutter(tokenizer, window)


def said(window: Window, first: int, last: int) -> str:
    return "".join(LETTERS[one - 4] for one in window.ids[first : last + 1])


@st.composite
def examples(draw: st.DrawFn) -> Example:
    text = draw(st.text(alphabet=LETTERS + " ", min_size=1, max_size=60).filter(str.strip))
    places = [at for at, letter in enumerate(text) if letter != " "]
    begin = draw(st.integers(0, places[-1]))
    answers = []
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.sampled_from([at for at in places if at >= begin]))
        answers.append((start, draw(st.sampled_from([at for at in places if at >= start])) + 1))
    return Example("ab", text, begin, tuple(answers))


@given(example=examples(), window=st.integers(12, 40))
def test_the_tokens_of_an_answer_are_its_words(example: Example, window: int) -> None:
    tokenizer = letters(window)
    made = windows(tokenizer, [[example]], NULL)
    wanted = {example.text[start:end].replace(" ", "") for start, end in example.answers}
    assert 1 <= len(made) <= MOST_WINDOWS
    for one in made:
        assert len(one.ids) == len(one.types) == len(one.allowed) <= window
        assert one.allowed[one.null]
        if one.has_answer:
            spans = list(zip(one.starts, one.ends, strict=True))
            assert {said(one, *span) for span in spans} <= wanted
            assert all(one.allowed[first] and one.allowed[last] for first, last in spans)
        else:
            assert (one.starts, one.ends) == ((one.null,), (one.null,))


@given(example=examples())
def test_a_window_that_holds_the_whole_text_holds_every_answer(example: Example) -> None:
    (only,) = windows(letters(80), [[example]], NULL)
    answers = {example.text[start:end].replace(" ", "") for start, end in example.answers}
    found = {said(only, *span) for span in zip(only.starts, only.ends, strict=True)}
    assert only.has_answer == bool(answers)
    assert not answers or found == answers
    quotable = sum(letter != " " for letter in example.text[example.begin :])
    assert sum(only.allowed) == 1 + quotable


def test_an_answer_across_the_end_of_a_window_is_in_the_next_one() -> None:
    example = Example("a", "b" * 10 + "cd" + "e" * 10, 0, ((10, 12),))
    made = windows(letters(15), [[example]], NULL)
    assert [one.has_answer for one in made] == sorted(
        (one.has_answer for one in made), reverse=True
    )
    assert said(made[0], made[0].starts[0], made[0].ends[0]) == "cd"


def test_of_a_long_text_the_windows_with_the_answer_are_taken() -> None:
    example = Example("a", "b" * 200 + "cd" + "e" * 200, 0, ((200, 202),))
    made = windows(letters(24), [[example]], NULL)
    assert len(made) == MOST_WINDOWS
    assert made[0].has_answer


@given(
    question=st.text(alphabet=LETTERS + " ", max_size=300),
    text=st.text(alphabet="bc", max_size=80),
    window=st.integers(32, 64),
)
def test_of_a_long_question_the_end_is_read(question: str, text: str, window: int) -> None:
    made = windows(letters(window), [[Example(question, text + "a", 0)]], NULL)
    asked = question.replace(" ", "")
    for one in made:
        assert len(one.ids) <= window
        shown = said(one, 1, one.ids.index(END) - 1)
        assert asked.endswith(shown)
        assert len(shown) == min(len(asked), (window - 3) // 2)
        assert one.types == (0,) * (len(shown) + 2) + (1,) * (len(one.ids) - len(shown) - 2)
    if len(text) < window // 3:
        assert said(made[0], made[0].ids.index(END) + 1, len(made[0].ids) - 2) == text + "a"


def test_windows_know_their_question() -> None:
    one = Example("a", "bc", 0, ((0, 1),))
    made = windows(letters(16), [[one, one], [one]], NULL)
    assert [window.group for window in made] == [0, 0, 1]


def test_a_token_for_no_answer_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in"):
        windows(letters(16), [[Example("a", "b", 0)]], 99)
