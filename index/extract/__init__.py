"""Bytes -> `Document`s: the canonical text of a file and where each part of it stood.

One module reads each format (see `formats`); what they share is decoding, cleaning and the
`TextBuilder`. The libraries that do the parsing are imported when the first file of their format
comes. A file that holds others (an archive, a message with attachments) gives several documents.

What a document says of itself is under the same names in every format, lower-case keys with values
of one line: `author`, `created`, `modified` and `date` (ISO 8601), `language` (ISO 639),
`subject`, `description`, `keywords`, `pages` (how many); of mail also `from`, `to`, `cc`. Whatever
else front matter, a record or a sidecar says is under the name it has there. The title is none of
them: it is `Document.title`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from index.documents import INSIDE, Document, Problem, document_id
from index.errors import DocumentError, UnreadableDocument, UnsupportedFormat
from index.extract.builder import Extracted
from index.extract.cleaning import has_words, one_line
from index.extract.content import content_of, label_of, path_of, place_of
from index.extract.formats import SUPPORTED
from index.extract.language import language_of, primary_language
from index.extract.source import Budget, Container, Limits, Member, Reading

__all__ = [
    "EXTRACTOR_VERSION",
    "SUPPORTED",
    "Extraction",
    "extract",
    "extract_all",
]

# Raised when any format is read in another way, so that files that did not change are read again.
EXTRACTOR_VERSION: int = 3

# What is said of a document is for choosing it and for showing; it is cut where it is longer.
MOST_METADATA = 100
LONGEST_VALUE = 1_000
LONGEST_KEY = 100


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was read of one file: its documents, in order, and what in it could not be read.

    `sha256` is the digest of the file's bytes, in hexadecimal.
    """

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]
    sha256: str


def extract(data: bytes, *, uri: str, name: str, media_type: str | None = None) -> Document:
    """Return the one document whose bytes are `data`, the first one if they hold several.

    Raises:
        UnsupportedFormat: the bytes are of a kind that is not read.
        UnreadableDocument: they are empty, damaged, encrypted or hold no text.
        DocumentTooLarge: there are more than the format's limit, or more text than it.
    """
    reader = _Reader(name, Limits(), Reading())
    reader.read(data, uri, name, media_type)
    if reader.documents:
        return reader.documents[0]
    raise reader.errors[0]


def extract_all(
    data: bytes,
    *,
    uri: str,
    name: str,
    media_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
    title: str | None = None,
    options: Reading = Reading(),  # noqa: B008 - immutable
    limits: Limits = Limits(),  # noqa: B008 - immutable
) -> Extraction:
    """Return the documents in `data`; raises nothing for what a file may hold.

    Args:
        data: the whole file.
        uri: where the file is; the documents' ids are made of it. What is inside a container has
            the container's URI, "!/" and the path in it.
        name: a file name or path: reasons begin with it and its suffix is a hint of the format.
        media_type: what the sender says the format is, a hint like the suffix; content overrules
            both.
        metadata: what the user says of the file; it overrules what the file says, and holds for all
            that is in it. A `title` among it is the file's title.
        title: overrules the one found in the file.
        options: how to read.
        limits: how much the file may come to.
    """
    reader = _Reader(name, limits, options)
    reader.read(data, uri, name, media_type)
    given = _clean_metadata(metadata or {})
    said = given.pop("title", "")
    title = one_line(title or "") or said
    documents = []
    for document in reader.documents:
        document = replace(document, metadata={**document.metadata, **given})
        if title and document.uri == uri:
            document = replace(document, title=title, title_from_name=False)
        documents.append(document)
    return Extraction(tuple(documents), tuple(reader.problems), hashlib.sha256(data).hexdigest())


