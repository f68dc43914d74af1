"""A reader that needs no model."""

import re
from collections.abc import Sequence

from qa.answers import Span
from qa.reader import Calibration, Reading

_NEAR = 8
_MOST_SPANS = 20
_MOST_WORDS = 64


class WordReader:
    """Answers with single words that stand near words of the question.

    A word's score is the number of the question's words within eight words of it, less half of all
    words of the question; so it is above zero where most of the question stands around the word,
    and scores compare across texts. Words of the question itself answer nothing.
    """

    name = "words"
    calibration = Calibration()

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        asked = set(re.findall(r"\w+", question.lower())[-_MOST_WORDS:])
        return [Reading(_spans(asked, text)) for text in texts]


def _spans(asked: set[str], text: str) -> tuple[Span, ...]:
    words = list(re.finditer(r"\w+", text))
    forms = [match[0].lower() for match in words]
    spans = []
    for place, match in enumerate(words):
        near = asked.intersection(forms[max(0, place - _NEAR) : place + _NEAR + 1])
        score = -len(asked) / 2 if forms[place] in asked else len(near) - len(asked) / 2
        spans.append(Span(match.start(), match.end(), score))
    return tuple(sorted(spans, key=lambda span: (-span.score, span.start))[:_MOST_SPANS])
