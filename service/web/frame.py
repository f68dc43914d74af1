"""What stands around every page: who looks, what they may do, and where else they can go."""

from dataclasses import dataclass

from service.host.collections import DEFAULT
from service.host.keys import Scope
from service.host.server import Server
from service.http.access import Access, Principal


@dataclass(frozen=True, slots=True)
class Frame:
    """Who looks at a page, and at what.

    `who` is the name of the key that is signed in, None where none is; `collections` are the names
    that it opens.
    """

    who: str | None
    may_write: bool
    is_admin: bool
    collection: str
    collections: tuple[str, ...]


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
