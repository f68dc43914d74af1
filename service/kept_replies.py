"""Replies kept for a question that is put again, as long as the index is as it was."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace

from qa.answers import Citation, Options, Reply

MOST_REPLIES = 128
MOST_CHARACTERS = 2_000_000

# What a box, or the fixed part of a citation, takes in place of so many characters.
_BOX = 100


class KeptReplies:
    """The replies used last, all of one generation of one index. Safe to use from several threads.

    At most `replies` of them, which together hold at most `characters` characters.
    """

    def __init__(self, replies: int = MOST_REPLIES, characters: int = MOST_CHARACTERS) -> None:
        self._most_replies = replies
        self._most_characters = characters
        self._generation = -1
        self._characters = 0
        self._kept: OrderedDict[Hashable, tuple[Reply, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, generation: int, question: str, options: Options) -> Reply | None:
        """The reply that was kept for this question at this generation, if it still is."""
        key = _key(question, options)
        with self._lock:
            self._come_to(generation)
            if generation != self._generation or key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def keep(self, generation: int, options: Options, reply: Reply) -> None:
        """Keep a reply that was made at this generation from its beginning to its end."""
        size = _characters(reply)
        key = _key(reply.question, options)
        with self._lock:
            self._come_to(generation)
            if generation != self._generation or size > self._most_characters:
                return
            if key in self._kept:
                self._characters -= self._kept.pop(key)[1]
            self._kept[key] = reply, size
            self._characters += size
            while len(self._kept) > self._most_replies or self._characters > self._most_characters:
                _, (_, gone) = self._kept.popitem(last=False)
                self._characters -= gone

    def _come_to(self, generation: int) -> None:
        """Forget what is older: it can never be asked for, and may hold what was removed."""
        if generation > self._generation:
            self._generation = generation
            self._kept.clear()
            self._characters = 0


def _key(question: str, options: Options) -> Hashable:
    within = None if options.within is None else frozenset(options.within)
    return question, replace(options, within=within)


def _characters(reply: Reply) -> int:
    """About how many characters a reply holds."""
    passages = [one for hit in reply.hits for one in (hit.passage, *hit.duplicates)]
    citations = [one for answer in reply.answers for one in (answer.citation, *answer.also_at)]
    return (
        len(reply.question)
        + sum(len(passage.text) + len(passage.context) for passage in passages)
        + sum(len(answer.sentence) for answer in reply.answers)
        + sum(_of_citation(citation) for citation in citations)
    )


def _of_citation(citation: Citation) -> int:
    headings = sum(len(heading) for heading in citation.section)
    fixed = len(citation.uri) + len(citation.title) + _BOX
    return fixed + headings + len(citation.text) + _BOX * len(citation.boxes)
