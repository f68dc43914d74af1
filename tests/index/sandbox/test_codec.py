"""Messages between processes: what goes in comes out, and nothing else does."""

import io
import struct
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.documents import Cell, Document, Glyphs, Page, Part, Problem, Section, document_id
from index.errors import (
    DocumentError,
    DocumentTooLarge,
    LostOriginal,
    UnknownPage,
    UnreadableDocument,
    UnsupportedFormat,
)
from index.extract import Extraction
from index.extract.inside import Taken
from index.extract.source import Reading
from index.rendering import MOST_PIXELS, PageImage, png
from index.sandbox.codec import (
    BadMessage,
    MessageTooLarge,
    extraction_from,
    extraction_message,
    receive,
    result_from,
    result_message,
    send,
    task_from,
    task_header,
)
from index.sandbox.jobs import Drawing, Held, Job, Task

URI = "file:///a b"
NAMES = st.text(st.characters(exclude_categories=[]))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
LENGTHS = st.floats(0, 1e6)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(TEXTS)

    def ranges() -> list[tuple[int, int]]:
        cuts = draw(st.lists(st.integers(0, len(text)), max_size=6).map(sorted))
        return list(pairwise(cuts))

    glyphs = st.none() | st.builds(Glyphs, LENGTHS, LENGTHS, st.binary(max_size=30))
    uri = URI + draw(st.sampled_from(["", "!/1", "!/x/\ufffd.txt"]))
    kinds = st.sampled_from(["sheet", "slide", "part"])
    numbers = st.integers(1, 2**31)
    return Document(
        id=document_id(uri),
        uri=uri,
        title=draw(TEXTS),
        media_type=draw(TEXTS),
        text=text,
        sha256=draw(DIGESTS),
        pages=tuple(Page(draw(numbers), *it, draw(glyphs)) for it in ranges()),
        sections=tuple(Section(tuple(draw(st.lists(TEXTS))), *it) for it in ranges()),
        metadata=draw(st.dictionaries(TEXTS, TEXTS, max_size=3)),
        parts=tuple(Part(draw(kinds), draw(TEXTS), *it) for it in ranges()),
        cells=tuple(Cell(*it, draw(numbers), draw(numbers)) for it in ranges()),
        title_from_name=draw(st.booleans()),
    )


