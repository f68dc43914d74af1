"""Keys on the wire; a key itself is sent once, when it is made."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, Strict

from service.schemas.base import Sent, Text, Wire

MOST_NAMES = 1000

_ID = "The key's id, which is a part of the key and no secret."
_NAME = "What the key is called, to tell it from others."
_SCOPE = "What it may do: read; write, which includes read; admin, which includes both."
_COLLECTIONS = "The collections that it opens; null for all, also those made later."
_PER_MINUTE = "How many requests it may make in a minute; null for the server's default."
_EXPIRES = "When it opens nothing any more, UTC; null for never."

_EXAMPLE_ID = "3f9a61c0d2b7"
_EXAMPLE_NAME = "intranet search"
_EXAMPLE_TIME = "2026-03-02T09:14:07Z"


def _written(value: object) -> object:
    # A number could be seconds or milliseconds, since one year or another.
    if isinstance(value, int | float):
        raise ValueError("a time is written as in 2036-06-01T00:00:00Z")
    return value


ScopeName = Literal["read", "write", "admin"]


class KeyBody(Wire):
    """What is kept of a key."""

    id: str = Field(description=_ID, examples=[_EXAMPLE_ID])
    name: str = Field(description=_NAME, examples=[_EXAMPLE_NAME])
    scope: ScopeName = Field(description=_SCOPE, examples=["read"])
    collections: list[str] | None = Field(description=_COLLECTIONS, examples=[["default"]])
    per_minute: int | None = Field(description=_PER_MINUTE, examples=[120])
    state: Literal["valid", "expired", "revoked"] = Field(
        description="Whether it opens anything now, and if not, why.", examples=["valid"]
    )
    created_at: str = Field(description="When it was made, UTC.", examples=[_EXAMPLE_TIME])
    expires_at: str | None = Field(description=_EXPIRES, examples=["2026-06-01T00:00:00Z"])
    last_used_at: str | None = Field(
        description="When it was last used, UTC, to the hour or so; null for never.",
        examples=[_EXAMPLE_TIME],
    )
    revoked_at: str | None = Field(
        description="When it was revoked, UTC; null where it was not.", examples=[None]
    )


class MadeKeyBody(KeyBody):
    """A key that has just been made, with the key itself."""

    key: str = Field(
        description="The key itself, which is shown this once and cannot be had again.",
        examples=["pincite_3f9a61c0d2b7_..."],
    )


class KeysBody(Wire):
    """The keys of a server."""

    keys: list[KeyBody] = Field(
        description="Each key, also those that open nothing any more, oldest first."
    )


class KeyRequest(Sent):
    """A key to make."""

    name: Annotated[Text, Field(min_length=1, max_length=100)] = Field(
        description=_NAME, examples=[_EXAMPLE_NAME]
    )
    scope: ScopeName = Field(default="read", description=_SCOPE, examples=["read"])
    collections: list[Annotated[Text, Field(max_length=63)]] | None = Field(
        default=None,
        description=_COLLECTIONS,
        min_length=1,
        max_length=MOST_NAMES,
        examples=[["default"]],
    )
    per_minute: int | None = Field(
        default=None, description=_PER_MINUTE, ge=1, le=1_000_000, examples=[120]
    )
    expires_at: Annotated[AwareDatetime, Strict(False), BeforeValidator(_written)] | None = Field(
        default=None,
        description="When it shall open nothing any more, with its offset from UTC; null for "
        "never.",
        examples=["2036-06-01T00:00:00Z"],
    )
