"""Documents made for tests, and what a store takes of them."""

from collections.abc import Sequence
from hashlib import sha256

from index.documents import Document, Section, document_id
from index.embedding import Embedder
from index.passages import Splitter, split, text_in_context
from index.store import Entry

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


def an_entry(
    document: Document, embedder: Embedder, splitter: Splitter = DEFAULT, extractor: int = 0
) -> Entry:
    """The document with its passages and their vectors."""
    passages = split(document, embedder.tokenize, splitter)
    vectors = embedder.embed_passages([text_in_context(passage) for passage in passages])
    return Entry(document, passages, vectors, extractor)
