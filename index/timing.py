"""How long the stages of work take, told to whoever listens; nobody does unless asked to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

# Told a stage's name and the seconds that it took, as it ends.
Took = Callable[[str, float], None]

_listener: ContextVar[Took | None] = ContextVar("took", default=None)


@contextmanager
def listening(listener: Took) -> Iterator[None]:
    """Have a listener told of the stages that end in this context meanwhile."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def took(stage: str, seconds: float) -> None:
    """Tell of a stage that has just ended."""
    listener = _listener.get()
    if listener is not None:
        listener(stage, seconds)


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Tell how long the block took, also where it failed."""
    began = perf_counter()
    try:
        yield
    finally:
        took(stage, perf_counter() - began)
