"""From a labelled question to what a reader is shown for it: passages with and without the answer.

Passages are cut as an index cuts them, so that what is trained on is what will be read.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from index.documents import Passage
from index.passages import Splitter, Tokenize, context_length, split, text_in_context
from index.sentences import Range
from qa.evaluation.labelled import LabelledQuestion
from qa.evaluation.squad import normalized
from qa.training.mining import Text, document_of

# Passages of so many tokens at most, one size a question: the lengths that indexes are made with,
# and shorter ones, which cost less and hold the question to fewer places.
SIZES = (64, 96, 128, 160)

# Titles stand above passages in some indexes and not in others.
_TITLED_SHARE = 0.5

# How often a passage of the same text that lacks the answer is shown beside it.
_BESIDE_SHARE = 0.35

_WORD = re.compile(r"\w+")

# So many texts are kept cut; a set's questions about one text are drawn far apart.
_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class Example:
    """A question with a text to read for it.

    `answers` are half-open ranges of code points of `text`, none where it holds no answer; what
    stands before `begin` is read and not quoted.
    """

    question: str
    text: str
    begin: int
    answers: tuple[Range, ...] = ()


class Examples:
    """Makes examples of questions, by chance, the same for the same number.

    `near` gives the passages that a question finds in an index of all texts, None for no index;
    they are asked for `mined_share` of the questions.
    """

    def __init__(
        self,
        tokenize: Tokenize,
        near: Callable[[str], list[Passage]] | None,
        mined_share: float,
        seed: int,
    ) -> None:
        self._near = near
        self._mined_share = mined_share
        self._seed = seed

        @lru_cache(maxsize=_KEPT)
        def cut(text: Text, size: int) -> list[Passage]:
            return split(document_of(text), tokenize, Splitter(tokens=size, overlap=size // 5))

        self._cut = cut

    def of(self, question: LabelledQuestion, title: str, number: int) -> list[Example]:
        """The passages shown for a question: the one with the answer first, if there is one.

        `title` is what the text is about, "" where nothing is known. At least one.
        """
        chance = random.Random(f"{self._seed}/example/{number}")
        if chance.random() >= _TITLED_SHARE:
            title = ""
        text = Text(title, question.context)
        size = chance.choice(SIZES)
        passages = self._cut(text, size)
        ranges = answer_ranges(question)
        mined = chance.random() < self._mined_share
        beside = chance.random() < _BESIDE_SHARE
        if not ranges:
            return [_example(question, hardest(question.question, passages))]
        holding = [one for one in passages if any(_inside(one, answer) for answer in ranges)]
        chosen = chance.choice(holding) if holding else _around(text, passages, ranges)
        found = [_example(question, chosen, ranges)]
        others = [one for one in passages if _lacks(one, question, ranges)]
        if beside and others:
            found.append(_example(question, hardest(question.question, others)))
        if mined and self._near is not None:
            found += self._misleading(question, title, size)
        return found

    def _misleading(self, question: LabelledQuestion, title: str, size: int) -> list[Example]:
        """The first passage of another text that lacks the answers' words, if there is one."""
        assert self._near is not None  # noqa: S101 - the caller looked
        for found in self._near(question.question):
            if found.text in question.context:
                continue
            above = found.context if title else ""
            parts = self._cut(Text(above, found.text), size)
            part = hardest(question.question, parts)
            if _lacks(part, question):
                return [_example(question, part)]
        return []


def answer_ranges(question: LabelledQuestion) -> tuple[Range, ...]:
    """Where a question's answers stand in its context, each once, in order."""
    pairs = zip(question.starts, question.answers, strict=True)
    return tuple(sorted({(start, start + len(text)) for start, text in pairs}))


def hardest(question: str, passages: Sequence[Passage]) -> Passage:
    """The passage that shares the most words with a question; the first of several."""
    words = set(_WORD.findall(question.lower()))
    return max(passages, key=lambda one: len(words.intersection(_WORD.findall(one.text.lower()))))


def _inside(passage: Passage, answer: Range) -> bool:
    return passage.start <= answer[0] and answer[1] <= passage.end


def _around(text: Text, passages: Sequence[Passage], ranges: Sequence[Range]) -> Passage:
    """The passage in which the first answer begins, made longer so that it holds all of it."""
    start, end = ranges[0]
    holding = next((one for one in passages if one.start <= start < one.end), passages[0])
    begin, stop = min(holding.start, start), max(holding.end, end)
    return Passage(holding.document_id, begin, stop, text.text[begin:stop], holding.context)


def _lacks(passage: Passage, question: LabelledQuestion, ranges: Sequence[Range] = ()) -> bool:
    """Whether a passage neither overlaps the answers nor has their words anywhere."""
    if any(passage.start < end and start < passage.end for start, end in ranges):
        return False
    said = f" {normalized(passage.text)} "
    return not any(f" {normalized(answer)} " in said for answer in question.answers)


def _example(question: LabelledQuestion, passage: Passage, ranges: Sequence[Range] = ()) -> Example:
    shift = context_length(passage)
    return Example(
        question.question,
        text_in_context(passage),
        shift,
        tuple(
            (start - passage.start + shift, end - passage.start + shift)
            for start, end in ranges
            if _inside(passage, (start, end))
        ),
    )


def title_of(question: LabelledQuestion, *, titled: bool) -> str:
    """What a question's text is about, as a person would write it; "" where nothing is known."""
    return " ".join(question.title.replace("_", " ").split()) if titled else ""
