"""What the tests of stores share."""

from collections.abc import Callable, Sequence

from index.documents import Document, Passage
from index.embedding import Vectors
from index.filters import EVERYTHING, Filter
from index.full_text import Sizes
from index.passages import Splitter
from index.store import Candidate, IndexSettings, Origin, PassageStore
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_entry, an_intake

EMBEDDER = HashEmbedder()
SETTINGS = IndexSettings(EMBEDDER.identity, Splitter())

LEASE = a_document(
    "test:lease", "The rent is 900 pounds.\n\nThe deposit is two rents.", title="Lease"
)
ZOO = a_document("test:zoo", "Whales sing.\n\nOtters hold hands.", title="Zoo")
TRAM = a_document("test:tram", "The tram stops at the harbour.")
LONG = a_document("test:long", "The rent is due on Monday. " * 30)

# What stores are reindexed with.
OTHER = HashEmbedder(48, "other")
OTHERS = IndexSettings(OTHER.identity, Splitter(tokens=40, overlap=0))

Make = Callable[[], PassageStore]

# So few that files of words are written, merged and read in all these tests.
FEW = {
    "local, words in files": Sizes(least=1, tail=1, portion=3, most_tail=50, largest=8),
    "local, words in files and in memory": Sizes(least=2, tail=6, portion=4, most_tail=50),
}


def put(store: PassageStore, *documents: Document) -> None:
    store.put([an_intake(document, EMBEDDER) for document in documents])


def search(
    store: PassageStore,
    question: str,
    k: int = 50,
    within: Sequence[str] | None = None,
    where: Filter = EVERYTHING,
) -> list[Candidate]:
    return store.candidates(question, EMBEDDER.embed_questions([question])[0], k, within, where)


def texts(candidates: Sequence[Candidate]) -> set[str]:
    return {candidate.passage.text for candidate in candidates}


def by_score(candidates: Sequence[Candidate], side: str) -> list[float]:
    return sorted((getattr(candidate, side) for candidate in candidates), reverse=True)


def begun(embedder: HashEmbedder, splitter: Splitter = SETTINGS.splitter) -> IndexSettings:
    return IndexSettings(embedder.identity, splitter)


def filling(document: Document) -> tuple[Document, Sequence[Passage], Vectors]:
    entry = an_entry(document, OTHER, OTHERS.splitter)
    return entry.document, entry.passages, entry.vectors


def moved(document: Document, uri: str) -> tuple[Origin, str]:
    return Origin(uri, document.sha256, ""), document.uri
