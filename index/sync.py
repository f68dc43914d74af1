"""What has to be done for an index to hold what files hold now: compared by content, not by date.

Nothing here reads a document or changes an index: `plan` compares, `index.indexing` acts.
"""

import hashlib
import os
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.extract import EXTRACTOR_VERSION
from index.extract.source import Limits, Reading
from index.files import Found, Scan, absolute, file_uri, uri_path
from index.sidecar import is_sidecar, sidecar_of
from index.store import PARTLY, Origin, OriginState

# Endings that tell how a file is packed and not what is in it.
_PACKED = frozenset({".gz", ".bz2", ".xz"})

# Stands in an upload's recipe before the digest of the title that came with it, and in no other.
TITLED = " titled "

# A file changed so short a time ago may change again without another time stamp.
_SETTLED_NS = 2 * 10**9


@dataclass(frozen=True, slots=True)
class File:
    """A file that was found, and what decides which documents are read from it.

    `name` is what it is called to people. The digest in `origin` is empty where it cannot be read.
    """

    name: str
    path: Path
    named: bool
    origin: Origin

    @property
    def uri(self) -> str:
        """The file's URI."""
        return self.origin.uri


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, in this order.

    `moved`, `copied` and `exchanged` have files whose content is known, with the URI of the origin
    that has it: of one that has gone, of one that stands, or, for files that had other content, of
    either. `gone` are origins whose files are no more. `changed` and `added` are to be read, then
    the files in `twins`, each with the one of those whose content it has. `emptied` are gone too,
    but only after that, with the URIs of files that have their bytes: those are likely to have
    their passages.
    """

    unchanged: tuple[tuple[File, OriginState], ...] = ()
    moved: tuple[tuple[File, str], ...] = ()
    copied: tuple[tuple[File, str], ...] = ()
    exchanged: tuple[tuple[File, str], ...] = ()
    gone: tuple[OriginState, ...] = ()
    changed: tuple[File, ...] = ()
    added: tuple[File, ...] = ()
    twins: tuple[tuple[File, File], ...] = ()
    emptied: tuple[OriginState, ...] = ()

    @property
    def links(self) -> tuple[tuple[File, str], ...]:
        """The files whose content is known, each with the URI of the origin that has it."""
        return (*self.moved, *self.copied, *self.exchanged)


class Digests:
    """SHA-256 of files; with `remember`, those whose size and times have not changed are kept."""

    def __init__(self, *, remember: bool = False) -> None:
        self._remember = remember
        self._known: dict[Path, tuple[tuple[int, ...], str]] = {}

    def of(self, path: Path) -> str:
        """The digest of a file's bytes in hexadecimal; empty where it cannot be read.

        A file too large to be read for its text has a digest of its size and time instead.
        """
        try:
            with open(path, "rb", opener=_without_waiting) as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode):
                    return ""
                if found.st_size > Limits().binary_bytes:
                    stamp = f"{found.st_size} bytes of {found.st_mtime_ns}"
                    return hashlib.sha256(stamp.encode()).hexdigest()
                state = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
                known = self._known.get(path)
                if known is not None and known[0] == state:
                    return known[1]
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return ""
        newest = max(found.st_mtime_ns, found.st_ctime_ns)
        if self._remember and newest + _SETTLED_NS < time.time_ns():
            self._known[path] = (state, digest)
        return digest


def _without_waiting(path: str, flags: int) -> int:
    # A pipe in a file's place would keep the opening waiting for someone to write.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def files_of(found: Iterable[Found], digests: Digests, options: Reading) -> Iterator[File]:
    """The files that can be looked at, with their digests; those that describe others left out."""
    for item in found:
        if item.problem is None and not is_sidecar(item.path):
            recipe = _recipe(item.path, digests, options)
            origin = Origin(file_uri(item.path), digests.of(item.path), recipe)
            yield File(str(item.path), item.path, item.named, origin)


def _recipe(path: Path, digests: Digests, options: Reading) -> str:
    beside = sidecar_of(path)
    described = "" if beside is None else digests.of(beside)[:16] or "unreadable"
    return recipe(path.name, options, described)


def recipe(name: str, options: Reading, more: str = "") -> str:
    """What decides, besides a file's bytes, what is read of it: its ending, the choices, `more`."""
    *_, before, last = ("", "", *Path(name.lower()).suffixes)
    ending = before + last if last in _PACKED else last
    ending = ending if ending.isascii() else ""
    return " ".join(part for part in (str(EXTRACTOR_VERSION), ending, options.name, more) if part)


