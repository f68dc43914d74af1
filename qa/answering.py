"""The whole path of a question: search, read, rank, cite."""

from collections.abc import Sequence
from heapq import heappop, heappush
from time import perf_counter

from index.documents import Document, Hit
from index.errors import UnknownDocument
from index.passages import context_length, leading_headings, text_in_context
from index.retriever import Query, Retriever
from index.sentences import sentence_around
from qa.answers import Answer, Citation, Options, Reply, Timings, cite
from qa.ranking import Quote, Ranked, rank
from qa.reader import Reader, Reading

DEFAULTS = Options()


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
        began = perf_counter()
        queries = self._retriever.embed(questions)
        embed = (perf_counter() - began) / max(1, len(queries))
        return [self._answer(query, options, embed) for query in queries]

    def _answer(self, query: Query, options: Options, embed: float) -> Reply:
        began = perf_counter()
        hits = self._retriever.search(query, options.passages, options.within)
        retrieved = perf_counter()
        readings = self._read(query, hits)
        ranked = rank(hits, readings, self._reader.calibration.retrieval_weight)
        least = self._reader.calibration.abstain_below
        if options.min_confidence is not None:
            least = options.min_confidence
        answers = self._answers(ranked, least, options.answers)
        reason = None if answers else self._reason(hits, ranked, least)
        read = perf_counter()
        timings = Timings(
            embed=1000 * embed,
            retrieve=1000 * (retrieved - began),
            read=1000 * (read - retrieved),
            total=1000 * (embed + read - began),
        )
        return Reply(query.text, tuple(answers), reason, tuple(hits), timings)

    def _read(self, query: Query, hits: Sequence[Hit]) -> list[Reading]:
        """Read the passages under their headings, but take answers from the text alone."""
        texts = [text_in_context(hit.passage) for hit in hits]
        begins = [context_length(hit.passage) for hit in hits]
        bodies = [
            begin + leading_headings(hit.passage) for begin, hit in zip(begins, hits, strict=True)
        ]
        readings = self._reader.read(query.text, texts, bodies)
        return [reading.after(begin) for reading, begin in zip(readings, begins, strict=True)]

    def _answers(self, ranked: Sequence[Ranked], least: float, most: int) -> list[Answer]:
        documents: dict[str, Document | None] = {}
        answers: list[Answer] = []
        waiting: list[tuple[float, int, Sequence[Quote]]] = [
            (-found.best.score, place, (found.best, *found.others))
            for place, found in enumerate(ranked)
        ]
        while waiting and len(answers) < most:
            _, place, (best, *others) = heappop(waiting)
            if self._confidence(best) < least:
                break
            first = self._cite(best, documents)
            if first is not None:
                also_at = [
                    citation
                    for quote in others
                    if self._confidence(quote) >= least
                    if (citation := self._cite(quote, documents)) is not None
                ]
                document = documents[first.document_id]
                assert document is not None  # noqa: S101 - it has just been cited
                answers.append(_answer(document, first, also_at, self._confidence(best)))
            elif others:
                # The answer is now only as good as its next place, so it waits for its turn.
                heappush(waiting, (-others[0].score, place, others))
        return answers

    def _confidence(self, quote: Quote) -> float:
        return self._reader.calibration.confidence(quote.score)

    def _cite(self, quote: Quote, documents: dict[str, Document | None]) -> Citation | None:
        """The quote's citation; None if it is no answer after all.

        That is so if its document has changed or gone since the search, or if it is part of a
        heading or of the title: those name a place, they do not answer.
        """
        if quote.document_id not in documents:
            try:
                document = self._retriever.store.document(quote.document_id)
            except UnknownDocument:
                document = None
            documents[quote.document_id] = document
        document = documents[quote.document_id]
        if document is None or document.text[quote.start : quote.end] != quote.text:
            return None
        if _in_heading(document, quote):
            return None
        return cite(document, quote.start, quote.end)

    def _reason(self, hits: Sequence[Hit], ranked: Sequence[Ranked], least: float) -> str:
        if not hits:
            return "The index holds no passage to read."
        best = self._confidence(ranked[0].best) if ranked else 0.0
        if not ranked or best >= least:
            return (
                f"The documents do not say: nothing in the {len(hits)} passages read can be quoted "
                "as an answer."
            )
        return (
            f"The documents do not say: the likeliest of {len(hits)} passages read holds an answer "
            f"with confidence {best:.2f}, below the {least:.2f} that is asked for."
        )


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