class _Reader:
    """Reads one file and what is in it, within one budget."""

    def __init__(self, name: str, limits: Limits, options: Reading) -> None:
        self.documents: list[Document] = []
        self.problems: list[Problem] = []
        self.errors: list[DocumentError] = []
        self._options = options
        self._budget = Budget(limits, label_of(name))
        self._uris: set[str] = set()

    def read(
        self,
        data: bytes,
        uri: str,
        name: str,
        media_type: str | None,
        member: Member | None = None,
        depth: int = 0,
    ) -> None:
        """Read a file and its members; what cannot be read becomes a problem."""
        label = label_of(name)
        found = len(self.documents) + len(self.problems)
        try:
            kind, content = self._content(data, label, media_type, member)
            if isinstance(content, Container):
                self._read_members(content, data, kind, uri, label, member, depth)
                if len(self.documents) + len(self.problems) == found:
                    raise UnreadableDocument(f"{label}: holds no documents")
            else:
                self._add(content, data, kind, uri, label, member)
        except DocumentError as error:
            self._problem(uri, error)

    def _content(
        self, data: bytes, label: str, media_type: str | None, member: Member | None
    ) -> tuple[str, Extracted | Container]:
        if member is not None and isinstance(member.content, Extracted):
            return member.media_type or "text/plain", member.content
        return content_of(data, label, media_type, self._budget, self._options)

    def _read_members(
        self,
        container: Container,
        data: bytes,
        kind: str,
        uri: str,
        label: str,
        member: Member | None,
        depth: int,
    ) -> None:
        if container.own is not None and has_words(container.own.text):
            self._add(container.own, data, kind, uri, label, member)
        for inner in container.members:
            if depth >= self._budget.limits.depth:
                raise UnreadableDocument(
                    f"{label}: is nested more than {self._budget.limits.depth} deep; unpack what is"
                    " around it and index that"
                )
            self._budget.take_member()
            inside = uri + place_of(inner)
            name = f"{label}{INSIDE}{label_of(path_of(inner))}"
            if inside in self._uris:
                inner = replace(inner, problem="stands twice in it; the first was read")
                inside = f"{inside}#{len(self._uris)}"
            self._uris.add(inside)
            if inner.problem is not None:
                self._problem(inside, UnreadableDocument(f"{name}: {inner.problem}"))
            else:
                content = b"" if isinstance(inner.content, Extracted) else inner.content
                self.read(content, inside, name, inner.media_type, inner, depth + 1)
            if self._budget.spent:
                return

    def _problem(self, uri: str, error: DocumentError) -> None:
        self.errors.append(error)
        self.problems.append(Problem(uri, str(error), isinstance(error, UnsupportedFormat)))

    def _add(
        self,
        extracted: Extracted,
        data: bytes,
        kind: str,
        uri: str,
        label: str,
        member: Member | None,
    ) -> None:
        if not has_words(extracted.text):
            raise UnreadableDocument(f"{label}: holds no text; there is nothing in it to index")
        self._budget.take_characters(len(extracted.text))
        title = one_line(extracted.title) or ("" if member is None else one_line(member.title))
        around = {} if member is None else member.metadata
        metadata = _clean_metadata({**around, **extracted.metadata})
        stated = primary_language(metadata.pop("language", ""))
        if language := stated or language_of(extracted.text):
            metadata["language"] = language
        digest = data if data else extracted.text.encode()
        self.documents.append(
            Document(
                id=document_id(uri),
                uri=uri,
                title=title or _title_of(label),
                media_type=kind,
                text=extracted.text,
                sha256=hashlib.sha256(digest).hexdigest(),
                pages=extracted.pages,
                sections=extracted.sections,
                metadata=metadata,
                parts=extracted.parts,
                cells=extracted.cells,
                title_from_name=not title,
            )
        )


def _title_of(label: str) -> str:
    """What a file without a title is called; one that only has a number with its container's."""
    stem = PurePosixPath(label.replace("\\", "/")).stem or label
    around, inside, _ = label.rpartition(INSIDE)
    return f"{_title_of(around)} {stem}" if inside and stem.isdecimal() and around else stem


def _clean_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in metadata.items():
        name = one_line(key[: 2 * LONGEST_KEY]).lower()
        line = one_line(value[: 2 * LONGEST_VALUE])
        if name and line and len(name) <= LONGEST_KEY and len(found) < MOST_METADATA:
            found.setdefault(name, line[:LONGEST_VALUE].rstrip())
    return found
