"""The page of an upload: how far each of its files is, and what became of it."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from index.outcomes import Outcome, Status
from service.host.job_records import Job, JobFile, JobState
from service.host.keys import Scope
from service.http import jobs
from service.http.access import Asking, Serving
from service.text import counted, shown, size_of
from service.web import addresses
from service.web.frame import frame
from service.web.templating import html, page

_STATES = {
    JobState.QUEUED: "waits",
    JobState.RUNNING: "is being read",
    JobState.DONE: "is in",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "was cancelled",
}
# What became of a file.
STATUSES = {
    Status.ADDED: "added",
    Status.CHANGED: "takes the place of what was there",
    Status.MOVED: "moved",
    Status.COPIED: "holds what another document holds too",
    Status.UNCHANGED: "was there already",
    Status.SKIPPED: "skipped",
    Status.FAILED: "failed",
    Status.REMOVED: "gone",
}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """What became of a file, or of something in it; `address` is where its document is seen."""

    name: str
    said: str
    reason: str
    failed: bool
    address: str | None


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of an upload."""

    name: str
    size: str
    state: str
    said: str
    outcomes: tuple[OutcomeView, ...]


@dataclass(frozen=True, slots=True)
class UploadView:
    """An upload, with what became of it so far."""

    id: str
    said: str
    over: bool
    address: str
    files: tuple[FileView, ...]


@router.get("/uploads/{job_id}")
def upload(job_id: jobs.JobId, asking: Asking, server: Serving) -> Response:
    """How far an upload is."""
    job = jobs.seen(server.jobs, job_id, asking, Scope.READ)
    around = frame(asking, server, job.collection)
    return page("upload.html", around, "/uploads", {"upload": upload_view(job)})


@router.get("/uploads/{job_id}/files")
def files(job_id: jobs.JobId, asking: Asking, server: Serving) -> Response:
    """The piece of the page that tells of the files."""
    job = jobs.seen(server.jobs, job_id, asking, Scope.READ)
    return html("_files.html", upload=upload_view(job))


@router.post("/uploads/{job_id}/cancel")
def cancel(job_id: jobs.JobId, asking: Asking, server: Serving) -> Response:
    """Let nothing more of an upload be taken in."""
    jobs.cancel_job(job_id, asking, server)
    return RedirectResponse(f"/uploads/{job_id}", 303)


def upload_view(job: Job) -> UploadView:
    """An upload in words."""
    return UploadView(
        id=job.id,
        said=_STATES[job.state],
        over=job.state.over,
        address=f"/uploads/{job.id}",
        files=tuple(_file_view(file, job.collection) for file in job.files),
    )


def _file_view(file: JobFile, collection: str) -> FileView:
    return FileView(
        name=shown(file.upload.name),
        size=size_of(file.upload.spooled.bytes),
        state=file.state.value,
        said=_STATES[file.state],
        outcomes=tuple(_outcome_view(outcome, collection) for outcome in file.outcomes),
    )


def _outcome_view(outcome: Outcome, collection: str) -> OutcomeView:
    said = STATUSES[outcome.status]
    if outcome.documents > 1:
        said += f": {counted(outcome.documents, 'document')}"
    here = outcome.document_id
    return OutcomeView(
        name=shown(outcome.name),
        said=said,
        reason=shown(outcome.reason or ""),
        failed=outcome.status is Status.FAILED,
        address=None if here is None else addresses.view(collection, here, 0, 0),
    )
