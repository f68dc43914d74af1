"""Replies as W3C Web Annotations: of the form that is recommended, and selecting the quote."""

import io
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from reportlab.pdfgen.canvas import Canvas

from index.documents import Document, Hit, Page, Passage
from index.extract import extract
from qa.answers import Answer, Reply, Timings, cite
from service.annotations import annotations_body

# What "Web Annotation Data Model" (W3C Recommendation, 23 February 2017) asks of what is used of
# it here: the sections are named.
RECOMMENDED = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    # 5.1 Annotation Collection
    "required": ["@context", "id", "type", "label", "total", "first"],
    "properties": {
        "@context": {
            "type": "array",
            "contains": {"const": "http://www.w3.org/ns/anno.jsonld"},
        },
        "id": {"$ref": "#/$defs/iri"},
        "type": {"const": "AnnotationCollection"},
        "label": {"type": "string"},
        "total": {"type": "integer", "minimum": 0},
        "first": {"$ref": "#/$defs/page"},
    },
    "$defs": {
        "iri": {"type": "string", "pattern": '^[A-Za-z][A-Za-z0-9+.-]*:[^\\s<>"{}|\\\\^`]*$'},
        # 5.2 Annotation Page
        "page": {
            "type": "object",
            "required": ["id", "type", "partOf", "items", "startIndex"],
            "properties": {
                "id": {"$ref": "#/$defs/iri"},
                "type": {"const": "AnnotationPage"},
                "partOf": {"$ref": "#/$defs/iri"},
                "startIndex": {"type": "integer", "minimum": 0},
                "items": {"type": "array", "items": {"$ref": "#/$defs/annotation"}},
            },
            # An embedded page does not repeat the context.
            "not": {"required": ["@context"]},
        },
        # 3.1 Annotations
        "annotation": {
            "type": "object",
            "required": ["id", "type", "target"],
            "properties": {
                "id": {"$ref": "#/$defs/iri"},
                "type": {"const": "Annotation"},
                "motivation": {"$ref": "#/$defs/motivation"},
                "body": {"type": "array", "items": {"$ref": "#/$defs/textualBody"}},
                "target": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"$ref": "#/$defs/specificResource"},
                },
            },
        },
        # 3.2.4 Embedded Textual Body
        "textualBody": {
            "type": "object",
            "required": ["type", "value"],
            "properties": {
                "type": {"const": "TextualBody"},
                "value": {"type": "string"},
                "format": {"type": "string", "pattern": "^[a-z]+/[a-z.+-]+$"},
                "purpose": {"$ref": "#/$defs/motivation"},
            },
        },
        # 3.3.5 Motivation and Purpose
        "motivation": {
            "enum": [
                "assessing",
                "bookmarking",
                "classifying",
                "commenting",
                "describing",
                "editing",
                "highlighting",
                "identifying",
                "linking",
                "moderating",
                "questioning",
                "replying",
                "tagging",
            ]
        },
        # 4 Specific Resources
        "specificResource": {
            "type": "object",
            "required": ["type", "source", "selector"],
            "properties": {
                "type": {"const": "SpecificResource"},
                "source": {
                    "type": "object",
                    "required": ["id"],
                    "properties": {
                        "id": {"$ref": "#/$defs/iri"},
                        # 3.2.2 Classes
                        "type": {"enum": ["Dataset", "Image", "Video", "Sound", "Text"]},
                        "format": {"type": "string"},
                    },
                },
                "selector": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "oneOf": [
                            {"$ref": "#/$defs/fragment"},
                            {"$ref": "#/$defs/quote"},
                            {"$ref": "#/$defs/position"},
                        ]
                    },
                },
            },
        },
        # 4.2.1 Fragment Selector
        "fragment": {
            "type": "object",
            "required": ["type", "value", "conformsTo"],
            "properties": {
                "type": {"const": "FragmentSelector"},
                "value": {
                    "type": "string",
                    "pattern": r"^page=[1-9]\d*(&viewrect=-?[\d.]+,-?[\d.]+,[\d.]+,[\d.]+)?$",
                },
                "conformsTo": {"const": "http://tools.ietf.org/rfc/rfc3778"},
            },
        },
        # 4.2.4 Text Quote Selector
        "quote": {
            "type": "object",
            "required": ["type", "exact"],
            "properties": {
                "type": {"const": "TextQuoteSelector"},
                "exact": {"type": "string"},
                "prefix": {"type": "string", "maxLength": 32},
                "suffix": {"type": "string", "maxLength": 32},
            },
        },
        # 4.2.5 Text Position Selector
        "position": {
            "type": "object",
            "required": ["type", "start", "end"],
            "properties": {
                "type": {"const": "TextPositionSelector"},
                "start": {"type": "integer", "minimum": 0},
                "end": {"type": "integer", "minimum": 0},
            },
        },
    },
}

NO_TIME = Timings(0, 0, 0, 0)


def dumped(reply: Reply, hits: list[tuple[Hit, Any]] | None = None) -> dict[str, Any]:
    body = annotations_body(reply, hits or [])
    made: dict[str, Any] = json.loads(body.model_dump_json(exclude_none=True))
    Draft202012Validator(RECOMMENDED).validate(made)
    return made


