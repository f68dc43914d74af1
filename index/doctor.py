"""Hold an index against every law it must obey."""

import sqlite3
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index import full_text
from index.boxes import unpack
from index.catalog import Catalog
from index.contents import content_key, folded, passage_digest, text_digest
from index.documents import Document, Passage
from index.editions import Edition
from index.embedding import Embedder
from index.errors import DamagedIndex
from index.originals import FOLDER, Originals
from index.passages import text_in_context
from index.vector_copy import FAISS_FILE
from index.vector_file import is_whole, read
from index.vector_kinds import EXACT

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


_REINDEX = "mend it: pincite reindex"
_AFRESH = "index the files into a new folder: pincite index --index NEW_FOLDER PATH"
_RESEND = "send the files concerned again"
_AGAIN = "remove and index the files concerned again: pincite remove, pincite index"


def check(folder: Path, embedder: Embedder | None = None) -> Report:
    """Check the index in `folder`; with the embedder, a sample of its vectors too.

    Changes nothing, and reads one state of the database from start to end; all but the full-text
    tables, which are checked after the rest of it, since that holds up other writers.

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
        ("database", lambda: _database(catalog), "sound", _AFRESH),
        ("documents", lambda: _documents(catalog), "are as they were stored", _AGAIN),
        ("places", lambda: _places(catalog), "each document has one", _AFRESH),
        ("editions", lambda: _editions(catalog), "have all documents they should", _REINDEX),
        ("offsets", lambda: _offsets(catalog), "every passage is its document's slice", _REINDEX),
        ("coverage", lambda: _coverage(catalog), "every word stands in a passage", _REINDEX),
        ("orphans", lambda: _orphans(catalog), "none", _AFRESH),
        ("vectors", lambda: _vectors(catalog, embedder), "one of length 1 a passage", _REINDEX),
        ("faiss", lambda: _faiss(catalog, folder / FAISS_FILE), "agrees with the database", ""),
        ("words", lambda: _words(folder, catalog), "agree with the passages", ""),
    )
    try:
        with catalog.transaction(write=False):
            for name, law, well, mend in laws:
                checks.append(_verdict(name, law, well, mend))
        with catalog.locked():
            checks.append(
                _verdict(
                    "full text", lambda: _full_text(catalog), "agrees with the passages", _REINDEX
                )
            )
    finally:
        catalog.close()
    kept = Originals(folder / FOLDER)
    checks.append(_verdict("originals", lambda: _originals(kept), "are as they were sent", _RESEND))
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
    query = """SELECT number, id, text_sha256, content, characters, pages FROM documents
               ORDER BY number"""
    for number, id_, digest, content, characters, pages in catalog.query(query):
        try:
            document = catalog.document(number)
        except DamagedIndex as error:
            yield str(error)
            continue
        name = document.uri or id_
        if text_digest(document.text) != digest or len(document.text) != characters:
            yield f"{name}: its text was changed after it was stored"
        elif content not in (None, content_key(document)) or len(document.pages) != pages:
            yield f"{name}: what is known of it was changed after it was stored"
        properties = catalog.query("SELECT key, value FROM properties WHERE document = ?", number)
        if {*properties} != {(folded(k), folded(v)) for k, v in document.metadata.items()}:
            yield f"{name}: is not found by what its metadata says"
        yield from _parts(name, document)
        yield from _glyphs(name, document)


def _parts(name: str, document: Document) -> Iterator[str]:
    for kind, parts in (
        ("page", document.pages),
        ("section", document.sections),
        ("part", document.parts),
        ("cell", document.cells),
    ):
        position = 0
        for part in parts:
            if not position <= part.start <= part.end <= len(document.text):
                yield f"{name}: {kind} {part.start}-{part.end} is out of place"
            position = part.end


def _glyphs(name: str, document: Document) -> Iterator[str]:
    for page in document.pages:
        if page.glyphs is None:
            continue
        try:
            placed = len(unpack(page.glyphs))
        except (ValueError, zlib.error):
            yield f"{name}: page {page.number} has glyphs that cannot be read"
            continue
        if placed != page.end - page.start:
            yield (
                f"{name}: page {page.number} has {page.end - page.start} characters, "
                f"and tells where {placed} stand"
            )


def _places(catalog: Catalog) -> Iterator[str]:
    for uri, origin in catalog.query("SELECT uri, origin FROM places"):
        if not uri.startswith(origin):
            yield f"{uri}: is not in its origin, {origin}"
    query = "SELECT id FROM documents WHERE number NOT IN (SELECT document FROM places)"
    for (id_,) in catalog.query(query):
        yield f"document {id_} stands nowhere"
    # Of bare columns beside min(), SQLite takes those of the row that has the minimum.
    query = """SELECT d.title, d.titled_by, p.uri, min(p.number) FROM documents AS d
               JOIN places AS p ON p.document = d.number
               WHERE d.titled_by IS NOT NULL GROUP BY d.number"""
    for title, titled_by, uri, _ in catalog.query(query):
        if titled_by != uri:
            yield f"{uri}: is called {title!r}, by a name that it had before"


def _editions(catalog: Catalog) -> Iterator[str]:
    live = {edition.number for edition in _live(catalog)}
    for number in sorted(live | _full_texts(catalog)):
        if number not in live:
            yield f"the full-text table of edition {number} is left over"
        elif number not in _full_texts(catalog):
            yield f"edition {number} has no full-text table"
    query = """SELECT id FROM documents WHERE number NOT IN
                 (SELECT document FROM filled WHERE edition = ?)"""
    for (id_,) in catalog.query(query, catalog.editions.current.number):
        yield f"document {id_} has no passages in the current edition"
    query = """SELECT count(*) FROM passages AS p JOIN editions AS e ON e.number = p.edition
               WHERE e.state <> 'dropped' AND NOT EXISTS (SELECT 1 FROM filled AS f
                 WHERE f.edition = p.edition AND f.document = p.document)
                 AND p.document IN (SELECT number FROM documents)"""
    ((count,),) = catalog.query(query)
    if count:
        yield f"{count} passages are in editions that do not have their documents"
    query = "SELECT number, edition, digest, context, text FROM passages"
    for number, edition, digest, context, text in catalog.query(query):
        if passage_digest(f"{context}\n{text}" if context else text) != digest:
            yield f"passage {number} of edition {edition} is not found by what was embedded of it"


def _live(catalog: Catalog) -> list[Edition]:
    """The editions that are in use; the current one first."""
    others = (catalog.editions.in_state("building"), catalog.editions.in_state("previous"))
    return [catalog.editions.current, *(edition for edition in others if edition is not None)]


def _full_texts(catalog: Catalog) -> set[int]:
    query = "SELECT name FROM sqlite_schema WHERE type = 'table'"
    names = (name.removeprefix("passages_fts_") for (name,) in catalog.query(query))
    return {int(name) for name in names if name.isdecimal()}


def _offsets(catalog: Catalog) -> Iterator[str]:
    for uri, edition, text, passages in _passages(catalog):
        for passage in passages:
            if text[passage.start : passage.end] != passage.text or not passage.text:
                yield (
                    f"{uri}: passage {passage.start}-{passage.end} of edition {edition} is not "
                    "what stands there"
                )


def _coverage(catalog: Catalog) -> Iterator[str]:
    for uri, edition, text, passages in _passages(catalog):
        position = 0
        for passage in passages:
            if text[position : passage.start].strip():
                yield (
                    f"{uri}: characters {position}-{passage.start} are in no passage of edition "
                    f"{edition}"
                )
            position = max(position, passage.end)
        if text[position:].strip():
            yield f"{uri}: characters from {position} on are in no passage of edition {edition}"


def _passages(catalog: Catalog) -> Iterator[tuple[str, int, str, list[Passage]]]:
    """For every document and every edition that has it: a URI, the edition, text and passages."""
    query = """SELECT d.number, d.text, coalesce((SELECT uri FROM places WHERE document = d.number
                 ORDER BY number), d.id) FROM documents AS d ORDER BY d.number"""
    editions = [edition.number for edition in _live(catalog)]
    for number, text, uri in catalog.query(query):
        for edition in editions:
            if catalog.editions.is_filled(edition, number):
                yield uri, edition, text, catalog.passages.of(edition, number)


def _orphans(catalog: Catalog) -> Iterator[str]:
    for what, child, column, parent, key in (
        ("passages", "passages", "document", "documents", "number"),
        ("passages", "passages", "edition", "editions", "number"),
        ("pages", "pages", "document", "documents", "number"),
        ("entries of metadata", "properties", "document", "documents", "number"),
        ("places", "places", "document", "documents", "number"),
        ("places", "places", "origin", "origins", "uri"),
        ("problems", "problems", "origin", "origins", "uri"),
        ("records of passages", "filled", "document", "documents", "number"),
        ("records of passages", "filled", "edition", "editions", "number"),
    ):
        query = f"SELECT count(*) FROM {child} WHERE {column} NOT IN (SELECT {key} FROM {parent})"  # noqa: S608
        ((count,),) = catalog.query(query)
        if count:
            yield f"{count} {what} belong to no {column}"


def _full_text(catalog: Catalog) -> Iterator[str]:
    for edition in (edition.number for edition in _live(catalog)):
        query = f"SELECT count(*) FROM passages_fts_{edition}_docsize"  # noqa: S608
        ((indexed,),) = catalog.query(query)
        query = "SELECT count(*) FROM passages WHERE edition = ?"
        ((passages,),) = catalog.query(query, edition)
        if indexed != passages:
            yield (
                f"{indexed} passages in the full-text table of edition {edition}, {passages} in "
                "the database"
            )
        yield from catalog.passages.full_text_problems(edition)


def _words(folder: Path, catalog: Catalog) -> Iterator[str]:
    """Files that are behind, or of another state, are no fault: they are not used as they are."""
    for problem in full_text.check(folder, catalog):
        yield f"{problem}; delete {folder / full_text.FOLDER}"


def _vectors(catalog: Catalog, embedder: Embedder | None) -> Iterator[str]:
    for edition in _live(catalog):
        dim = edition.settings.embedder.dim
        numbers = catalog.passages.numbers(edition.number)
        for first in range(0, len(numbers), 10_000):
            part = numbers[first : first + 10_000]
            lengths = np.linalg.norm(catalog.passages.vectors(part, dim), axis=1)
            for number in part[~(np.abs(lengths - 1) < 1e-3)]:
                yield f"the vector of passage {number} has not length 1"
        if embedder is not None and embedder.identity == edition.settings.embedder and len(numbers):
            yield from _sampled(catalog, embedder, numbers)


def _originals(kept: Originals) -> Iterator[str]:
    for sha256 in kept.damaged():
        yield f"{kept.path(sha256)} has another digest than its name says"


def _sampled(catalog: Catalog, embedder: Embedder, numbers: NDArray[np.int64]) -> Iterator[str]:
    sample = numbers[:: max(1, len(numbers) // _SAMPLE)]
    passages = catalog.passages.get(sample)
    sample = sample[[number in passages for number in sample.tolist()]]  # orphans have no text
    texts = [text_in_context(passages[number]) for number in sample.tolist()]
    vectors = catalog.passages.vectors(sample, embedder.dim)
    likeness = np.sum(embedder.embed_passages(texts) * vectors, axis=1)
    for number in sample[likeness < 0.99]:
        yield f"the vector of passage {number} is not the one its text has"


def _faiss(catalog: Catalog, path: Path) -> Iterator[str]:
    """A file that is behind is no fault: the next question reads what it lacks."""
    edition = catalog.editions.current
    dim = edition.settings.embedder.dim
    if not path.exists():
        return
    sealed = read(path)
    if sealed is None or sealed.origin.catalog != catalog.name:
        yield "the file is damaged or another index's; the next question makes it again"
        return
    if not is_whole(path):
        yield f"the file is damaged, so that passages may be missed; delete {path}"
        return
    if (sealed.origin.edition, sealed.origin.mark) != (edition.number, catalog.changes.last):
        return
    stored, copied = catalog.passages.numbers(edition.number), sealed.ids
    if not np.array_equal(stored, copied):
        yield f"{len(copied)} vectors in the file, {len(stored)} in the database; delete {path}"
        return
    if sealed.factory != EXACT:  # the vectors themselves are not in it
        return
    for first in range(0, len(stored), 10_000):
        rows = sealed.index.reconstruct_n(first, min(10_000, len(stored) - first))
        if not np.array_equal(rows, catalog.passages.vectors(stored[first : first + 10_000], dim)):
            yield f"vectors in the file differ from the database's; delete {path}"
            return
