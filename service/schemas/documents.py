"""Documents on the wire."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from index.documents import PartKind
from service.schemas.base import (
    COPIES,
    END,
    EXAMPLE_COPIES,
    EXAMPLE_ID,
    EXAMPLE_SECTION,
    EXAMPLE_SENTENCE,
    EXAMPLE_SHA,
    EXAMPLE_TITLE,
    EXAMPLE_URI,
    ID,
    START,
    TITLE,
    URI,
    Sent,
    Text,
    Wire,
)

MOST_METADATA = 50
MOST_URI = 2000
MOST_TITLE = 500

# What a person says of a document, by keys of small letters.
Metadata = Annotated[
    dict[
        Annotated[Text, StringConstraints(min_length=1, max_length=100)],
        Annotated[Text, StringConstraints(max_length=1000)],
    ],
    Field(max_length=MOST_METADATA),
]


class SummaryBody(Wire):
    """A document without its text."""

    id: str = Field(description=ID, examples=[EXAMPLE_ID])
    uri: str = Field(description=URI, examples=[EXAMPLE_URI])
    title: str = Field(description=TITLE, examples=[EXAMPLE_TITLE])
    media_type: str = Field(description="The format it was read as.", examples=["text/markdown"])
    sha256: str = Field(
        description="SHA-256 of the original bytes, in hexadecimal.", examples=[EXAMPLE_SHA]
    )
    characters: int = Field(description="Code points in its text.", ge=0, examples=[13012])
    page_count: int = Field(description="Pages; 0 where it has none.", ge=0, examples=[0])
    passage_count: int = Field(description="Passages it was cut into.", ge=0, examples=[41])
    added_at: str = Field(
        description="When it was put into the index, UTC.", examples=["2026-03-02T09:14:07Z"]
    )
    copies: list[str] = Field(description=COPIES, examples=[EXAMPLE_COPIES])
    metadata: dict[str, str] = Field(
        description="What else is known of it.", examples=[{"language": "en"}]
    )


class DocumentsBody(Wire):
    """Documents of the index."""

    documents: list[SummaryBody] = Field(description="The documents, in the order of their URIs.")
    next_cursor: str | None = Field(
        default=None,
        description="What to send as cursor for those that follow; null where none do.",
        examples=[None],
    )


class PageBody(Wire):
    """One page: `text[start:end]`."""

    number: int = Field(description="The page's number, one-based.", ge=1, examples=[1])
    start: int = Field(description=START, ge=0, examples=[0])
    end: int = Field(description=END, ge=0, examples=[2210])


class SectionBody(Wire):
    """The stretch from one heading up to the next: `text[start:end]`."""

    path: list[str] = Field(
        description="The headings that lead here, outermost first, its own last.",
        examples=[EXAMPLE_SECTION],
    )
    start: int = Field(description=START, ge=0, examples=[1765])
    end: int = Field(description=END, ge=0, examples=[2890])


class PartBody(Wire):
    """A part of the original that is no page: `text[start:end]`."""

    kind: PartKind = Field(description="sheet, slide or part (of a message).", examples=["sheet"])
    name: str = Field(
        description="A sheet's name, a slide's one-based number, a message part's number.",
        examples=["Prices"],
    )
    start: int = Field(description=START, ge=0, examples=[0])
    end: int = Field(description=END, ge=0, examples=[2210])


class DocumentBody(Wire):
    """A whole document: its canonical text, into which all offsets point."""

    id: str = Field(description=ID, examples=[EXAMPLE_ID])
    uri: str = Field(description=URI, examples=[EXAMPLE_URI])
    title: str = Field(description=TITLE, examples=[EXAMPLE_TITLE])
    media_type: str = Field(description="The format it was read as.", examples=["text/markdown"])
    sha256: str = Field(
        description="SHA-256 of the original bytes, in hexadecimal.", examples=[EXAMPLE_SHA]
    )
    text: str = Field(description="The canonical text.", examples=[EXAMPLE_SENTENCE])
    pages: list[PageBody] = Field(description="The pages in order; empty where there are none.")
    sections: list[SectionBody] = Field(
        description="The sections in order; empty where there are none."
    )
    parts: list[PartBody] = Field(
        description="The sheets, slides or message parts in order; empty where there are none."
    )
    metadata: dict[str, str] = Field(
        description="What else is known of it.", examples=[{"author": "People Team"}]
    )
    copies: list[str] = Field(description=COPIES, examples=[EXAMPLE_COPIES])


class TextBody(Wire):
    """A stretch of a document: `text` is the document's `text[start:end]`."""

    document_id: str = Field(description=ID, examples=[EXAMPLE_ID])
    start: int = Field(description=START, ge=0, examples=[1789])
    end: int = Field(description=END, ge=0, examples=[1874])
    text: str = Field(description="What stands there.", examples=[EXAMPLE_SENTENCE])
    characters: int = Field(description="Code points in the whole text.", ge=0, examples=[13012])


class TextRequest(Sent):
    """A text to put into the index."""

    text: Text = Field(
        description="The text.",
        min_length=1,
        examples=["# Opening hours\n\nThe library is open from 9:00 to 17:30."],
    )
    uri: Text | None = Field(
        default=None,
        description="Where it comes from; what was stored under it is replaced. Null for a name "
        "made of the text itself.",
        min_length=1,
        max_length=MOST_URI,
        examples=["https://library.example/hours"],
    )
    title: Text | None = Field(
        default=None,
        description="Its title; null for what the text itself gives as one.",
        min_length=1,
        max_length=MOST_TITLE,
        examples=["Opening hours"],
    )
    metadata: Metadata | None = Field(
        default=None,
        description="What else is known of it; null for what was said before of the same text.",
        examples=[{"author": "People Team"}],
    )
    media_type: Literal["text/plain", "text/markdown", "text/html"] = Field(
        default="text/plain", description="What the text is written in."
    )
