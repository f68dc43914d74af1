"""Which questions training never sees: those of one article in forty, the same for everyone."""

from collections.abc import Sequence
from hashlib import sha256

from qa.evaluation.labelled import LabelledQuestion

ONE_IN = 40


def held_out(article: str) -> bool:
    """Whether the questions about an article are kept for measuring; it depends on its name only.

    So it is the same article in every set that names it alike, whatever else is trained on.
    """
    return int(sha256(article.encode(errors="replace")).hexdigest(), 16) % ONE_IN == 0


def articles(questions: Sequence[LabelledQuestion]) -> list[str]:
    """The article that each question is about.

    It is the one that the question names; else its title, its text where the set has one title.
    """
    titled = len({question.title for question in questions}) > 1
    return [one.article or (one.title if titled else one.context) for one in questions]
