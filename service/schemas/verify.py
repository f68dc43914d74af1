"""Citations held against the documents as they are now, on the wire."""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from qa.verifying import Standing
from service.schemas.answers import CitationBody
from service.schemas.base import (
    END,
    EXAMPLE_ID,
    EXAMPLE_SHA,
    EXAMPLE_URI,
    MOST_OFFSET,
    START,
    Sent,
    Text,
    Wire,
)

LONGEST_QUOTE = 20_000
LONGEST_CONTEXT = 1_000


class VerifyRequest(Sent):
    """A citation: where a quote stood, as it was given once."""

    document_id: Text = Field(description="The id of the document.", examples=[EXAMPLE_ID])
    start: int = Field(description=START, ge=0, le=MOST_OFFSET, strict=True, examples=[1836])
    end: int | None = Field(
        default=None,
        description=f"{END} It may be left out.",
        ge=0,
        le=MOST_OFFSET,
        strict=True,
        examples=[1843],
    )
    text: Text = Field(
        description="The quote.", min_length=1, max_length=LONGEST_QUOTE, examples=["26 days"]
    )
    prefix: Text = Field(
        default="",
        description="What stood right before it; empty where that is not known.",
        max_length=LONGEST_CONTEXT,
        examples=["Full-time staff receive "],
    )
    suffix: Text = Field(
        default="",
        description="What stood right after it; empty where that is not known.",
        max_length=LONGEST_CONTEXT,
        examples=[" of paid leave a year, plus the "],
    )
    uri: Text | None = Field(
        default=None,
        description="Where the document came from: what stands there now is looked into where the "
        "document is gone.",
        examples=[EXAMPLE_URI],
    )
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-fA-F]{64}$")] | None = Field(
        default=None,
        description="SHA-256 of the document's original bytes, in hexadecimal: the same content "
        "elsewhere is looked into where the document is gone.",
        examples=[EXAMPLE_SHA],
    )

    @model_validator(mode="after")
    def _fits(self) -> "VerifyRequest":
        if self.end is not None and self.end - self.start != len(self.text):
            raise ValueError(
                f"the range from {self.start} to {self.end} does not hold the {len(self.text)} "
                "characters (Unicode code points) of the text"
            )
        return self


class VerdictBody(Wire):
    """What has become of a quote."""

    standing: Standing = Field(
        description="stands (where it stood, character for character), moved (it stands elsewhere "
        "in its document, or in the one that is at its URI or has its content now) or gone.",
        examples=["stands"],
    )
    reason: str | None = Field(
        description="Why it is gone; null where it is not.",
        examples=[None, "The document does not hold this text any more."],
    )
    citation: CitationBody | None = Field(description="Where it stands now; null if it is gone.")
