"""What every way in can ask of an open index; each model is loaded when it is first needed."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from index.documents import Document, Hit
from index.embedding import Embedder
from index.errors import IncompatibleIndex, InvalidQuestion, UnknownDocument
from index.files import Scan, at_home, file_uri
from index.filters import EVERYTHING, Filter
from index.outcomes import Outcome, Report
from index.rendering import PageImages
from index.retriever import Retriever, checked
from index.store import DocumentSummary, IndexSettings, PassageStore
from index.timing import took
from qa.answering import Answerer
from qa.answers import Citation, Options, Reply, Timings, cite
from qa.reader import Reader
from service.kept_replies import KeptReplies

if TYPE_CHECKING:  # what reads documents is not needed to answer questions
    from index.extract.source import Reading
    from index.indexing import Indexer
    from index.originals import Originals
    from index.provenance import Original
    from index.rendering import PageImage
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
        *,
        shares_extractor: bool = False,
        originals: "Originals | None" = None,
        reading: "Callable[[], Reading] | None" = None,
    ) -> None:
        """Take an open store and what opens its models and what reads files, all when needed.

        `open_embedder` is called again when the index is made with other settings than it was.
        With `shares_extractor` what reads files is left open at the end, for others go on with it.
        The bytes that uploads come with are kept in `originals`. `reading` gives how files are to
        be read; None leaves all choices open.
        """
        self.store = store
        self._open_embedder = open_embedder
        self._open_reader = open_reader
        self._open_extractor = open_extractor
        self._embedder: Embedder | None = None
        self._opened_for: IndexSettings | None = None
        self._reader: Reader | None = None
        self._extractor: Extractor | None = None
        self._shares_extractor = shares_extractor
        self._originals = originals
        self._reading = reading
        self._swept = False
        self._page_images = PageImages()
        self._loading = threading.RLock()
        self._writing = threading.Lock()
        self._before_closing: list[Callable[[], None]] = []
        self._closed = False
        self._kept_replies = KeptReplies()
        # How many questions were put to it.
        self.questions = 0
        self._counting = threading.Lock()

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

        A question that was put before, with the same options, is not answered again while the
        index stays as it is: then the timings are those of finding the reply.

        Raises:
            InvalidQuestion: it is empty, too long, or not text.
        """
        *_, reply = self.asking(question, options, step=options.passages)
        return reply

    def asking(
        self,
        question: str,
        options: Options = Options(),  # noqa: B008 - immutable
        step: int | None = None,
    ) -> Iterator[Reply]:
        """Answer one question as its passages are read; see `Answerer.asking`.

        The last reply is the one that `ask` gives. One that was kept is the only one.

        Raises:
            InvalidQuestion: it is empty, too long, or not text; when the first reply is asked for.
        """
        asked = checked(_encodable(question))
        with self._counting:
            self.questions += 1
        began = perf_counter()
        # What was made while the generation stayed the same is right for as long as it does.
        generation = self.store.generation
        kept = self._kept_replies.get(generation, asked, options)
        if kept is not None:
            yield replace(kept, timings=Timings(0.0, 0.0, 0.0, 1000 * (perf_counter() - began)))
            return

        def begun() -> tuple[Reply, Iterator[Reply]]:
            retriever = Retriever(self.store, self.embedder)
            replies = Answerer(retriever, self.reader).asking(asked, options, step)
            return next(replies), replies

        reply, others = self._as_made_now(begun)
        yield reply
        for reply in others:
            yield reply
        _tell(reply.timings)
        if self.store.generation == generation:
            self._kept_replies.keep(generation, options, reply)

    def search(
        self, query: str, k: int, where: Filter = EVERYTHING, diversity: float = 0.0
    ) -> list[Hit]:
        """The `k` best passages for a query, best first, of the documents that fit a filter.

        With `diversity`, from 0 to 1, those unlike the ones before them are preferred.

        Raises:
            InvalidQuestion: it is empty, too long, or not text.
        """
        asked = _encodable(query)

        def found() -> list[Hit]:
            retriever = Retriever(self.store, self.embedder)
            (embedded,) = retriever.embed([asked])
            return retriever.search(embedded, k, where=where, diversity=diversity)

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
        report: Report | None = None,
        digests: "Digests | None" = None,
    ) -> Iterator[Outcome]:
        """Bring the index in step with files; see `Indexer.sync`."""
        with self._writing:
            yield from self._indexer(report).sync(scan, digests)

    def add_bytes(
        self,
        data: bytes,
        *,
        uri: str,
        name: str,
        media_type: str | None = None,
        title: str | None = None,
        metadata: Mapping[str, str] | None = None,
        report: Report | None = None,
    ) -> list[Outcome]:
        """Put what is in one file into the index; see `Indexer.add_bytes`.

        Raises:
            DocumentError: it cannot be read; what was stored under `uri` stays.
        """

        def add() -> list[Outcome]:
            return self._indexer(report).add_bytes(
                data,
                uri=uri,
                name=name,
                media_type=media_type,
                title=title,
                metadata=metadata,
            )

        with self._writing, self._keeping(data, uri):
            return self._as_made_now(add)

    @contextmanager
    def _keeping(self, data: bytes, uri: str) -> Iterator[None]:
        """Keep an upload's bytes while the block puts them into the index."""
        if self._originals is None:
            yield
            return
        self._sweep(self._originals)
        with self._originals.keeping(data, uri, self.store):
            yield

    def _sweep(self, originals: "Originals") -> None:
        """Take away what a crash before this engine was opened has left, once."""
        if not self._swept:
            originals.sweep(self.store.known_digests)
            self._swept = True

    def remove(self, document_ids: Sequence[str]) -> None:
        """Remove documents: all of them, or none; it does not wait for what is being read.

        What was kept of their originals goes too, but for those that others were read from.

        Raises:
            UnknownDocument: there is none with one of these ids.
        """
        if self._originals is None:
            self.store.remove(document_ids)
            return
        from index.provenance import digests_of

        self._sweep(self._originals)
        documents = [self.store.document(id_) for id_ in document_ids]
        digests = {digest for one in documents for digest in digests_of(one, self.store)}
        self.store.remove(document_ids)
        self._originals.forget(digests, self.store.known_digests)

    def original(self, document_id: str) -> "Original":
        """The file that a document was read from; to be closed.

        Raises:
            UnknownDocument: there is none with this id.
            LostOriginal: its file has changed or gone since, or was not kept.
            DocumentError: it cannot be taken out of the file that it is in.
        """
        from index.provenance import original_of

        document = self.store.document(document_id)
        return original_of(document, self.store, self._originals, self.extractor)

    def page_image(self, document_id: str, page: int, width: int) -> "PageImage":
        """A page of a PDF as a picture, `width` pixels wide at most; pages count from 1.

        A box scaled by the picture's size over the page's lies on its words. The pictures drawn
        last are kept.

        Raises:
            UnknownDocument: there is none with this id.
            UnknownPage: it has no such page, or is no PDF.
            LostOriginal: its file has changed or gone since, or was not kept.
            DocumentError: it cannot be drawn.
            ValueError: the width is not one that is drawn; see `index.rendering`.
        """
        from index.provenance import page_image_of

        document = self.store.document(document_id)
        image = self._page_images.get(document.sha256, page, width)
        if image is None:
            image = page_image_of(
                document, page, width, self.store, self._originals, self.extractor
            )
            self._page_images.keep(document.sha256, width, image)
        return image

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
        if self._extractor is not None and not self._shares_extractor:
            self._extractor.close()
        self.store.close()

    def _indexer(self, report: Report | None = None) -> "Indexer":
        from index.extract.source import Reading
        from index.indexing import Indexer

        embedder = self.embedder
        return Indexer(
            self.store,
            embedder,
            self.settings.splitter,
            self.extractor,
            Reading() if self._reading is None else self._reading(),
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


def _tell(timings: Timings) -> None:
    """Tell whoever listens how long the stages of a question took."""
    took("embed", timings.embed / 1000)
    took("retrieve", timings.retrieve / 1000)
    took("read", timings.read / 1000)
    took("question", timings.total / 1000)


def _encodable(question: str) -> str:
    try:
        question.encode()
    except UnicodeEncodeError as error:
        raise InvalidQuestion(
            f"the question holds a character that is not text (at {error.start}); ask without it"
        ) from error
    return question
