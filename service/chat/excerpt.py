"""A document's text with a quote marked in it, fit to show; pure."""

from dataclasses import dataclass

from index.documents import Document
from qa.answers import Citation
from service.text import around, visible

_REVERSE, _PLAIN = "\x1b[7m", "\x1b[27m"
_KEPT = "\n\t"
_CONTEXT = 400


@dataclass(frozen=True, slots=True)
class Sheet:
    """Text for a pager, and the line, from 1, on which the quote begins."""

    text: str
    line: int


def sheet(document: Document, citation: Citation, heading: str, *, colours: bool) -> Sheet:
    """All of a document under a heading of one line, with the quote marked.

    With `colours` the mark is the terminal's reverse, line by line, as `less -R` takes it; else the
    quote stands between « and ». Nothing else in it steers a terminal.
    """
    text = document.text
    before = visible(text[: citation.start], keep=_KEPT)
    quote = visible(text[citation.start : citation.end], keep=_KEPT)
    after = visible(text[citation.end :], keep=_KEPT)
    start, end = (_REVERSE, _PLAIN) if colours else ("«", "»")
    marked = f"{end}\n{start}".join(quote.split("\n")) if colours else quote
    whole = f"{visible(heading)}\n\n{before}{start}{marked}{end}{after}"
    if not whole.endswith("\n"):
        whole += "\n"
    return Sheet(whole, before.count("\n") + 3)


def excerpt(document: Document, citation: Citation) -> tuple[str, str, str]:
    """What stands shortly before, in and shortly after a quote, each on one line."""
    start, end = citation.start, citation.end
    first, last = max(0, start - _CONTEXT), end + _CONTEXT
    before, quote, after = around(document.text[first:last], start - first, end - first)
    return (
        f"… {before}" if first > 0 else before,
        quote,
        f"{after} …" if last < len(document.text) else after,
    )
