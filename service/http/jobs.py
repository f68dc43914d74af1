"""Uploads that were accepted, over HTTP."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from service.bodies import job_body
from service.host.job_records import Job, JobState, unknown_job
from service.host.jobs import Jobs
from service.host.keys import Scope
from service.host.taking_in import Stage
from service.http.access import Asking, Principal, ReadAccess, Serving
from service.http.conditional import IF_NONE_MATCH, reply
from service.http.events import event, event_stream
from service.http.negotiation import EVENTS
from service.http.openapi import problems
from service.http.paging import Cursor, Limit, page, read_cursor
from service.observing.audit import audit
from service.schemas import JobBody, JobsBody, StageBody

MOST_SECONDS = 60

# A stream says something at least so often, in seconds, and at most so often.
_HEARTBEAT = 15.0
_PACE = 0.1

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?=$|[,;\s])", re.IGNORECASE)

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

JobId = Annotated[str, Path(description="The job's id.", max_length=64)]


@router.get("", summary="List the jobs", responses=problems(404, 422))
def list_jobs(
    access: ReadAccess,
    state: Annotated[
        Sequence[JobState],
        Query(description="Only jobs in one of these states; any unless given.", max_length=5),
    ] = (),
    cursor: Cursor = None,
    limit: Limit = 20,
) -> JobsBody:
    """The uploads of a collection, newest first; those that ended long ago are forgotten."""
    states = sorted(set(state)) or list(JobState)
    query = ("jobs", access.collection.name, *states)
    # Not the job's number, which would tell how many uploads other collections had.
    [before] = read_cursor(cursor, query, [str]) or [None]
    found = access.server.jobs.page(access.collection.name, states, before, limit + 1)
    shown, following = page(found, limit, query, lambda job: [job.id])
    return JobsBody(jobs=[job_body(job) for job in shown], next_cursor=following)


@router.get(
    "/{job_id}",
    summary="Get a job",
    response_model=JobBody,
    responses=problems(404, 422) | IF_NONE_MATCH,
)
def get_job(job_id: JobId, request: Request, asking: Asking, server: Serving) -> Response:
    """How far an upload is, and what became of each of its files."""
    job = seen(server.jobs, job_id, asking, Scope.READ)
    return reply(request, job_body(job).model_dump_json())


@router.delete("/{job_id}", summary="Cancel a job", responses=problems(404, 422))
def cancel_job(job_id: JobId, asking: Asking, server: Serving) -> JobBody:
    """Let nothing more of an upload be taken in; what is being taken in is finished.

    The job as it is then; one that is over stays as it was.
    """
    job = seen(server.jobs, job_id, asking, Scope.WRITE)
    cancelled = server.jobs.cancel(job.id)
    audit("job.cancel", asking, job.collection, job=job.id)
    return job_body(cancelled)


class Follower:
    """Waits, in the event loop, for something about a job to change."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def notify(self) -> None:
        """Something has changed; for other threads."""
        self._loop.call_soon_threadsafe(self._changed.set)

    async def wait(self, seconds: float) -> None:
        """Wait for a change, so many seconds at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)
        self._changed.clear()


async def _follower(job_id: JobId, asking: Asking, server: Serving) -> AsyncIterator[Follower]:
    follower = Follower(await run_in_threadpool(seen, server.jobs, job_id, asking, Scope.READ))
    with server.jobs.followers.join(follower.job.id, follower.notify):
        yield follower


@router.get(
    "/{job_id}/events",
    summary="Follow a job",
    response_class=StreamingResponse,
    responses=problems(404, 422, 503)
    | {
        200: {
            "description": "Server-sent events: `progress` with a StageBody, `job` with a JobBody "
            "whenever a file's state changes, at the end `done` with the JobBody.",
            "content": {EVENTS: {}},
        }
    },
)
async def follow_job(
    follower: Annotated[Follower, Depends(_follower)], server: Serving
) -> StreamingResponse:
    """Hear of an upload's progress as it is made, until it is over.

    A stream that ends without `done` is to be opened again: the server was stopped.
    """
    return event_stream(_events(follower, server.jobs))


async def _events(follower: Follower, jobs: Jobs) -> AsyncIterator[str]:
    told: tuple[Job | None, Stage | None] = (None, None)
    while True:
        job = await run_in_threadpool(jobs.get, follower.job.id)
        stage = None if job.state.over else jobs.stage(job.id)
        if job != told[0]:
            yield event("done" if job.state.over else "job", job_body(job).model_dump_json())
        if stage is not None and stage != told[1]:
            yield event("progress", _stage_body(job, stage).model_dump_json())
        if job.state.over or jobs.stopping:
            return
        if told == (job, stage):
            yield ": still here\n\n"
        told = job, stage
        await asyncio.sleep(_PACE)
        await follower.wait(_HEARTBEAT)


def _stage_body(job: Job, stage: Stage) -> StageBody:
    return StageBody(
        file=job.files[stage.file - 1].upload.name,
        number=stage.file,
        stage=stage.stage,
        passages=stage.done,
        total=stage.passages,
    )


def seconds_to_wait(request: Request) -> int:
    """How long a client prefers to wait for a job to be over: `Prefer: wait=N`, 60 s at most."""
    found = _WAIT.search(",".join(request.headers.getlist("prefer")))
    return 0 if found is None else min(MOST_SECONDS, int(found[1]))


async def over(jobs: Jobs, job: Job, seconds: float) -> Job:
    """A job once it is over, or as it is after so many seconds."""
    until = monotonic() + seconds
    follower = Follower(job)
    with jobs.followers.join(job.id, follower.notify):
        while True:
            job = await run_in_threadpool(jobs.get, job.id)
            left = until - monotonic()
            if job.state.over or left <= 0 or jobs.stopping:
                return job
            await follower.wait(left)


def seen(jobs: Jobs, job_id: str, asking: Principal, scope: Scope) -> Job:
    """A job, for whoever has a scope and may use its collection.

    Raises:
        UnknownJob: there is none with this id, or it is in a collection that the key does not open.
        Forbidden: the scope does not do.
    """
    asking.require(scope)
    job = jobs.get(job_id)
    if not asking.opens(job.collection):
        raise unknown_job(job_id)
    return job
