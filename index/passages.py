"""Cut a document into passages: on sentence borders, within a heading, of about equal length."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from index.documents import Document, Passage
from index.errors import InvalidSettings
from index.sentences import Range, sentences, trimmed

Tokenize = Callable[[Sequence[str]], list[list[Range]]]

# What a passage's context may hold; it is embedded with the passage and must leave it room.
CONTEXT_CHARACTERS = 160
_CONTEXT_TOKENS = 48
STEP = " > "

# A word the tokenizer does not know counts as one token however long it is.
_CHARACTERS_A_TOKEN = 12


@dataclass(frozen=True, slots=True)
class Splitter:
    """How documents are cut; stored with the index, since other passages need other vectors.

    `tokens` is the most a passage holds, `overlap` how many at most it shares with the one before.
    `version` changes with the algorithm.
    """

    tokens: int = 160
    overlap: int = 32
    version: int = 1

    def check(self, max_tokens: int) -> None:
        """Hold the settings against an embedder that takes `max_tokens` tokens into account.

        Raises:
            InvalidSettings: a passage would not fit, or the overlap leaves no room to go on.
        """
        most = max_tokens - _CONTEXT_TOKENS
        if not 16 <= self.tokens <= most:
            raise InvalidSettings(
                f"passages of {self.tokens} tokens do not work with this embedder; "
                f"choose from 16 to {most}"
            )
        if not 0 <= self.overlap <= self.tokens // 2:
            raise InvalidSettings(
                f"an overlap of {self.overlap} tokens does not work with passages of "
                f"{self.tokens}; choose from 0 to {self.tokens // 2}"
            )


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest stretch that is not cut any more: a sentence, or a piece of a very long one."""

    start: int
    end: int
    tokens: int


def split(document: Document, tokenize: Tokenize, splitter: Splitter) -> list[Passage]:
    """Cut a document into passages, in order.

    Each passage is `document.text[start:end]`, neither begins nor ends with white space, and
    together they hold every character that is not white space.
    """
    text = document.text
    passages = []
    for start, end in stretches(document):
        units = units_of(text, start, end, tokenize, splitter.tokens)
        context = context_at(document, start)
        for first, last in pack([unit.tokens for unit in units], splitter):
            begin, stop = units[first].start, units[last - 1].end
            passages.append(Passage(document.id, begin, stop, text[begin:stop], context))
    return passages


def text_in_context(passage: Passage) -> str:
    """What models are given of a passage: its context, if it has any, on a line above its text.

    The text begins `context_length(passage)` characters in.
    """
    return f"{passage.context}\n{passage.text}" if passage.context else passage.text


def context_length(passage: Passage) -> int:
    """How many characters stand before the text in `text_in_context(passage)`."""
    return len(passage.context) + 1 if passage.context else 0


def leading_headings(passage: Passage) -> int:
    """How many characters of a passage's text are the headings it begins with, gaps included."""
    headings = passage.context.split(STEP)
    position = 0
    while (gap := passage.text.find("\n\n", position)) >= 0:
        if passage.text[position:gap] not in headings:
            break
        position = gap + 2
    return position


def stretches(document: Document) -> Iterator[Range]:
    """The document cut at its headings; a heading without a body stays with what follows it."""
    position = 0
    for section in document.sections:
        if document.text[position : section.start].strip() and not _is_heading_only(
            document, position, section.start
        ):
            yield position, section.start
            position = section.start
    yield position, len(document.text)


def _is_heading_only(document: Document, start: int, end: int) -> bool:
    path = document.section_at(start)
    body = document.text[start:end]
    return bool(path) and "\n\n" not in body.strip() and len(body) <= len(path[-1]) + 8


def context_at(document: Document, start: int) -> str:
    """The title and the headings above `start`, each once.

    A title that is only the file's name says nothing of the content, and would make a renamed file
    another text to embed.
    """
    path = document.section_at(start)
    above = [*path] if document.title_from_name else [document.title, *path]
    distinct = [part for place, part in enumerate(above) if part and part not in above[:place]]
    return STEP.join(distinct)[-CONTEXT_CHARACTERS:].strip()


def units_of(text: str, start: int, end: int, tokenize: Tokenize, most: int) -> list[Unit]:
    """The units of `text[start:end]`, in order, none of more than `most` tokens."""
    ranges = sentences(text, start, end)
    units = []
    tokenized = tokenize([text[start:end] for start, end in ranges])
    for (begin, stop), tokens in zip(ranges, tokenized, strict=True):
        if len(tokens) <= most and stop - begin <= most * _CHARACTERS_A_TOKEN:
            units.append(Unit(begin, stop, max(1, len(tokens))))
        else:
            units.extend(_pieces(text, begin, stop, tokens, most))
    return units


def _pieces(text: str, start: int, end: int, tokens: Sequence[Range], most: int) -> Iterator[Unit]:
    """Cut a sentence that is too long into pieces, between words where it has any."""
    begin = start
    borders = [start + token[0] for token in tokens]
    first = 0
    while begin < end:
        limit = min(end, begin + most * _CHARACTERS_A_TOKEN)
        last = min(first + most, len(borders))
        if last < len(borders):
            limit = min(limit, borders[last])
        if limit < end:
            blank = max(text.rfind(" ", begin + 1, limit), text.rfind("\n", begin + 1, limit))
            if blank > begin + (limit - begin) // 2:
                limit = blank
        if limit <= begin:
            limit = min(end, begin + 1)
        used = first
        while used < len(borders) and borders[used] < limit:
            used += 1
        for left, right in trimmed(text, begin, limit):
            yield Unit(left, right, max(1, min(most, used - first)))
        begin, first = limit, used


def pack(tokens: Sequence[int], splitter: Splitter, shared: int = 0) -> Iterator[Range]:
    """Group units into passages of about equal length: ranges of positions in `tokens`.

    The first `shared` units belong to the passage before as well; they fit into the overlap.
    """
    total = sum(tokens)
    step = splitter.tokens - splitter.overlap
    count = 1 if total <= splitter.tokens else -(-(total - splitter.overlap) // step)
    target = -(-(total - splitter.overlap) // count) + splitter.overlap if count > 1 else total
    first = 0
    fresh = shared
    while fresh < len(tokens):
        last, size = fresh, sum(tokens[first:fresh])
        while last < len(tokens) and size + tokens[last] <= splitter.tokens and size < target:
            size += tokens[last]
            last += 1
        if last == fresh:
            # The overlap leaves no room for the next unit: begin with that unit instead.
            first = fresh
            continue
        yield first, last
        fresh = last
        first = overlap_start(tokens, first, last, splitter.overlap)


def overlap_start(tokens: Sequence[int], first: int, last: int, most: int) -> int:
    """The first of the closing units of `tokens[first:last]` that fit into `most` tokens.

    Never `first` itself, so that passages advance.
    """
    position, size = last, 0
    while position - 1 > first and size + tokens[position - 1] <= most:
        position -= 1
        size += tokens[position]
    return position
