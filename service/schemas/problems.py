"""Errors on the wire."""

from pydantic import BaseModel, Field

from service.schemas.base import Wire
from service.schemas.outcomes import OutcomeBody


class FieldErrorBody(Wire):
    """What is wrong with one field of a request."""

    field: str = Field(description="The field, with dots between levels.", examples=["question"])
    detail: str = Field(description="What is wrong with it.", examples=["Field required"])


class ProblemBody(BaseModel):
    """An error, as RFC 9457 describes problems."""

    type: str = Field(
        description="Names the kind of problem; about:blank where the status says it all.",
        examples=["urn:pincite:problem:unknown-document"],
    )
    title: str = Field(
        description="The kind of problem in words; always the same for a type.",
        examples=["There is no such document"],
    )
    status: int = Field(description="The HTTP status.", ge=400, le=599, examples=[404])
    detail: str = Field(
        description="What happened this time, and what to do about it.",
        examples=["0123: no such document in the index; see: pincite list"],
    )
    instance: str = Field(description="The path asked for.", examples=["/v1/documents/0123"])
    request_id: str = Field(
        description="Names this request in the server's log; also in X-Request-ID.",
        examples=["5f3b0c1e9a7d4f62b8e1d0c9a8b7f6e5"],
    )
    errors: list[FieldErrorBody] | None = Field(
        default=None, description="Which fields of the request are wrong, where some are."
    )
    outcomes: list[OutcomeBody] | None = Field(
        default=None, description="What became of each file, where several were sent."
    )
