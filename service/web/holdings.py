"""What a collection holds, as its pages tell: counted once for each state of it."""

from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

from service.engine import Engine

_lock = Lock()
_known: "WeakKeyDictionary[Engine, Holdings]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a collection holds, at one generation: how many documents, and of which types."""

    generation: int
    documents: int
    types: tuple[str, ...]


def holdings(engine: Engine) -> Holdings:
    """What a collection holds; counted once for each generation."""
    generation = engine.store.generation
    with _lock:
        known = _known.get(engine)
    if known is None or known.generation != generation:
        documents = engine.store.documents()
        types = tuple(sorted({document.media_type for document in documents}))
        known = Holdings(generation, len(documents), types)
        with _lock:
            _known[engine] = known
    return known
