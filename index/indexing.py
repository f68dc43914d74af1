"""Files and texts into an index: extract, split, embed, and store in groups."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from index.documents import INSIDE, Document, Passage, Problem
from index.embedding import Embedder, Vectors
from index.errors import DocumentError, UnknownDocument, UnreadableDocument, UnsupportedFormat
from index.extract import Extraction
from index.extract.source import Reading
from index.files import Found, Scan, absolute, uri_path
from index.outcomes import Outcome, Progress, Report, Status
from index.passages import Splitter, split, text_in_context
from index.resplit import resplit
from index.sandbox.workers import Extractor, Job
from index.sidecar import read_sidecar, sidecar_of
from index.store import DocumentSummary, Entry, Intake, Origin, OriginState, PassageStore
from index.sync import TITLED, Digests, File, Plan, files_of, lost, plan, recipe
from index.timing import timed

__all__ = ["Indexer", "Outcome", "Progress", "Report", "Status", "embed", "preview"]

# A group is stored when it holds this many passages: large enough to keep the transactions few,
# small enough to show progress and to lose little when interrupted.
_GROUP = 64

# So many files at most are being read, or have been, before their turn to be embedded.
_AHEAD = 8

# So many texts are embedded between two reports of progress.
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class _Read:
    """A file as it was read, with the passages of each of its documents."""

    file: File
    documents: tuple[tuple[Document, list[Passage]], ...]
    problems: tuple[Problem, ...]

    @property
    def passages(self) -> int:
        return sum(len(passages) for _, passages in self.documents)


class Indexer:
    """Keeps a store in step with files, with the embedder and the splitter it was made for.

    `extractor` reads the files, by the choices of `options`; `report` is told of the progress.
    """

    def __init__(
        self,
        store: PassageStore,
        embedder: Embedder,
        splitter: Splitter,
        extractor: Extractor,
        options: Reading = Reading(),  # noqa: B008 - immutable
        report: Report = lambda _: None,
    ) -> None:
        splitter.check(embedder.max_tokens)
        self._store = store
        self._embedder = embedder
        self._splitter = splitter
        self._extractor = extractor
        self._options = options
        self._report = report
        self._progress = Progress()

    def sync(self, scan: Scan, digests: Digests | None = None) -> Iterator[Outcome]:
        """Let the store hold what the files hold; an outcome for each, as soon as it is stored.

        Documents of files that have gone from the folders that were looked through are removed. A
        file that cannot be read leaves the documents stored for it as they were. Stopped at any
        time, what was stored stays, and the next call goes on.
        """
        self._progress = Progress()
        files = []
        for file in files_of(scan.found, Digests() if digests is None else digests, self._options):
            files.append(file)
            self._advance(compared=1)
        origins = self._store.origins()
        planned = plan(files, origins, lost(scan, origins))
        gone = [state.origin.uri for state in planned.gone]
        links = [(file.origin, source) for file, source in planned.links]
        missing = {origin.uri for origin in self._store.rearrange(links, gone)}
        places = _Places(self._store)
        for outcome in _planned(planned, scan, places, missing):
            self._advance(failed=outcome.status is Status.FAILED)
            yield outcome
        unlinked = [file for file, _ in planned.links if file.uri in missing]
        reading = _Reading(
            files=[*planned.changed, *planned.added, *unlinked],
            known={state.origin.uri for state in origins},
            twins=planned.twins,
            kin={state.origin.sha256: state.origin.uri for state in planned.emptied},
        )
        yield from self._take(reading)
        self._store.rearrange([], [state.origin.uri for state in planned.emptied])
        yield from _removed(planned.emptied)

    def add_files(self, files: Iterable[Found]) -> Iterator[Outcome]:
        """Read files and put them into the store; nothing is removed. See `sync`."""
        return self.sync(Scan(tuple(files)))

    def add_bytes(
        self,
        data: bytes,
        *,
        uri: str,
        name: str,
        media_type: str | None = None,
        title: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> list[Outcome]:
        """Put what is in one file into the store, from its bytes.

        `title` and `metadata` overrule what is found in it; without both, those given before stay
        as long as the bytes do. The first outcome is the file's; the others are for what in it
        could not be read.

        Raises:
            DocumentError: it cannot be read; what was stored under `uri` stays.
        """
        untitled = recipe(name, self._options, media_type or "")
        titled = untitled + TITLED + _told(title, metadata)
        origin = Origin(uri, sha256(data).hexdigest(), titled)
        stored = self._store.origins(uri)
        for state in stored:
            known = state.origin
            silent = title is None and metadata is None
            claims = known.recipe.partition(TITLED)[0] if silent else known.recipe
            wanted = untitled if silent else titled
            if (known.sha256, claims) == (origin.sha256, wanted) and state.documents:
                return list(_standing(name, True, state, _Places(self._store)))
        job = Job(uri, name, None, data, media_type, metadata or {}, title, self._options)
        with timed("extract"):
            extraction = self._extractor.submit(job).result()
        if not extraction.documents:
            problem = extraction.problems[0]
            kind = UnsupportedFormat if problem.unsupported else UnreadableDocument
            raise kind(problem.reason)
        file = File(name, Path(name), True, origin)
        self._progress = Progress()
        known_uris = {state.origin.uri for state in stored}
        return list(self._put([self._split(file, extraction, None)], known_uris))

    def _advance(
        self,
        compared: int = 0,
        read: int = 0,
        passages: int = 0,
        failed: int = 0,
        to_embed: int = 0,
    ) -> None:
        now = self._progress
        self._progress = replace(
            now,
            compared=now.compared + compared,
            read=now.read + read,
            passages=now.passages + passages,
            failed=now.failed + failed,
            to_embed=now.to_embed + to_embed,
        )
        self._report(self._progress)

    def _take(self, reading: "_Reading") -> Iterator[Outcome]:
        """Read files and store what is in them, in groups; then their twins."""
        twins: dict[str, list[File]] = defaultdict(list)
        for twin, first in reading.twins:
            twins[first.uri].append(twin)
        self._progress = replace(
            self._progress, to_read=self._progress.to_read + len(reading.files)
        )
        alone: list[File] = []
        group: list[_Read] = []

        def store() -> Iterator[Outcome]:
            taken: dict[str, Outcome] = {}
            for outcome in self._put(group, reading.known):
                taken.setdefault(outcome.name, outcome)
                yield outcome
            links = [(twin, read.file) for read in group for twin in twins.pop(read.file.uri, ())]
            whole = {read.file.uri for read in group if read.documents and not read.problems}
            pairs = [(twin.origin, first.uri) for twin, first in links if first.uri in whole]
            missing = {origin.uri for origin in self._store.rearrange(pairs, [])}
            for twin, first in links:
                if first.uri in whole and twin.uri not in missing:
                    yield replace(
                        taken[first.name],
                        name=twin.name,
                        status=Status.COPIED,
                        named=twin.named,
                        source=first.name,
                    )
                else:
                    alone.append(twin)
            group.clear()

        for file, extraction in self._read(reading.files):
            group.append(self._split(file, extraction, reading.kin.get(file.origin.sha256)))
            self._advance(read=1)
            if sum(read.passages for read in group) >= _GROUP:
                yield from store()
        yield from store()
        if alone:
            yield from self._take(replace(reading, files=alone, twins=()))

    def _read(self, files: Iterable[File]) -> Iterator[tuple[File, Extraction]]:
        """Read files ahead of their turn; those that are done come first."""
        waiting: dict[Future[Extraction], File] = {}

        def first_done() -> tuple[File, Extraction]:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            future = next(future for future in waiting if future in done)
            return waiting.pop(future), future.result()

        try:
            for file in files:
                waiting[self._submit(file)] = file
                if len(waiting) == _AHEAD:
                    yield first_done()
            while waiting:
                yield first_done()
        finally:
            for future in waiting:
                future.cancel()

    def _submit(self, file: File) -> Future[Extraction]:
        beside = sidecar_of(file.path)
        try:
            metadata = {} if beside is None else read_sidecar(beside)
        except DocumentError as error:
            unread: Future[Extraction] = Future()
            unread.set_result(Extraction((), (Problem(file.uri, f"{file.name}: {error}"),), ""))
            return unread
        job = Job(file.uri, file.name, file.path, metadata=metadata, options=self._options)
        return self._extractor.submit(job)

    def _split(self, file: File, extraction: Extraction, kin: str | None) -> _Read:
        """Cut a file's documents; `kin` is the URI of an origin that had the same bytes."""
        digest = extraction.sha256 or file.origin.sha256
        file = replace(file, origin=replace(file.origin, sha256=digest))
        documents = [
            (document, self._passages(document, file.uri, kin)) for document in extraction.documents
        ]
        return _Read(file, tuple(documents), extraction.problems)

    def _passages(self, document: Document, uri: str, kin: str | None) -> list[Passage]:
        known = self._store.find(document.uri)
        if known is None and kin is not None:
            known = self._store.find(kin + document.uri.removeprefix(uri))
        if known is not None:
            try:
                old, passages = self._store.document(known.id), self._store.passages(known.id)
            except UnknownDocument:
                # Another process has removed it a moment ago.
                pass
            else:
                return resplit(old, passages, document, self._embedder.tokenize, self._splitter)
        return split(document, self._embedder.tokenize, self._splitter)

    def _put(self, group: Sequence[_Read], known: Collection[str]) -> Iterator[Outcome]:
        """Embed and store what was read, in one transaction."""
        passages = [p for read in group for _, passages in read.documents for p in passages]
        with timed("embed_passages"):
            vectors = embed(
                self._store,
                self._embedder,
                passages,
                lambda count: self._advance(passages=count),
                lambda count: self._advance(to_embed=count),
            )
        intakes, first = [], 0
        for read in group:
            entries = []
            for document, cut in read.documents:
                last = first + len(cut)
                entries.append(Entry(document, cut, vectors[first:last]))
                first = last
            intakes.append(Intake(read.file.origin, entries, read.problems))
        with timed("store"):
            stored = self._store.put(intakes)
        for read, ids in zip(group, stored, strict=True):
            name, named = read.file.name, read.file.named
            if read.documents:
                status = Status.CHANGED if read.file.uri in known else Status.ADDED
                yield Outcome(name, status, named, None, ids[0], read.passages, len(ids))
            for outcome in _problems(
                read.file.uri, name, named, read.problems, bool(read.documents)
            ):
                self._advance(failed=outcome.status is Status.FAILED)
                yield outcome


