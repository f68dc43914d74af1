"""A report as one HTML page: nothing is fetched, and nothing in it can run."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

# Examples of one kind of error that a page shows at most.
EXAMPLES = 12

# So much of what stands around an answer is shown on each side.
_AROUND = 160

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --line: #8886; --s0: #2563eb; --s1: #d97706; --s2: #059669;
  --s3: #db2777; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .6rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .8rem .25rem 0; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; }
p, td, li { unicode-bidi: isolate; }
td + td, th + th { font-variant-numeric: tabular-nums; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; width: 26rem; max-width: 100%; } figcaption { font-weight: 600; }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: currentColor; }
.grid { stroke: var(--line); fill: none; } .diagonal { stroke: currentColor; fill: none;
  stroke-dasharray: 4 4; opacity: .6; }
.line { fill: none; stroke-width: 2; }
.line.s0 { stroke: var(--s0); } .line.s1 { stroke: var(--s1); } .line.s2 { stroke: var(--s2); }
.line.s3 { stroke: var(--s3); }
.bar.s0, .mark.s0 { fill: var(--s0); } .bar.s1, .mark.s1 { fill: var(--s1); }
.bar.s2, .mark.s2 { fill: var(--s2); } .bar.s3, .mark.s3 { fill: var(--s3); }
.bar { opacity: .8; }
.key { display: inline-block; width: .8rem; height: .8rem; margin: 0 .3rem 0 .8rem; }
.key.s0 { background: var(--s0); } .key.s1 { background: var(--s1); }
.key.s2 { background: var(--s2); } .key.s3 { background: var(--s3); }
.example { border-left: 3px solid var(--line); padding-left: .8rem; margin: .8rem 0; }
.example p { margin: 0; } .faint { opacity: .7; }
"""


@dataclass(frozen=True, slots=True)
class Table:
    """Figures in rows under columns; a note says what they mean."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """One question with what was expected and found; `around` is text, with `start` and `end`."""

    question: str
    expected: str
    found: str
    detail: str = ""
    around: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Examples:
    """Some of the `count` questions with which one kind of thing happened."""

    title: str
    count: int
    items: Sequence[Example]


@dataclass(frozen=True, slots=True)
class Report:
    """All that a page tells; `plots` are SVG of `qa.evaluation.plots`."""

    title: str
    tables: Sequence[Table]
    plots: Sequence[str]
    examples: Sequence[Examples]
    settings: Sequence[tuple[str, str]]
    faults: Sequence[str] = ()


def html(report: Report) -> str:
    """The page."""
    title = escape(report.title)
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>",
        *(_table(table) for table in report.tables),
        f'<div class="plots">{"".join(report.plots)}</div>' if report.plots else "",
        *(_examples(group) for group in report.examples if group.count),
        _faults(report.faults),
        _table(Table("What produced this", ("", ""), report.settings)),
        "</body></html>\n",
    ]
    # A lone surrogate cannot be written as UTF-8.
    return "".join(parts).encode("utf-8", "replace").decode()


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    note = f'<p class="faint">{escape(table.note)}</p>' if table.note else ""
    shown = f"<thead><tr>{head}</tr></thead>" if any(table.columns) else ""
    return f"<h2>{escape(table.title)}</h2><table>{shown}<tbody>{rows}</tbody></table>{note}"


def _examples(group: Examples) -> str:
    shown = group.items[:EXAMPLES]
    count = f"{group.count:,}" + (f", {len(shown)} shown" if len(shown) < group.count else "")
    return f"<h2>{escape(group.title)} ({count})</h2>" + "".join(map(_example, shown))


def _example(example: Example) -> str:
    detail = f'<p class="faint">{escape(example.detail)}</p>' if example.detail else ""
    around = ""
    if example.around:
        before = example.around[max(0, example.start - _AROUND) : example.start]
        quote = example.around[example.start : example.end]
        after = example.around[example.end : example.end + _AROUND]
        around = (
            f'<p class="faint">… {escape(before)}<mark>{escape(quote)}</mark>{escape(after)} …</p>'
        )
    return (
        f'<div class="example"><p><strong>{escape(example.question)}</strong></p>'
        f"<p>expected: {escape(example.expected)}</p><p>found: {escape(example.found)}</p>"
        f"{around}{detail}</div>"
    )


def _faults(faults: Sequence[str]) -> str:
    if not faults:
        return ""
    items = "".join(f"<li>{escape(fault)}</li>" for fault in faults[:EXAMPLES])
    more = len(faults) - EXAMPLES
    rest = f"<li>{more:,} more</li>" if more > 0 else ""
    return f"<h2>What could not be used ({len(faults):,})</h2><ul>{items}{rest}</ul>"
