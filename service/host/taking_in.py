"""What becomes of a file that was accepted: it is put into its collection, or why it is not."""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from index.errors import DocumentError, PinciteError, UnavailableIndex
from index.outcomes import Outcome, Progress, Status
from service.errors import UnknownCollection, meaning
from service.host.collections import Collections
from service.host.job_records import JobFile, JobState
from service.host.spool import Spool

# The waits, in seconds, before a file is tried again while the index is not available.
_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)

# A file that was being taken in when the server stopped so often is not tried again: it may be why.
_MOST_BEGUN = 8

log = logging.getLogger(__name__)

Watch = Callable[[str, str, str], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a file is: `stage` is extract, embed or store; the passages embedded, and to embed.

    `passages` is None as long as it is not known.
    """

    file: int
    stage: Literal["extract", "embed", "store"] = "extract"
    done: int = 0
    passages: int | None = None


class TakingIn:
    """Takes files in, each in the thread that asks for it."""

    def __init__(
        self,
        spool: Spool,
        collections: Collections,
        watch: Watch,
        report: Callable[[str, Stage], None],
        stopping: threading.Event,
    ) -> None:
        """Take what is needed for it.

        `watch` is entered for each file, with the ids of its job, its collection and the request
        it came by. `report` is called with the id of a job whenever a file of it has come on.
        Once `stopping` is set, nothing is tried again.
        """
        self._spool = spool
        self._collections = collections
        self._watch = watch
        self._report = report
        self._stopping = stopping

    def result(self, file: JobFile) -> tuple[JobState, list[Outcome]] | None:
        """Take a file in: what became of it, None if the server stops first."""
        name = file.upload.name
        if file.begun >= _MOST_BEGUN:
            return _failed(
                name,
                f"{name}: the server stopped {file.begun} times while it was taken in; it is not "
                "tried again",
            )
        for pause in (*_PAUSES, None):
            try:
                with self._watch(file.job, file.collection, file.request_id):
                    return JobState.DONE, self._add(file)
            except DocumentError as error:
                return _failed(name, str(error))
            except UnavailableIndex as error:
                if pause is None:
                    return _failed(name, _ours(name, error, file.job))
                log.warning("an upload waits, job %s: %s", file.job, error)
                if self._stopping.wait(pause):
                    return None
            except UnknownCollection:
                if pause is None or not self._collections.is_known(file.collection):
                    return _failed(name, f"{name}: the collection it was sent to is gone")
                # It is about to be removed, or is kept after all: soon it will be known.
                if self._stopping.wait(pause):
                    return None
            except PinciteError as error:
                return _failed(name, _ours(name, error, file.job))
            except Exception:
                if self._stopping.is_set():
                    log.info("job %s goes on when the server is started again", file.job)
                    return None
                log.exception("job %s: unexpected error", file.job)
                return _failed(
                    name, f"{name}: something went wrong here; the server's log has the details"
                )
        return None

    def _add(self, file: JobFile) -> list[Outcome]:
        upload = file.upload

        def report(progress: Progress) -> None:
            done, all_ = progress.passages, progress.to_embed
            stage: Literal["embed", "store"] = "store" if done >= all_ else "embed"
            self._report(file.job, Stage(file.number, stage, done, all_))

        with self._collections.use(file.collection) as collection:
            return collection.engine.add_bytes(
                self._spool.read(upload.spooled.name),
                uri=upload.uri,
                name=upload.name,
                media_type=upload.media_type,
                title=upload.title,
                metadata=upload.metadata,
                report=report,
            )


def _ours(name: str, error: PinciteError, job: str) -> str:
    """Why a file failed for a reason that is not its own, without our paths; the log has all."""
    log.error("job %s: %s", job, error)
    title = meaning(error).title
    return f"{name}: {title[0].lower()}{title[1:]}; send it again later"


def _failed(name: str, reason: str) -> tuple[JobState, list[Outcome]]:
    return JobState.FAILED, [Outcome(name, Status.FAILED, reason=reason)]
