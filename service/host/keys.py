"""API keys: who may do what, in which collections.

A key is `pincite_<id>_<secret><check>`: the id, 12 hexadecimal digits, may be seen by anyone; the
secret is 256 random bits in 43 letters and digits; the check, 6 of them, is the CRC-32 of all that
stands before it. So a slip of the hand is told without a look at the keys, and what scans files
for secrets knows a key when it sees one: `pincite_[0-9a-f]{12}_[0-9A-Za-z]{49}`.
"""

import hashlib
import hmac
import json
import logging
import re
import secrets
import sqlite3
import string
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from index.errors import InvalidSettings, UnavailableIndex
from service.errors import UnknownKey
from service.host.state import State

MOST_NAME = 100

_PREFIX = "pincite"
_KEY = re.compile(r"pincite_([0-9a-f]{12})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})")
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET_DIGITS = 43
_CHECK_DIGITS = 6

# Compared with where no key has the id that was given, so that both cases do the same work.
_NO_DIGEST = hashlib.sha256(b"").hexdigest()

# When a key was last used is written down so often at most: a request shall not wait for a disk.
_USED_EVERY = timedelta(hours=1)

log = logging.getLogger(__name__)


class Scope(StrEnum):
    """What a key may do; each scope includes the ones before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def includes(self, other: "Scope") -> bool:
        """Whether whoever has this scope may do what `other` is needed for."""
        order = list(Scope)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key; the secret itself is not.

    `collections` names what it opens, None for all. `per_minute` is how many requests it may make
    in a minute, None for the server's default. Times are UTC, ISO 8601.
    """

    id: str
    name: str
    scope: Scope
    collections: frozenset[str] | None
    per_minute: int | None
    created_at: str
    expires_at: str | None = None
    last_used_at: str | None = None
    revoked_at: str | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether the key opens anything at this time."""
        expired = self.expires_at is not None and datetime.fromisoformat(self.expires_at) <= now
        return self.revoked_at is None and not expired


class Keys:
    """The keys of a server."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._any_made = False

    def any_made(self) -> bool:
        """Whether a key was ever made, whatever became of it since."""
        # No key is ever taken out, so that what was true once stays so.
        if not self._any_made:
            self._any_made = bool(self._state.rows("SELECT 1 FROM keys LIMIT 1"))
        return self._any_made

    def any_valid(self) -> bool:
        """Whether a key opens anything now."""
        now = datetime.now(UTC)
        return any(key.is_valid(now) for key in self.all())

    def create(
        self,
        name: str,
        scope: Scope,
        collections: Iterable[str] | None = None,
        *,
        per_minute: int | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[Key, str]:
        """Make a key: what is kept of it, and the key itself, which cannot be had again.

        `collections` None opens all, also those that are made later.

        Raises:
            InvalidSettings: the name is empty, too long or not on one line, no collection is
                opened, or the time is past or beyond all calendars.
        """
        opened = None if collections is None else frozenset(collections)
        _check(name, opened, per_minute, expires_at)
        key = Key(
            secrets.token_hex(6),
            name,
            scope,
            opened,
            per_minute,
            _stamp(datetime.now(UTC)),
            None if expires_at is None else _stamp(expires_at),
        )
        secret = _spelt(secrets.randbits(256), _SECRET_DIGITS)
        opens = None if key.collections is None else json.dumps(sorted(key.collections))
        with self._state.transaction() as connection:
            connection.execute(
                "INSERT INTO keys (id, name, digest, scope, collections, per_minute, created_at, "
                "expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    key.id,
                    name,
                    _digest(secret),
                    scope.value,
                    opens,
                    per_minute,
                    key.created_at,
                    key.expires_at,
                ),
            )
        whole = f"{_PREFIX}_{key.id}_{secret}"
        return key, whole + _check_digits(whole)

    def all(self) -> list[Key]:
        """All keys, also those that open nothing any more, oldest first."""
        rows = self._state.rows("SELECT * FROM keys ORDER BY number")
        return [_key(dict(row)) for row in rows]

    def revoke(self, key_id: str) -> None:
        """Let a key open nothing any more, from now on.

        Raises:
            UnknownKey: there is none with this id.
        """
        with self._state.transaction() as connection:
            changed = connection.execute(
                "UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?",
                (_stamp(datetime.now(UTC)), key_id),
            ).rowcount
        if not changed:
            raise UnknownKey(f"{key_id}: no key has this id; see: pincite keys list")

    def get(self, key_id: str) -> Key | None:
        """The key with this id, if it opens anything now; it counts as used."""
        rows = self._state.rows("SELECT * FROM keys WHERE id = ?", key_id)
        return self._used(_key(dict(rows[0]))) if rows else None

    def find(self, presented: str) -> Key | None:
        """The key that was presented, if it opens anything now; it counts as used.

        Compared in constant time, and an unknown id takes the same work as a wrong secret.
        """
        match = _KEY.fullmatch(presented) if is_well_formed(presented) else None
        key_id, secret = (match[1], match[2]) if match else ("", "")
        rows = self._state.rows("SELECT * FROM keys WHERE id = ?", key_id)
        digest = rows[0]["digest"] if rows else _NO_DIGEST
        same = hmac.compare_digest(_digest(secret), digest)
        return self._used(_key(dict(rows[0]))) if same and rows else None

    def _used(self, key: Key) -> Key | None:
        """The key, if it opens anything now, after its use was written down."""
        now = datetime.now(UTC)
        if not key.is_valid(now):
            return None
        last = key.last_used_at
        if last is None or now - datetime.fromisoformat(last) >= _USED_EVERY:
            try:
                with self._state.transaction() as connection:
                    connection.execute(
                        "UPDATE keys SET last_used_at = ? WHERE id = ?", (_stamp(now), key.id)
                    )
            except UnavailableIndex as error:
                # A full disk is no reason to answer no more questions.
                log.warning("the use of key %s could not be written down: %s", key.id, error)
        return key


