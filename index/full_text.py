"""The lexical side of the search: SQLite's FTS5 while that is quick, then inverted lists in files.

FTS5 reckons a score for every passage that has any of the words, which takes a second where there
are a million. The lists give the same scores in milliseconds. They are a copy, as that of the
vectors is: a manifest names the files, the edition, the state of the database (see
`index.changes`) from which on removals are known, and the passage number up to which nothing is
missing. What was removed since is masked out; what came since is looked through when the next
question is put, and kept in memory until a writer folds it in. So a search sees one state of the
database, and where the copy does not fit, FTS5 is asked.
"""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from index.analyzer import Analyzer
from index.bm25 import Bm25, Part
from index.catalog import Catalog
from index.changes import NOWHERE, Mark
from index.durable import writing
from index.errors import DamagedIndex
from index.lexical import content_words, match_query
from index.postings import Ids, Mask, Row, Segment, build, is_whole, load, merge, save

FOLDER = "words"
_MANIFEST = "manifest.json"
_ENDING = ".lists"

# A segment is written anew when less than this share of it is there, or removals lie so far back
# that the database might soon not tell of them any more.
_LEAST_SHARE = 0.9
_MOST_CHANGES = 100_000

# A file that no manifest names may be one that another process is about to name.
_LEFT_ALONE_SECONDS = 3600

_Found = TypeVar("_Found")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many passages make the difference; ARCHITECTURE.md has the figures behind it.

    With fewer than `least`, FTS5 is quick. Once `tail` are not in the files, the next writer folds
    them in, `portion` at a time; while more than `most_tail` are not, FTS5 is asked. Files of up to
    `largest` are merged, a larger one stays as it is until a tenth of it is gone.
    """

    least: int = 10_000
    tail: int = 500
    portion: int = 20_000
    most_tail: int = 5_000
    largest: int = 200_000


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the files hold: all passages of an edition up to the number `newest`.

    Of these some were removed since the state of the database that `mark` tells.
    """

    catalog: str
    edition: int
    mark: Mark
    newest: int
    segments: tuple[str, ...] = ()


@dataclass(eq=False, slots=True)
class Scope:
    """The documents to look in, by their numbers, int64, ascending; all in one generation."""

    documents: Ids
    masks: tuple[Bm25, list[Mask]] | None = field(default=None, repr=False)
    passages: Ids | None = field(default=None, repr=False)


