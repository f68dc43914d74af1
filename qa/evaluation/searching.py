"""How well documents are found: lexical, dense, fused, and ranked anew by the reader."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, unquote

from index.documents import INSIDE, Document, Hit, Passage
from index.embedding import Embedder
from index.errors import InvalidLabels, InvalidQuestion
from index.extract import EXTRACTOR_VERSION, extract_all
from index.indexing import embed
from index.passages import split
from index.retriever import Query, Retriever, fuse
from index.store import Entry, Intake, Origin, PassageStore
from qa.answering import read_hits
from qa.answers import PASSAGES
from qa.evaluation.beir import CorpusDocument
from qa.evaluation.faults import Fault, quoted
from qa.index_calibration import in_use
from qa.reader import Reader

LEXICAL, DENSE, FUSED, RERANKED = "lexical", "dense", "fused", "reranked"
RANKINGS = (LEXICAL, DENSE, FUSED, RERANKED)

# So many documents of a ranking are looked at.
DEPTH = 100

_SCHEME = "corpus:"
_GROUP = 64

Report = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Searched:
    """What was found for one query: at most `DEPTH` ids of the corpus for each ranking, best first.

    `milliseconds` is how long the fused search took, the query's embedding included.
    """

    query: str
    rankings: Mapping[str, Sequence[str]]
    milliseconds: float


def fill(
    store: PassageStore, embedder: Embedder, corpus: Sequence[CorpusDocument], report: Report
) -> list[Fault]:
    """Bring an index in step with a corpus; what it holds of it already is not embedded again.

    `report` is told how many documents are done.

    Returns:
        The documents that cannot be indexed.

    Raises:
        InvalidLabels: the index holds other documents.
    """
    wanted = {uri_of(document.id): document for document in corpus}
    stored = {state.origin.uri: state.origin for state in store.origins()}
    foreign = next((uri for uri in stored if not uri.startswith(_SCHEME)), None)
    if foreign is not None:
        raise InvalidLabels(f"the index holds {foreign}, which is of no corpus; name another index")
    store.rearrange([], [uri for uri in stored if uri not in wanted])
    missing = [(uri, one) for uri, one in wanted.items() if stored.get(uri) != _origin(uri, one)]
    faults: list[Fault] = []
    done = len(wanted) - len(missing)
    report(done)
    for group in _batched(missing, _GROUP):
        store.put(_intakes(store, embedder, group, faults))
        done += len(group)
        report(done)
    return faults


def _batched(
    items: Sequence[tuple[str, CorpusDocument]], size: int
) -> Iterator[Sequence[tuple[str, CorpusDocument]]]:
    for first in range(0, len(items), size):
        yield items[first : first + size]


def uri_of(id_: str) -> str:
    """The URI at which a document of a corpus is indexed."""
    return _SCHEME + quote(id_, safe="")


def _origin(uri: str, document: CorpusDocument) -> Origin:
    content = f"{document.title}\0{document.text}"
    return Origin(uri, sha256(content.encode()).hexdigest(), str(EXTRACTOR_VERSION))


def _intakes(
    store: PassageStore,
    embedder: Embedder,
    group: Iterable[tuple[str, CorpusDocument]],
    faults: list[Fault],
) -> list[Intake]:
    read: list[tuple[Origin, list[tuple[Document, list[Passage]]]]] = []
    for uri, item in group:
        extraction = extract_all(
            item.text.encode(),
            uri=uri,
            name=item.place,
            media_type="text/plain",
            title=item.title or None,
        )
        faults += [Fault(item.place, problem.reason) for problem in extraction.problems]
        if extraction.documents:
            splitter = store.settings.splitter
            cut = [(one, split(one, embedder.tokenize, splitter)) for one in extraction.documents]
            read.append((_origin(uri, item), cut))
    passages = [passage for _, cut in read for _, found in cut for passage in found]
    vectors = embed(store, embedder, passages)
    intakes, first = [], 0
    for origin, cut in read:
        entries = []
        for document, found in cut:
            entries.append(Entry(document, found, vectors[first : first + len(found)]))
            first += len(found)
        intakes.append(Intake(origin, entries))
    return intakes


class Searcher:
    """Ranks the documents of a corpus in an index in every way, by the code that answers."""

    def __init__(self, retriever: Retriever, reader: Reader, passages: int = PASSAGES) -> None:
        """Take what searches, and what ranks the first so many passages anew."""
        self._retriever = retriever
        self._reader = reader
        self._passages = passages
        self._ids: dict[str, list[str]] = {}
        for summary in retriever.store.documents():
            ids = [
                unquote(uri.partition(INSIDE)[0].removeprefix(_SCHEME))
                for uri in (summary.uri, *summary.copies)
            ]
            self._ids[summary.id] = list(dict.fromkeys(ids))

    def search(self, id_: str, text: str) -> Searched:
        """Everything that is found for one query.

        Raises:
            InvalidQuestion: it is too long.
        """
        began = time.perf_counter()
        [query] = self._retriever.embed([text])
        hits = self._retriever.search(query, DEPTH)
        milliseconds = 1000 * (time.perf_counter() - began)
        wide = DEPTH
        # A document has several passages, so more may be needed for as many documents.
        while len(self._documents(hits)) < DEPTH and len(hits) == wide:
            wide *= 2
            hits = self._retriever.search(query, wide)
        candidates = self._retriever.store.candidates(query.text, query.vector, wide)
        lexical = [hit for hit in fuse(candidates, 0.0) if hit.lexical_score > 0]
        ranked = {
            LEXICAL: lexical,
            DENSE: fuse(candidates, 1.0),
            FUSED: hits,
            RERANKED: self._reranked(query, hits),
        }
        found = {name: self._documents(in_order) for name, in_order in ranked.items()}
        return Searched(id_, found, milliseconds)

    def _reranked(self, query: Query, hits: Sequence[Hit]) -> list[Hit]:
        """The first passages in the order of their best spans' scores, as answers are ranked."""
        first = hits[: self._passages]
        weight = in_use(self._retriever.store, self._reader).retrieval_weight
        scores = [
            reading.score + weight * hit.score
            for hit, reading in zip(first, read_hits(self._reader, query.text, first), strict=True)
        ]
        order = sorted(range(len(first)), key=lambda place: -scores[place])
        return [*(first[place] for place in order), *hits[self._passages :]]

    def _documents(self, hits: Iterable[Hit]) -> list[str]:
        """The corpus's ids in the order of their first passages; duplicates follow their hits."""
        found: dict[str, None] = {}
        for hit in hits:
            for passage in (hit.passage, *hit.duplicates):
                found.update(dict.fromkeys(self._ids.get(passage.document_id, ())))
        return list(found)[:DEPTH]


def search_all(
    searcher: Searcher, queries: Mapping[str, str], report: Report = lambda _: None
) -> tuple[list[Searched], list[Fault]]:
    """What is found for each query, in order; what cannot be asked is a fault.

    `report` is told how many are done.
    """
    found, faults = [], []
    for count, (id_, text) in enumerate(queries.items(), 1):
        try:
            found.append(searcher.search(id_, text))
        except InvalidQuestion as error:
            faults.append(Fault(f"query {quoted(id_)}", str(error)))
        report(count)
    return found, faults
