"""What many tests share: the bundled models, loaded once; and a log that each leaves as it was."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import settings

from index.embedding import OnnxEmbedder
from qa.reader import OnnxReader
from tests.paths import EMBEDDER, READER

# How long an example takes says nothing on a busy machine.
settings.register_profile("usual", deadline=None)
settings.load_profile("usual")
# Fewer examples than the usual 100, for a check between two edits; `make test` takes the usual.
settings.register_profile("quick", max_examples=10, deadline=None)


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """A command that sets up its log in this process must not write the next test's."""
    from service.observing.logs import OURS, Json, Plain

    loggers = [logging.getLogger(name) for name in ("", *OURS, "faiss", "mcp")]
    levels = [logger.level for logger in loggers]
    yield
    for handler in loggers[0].handlers[:]:
        if isinstance(handler.formatter, (Json, Plain)):
            loggers[0].removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture(scope="session")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder(EMBEDDER)


@pytest.fixture(scope="session")
def reader() -> OnnxReader:
    return OnnxReader(READER)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Call bytes by their parameter: packed ones hold the time, and all workers need one name."""
    return argname if isinstance(val, bytes) and len(val) > 8 else None
