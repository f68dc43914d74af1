"""A reader that needs no model."""

import re
from collections.abc import Sequence

from qa.answers import Span
from qa.calibration import Calibration
from qa.reader import Reading

_NEAR = 8
_MOST_SPANS = 20
_MOST_WORDS = 64


class WordReader:
    """Answers with single words that stand near words of the question.

    A word's score is the number of the question's words within eight words of it, less half of all
    words of the question, less a thousandth of their distances. So it is above zero where most of
    the question stands around the word, and scores compare across texts. Words of the question
    itself answer nothing.
    """

    name = "words"
    checksum = "0" * 64
    calibration = Calibration()

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        asked = set(re.findall(r"\w+", question.lower())[-_MOST_WORDS:])
        return [Reading(_spans(asked, text)) for text in texts]


def _spans(asked: set[str], text: str) -> tuple[Span, ...]:
    words = list(re.finditer(r"\w+", text))
    forms = [match[0].lower() for match in words]
    spans = []
    for place, match in enumerate(words):
        distances: dict[str, int] = {}
        if forms[place] not in asked:
            for other in range(max(0, place - _NEAR), min(len(words), place + _NEAR + 1)):
                if forms[other] in asked:
                    distance = abs(other - place)
                    distances[forms[other]] = min(distance, distances.get(forms[other], distance))
        score = len(distances) - len(asked) / 2 - sum(distances.values()) / 1000
        spans.append(Span(match.start(), match.end(), score))
    return tuple(sorted(spans, key=lambda span: (-span.score, span.start))[:_MOST_SPANS])
