"""From the spans of all passages to a ranking of distinct answers; pure."""

import re
import string
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.documents import Hit
from qa.reader import Reading

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation + "“”‘’«»„…–—")


@dataclass(frozen=True, slots=True)
class Quote:
    """A span with its place in the document: `document.text[start:end] == text`.

    It was read in the passage of `hit`. `span_score` is the span's, in logits; `score` is that plus
    a share of its passage's. For both, higher is better.
    """

    document_id: str
    start: int
    end: int
    text: str
    score: float
    span_score: float
    hit: Hit

    def overlaps(self, other: "Quote") -> bool:
        """Whether both share a character of one document."""
        return (
            self.document_id == other.document_id
            and self.start < other.end
            and other.start < self.end
        )


@dataclass(frozen=True, slots=True)
class Ranked:
    """A distinct answer: its best quote, and the other places that say the same, best first."""

    best: Quote
    others: tuple[Quote, ...]


def rank(
    hits: Sequence[Hit], readings: Sequence[Reading], retrieval_weight: float = 0.0
) -> list[Ranked]:
    """Distinct answers from all passages, best first.

    Of quotes that overlap, the best stays. Quotes that say the same (see `normalized`) become one
    answer, at the place of the best of them.
    """
    distinct: dict[str, list[Quote]] = {}
    kept: dict[str, list[tuple[int, int]]] = {}
    for quote in sorted(pool(hits, readings, retrieval_weight), key=_order):
        ranges = kept.setdefault(quote.document_id, [])
        # Those that are kept lie apart: of those that begin before this one ends, the last is the
        # one that reaches farthest.
        before = bisect_left(ranges, (quote.end,))
        if before and ranges[before - 1][1] > quote.start:
            continue
        insort(ranges, (quote.start, quote.end))
        distinct.setdefault(normalized(quote.text), []).append(quote)
    return [Ranked(quotes[0], tuple(quotes[1:])) for quotes in distinct.values()]


def pool(
    hits: Sequence[Hit], readings: Sequence[Reading], retrieval_weight: float = 0.0
) -> Iterator[Quote]:
    """All spans as quotes, in no particular order."""
    for hit, reading in zip(hits, readings, strict=True):
        passage = hit.passage
        for span in reading.spans:
            yield Quote(
                passage.document_id,
                passage.start + span.start,
                passage.start + span.end,
                passage.text[span.start : span.end],
                span.score + retrieval_weight * hit.score,
                span.score,
                hit,
            )


def _order(quote: Quote) -> tuple[float, str, int, int]:
    return -quote.score, quote.document_id, quote.start, quote.end


def normalized(text: str) -> str:
    """The text without case, punctuation, articles and runs of white space.

    This is how SQuAD's official evaluation compares answers, but typographic quotation marks and
    dashes are punctuation too, and a text that would vanish keeps its words as they are.
    """
    folded = text.lower()
    bare = _ARTICLES.sub(" ", folded.translate(_PUNCTUATION))
    return " ".join(bare.split()) or folded.strip()
