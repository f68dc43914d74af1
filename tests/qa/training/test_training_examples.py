"""What a reader is shown for a question."""

import string

from hypothesis import given
from hypothesis import strategies as st
from training_made import labelled, words

from index.documents import Passage
from qa.training.examples import Example, Examples, answer_ranges, hardest, title_of

SENTENCE = "The {0} bell was cast in {1} by a mason of the town, who also made the tower. "
LONG = "".join(
    SENTENCE.format(letter, 1600 + at) for at, letter in enumerate(string.ascii_lowercase)
)


def passage(text: str, context: str = "") -> Passage:
    return Passage("other", 0, len(text), text, context)


def answers(example: Example) -> list[str]:
    return [example.text[start:end] for start, end in example.answers]


@given(
    number=st.integers(0, 500), year=st.integers(1600, 1625), title=st.sampled_from(["", "Bells"])
)
def test_the_passage_with_the_answer_comes_first_and_only_it_has_one(
    number: int, year: int, title: str
) -> None:
    question = labelled(LONG, f"what was cast in {year}", str(year))
    near = [passage(f"Nothing was cast in {year}."), passage("What was cast in another year?")]
    first, *others = Examples(words, lambda _: near, 0.5, 0).of(question, title, number)
    assert answers(first) == [str(year)]
    assert all(start >= first.begin for start, _ in first.answers)
    assert first.text[: first.begin] in ("", f"{title}\n")
    for other in others:
        assert not other.answers
        assert str(year) not in other.text
    assert len(others) <= 2


@given(number=st.integers(0, 300))
def test_a_question_without_an_answer_is_shown_the_passage_most_like_it(number: int) -> None:
    question = labelled(LONG, "who rang the q bell")
    (only,) = Examples(words, None, 1.0, 0).of(question, "", number)
    assert not only.answers
    assert " q bell" in only.text


@given(number=st.integers(0, 200))
def test_an_answer_longer_than_any_passage_is_shown_whole(number: int) -> None:
    answer = LONG[101:1800]
    question = labelled(LONG, "what of the bells", answer)
    first = Examples(words, None, 0.0, 0).of(question, "", number)[0]
    assert answers(first) == [answer]


@given(text=st.text(alphabet="ab .\n😀é", min_size=1, max_size=400), data=st.data())
def test_answers_stand_where_they_are_said_to(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    answer = text[start:end]
    if not answer.strip() or answer != answer.strip():
        return
    question = labelled(text, "a b?", answer)
    found = Examples(words, None, 0.0, 0).of(question, "", data.draw(st.integers(0, 99)))
    assert answer in answers(found[0])


def test_the_same_number_gives_the_same_examples() -> None:
    question = labelled(LONG, "what was cast in 1620", "1620")
    one, two = (Examples(words, lambda _: [passage("A bell.")], 0.5, 7) for _ in range(2))
    shown = [one.of(question, "Bells", number) for number in range(40)]
    assert shown == [two.of(question, "Bells", number) for number in range(40)]
    assert len({examples[0].text for examples in shown}) > 5


def test_passages_that_say_the_answer_elsewhere_do_not_mislead() -> None:
    question = labelled(LONG, "what was cast in 1620", "1620")
    near = [passage("It was cast in 1620, too."), passage("It was cast in 1920.")]
    shown = [Examples(words, lambda _: near, 1.0, 0).of(question, "", at) for at in range(30)]
    texts = {one.text for examples in shown for one in examples[1:]}
    assert "It was cast in 1920." in texts
    assert not any("1620" in text for text in texts)


def test_answers_of_several_people_are_all_right_once_each() -> None:
    question = labelled("in the old town hall", "where", "the old town hall", "town hall")
    assert answer_ranges(question) == ((3, 20), (11, 20))


def test_the_hardest_passage_shares_the_most_words() -> None:
    found = hardest("Who cast the bell?", [passage("a tower"), passage("the Bell was cast")])
    assert found.text == "the Bell was cast"


def test_titles_are_shown_as_people_write_them() -> None:
    question = labelled("text", "who", title="2008_Summer__Olympics")
    assert title_of(question, titled=True) == "2008 Summer Olympics"
    assert title_of(question, titled=False) == ""
