"""The index, the models and the service itself, on the wire."""

from typing import Literal

from pydantic import Field

from service.schemas.base import EXAMPLE_SHA, Wire


class EmbedderBody(Wire):
    """The embedder an index was made with."""

    name: str = Field(description="Its name or folder.", examples=["all-MiniLM-L6-v2"])
    revision: str = Field(description="Which release of it.", examples=["sha256:53aa5117"])
    dim: int = Field(description="The length of a vector.", ge=1, examples=[384])
    checksum: str = Field(
        description="SHA-256 of the weights, in hexadecimal.", examples=[EXAMPLE_SHA]
    )


class SplitterBody(Wire):
    """How documents were cut into passages."""

    tokens: int = Field(description="The most tokens in a passage.", ge=1, examples=[160])
    overlap: int = Field(
        description="The most tokens it shares with the one before.", ge=0, examples=[32]
    )
    version: int = Field(description="The version of the algorithm.", ge=1, examples=[1])


class BuildingBody(Wire):
    """An edition of the index that is being built, and does not answer yet."""

    embedder: str = Field(description="Its embedder.", examples=["all-MiniLM-L6-v2"])
    splitter: SplitterBody = Field(description="How its documents are cut.")
    done: int = Field(description="Documents that it has.", ge=0, examples=[120])
    documents: int = Field(description="Documents that it will have.", ge=0, examples=[2000])


class FormatBody(Wire):
    """A format that is read."""

    name: str = Field(description="What it is called.", examples=["PDF"])
    media_type: str = Field(description="Its media type.", examples=["application/pdf"])
    suffixes: list[str] = Field(
        description="Its usual endings; content decides, not the name.", examples=[[".pdf"]]
    )


class FormatsBody(Wire):
    """The formats that are read."""

    formats: list[FormatBody] = Field(description="Each format.")


class CalibrationBody(Wire):
    """How sure answers are, fitted to labelled questions about the documents of the index."""

    reader: str = Field(
        description="The reader that it was fitted with; with another one it is not used.",
        examples=["reader-v0"],
    )
    reader_checksum: str = Field(
        description="SHA-256 of that reader's weights, in hexadecimal.", examples=[EXAMPLE_SHA]
    )
    questions: int = Field(description="How many questions it was fitted to.", ge=0, examples=[120])
    fitted_at: str = Field(
        description="When it was fitted (ISO 8601).", examples=["2026-11-24T12:00:00+00:00"]
    )
    abstain_below: float = Field(
        description="Answers less sure than this are held back, unless another least confidence "
        "is asked for.",
        ge=0,
        le=1,
        examples=[0.3],
    )


class StatusBody(Wire):
    """What the index holds and what it was made with."""

    index: str = Field(
        description="The index folder; the collection's name for keys that do not administer.",
        examples=["/home/mara/docs/.pincite"],
    )
    documents: int = Field(description="How many documents it holds.", ge=0, examples=[11])
    passages: int = Field(description="How many passages it holds.", ge=0, examples=[251])
    failed: int = Field(
        description="How many files, or documents in them, could not be read when last tried.",
        ge=0,
        examples=[0],
    )
    generation: int = Field(
        description="Grows with every change; equal numbers mean equal content.",
        ge=0,
        examples=[4],
    )
    embedder: EmbedderBody = Field(description="The embedder it was made with.")
    splitter: SplitterBody = Field(description="How documents were cut.")
    building: BuildingBody | None = Field(
        description="The edition being built to take this one's place; null where none is."
    )
    bytes: int = Field(description="Its size on disk, in bytes.", ge=0, examples=[1835008])
    calibration: CalibrationBody | None = Field(
        default=None,
        description="How sure answers are, if that was fitted to this index; null where the "
        "reader's own calibration is used.",
    )


class CheckBody(Wire):
    """One thing the doctor looked at."""

    name: str = Field(description="What was looked at.", examples=["database"])
    ok: bool = Field(description="Whether it is as it should be.", examples=[True])
    found: str = Field(description="What was found.", examples=["whole"])


class ReportBody(Wire):
    """What the doctor found."""

    ok: bool = Field(description="Whether everything is as it should be.", examples=[True])
    checks: list[CheckBody] = Field(description="Each thing looked at.")


class ModelBody(Wire):
    """A model that can be used as it is."""

    name: str = Field(description="The name to use it by.", examples=["all-MiniLM-L6-v2"])
    kind: str = Field(description="embedder or reader.", examples=["embedder"])
    licence: str | None = Field(
        description="SPDX identifier of the weights' licence; null where it is not known.",
        examples=["Apache-2.0"],
    )
    checksum: str = Field(
        description="SHA-256 of the weights, in hexadecimal.", examples=[EXAMPLE_SHA]
    )
    folder: str | None = Field(
        description="Where its files are; null where it is not bundled.",
        examples=["/usr/lib/python3/site-packages/index/bundled/all-MiniLM-L6-v2"],
    )
    in_use: bool = Field(
        description="Whether it is the one that would be used now.", examples=[True]
    )


class ModelsBody(Wire):
    """The models at hand."""

    models: list[ModelBody] = Field(description="The bundled models, and the index's own.")


class HealthBody(Wire):
    """A sign of life."""

    status: Literal["ok", "ready"] = Field(description="ok or ready.", examples=["ok"])