def is_upload(recipe: str) -> bool:
    """Whether what has this recipe was sent, and not found as a file."""
    return TITLED in recipe


def hints(recipe: str) -> tuple[str, str | None]:
    """The ending of an upload's name, empty if it has none, and the media type it was sent with."""
    _, _, rest = recipe.removeprefix(PARTLY).partition(TITLED)[0].partition(" ")
    ending, more = "", rest
    if rest.startswith("."):
        ending, _, more = rest.partition(" ")
    return ending, more or None


def lost(scan: Scan, origins: Iterable[OriginState]) -> list[OriginState]:
    """The origins whose files have gone from the folders that were looked through.

    So have files that are found but have come to describe another.
    """

    def is_lost(state: OriginState) -> bool:
        path = uri_path(state.origin.uri)
        if path is None:
            return False
        file = absolute(path)
        return scan.has_lost(file) or (scan.has_found(file) and is_sidecar(file))

    return [state for state in origins if is_lost(state)]


def plan(
    files: Sequence[File], origins: Sequence[OriginState], gone: Sequence[OriginState]
) -> Plan:
    """Compare files with the origins that an index knows; `gone` are those of them no longer there.

    An origin that could not be read whole is not copied or moved: the reasons name its old place.
    A file that was named is read again if nothing could be read of it before.
    """
    known = {state.origin.uri: state for state in origins}
    leaving = _sources(gone)
    sources = {**_sources(origins), **leaving}
    unchanged: list[tuple[File, OriginState]] = []
    moved, copied, exchanged = (list[tuple[File, str]]() for _ in range(3))
    changed, added = list[File](), list[File]()
    twins: list[tuple[File, File]] = []
    first: dict[tuple[str, str], File] = {}
    for file in files:
        state, content = known.get(file.uri), _content(file.origin)
        if state is not None and state.origin == file.origin and not _again(file, state):
            unchanged.append((file, state))
        elif state is not None and content in sources and not _again(file, state):
            exchanged.append((file, sources[content]))
        elif state is not None:
            changed.append(file)
        elif content in leaving:
            moved.append((file, leaving.pop(content)))
        elif content in sources:
            copied.append((file, sources[content]))
        elif content in first:
            twins.append((file, first[content]))
        else:
            added.append(file)
            if file.origin.sha256:
                first[content] = file
    to_read = {file.origin.sha256 for file in (*changed, *added)}
    emptied = tuple(state for state in gone if state.origin.sha256 in to_read)
    return Plan(
        unchanged=tuple(unchanged),
        moved=tuple(moved),
        copied=tuple(copied),
        exchanged=tuple(exchanged),
        gone=tuple(state for state in gone if state.origin.sha256 not in to_read),
        changed=tuple(changed),
        added=tuple(added),
        twins=tuple(twins),
        emptied=emptied,
    )


def _sources(states: Iterable[OriginState]) -> dict[tuple[str, str], str]:
    return {
        _content(state.origin): state.origin.uri
        for state in states
        if state.origin.sha256 and state.documents and not state.problems
    }


def _content(origin: Origin) -> tuple[str, str]:
    return origin.sha256, origin.recipe


def _again(file: File, state: OriginState) -> bool:
    unread = file.named and state.documents == 0
    return not file.origin.sha256 or unread
