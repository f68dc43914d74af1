"""The copies of an index's vectors and words for searching, and who writes them when."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from index.catalog import Catalog
from index.editions import Edition
from index.errors import InvalidSettings, PinciteError, UnavailableIndex
from index.full_text import FullText, Sizes
from index.vector_copy import FAISS_FILE, NEXT, VectorCopy, fold
from index.vector_kinds import Kinds, use_one_thread

# After a failure nothing is written in the background for so long: to begin again at each question
# would take all of the time, where for example the disk is full.
_AGAIN_AFTER_SECONDS = 600

log = logging.getLogger(__name__)


def _never() -> bool:
    return False


class Copies:
    """What searching uses beside the database of an index folder.

    `vectors` and `words` are brought to the state of the database by who searches, under a lock of
    theirs. Their files are written here. All of it is only a cache: where the folder cannot be
    written, this is logged, and nothing is lost.
    """

    def __init__(
        self,
        folder: Path,
        kinds: Kinds,
        sizes: Sizes,
        writing: threading.RLock,
        writer: Callable[[], Catalog | None],
    ) -> None:
        """Take the index folder, and how it is searched.

        `writer` gives the connection for changes, None once there is none any more; it is used
        under `writing`.
        """
        self.vectors = VectorCopy(folder, kinds)
        self.words = FullText(folder, sizes)
        self._folder = folder
        self._kinds = kinds
        self._writing = writing
        self._writer = writer
        self._folding = threading.Lock()
        self._behind: threading.Thread | None = None
        self._writes_behind = False
        self._not_before = time.monotonic()
        self._stopping = threading.Event()

    def fold_words(self, *, everything: bool = True, stop: Callable[[], bool] = _never) -> bool:
        """Take what came into the files of words; whether that could be done.

        Without `everything` one portion at most, and only if it is due; none after `stop` says so.
        """
        with self._writing:
            writer = self._writer()
        if writer is None:
            return True
        try:
            while self.words.fold(writer, self._writing, 1 if everything else None):
                if not everything or stop():
                    break
        except (OSError, UnavailableIndex) as error:
            log.warning("%s: the files of words could not be written: %s", self._folder, error)
            return False
        return True

    def write_vectors(self, edition: Edition, stop: Callable[[], bool] = _never) -> bool:
        """Write the vectors of an edition; whether that was done, as it is not if `stop` says so.

        Raises:
            InvalidSettings, DamagedIndex, UnavailableIndex: see `vector_copy.fold`.
        """
        catalog = Catalog.open(self._folder)
        try:
            return self._write(catalog, edition, FAISS_FILE, stop)
        finally:
            catalog.close()

    def write_next(self, begun: int | None) -> bool:
        """Write the vectors of the edition that is being built, if it is the one that was begun.

        Only if it is complete, and has so many that reading them all at the next question would
        take long. Whether that was done, under the name `NEXT`.
        """
        catalog = Catalog.open(self._folder)
        try:
            with catalog.transaction(write=False):
                building = catalog.editions.in_state("building")
                if (
                    building is None
                    or building.number != begun
                    or catalog.editions.lacking(building.number, 1)
                    or catalog.passages.count(building.number) <= self._kinds.exact_up_to
                ):
                    return False
            return self._write(catalog, building, NEXT, _never)
        finally:
            catalog.close()

    def _write(
        self, catalog: Catalog, edition: Edition, name: str, stop: Callable[[], bool]
    ) -> bool:
        try:
            with self._folding:
                return fold(catalog, edition, self._kinds, name, stop)
        except OSError as error:
            log.warning("%s: the FAISS file could not be written: %s", self._folder, error)
            return False

    def write_behind(self) -> None:
        """From now on write large copies in the background when they are due."""
        self._writes_behind = True

    def look(self, catalog: Catalog) -> None:
        """Begin to write in the background what is due, if it is written there.

        The vectors must have been brought to the state of the database.
        """
        if not self._writes_behind or self._stopping.is_set():
            return
        if time.monotonic() < self._not_before:
            return
        vectors_due = not self.vectors.is_small and self.vectors.is_due
        if not vectors_due and not self.words.is_due(catalog):
            return
        if self._behind is None or not self._behind.is_alive():
            edition = catalog.editions.current if vectors_due else None
            self._behind = threading.Thread(target=self._write_alone, args=(edition,), daemon=True)
            self._behind.start()

    def _write_alone(self, edition: Edition | None) -> None:
        """Write the words, and the vectors of an edition."""
        use_one_thread()
        done = False
        try:
            words_done = self.fold_words(stop=self._stopping.is_set)
            vectors_done = edition is None or self.write_vectors(edition, self._stopping.is_set)
            done = words_done and vectors_done
        except InvalidSettings as error:
            self._writes_behind = False  # it would only fail again
            log.error("%s: the vectors cannot be written: %s", self._folder, error)
        except PinciteError as error:
            log.error("%s: the vectors could not be written: %s", self._folder, error)
        except Exception:
            log.exception("%s: the vectors could not be written", self._folder)
        if not done:
            self._not_before = time.monotonic() + _AGAIN_AFTER_SECONDS

    def wait(self) -> None:
        """Wait for what is being written in the background."""
        if self._behind is not None:
            self._behind.join()

    def stop(self) -> None:
        """Begin no more in the background, and wait until what was begun has ended early."""
        self._stopping.set()
        self.wait()

    def forget(self) -> None:
        """Let go of the vectors."""
        self.vectors = VectorCopy(self._folder, self._kinds)
