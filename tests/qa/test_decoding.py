"""Decoding and merging, held against the definition written as loops."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from qa.answers import Span
from qa.decoding import MOST_TOKENS, decode, merge

# Eighths add and subtract without rounding, and few of them make many ties.
EIGHTHS = st.integers(-24, 24).map(lambda number: number / 8)
Window = tuple[list[float], list[float], list[tuple[int, int]], list[bool]]


def windows_of(offset: st.SearchStrategy[tuple[int, int]]) -> st.SearchStrategy[Window]:
    token = st.tuples(EIGHTHS, EIGHTHS, offset, st.booleans())
    return st.lists(token, min_size=1, max_size=14).map(
        lambda tokens: tuple(list(column) for column in zip(*tokens, strict=True))  # type: ignore[return-value]
    )


@st.composite
def tokenized(draw: st.DrawFn) -> Window:
    """A window as tokenizers make them: in order, some tokens empty, some for one character."""
    offsets, position = [], 0
    for kind in draw(st.lists(st.sampled_from(["next", "next", "again", "empty"]), max_size=14)):
        if kind == "next":
            begin = position + draw(st.integers(0, 2))
            position = begin + draw(st.integers(1, 3))
            offsets.append((begin, position))
        elif kind == "again" and offsets:
            offsets.append(offsets[-1])
        else:
            offsets.append((position, position))
    offsets.append((position, position))
    size = len(offsets)
    logits = st.lists(EIGHTHS, min_size=size, max_size=size)
    is_text = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    return draw(logits), draw(logits), offsets, is_text


def slow_decode(window: Window, null: int, count: int, most_tokens: int) -> list[Span]:
    starts, ends, offsets, is_text = window
    best: dict[tuple[int, int], float] = {}
    for first in range(len(offsets)):
        for last in range(first, min(len(offsets), first + most_tokens)):
            usable = all(
                is_text[token] and offsets[token][0] < offsets[token][1] for token in (first, last)
            )
            place = (offsets[first][0], offsets[last][1])
            if usable and place[0] < place[1]:
                score = starts[first] + ends[last] - starts[null] - ends[null]
                best[place] = max(score, best.get(place, -math.inf))
    spans = [Span(start, end, score) for (start, end), score in best.items()]
    return sorted(spans, key=lambda span: (-span.score, span.start, span.end))[:count]


def decoded(
    window: Window, null: int = 0, count: int = 20, most_tokens: int = MOST_TOKENS
) -> list[Span]:
    starts, ends, offsets, is_text = window
    return decode(
        np.array(starts, np.float32),
        np.array(ends, np.float32),
        offsets,
        is_text,
        null_position=null,
        count=count,
        most_tokens=most_tokens,
    )


ANY_OFFSET = st.tuples(st.integers(0, 6), st.integers(0, 6))


@given(st.one_of(windows_of(ANY_OFFSET), tokenized()), st.data())
def test_spans_are_those_of_the_slow_search(window: Window, data: st.DataObject) -> None:
    null = data.draw(st.integers(0, len(window[2]) - 1))
    count = data.draw(st.integers(1, 25))
    most_tokens = data.draw(st.integers(1, 15))
    expected = slow_decode(window, null, count, most_tokens)
    assert decoded(window, null, count, most_tokens) == expected


@pytest.mark.parametrize("tokens_a_character", [1, 2, 4, 6])
def test_several_tokens_for_each_character_crowd_nothing_out(tokens_a_character: int) -> None:
    offsets = [(place, place + 1) for place in range(8) for _ in range(tokens_a_character)]
    logits = [-float(start) for start, _ in offsets]
    window = (logits, logits, offsets, [True] * len(offsets))
    assert decoded(window, count=20) == slow_decode(window, 0, 20, MOST_TOKENS)


def test_equal_scores_come_by_place() -> None:
    window = ([0.0] * 4, [0.0] * 4, [(0, 1), (1, 2), (2, 3), (3, 4)], [True] * 4)
    found = [(span.start, span.end) for span in decoded(window, count=6)]
    assert found == [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (1, 3)]


def test_a_score_is_what_the_span_has_over_no_answer() -> None:
    window = ([1.0, 4.0, 0.0], [0.5, 0.0, 3.0], [(0, 0), (0, 2), (3, 5)], [False, True, True])
    assert decoded(window)[0] == Span(0, 5, 5.5)


def test_a_window_without_text_has_no_span() -> None:
    assert decoded(([1.0, 2.0], [1.0, 2.0], [(0, 3), (0, 0)], [False, True])) == []


def test_a_span_covers_as_many_tokens_as_are_allowed_and_no_more() -> None:
    size = 60
    offsets = [(place, place + 1) for place in range(size)]
    starts, ends = [0.0] * size, [0.0] * size
    starts[0], ends[size - 1] = 100.0, 100.0
    longest = max(
        span.end - span.start
        for span in decoded((starts, ends, offsets, [True] * size), count=size * size)
    )
    assert longest == MOST_TOKENS


FLOATS = npst.arrays(np.float32, 8, elements=st.floats(width=32))


@given(FLOATS, FLOATS, st.integers(0, 7))
def test_scores_are_finite_whatever_the_logits(
    starts: np.ndarray, ends: np.ndarray, null: int
) -> None:
    offsets = [(place, place + 1) for place in range(8)]
    spans = decode(starts, ends, offsets, [True] * 8, null_position=null)
    assert all(math.isfinite(span.score) for span in spans)
    assert all(0 <= span.start < span.end <= 8 for span in spans)


def test_a_logit_that_is_no_number_leaves_the_other_spans_as_they_are() -> None:
    offsets = [(place, place + 1) for place in range(3)]
    starts = np.array([1, np.nan, 0], np.float32)
    ends = np.array([0, np.inf, 2], np.float32)
    spans = decode(starts, ends, offsets, [True] * 3)
    assert spans == [Span(0, 3, 2.0), Span(2, 3, 1.0), Span(0, 1, 0.0)]


SPANS = st.lists(st.builds(Span, st.integers(0, 4), st.integers(5, 8), EIGHTHS), max_size=12)


@given(st.lists(SPANS, max_size=4), st.integers(1, 12))
def test_merging_keeps_the_best_score_of_each_range(windows: list[list[Span]], count: int) -> None:
    everything = [span for spans in windows for span in spans]
    places = {(span.start, span.end) for span in everything}
    best = [
        Span(start, end, max(s.score for s in everything if (s.start, s.end) == (start, end)))
        for start, end in places
    ]
    expected = sorted(best, key=lambda span: (-span.score, span.start, span.end))[:count]
    assert merge(windows, count) == expected


@given(st.lists(SPANS, max_size=4))
def test_the_order_of_windows_does_not_matter(windows: list[list[Span]]) -> None:
    assert merge(windows) == merge(windows[::-1])