class FullText:
    """Full-text search in an index folder.

    `best`, `scores` and `passages` run inside a transaction that the caller opened. Not safe for
    use by several threads at once, but that one may fold while another searches.
    """

    def __init__(self, folder: Path, sizes: Sizes = Sizes()) -> None:
        self._folder = folder / FOLDER
        self._sizes = sizes
        self._analyzer = Analyzer()
        self._folding = threading.Lock()
        self._folder_analyzer = Analyzer()
        # The manifest that was taken up, and the one that was tried last.
        self._seen: tuple[int, int] | None = None
        self._tried: tuple[int, int] | None = None
        self._manifest: Manifest | None = None
        self._parts: list[Part] = []
        self._tail: Segment | None = None
        self._mark = NOWHERE  # of the state that parts and tail are of
        self._state: tuple[int, Mark] | None = None
        self._ranking: Bm25 | None = None
        self._due = False
        self._due_in: tuple[int, Mark] | None = None

    # Searching

    def best(
        self, catalog: Catalog, question: str, k: int, scope: Scope | None = None
    ) -> list[tuple[int, float]]:
        """The `k` best passages of the current edition: (number, BM25 from 0 up), best first."""
        edition = catalog.editions.current.number

        def by_lists(ranking: Bm25) -> list[tuple[int, float]]:
            masks = None if scope is None else _masks(ranking, scope)
            found = ranking.best(self._keys(question), k, masks)
            if not catalog.passages.has_all(edition, [number for number, _ in found]):
                raise IndexError("it names passages that there are not")
            return found

        found = self._by_lists(catalog, by_lists)
        if found is None:
            query = match_query(question)
            documents = None if scope is None else scope.documents
            found = catalog.passages.bm25(edition, query, k, documents) if query else []
        return found

    def scores(self, catalog: Catalog, question: str, numbers: Sequence[int]) -> dict[int, float]:
        """The BM25 of passages by their numbers; some of those that have 0 may be missing."""

        def by_lists(ranking: Bm25) -> dict[int, float]:
            found = ranking.scores(self._keys(question), np.array(numbers, dtype=np.int64))
            return dict(zip(numbers, found.tolist(), strict=True))

        found = self._by_lists(catalog, by_lists)
        if found is None:
            query = match_query(question) if numbers else ""
            edition = catalog.editions.current.number
            every = len(numbers)
            rows = catalog.passages.bm25(edition, query, every, numbers=numbers) if query else []
            found = dict(rows)
        return found

    def passages(self, catalog: Catalog, scope: Scope) -> Ids:
        """The numbers of the current edition's passages in the documents, ascending."""
        if scope.passages is None:
            found = self._by_lists(catalog, lambda one: _numbers(one, _masks(one, scope)))
            if found is None:
                edition = catalog.editions.current.number
                found = catalog.passages.numbers(edition, scope.documents)
            scope.passages = found
        return scope.passages

    def is_due(self, catalog: Catalog) -> bool:
        """Whether FTS5 has to be asked although there are many passages."""
        if self._current(catalog) is not None:
            return False
        if self._due_in != self._state:
            edition = catalog.editions.current.number
            self._due = catalog.passages.many_after(edition, 0, self._sizes.least)
            self._due_in = self._state
        return self._due

    def _keys(self, question: str) -> list[int]:
        return self._analyzer.keys_of(content_words(question))

    def _by_lists(self, catalog: Catalog, act: Callable[[Bm25], _Found]) -> _Found | None:
        """What the lists give; None where FTS5 has to be asked."""
        ranking = self._current(catalog)
        if ranking is None:
            return None
        try:
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                return act(ranking)
        except (IndexError, ValueError, ArithmeticError) as error:
            # What is in a file is not what was written.
            log.warning("%s: is damaged (%s) and not used; delete it", self._folder, error)
            self._ranking = None
            return None

    def _current(self, catalog: Catalog) -> Bm25 | None:
        """What ranks by the files, brought to the transaction's state; None where FTS5 has to."""
        state = catalog.editions.current.number, catalog.changes.last
        # What could not be used may have been written anew, which is no change of the database.
        if state != self._state or (self._ranking is None and self._stamp() != self._tried):
            self._tried = self._stamp()
            try:
                self._ranking = self._brought_to(catalog, state[0])
            except DamagedIndex as error:
                log.warning("%s; it is made anew when the index changes next", error)
                self._ranking = None
            self._state = state
        return self._ranking

    def _brought_to(self, catalog: Catalog, edition: int) -> Bm25 | None:
        self._load()
        manifest = self._manifest
        if manifest is None or (manifest.catalog, manifest.edition) != (catalog.name, edition):
            return None
        removed = catalog.changes.removed_since(self._mark)
        if removed is None:
            return None
        for part in self._parts:
            part.remove(removed)
        self._mark = catalog.changes.last
        numbers = catalog.passages.numbers_after(edition, manifest.newest)
        if len(numbers) > self._sizes.most_tail:
            return None
        self._tail = self._tail_of(catalog, numbers)
        return Bm25([*self._parts, Part(self._tail)])

    def _load(self) -> None:
        """Take up the files that the manifest names, if it is another one than before."""
        stamp = self._stamp()
        if stamp is not None and stamp == self._seen:
            return
        self._seen, self._manifest = None, None
        manifest = None if stamp is None else _read(self._folder / _MANIFEST)
        if manifest is None:
            return
        segments = [_segment(self._folder, name) for name in manifest.segments]
        self._parts = list(map(Part, segments))
        self._manifest, self._mark = manifest, manifest.mark
        self._seen = stamp

    def _stamp(self) -> tuple[int, int] | None:
        """What tells a manifest from the one that took its place; None where there is none."""
        try:
            status = (self._folder / _MANIFEST).stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_ino

    def _tail_of(self, catalog: Catalog, numbers: Ids) -> Segment:
        """The passages with these numbers, of which those of the last time are known."""
        known = self._tail
        came = numbers if known is None else np.setdiff1d(numbers, known.numbers)
        # Where the files were made anew, they may hold less than before.
        if known is None or (len(came) and len(known) and came[0] < known.numbers[-1]):
            return build(catalog.passages.rows(numbers), self._analyzer)
        kept = np.isin(known.numbers, numbers)
        new = build(catalog.passages.rows(came), self._analyzer)
        return known if kept.all() and not len(new) else merge([(known, kept), (new, None)])

    # Folding in

    def fold(self, catalog: Catalog, lock: threading.RLock, least: int | None = None) -> bool:
        """Write a portion of what is not in the files yet; whether there was something to do.

        Nothing is done for fewer passages than `least`, by default `Sizes.tail`, or while another
        thread does so. `lock` is held while the database is read.

        Raises:
            OSError: a file cannot be written.
        """
        if not self._folding.acquire(blocking=False):
            return False
        try:
            with lock, catalog.transaction(write=False):
                manifest, removed = self._fitting(catalog)
                few = self._sizes.tail if least is None else least
                if not manifest.segments:
                    few = max(few, self._sizes.least)
                due = catalog.passages.many_after(manifest.edition, manifest.newest, max(1, few))
                try:
                    parts = self._parts_of(manifest, removed) if due or least is not None else []
                except DamagedIndex as error:
                    self._give_up(error)
                    return True
                mark = catalog.changes.last
                age = mark.place - manifest.mark.place
                stale = [_is_stale(part, age) for part in parts]
                if not due and not any(stale):
                    return False
                rows = catalog.passages.rows_after(
                    manifest.edition, manifest.newest, self._sizes.portion
                )
                newest = catalog.passages.newest
            if len(rows) == self._sizes.portion:
                newest = rows[-1].number
            kept = [
                (part, None if old else name)
                for part, name, old in zip(parts, manifest.segments, stale, strict=True)
            ]
            try:
                self._write(replace(manifest, newest=newest), mark, kept, rows)
            except DamagedIndex as error:
                self._give_up(error)
            return True
        finally:
            self._folding.release()

    def _give_up(self, error: DamagedIndex) -> None:
        """Let the files be made anew, since one of them is damaged."""
        log.warning("%s; the files are made anew", error)
        (self._folder / _MANIFEST).unlink(missing_ok=True)

    def _fitting(self, catalog: Catalog) -> tuple[Manifest, Ids]:
        """The manifest, and which passages were removed since; a new one if none fits."""
        edition = catalog.editions.current.number
        manifest = _read(self._folder / _MANIFEST)
        if manifest and (manifest.catalog, manifest.edition) == (catalog.name, edition):
            removed = catalog.changes.removed_since(manifest.mark)
            if removed is not None and all(
                (self._folder / name).is_file() for name in manifest.segments
            ):
                return manifest, removed
        return Manifest(catalog.name, edition, catalog.changes.last, 0), np.empty(0, np.int64)

    def _parts_of(self, manifest: Manifest, removed: Ids) -> list[Part]:
        parts = [Part(_segment(self._folder, name)) for name in manifest.segments]
        for part in parts:
            part.remove(removed)
        return parts

    def _write(
        self,
        manifest: Manifest,
        mark: Mark,
        parts: Sequence[tuple[Part, str | None]],
        rows: Sequence[Row],
    ) -> None:
        """Write files for these rows and for parts that have none or are merged, and name them.

        Raises:
            DamagedIndex: a file that is to be merged is not as it was written.
        """
        self._folder.mkdir(exist_ok=True)
        groups: list[tuple[list[Part], str | None]] = [([part], name) for part, name in parts]
        if rows:
            groups.append(([Part(build(rows, self._folder_analyzer))], None))
        while len(groups) > 1 and self._belong_together(groups[-2][0], groups[-1][0]):
            (last, _), (before, _) = groups.pop(), groups.pop()
            groups.append((before + last, None))
        self._check(set(manifest.segments) - {name for _, name in groups})
        names = []
        for group, name in groups:
            if name is None:
                name = uuid.uuid4().hex + _ENDING
                try:
                    whole = merge([(part.segment, part.alive) for part in group])
                except (IndexError, ValueError, ArithmeticError) as error:
                    if not parts:  # so it is not for what was in a file
                        raise
                    raise DamagedIndex(f"{self._folder}: is damaged ({error})") from error
                if not len(whole):
                    continue
                save(whole, self._folder / name)
            names.append(name)
        if all(part.alive is None for group, name in groups if name for part in group):
            # Everything that was removed up to then is out of the files.
            manifest = replace(manifest, mark=mark)
        with writing(self._folder / _MANIFEST) as file:
            file.write(json.dumps(asdict(replace(manifest, segments=tuple(names)))).encode())
        self._clear(names)

    def _check(self, names: Collection[str]) -> None:
        """Make sure that files are as they were written, so that no damage spreads to others."""
        for name in names:
            if not is_whole(self._folder / name):
                raise DamagedIndex(f"{self._folder / name}: is not as it was written")

    def _belong_together(self, before: Sequence[Part], last: Sequence[Part]) -> bool:
        """Whether two groups are written as one: sizes that grow by a factor keep merges few."""
        first, second = sum(map(len, before)), sum(map(len, last))
        return first + second <= self._sizes.largest and first < 4 * second

    def _clear(self, named: Sequence[str]) -> None:
        """Remove files that are not named any more."""
        latest = time.time() - _LEFT_ALONE_SECONDS
        for path in self._folder.iterdir():
            try:
                if path.name not in (*named, _MANIFEST) and path.stat().st_mtime < latest:
                    path.unlink()
            except OSError as error:  # on Windows where another process has it open
                log.debug("%s: could not be removed yet: %s", path, error)