EXTRACTIONS = st.builds(
    Extraction,
    st.lists(documents(), max_size=3).map(tuple),
    st.lists(
        st.builds(Problem, st.sampled_from([URI, URI + "!/a"]), TEXTS, st.booleans()), max_size=3
    ).map(tuple),
    DIGESTS | st.just(""),
)
JOBS = st.builds(
    Job,
    uri=NAMES,
    name=NAMES,
    path=st.none(),
    data=st.binary(),
    media_type=st.none() | NAMES,
    metadata=st.dictionaries(NAMES, NAMES),
    title=st.none() | NAMES,
    options=st.builds(
        Reading, st.lists(NAMES).map(tuple), st.lists(NAMES).map(tuple), st.booleans()
    ),
)
HELD = st.builds(
    Held,
    name=NAMES,
    sha256=DIGESTS,
    path=st.none(),
    data=st.binary(),
    inside=NAMES,
    sha256_inside=DIGESTS,
    media_type=st.none() | NAMES,
)
DRAWINGS = st.builds(Drawing, HELD, st.integers(), st.integers())
FAILURES = st.builds(
    lambda kind, reason: kind(reason),
    st.sampled_from(
        [
            DocumentError,
            DocumentTooLarge,
            LostOriginal,
            UnknownPage,
            UnreadableDocument,
            UnsupportedFormat,
        ]
    ),
    NAMES,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def sent(header: Any, blobs: Any = ()) -> io.BytesIO:
    stream = io.BytesIO()
    send(stream, header, blobs, sum(map(len, blobs)))
    stream.seek(0)
    return stream


@given(EXTRACTIONS)
def test_an_extraction_comes_as_it_was_sent(extraction: Extraction) -> None:
    stream = sent(*extraction_message(extraction))
    assert extraction_from(*receive(stream), URI) == extraction
    assert stream.read() == b""


@given(JOBS | HELD | DRAWINGS)
def test_a_task_comes_as_it_was_sent(task: Task) -> None:
    assert task_from(*receive(sent(task_header(task), [task.data]))) == task


ASKED = Held("x.zip", "0" * 64, inside="!/a!/b", sha256_inside="1" * 64)


@given(st.binary(), st.sampled_from(["", "!/a", "!/a!/b"]), st.none() | TEXTS)
def test_a_file_taken_out_comes_as_it_was_sent(
    data: bytes, inside: str, media_type: str | None
) -> None:
    taken = Taken(data, inside, media_type)
    assert result_from(*receive(sent(*result_message(taken))), ASKED) == taken


@pytest.mark.parametrize("inside", ["!/", "!/b", "!/a!/", "!/a!/b!/c", "a", "!/a!/bc", "!"])
def test_a_file_that_was_not_asked_for_is_refused(inside: str) -> None:
    with pytest.raises(BadMessage, match="not asked for"):
        result_from({"inside": inside, "media_type": None}, b"", ASKED)


@given(FAILURES, HELD | DRAWINGS)
def test_a_failure_comes_as_it_was_sent(failure: DocumentError, task: Task) -> None:
    found = result_from(*receive(sent(*result_message(failure))), task)
    assert isinstance(found, DocumentError)
    assert (type(found), str(found)) == (type(failure), str(failure))


def test_a_picture_comes_as_it_was_sent() -> None:
    data = png(np.zeros((3, 2, 3), np.uint8))
    drawing = Drawing(ASKED, 7, 100)
    image = PageImage(data, 7, 2, 3)
    assert result_from(*receive(sent(*result_message(image))), drawing) == image


def test_what_is_no_picture_is_refused() -> None:
    whole = png(np.zeros((3, 2, 3), np.uint8))
    large = png(np.zeros((1, MOST_PIXELS + 1, 1), np.uint8))
    for data in (b"", b"<svg onload='alert(1)'/>", whole[:-1], whole + b"x", large):
        with pytest.raises(BadMessage):
            result_from({}, data, Drawing(ASKED, 7, 100))


@given(st.dictionaries(st.text() | st.sampled_from(["failed", "reason", "inside"]), JSON))
def test_whatever_is_said_a_result_comes_of_it_or_none(header: dict[str, Any]) -> None:
    for task in (ASKED, Drawing(ASKED, 1, 100)):
        try:
            found = result_from(header, b"x", task)
        except BadMessage:
            continue
        assert isinstance(found, Taken | DocumentError)


@given(st.lists(st.binary()), st.integers(0, 20))
def test_blobs_have_the_length_that_was_told(blobs: list[bytes], length: int) -> None:
    stream = io.BytesIO()
    whole = b"".join(blobs)
    send(stream, {}, iter(blobs), len(whole))
    stream.seek(0)
    assert receive(stream) == ({}, whole)
    if length != len(whole):
        with pytest.raises(BadMessage):
            send(io.BytesIO(), {}, iter(blobs), length)


@given(EXTRACTIONS, st.data())
def test_a_message_cut_short_is_none(extraction: Extraction, data: st.DataObject) -> None:
    whole = sent(*extraction_message(extraction)).getvalue()
    kept = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(EOFError):
        receive(io.BytesIO(whole[:kept]))


@given(st.binary(max_size=40))
def test_any_bytes_are_a_message_or_none(data: bytes) -> None:
    try:
        header, _ = receive(io.BytesIO(data), 2**20)
    except (EOFError, BadMessage):
        return
    assert isinstance(header, dict)


def test_a_message_longer_than_is_taken_is_not_read() -> None:
    stream = sent({"a": "x" * 50}, [b"y" * 50])
    with pytest.raises(MessageTooLarge, match="108 bytes; at most 107"):
        receive(stream, 107)
    assert stream.tell() == 16
    stream.seek(0)
    assert receive(stream, 108) == ({"a": "x" * 50}, b"y" * 50)


def test_json_nested_without_end_is_no_message() -> None:
    text = b"[" * 100_000
    with pytest.raises(BadMessage):
        receive(io.BytesIO(struct.pack(">QQ", len(text), 0) + text))


@pytest.mark.slow
@settings(max_examples=300)
@given(EXTRACTIONS, st.data())
def test_what_no_extractor_makes_is_refused(extraction: Extraction, data: st.DataObject) -> None:
    """Whatever stands in one place of the message, a well-formed extraction comes of it or none."""
    header, blobs = extraction_message(extraction)
    holder, key = data.draw(st.sampled_from(list(places(header))))
    holder[key] = data.draw(JSON)
    try:
        found = extraction_from(header, b"".join(blobs), URI)
    except BadMessage:
        return
    for document in found.documents:
        assert document.uri.startswith(URI)
        assert document.id == document_id(document.uri)
        for kind in (document.pages, document.sections, document.parts, document.cells):
            ends = [0, *(offset for it in kind for offset in (it.start, it.end))]
            assert ends == sorted(ends)
            assert ends[-1] <= len(document.text)
    assert extraction_from(*receive(sent(*extraction_message(found))), URI) == found


def places(value: Any) -> Any:
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


@pytest.mark.parametrize("uri", ["file:///a", "file:///a bc", "file:///a b!", "file:///a b/x"])
def test_a_document_elsewhere_is_refused(uri: str) -> None:
    document = Document(document_id(uri), uri, "t", "text/plain", "text", "0" * 64)
    header, blobs = extraction_message(Extraction((document,), (), ""))
    with pytest.raises(BadMessage, match="outside the file"):
        extraction_from(header, b"".join(blobs), URI)


WHOLE = Document(
    document_id(URI),
    URI,
    "t",
    "text/plain",
    "text",
    "0" * 64,
    pages=(Page(1, 0, 4, Glyphs(1.0, 1.0, b"")),),
    sections=(Section(("h",), 0, 4),),
    metadata={"k": "v"},
    parts=(Part("sheet", "n", 0, 4),),
    cells=(Cell(0, 4, 1, 1),),
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("documents", 0, "pages", 0, 3), 10**400),
        (("documents", 0, "pages", 0, 4), 10**400),
        (("documents", 0, "pages", 0, 0), 2**70),
        (("documents", 0, "pages", 0, 0), -1),
        (("documents", 0, "cells", 2), 2**70),
        (("documents", 0, "cells", 3), -1),
        (("documents", 0, "title"), "\ud800"),
        (("documents", 0, "media_type"), "\ud800"),
        (("documents", 0, "metadata"), {"k": "\ud800"}),
        (("documents", 0, "metadata"), {"\ud800": "v"}),
        (("documents", 0, "sections", 0, 0, 0), "\ud800"),
        (("documents", 0, "parts", 0, 1), "\ud800"),
        (("documents", 0, "uri"), URI + "!/\ud800"),
        (("problems", 0, 1), "\ud800"),
        (("problems", 0, 0), URI + "!/\ud800"),
    ],
)
def test_what_no_database_takes_is_refused(path: tuple[Any, ...], value: Any) -> None:
    header, blobs = extraction_message(
        Extraction((WHOLE,), (Problem(URI, "reason", False),), "0" * 64)
    )
    extraction_from(header, b"".join(blobs), URI)
    holder: Any = header
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    with pytest.raises(BadMessage):
        extraction_from(header, b"".join(blobs), URI)
