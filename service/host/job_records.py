"""What is kept of uploads: each job with its files, and what became of them."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from index.documents import INSIDE
from index.outcomes import Outcome, Status
from service.errors import UnknownJob
from service.host.spool import Spooled
from service.host.state import State

# Of an archive with more than so many files that cannot be read, the others' reasons are not kept.
_MOST_OUTCOMES = 1000


class JobState(StrEnum):
    """How far a job is, or a file of it.

    A job has failed if all that was tried of it failed, and is cancelled if nothing was tried.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent, its bytes in the spool.

    `metadata` None says nothing of it, as `title` None does of the title.
    """

    name: str
    uri: str
    spooled: Spooled
    media_type: str | None = None
    title: str | None = None
    metadata: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class JobFile:
    """A file of a job; `number` counts from 1. `begun` is how often work on it was begun."""

    job: str
    number: int
    collection: str
    request_id: str
    upload: Upload
    state: JobState
    begun: int = 0
    outcomes: tuple[Outcome, ...] = ()

    @property
    def origin(self) -> str:
        """The URI of the origin that its documents will have."""
        return origin_of(self.upload.uri)


@dataclass(frozen=True, slots=True)
class Job:
    """An upload that was accepted; jobs' numbers are in the order of acceptance.

    Times are UTC, ISO 8601. `key` is the id of the key it came with.
    """

    number: int
    id: str
    collection: str
    key: str | None
    state: JobState
    created_at: str
    started_at: str | None = None
    finished_at: str | None = None
    files: tuple[JobFile, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits to be taken in, or is being taken in."""

    files: int
    bytes: int