@dataclass(frozen=True, slots=True)
class _Reading:
    """Files to read, and what helps: the URIs of origins known before, twins, and `kin`.

    `kin` has the URI of an origin about to go by the digest of its bytes.
    """

    files: Sequence[File]
    known: Collection[str]
    twins: Sequence[tuple[File, File]]
    kin: Mapping[str, str]


class _Places:
    """What the store holds of each origin; looked up once, when first needed."""

    def __init__(self, store: PassageStore | None) -> None:
        self._store = store
        self._found: dict[str, dict[str, DocumentSummary]] | None = None

    def outcome(
        self, name: str, uri: str, status: Status, named: bool, source: str | None = None
    ) -> Outcome:
        """The outcome of a file whose documents are stored."""
        found = list(self._of(uri).values())
        first = found[0].id if found else None
        passages = sum(summary.passages for summary in found)
        return Outcome(name, status, named, None, first, passages, len(found), source)

    def _of(self, uri: str) -> dict[str, DocumentSummary]:
        if self._found is None:
            self._found = defaultdict(dict)
            for summary in [] if self._store is None else self._store.documents():
                for place in (summary.uri, *summary.copies):
                    self._found[place.partition(INSIDE)[0]][summary.id] = summary
        return self._found.get(uri.partition(INSIDE)[0], {})


