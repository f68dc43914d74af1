"""Which calibration answers from an index: its own, if it was made for these models.

An index remembers the calibration that was fitted on questions about its documents, with the reader
and the embedder that it was fitted with: what others score is on other scales.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from index.embedding import ModelIdentity
from index.store import PassageStore
from qa.calibration import Calibration, understood, written

if TYPE_CHECKING:  # what runs models is not needed to look at an index
    from qa.reader import Reader

# The name of the note that the index keeps it under.
NOTE = "calibration"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IndexCalibration:
    """A calibration that an index remembers.

    `reader` and `embedder` name the models that it was fitted with, the checksums are those of
    their weights. It was fitted on so many `questions`, at `fitted_at` (ISO 8601).
    """

    calibration: Calibration
    reader: str
    reader_checksum: str
    embedder: str
    embedder_checksum: str
    questions: int
    fitted_at: str

    def misfit(self, reader: str, checksum: str, embedder: ModelIdentity) -> str | None:
        """Why it is of no use for these models, in one line; None where it fits."""
        if self.reader_checksum != checksum:
            return (
                f"the calibration of the index is not used, since it was fitted for the reader "
                f"{self.reader} (weights {self.reader_checksum[:12]}), not {reader} (weights "
                f"{checksum[:12]}); fit it again: pincite calibrate QUESTIONS"
            )
        if self.embedder_checksum != embedder.checksum:
            return (
                f"the calibration of the index is not used, since it was fitted with the embedder "
                f"{self.embedder} (weights {self.embedder_checksum[:12]}), not {embedder.name} "
                f"(weights {embedder.checksum[:12]}); fit it again: pincite calibrate QUESTIONS"
            )
        return None


def remembered(store: PassageStore) -> IndexCalibration | None:
    """The calibration that an index remembers, if it does.

    Raises:
        ValueError: it cannot be understood; the message says what to do.
    """
    text = store.note(NOTE)
    if text is None:
        return None
    try:
        plain: Mapping[str, Any] = json.loads(text)
        calibration = understood(plain["calibration"])
        return IndexCalibration(**{**plain, "calibration": calibration})
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"the calibration of the index is not used, since it cannot be understood ({error}); "
            "fit it again, or forget it: pincite calibrate --reset"
        ) from error


def remember(store: PassageStore, found: IndexCalibration | None) -> None:
    """Let an index remember a calibration, or forget the one it has."""
    if found is None:
        store.set_note(NOTE, None)
        return
    plain = {name: getattr(found, name) for name in IndexCalibration.__slots__}
    store.set_note(NOTE, json.dumps({**plain, "calibration": written(found.calibration)}))


def in_use(store: PassageStore, reader: "Reader") -> Calibration:
    """The calibration that answers are given by; one of the index that does not fit is logged."""
    try:
        found = remembered(store)
    except ValueError as error:
        _warn(str(error))
        return reader.calibration
    if found is None:
        return reader.calibration
    misfit = found.misfit(reader.name, reader.checksum, store.settings.embedder)
    if misfit is None:
        return found.calibration
    _warn(misfit)
    return reader.calibration


def state(store: PassageStore, reader: "Reader") -> tuple[bool, str]:
    """Whether the calibration of an index is in order, and which one is used, in words."""
    try:
        found = remembered(store)
    except ValueError as error:
        return False, str(error)
    if found is None:
        return True, "the reader's own"
    misfit = found.misfit(reader.name, reader.checksum, store.settings.embedder)
    if misfit is not None:
        return True, misfit
    return True, f"the index's own, fitted to {found.questions} questions"


@lru_cache(maxsize=64)
def _warn(message: str) -> None:
    """Log it, once: it is as true of the next question."""
    log.warning("%s", message)
