"""What stands around every page: who looks, what they may do, and where else they can go."""

from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

from service.engine import Engine
from service.host.collections import DEFAULT
from service.host.keys import Scope
from service.host.server import Server
from service.http.access import Access, Principal

_lock = Lock()
_known: "WeakKeyDictionary[Engine, Holdings]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Frame:
    """Who looks at a page, and at what.

    `who` is the name of the key that is signed in, None where none is; `collections` are the names
    that it opens.
    """

    who: str | None = None
    may_write: bool = False
    is_admin: bool = False
    collection: str = DEFAULT
    collections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a collection holds, at one generation: how many documents, and of which types."""

    generation: int
    documents: int
    types: tuple[str, ...]


def frame(principal: Principal, server: Server, collection: str = DEFAULT) -> Frame:
    """The frame of a page for whoever looks at it."""
    return Frame(
        who=None if principal.key_id is None else principal.name,
        may_write=principal.scope.includes(Scope.WRITE),
        is_admin=principal.scope.includes(Scope.ADMIN),
        collection=collection,
        collections=tuple(name for name in server.collections.names() if principal.opens(name)),
    )


def frame_of(access: Access) -> Frame:
    """The frame of a page about a collection."""
    return frame(access.principal, access.server, access.collection.name)


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