def embed(
    store: PassageStore,
    embedder: Embedder,
    passages: Sequence[Passage],
    report: Callable[[int], None] = lambda _: None,
    expect: Callable[[int], None] = lambda _: None,
) -> Vectors:
    """The passages' vectors, float32 `(len(passages), dim)`.

    Embedded are only the texts that the store has no vector of by this embedder, each once;
    `expect` is told how many there are, `report` how many, as they are done.
    """
    texts = [text_in_context(passage) for passage in passages]
    distinct = list(dict.fromkeys(texts))
    known = {}
    if store.settings.embedder == embedder.identity:
        known = store.known_vectors(distinct)
    missing = [text for text in distinct if text not in known]
    expect(len(missing))
    for first in range(0, len(missing), _AT_ONCE):
        part = missing[first : first + _AT_ONCE]
        known.update(zip(part, embedder.embed_passages(part), strict=True))
        report(len(part))
    rows = np.empty((len(texts), embedder.dim), np.float32)
    for place, text in enumerate(texts):
        rows[place] = known[text]
    return rows


def _told(title: str | None, metadata: Mapping[str, str] | None) -> str:
    """Names what was told of an upload, beside its bytes; empty where nothing was."""
    if metadata is None:
        return "" if title is None else sha256(title.encode()).hexdigest()
    told = json.dumps([title, dict(metadata)], sort_keys=True)
    return sha256(told.encode()).hexdigest()


