"""How often each key may ask."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import TooManyRequests
from service.host.rates import Allowance, RateLimiter, peer_of, require

STEPS = st.lists(
    st.tuples(st.floats(0, 90, allow_nan=False), st.sampled_from("ab")), min_size=1, max_size=80
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Bucket:
    """The slow and obvious one: tokens that are counted."""

    def __init__(self, size: int, now: float) -> None:
        self.size, self.tokens, self.then = size, float(size), now

    def take(self, now: float) -> bool:
        self.tokens = min(self.size, self.tokens + (now - self.then) * self.size / 60)
        self.then = now
        if self.tokens < 1 - 1e-6:
            return False
        self.tokens -= 1
        return True


@given(STEPS, st.integers(1, 20))
def test_it_grants_what_a_bucket_of_tokens_grants(
    steps: list[tuple[float, str]], per_minute: int
) -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    buckets = {who: Bucket(per_minute, clock.now) for who in "ab"}
    for wait, who in steps:
        clock.now += wait
        granted = buckets[who].take(clock.now)
        found = limiter.take(who, per_minute)
        tokens = buckets[who].tokens
        if min(tokens % 1, 1 - tokens % 1) < 1e-5:
            continue  # on the border, where rounding may go either way
        assert (found.retry_after is None) == granted
        assert found.remaining == int(tokens)
        assert found.reset == pytest.approx((per_minute - tokens) * 60 / per_minute, abs=1e-3)
        if found.retry_after is not None:
            assert 0 < found.retry_after <= 60 / per_minute + 1e-3


@given(st.integers(1, 600), st.integers(0, 50))
def test_whoever_comes_back_when_told_is_granted(per_minute: int, spent: int) -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    for _ in range(per_minute):
        assert limiter.take("a", per_minute).retry_after is None
    for _ in range(spent):
        clock.now += 0.001
        refused = limiter.take("a", per_minute)
        if refused.retry_after is not None:
            clock.now += refused.retry_after
            assert limiter.take("a", per_minute).retry_after is None


def test_one_key_takes_nothing_from_another() -> None:
    limiter = RateLimiter(Clock())
    assert [limiter.take("a", 2).remaining for _ in range(3)] == [1, 0, 0]
    assert limiter.take("a", 2).retry_after == pytest.approx(30)
    assert limiter.take("b", 2) == Allowance(2, 1, 30.0)


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 70, allow_nan=False)), max_size=80))
def test_memory_is_bounded_and_what_is_full_is_forgotten(steps: list[tuple[int, float]]) -> None:
    clock = Clock()
    limiter = RateLimiter(clock, most=5)
    for who, wait in steps:
        clock.now += wait
        limiter.take(str(who), 60)
        assert 1 <= len(limiter) <= 5
    clock.now += 3600
    limiter.take("another", 60)
    assert len(limiter) == 1


def test_threads_share_a_bucket_exactly() -> None:
    limiter = RateLimiter(Clock())
    granted: list[Allowance] = []

    def take() -> None:
        for _ in range(200):
            found = limiter.take("a", 500)
            if found.retry_after is None:
                granted.append(found)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found.remaining for found in granted) == list(range(500))


def test_the_headers_are_those_of_the_draft() -> None:
    assert Allowance(100, 41, 35.2).headers() == {
        "RateLimit-Policy": '"requests";q=100;w=60',
        "RateLimit": '"requests";r=41;t=36',
    }


def test_who_is_refused_is_told_the_limit_and_when_to_come_back() -> None:
    require(Allowance(1200, 3, 1.0), "this key")
    with pytest.raises(TooManyRequests) as error:
        require(Allowance(1200, 0, 60.0, 2.3), "this key")
    assert str(error.value) == "this key may make 1,200 requests a minute; try again in 3 s"
    assert error.value.retry_after == 2.3


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("testclient", "testclient"),
        (None, "unknown"),
    ],
)
def test_a_network_of_addresses_is_one_peer(address: str | None, peer: str) -> None:
    assert peer_of(address) == peer
