"""How often each key, or address, may ask: a bucket of tokens each, kept as one number.

The generic cell rate algorithm: of a bucket only the time is kept at which it will be full again.
One that is full is the same as none, so what is forgotten is what was not used for long.
"""

import ipaddress
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from service.errors import TooManyRequests

_MINUTE = 60.0

# A machine has a whole network of such addresses, and could come from another each time.
_NETWORK_BITS = 64


@dataclass(frozen=True, slots=True)
class Allowance:
    """What became of one request, and what is left.

    `limit` requests may be made in a minute, `remaining` at once; `reset` is in how many seconds
    all of them may be made again. `retry_after` is None where the request was granted, or else in
    how many seconds one would be.
    """

    limit: int
    remaining: int
    reset: float
    retry_after: float | None = None

    def headers(self) -> dict[str, str]:
        """The fields of the IETF's draft (draft-ietf-httpapi-ratelimit-headers-10)."""
        return {
            "RateLimit-Policy": f'"requests";q={self.limit};w={_MINUTE:.0f}',
            "RateLimit": f'"requests";r={self.remaining};t={math.ceil(self.reset)}',
        }


class RateLimiter:
    """Buckets by name; `most` are kept, and the one used longest ago goes first.

    Safe to use from several threads.
    """

    def __init__(self, clock: Callable[[], float] = monotonic, most: int = 10_000) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        # When each bucket will be full again.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        """How many buckets are kept."""
        return len(self._full_at)

    def take(self, who: str, per_minute: int) -> Allowance:
        """Take a token from `who`'s bucket, which holds `per_minute` and fills in a minute."""
        each = _MINUTE / per_minute
        with self._lock:
            now = self._clock()
            full_at = max(now, self._full_at.get(who, now)) + each
            short = full_at - now - _MINUTE
            # Sums of fractions are not exact: a token is there if all but a millionth of it is.
            if short > each * 1e-6:
                return Allowance(per_minute, 0, full_at - each - now, short)
            self._full_at[who] = full_at
            self._full_at.move_to_end(who)
            self._forget(now)
        remaining = int(-short / each + 1e-6)
        return Allowance(per_minute, remaining, full_at - now)

    def _forget(self, now: float) -> None:
        """Let go of the oldest bucket if it is full, and of those beyond the limit."""
        oldest = next(iter(self._full_at))
        while len(self._full_at) > self._most or self._full_at[oldest] <= now:
            del self._full_at[oldest]
            if not self._full_at:
                return
            oldest = next(iter(self._full_at))


def require(allowance: Allowance, whose: str) -> None:
    """Make sure that a request was granted; `whose` limit it is, is told.

    Raises:
        TooManyRequests: it was not.
    """
    if allowance.retry_after is not None:
        wait = math.ceil(allowance.retry_after)
        raise TooManyRequests(
            f"{whose} may make {allowance.limit:,} requests a minute; try again in {wait} s",
            allowance.retry_after,
        )


def peer_of(address: str | None) -> str:
    """Whose bucket the requests from an address take from: its own, or its network's with IPv6."""
    if address is None:
        return "unknown"
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(found), _NETWORK_BITS), strict=False))
    return str(found)
