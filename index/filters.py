"""Which documents a question is put to: conditions on what is known of a document; pure.

A condition is a key, an operator and a value, such as `language=de`, `date>=2024-05` or
`path~contracts/*.pdf`. It holds for a document

- with `=` where a value of the key equals the one given, with `!=` where none does, so also where
  there is no such key;
- with `>=` or `<=` where a value is not less, or not more: numbers as numbers, anything else in the
  order of its characters, which is that of ISO dates; a date counts as far as the one given goes,
  so that `date<=2024-05` takes in all of May;
- with `~` where a value fits the pattern, in which `*` stands for anything, `?` for one character
  and `[abc]` for one of these.

Keys are `path`, `uri`, `title`, `type`, `id`, `added`, `pages`, `characters` and every key of the
metadata. `path` and `uri` are those of all places of a document; a VALUE for `path` that does not
begin with `/` or `*` is a path from any folder on. `type` is the media type and also each ending
that files of it have. Upper and lower case are the same.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import translate
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_to_bytes

from index.errors import InvalidFilter
from index.files import uri_path

if TYPE_CHECKING:  # the database is not needed to read conditions
    from index.store import DocumentSummary

# Blanks around key and value are taken off afterwards: to look for them here takes time that grows
# with the cube of their number.
_CONDITION = re.compile(r"([^=!<>~]*)(!=|>=|<=|=|~)(.*)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?[0-9]{1,100}(?:\.[0-9]{1,100})?")
_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}.*)?)?", re.DOTALL)

MOST_CHARACTERS = 1_000


@dataclass(frozen=True)
class Condition:
    """One condition on a document; see the module for what `operator` may be and means."""

    key: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.key}{self.operator}{self.value}"

    def fits(self, document: "DocumentSummary") -> bool:
        """Whether it holds for a document."""
        found = any(map(self.finds, _values(self.key, document)))
        return not found if self.is_negative else found

    @property
    def is_negative(self) -> bool:
        """Whether it holds for the documents of which no value is found."""
        return self.operator == "!="

    @cached_property
    def finds(self) -> Callable[[str], bool]:
        """Whether a value of the key, in any case, is one that is looked for."""
        test = self._test()
        return lambda value: test(value.casefold())

    def _test(self) -> Callable[[str], bool]:
        wanted = self.value.casefold()
        from_any_folder = self.key.casefold() == "path" and not wanted.startswith(("/", "*"))
        if self.operator == "~":
            fits = re.compile(translate(f"*/{wanted}" if from_any_folder else wanted)).match
            return lambda value: fits(f"/{value}" if from_any_folder else value) is not None
        if self.operator == ">=":
            return lambda value: _compared(value, wanted) >= 0
        if self.operator == "<=":
            return lambda value: _compared(value, wanted) <= 0
        if from_any_folder:
            return lambda value: f"/{value}".endswith(f"/{wanted}")
        return lambda value: value == wanted or _equal_numbers(value, wanted)


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that must all hold; without any, every document fits."""

    conditions: tuple[Condition, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.conditions)

    def __str__(self) -> str:
        return ", ".join(map(str, self.conditions))

    def fits(self, document: "DocumentSummary") -> bool:
        """Whether all conditions hold for a document."""
        return all(condition.fits(document) for condition in self.conditions)

    def select(self, documents: "Iterable[DocumentSummary]") -> "list[DocumentSummary]":
        """The documents that fit, in the order given."""
        return [document for document in documents if self.fits(document)]


EVERYTHING = Filter()


def parse(texts: Sequence[str]) -> Filter:
    """The filter that these conditions make together.

    Raises:
        InvalidFilter: one of them is no condition.
    """
    return Filter(tuple(_condition(text) for text in texts))


def _condition(text: str) -> Condition:
    if len(text) > MOST_CHARACTERS:
        raise InvalidFilter(
            f"a filter has {len(text):,} characters, at most {MOST_CHARACTERS:,} are taken; "
            "shorten it"
        )
    found = _CONDITION.fullmatch(text)
    if found is None or not found[1].strip():
        raise InvalidFilter(
            f"the filter {text!r} is not understood; write KEY=VALUE, KEY!=VALUE, KEY>=VALUE, "
            "KEY<=VALUE or KEY~PATTERN"
        )
    key, operator, value = found[1].strip(), found[2], found[3].strip()
    if not value:
        raise InvalidFilter(f"the filter {text!r} has nothing after {operator}; give it a value")
    return Condition(key, operator, value)


def _values(key: str, document: "DocumentSummary") -> Iterator[str]:
    """What is known of a document under a key."""
    wanted = key.casefold()
    if wanted in OF_PLACES:
        yield from map(OF_PLACES[wanted], (document.uri, *document.copies))
    if wanted in OF_DOCUMENTS:
        name, values = OF_DOCUMENTS[wanted]
        yield from values(getattr(document, name))
    for name, value in document.metadata.items():
        if name.casefold() == wanted:
            yield value


# In a file URI without these there are only escapes to be undone, which is quicker than to take it
# apart.
_UNUSUAL = re.compile(r"//|/\.|/$|[?#\t\r\n]|%2[ef]", re.IGNORECASE)
_FILE = "file://"


def _path(uri: str) -> str:
    if uri.startswith(f"{_FILE}/") and os.name != "nt" and not _UNUSUAL.search(uri, len(_FILE)):
        return os.fsdecode(unquote_to_bytes(uri[len(_FILE) :]))
    path = uri_path(uri)
    return unquote(uri) if path is None else path.as_posix()


def _endings(media_type: str) -> list[str]:
    from index.extract.formats import SUPPORTED

    return [suffix.removeprefix(".") for suffix in SUPPORTED.get(media_type, ())]


def _types(media_type: str) -> list[str]:
    return [media_type, *_endings(media_type)]


def _itself(value: object) -> list[str]:
    return [str(value)]


OF_PLACES: Mapping[str, Callable[[str], str]] = {"uri": str, "path": _path}
"""The keys that a document has of its places, and what the value is for a place's URI."""

OF_DOCUMENTS: Mapping[str, tuple[str, Callable[[Any], list[str]]]] = {
    "type": ("media_type", _types),
    "title": ("title", _itself),
    "id": ("id", _itself),
    "added": ("added_at", _itself),
    "pages": ("pages", _itself),
    "characters": ("characters", _itself),
}
"""The keys that a document has by itself: what of a `DocumentSummary`, and its values."""


def _compared(value: str, bound: str) -> int:
    """Whether `value` is less than (-1), as much as (0) or more than (1) `bound`."""
    if _NUMBER.fullmatch(value) and _NUMBER.fullmatch(bound):
        return int(Decimal(value).compare(Decimal(bound)))
    if _DATE.fullmatch(value) and _DATE.fullmatch(bound):
        value = value[: len(bound)]
    return (value > bound) - (value < bound)


def _equal_numbers(value: str, wanted: str) -> bool:
    return (
        _NUMBER.fullmatch(value) is not None
        and _NUMBER.fullmatch(wanted) is not None
        and Decimal(value) == Decimal(wanted)
    )
