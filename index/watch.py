"""When to look at folders again: soon after something changed in them, and now and then anyway."""

import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from index.files import absolute
from index.ignoring import IGNORE_FILE

# A file counts as written when its size and time have stayed the same for so many seconds.
SETTLE = 0.5

# After so many seconds the files that are written are taken in, though others still are not.
_PATIENCE = 10.0

# Without notifications, whether to stop is looked at so often (milliseconds for the notifier).
_TICK = 0.25

log = logging.getLogger(__name__)

_State = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Due:
    """It is time to look at the folders; `busy` are files that are still being written.

    `swept` tells that nothing is known to have changed: it is only the time for it.
    """

    busy: frozenset[Path] = frozenset()
    swept: bool = False


def updates(
    folders: Sequence[Path],
    stop: threading.Event,
    *,
    index: Path | None = None,
    sweep: float = 300.0,
    settle: float = SETTLE,
) -> Iterator[Due]:
    """Tell when to look at the folders, until `stop` is set; the first time at once.

    A burst of changes is told of once, when the files in it have come to rest for `settle` seconds;
    after some ten seconds without those that have not. Every `sweep` seconds it is time in any
    case, for what the system's notifications miss, and for files that never come to rest. What
    happens in the folder `index` and in hidden files is passed over. While the caller acts on one
    update, changes are gathered for the next.
    """
    while not stop.is_set():
        batches = _batches(folders, stop, _watched(folders, index))
        with closing(batches):
            next(batches, None)
            yield Due(swept=True)
            yield from _settled(batches, time.monotonic() + sweep, settle)


def _settled(batches: Iterator[set[Path]], until: float, settle: float) -> Iterator[Due]:
    """Updates made of batches of changed paths, up to a time; an empty batch only passes time."""
    waiting: dict[Path, tuple[_State, float]] = {}
    first = 0.0
    for batch in batches:
        now = time.monotonic()
        if batch and not waiting:
            first = now
        for path in {*waiting, *batch}:
            state = _state(path)
            if path in batch or waiting[path][0] != state:
                waiting[path] = state, now
        busy = frozenset(path for path, (_, since) in waiting.items() if now - since < settle)
        if waiting and (not busy or (now - first > _PATIENCE and len(busy) < len(waiting))):
            yield Due(busy)
            waiting = {path: waiting[path] for path in busy}
            first = time.monotonic()
        if now >= until and (not waiting or now - until > _PATIENCE):
            return


def _state(path: Path) -> _State:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _batches(
    folders: Sequence[Path], stop: threading.Event, watched: Callable[[str], bool]
) -> Generator[set[Path], None, None]:
    """Sets of paths that changed, and empty ones as time passes."""
    from watchfiles import watch

    there = [folder for folder in folders if folder.is_dir()]
    try:
        if there:
            tick = int(1000 * _TICK)
            for changes in watch(
                *there,
                watch_filter=lambda _, path: watched(path),
                debounce=4 * tick,
                rust_timeout=tick,
                stop_event=stop,
                yield_on_timeout=True,
                ignore_permission_denied=True,
            ):
                yield {Path(path) for _, path in changes}
            return
    except (OSError, RuntimeError) as error:
        # The system has a limit of what it watches, some file systems cannot be watched at all.
        log.warning("changes cannot be followed as they happen, only by sweeps: %s", error)
    while not stop.is_set():
        yield set()
        stop.wait(_TICK)


def _watched(folders: Sequence[Path], index: Path | None) -> Callable[[str], bool]:
    """Whether a changed path, as the notifier names it, is of interest."""
    roots = [root for folder in folders for root in _both(folder)]
    roots.sort(key=lambda root: len(root.parts), reverse=True)
    own = [] if index is None else _both(index)

    def watched(name: str) -> bool:
        path = Path(name)
        if any(path.is_relative_to(folder) for folder in own):
            return False
        root = next((root for root in roots if path.is_relative_to(root)), Path(path.anchor))
        names = path.relative_to(root).parts
        return not any(part.startswith(".") and part != IGNORE_FILE for part in names)

    return watched


def _both(folder: Path) -> list[Path]:
    """The folder with and without its links resolved: notifiers differ in which they name."""
    return [absolute(folder), Path(os.path.realpath(folder))]
