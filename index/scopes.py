"""Which documents a question is put to, found without reading more of them than is asked about."""

import json
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np

from index.catalog import Catalog
from index.contents import folded, unfolded
from index.filters import OF_DOCUMENTS, OF_PLACES, Condition, Filter
from index.full_text import Scope
from index.postings import Ids

_MOST_KEPT = 16


class Scopes:
    """Keeps what was found for the generation that was asked for last.

    Not safe for use by several threads at once.
    """

    def __init__(self) -> None:
        self._generation = -1
        self._fitting: OrderedDict[Condition, Ids] = OrderedDict()
        self._scopes: OrderedDict[tuple[frozenset[str] | None, Filter], Scope] = OrderedDict()

    def find(self, catalog: Catalog, within: Collection[str] | None, where: Filter) -> Scope | None:
        """The documents with these ids that fit; None for all documents.

        Runs inside a transaction that the caller opened.
        """
        if within is None and not where:
            return None
        if catalog.generation != self._generation:
            self._fitting.clear()
            self._scopes.clear()
            self._generation = catalog.generation
        key = None if within is None else frozenset(within), where
        scope = self._scopes.get(key)
        if scope is None:
            scope = self._scopes[key] = Scope(self._documents(catalog, *key))
        _use(self._scopes, key)
        return scope

    def _documents(self, catalog: Catalog, within: frozenset[str] | None, where: Filter) -> Ids:
        found = None if within is None else _named(catalog, within)
        for condition in where.conditions:
            if condition not in self._fitting:
                self._fitting[condition] = fitting(catalog, condition)
            fit = self._fitting[condition]
            found = fit if found is None else np.intersect1d(found, fit, assume_unique=True)
            _use(self._fitting, condition)
        if found is None:
            raise ValueError("neither ids nor conditions were given")
        return found


def _use(kept: OrderedDict[Any, Any], key: object) -> None:
    """Take note that an entry was used, and let go of what was not for the longest time."""
    kept.move_to_end(key)
    while len(kept) > _MOST_KEPT:
        kept.popitem(last=False)


def fitting(catalog: Catalog, condition: Condition) -> Ids:
    """The numbers of the documents that a condition holds for, int64, ascending.

    Runs inside a transaction that the caller opened.
    """
    found = _numbers(
        {
            *_by_place(catalog, condition),
            *_by_itself(catalog, condition),
            *_by_metadata(catalog, condition),
        }
    )
    if condition.is_negative:
        everything = _numbers(number for (number,) in catalog.query("SELECT number FROM documents"))
        return np.setdiff1d(everything, found, assume_unique=True)
    return found


def _named(catalog: Catalog, ids: Collection[str]) -> Ids:
    rows = catalog.query(
        "SELECT number FROM documents WHERE id IN (SELECT value FROM json_each(?))",
        json.dumps(list(ids)),
    )
    return _numbers(number for (number,) in rows)


def _by_place(catalog: Catalog, condition: Condition) -> Iterator[int]:
    value_of = OF_PLACES.get(condition.key.casefold())
    if value_of is not None:
        for number, uri in catalog.query("SELECT document, uri FROM places"):
            if condition.finds(value_of(uri)):
                yield number


def _by_itself(catalog: Catalog, condition: Condition) -> Iterator[int]:
    key = condition.key.casefold()
    if key in OF_DOCUMENTS:
        column, values_of = OF_DOCUMENTS[key]
        found: dict[object, bool] = {}
        for number, value in catalog.query(f"SELECT number, {column} FROM documents"):  # noqa: S608
            if value not in found:
                found[value] = any(map(condition.finds, values_of(value)))
            if found[value]:
                yield number


def _by_metadata(catalog: Catalog, condition: Condition) -> Iterator[int]:
    last, fits = None, False
    for value, number in catalog.query(
        "SELECT value, document FROM properties WHERE key = ? ORDER BY value", folded(condition.key)
    ):
        if value != last:
            last, fits = value, condition.finds(unfolded(value))
        if fits:
            yield number


def _numbers(numbers: Iterable[int]) -> Ids:
    return np.sort(np.fromiter(numbers, dtype=np.int64))
