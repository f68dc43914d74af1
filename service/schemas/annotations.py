"""Web Annotations on the wire, as W3C recommends them (JSON-LD).

See "Web Annotation Data Model" and "Web Annotation Vocabulary", 23 February 2017.
"""

from typing import Any, Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from qa.answers import CONTEXT
from service.schemas.base import (
    END,
    EXAMPLE_URI,
    START,
    Wire,
)

ANNOTATIONS = "application/ld+json"
PROFILE = "http://www.w3.org/ns/anno.jsonld"
PDF_FRAGMENTS = "http://tools.ietf.org/rfc/rfc3778"

_TERMS = "urn:pincite:terms:"
_DOUBLE = "http://www.w3.org/2001/XMLSchema#double"
_INTEGER = "http://www.w3.org/2001/XMLSchema#integer"

# What our own properties mean, beside those of the recommendation.
OWN_TERMS: dict[str, Any] = {
    "confidence": {"@id": f"{_TERMS}confidence", "@type": _DOUBLE},
    "score": {"@id": f"{_TERMS}score", "@type": _DOUBLE},
    "reason": {"@id": f"{_TERMS}reason"},
    "skipped": {"@id": f"{_TERMS}skipped", "@type": _INTEGER},
}

_EXAMPLE_HASH = "5f3b0c1e9a7d4f62b8e1d0c9a8b7f6e5"


def _json_name(name: str) -> str:
    return "@context" if name == "context" else to_camel(name)


class _Linked(Wire):
    """Base of these models, whose names in JSON are those of the recommendation."""

    model_config = ConfigDict(
        alias_generator=_json_name, validate_by_name=True, serialize_by_alias=True
    )


class PositionSelectorBody(_Linked):
    """Selects `text[start:end]` of the document's canonical text."""

    type: Literal["TextPositionSelector"] = Field(
        default="TextPositionSelector", description="What it is.", examples=["TextPositionSelector"]
    )
    start: int = Field(description=START, ge=0, examples=[1836])
    end: int = Field(description=END, ge=0, examples=[1843])


class QuoteSelectorBody(_Linked):
    """Selects a text by itself and what adjoins it."""

    type: Literal["TextQuoteSelector"] = Field(
        default="TextQuoteSelector", description="What it is.", examples=["TextQuoteSelector"]
    )
    exact: str = Field(description="The text.", examples=["26 days"])
    prefix: str = Field(
        description=f"What stands right before it, at most {CONTEXT} characters.",
        examples=["Full-time staff receive "],
    )
    suffix: str = Field(
        description=f"What stands right after it, at most {CONTEXT} characters.",
        examples=[" of paid leave a year, plus the "],
    )


class FragmentSelectorBody(_Linked):
    """Selects a part of a page of a PDF."""

    type: Literal["FragmentSelector"] = Field(
        default="FragmentSelector", description="What it is.", examples=["FragmentSelector"]
    )
    conforms_to: Literal["http://tools.ietf.org/rfc/rfc3778"] = Field(
        default="http://tools.ietf.org/rfc/rfc3778",
        description="What the value is to be understood by.",
        examples=[PDF_FRAGMENTS],
    )
    value: str = Field(
        description="The one-based page, and the rectangle around what is printed on it, in "
        "points from the page's top left: left, top, width, height.",
        examples=["page=11&viewrect=72,641.2,68.5,11.2"],
    )


class SourceBody(_Linked):
    """A document."""

    id: str = Field(description="Where it comes from.", examples=[EXAMPLE_URI])
    type: Literal["Text"] = Field(default="Text", description="What it is.", examples=["Text"])
    format: str = Field(description="The format it was read as.", examples=["text/markdown"])


class TargetBody(_Linked):
    """A part of a document; each selector selects it in another way."""

    type: Literal["SpecificResource"] = Field(
        default="SpecificResource", description="What it is.", examples=["SpecificResource"]
    )
    source: SourceBody = Field(description="The document.")
    selector: list[PositionSelectorBody | QuoteSelectorBody | FragmentSelectorBody] = Field(
        description="What is selected. A PDF has a fragment for each page that it is printed on."
    )


class QuestionBody(_Linked):
    """The question that an annotation is about."""

    type: Literal["TextualBody"] = Field(
        default="TextualBody", description="What it is.", examples=["TextualBody"]
    )
    value: str = Field(description="The question.", examples=["How much paid leave is there?"])
    format: Literal["text/plain"] = Field(
        default="text/plain", description="The format of the question.", examples=["text/plain"]
    )
    purpose: Literal["questioning"] = Field(
        default="questioning", description="What it is for.", examples=["questioning"]
    )


class AnnotationBody(_Linked):
    """An answer, or a passage that was read for it; the others that say the same are targets too.

    An answer has a confidence, a passage has a score.
    """

    id: str = Field(
        description="Names the annotation; the same question and place give the same name.",
        examples=[f"urn:pincite:annotation:{_EXAMPLE_HASH}"],
    )
    type: Literal["Annotation"] = Field(
        default="Annotation", description="What it is.", examples=["Annotation"]
    )
    motivation: Literal["highlighting"] = Field(
        default="highlighting", description="Why it was made.", examples=["highlighting"]
    )
    confidence: float | None = Field(
        default=None,
        description="The probability, from 0 to 1, that the quote is a right answer.",
        ge=0,
        le=1,
        examples=[0.93],
    )
    score: float | None = Field(
        default=None,
        description="What orders the passages, from 0 to 1.",
        ge=0,
        le=1,
        examples=[0.78],
    )
    body: list[QuestionBody] = Field(description="What it was made for: the question.")
    target: list[TargetBody] = Field(description="What it is about: the places of the quote.")


class AnnotationPageBody(_Linked):
    """The annotations of a collection."""

    id: str = Field(
        description="Names the page.", examples=[f"urn:pincite:reply:{_EXAMPLE_HASH}:1"]
    )
    type: Literal["AnnotationPage"] = Field(
        default="AnnotationPage", description="What it is.", examples=["AnnotationPage"]
    )
    part_of: str = Field(
        description="The collection.", examples=[f"urn:pincite:reply:{_EXAMPLE_HASH}"]
    )
    start_index: Literal[0] = Field(
        default=0, description="The place of its first one.", examples=[0]
    )
    items: list[AnnotationBody] = Field(
        description="The answers, likeliest first, then the passages, best first."
    )


class AnnotationsBody(_Linked):
    """A reply as a collection of W3C Web Annotations."""

    context: list[str | dict[str, Any]] = Field(
        description="What the properties mean.",
        examples=[[PROFILE, OWN_TERMS]],
    )
    id: str = Field(
        description="Names the reply; the same question and answers give the same name.",
        examples=[f"urn:pincite:reply:{_EXAMPLE_HASH}"],
    )
    type: Literal["AnnotationCollection"] = Field(
        default="AnnotationCollection", description="What it is.", examples=["AnnotationCollection"]
    )
    label: str = Field(
        description="The question.",
        examples=["How many days of paid leave do full-time staff get?"],
    )
    total: int = Field(description="How many annotations there are.", ge=0, examples=[1])
    reason: str | None = Field(
        default=None,
        description="Why there is no answer, where there is none.",
        examples=["The documents do not say: nothing in the 10 passages read can be quoted."],
    )
    skipped: int = Field(
        default=0,
        description="How many passages were found but not read, since an answer was sure enough.",
        ge=0,
        examples=[0],
    )
    first: AnnotationPageBody = Field(description="The annotations, all on one page.")
