"""How results look to people on a terminal; where there is none, each item is one long line."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.text import Text

from index.documents import Document, Hit
from index.filters import EVERYTHING, Filter
from index.outcomes import Outcome, Status, tally
from index.store import DocumentSummary
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

if TYPE_CHECKING:  # pydantic is not needed to show an answer
    from service.schemas import FailuresBody, StatusBody

_QUOTE = "bold reverse"
_FAINT = "dim"
_INDENT = 3
_SKIPPED_SHOWN = 5
_ALSO_SHOWN = 5
_COPIES_SHOWN = 5


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
        self.line(text, indent=_INDENT, prefix=f"{number}. ")

    def reply(self, reply: Reply, nearest: Sequence[tuple[Hit, Citation]]) -> None:
        """Write a reply; `nearest` are the passages to show where there is no answer."""
        if reply.abstained:
            self.line(reply.reason or "The documents do not say.", style="bold")
            if nearest:
                self.line()
                self.line("The nearest passages:")
                self.hits(nearest)
            return
        self.answers(reply.answers)
        if reply.skipped:
            self.line()
            self.line(
                f"Sure enough after {len(reply.hits)} of {len(reply.hits) + reply.skipped} "
                "passages; the others may hold further answers.",
                style=_FAINT,
            )

    def answers(self, answers: Sequence[Answer], first: int = 1) -> None:
        """Write answers, numbered from `first`."""
        for number, answer in enumerate(answers, first):
            if number > first:
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
            if hit.duplicates:
                others = counted(len(hit.duplicates), "passage")
                self.line(f"the same in {others} of other documents", indent=_INDENT, style=_FAINT)

    def _place(self, citation: Citation) -> str:
        return place(citation, self._base)

    def preview(self, outcomes: Sequence[Outcome]) -> None:
        """Write what would be done to each file."""
        for outcome in outcomes:
            if outcome.changes:
                name = visible(outcome.name)
                source = "" if outcome.source is None else f" (from {visible(outcome.source)})"
                self.line(f"{outcome.status.value:8}{name}{source}")

    def outcomes(
        self, outcomes: Sequence[Outcome], folder: Path | None, *, nothing_done: bool = False
    ) -> None:
        """Write what became of files: the counts, and why some were not taken in.

        `folder` is the index, None where none was made.
        """
        by_status = {status: [o for o in outcomes if o.status is status] for status in Status}
        index = "no index was made" if folder is None else f"index: {visible(str(folder))}"
        counts = f"{tally(outcomes) or 'no files'}; {index}"
        self.line(f"so it would be: {counts}" if nothing_done else counts)
        for outcome in by_status[Status.FAILED]:
            self.line(f"failed: {_reason(outcome)}", style="red")
        skipped = by_status[Status.SKIPPED]
        for outcome in skipped[:_SKIPPED_SHOWN]:
            self.line(f"skipped: {_reason(outcome)}", style=_FAINT)
        if len(skipped) > _SKIPPED_SHOWN:
            more = len(skipped) - _SKIPPED_SHOWN
            self.line(f"skipped: {more} more; see them all with --json", style=_FAINT)

    def documents(self, documents: Sequence[DocumentSummary], where: Filter = EVERYTHING) -> None:
        """Write some lines for each document; `where` is what they were chosen by."""
        if not documents and where:
            self.line(f"No document fits the filter: {visible(str(where))}.")
        elif not documents:
            self.line("The index holds no documents; add some: pincite index PATH")
        for summary in documents:
            parts = [counted(summary.characters, "character")]
            if summary.pages:
                parts.append(counted(summary.pages, "page"))
            parts.append(counted(summary.passages, "passage"))
            name = file_name(summary.uri, self._base)
            self.line(Text.assemble(summary.id, "  ", (name, "bold")))
            indent = len(summary.id) + 2
            self.line(f"{shown(summary.title)} ({', '.join(parts)})", indent=indent, style=_FAINT)
            for uri in summary.copies[:_COPIES_SHOWN]:
                self.line(f"also at {file_name(uri, self._base)}", indent=indent, style=_FAINT)
            more = len(summary.copies) - _COPIES_SHOWN
            if more > 0:
                self.line(f"also at {counted(more, 'more place')}", indent=indent, style=_FAINT)

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
        for uri in document.copies:
            self.line(f"copy        {shown(uri)}")
        self.line(f"media type  {document.media_type}")
        self.line(f"characters  {len(document.text)}")
        for page in document.pages:
            self.line(f"page {page.number}: characters {page.start}–{page.end}")
        for part in document.parts:
            name = shown(part.name).strip()
            self.line(f"{part.kind} {name}: characters {part.start}–{part.end}")
        for section in document.sections:
            path = " › ".join(shown(heading).strip() for heading in section.path)
            self.line(f"section {path}: characters {section.start}–{section.end}")
        self.line()
        self._out.print(Text(visible(document.text, keep="\n\t")), soft_wrap=True)

    def status(self, body: "StatusBody") -> None:
        """Write what an index holds and was made with."""
        embedder, splitter, building = body.embedder, body.splitter, body.building
        rows = [
            ("index", body.index),
            ("documents", str(body.documents)),
            ("passages", str(body.passages)),
            ("not read", f"{body.failed} (see them: pincite status --failed)"),
            ("generation", str(body.generation)),
            ("embedder", f"{embedder.name} ({embedder.dim} numbers a vector)"),
            ("weights", embedder.checksum),
            ("passages of", f"{splitter.tokens} tokens, overlap {splitter.overlap}"),
            ("size on disk", mib(body.bytes)),
        ]
        if not body.failed:
            del rows[3]
        if body.calibration is not None:
            own = body.calibration
            weights = own.reader_checksum[:12]
            made = f"its own, fitted to {own.questions} questions with {own.reader} ({weights})"
            rows.append(("calibration", made))
        if building is not None:
            progress = f"{building.done} of {building.documents} documents"
            made = f"{building.embedder}, {building.splitter.tokens} tokens"
            rows.append(("being built", f"{progress} with {made}; to go on: pincite reindex"))
        self.table(rows)

    def failures(self, body: "FailuresBody") -> None:
        """Write what could not be read and why; what is of no format that is read, last."""
        failed = [failure for failure in body.failures if not failure.unsupported]
        for failure in failed:
            self.line(f"failed: {visible(failure.reason)}", style="red")
        for failure in body.failures:
            if failure.unsupported:
                self.line(f"skipped: {visible(failure.reason)}", style=_FAINT)
        if not body.failures:
            self.line("Everything could be read.")

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
