"""What became of files, on the wire."""

from pydantic import Field

from index.outcomes import Status
from service.schemas.base import EXAMPLE_ID, Wire


class OutcomeBody(Wire):
    """What became of one file."""

    name: str = Field(description="The file as it was named.", examples=["staff-handbook.md"])
    status: Status = Field(
        description=(
            "added, changed, moved (its content stood elsewhere before), copied (its content "
            "stands elsewhere too), removed (it has gone), unchanged, skipped (of a format that "
            "is not read, met in a folder or in another file) or failed."
        ),
        examples=["added"],
    )
    reason: str | None = Field(
        description="Why it was skipped or failed; null otherwise.", examples=[None]
    )
    document_id: str | None = Field(
        description="The id of its first document; null where it has none in the index.",
        examples=[EXAMPLE_ID],
    )
    documents: int = Field(
        description="Documents in it that the index holds, or held if it was removed; several for "
        "archives, mail with attachments and the like.",
        ge=0,
        examples=[1],
    )
    passages: int = Field(description="Passages they were cut into.", ge=0, examples=[41])
    source: str | None = Field(
        description="Where the content of what was moved or copied stood before; null otherwise.",
        examples=[None],
    )


class CountsBody(Wire):
    """How many files had each outcome."""

    added: int = Field(description="Files that are new.", ge=0, examples=[1])
    changed: int = Field(description="Files that had changed.", ge=0, examples=[0])
    moved: int = Field(description="Files that had moved.", ge=0, examples=[0])
    copied: int = Field(description="Files that are copies of others.", ge=0, examples=[0])
    removed: int = Field(description="Files that had gone.", ge=0, examples=[0])
    unchanged: int = Field(description="Files that were there already.", ge=0, examples=[0])
    skipped: int = Field(description="Files of formats that are not read.", ge=0, examples=[0])
    failed: int = Field(description="Files that could not be read.", ge=0, examples=[0])


class OutcomesBody(Wire):
    """What became of all files."""

    counts: CountsBody = Field(description="How many files had each outcome.")
    outcomes: list[OutcomeBody] = Field(description="What became of each file.")


class ProgressBody(Wire):
    """How far long work is; a line of it at most twice a second on standard error."""

    compared: int = Field(description="Files compared with the index.", ge=0, examples=[2000])
    to_read: int = Field(
        description="Files to read; documents to cut again in a reindexing.", ge=0, examples=[120]
    )
    read: int = Field(description="How many of those are done.", ge=0, examples=[37])
    passages: int = Field(description="Passages embedded.", ge=0, examples=[811])
    failed: int = Field(description="Files that could not be read.", ge=0, examples=[1])
    passages_per_second: float = Field(description="So far.", ge=0, examples=[55.1])
    seconds_left: float | None = Field(
        description="An estimate; null while there is none.", examples=[31.5]
    )


class FailureBody(Wire):
    """A file, or something in it, that could not be read."""

    uri: str = Field(description="Where it is.", examples=["file:///home/mara/docs/old.pdf"])
    reason: str = Field(
        description="Why, and what to do.", examples=["old.pdf: is encrypted; save a copy without"]
    )
    unsupported: bool = Field(
        description="Whether it is of a format that is not read.", examples=[False]
    )


class FailuresBody(Wire):
    """What could not be read, as it was when it was last tried."""

    failures: list[FailureBody] = Field(description="In the order of their URIs.")
