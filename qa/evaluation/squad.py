"""How SQuAD compares answers: exact match, F1, and what "no answer" does to them; pure.

These are the definitions of SQuAD's own script, evaluate-v2.0.py (Rajpurkar, Jia and Liang, "Know
What You Don't Know", 2018), so that both give the same figures. Scores lie in [0, 1], where the
script has percent.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)

# With this threshold, a probability, nothing is withheld.
ALWAYS = 1.0


@dataclass(frozen=True, slots=True)
class Marked:
    """One question's answer against its labels: `exact` and `f1` are the best over the labels.

    `text` is what was found, whether or not it is held back; "" for nothing. `no_answer` is the
    probability that there is no answer.
    """

    text: str
    exact: float
    f1: float
    answerable: bool
    no_answer: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over questions: over all, those with an answer, those without; None over none."""

    exact: float
    f1: float
    has_answer_exact: float | None
    has_answer_f1: float | None
    no_answer: float | None


@dataclass(frozen=True, slots=True)
class Best:
    """The best mean that a threshold reaches; at it, or below, an answer is given."""

    score: float
    threshold: float


def normalized(text: str) -> str:
    """The text without case, ASCII punctuation, articles and runs of white space."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact(found: str, label: str) -> float:
    """1 where both are the same after normalising, else 0."""
    return float(normalized(found) == normalized(label))


def f1(found: str, label: str) -> float:
    """The harmonic mean of precision and recall over words, from 0 to 1.

    Where either has no word, 1 if neither has one.
    """
    ours, theirs = normalized(found).split(), normalized(label).split()
    if not ours or not theirs:
        return float(ours == theirs)
    same = (Counter(ours) & Counter(theirs)).total()
    return 2 * same / (len(ours) + len(theirs))


def mark(found: str, labels: Sequence[str], no_answer: float = 0.0) -> Marked:
    """Compare what was found with a question's labels; without labels it has no answer."""
    # The script leaves out labels that vanish, and takes "" for the label where none is left.
    compared = [label for label in labels if normalized(label)] or [""]
    return Marked(
        found,
        max(exact(found, label) for label in compared),
        max(f1(found, label) for label in compared),
        bool(labels),
        no_answer,
    )


def scores(marked: Sequence[Marked], threshold: float = ALWAYS) -> Scores:
    """The means where answers are held back whose `no_answer` is above the threshold."""
    pairs = [_withheld(one) if one.no_answer > threshold else (one.exact, one.f1) for one in marked]
    exacts, f1s = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    has = [place for place, one in enumerate(marked) if one.answerable]
    has_not = [place for place, one in enumerate(marked) if not one.answerable]
    return Scores(
        _mean(exacts) or 0.0,
        _mean(f1s) or 0.0,
        _mean([exacts[place] for place in has]),
        _mean([f1s[place] for place in has]),
        _mean([f1s[place] for place in has_not]),
    )


def best_exact(marked: Sequence[Marked]) -> Best:
    """The best exact match over all thresholds."""
    return _best(marked, [one.exact for one in marked])


def best_f1(marked: Sequence[Marked]) -> Best:
    """The best F1 over all thresholds."""
    return _best(marked, [one.f1 for one in marked])


def _withheld(one: Marked) -> tuple[float, float]:
    return float(not one.answerable), float(not one.answerable)


def _best(marked: Sequence[Marked], values: Sequence[float]) -> Best:
    """As `find_best_thresh` of the script: from nothing given to everything, surest first."""
    score: float = sum(not one.answerable for one in marked)
    best, threshold = score, 0.0
    for place in sorted(range(len(marked)), key=lambda place: marked[place].no_answer):
        one = marked[place]
        if one.answerable:
            score += values[place]
        elif one.text:
            score -= 1
        if score > best:
            best, threshold = score, one.no_answer
    return Best(best / len(marked) if marked else 0.0, threshold)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
