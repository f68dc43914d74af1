"""How results look to people on a terminal; where there is none, each item is one long line."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

from index.catalog import DocumentSummary
from index.documents import Document, Hit
from index.indexing import Outcome, Status
from qa.answers import Answer, Citation, Reply
from service.bootstrap import ModelAtHand
from service.text import (
    around,
    beginning,
    confidence_in_words,
    counted,
    file_name,
    percentage,
    place,
    shown,
    visible,
)

_QUOTE = "bold reverse"
_FAINT = "dim"
_INDENT = 3
_SKIPPED_SHOWN = 5
_ALSO_SHOWN = 5


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command line what a reader means that has seen enough."""
        raise BrokenPipeError


def console(stream: TextIO | None = None) -> Console:
    """A console on standard output that takes everything as plain data: no markup, no emoji."""
    return _Console(
        file=sys.stdout if stream is None else stream,
        markup=False,
        emoji=False,
        highlight=False,
    )


class Page:
    """Writes lines, wrapped and coloured on a terminal, whole and plain elsewhere."""

    def __init__(self, out: Console | None = None) -> None:
        self._out = console() if out is None else out
        self._base = Path.cwd()

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks on."""
        return self._out.is_terminal

    def line(
        self, text: Text | str = "", *, indent: int = 0, style: str = "", prefix: str = ""
    ) -> None:
        """Write a paragraph, all its lines indented alike; the first begins with `prefix`.

        `text` must be safe to show. Lines are wrapped on a terminal only.
        """
        styled = text if isinstance(text, Text) else Text(text, style=style)
        lines: Iterable[Text] = [styled]
        if self.is_terminal:
            lines = styled.wrap(self._out, max(20, self._out.width - indent), no_wrap=False)
        start = prefix.ljust(indent)
        for part in lines:
            part.rstrip()
            self._out.print(Text(start) + part, soft_wrap=True)
            start = " " * indent

    def numbered(self, number: int, text: Text) -> None:
        """Write a numbered paragraph."""
        self.line(text, indent=_INDENT, prefix=f"{number}.")

    def reply(self, reply: Reply, nearest: Sequence[tuple[Hit, Citation]]) -> None:
        """Write a reply; `nearest` are the passages to show where there is no answer."""
        if reply.abstained:
            self.line(reply.reason or "The documents do not say.", style="bold")
            if nearest:
                self.line()
                self.line("The nearest passages:")
                self.hits(nearest)
            return
        for number, answer in enumerate(reply.answers, 1):
            if number > 1:
                self.line()
            self._answer(number, answer)

    def _answer(self, number: int, answer: Answer) -> None:
        citation = answer.citation
        start = citation.start - answer.sentence_start
        before, quote, after = around(answer.sentence, start, start + len(answer.text))
        # Without colours the quote is told from its sentence by marks.
        marked = quote if self.is_terminal else f"«{quote}»"
        self.numbered(number, Text.assemble(before, (marked, _QUOTE), after))
        self.line(self._place(citation), indent=_INDENT, style=_FAINT)
        self.line(
            f"confidence {percentage(answer.confidence)} "
            f"({confidence_in_words(answer.confidence)})",
            indent=_INDENT,
            style=_FAINT,
        )
        for also in answer.also_at[:_ALSO_SHOWN]:
            line = f"also {self._place(also)}: «{shown(also.text)}»"
            self.line(line, indent=_INDENT, style=_FAINT)
        more = len(answer.also_at) - _ALSO_SHOWN
        if more > 0:
            self.line(f"also in {counted(more, 'more place')}", indent=_INDENT, style=_FAINT)

    def hits(self, found: Sequence[tuple[Hit, Citation]], *, scores: bool = False) -> None:
        """Write passages: where each stands and its first words."""
        for number, (hit, citation) in enumerate(found, 1):
            self.numbered(number, Text(self._place(citation)))
            if scores:
                self.line(
                    f"score {hit.score:.2f} (meaning {hit.dense_score:.2f}, "
                    f"words {hit.lexical_score:.1f})",
                    indent=_INDENT,
                    style=_FAINT,
                )
            self.line(beginning(hit.passage.text), indent=_INDENT, style=_FAINT)

    def _place(self, citation: Citation) -> str:
        return place(
            citation.uri,
            citation.page,
            citation.section,
            citation.start,
            citation.end,
            self._base,
        )

    def outcomes(self, outcomes: Sequence[Outcome], folder: Path) -> None:
        """Write what became of files: the counts, and why some were not taken in."""
        by_status = {status: [o for o in outcomes if o.status is status] for status in Status}
        counts = [f"{len(found)} {status}" for status, found in by_status.items() if found]
        self.line(f"{', '.join(counts) or 'no files'}; index: {visible(str(folder))}")
        for outcome in by_status[Status.FAILED]:
            self.line(f"failed: {_reason(outcome)}", style="red")
        skipped = by_status[Status.SKIPPED]
        for outcome in skipped[:_SKIPPED_SHOWN]:
            self.line(f"skipped: {_reason(outcome)}", style=_FAINT)
        if len(skipped) > _SKIPPED_SHOWN:
            more = len(skipped) - _SKIPPED_SHOWN
            self.line(f"skipped: {more} more; see them all with --json", style=_FAINT)

    def documents(self, documents: Sequence[DocumentSummary]) -> None:
        """Write a line or two for each document."""
        if not documents:
            self.line("The index holds no documents; add some: pincite index PATH")
        for summary in documents:
            parts = [counted(summary.characters, "character")]
            if summary.pages:
                parts.append(counted(summary.pages, "page"))
            parts.append(counted(summary.passages, "passage"))
            name = file_name(summary.uri, self._base)
            self.line(Text.assemble(summary.id, "  ", (name, "bold")))
            self.line(
                f"{shown(summary.title)} ({', '.join(parts)})",
                indent=len(summary.id) + 2,
                style=_FAINT,
            )

    def removed(self, summary: DocumentSummary) -> None:
        """Write that a document has been removed."""
        self.line(f"removed {summary.id}  {file_name(summary.uri, self._base)}")

    def model(self, model: ModelAtHand) -> None:
        """Write what a model is and where it lies."""
        self.line(Text.assemble((visible(model.name), "bold"), "  in use" if model.in_use else ""))
        self.table(
            [
                ("  kind", model.kind),
                ("  licence", "not known" if model.licence is None else model.licence),
                ("  weights", model.checksum),
                ("  folder", "not bundled" if model.folder is None else str(model.folder)),
            ]
        )

    def document(self, document: Document) -> None:
        """Write a whole document: what it is, its outline, its text."""
        self.line(shown(document.title), style="bold")
        self.line(f"id          {document.id}")
        self.line(f"uri         {shown(document.uri)}")
        self.line(f"media type  {document.media_type}")
        self.line(f"characters  {len(document.text)}")
        for page in document.pages:
            self.line(f"page {page.number}: characters {page.start}–{page.end}")
        for section in document.sections:
            path = " › ".join(shown(heading).strip() for heading in section.path)
            self.line(f"section {path}: characters {section.start}–{section.end}")
        self.line()
        self._out.print(Text(visible(document.text, keep="\n\t")), soft_wrap=True)

    def table(self, rows: Sequence[tuple[str, str]]) -> None:
        """Write names and values in two columns."""
        width = max((len(name) for name, _ in rows), default=0)
        for name, value in rows:
            self.line(f"{name.ljust(width)}  {visible(value)}")


def _reason(outcome: Outcome) -> str:
    """The reason, which begins with the file's name where that is what went wrong."""
    reason = outcome.reason or ""
    named = reason if reason.startswith(outcome.name) else f"{outcome.name}: {reason}"
    return visible(named)


def mib(size: int) -> str:
    """A size in bytes, in MiB for people."""
    return f"{size / 2**20:.1f} MiB"
