"""Uploads that were accepted, on the wire."""

from typing import Literal

from pydantic import Field

from service.host.job_records import JobState
from service.schemas.base import Wire
from service.schemas.outcomes import CountsBody, OutcomeBody

_STATE = "queued, running, done, failed or cancelled."
_EXAMPLE_ID = "c2f1a0b3d4e59687"


class JobFileBody(Wire):
    """A file of a job."""

    name: str = Field(description="The file as it was named.", examples=["staff-handbook.pdf"])
    uri: str = Field(
        description="Where it comes from; its documents' URIs begin with it.",
        examples=["upload:staff-handbook.pdf"],
    )
    bytes: int = Field(description="Its size.", ge=0, examples=[120331])
    state: JobState = Field(description=f"How far it is: {_STATE}", examples=["done"])
    outcomes: list[OutcomeBody] = Field(
        description="What became of it, and of what in it could not be read; empty before."
    )


class JobBody(Wire):
    """An upload that was accepted: what was sent in one request."""

    id: str = Field(description="The job's id.", examples=[_EXAMPLE_ID])
    collection: str = Field(description="The collection it goes into.", examples=["default"])
    state: JobState = Field(
        description=f"How far it is: {_STATE} It is done if at least one file went in, failed if "
        "all that were tried failed, cancelled if none was tried.",
        examples=["done"],
    )
    created_at: str = Field(
        description="When it was accepted, UTC.", examples=["2026-03-02T09:14:07Z"]
    )
    started_at: str | None = Field(
        description="When its first file's turn came, UTC; null before.",
        examples=["2026-03-02T09:14:08Z"],
    )
    finished_at: str | None = Field(
        description="When it was over, UTC; null before.", examples=["2026-03-02T09:14:11Z"]
    )
    files: list[JobFileBody] = Field(description="Its files, in the order in which they were sent.")
    counts: CountsBody = Field(description="How many outcomes there are of each kind so far.")


class JobsBody(Wire):
    """Jobs of a collection."""

    jobs: list[JobBody] = Field(description="The jobs, newest first.")
    next_cursor: str | None = Field(
        description="What to send as cursor for those that follow; null where none do.",
        examples=[None],
    )


class StageBody(Wire):
    """How far the file is that is being taken in."""

    file: str = Field(description="The file as it was named.", examples=["staff-handbook.pdf"])
    number: int = Field(description="Which file of the job it is, one-based.", ge=1, examples=[1])
    stage: Literal["extract", "embed", "store"] = Field(
        description="extract (being read), embed (its passages get their vectors) or store.",
        examples=["embed"],
    )
    passages: int = Field(description="Passages embedded so far.", ge=0, examples=[64])
    total: int | None = Field(
        description="Passages to embed; null while it is being read.", ge=0, examples=[812]
    )
