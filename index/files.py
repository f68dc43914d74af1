"""Which files a person means by the paths and patterns they name."""

import glob
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from index.ignoring import IGNORE_FILE, Ignore, parse

# An ignore file of more bytes was not written by hand.
_LARGEST_IGNORE_FILE = 2**20


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read; `named` tells that the user named it, `problem` why it cannot be read."""

    path: Path
    named: bool
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """What stands behind the names a person gave: the files, and what is known of their folders."""

    found: tuple[Found, ...]
    _trees: tuple["_Tree", ...] = ()
    _files: frozenset[Path] = frozenset()

    def has_found(self, path: Path) -> bool:
        """Whether a file, by its absolute path, is among those to read."""
        return path in self._files

    def has_lost(self, path: Path) -> bool:
        """Whether a file that was indexed once has gone from the folders that were looked through.

        It has if it is below one of them, was not found, and is no file any more, is ignored now or
        is reached by a link to a folder. Not if the folder it was in could not be listed: then
        nothing is known of it.
        """
        return path not in self._files and any(tree.has_lost(path) for tree in self._trees)

    def without(self, paths: Collection[Path]) -> "Scan":
        """The same without some of the files, of which nothing is said then; absolute paths."""
        return replace(
            self, found=tuple(item for item in self.found if absolute(item.path) not in paths)
        )


@dataclass(slots=True)
class _Tree:
    """A folder that is looked through.

    `ignores` are the ignore files in it by the names that lead to their folders, `unlisted` the
    folders that could not be listed.
    """

    root: Path
    ignores: dict[tuple[str, ...], Ignore] = field(default_factory=dict)
    unlisted: list[Path] = field(default_factory=list)

    def has_lost(self, path: Path) -> bool:
        """See `Scan.has_lost`."""
        if not path.is_relative_to(self.root):
            return False
        if any(path.is_relative_to(folder) for folder in self.unlisted):
            return False
        names = path.relative_to(self.root).parts
        folders = (self.root.joinpath(*names[:depth]) for depth in range(1, len(names)))
        try:
            if not path.is_file() or any(folder.is_symlink() for folder in folders):
                return True
        except OSError:
            return False
        return any(
            self.ignoring(names[:depth], is_folder=depth < len(names))
            for depth in range(1, len(names) + 1)
        )

    def ignoring(self, names: tuple[str, ...], *, is_folder: bool) -> bool:
        """Whether the ignore files leave out the path that these names lead to."""
        if not self.ignores:
            return False
        for depth in range(len(names) - 1, -1, -1):
            ignore = self.ignores.get(names[:depth])
            said = None if ignore is None else ignore.says(names[depth:], is_folder=is_folder)
            if said is not None:
                return said
        return False


def scan(names: Sequence[str], index: Path | None = None) -> Scan:
    """The files behind paths, folders and glob patterns, each once, in a stable order.

    A folder gives all regular files below it, except hidden ones, those in hidden folders, those
    that an ignore file (`.pinciteignore`) in it leaves out, and what is in the folder `index`.
    Links to folders are not followed. What cannot be found or listed comes with its problem.
    """
    trees: list[_Tree] = []
    found: dict[Path, Found] = {}
    for name in names:
        for item in _expand_one(name, trees, index):
            found.setdefault(absolute(item.path), item)
    files = frozenset(path for path, item in found.items() if item.problem is None)
    return Scan(tuple(found.values()), tuple(trees), files)


def expand(names: Sequence[str]) -> Iterator[Found]:
    """The files that `scan` finds."""
    return iter(scan(names).found)


def _expand_one(name: str, trees: list[_Tree], index: Path | None) -> Iterator[Found]:
    path = at_home(name)
    if not os.path.lexists(path) and glob.has_magic(name):
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - patterns may be absolute
        if not matches:
            yield Found(path, True, "matches no file; check the pattern")
        for match in matches:
            yield from _one_path(Path(match), trees, index, named=not os.path.isdir(match))  # noqa: PTH112 - never raises
        return
    yield from _one_path(path, trees, index, named=True)


def at_home(name: str) -> Path:
    """The path with a leading `~` resolved, where that stands for a home at all."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def absolute(path: Path) -> Path:
    """The absolute path without `..`; links in it are not resolved where `..` does not need it.

    It names the file that is opened: `link/..` is above what the link points to.
    """
    whole = path.absolute()
    plain = Path(os.path.normpath(whole))
    if ".." not in whole.parts:
        return plain
    try:
        if not whole.exists() or (plain.exists() and whole.samefile(plain)):
            return plain
    except (OSError, ValueError):
        return plain
    after = len(whole.parts) - whole.parts[::-1].index("..")
    return Path(os.path.realpath(Path(*whole.parts[:after])), *whole.parts[after:])