def check(folder: Path, catalog: Catalog) -> list[str]:
    """What is wrong with the files in an index folder, as far as they fit the database; for checks.

    Runs inside a transaction that the caller opened.
    """
    manifest = _read(folder / FOLDER / _MANIFEST)
    edition = catalog.editions.current.number
    if manifest is None or (manifest.catalog, manifest.edition) != (catalog.name, edition):
        return []
    removed = catalog.changes.removed_since(manifest.mark)
    if removed is None:
        return []
    numbers = catalog.passages.numbers(edition)
    numbers = numbers[numbers <= manifest.newest]
    present = []
    try:
        for name in manifest.segments:
            part = Part(_segment(folder / FOLDER, name))
            part.remove(removed)
            kept = np.flatnonzero(_alive(part))
            present.append(part.segment.numbers[kept])
            for first in range(0, len(kept), _CHECKED_AT_ONCE):
                only = np.zeros(len(part.segment), dtype=np.bool_)
                only[kept[first : first + _CHECKED_AT_ONCE]] = True
                stored = merge([(part.segment, only)])
                made = build(catalog.passages.rows(stored.numbers), Analyzer())
                if not _equal(stored, made):
                    return [f"{name} does not hold the words of its passages"]
    except (DamagedIndex, IndexError, ValueError, ArithmeticError) as error:
        return [str(error)]
    if not np.array_equal(np.sort(np.concatenate([*present, numbers[:0]])), numbers):
        return ["it does not hold the passages that it should"]
    return []


