"""Sessions of the web page: a key that was shown once is remembered for a browser's while.

They are kept in memory only, so that whoever reads the disk finds none, and a server that starts
again has none.
"""

import hashlib
import secrets
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from service.host.keys import Key, Keys

IDLE_SECONDS = 8 * 3600
ABSOLUTE_SECONDS = 7 * 24 * 3600
MOST = 4096
MOST_OF_A_KEY = 64


@dataclass(slots=True)
class _Session:
    key_id: str
    opened: float
    used: float


class Sessions:
    """The open sessions; each has a token, of which only the digest is kept.

    A session ends when it was not used for `idle` seconds, `absolute` seconds after it was opened,
    and as soon as its key opens nothing any more. There are at most `most`, and `most_of_a_key` of
    one key; beyond that the one that was longest not used ends. Safe to use from several threads.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        idle: float = IDLE_SECONDS,
        absolute: float = ABSOLUTE_SECONDS,
        most: int = MOST,
        most_of_a_key: int = MOST_OF_A_KEY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._idle = idle
        self._absolute = absolute
        self._most = most
        self._most_of_a_key = most_of_a_key
        self._clock = clock
        # By digest, the one that was longest not used first.
        self._open: OrderedDict[str, _Session] = OrderedDict()
        self._of_key: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._open)

    def open(self, key: Key) -> str:
        """Open a session for a key: its token, 256 random bits, which cannot be had again."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        with self._lock:
            self._sweep(now)
            if self._of_key[key.id] >= self._most_of_a_key:
                self._end(next(it for it, one in self._open.items() if one.key_id == key.id))
            elif len(self._open) >= self._most:
                self._end(next(iter(self._open)))
            self._open[_digest(token)] = _Session(key.id, now, now)
            self._of_key[key.id] += 1
        return token

    def key(self, token: str) -> Key | None:
        """The key of the session with this token, if both are good; the session counts as used."""
        digest = _digest(token)
        now = self._clock()
        with self._lock:
            session = self._open.get(digest)
            if session is None:
                return None
            if self._is_over(session, now):
                self._end(digest)
                return None
            session.used = now
            self._open.move_to_end(digest)
        key = self._keys.get(session.key_id)
        if key is None:
            self.close(token)
        return key

    def close(self, token: str) -> None:
        """End the session with this token, if there is one."""
        with self._lock:
            digest = _digest(token)
            if digest in self._open:
                self._end(digest)

    def _is_over(self, session: _Session, now: float) -> bool:
        return now - session.used >= self._idle or now - session.opened >= self._absolute

    def _sweep(self, now: float) -> None:
        """End what is over, as far as the order of use shows it; the rest ends when it is used."""
        while self._open:
            digest, session = next(iter(self._open.items()))
            if not self._is_over(session, now):
                return
            self._end(digest)

    def _end(self, digest: str) -> None:
        session = self._open.pop(digest)
        self._of_key[session.key_id] -= 1
        if not self._of_key[session.key_id]:
            del self._of_key[session.key_id]


def _digest(token: str) -> str:
    # Looked up by digest: how long that takes says nothing of the tokens that there are.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