class JobRecords:
    """The jobs in a server's database. Each method is one transaction."""

    def __init__(self, state: State) -> None:
        self._state = state

    def add(
        self,
        job_id: str,
        collection: str,
        key: str | None,
        request_id: str,
        uploads: Sequence[Upload],
    ) -> bool:
        """Take a job down, on the disk when this returns; False if there is one with this id."""
        with self._state.transaction() as connection:
            if connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job_id,)).fetchone():
                return False
            connection.execute(
                "INSERT INTO jobs (id, collection, key, request_id, state, created_at) "
                "VALUES (?, ?, ?, ?, 'queued', ?)",
                (job_id, collection, key, request_id, _now()),
            )
            connection.executemany(
                "INSERT INTO job_files (job, number, name, uri, media_type, title, metadata, "
                "spooled, sha256, bytes, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued')",
                [
                    (
                        job_id,
                        number,
                        upload.name,
                        upload.uri,
                        upload.media_type,
                        upload.title,
                        json.dumps(None if upload.metadata is None else dict(upload.metadata)),
                        upload.spooled.name,
                        upload.spooled.sha256,
                        upload.spooled.bytes,
                    )
                    for number, upload in enumerate(uploads, 1)
                ],
            )
        return True

    def is_older(self, job_id: str, seconds: float) -> bool:
        """Whether there is a job with this id, accepted more than so many seconds ago."""
        rows = self._state.rows("SELECT created_at FROM jobs WHERE id = ?", job_id)
        if not rows:
            return False
        age = datetime.now(UTC) - datetime.fromisoformat(str(rows[0]["created_at"]))
        return age.total_seconds() > seconds

    def get(self, job_id: str) -> Job:
        """A job with its files.

        Raises:
            UnknownJob: there is none with this id.
        """
        found = self._jobs("id = ?", job_id)
        if not found:
            raise unknown_job(job_id)
        return found[0]

    def page(
        self, collection: str, states: Collection[JobState], before: str | None, most: int
    ) -> list[Job]:
        """The last jobs of a collection that are in one of these states, newest first.

        With `before`, the id of a job, only those older than that; none if it is forgotten, since
        what is older is forgotten too.
        """
        marks = ", ".join("?" * len(states))
        condition = f"collection = ? AND state IN ({marks})"
        values: list[object] = [collection, *states]
        if before is not None:
            condition += " AND number < (SELECT number FROM jobs WHERE id = ?)"
            values.append(before)
        return self._jobs(f"{condition} ORDER BY number DESC LIMIT ?", *values, most)

    def _jobs(self, condition: str, *values: object) -> list[Job]:
        rows = self._state.rows(
            f"SELECT * FROM jobs WHERE {condition}",  # noqa: S608 - ours
            *values,
        )
        ids = [row["id"] for row in rows]
        files: dict[str, list[JobFile]] = {job_id: [] for job_id in ids}
        for row in self._state.rows(
            f"{_FILES} WHERE f.job IN ({', '.join('?' * len(ids))}) ORDER BY f.number",
            *ids,
        ):
            files.setdefault(row["job"], []).append(_file(row))
        return [
            Job(
                row["number"],
                row["id"],
                row["collection"],
                row["key"],
                JobState(row["state"]),
                row["created_at"],
                row["started_at"],
                row["finished_at"],
                tuple(files[row["id"]]),
            )
            for row in rows
        ]

    def waiting(self, collection: str | None = None) -> Waiting:
        """What waits in a collection, or in all of them."""
        condition, values = (
            ("", ()) if collection is None else ("AND j.collection = ?", (collection,))
        )
        [row] = self._state.rows(
            "SELECT count(*), coalesce(sum(f.bytes), 0) FROM jobs AS j "  # noqa: S608 - ours
            "JOIN job_files AS f ON f.job = j.id "
            f"WHERE j.finished_at IS NULL AND f.state IN ('queued', 'running') {condition}",
            *values,
        )
        return Waiting(row[0], row[1])

    def states(self, collections: Collection[str] | None = None) -> dict[JobState, int]:
        """How many jobs are in each state, in these collections or in all."""
        counts = dict.fromkeys(JobState, 0)
        for row in self._state.rows("SELECT collection, state, count(*) FROM jobs GROUP BY 1, 2"):
            if collections is None or row[0] in collections:
                counts[JobState(row[1])] += row[2]
        return counts

    def collections_waiting(self) -> list[str]:
        """The collections in which files wait, in the order of their first jobs."""
        rows = self._state.rows(
            "SELECT collection FROM jobs WHERE finished_at IS NULL "
            "GROUP BY collection ORDER BY min(number)"
        )
        return [row["collection"] for row in rows]

    def next(self, collection: str) -> JobFile | None:
        """The file whose turn it is in a collection, when nothing is being taken in there.

        One that is marked as running then was left so by an error.
        """
        rows = self._state.rows(
            f"{_FILES} WHERE j.collection = ? AND j.finished_at IS NULL "
            "AND f.state IN ('queued', 'running') ORDER BY j.number, f.number LIMIT 1",
            collection,
        )
        return _file(rows[0]) if rows else None

    def begin(self, file: JobFile) -> bool:
        """Take note that a queued file is being taken in; False if it is cancelled by now."""
        with self._state.transaction() as connection:
            begun = connection.execute(
                "UPDATE job_files SET state = 'running', begun = begun + 1 "
                "WHERE job = ? AND number = ? AND state IN ('queued', 'running')",
                (file.job, file.number),
            ).rowcount
            connection.execute(
                "UPDATE jobs SET state = 'running', started_at = coalesce(started_at, ?) "
                "WHERE id = ? AND finished_at IS NULL",
                (_now(), file.job),
            )
        return bool(begun)

    def end(self, file: JobFile, state: JobState, outcomes: Sequence[Outcome]) -> None:
        """Take note of what became of a file."""
        kept = json.dumps([asdict(outcome) for outcome in outcomes[:_MOST_OUTCOMES]])
        with self._state.transaction() as connection:
            connection.execute(
                "UPDATE job_files SET state = ?, outcomes = ? WHERE job = ? AND number = ?",
                (state.value, kept, file.job, file.number),
            )
            _end_if_over(connection, file.job)

    def give_back(self, file: JobFile) -> None:
        """Let a file that was begun wait again, as if it had not been."""
        with self._state.transaction() as connection:
            connection.execute(
                "UPDATE job_files SET state = 'queued', begun = begun - 1 "
                "WHERE job = ? AND number = ? AND state = 'running'",
                (file.job, file.number),
            )

    def cancel(self, files: Sequence[JobFile]) -> list[JobFile]:
        """Let files that are not being taken in not be; those of them that were not over."""
        with self._state.transaction() as connection:
            cancelled = [
                file
                for file in files
                if connection.execute(
                    "UPDATE job_files SET state = 'cancelled' "
                    "WHERE job = ? AND number = ? AND state IN ('queued', 'running')",
                    (file.job, file.number),
                ).rowcount
            ]
            for job in {file.job for file in cancelled}:
                _end_if_over(connection, job)
        return cancelled

    def unfinished(self, collection: str) -> list[JobFile]:
        """The files of a collection that are not over, in the order of their turns."""
        rows = self._state.rows(
            f"{_FILES} WHERE j.collection = ? AND j.finished_at IS NULL "
            "AND f.state IN ('queued', 'running') ORDER BY j.number, f.number",
            collection,
        )
        return [_file(row) for row in rows]

    def resume(self) -> None:
        """Let what was being taken in when the server stopped wait again."""
        with self._state.transaction() as connection:
            connection.execute("UPDATE job_files SET state = 'queued' WHERE state = 'running'")

    def spooled(self) -> set[str]:
        """The names in the spool of all that waits."""
        rows = self._state.rows(
            "SELECT f.spooled FROM jobs AS j JOIN job_files AS f ON f.job = j.id "
            "WHERE j.finished_at IS NULL AND f.state IN ('queued', 'running')"
        )
        return {row["spooled"] for row in rows}

    def forget(self, collection: str, keep: int) -> None:
        """Forget the oldest jobs of a collection that are over, beyond so many."""
        with self._state.transaction() as connection:
            connection.execute(
                "DELETE FROM jobs WHERE number IN (SELECT number FROM jobs WHERE collection = ? "
                "AND finished_at IS NOT NULL ORDER BY number DESC LIMIT -1 OFFSET ?)",
                (collection, keep),
            )