_CHECKED_AT_ONCE = 20_000


def _equal(one: Segment, other: Segment) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in Segment.__slots__
    )


def _alive(part: Part) -> Mask:
    return np.ones(len(part.segment), dtype=np.bool_) if part.alive is None else part.alive


def _is_stale(part: Part, age: int) -> bool:
    """Whether a segment is better written without what was removed, `age` changes after it was."""
    if part.alive is None:
        return False
    return len(part) < _LEAST_SHARE * len(part.segment) or age > _MOST_CHANGES


def _masks(ranking: Bm25, scope: Scope) -> list[Mask]:
    if scope.masks is None or scope.masks[0] is not ranking:
        masks = [np.isin(part.segment.documents, scope.documents) for part in ranking.parts]
        scope.masks = ranking, masks
    return scope.masks[1]


def _numbers(ranking: Bm25, masks: Sequence[Mask]) -> Ids:
    parts = [
        part.segment.numbers[mask if part.alive is None else mask & part.alive]
        for part, mask in zip(ranking.parts, masks, strict=True)
    ]
    return np.sort(np.concatenate(parts))


def _segment(folder: Path, name: str) -> Segment:
    try:
        return load(folder / name)
    except OSError as error:
        raise DamagedIndex(f"{folder / name}: cannot be read ({error})") from error


def _read(path: Path) -> Manifest | None:
    """The manifest in a file; None where there is none that is understood."""
    try:
        value = json.loads(path.read_bytes())
        return Manifest(
            str(value["catalog"]),
            int(value["edition"]),
            Mark(int(value["mark"]["place"]), int(value["mark"]["value"])),
            int(value["newest"]),
            tuple(Path(name).name for name in value["segments"]),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None
