"""What every way in can ask of an open index; each model is loaded when it is first needed."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from index.documents import Document, Hit
from index.embedding import Embedder
from index.errors import IncompatibleIndex, InvalidQuestion, UnknownDocument
from index.files import Scan, at_home, file_uri
from index.filters import EVERYTHING, Filter
from index.outcomes import Outcome, Report
from index.retriever import Retriever
from index.store import DocumentSummary, IndexSettings, PassageStore
from qa.answering import Answerer
from qa.answers import Citation, Options, Reply, cite
from qa.reader import Reader

if TYPE_CHECKING:  # what reads documents is not needed to answer questions
    from index.extract.source import Reading
    from index.indexing import Indexer
    from index.sandbox.workers import Extractor
    from index.sync import Digests

_Result = TypeVar("_Result")

# With fewer characters, a mistyped word would name a document.
SHORTEST_PREFIX = 4


class Engine:
    """An open index with its models. Safe to use from several threads.

    Changes wait for one another; questions go on meanwhile.
    """

    def __init__(
        self,
        store: PassageStore,
        open_embedder: Callable[[], Embedder],
        open_reader: Callable[[], Reader],
        open_extractor: Callable[[], "Extractor"],
    ) -> None:
        """Take an open store and what opens its models and what reads files, all when needed.

        `open_embedder` is called again when the index is made with other settings than it was.
        """
        self.store = store
        self._open_embedder = open_embedder
        self._open_reader = open_reader
        self._open_extractor = open_extractor
        self._embedder: Embedder | None = None
        self._opened_for: IndexSettings | None = None
        self._reader: Reader | None = None
        self._extractor: Extractor | None = None
        self._loading = threading.RLock()
        self._writing = threading.Lock()
        self._before_closing: list[Callable[[], None]] = []
        self._closed = False

    @property
    def embedder(self) -> Embedder:
        """The embedder that the index is made with now.

        Raises:
            ModelError, IncompatibleIndex: it cannot be opened, or is not that one.
        """
        with self._loading:
            settings = self.store.settings
            if self._embedder is None or self._opened_for != settings:
                self._embedder = None
                self._embedder = self._open_embedder()
                self._opened_for = settings
            return self._embedder

    @property
    def extractor(self) -> "Extractor":
        """What reads files."""
        with self._loading:
            if self._extractor is None:
                self._extractor = self._open_extractor()
            return self._extractor

    @property
    def reader(self) -> Reader:
        """The reader.

        Raises:
            ModelError: it cannot be opened.
        """
        with self._loading:
            if self._reader is None:
                self._reader = self._open_reader()
            return self._reader

    @property
    def settings(self) -> IndexSettings:
        """What the index was made with."""
        return self.store.settings

    def load(self) -> None:
        """Load both models now, so that the first question does not wait for them."""
        _ = self.embedder, self.reader

    @property
    def ready(self) -> bool:
        """Whether both models are loaded."""
        return self._embedder is not None and self._reader is not None

    def ask(self, question: str, options: Options = Options()) -> Reply:  # noqa: B008 - immutable
        """Answer one question.

        Raises:
            InvalidQuestion: it is empty, too long, or not text.
        """
        asked = _encodable(question)

        def answer() -> Reply:
            retriever = Retriever(self.store, self.embedder)
            return Answerer(retriever, self.reader).ask(asked, options)

        return self._as_made_now(answer)

    def search(self, query: str, k: int, where: Filter = EVERYTHING) -> list[Hit]:
        """The `k` best passages for a query, best first, of the documents that fit a filter.

        Raises:
            InvalidQuestion: it is empty, too long, or not text.
        """
        asked = _encodable(query)

        def found() -> list[Hit]:
            retriever = Retriever(self.store, self.embedder)
            (embedded,) = retriever.embed([asked])
            return retriever.search(embedded, k, retriever.within(where=where))

        return self._as_made_now(found)

    def _as_made_now(self, act: Callable[[], _Result]) -> _Result:
        """What `act` gives; if the index is switched to another edition meanwhile, once more."""
        try:
            return act()
        except IncompatibleIndex:
            if self._embedder is None or self._opened_for == self.store.settings:
                raise
        return act()

    def locate(self, hits: Iterable[Hit]) -> list[tuple[Hit, Citation]]:
        """Each hit with where it stands, in order; hits whose documents are gone are left out."""
        documents: dict[str, Document | None] = {}
        located = []
        for hit in hits:
            passage = hit.passage
            if passage.document_id not in documents:
                try:
                    documents[passage.document_id] = self.store.document(passage.document_id)
                except UnknownDocument:
                    documents[passage.document_id] = None
            document = documents[passage.document_id]
            if document is not None and document.text[passage.start : passage.end] == passage.text:
                located.append((hit, cite(document, passage.start, passage.end)))
        return located

    def find(self, names: Sequence[str]) -> list[DocumentSummary]:
        """The documents that a person names by id, prefix of an id, path or URI; each once.

        Raises:
            UnknownDocument: a name fits no document, or several.
        """
        if not names:
            return []
        documents = self.store.documents()
        found = {summary.id: summary for name in names for summary in [find(documents, name)]}
        return list(found.values())

    def sync(
        self,
        scan: Scan,
        options: "Reading | None" = None,
        report: Report | None = None,
        digests: "Digests | None" = None,
    ) -> Iterator[Outcome]:
        """Bring the index in step with files; see `Indexer.sync`."""
        with self._writing:
            yield from self._indexer(options, report).sync(scan, digests)

    def add_bytes(
        self,
        data: bytes,
        *,
        uri: str,
        name: str,
        media_type: str | None = None,
        title: str | None = None,
    ) -> list[Outcome]:
        """Put what is in one file into the index; see `Indexer.add_bytes`.

        Raises:
            DocumentError: it cannot be read; what was stored under `uri` stays.
        """

        def add() -> list[Outcome]:
            return self._indexer().add_bytes(
                data, uri=uri, name=name, media_type=media_type, title=title
            )

        with self._writing:
            return self._as_made_now(add)

    def remove(self, document_ids: Sequence[str]) -> None:
        """Remove documents: all of them, or none.

        Raises:
            UnknownDocument: there is none with one of these ids.
        """
        with self._writing:
            self.store.remove(document_ids)

    def before_closing(self, act: Callable[[], None]) -> None:
        """Have something done before the index is closed, such as to stop what changes it."""
        self._before_closing.append(act)

    def close(self) -> None:
        """Close the index; the engine cannot be used afterwards, but may be closed again."""
        if self._closed:
            return
        self._closed = True
        for act in self._before_closing:
            act()
        if self._extractor is not None:
            self._extractor.close()
        self.store.close()

    def _indexer(self, options: "Reading | None" = None, report: Report | None = None) -> "Indexer":
        from index.extract.source import Reading
        from index.indexing import Indexer

        embedder = self.embedder
        return Indexer(
            self.store,
            embedder,
            self.settings.splitter,
            self.extractor,
            Reading() if options is None else options,
            (lambda _: None) if report is None else report,
        )


def find(documents: Sequence[DocumentSummary], name: str) -> DocumentSummary:
    """The one document that `name` means: an id, a URI, a path, or the beginning of an id.

    Raises:
        UnknownDocument: it fits none, or several.
    """
    for wanted in (name, file_uri(at_home(name))):
        for summary in documents:
            if wanted in (summary.id, summary.uri, *summary.copies):
                return summary
    fitting = [summary for summary in documents if summary.id.startswith(name)]
    if len(name) < SHORTEST_PREFIX or not fitting:
        raise UnknownDocument(
            f"{name}: no document in the index has this id, path or URI; see: pincite list"
        )
    if len(fitting) > 1:
        ids = ", ".join(summary.id for summary in fitting[:3])
        raise UnknownDocument(
            f"{name}: {len(fitting)} documents have ids that begin so ({ids}); give more of the id"
        )
    return fitting[0]


def _encodable(question: str) -> str:
    try:
        question.encode()
    except UnicodeEncodeError as error:
        raise InvalidQuestion(
            f"the question holds a character that is not text (at {error.start}); ask without it"
        ) from error
    return question
