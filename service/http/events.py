"""Server-sent events, as they are written."""

from collections.abc import AsyncIterator, Mapping

from fastapi.responses import StreamingResponse

from service.http.negotiation import EVENTS

_STREAMED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event(name: str, data: str) -> str:
    """An event with some JSON."""
    # Our JSON has no line ends but within its texts, where they are escaped.
    return f"event: {name}\ndata: {data}\n\n"


def event_stream(
    events: AsyncIterator[str], headers: Mapping[str, str] | None = None
) -> StreamingResponse:
    """A response that sends events as they are made."""
    return StreamingResponse(events, headers={**_STREAMED, **(headers or {})}, media_type=EVENTS)
