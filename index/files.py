"""Which files a person means by the paths and patterns they name."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read; `named` tells that the user named it, `problem` why it cannot be read."""

    path: Path
    named: bool
    problem: str | None = None


def expand(names: Sequence[str]) -> Iterator[Found]:
    """The files behind paths, folders and glob patterns, each once, in a stable order.

    A folder gives all regular files below it, except hidden ones and those in hidden folders;
    links to folders are not followed. What cannot be found or listed comes with its problem.
    """
    seen: set[Path] = set()
    for name in names:
        for found in _expand_one(name):
            path = found.path.absolute()
            if path not in seen:
                seen.add(path)
                yield found


def _expand_one(name: str) -> Iterator[Found]:
    path = at_home(name)
    if not os.path.lexists(path) and glob.has_magic(name):
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - patterns may be absolute
        if not matches:
            yield Found(path, True, "matches no file; check the pattern")
        for match in matches:
            yield from _one_path(Path(match), named=not Path(match).is_dir())
        return
    yield from _one_path(path, named=True)


def at_home(name: str) -> Path:
    """The path with a leading `~` resolved, where that stands for a home at all."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def _one_path(path: Path, named: bool) -> Iterator[Found]:
    if path.is_dir():
        files = list(_walk(path))
        if not files and named:
            yield Found(path, True, "holds no files; name a folder with documents")
        yield from files
    elif path.is_file():
        yield Found(path, named)
    elif os.path.lexists(path):
        yield Found(path, named, "is not a regular file; name a file or a folder")
    else:
        yield Found(path, named, "no such file or folder; check the path")


def _walk(folder: Path) -> Iterator[Found]:
    problems: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=problems.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if not name.startswith(".") and path.is_file():
                yield Found(path, named=False)
    for problem in problems:
        yield Found(Path(problem.filename), False, f"cannot be listed ({problem.strerror})")


def file_uri(path: Path) -> str:
    """The file URI of a path; links in it are not resolved."""
    return Path(os.path.normpath(path.absolute())).as_uri()


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
