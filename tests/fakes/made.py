"""Documents made for tests, and what a store takes of them."""

from collections.abc import Sequence
from hashlib import sha256

from index.documents import Document, Section, document_id
from index.embedding import Embedder
from index.passages import Splitter, split, text_in_context
from index.store import Entry, IndexSettings, Intake, Origin, PassageStore

DEFAULT = Splitter()


def a_document(uri: str, text: str, *, title: str = "", headings: Sequence[str] = ()) -> Document:
    """A document; each of `headings` that stands in the text opens a section of its own."""
    starts = [text.index(heading) for heading in headings] + [len(text)]
    sections = tuple(
        Section((heading,), starts[place], starts[place + 1])
        for place, heading in enumerate(headings)
    )
    digest = sha256(text.encode()).hexdigest()
    return Document(document_id(uri), uri, title, "text/plain", text, digest, sections=sections)


def an_entry(document: Document, embedder: Embedder, splitter: Splitter = DEFAULT) -> Entry:
    """The document with its passages and their vectors."""
    passages = split(document, embedder.tokenize, splitter)
    vectors = embedder.embed_passages([text_in_context(passage) for passage in passages])
    return Entry(document, passages, vectors)


def an_intake(
    document: Document, embedder: Embedder, splitter: Splitter = DEFAULT, recipe: str = ""
) -> Intake:
    """A file that holds this one document."""
    origin = Origin(document.uri, document.sha256, recipe)
    return Intake(origin, [an_entry(document, embedder, splitter)])


def build(store: PassageStore, embedder: Embedder, splitter: Splitter, at_once: int = 3) -> None:
    """Begin an edition and give every document its passages in it."""
    store.begin(IndexSettings(embedder.identity, splitter))
    while ids := store.pending(at_once):
        documents = [store.document(id_) for id_ in ids]
        entries = [an_entry(document, embedder, splitter) for document in documents]
        store.fill([(entry.document, entry.passages, entry.vectors) for entry in entries])


def reindex(store: PassageStore, embedder: Embedder, splitter: Splitter) -> None:
    """Build an edition and make it the current one."""
    build(store, embedder, splitter)
    assert store.switch()
