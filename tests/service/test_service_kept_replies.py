"""A question that is put again: answered at once, and never from an index as it was before."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_fakes import NumberReader, fake_engine

from index.documents import Hit, Passage
from index.filters import parse
from index.local_store import LocalStore
from qa.answers import Options, Reply, Timings
from qa.reader import Reading
from service.engine import Engine
from service.kept_replies import KeptReplies

POOL = "How long is the pool?"
NO_TIME = Timings(0, 0, 0, 0)


class CountingReader(NumberReader):
    """Counts how often it is asked to read, and may do something while it reads."""

    def __init__(self) -> None:
        self.asked = 0
        self.meanwhile = lambda: None

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        self.asked += 1
        self.meanwhile()
        return super().read(question, texts, begins)


@pytest.fixture
def reader() -> CountingReader:
    return CountingReader()


@pytest.fixture
def counted(tmp_path: Path, reader: CountingReader) -> Iterator[Engine]:
    made = fake_engine(tmp_path / "index", lambda: reader)
    yield made
    made.close()


def untimed(made: Reply) -> Reply:
    return replace(made, timings=NO_TIME)


def test_a_question_that_is_put_again_is_not_read_again(
    counted: Engine, reader: CountingReader
) -> None:
    first = counted.ask(POOL)
    again = counted.ask(f"  {POOL}\n")
    assert reader.asked == 1
    assert untimed(again) == untimed(first)
    timings = again.timings
    assert (timings.embed, timings.retrieve, timings.read) == (0, 0, 0)
    assert 0 < timings.total < first.timings.total
    *_, streamed = counted.asking(POOL)
    assert (reader.asked, untimed(streamed)) == (1, untimed(first))


def test_a_reply_that_came_in_steps_is_kept_too(counted: Engine, reader: CountingReader) -> None:
    replies = list(counted.asking(POOL, step=1))
    assert len(replies) == reader.asked == len(replies[-1].hits) > 1
    assert untimed(counted.ask(POOL)) == untimed(replies[-1])
    assert reader.asked == len(replies)


def test_a_reading_that_was_given_up_is_not_kept(counted: Engine, reader: CountingReader) -> None:
    replies = counted.asking(POOL, step=1)
    next(replies)
    replies.close()  # type: ignore[attr-defined]
    assert len(counted.ask(POOL).hits) > 1
    assert reader.asked == 2


@pytest.mark.parametrize(
    "other",
    [
        Options(answers=1),
        Options(passages=3),
        Options(min_confidence=0.1),
        Options(where=parse(["type=text/plain"])),
        Options(within=[]),
    ],
)
def test_other_options_are_another_question(
    counted: Engine, reader: CountingReader, other: Options
) -> None:
    counted.ask(POOL)
    counted.ask(POOL, other)
    assert reader.asked == 2
    counted.ask(POOL, other)
    assert reader.asked == 2


def test_an_answer_goes_with_its_document(counted: Engine) -> None:
    [pool] = counted.find(["test:pool"])
    assert counted.ask(POOL).answers[0].text == "25"
    counted.remove([pool.id])
    reply = counted.ask(POOL)
    assert pool.id not in {hit.passage.document_id for hit in reply.hits}
    assert pool.id not in {answer.citation.document_id for answer in reply.answers}


def test_what_another_process_changed_is_seen(counted: Engine, tmp_path: Path) -> None:
    [pool] = counted.find(["test:pool"])
    assert counted.ask(POOL).answers[0].text == "25"
    other = LocalStore.open(tmp_path / "index")
    other.remove([pool.id])
    other.close()
    assert all(hit.passage.document_id != pool.id for hit in counted.ask(POOL).hits)


def test_a_reply_during_which_the_index_changed_is_not_kept(
    counted: Engine, reader: CountingReader
) -> None:
    [pool] = counted.find(["test:pool"])

    def remove_once() -> None:
        reader.meanwhile = lambda: None
        counted.remove([pool.id])

    reader.meanwhile = remove_once
    counted.ask(POOL)
    assert all(hit.passage.document_id != pool.id for hit in counted.ask(POOL).hits)
    assert reader.asked == 2


def test_no_answer_of_a_removed_document_is_given_while_many_ask(counted: Engine) -> None:
    [pool] = counted.find(["test:pool"])
    removed = threading.Event()
    late: list[str] = []
    rounds = 0

    def ask_on() -> None:
        nonlocal rounds
        asked_after = 0
        while asked_after < 5:
            was_removed = removed.is_set()
            reply = counted.ask(POOL)
            rounds += 1
            if was_removed:
                asked_after += 1
                late.extend(hit.passage.document_id for hit in reply.hits)

    askers = [threading.Thread(target=ask_on) for _ in range(4)]
    for asker in askers:
        asker.start()
    counted.remove([pool.id])
    removed.set()
    for asker in askers:
        asker.join(10)
        assert not asker.is_alive()
    assert late
    assert pool.id not in late
    assert rounds >= 20


def _reply(question: str, size: int) -> Reply:
    hit = Hit(Passage("d", 0, size, "x" * size), 0.5, 0.5, 0.5)
    return Reply(question, (), None, (hit,), NO_TIME)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["get", "keep"]),
            st.integers(0, 2),
            st.sampled_from("abcdef"),
            st.integers(0, 60),
        ),
        max_size=40,
    )
)
def test_what_is_kept_is_what_was_put_last_and_stays_within_its_bounds(
    steps: list[tuple[str, int, str, int]],
) -> None:
    kept = KeptReplies(replies=3, characters=100)
    put: dict[str, Reply] = {}
    newest = -1
    for act, generation, question, size in steps:
        if generation > newest:
            newest, put = generation, {}
        if act == "keep":
            made = _reply(question, size)
            kept.keep(generation, Options(), made)
            if generation == newest:
                put[question] = made
                assert kept.get(generation, question, Options()) is made
        found = kept.get(generation, question, Options())
        if found is not None:
            assert generation == newest
            assert found is put[question]
        there = [kept.get(newest, one, Options()) for one in "abcdef"]
        held = [one for one in there if one is not None]
        assert len(held) <= 3
        assert sum(1 + len(one.hits[0].passage.text) for one in held) <= 100


def test_the_reply_used_longest_ago_goes_first() -> None:
    kept = KeptReplies(replies=2, characters=1000)
    for question in "ab":
        kept.keep(1, Options(), _reply(question, 1))
    assert kept.get(1, "a", Options()) is not None
    kept.keep(1, Options(), _reply("c", 1))
    assert kept.get(1, "b", Options()) is None
    assert kept.get(1, "a", Options()) is not None


def test_a_reply_larger_than_all_that_may_be_kept_is_not_kept() -> None:
    kept = KeptReplies(replies=2, characters=10)
    kept.keep(1, Options(), _reply("a", 5))
    kept.keep(1, Options(), _reply("b", 50))
    assert kept.get(1, "a", Options()) is not None
    assert kept.get(1, "b", Options()) is None
