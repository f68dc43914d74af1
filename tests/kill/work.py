"""What is killed: one long piece of work on an index, with an embedder that needs no model.

    python tests/kill/work.py sync|watch|reindex INDEX FOLDER [TOKENS]

It says "ready" before it begins and "done" when it has.
"""

import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from index.errors import NoIndex
from index.extract.source import Limits
from index.files import scan
from index.indexing import Indexer
from index.local_store import LocalStore
from index.passages import Splitter
from index.reindex import reindex
from index.sandbox.workers import Extractor, WorkerPool
from index.store import IndexSettings
from index.watch import updates
from tests.fakes.hash_embedder import HashEmbedder

TOKENS = (40, 56)


def splitter(tokens: int) -> Splitter:
    """The splitter with passages of so many tokens."""
    return Splitter(tokens, tokens // 5)


def opened(index: Path) -> LocalStore:
    """The index, made if there is none."""
    try:
        return LocalStore.open(index)
    except NoIndex:
        return LocalStore.create(index, IndexSettings(HashEmbedder().identity, splitter(TOKENS[0])))


def synced(store: LocalStore, folder: Path, extractor: Extractor) -> None:
    """Bring the index in step with the folder."""
    settings = store.settings
    indexer = Indexer(store, HashEmbedder(), settings.splitter, extractor)
    for _ in indexer.sync(scan([str(folder)], store.folder)):
        pass
    store.save_vectors()


def main(action: str, index: Path, folder: Path, tokens: int) -> None:
    """Work; see the module."""
    print("ready", flush=True)
    store = opened(index)
    if action == "reindex":
        reindex(store, HashEmbedder(), splitter(tokens))
    else:
        pool = WorkerPool(Limits(), 2)
        if action == "sync":
            synced(store, folder, pool)
        else:
            for _ in updates([folder], threading.Event(), index=index, sweep=5, settle=0.1):
                synced(store, folder, pool)
        pool.close()
    store.close()
    print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int((*sys.argv, "0")[4]))
