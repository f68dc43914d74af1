"""What many tests share: the bundled models, loaded once."""

import pytest
from hypothesis import settings

from index.embedding import OnnxEmbedder
from qa.reader import OnnxReader
from tests.paths import EMBEDDER, READER

# Fewer examples than the usual 100, for a check between two edits; `make test` takes the usual.
settings.register_profile("quick", max_examples=25)


@pytest.fixture(scope="session")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder(EMBEDDER)


@pytest.fixture(scope="session")
def reader() -> OnnxReader:
    return OnnxReader(READER)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Call bytes by their parameter: packed ones hold the time, and all workers need one name."""
    return argname if isinstance(val, bytes) and len(val) > 8 else None
