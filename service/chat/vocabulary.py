"""What the prompt completes: commands, names of documents, words of their headings."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from index.errors import UnknownDocument
from index.store import DocumentSummary, PassageStore
from service.chat.lines import NAMES
from service.text import file_name, visible

MOST_OFFERED = 50

# Headings are taken from so many documents, words from them up to so many: it is for typing less.
_DOCUMENTS = 300
_WORDS = 20_000
_LONGEST = 60
_WORD = re.compile(r"[^\W_][\w'’-]{3,40}")
_TYPED = re.compile(r"[\w'’-]{2,}$")
_NAMED = re.compile(r"where\s+(path|uri|title|id)\s*(?:!=|=|~)(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What can be completed; `words` are in the order of their lower case.

    `names` holds for each key of a filter the values that it has.
    """

    words: tuple[str, ...] = ()
    names: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def completions(self, typed: str) -> list[tuple[str, int]]:
        """What may follow `typed`: each with how many characters at its end it takes the place of.

        At most `MOST_OFFERED`.
        """
        return list(islice(self._completions(typed), MOST_OFFERED))

    def _completions(self, typed: str) -> Iterator[tuple[str, int]]:
        line = typed.lstrip()
        named = _NAMED.fullmatch(line)
        if named is not None:
            begun = named[2].lstrip()
            values = dict(self.names).get(named[1].lower(), ())
            yield from ((value, len(begun)) for value in values if _continues(value, begun))
            return
        slashed = line.removeprefix("/")
        if " " not in slashed:
            yield from ((name, len(slashed)) for name in NAMES if _continues(name, slashed))
        found = _TYPED.search(line[-_LONGEST:])
        if found is not None:
            yield from ((word, len(found[0])) for word in self._words(found[0]))

    def _words(self, begun: str) -> Iterator[str]:
        wanted = begun.lower()
        for word in self.words[bisect_left(self.words, wanted, key=str.lower) :]:
            if not word.lower().startswith(wanted):
                return
            if len(word) > len(begun):
                yield word


def _continues(value: str, begun: str) -> bool:
    return value.lower().startswith(begun.lower()) and value != begun


def collect(
    store: PassageStore, base: Path, stopped: Callable[[], bool] = lambda: False
) -> Vocabulary:
    """The vocabulary of an index; paths below `base` are relative to it.

    Only what can be shown as it is. `stopped` tells that it is not needed any more.
    """
    documents = store.documents()
    words: dict[str, str] = {}
    for word in _words_of(documents, store, stopped):
        if len(words) >= _WORDS:
            break
        words.setdefault(word.lower(), word)
    return Vocabulary(
        tuple(words[key] for key in sorted(words)),
        (
            ("path", _safe(file_name(summary.uri, base) for summary in documents)),
            ("uri", _safe(summary.uri for summary in documents)),
            ("title", _safe(summary.title for summary in documents)),
            ("id", tuple(summary.id for summary in documents)),
        ),
    )


def _words_of(
    documents: Iterable[DocumentSummary], store: PassageStore, stopped: Callable[[], bool]
) -> Iterator[str]:
    for summary in documents:
        yield from _WORD.findall(summary.title)
    for summary in islice(documents, _DOCUMENTS):
        if stopped():
            return
        try:
            sections = store.document(summary.id).sections
        except UnknownDocument:
            continue  # It was removed meanwhile.
        for section in sections:
            for heading in section.path:
                yield from _WORD.findall(heading)


def _safe(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(value for value in values if value == visible(value))
