"""The collection that a page's address names in its path."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Path, Request

from service.host.keys import Scope
from service.http.access import Access, Asking, Needs

_read = Needs(Scope.READ)


def _in_path(
    request: Request, asking: Asking, collection: Annotated[str, Path(max_length=63)]
) -> Iterator[Access]:
    yield from _read(request, asking, collection)


PathAccess = Annotated[Access, Depends(_in_path)]
