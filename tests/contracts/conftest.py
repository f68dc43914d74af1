"""The stores under test; and no test here fetches a model.

The library reads its setting once, when it is first imported.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.local_store import LocalStore
from index.store import (
    PassageStore,
)
from tests.contracts.stores import (
    FEW,
    SETTINGS,
    Make,
)
from tests.fakes.memory_store import MemoryStore

os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(
    params=["local", *(pytest.param(name, marks=pytest.mark.slow) for name in FEW), "memory"]
)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    opened: list[PassageStore] = []

    def make_store() -> PassageStore:
        store: PassageStore
        if request.param == "memory":
            store = MemoryStore(SETTINGS)
        else:
            store = LocalStore.create(
                tmp_path / f"index{len(opened)}", SETTINGS, sizes=FEW.get(request.param)
            )
        opened.append(store)
        return store

    yield make_store
    for store in opened:
        store.close()


@pytest.fixture
def store(make: Make) -> PassageStore:
    return make()
