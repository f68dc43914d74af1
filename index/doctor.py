"""Hold an index against every law it must obey."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.catalog import Catalog, text_digest
from index.documents import Document, document_id
from index.embedding import Embedder
from index.errors import DamagedIndex
from index.passages import text_in_context
from index.store import FAISS_FILE
from index.vectors import FaissIndex

# A vector is made again for this many passages, spread over the index, to see that the model and
# the stored vectors still belong together.
_SAMPLE = 8
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Check:
    """One law: whether it holds, and what was found, with what to do where it does not."""

    name: str
    ok: bool
    found: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a visit to the doctor gave."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every law holds."""
        return all(check.ok for check in self.checks)


_REBUILD = "mend it: pincite rebuild"
_AGAIN = "index the files concerned again"


def check(folder: Path, embedder: Embedder | None = None) -> Report:
    """Check the index in `folder`; with the embedder, a sample of its vectors too.

    Changes nothing, and reads one state of the database from start to end; all but the full-text
    table, which is checked last, since that holds up other writers.

    Raises:
        NoIndex, IncompatibleIndex: there is nothing to check, or nothing this version can.
        UnavailableIndex: another program holds the database.
    """
    try:
        catalog = Catalog.open(folder)
    except DamagedIndex as error:
        return Report((Check("database", False, str(error)),))
    checks: list[Check] = []
    laws: tuple[tuple[str, Callable[[], Iterator[str]], str, str], ...] = (
        ("database", lambda: _database(catalog), "sound", "index the files into a new folder"),
        ("documents", lambda: _documents(catalog), "texts match their checksums", _AGAIN),
        ("offsets", lambda: _offsets(catalog), "every passage is its document's slice", _REBUILD),
        ("coverage", lambda: _coverage(catalog), "every word stands in a passage", _REBUILD),
        ("orphans", lambda: _orphans(catalog), "none", _REBUILD),
        ("vectors", lambda: _vectors(catalog, embedder), "one of length 1 a passage", _REBUILD),
        ("faiss", lambda: _faiss(catalog, folder / FAISS_FILE), "agrees with the database", ""),
    )
    try:
        with catalog.transaction(write=False):
            for name, law, well, mend in laws:
                checks.append(_verdict(name, law, well, mend))
        with catalog.locked():
            checks.append(
                _verdict(
                    "full text", lambda: _full_text(catalog), "agrees with the passages", _REBUILD
                )
            )
    finally:
        catalog.close()
    return Report(tuple(checks))


def _verdict(name: str, law: Callable[[], Iterator[str]], well: str, mend: str) -> Check:
    try:
        problems = list(law())
    except (sqlite3.DatabaseError, DamagedIndex, ValueError) as error:
        problems = [str(error)]
    if not problems:
        return Check(name, True, well)
    shown = "; ".join(problems[:_SHOWN])
    more = f" (and {len(problems) - _SHOWN} more)" if len(problems) > _SHOWN else ""
    return Check(name, False, f"{shown}{more}{'; ' + mend if mend else ''}")


def _database(catalog: Catalog) -> Iterator[str]:
    for (found,) in catalog.query("PRAGMA quick_check"):
        if found != "ok":
            yield str(found)


def _documents(catalog: Catalog) -> Iterator[str]:
    query = "SELECT id, uri, text, text_sha256, characters FROM documents"
    for id_, uri, text, digest, characters in catalog.query(query):
        if id_ != document_id(uri):
            yield f"{uri}: has id {id_}, expected {document_id(uri)}"
        if text_digest(text) != digest or len(text) != characters:
            yield f"{uri}: its text was changed after it was stored"
    for _, document in catalog.all_documents():
        yield from _parts(document)


def _parts(document: Document) -> Iterator[str]:
    for kind, parts in (("page", document.pages), ("section", document.sections)):
        position = 0
        for part in parts:
            if not position <= part.start <= part.end <= len(document.text):
                yield f"{document.uri}: {kind} {part.start}-{part.end} is out of place"
            position = part.end


def _offsets(catalog: Catalog) -> Iterator[str]:
    for number, document in catalog.all_documents():
        for start, end, text in catalog.passages_of(number):
            if document.text[start:end] != text or not text:
                yield f"{document.uri}: passage {start}-{end} is not what stands there"


def _coverage(catalog: Catalog) -> Iterator[str]:
    for number, document in catalog.all_documents():
        position = 0
        for start, end, _ in catalog.passages_of(number):
            if document.text[position:start].strip():
                yield f"{document.uri}: characters {position}-{start} are in no passage"
            position = max(position, end)
        if document.text[position:].strip():
            yield f"{document.uri}: characters from {position} on are in no passage"


def _orphans(catalog: Catalog) -> Iterator[str]:
    query = "SELECT count(*) FROM passages WHERE document NOT IN (SELECT number FROM documents)"
    ((count,),) = catalog.query(query)
    if count:
        yield f"{count} passages belong to no document"


def _full_text(catalog: Catalog) -> Iterator[str]:
    ((indexed,),) = catalog.query("SELECT count(*) FROM passages_fts_docsize")
    _, passages = catalog.counts()
    if indexed != passages:
        yield f"{indexed} passages in the full-text table, {passages} in the database"
    yield from catalog.full_text_problems()


def _vectors(catalog: Catalog, embedder: Embedder | None) -> Iterator[str]:
    dim = catalog.settings.embedder.dim
    numbers = catalog.passage_numbers()
    for first in range(0, len(numbers), 10_000):
        part = numbers[first : first + 10_000]
        lengths = np.linalg.norm(catalog.vectors(part, dim), axis=1)
        for number in part[~(np.abs(lengths - 1) < 1e-3)]:
            yield f"the vector of passage {number} has not length 1"
    if embedder is None or not len(numbers):
        return
    sample = numbers[:: max(1, len(numbers) // _SAMPLE)]
    passages = catalog.passages(sample)
    sample = sample[[number in passages for number in sample.tolist()]]  # orphans have no text
    texts = [text_in_context(passages[number]) for number in sample.tolist()]
    likeness = np.sum(embedder.embed_passages(texts) * catalog.vectors(sample, dim), axis=1)
    for number in sample[likeness < 0.99]:
        yield f"the vector of passage {number} is not the one its text has"


def _faiss(catalog: Catalog, path: Path) -> Iterator[str]:
    """A file that is behind is no fault: the next question brings it up to date."""
    dim = catalog.settings.embedder.dim
    loaded = FaissIndex.load(path, catalog.name, dim)
    if loaded is None:
        if path.exists():
            yield "the file is damaged or another index's; the next question makes it again"
        return
    index, generation = loaded
    if generation != catalog.generation:
        return
    stored, copied = catalog.passage_numbers(), np.sort(index.ids)
    if not np.array_equal(stored, copied):
        yield f"{len(copied)} vectors in the file, {len(stored)} in the database; delete {path}"
        return
    for first in range(0, len(stored), 10_000):
        part = stored[first : first + 10_000]
        if not np.array_equal(index.vectors(part), catalog.vectors(part, dim)):
            yield f"vectors in the file differ from the database's; delete {path}"
            return
