"""Replies to writes, kept so that a write that is sent again is not made again."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from service.errors import Conflict
from service.host.state import State

# How long a reply is kept, in seconds, and how many for each key.
SECONDS = 24 * 3600
MOST_EACH = 1000


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A reply, and the digest of the request that it answers."""

    request: str
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


class Idempotency:
    """The replies to writes that came with an idempotency key. Safe to use from several threads.

    `who` is the id of the API key that a write came with, empty where none is asked for.
    """

    def __init__(self, state: State, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._clock = clock
        self._running: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        with state.transaction() as connection:
            connection.execute("DELETE FROM idempotency WHERE created_at < ?", (self._oldest(),))

    @contextmanager
    def alone(self, who: str, token: str) -> Iterator[None]:
        """Answer one request with this idempotency key in the block, and no other meanwhile.

        Raises:
            Conflict: one is being answered.
        """
        with self._lock:
            if (who, token) in self._running:
                raise Conflict(
                    "a request with this Idempotency-Key is being answered; send it again later"
                )
            self._running.add((who, token))
        try:
            yield
        finally:
            with self._lock:
                self._running.discard((who, token))

    def find(self, who: str, token: str) -> KeptReply | None:
        """The reply that is kept for this idempotency key, if one is."""
        rows = self._state.rows(
            "SELECT request, status, headers, body FROM idempotency "
            "WHERE who = ? AND token = ? AND created_at >= ?",
            who,
            token,
            self._oldest(),
        )
        if not rows:
            return None
        headers = [(str(name), str(value)) for name, value in json.loads(rows[0]["headers"])]
        return KeptReply(rows[0]["request"], rows[0]["status"], headers, rows[0]["body"])

    def keep(self, who: str, token: str, reply: KeptReply) -> None:
        """Keep a reply, on the disk when this returns; the oldest of the same key's go."""
        with self._state.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO idempotency (who, token, request, status, headers, body, "
                "created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    who,
                    token,
                    reply.request,
                    reply.status,
                    json.dumps(list(reply.headers)),
                    reply.body,
                    self._clock(),
                ),
            )
            connection.execute(
                "DELETE FROM idempotency WHERE who = ? AND (created_at < ? OR token IN "
                "(SELECT token FROM idempotency WHERE who = ? "
                "ORDER BY created_at DESC, token LIMIT -1 OFFSET ?))",
                (who, self._oldest(), who, MOST_EACH),
            )

    def _oldest(self) -> float:
        return self._clock() - SECONDS
