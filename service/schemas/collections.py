"""Collections, and what a server holds in all, on the wire."""

from typing import Annotated

from pydantic import Field, StringConstraints

from service.configuration import COLLECTION_NAME
from service.schemas.base import Sent, Wire

_EXAMPLE = "contracts"
_USABLE = "Whether its index can be used; what it holds is not known otherwise, and is told as 0."


class CollectionRequest(Sent):
    """A collection to make."""

    name: Annotated[str, StringConstraints(pattern=f"^{COLLECTION_NAME.pattern}$")] = Field(
        description="Its name: 1 to 63 small letters, digits, - and _; no - or _ first.",
        examples=[_EXAMPLE],
    )


class CollectionBody(Wire):
    """A collection: an index of its own."""

    name: str = Field(description="Its name.", examples=[_EXAMPLE])
    documents: int = Field(description="How many documents it holds.", ge=0, examples=[11])
    passages: int = Field(description="How many passages it holds.", ge=0, examples=[251])
    generation: int = Field(
        description="Grows with every change; equal numbers mean equal content.",
        ge=0,
        examples=[4],
    )
    bytes: int = Field(
        description="Its size on disk with its originals, in bytes.", ge=0, examples=[1835008]
    )
    questions: int = Field(
        description="Questions put to it since the server was started.", ge=0, examples=[1234]
    )
    removable: bool = Field(
        description="Whether it can be removed here; not so default and those of the settings.",
        examples=[True],
    )
    usable: bool = Field(default=True, description=_USABLE, examples=[True])


class CollectionsBody(Wire):
    """The collections that the key opens."""

    collections: list[CollectionBody] = Field(description="The collections, by name.")


class PlacedCollectionBody(Wire):
    """A collection, as whoever runs the server sees it."""

    name: str = Field(description="Its name.", examples=[_EXAMPLE])
    documents: int = Field(description="How many documents it holds.", ge=0, examples=[11])
    passages: int = Field(description="How many passages it holds.", ge=0, examples=[251])
    folder: str = Field(
        description="Its index folder.",
        examples=["/home/mara/docs/.pincite/server/collections/contracts"],
    )
    usable: bool = Field(default=True, description=_USABLE, examples=[True])


class PlacedCollectionsBody(Wire):
    """The collections of a server."""

    collections: list[PlacedCollectionBody] = Field(description="The collections, by name.")


class JobCountsBody(Wire):
    """How many uploads are in each state."""

    queued: int = Field(description="Those whose turn has not come.", ge=0, examples=[0])
    running: int = Field(description="Those that are being taken in.", ge=0, examples=[1])
    done: int = Field(description="Those that went in, at least in part.", ge=0, examples=[42])
    failed: int = Field(description="Those that failed whole.", ge=0, examples=[1])
    cancelled: int = Field(description="Those that were called off.", ge=0, examples=[0])


class StatsBody(Wire):
    """What the server holds and does, as far as the key opens it."""

    uptime_seconds: float = Field(
        description="How long the server has been up, in seconds.", ge=0, examples=[86400.5]
    )
    collections: list[CollectionBody] = Field(description="The collections, by name.")
    documents: int = Field(description="Documents in all of these.", ge=0, examples=[11])
    passages: int = Field(description="Passages in all of these.", ge=0, examples=[251])
    jobs: JobCountsBody = Field(description="Their uploads, without those that are forgotten.")
    waiting_files: int = Field(
        description="Files that wait to be taken in, or are being.", ge=0, examples=[3]
    )
    waiting_bytes: int = Field(description="Their size together.", ge=0, examples=[120331])
    questions: int = Field(
        description="Questions put to them since the server was started.", ge=0, examples=[1234]
    )