def _one_path(path: Path, trees: list[_Tree], index: Path | None, named: bool) -> Iterator[Found]:
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:
        yield Found(path, named, f"cannot be looked at ({error.strerror})")
        return
    if is_folder:
        tree = _Tree(absolute(path))
        trees.append(tree)
        files = list(_walk(path, tree, index))
        if not files and named:
            yield Found(path, True, "holds no files; name a folder with documents")
        yield from files
    elif is_file:
        yield Found(path, named)
    elif os.path.lexists(path):
        yield Found(path, named, "is not a regular file; name a file or a folder")
    else:
        yield Found(path, named, "no such file or folder; check the path")


def _walk(top: Path, tree: _Tree, index: Path | None) -> Iterator[Found]:
    problems: list[OSError] = []
    for parent, folders, names in os.walk(top, onerror=problems.append):
        folder = Path(parent)
        above = folder.relative_to(top).parts
        if IGNORE_FILE in names:
            try:
                tree.ignores[above] = _read_ignore_file(folder / IGNORE_FILE)
            except (OSError, ValueError) as error:
                # Without it, what should stay out of the index could get into it.
                folders.clear()
                tree.unlisted.append(tree.root.joinpath(*above))
                reason = error.strerror if isinstance(error, OSError) else error
                yield Found(folder / IGNORE_FILE, False, f"cannot be read ({reason})")
                continue
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and not tree.ignoring((*above, name), is_folder=True)
            and not _is_same(folder / name, index)
        )
        hidden: OSError | None = None
        for name in sorted(names):
            path = folder / name
            if name.startswith(".") or tree.ignoring((*above, name), is_folder=False):
                continue
            try:
                is_file = path.is_file()
            except OSError as error:
                hidden = error
                continue
            if is_file:
                yield Found(path, named=False)
        if hidden is not None:
            # So many files may be out of reach together that the folder is named, once.
            tree.unlisted.append(tree.root.joinpath(*above))
            yield Found(folder, False, f"has files that cannot be looked at ({hidden.strerror})")
    for problem in problems:
        path = Path(problem.filename)
        tree.unlisted.append(absolute(path))
        yield Found(path, False, f"cannot be listed ({problem.strerror})")


def _read_ignore_file(path: Path) -> Ignore:
    if not path.is_file():
        raise ValueError("it is not a regular file")
    with path.open("rb") as file:
        content = file.read(_LARGEST_IGNORE_FILE + 1)
    if len(content) > _LARGEST_IGNORE_FILE:
        raise ValueError(f"it has more than {_LARGEST_IGNORE_FILE:,} bytes")
    return parse(os.fsdecode(content))


def _is_same(folder: Path, other: Path | None) -> bool:
    try:
        return other is not None and folder.samefile(other)
    except OSError:
        return False


def file_uri(path: Path) -> str:
    """The file URI of a path; links in it are not resolved."""
    return absolute(path).as_uri()


def uri_path(uri: str) -> Path | None:
    """The local path that a file URI names; None for any other URI."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "file":
        return None
    if os.name == "nt":
        from urllib.request import url2pathname

        return Path(url2pathname(parts.path))
    return Path(os.fsdecode(unquote_to_bytes(parts.path)))
