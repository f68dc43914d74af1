"""What many tests share: the bundled models, loaded once."""

import pytest

from index.embedding import OnnxEmbedder
from qa.reader import OnnxReader
from tests.paths import EMBEDDER, READER


@pytest.fixture(scope="session")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder(EMBEDDER)


@pytest.fixture(scope="session")
def reader() -> OnnxReader:
    return OnnxReader(READER)
