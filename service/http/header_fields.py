"""What the OpenAPI description says of the header fields that requests may have."""

from collections.abc import Collection
from typing import Any

from service.http.idempotent import PATTERN, keeps_replies


def _field(name: str, description: str, example: str, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", **schema},
        "example": example,
    }


_IDEMPOTENCY_KEY = _field(
    "Idempotency-Key",
    "A name of the client's choice for this write. Sent again with the same name within a day, it "
    "is not made again, and the first reply is given, with `Idempotent-Replayed: true`. 422 for "
    "another request under the same name, 409 while the first is being answered.",
    "8b1f6c1e-52f0-4f39-9df5-0f3c0f6f2a11",
    pattern=f"^{PATTERN}$",
)

# By the status that a response has where the field makes a difference.
_BY_STATUS = {
    "202": _field(
        "Prefer",
        "`wait=N`: how many seconds to wait for the job to be over, 60 at most.",
        "wait=30",
    ),
    "206": _field("Range", "The bytes that are wanted: one range of them.", "bytes=0-1023"),
    "304": _field(
        "If-None-Match",
        "The `ETag` of what the client has: 304 where it is still the same.",
        '"0f2c8f5d6f1e0b1c9d2a7e4b3c6f5a8d"',
    ),
    "412": _field(
        "If-Match",
        "The `ETag` of what the client takes it for: 412 where it is something else by now.",
        '"0f2c8f5d6f1e0b1c9d2a7e4b3c6f5a8d"',
    ),
}


def header_fields(method: str, address: str, statuses: Collection[str]) -> list[dict[str, Any]]:
    """The header fields that an operation minds; `statuses` are those of its responses."""
    found = [field for status, field in _BY_STATUS.items() if status in statuses]
    if keeps_replies(method, address):
        found.append(_IDEMPOTENCY_KEY)
    return found
