"""Chromium, and servers of their own on the sample documents."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Browse, Browsing, chromium, launched
from playwright.sync_api import Browser, expect
from serving import Served, command, serving

from tests.paths import SEEDS

# Models run beside the browser, on as few cores as there are.
expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here takes its time, and needs a browser."""
    here = Path(__file__).parent
    missing = pytest.mark.skip(reason="no chromium here; install it: apt-get install chromium")
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)
            if chromium() is None:
                item.add_marker(missing)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, for all tests of a worker."""
    with launched() as browser:
        yield browser


@pytest.fixture
def browse(browser: Browser) -> Iterator[Browse]:
    """Opens windows of a person's own; at the end, nothing in them may have gone wrong."""
    opened: list[Browsing] = []

    def browse(**options: object) -> Browsing:
        opened.append(Browsing(browser, **options))
        return opened[-1]

    yield browse
    for one in opened:
        one.close()
    for one in opened:
        assert one.wrong == []


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the sample documents; not to be changed."""
    index = tmp_path_factory.mktemp("seeded") / "index"
    command("index", "--index", str(index), str(SEEDS))
    return index


@pytest.fixture(scope="session")
def standing(seeded: Path) -> Iterator[Served]:
    """A server on the sample documents, which no test changes."""
    with serving(seeded) as served:
        yield served


@pytest.fixture
def copied(seeded: Path, tmp_path: Path) -> Path:
    """A copy of the index of the sample documents, to be changed; without a server's folder."""
    index = tmp_path / "index"
    shutil.copytree(seeded, index, ignore=shutil.ignore_patterns("server", "*.log"))
    return index


@pytest.fixture
def own(copied: Path) -> Iterator[Served]:
    """A server on a copy of the sample documents, which a test may change."""
    with serving(copied) as served:
        yield served
