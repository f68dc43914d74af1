"""From a reader's logits to spans; pure numpy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qa.answers import Span

Floats = NDArray[np.float32]

# No answer in the labelled sets is longer, and the search is quadratic in it.
MOST_TOKENS = 40


def decode(
    start_logits: Floats,
    end_logits: Floats,
    offsets: Sequence[tuple[int, int]],
    is_text: Sequence[bool],
    *,
    null_position: int = 0,
    count: int = 20,
    most_tokens: int = MOST_TOKENS,
) -> list[Span]:
    """The `count` best spans of one window, best first; equal scores by place.

    `start_logits` and `end_logits` are float `(n,)`; `offsets` gives each token's half-open range
    in the text, and `is_text` tells which tokens belong to the text at all (not to the question,
    not special). A span begins and ends at such tokens and covers at most `most_tokens`. Its score
    is `start + end` less the same sum at `null_position`, where this kind of reader puts "no
    answer" (Devlin et al., BERT, 2019, section 4.3). Logits that are not finite belong to no span;
    where those of "no answer" are not, nothing compares and there is none.
    """
    allowed = np.asarray(is_text, dtype=bool) & np.array(
        [end > start for start, end in offsets], dtype=bool
    )
    places = np.flatnonzero(allowed)
    if places.size == 0:
        return []
    null = float(start_logits[null_position]) + float(end_logits[null_position])
    if not np.isfinite(null):
        return []
    starts, ends = (
        np.where(np.isfinite(logits), logits, -np.inf)[places].astype(np.float64)
        for logits in (start_logits, end_logits)
    )
    sums = starts[:, None] + ends[None, :]
    distance = places[None, :] - places[:, None]
    sums[(distance < 0) | (distance >= most_tokens)] = -np.inf
    best: dict[tuple[int, int], float] = {}
    lowest = -np.inf
    for position in np.argsort(-sums, axis=None, kind="stable"):
        first, last = divmod(int(position), places.size)
        score = float(sums[first, last])
        if score == -np.inf or (len(best) >= count and score < lowest):
            break
        place = (offsets[places[first]][0], offsets[places[last]][1])
        # Several tokens may stand for one character, so one range can come up many times.
        if place[0] < place[1] and place not in best:
            best[place] = score - null
            lowest = score
    spans = [Span(start, end, score) for (start, end), score in best.items()]
    return sorted(spans, key=lambda span: (-span.score, span.start, span.end))[:count]


def merge(windows: Sequence[Sequence[Span]], count: int = 20) -> list[Span]:
    """The `count` best spans of a text that was read in overlapping windows, best first."""
    best: dict[tuple[int, int], float] = {}
    for spans in windows:
        for span in spans:
            place = (span.start, span.end)
            best[place] = max(span.score, best.get(place, span.score))
    merged = [Span(start, end, score) for (start, end), score in best.items()]
    return sorted(merged, key=lambda span: (-span.score, span.start, span.end))[:count]