def replying(question: str, document: Document, *ranges: tuple[int, int]) -> Reply:
    """A reply with one answer, which stands at each of these ranges."""
    first, *others = (cite(document, start, end) for start, end in ranges)
    answer = Answer(first.text, 0.75, first.text, first.start, first, tuple(others))
    return Reply(question, (answer,), None, (), NO_TIME, skipped=3)


@pytest.mark.parametrize("missing", ["target", "id"])
def test_the_schema_refuses_what_is_not_recommended(missing: str) -> None:
    made = dumped(replying("q?", Document("d", "test:d", "D", "text/plain", "Text", ""), (0, 4)))
    del made["first"]["items"][0][missing]
    assert not Draft202012Validator(RECOMMENDED).is_valid(made)


@given(st.text(min_size=1, max_size=200), st.text(max_size=20), st.data())
def test_the_selectors_select_the_quote(text: str, uri: str, data: st.DataObject) -> None:
    document = Document("d", f"test:{uri}", "D", "text/plain", text, "0" * 64)
    ranges = []
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        ranges.append((start, data.draw(st.integers(start, len(text)))))
    made = dumped(replying("What?", document, *ranges))
    [annotation] = made["first"]["items"]
    assert annotation["confidence"] == 0.75
    assert annotation["body"][0]["value"] == "What?"
    assert len(annotation["target"]) == len(ranges)
    for target, (start, end) in zip(annotation["target"], ranges, strict=True):
        position, quoted = target["selector"]
        assert (position["start"], position["end"]) == (start, end)
        assert text[position["start"] : position["end"]] == quoted["exact"]
        assert text[:start].endswith(quoted["prefix"])
        assert text[end:].startswith(quoted["suffix"])
        assert len(quoted["prefix"]) == min(32, start)
        assert len(quoted["suffix"]) == min(32, len(text) - end)


def test_our_own_properties_are_declared() -> None:
    document = Document("d", "test:d", "D", "text/plain", "Some text", "")
    hit = Hit(Passage("d", 0, 9, "Some text"), 0.5, 0.4, 3.0)
    reply = replying("What?", document, (0, 4))
    made = dumped(reply, [(hit, cite(document, 0, 9))])
    own = next(part for part in made["@context"] if isinstance(part, dict))
    answer, passage = made["first"]["items"]
    assert (answer["confidence"], passage["score"]) == (0.75, 0.5)
    assert "score" not in answer
    assert "confidence" not in passage
    assert {"confidence", "score", "reason", "skipped"} == set(own)
    assert own["confidence"]["@type"] == "http://www.w3.org/2001/XMLSchema#double"
    assert own["skipped"]["@type"] == "http://www.w3.org/2001/XMLSchema#integer"
    assert (made["total"], made["skipped"]) == (2, 3)
    assert made["first"]["partOf"] == made["id"]


def test_without_answers_the_collection_is_empty_and_says_why() -> None:
    made = dumped(Reply("What?", (), "The documents do not say.", (), NO_TIME))
    assert (made["total"], made["first"]["items"]) == (0, [])
    assert made["reason"] == "The documents do not say."


def test_names_tell_annotations_apart_and_stay_the_same() -> None:
    document = Document("d", "test:d", "D", "text/plain", "Some text", "")
    one, again = (dumped(replying("What?", document, (0, 4))) for _ in range(2))
    assert one == again
    other = dumped(replying("What?", document, (0, 5)))
    asked = dumped(replying("Who?", document, (0, 4)))
    names = {made["first"]["items"][0]["id"] for made in (one, other, asked)}
    assert len(names) == 3
    assert len({made["id"] for made in (one, other, asked)}) == 3


def test_a_quote_in_a_pdf_is_selected_on_its_page() -> None:
    data = io.BytesIO()
    canvas = Canvas(data, pagesize=(400, 300))
    canvas.drawString(20, 250, "The cover.")
    canvas.showPage()
    canvas.setFont("Helvetica", 12)
    canvas.drawString(50, 200, "The rent is 900 pounds")
    canvas.drawString(50, 180, "a month from May on.")
    canvas.save()
    document = extract(data.getvalue(), uri="file:///lease.pdf", name="lease.pdf")
    start = document.text.index("900")
    end = document.text.index("month")
    made = dumped(replying("How much?", document, (start, end)))
    [target] = made["first"]["items"][0]["target"]
    *_, fragment = target["selector"]
    found = re.fullmatch(r"page=2&viewrect=(.+),(.+),(.+),(.+)", fragment["value"])
    assert found is not None
    left, top, width, height = (float(side) for side in found.groups())
    # From the top of the page: two lines, 100 and 120 points down, that begin at 50 points.
    assert left == pytest.approx(50, abs=2)
    assert 85 < top < 100
    assert 118 < top + height < 126
    assert left + width < 400 - 50


def test_a_pdf_whose_letters_have_no_place_is_selected_by_its_page() -> None:
    document = Document(
        "d", "test:d", "D", "application/pdf", "one two", "", (Page(1, 0, 3), Page(2, 4, 7))
    )
    [target] = dumped(replying("?", document, (4, 7)))["first"]["items"][0]["target"]
    assert target["selector"][2]["value"] == "page=2"
