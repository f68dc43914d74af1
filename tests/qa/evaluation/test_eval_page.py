"""The page of a report: whole, by itself, and deaf to what documents say."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import InvalidSettings
from qa.evaluation.page import EXAMPLES, Example, Examples, Report, Table, html
from qa.evaluation.plots import Axes, Series, bars, histogram, lines
from qa.evaluation.sampling import sample
from qa.evaluation.writing import check_writable, digest, write_json, write_lines, write_text

HOSTILE = st.text() | st.sampled_from(["<script>x</script>", '"><img src=x>', "</style>", "&lt;"])
NUMBERS = st.floats(-3, 3, allow_nan=False)
VOID = {"meta", "path", "circle", "rect"}


class Tags(HTMLParser):
    """Collects the tags, their attributes and the text; insists on tags being closed."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.opened.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.opened == []
    return tags


def report(text: str, plots: list[str]) -> Report:
    example = Example(text, text, text, text, f"before {text} after", 7, 7 + len(text))
    return Report(
        text,
        [Table(text, (text, text), [(text, text)], text)],
        plots,
        [Examples(text, 1, [example])],
        [(text, text)],
        [text],
    )


@settings(deadline=None)
@given(HOSTILE, st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5))
def test_no_text_becomes_markup_and_nothing_is_fetched(
    text: str, points: list[tuple[float, float]]
) -> None:
    plots = [
        lines(text, Axes(text, text), [Series(text, points)], diagonal=True),
        lines(text, Axes(text, text), [Series(text, points, marks=True)]),
        bars(text, Axes(text, text), [(text, [point[1] for point in points])]),
    ]
    page = html(report(text, plots))
    page.encode()
    tags = parsed(page)
    assert tags.seen.isdisjoint({"script", "img", "link", "iframe", "a", "object", "use", "image"})
    assert tags.attributes.isdisjoint({"src", "href", "onload", "onerror", "xlink:href", "style"})
    assert not re.search(r"url\(|@import|https?:", page.replace(text, "")) or "http" in text
    kept = "".join(tags.text)
    if text.isascii() and text.isprintable():
        assert f"before {text} after" in kept


def test_examples_are_counted_where_not_all_are_shown() -> None:
    items = [Example(f"q{number}", "x", "y") for number in range(EXAMPLES + 5)]
    page = html(Report("t", [], [], [Examples("Missed", 40, items)], []))
    assert f"Missed (40, {EXAMPLES} shown)" in page
    assert f"q{EXAMPLES - 1}<" in page
    assert f"q{EXAMPLES}<" not in page
    assert "Missed" not in html(Report("t", [], [], [Examples("Missed", 0, [])], []))


def test_points_stand_where_they_belong() -> None:
    plot = lines("t", Axes("x", "y"), [Series("s", [(0, 0), (1, 1), (0.5, 2)])])
    # The corners of the frame, and a point above it brought to its edge.
    assert 'd="M52.0 256.0L408.0 12.0L230.0 12.0"' in plot


def test_a_histogram_shares_out_its_values() -> None:
    assert histogram([0.0, 0.09, 0.5, 1.0], 10) == [0.5, 0, 0, 0, 0, 0.25, 0, 0, 0, 0.25]
    assert histogram([], 3) == [0, 0, 0]


@settings(deadline=None)
@given(st.lists(st.integers(), max_size=30), st.integers(1, 40), st.integers(0, 3))
def test_a_sample_is_a_part_in_order_and_the_same_again(
    items: list[int], most: int, seed: int
) -> None:
    numbered = list(enumerate(items))
    taken = sample(numbered, most, seed)
    assert len(taken) == min(most, len(items))
    assert taken == sorted(set(taken))
    assert set(taken) <= set(numbered)
    assert taken == sample(numbered, most, seed)
    assert sample(numbered, None) == numbered


def test_results_are_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    write_json(path, {"ä": 1})
    assert path.read_text(encoding="utf-8") == '{"ä": 1}\n'
    write_lines(path, [1, {"a": None}])
    assert path.read_text() == '1\n{"a": null}\n'
    write_text(path, "\ud800")
    assert path.read_bytes() == b"?"
    assert [one.name for one in tmp_path.iterdir()] == ["out.json"]
    assert digest(path) == "8a8de823d5ed3e12746a62ef169bcf372be0ca44f0a1236abc35df05d96928e1"
    with pytest.raises(InvalidSettings, match=r"cannot be written"):
        write_text(tmp_path / "none" / "out.json", "x")


def test_results_that_cannot_be_kept_are_refused_at_once(tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    data.write_text("{}")
    check_writable(tmp_path / "out.json", [data])
    with pytest.raises(InvalidSettings, match="is a folder"):
        check_writable(tmp_path, [data])
    with pytest.raises(InvalidSettings, match="its folder does not exist"):
        check_writable(tmp_path / "none" / "out.json", [data])
    with pytest.raises(InvalidSettings, match="is what is to be measured"):
        check_writable(tmp_path / ".." / tmp_path.name / "data.json", [data])
