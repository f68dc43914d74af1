"""Answers marked right or wrong, on the wire."""

from pydantic import Field, model_validator

from index.retriever import MOST_CHARACTERS
from service.schemas.base import (
    END,
    EXAMPLE_ID,
    EXAMPLE_URI,
    ID,
    MOST_OFFSET,
    START,
    Sent,
    Text,
    Wire,
)

LONGEST_NOTE = 2_000
LONGEST_ANSWER = 2_000

_EXAMPLE_QUESTION = "How many days of paid leave do full-time staff get?"
_RIGHT = (
    "Whether the answer is right; without an answer, whether it is right that the documents do not "
    "say."
)
_CONFIDENCE = "The confidence that the answer was given with, from 0 to 1; null if not known."
_NOTE = "What else there is to say of it."


class FeedbackRequest(Sent):
    """What somebody says of an answer, or of a reply without one."""

    question: Text = Field(
        description="The question, as it was asked.",
        min_length=1,
        max_length=MOST_CHARACTERS,
        examples=[_EXAMPLE_QUESTION],
    )
    right: bool = Field(description=_RIGHT, strict=True, examples=[True])
    document_id: Text | None = Field(
        default=None,
        description="The id of the document that the answer is from; null for a reply without one.",
        examples=[EXAMPLE_ID],
    )
    start: int | None = Field(
        default=None, description=START, ge=0, le=MOST_OFFSET, strict=True, examples=[1836]
    )
    end: int | None = Field(
        default=None, description=END, ge=0, le=MOST_OFFSET, strict=True, examples=[1843]
    )
    text: Text | None = Field(
        default=None,
        description="The answer's text; with it, an answer that does not stand there any more is "
        "refused.",
        max_length=LONGEST_ANSWER,
        examples=["26 days"],
    )
    confidence: float | None = Field(
        default=None, description=_CONFIDENCE, ge=0, le=1, strict=True, examples=[0.93]
    )
    note: Text | None = Field(
        default=None, description=_NOTE, max_length=LONGEST_NOTE, examples=["Since 2026."]
    )

    @model_validator(mode="after")
    def _whole(self) -> "FeedbackRequest":
        place = (self.document_id, self.start, self.end)
        if None in place and set(place) != {None}:
            raise ValueError("needs document_id, start and end together, or none of them")
        if self.start is not None and self.end is not None:
            length = self.end - self.start
            if not 0 < length <= LONGEST_ANSWER:
                raise ValueError(
                    f"the range from {self.start} to {self.end} holds no answer; one has 1 to "
                    f"{LONGEST_ANSWER:,} characters"
                )
        elif self.text is not None or self.confidence is not None:
            raise ValueError("says something of an answer, but not where it stands")
        return self


class JudgementBody(Wire):
    """What somebody said of an answer, or of a reply without one."""

    number: int = Field(description="Grows from one to the next.", ge=1, examples=[17])
    key: str | None = Field(
        description="The id of the key it was given with; null where no keys were asked for.",
        examples=["3f9a61c0d2b7"],
    )
    question: str = Field(description="The question.", examples=[_EXAMPLE_QUESTION])
    right: bool = Field(description=_RIGHT, examples=[True])
    document_id: str | None = Field(
        description=f"{ID} Null for a reply without an answer.", examples=[EXAMPLE_ID]
    )
    uri: str | None = Field(
        description="Where the document came from; null without an answer.", examples=[EXAMPLE_URI]
    )
    start: int | None = Field(description=f"{START} Null without an answer.", ge=0, examples=[1836])
    end: int | None = Field(description=f"{END} Null without an answer.", ge=0, examples=[1843])
    text: str | None = Field(
        description="The answer, as it stood there; null without one.", examples=["26 days"]
    )
    confidence: float | None = Field(description=_CONFIDENCE, ge=0, le=1, examples=[0.93])
    note: str | None = Field(description=_NOTE, examples=[None])
    generation: int = Field(
        description="The generation of the index at that time.", ge=0, examples=[12]
    )
    created_at: str = Field(
        description="When it was given, UTC.", examples=["2026-03-02T09:14:07+00:00"]
    )


class FeedbackBody(Wire):
    """What was said of answers, a page of it."""

    feedback: list[JudgementBody] = Field(description="The newest first.")
    next_cursor: str | None = Field(
        description="Where to go on; null on the last page.", examples=[None]
    )
