"""The pool that questions and indexing share: who is first, and what becomes of each piece."""

import threading
from concurrent.futures import CancelledError, Future

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.threads import ModelPool, Precedence, shared_pool

QUESTION, INDEXING = Precedence.QUESTION, Precedence.INDEXING
SHARE = 4


class Held:
    """A pool of one thread that is kept busy until `let_go`; `done` has the order of the work."""

    def __init__(self, share: int = SHARE, linger: float = 0) -> None:
        self.pool = ModelPool(1, share, linger)
        self.done: list[object] = []
        self._gate = threading.Event()
        begun = threading.Event()

        def hold(_: None) -> None:
            begun.set()
            assert self._gate.wait(30)

        self.pool.submit(QUESTION, hold, None)
        assert begun.wait(30)

    def submit(self, precedence: Precedence, item: object) -> "Future[None]":
        return self.pool.submit(precedence, self.done.append, item)

    def let_go(self) -> list[object]:
        self._gate.set()
        self.pool.shutdown()
        return self.done


def test_a_question_is_taken_before_indexing_that_came_earlier() -> None:
    held = Held()
    for item in ("passage 1", "passage 2"):
        held.submit(INDEXING, item)
    for item in ("question 1", "question 2"):
        held.submit(QUESTION, item)
    assert held.let_go() == ["question 1", "question 2", "passage 1", "passage 2"]


@given(st.lists(st.sampled_from(Precedence), max_size=60), st.integers(2, 9))
def test_every_piece_is_done_once_and_neither_kind_starves(
    kinds: list[Precedence], share: int
) -> None:
    held = Held(share)
    pieces = [(kind, number) for number, kind in enumerate(kinds)]
    for kind, number in pieces:
        held.submit(kind, (kind, number))
    done = held.let_go()
    assert sorted(done) == sorted(pieces)
    for kind in Precedence:
        of_a_kind = [piece for piece in done if piece[0] == kind]
        assert of_a_kind == sorted(of_a_kind), "of one kind, the first come is served first"
    # While both wait, one piece in `share` is indexing's, and all others are questions'.
    while {kind for kind, _ in done} == set(Precedence):
        part = [kind for kind, _ in done[:share]]
        if part.count(QUESTION) < share - 1:
            assert QUESTION not in [kind for kind, _ in done[share:]]
            return
        assert part.count(INDEXING) == 1
        done = done[share:]


def test_a_thread_is_kept_for_what_a_question_does_next_but_not_for_ever() -> None:
    pool = ModelPool(1, SHARE, linger=60)
    done: list[str] = []
    pool.submit(QUESTION, done.append, "question 0").result()
    patient = pool.submit(INDEXING, done.append, "passage")
    for number in range(1, SHARE):
        pool.submit(QUESTION, done.append, f"question {number}").result()
        assert not patient.done() or number == SHARE - 1
    patient.result(timeout=30)
    assert done == ["question 0", "question 1", "question 2", "question 3", "passage"]
    pool.shutdown()


def test_indexing_goes_on_when_nothing_more_is_asked() -> None:
    pool = ModelPool(2, SHARE, linger=0.01)
    for _ in range(3):
        pool.submit(QUESTION, str, 1).result()
        assert pool.map(INDEXING, str, [1, 2, 3]) == ["1", "2", "3"]
    pool.shutdown()


def test_shutting_down_waits_for_no_question() -> None:
    pool = ModelPool(2, SHARE, linger=60)
    pool.submit(QUESTION, str, 1).result()
    waiting = pool.submit(INDEXING, str, 2)
    pool.shutdown()
    assert waiting.result() == "2"


def test_indexing_has_all_threads_where_nobody_asks() -> None:
    pool = ModelPool(3)
    together = threading.Barrier(3, timeout=30)
    assert sorted(pool.map(INDEXING, lambda _: together.wait(), range(3))) == [0, 1, 2]
    pool.shutdown()


@given(st.lists(st.integers()), st.sampled_from(Precedence))
def test_results_are_in_the_order_of_the_items(items: list[int], kind: Precedence) -> None:
    assert shared_pool(2).map(kind, lambda item: 2 * item, items) == [2 * item for item in items]


def test_the_first_failure_is_raised_and_the_pool_goes_on() -> None:
    pool = ModelPool(2)

    def fail(item: int) -> int:
        if item % 2:
            raise ValueError(item)
        return item

    with pytest.raises(ValueError, match=r"^1$"):
        pool.map(QUESTION, fail, range(100))
    assert pool.map(INDEXING, fail, [2, 4]) == [2, 4]
    pool.shutdown()


def test_what_waits_behind_a_failure_is_given_up() -> None:
    pool = ModelPool(1)
    begun: list[int] = []

    def fail(item: int) -> None:
        begun.append(item)
        if item == 0:
            # The others are cancelled while this holds the only thread, or just after.
            raise ValueError
        assert done.wait(30)

    done = threading.Event()
    with pytest.raises(ValueError):
        pool.map(QUESTION, fail, range(1000))
    done.set()
    pool.shutdown()
    assert len(begun) < 1000


def test_a_piece_that_waits_can_be_cancelled() -> None:
    held = Held()
    first, second, third = (held.submit(QUESTION, item) for item in "abc")
    assert second.cancel()
    assert held.let_go() == ["a", "c"]
    assert first.result() is None
    assert third.result() is None
    with pytest.raises(CancelledError):
        second.result()


def test_shutting_down_finishes_what_waits_unless_it_is_to_be_cancelled() -> None:
    held = Held()
    held.submit(INDEXING, "passage")
    assert held.let_go() == ["passage"]
    with pytest.raises(RuntimeError):
        held.submit(QUESTION, "too late")

    held = Held()
    given_up = [held.submit(kind, kind) for kind in Precedence]
    closing = threading.Thread(target=held.pool.shutdown, kwargs={"cancel": True})
    closing.start()
    for future in given_up:
        with pytest.raises(CancelledError):
            future.result(timeout=30)
    assert held.let_go() == []
    closing.join()


def test_one_number_of_threads_is_one_pool() -> None:
    assert shared_pool(2) is shared_pool(2)
