"""The whole path of a question: search, read, rank, cite."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from time import perf_counter

from index.documents import Document, Hit, Passage
from index.duplicates import same_quote
from index.errors import UnknownDocument
from index.passages import context_length, leading_headings, text_in_context
from index.retriever import Query, Retriever
from index.sentences import sentence_around
from index.store import PassageStore
from index.threads import available_cores
from qa.answers import Answer, Citation, Options, Reply, Timings, cite
from qa.calibration import Calibration
from qa.evidence import Likely, weigh
from qa.index_calibration import in_use
from qa.ranking import Quote, rank
from qa.reader import Reader, Reading

DEFAULTS = Options()

# Where reading ends once an answer is sure enough, so many passages are read between two looks,
# however many cores there are: the same reply everywhere.
_READ_BETWEEN = 2

# A passage that was read says the very same as a quote if so many words around it are the same.
_LEAST_ALIKE = 6

# A range of a document that is cited.
_Place = tuple[Document, int, int]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question ready for searching.

    Embedding it took `embed` seconds.
    """

    query: Query
    embed: float


class Answerer:
    """Answers questions from an index with a reader."""

    def __init__(self, retriever: Retriever, reader: Reader) -> None:
        self._retriever = retriever
        self._reader = reader

    def ask(self, question: str, options: Options = DEFAULTS) -> Reply:
        """Answer one question.

        Raises:
            InvalidQuestion: it is empty or too long.
        """
        return self.ask_all([question], options)[0]

    def ask_all(self, questions: Sequence[str], options: Options = DEFAULTS) -> list[Reply]:
        """Answer several questions: one reply each, in order.

        Raises:
            InvalidQuestion: one is empty or too long; then none is answered.
        """
        at_once = max(1, options.passages)
        return [
            reply
            for asked in self._asked(questions)
            for reply in self._replies(asked, options, at_once)
            if not reply.unread
        ]

    def asking(
        self, question: str, options: Options = DEFAULTS, step: int | None = None
    ) -> Iterator[Reply]:
        """Answer one question as its passages are read: the reply so far after each step.

        `step` is how many passages are read at a time, by default as many as are read side by
        side; with `Options.enough` it is settled. There is at least one reply. The last is the one
        that `ask` gives; those before it hold what the passages read so far give, name only these
        as hits and the rest as unread, and where they have no answer their reason says how far the
        reading has come. The time between two replies counts only while they are worked on.

        Raises:
            InvalidQuestion: it is empty or too long; at once, not when the first reply is asked
                for.
        """
        (asked,) = self._asked([question])
        at_once = max(2, available_cores()) if step is None else max(1, step)
        return self._replies(asked, options, at_once)

    def _asked(self, questions: Sequence[str]) -> list[_Asked]:
        began = perf_counter()
        queries = self._retriever.embed(questions)
        embed = (perf_counter() - began) / max(1, len(queries))
        return [_Asked(query, embed) for query in queries]

    def _replies(self, asked: _Asked, options: Options, step: int) -> Iterator[Reply]:
        began = perf_counter()
        if options.enough is not None:
            step = _READ_BETWEEN
        retriever, within, where = self._retriever, options.within, options.where
        hits = retriever.search(asked.query, options.passages, within, where)
        retrieve = perf_counter() - began
        read = 0.0
        readings: list[Reading] = []
        calibration = in_use(self._retriever.store, self._reader)
        while True:
            began = perf_counter()
            seen = hits[: len(readings) + step]
            readings += read_hits(self._reader, asked.query.text, seen[len(readings) :])
            answers, reason = self._concluded(seen, readings, calibration, options)
            left = len(hits) - len(seen)
            is_enough = options.enough is not None and any(
                answer.confidence >= options.enough for answer in answers
            )
            unread, skipped = (0, left) if is_enough else (left, 0)
            if not answers and unread:
                reason = f"Still reading: {len(seen)} of {len(hits)} passages."
            elif not hits and where and not retriever.store.has_any(within, where):
                reason = f"No document fits the filter: {where}."
            read += perf_counter() - began
            timings = Timings(
                embed=1000 * asked.embed,
                retrieve=1000 * retrieve,
                read=1000 * read,
                total=1000 * (asked.embed + retrieve + read),
            )
            yield Reply(asked.query.text, answers, reason, tuple(seen), timings, unread, skipped)
            if not unread:
                return

    def _concluded(
        self,
        hits: Sequence[Hit],
        readings: Sequence[Reading],
        calibration: Calibration,
        options: Options,
    ) -> tuple[tuple[Answer, ...], str | None]:
        """The answers that the passages give; where they give none, why."""
        ranked = rank(hits, readings, calibration.retrieval_weight)
        likely = weigh(ranked, calibration)
        least = calibration.abstain_below
        if options.min_confidence is not None:
            least = options.min_confidence
        answers = self._answers(hits, likely, least, options.answers)
        return tuple(answers), None if answers else _reason(hits, likely, least)

    def _answers(
        self, hits: Sequence[Hit], found: Sequence[tuple[Likely, ...]], least: float, most: int
    ) -> list[Answer]:
        places = Places(hits, self._retriever.store)
        answers: list[Answer] = []
        waiting: list[tuple[float, int, tuple[Likely, ...]]] = [
            (-likely[0].confidence, place, likely) for place, likely in enumerate(found)
        ]
        heapify(waiting)
        while waiting and len(answers) < most:
            _, place, (best, *others) = heappop(waiting)
            if best.confidence < least:
                break
            document = places.quoted(best.quote)
            if document is not None:
                likely = [other.quote for other in others if other.confidence >= least]
                held_back = [other.quote for other in others if other.confidence < least]
                first, *also_at = places.cite(best.quote, likely, held_back)
                answers.append(_answer(document, first, also_at, best.confidence))
            elif others:
                # The answer is now only as good as its next place, so it waits for its turn.
                heappush(waiting, (-others[0].confidence, place, tuple(others)))
        return answers