_FILES = "SELECT f.*, j.collection, j.request_id FROM job_files AS f JOIN jobs AS j ON j.id = f.job"


def origin_of(uri: str) -> str:
    """The URI of the origin that a document at `uri` was read from."""
    return uri.partition(INSIDE)[0]


def unknown_job(job_id: str) -> UnknownJob:
    """The error for a job that is not there, or is in a collection that a key does not open."""
    return UnknownJob(
        f"{job_id[:64]!r}: there is no job of this id that you can see; those that ended long ago "
        "are forgotten"
    )


def _file(row: sqlite3.Row) -> JobFile:
    outcomes = [] if row["outcomes"] is None else json.loads(row["outcomes"])
    spooled = Spooled(row["spooled"], row["bytes"], row["sha256"])
    return JobFile(
        row["job"],
        row["number"],
        row["collection"],
        row["request_id"],
        Upload(
            row["name"],
            row["uri"],
            spooled,
            row["media_type"],
            row["title"],
            json.loads(row["metadata"]),
        ),
        JobState(row["state"]),
        row["begun"],
        tuple(Outcome(**{**one, "status": Status(one["status"])}) for one in outcomes),
    )


def _end_if_over(connection: sqlite3.Connection, job: str) -> None:
    found = connection.execute("SELECT state FROM job_files WHERE job = ?", (job,))
    states = {JobState(row["state"]) for row in found}
    # None are left where the collection was removed meanwhile.
    if not states or not all(state.over for state in states):
        return
    decisive = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
    state = next(state for state in decisive if state in states)
    connection.execute(
        "UPDATE jobs SET state = ?, finished_at = ? WHERE id = ? AND finished_at IS NULL",
        (state.value, _now(), job),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
