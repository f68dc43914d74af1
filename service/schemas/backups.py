"""The wire models of backups; they are printed only, never served."""

from pydantic import Field

from service.schemas.base import Wire
from service.schemas.state import CheckBody


class BackupBody(Wire):
    """What a backup holds."""

    file: str = Field(description="The backup's name.")
    made_at: str = Field(description="When it was begun: UTC, ISO 8601.")
    pincite: str = Field(description="The version of Pincite that made it.")
    indexes: int = Field(description="How many indexes it holds.", ge=1)
    files: int = Field(description="How many files it holds.", ge=1)
    bytes: int = Field(description="Their size, unpacked, in bytes.", ge=0)


class RestoreBody(BackupBody):
    """What was restored, and what the check of it found."""

    folder: str = Field(description="The folder, which is an index folder now.")
    named: dict[str, str] = Field(
        description="The folders of collections that only the settings name, by their names."
    )
    ok: bool = Field(description="Whether every check found all well.")
    checks: list[CheckBody] = Field(description="Each check of each index.")