def preview(
    scan: Scan,
    store: PassageStore | None,
    options: Reading = Reading(),  # noqa: B008 - immutable
) -> list[Outcome]:
    """What `Indexer.sync` would do, as far as can be told without reading documents."""
    origins = [] if store is None else store.origins()
    files = list(files_of(scan.found, Digests(), options))
    planned = plan(files, origins, lost(scan, origins))
    outcomes = list(_planned(planned, scan, _Places(store), set()))
    outcomes += [Outcome(file.name, Status.CHANGED, file.named) for file in planned.changed]
    outcomes += [Outcome(file.name, Status.ADDED, file.named) for file in planned.added]
    outcomes += [
        Outcome(twin.name, Status.COPIED, twin.named, source=first.name)
        for twin, first in planned.twins
    ]
    return [*outcomes, *_removed(planned.emptied)]


def _planned(
    planned: Plan, scan: Scan, places: _Places, missing: Collection[str]
) -> Iterator[Outcome]:
    """The outcomes of all files that need not be read; `missing` could not be linked after all."""
    gone = [path for state in planned.gone if (path := uri_path(state.origin.uri)) is not None]
    for item in scan.found:
        if item.problem is not None and not any(
            path.is_relative_to(absolute(item.path)) for path in gone
        ):
            yield Outcome(str(item.path), Status.FAILED, item.named, item.problem)
    for file, state in planned.unchanged:
        yield from _standing(file.name, file.named, state, places)
    for status, pairs in (
        (Status.MOVED, planned.moved),
        (Status.COPIED, planned.copied),
        (Status.CHANGED, planned.exchanged),
    ):
        for file, source in pairs:
            if file.uri not in missing:
                yield places.outcome(file.name, file.uri, status, file.named, _name_of(source))
    yield from _removed(planned.gone, except_for={source for _, source in planned.moved})


def _standing(name: str, named: bool, state: OriginState, places: _Places) -> Iterator[Outcome]:
    uri = state.origin.uri
    if state.documents:
        outcome = places.outcome(name, uri, Status.UNCHANGED, named)
        yield replace(outcome, documents=state.documents)
    yield from _problems(uri, name, named, state.problems, bool(state.documents))


def _removed(states: Iterable[OriginState], except_for: Collection[str] = ()) -> Iterator[Outcome]:
    """What went; nothing is said of files of which nothing could be read."""
    for state in states:
        uri = state.origin.uri
        if state.documents and uri not in except_for:
            yield Outcome(_name_of(uri), Status.REMOVED, False, documents=state.documents)


def _problems(
    uri: str, name: str, named: bool, problems: Sequence[Problem], partly: bool
) -> Iterator[Outcome]:
    """What in a file could not be read; `partly` tells that something could."""
    whole = False
    for problem in problems:
        inside = problem.uri.removeprefix(uri)
        status = (
            Status.SKIPPED if problem.unsupported and not (named and not inside) else Status.FAILED
        )
        whole = whole or not inside
        yield Outcome(name + unquote(inside), status, named and not inside, problem.reason)
    if problems and not partly and not whole:
        skipped = not named and all(problem.unsupported for problem in problems)
        status = Status.SKIPPED if skipped else Status.FAILED
        yield Outcome(name, status, named, f"{name}: nothing in it can be read; see the reasons")


def _name_of(uri: str) -> str:
    path = uri_path(uri)
    return uri if path is None else str(path)
