"""Sessions: how long they last, how many there are, and that they end with their key."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.host.keys import Key, Keys, Scope
from service.host.sessions import Sessions
from service.host.state import State


class Clock:
    """Seconds, which pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keys]:
    state = State.open(tmp_path)
    yield Keys(state)
    state.close()


@pytest.fixture
def key(keys: Keys) -> Key:
    return keys.create("reader", Scope.READ)[0]


def test_a_session_stands_for_its_key_until_it_is_closed(keys: Keys, key: Key) -> None:
    sessions = Sessions(keys)
    token = sessions.open(key)
    found = sessions.key(token)
    assert found is not None
    assert found.id == key.id
    assert sessions.key(token + "x") is None
    assert sessions.key("") is None
    assert sessions.key("\ud800") is None
    sessions.close(token)
    sessions.close(token)
    assert sessions.key(token) is None
    assert len(sessions) == 0


def test_only_the_digest_of_a_token_is_kept(keys: Keys, key: Key) -> None:
    sessions = Sessions(keys)
    token = sessions.open(key)
    assert len(token) >= 43
    assert token not in repr(vars(sessions))


def test_a_session_ends_with_its_key(keys: Keys, key: Key) -> None:
    sessions = Sessions(keys)
    token = sessions.open(key)
    keys.revoke(key.id)
    assert sessions.key(token) is None
    assert len(sessions) == 0


def test_a_session_ends_when_it_is_idle_and_after_its_whole_time(keys: Keys, key: Key) -> None:
    clock = Clock()
    sessions = Sessions(keys, idle=10, absolute=25, clock=clock)
    token = sessions.open(key)
    for _ in range(2):
        clock.now += 9
        assert sessions.key(token) is not None
    idle = sessions.open(key)
    clock.now += 6.5
    assert sessions.key(token) is not None
    clock.now += 0.5
    assert sessions.key(token) is None
    assert sessions.key(idle) is not None
    clock.now += 10
    assert sessions.key(idle) is None


def test_one_key_cannot_push_out_the_sessions_of_others(keys: Keys, key: Key) -> None:
    other = keys.create("other", Scope.READ)[0]
    sessions = Sessions(keys, most_of_a_key=3)
    kept = sessions.open(other)
    tokens = [sessions.open(key) for _ in range(10)]
    assert [sessions.key(token) is not None for token in tokens] == [False] * 7 + [True] * 3
    assert sessions.key(kept) is not None
    assert len(sessions) == 4


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("open"), st.integers(0, 2)),
            st.tuples(st.just("use"), st.integers(0, 30)),
            st.tuples(st.just("close"), st.integers(0, 30)),
            st.tuples(st.just("wait"), st.integers(1, 12)),
        ),
        max_size=40,
    )
)
def test_sessions_are_those_of_a_slow_model(keys: Keys, steps: list[tuple[str, int]]) -> None:
    owners = [_key(name) for name in "abc"]
    clock = Clock()
    sessions = Sessions(
        _AllValid(owners), idle=10, absolute=25, most=5, most_of_a_key=3, clock=clock
    )
    tokens: list[str] = []
    # Of each open session: token, key, opened, used; the longest not used first.
    model: deque[tuple[str, str, float, float]] = deque()

    def over(one: tuple[str, str, float, float]) -> bool:
        return clock.now - one[3] >= 10 or clock.now - one[2] >= 25

    for what, number in steps:
        if what == "wait":
            clock.now += number
        elif what == "open":
            owner = owners[number]
            while model and over(model[0]):
                model.popleft()
            of_key = [one for one in model if one[1] == owner.id]
            if len(of_key) >= 3:
                model.remove(of_key[0])
            elif len(model) >= 5:
                model.popleft()
            tokens.append(sessions.open(owner))
            model.append((tokens[-1], owner.id, clock.now, clock.now))
        elif tokens:
            token = tokens[number % len(tokens)]
            known = next((one for one in model if one[0] == token), None)
            if known is not None:
                model.remove(known)
            if what == "close":
                sessions.close(token)
            else:
                found = sessions.key(token)
                if known is None or over(known):
                    assert found is None
                else:
                    assert found is not None
                    assert found.id == known[1]
                    model.append((token, known[1], known[2], clock.now))
        assert len(sessions) == len(model) <= 5


def _key(name: str) -> Key:
    return Key(name, name, Scope.READ, None, None, "2026-01-01T00:00:00Z")


class _AllValid(Keys):
    """Keys that are all good."""

    def __init__(self, made: list[Key]) -> None:
        self._made = {key.id: key for key in made}

    def get(self, key_id: str) -> Key | None:
        return self._made.get(key_id)
