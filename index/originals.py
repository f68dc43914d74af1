"""The bytes that uploads came with, kept beside the index: a file for each, named by its digest.

They are written before the index knows of them and removed after it has forgotten them, so that
what a crash leaves behind is at most a file too many, which the next sweep takes away.
"""

import hashlib
import logging
import re
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from index.durable import put_on_disk, writing
from index.errors import UnavailableIndex
from index.store import PassageStore

FOLDER = "originals"

_DIGEST = re.compile(r"[0-9a-f]{64}")
# How the name of a file ends that is about to be removed.
_GOING = ".going"
# What is still being written, or removed, after so many seconds was given up.
_GIVEN_UP = 3600

log = logging.getLogger(__name__)

# Which of some digests origins have.
InUse = Callable[[Collection[str]], set[str]]


class Originals:
    """Kept files in a folder, each at "<first two digits>/<SHA-256 in hexadecimal>".

    Safe to use from several threads and processes: who removes a file looks once more, when it has
    been put aside, whether it is in use by now, and who adds an upload looks, when the index has
    it, whether its file is still there.
    """

    def __init__(self, folder: Path) -> None:
        """Take the folder; it is made for the first file."""
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where the file with this digest is, if it is kept."""
        return self.folder / sha256[:2] / sha256

    def keep(self, data: bytes) -> str:
        """Keep some bytes, on the disk when this returns; gives their digest.

        Raises:
            UnavailableIndex: they cannot be written.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        # One that was damaged is mended so.
        if digest_of(path) != sha256:
            try:
                _write(path, data)
            except OSError as error:
                raise UnavailableIndex(
                    f"{path.parent}: an original cannot be kept there ({error.strerror or error}); "
                    "check that the disk has room and that the folder can be written"
                ) from error
        return sha256

    @contextmanager
    def keeping(self, data: bytes, uri: str, store: PassageStore) -> Iterator[None]:
        """Keep an upload's bytes while the block puts them into the store under `uri`.

        What stood there before is not kept any more, and the bytes are not if the block fails,
        unless other origins have the same.

        Raises:
            UnavailableIndex: they cannot be written; the block was not begun.
        """
        before = {state.origin.sha256 for state in store.origins(uri)}
        sha256 = self.keep(data)
        try:
            yield
        finally:
            self.forget({*before, sha256}, store.known_digests)
        # Another process may have removed it before the index had it.
        if not self.path(sha256).exists():
            self.keep(data)

    def forget(self, digests: Collection[str], in_use: InUse) -> None:
        """Remove the files with these digests, but for those that origins have."""
        kept = [it for it in digests if _DIGEST.fullmatch(it) and self.path(it).exists()]
        unused = set(kept) - in_use(kept) if kept else set()
        if not unused:
            return
        # Under names of this call's own, or another one could remove what is being put back here.
        aside = {sha256: self._aside(sha256) for sha256 in unused}
        for sha256, path in aside.items():
            _move(self.path(sha256), path)
        wanted = in_use(unused)
        for sha256, path in aside.items():
            self._end(sha256, path, sha256 in wanted)

    def _end(self, sha256: str, aside: Path, wanted: bool) -> None:
        """Put a file back that is wanted after all, or remove it."""
        if wanted and not self.path(sha256).exists():
            _move(aside, self.path(sha256))
        else:
            _remove(aside)

    def sweep(self, in_use: InUse) -> None:
        """Remove all that no origin has, and end what was left half done."""
        found = set()
        for path in self._files():
            if _DIGEST.fullmatch(path.name):
                found.add(path.name)
            elif _age(path) > _GIVEN_UP:
                sha256 = path.name.partition(".")[0]
                wanted = path.suffix == _GOING and bool(in_use([sha256]))
                self._end(sha256, path, wanted)
        self.forget(found, in_use)

    def damaged(self) -> Iterator[str]:
        """The digests under which files are kept that have another."""
        for path in sorted(self._files()):
            if _DIGEST.fullmatch(path.name) and digest_of(path) != path.name:
                yield path.name

    def _aside(self, sha256: str) -> Path:
        return self.path(sha256).with_suffix(f".{uuid.uuid4().hex}{_GOING}")

    def _files(self) -> Iterator[Path]:
        return self.folder.glob("[0-9a-f][0-9a-f]/*")


def digest_of(path: Path) -> str:
    """The SHA-256 of a file's bytes in hexadecimal; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _write(path: Path, data: bytes) -> None:
    """Let a file appear under its name when it is whole and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path) as file:
        file.write(data)
    put_on_disk(path.parent.parent)


def _move(path: Path, to: Path) -> None:
    """Rename a file; one that another process has moved meanwhile is passed over."""
    try:
        path.replace(to)
    except FileNotFoundError:
        return
    except OSError as error:
        _cannot_be_removed(path, error)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _cannot_be_removed(path, error)


def _cannot_be_removed(path: Path, error: OSError) -> None:
    # The document is gone all the same; the next sweep tries again.
    log.warning("%s: an original no longer needed could not be removed: %s", path, error)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