def forget_collection(connection: sqlite3.Connection, name: str) -> None:
    """Within a transaction: let no key open a collection that is going away.

    So a later one of the same name is not opened by keys that were made for this one. A key that
    opens nothing else is revoked.
    """
    for key_id, opens in connection.execute(
        "SELECT id, collections FROM keys WHERE collections IS NOT NULL"
    ).fetchall():
        names = json.loads(opens)
        if name not in names:
            continue
        left = [one for one in names if one != name]
        connection.execute(
            "UPDATE keys SET collections = ? WHERE id = ?", (json.dumps(left), key_id)
        )
        if not left:
            connection.execute(
                "UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?",
                (_stamp(datetime.now(UTC)), key_id),
            )


def is_well_formed(presented: str) -> bool:
    """Whether something can be a key at all: none that was made has another form or check."""
    if not _KEY.fullmatch(presented):
        return False
    return _check_digits(presented[:-_CHECK_DIGITS]) == presented[-_CHECK_DIGITS:]


def _check(
    name: str,
    collections: frozenset[str] | None,
    per_minute: int | None,
    expires_at: datetime | None,
) -> None:
    if not name.strip() or len(name) > MOST_NAME or not name.isprintable():
        raise InvalidSettings(
            f"the name of a key: expected from 1 to {MOST_NAME} characters on one line"
        )
    if collections is not None and not collections:
        raise InvalidSettings("the key would open no collection; name one, or none to open all")
    if per_minute is not None and per_minute < 1:
        raise InvalidSettings(f"requests per minute: is {per_minute}, expected 1 or more")
    if expires_at is not None:
        try:
            utc = expires_at.astimezone(UTC)
        except OverflowError as error:
            raise InvalidSettings("the key would expire after the year 9999") from error
        if utc <= datetime.now(UTC):
            raise InvalidSettings("the key would have expired already; choose a time to come")


def _digest(secret: str) -> str:
    """The SHA-256 of a secret.

    A slow hash makes guessing dear where people choose secrets. 256 random bits cannot be guessed
    at any speed, and a slow hash for each request would be a way to keep the server busy.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def _check_digits(whole: str) -> str:
    return _spelt(zlib.crc32(whole.encode()), _CHECK_DIGITS)


def _spelt(number: int, digits: int) -> str:
    """A number in base 62."""
    found = ""
    for _ in range(digits):
        number, digit = divmod(number, len(_DIGITS))
        found = _DIGITS[digit] + found
    return found


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _key(row: dict[str, object]) -> Key:
    opens = row["collections"]
    return Key(
        id=str(row["id"]),
        name=str(row["name"]),
        scope=Scope(str(row["scope"])),
        collections=None if opens is None else frozenset(json.loads(str(opens))),
        per_minute=row["per_minute"],  # type: ignore[arg-type]
        created_at=str(row["created_at"]),
        expires_at=row["expires_at"],  # type: ignore[arg-type]
        last_used_at=row["last_used_at"],  # type: ignore[arg-type]
        revoked_at=row["revoked_at"],  # type: ignore[arg-type]
    )