def _reason(hits: Sequence[Hit], found: Sequence[tuple[Likely, ...]], least: float) -> str:
    if not hits:
        return "The index holds no passage to read."
    best = found[0][0].confidence if found else 0.0
    if not found or best >= least:
        return (
            f"The documents do not say: nothing in the {len(hits)} passages read can be quoted "
            "as an answer."
        )
    return (
        f"The documents do not say: the likeliest of {len(hits)} passages read holds an answer "
        f"with confidence {best:.2f}, below the {least:.2f} that is asked for."
    )


def read_hits(reader: Reader, question: str, hits: Sequence[Hit]) -> list[Reading]:
    """Read passages under their headings, but take answers from their text alone.

    One reading a hit, in order; spans are ranges of `hit.passage.text`.
    """
    texts = [text_in_context(hit.passage) for hit in hits]
    begins = [context_length(hit.passage) for hit in hits]
    bodies = [
        begin + leading_headings(hit.passage) for begin, hit in zip(begins, hits, strict=True)
    ]
    readings = reader.read(question, texts, bodies)
    return [reading.after(begin) for reading, begin in zip(readings, begins, strict=True)]


class Places:
    """Where quotes stand, in documents as they are now, and what is cited already.

    A quote stands also in the copies of its document, and where another passage that was found
    says the very same: one that was left out as a duplicate, or one with the same words around.
    """

    def __init__(self, hits: Sequence[Hit], store: PassageStore) -> None:
        self._store = store
        self._documents: dict[str, Document | None] = {}
        self._cited: dict[str, list[tuple[int, int]]] = {}
        self._read = [hit.passage for hit in hits]
        self._duplicates: dict[str, list[Passage]] = {}
        for hit in hits:
            self._duplicates.setdefault(hit.passage.document_id, []).extend(hit.duplicates)

    def quoted(self, quote: Quote) -> Document | None:
        """The document that a quote is from; None if the quote is no answer after all.

        That is so if its document has changed or gone since the search, if part of it is cited
        already, or if it is part of a heading or of the title: those name a place, they do not
        answer.
        """
        document = self._document(quote.document_id)
        if document is None or document.text[quote.start : quote.end] != quote.text:
            return None
        if self._is_cited(quote.document_id, quote.start, quote.end):
            return None
        return None if _in_heading(document, quote) else document

    def cite(
        self, best: Quote, others: Sequence[Quote], held_back: Sequence[Quote] = ()
    ) -> list[Citation]:
        """The places of an answer, that of its best quote first; each is followed by its copies.

        Where it was read and `held_back` it is not cited, even if the words around are the same.
        """
        found: list[_Place] = []
        for quote in (best, *others):
            document = self.quoted(quote)
            if document is not None:
                found.append(self._take(document, quote.start, quote.end))
        for place in list(found):
            found += self._elsewhere(*place, held_back)
        return [citation for place in found for citation in _citations(*place)]

    def _elsewhere(
        self, document: Document, start: int, end: int, held_back: Sequence[Quote]
    ) -> Iterator[_Place]:
        """Where passages of other documents say what is cited."""
        for passage, least in (
            *((duplicate, 0) for duplicate in self._duplicates.get(document.id, ())),
            *((read, _LEAST_ALIKE) for read in self._read if read.document_id != document.id),
        ):
            at = same_quote(document.text, start, end, passage.text, least)
            if at is None:
                continue
            other = self._document(passage.document_id)
            if other is None or other.text[passage.start : passage.end] != passage.text:
                continue
            first, last = passage.start + at[0], passage.start + at[1]
            is_held_back = any(
                quote.document_id == other.id and quote.start < last and first < quote.end
                for quote in held_back
            )
            if not is_held_back and not self._is_cited(other.id, first, last):
                yield self._take(other, first, last)

    def _take(self, document: Document, start: int, end: int) -> _Place:
        self._cited.setdefault(document.id, []).append((start, end))
        return document, start, end

    def _is_cited(self, document_id: str, start: int, end: int) -> bool:
        cited = self._cited.get(document_id, ())
        return any(start < last and first < end for first, last in cited)

    def _document(self, document_id: str) -> Document | None:
        """The document with this id, fetched once; None if it has gone."""
        if document_id not in self._documents:
            try:
                self._documents[document_id] = self._store.document(document_id)
            except UnknownDocument:
                self._documents[document_id] = None
        return self._documents[document_id]


def _citations(document: Document, start: int, end: int) -> list[Citation]:
    """The citation of a range, and that of the same range in each copy of the document."""
    citation = cite(document, start, end)
    return [citation, *(replace(citation, uri=uri) for uri in document.copies)]


def _in_heading(document: Document, quote: Quote) -> bool:
    """Whether the quote's line is the heading above it, or a good part of the title."""
    begin = document.text.rfind("\n", 0, quote.start) + 1
    end = document.text.find("\n", quote.end)
    line = document.text[begin : end if end >= 0 else None].strip()
    path = document.section_at(quote.start)
    if path and line == path[-1]:
        return True
    # A text without a title of its own is called by its first line, which may be a sentence.
    is_sentence = line.endswith((".", "!", "?"))
    return not is_sentence and line in document.title and 3 * len(line) >= len(document.title)


def _answer(
    document: Document, first: Citation, also_at: Sequence[Citation], confidence: float
) -> Answer:
    start, end = sentence_around(document.text, first.start, first.end)
    return Answer(
        text=first.text,
        confidence=confidence,
        sentence=document.text[start:end],
        sentence_start=start,
        citation=first,
        also_at=tuple(also_at),
    )
