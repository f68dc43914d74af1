"""How documents are cut into passages."""

import itertools
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.documents import Document, Passage, Section
from index.embedding import OnnxEmbedder
from index.errors import InvalidSettings
from index.passages import Splitter, context_length, leading_headings, split, text_in_context
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document

TOKENIZE = HashEmbedder().tokenize

WORDS = st.sampled_from(["rent", "whale", "is", "the", "due", "No.", "4.2", "Dr.", "end.", "why?"])
ORDINARY = st.lists(
    st.tuples(WORDS, st.sampled_from([" ", " ", " ", "\n", "\n\n", "  "])), max_size=200
).map(lambda parts: "".join(word + gap for word, gap in parts))
HOSTILE = st.text(max_size=300) | st.lists(
    st.sampled_from(["x" * 400, "漢字" * 90, "\u2028", "\n\n", " ", "a. ", "!" * 99, "é", "\x00"]),
    max_size=12,
).map("".join)
SPLITTERS = st.builds(
    lambda tokens, share: Splitter(tokens, int(tokens * share)),
    st.integers(16, 64),
    st.floats(0, 0.5),
)


@st.composite
def documents(draw: st.DrawFn, texts: st.SearchStrategy[str] = ORDINARY | HOSTILE) -> Document:
    text = draw(texts)
    borders = [*sorted(draw(st.sets(st.integers(0, len(text)), max_size=5))), len(text)]
    sections = tuple(
        Section((f"Part {start}",), start, end) for start, end in itertools.pairwise(borders)
    )
    title = draw(st.sampled_from(["", "A title"]))
    return Document("d", "test:d", title, "text/plain", text, "0", sections=sections)


def cut(document: Document, splitter: Splitter) -> list[Passage]:
    return split(document, TOKENIZE, splitter)


def count(text: str) -> int:
    return len(TOKENIZE([text])[0])


@given(document=documents(), splitter=SPLITTERS)
def test_a_passage_is_the_slice_of_its_document(document: Document, splitter: Splitter) -> None:
    for passage in cut(document, splitter):
        assert passage.document_id == "d"
        assert passage.text == document.text[passage.start : passage.end]
        assert passage.text == passage.text.strip() != ""


@given(document=documents(), splitter=SPLITTERS)
def test_every_character_that_is_not_white_space_is_in_a_passage(
    document: Document, splitter: Splitter
) -> None:
    position = 0
    for passage in cut(document, splitter):
        assert not document.text[position : passage.start].strip()
        position = max(position, passage.end)
    assert not document.text[position:].strip()


@given(document=documents(), splitter=SPLITTERS)
def test_passages_advance_and_none_holds_another(document: Document, splitter: Splitter) -> None:
    passages = cut(document, splitter)
    for before, after in itertools.pairwise(passages):
        assert before.start < after.start
        assert before.end < after.end
    assert len({passage.id for passage in passages}) == len(passages)


@given(document=documents(ORDINARY), splitter=SPLITTERS)
def test_passages_and_their_overlap_hold_no_more_tokens_than_told(
    document: Document, splitter: Splitter
) -> None:
    passages = cut(document, splitter)
    assert all(count(passage.text) <= splitter.tokens for passage in passages)
    for before, after in itertools.pairwise(passages):
        assert count(document.text[after.start : before.end]) <= splitter.overlap


@given(document=documents(HOSTILE), splitter=SPLITTERS)
def test_no_passage_is_much_longer_than_its_tokens_would_be(
    document: Document, splitter: Splitter
) -> None:
    for passage in cut(document, splitter):
        # A word of any length can be one token; a piece of it may have twelve times as many
        # characters as a passage has tokens.
        assert len(passage.text) <= 12 * splitter.tokens * (splitter.tokens + 1)


@given(document=documents(), splitter=SPLITTERS)
def test_the_same_document_is_cut_the_same_way(document: Document, splitter: Splitter) -> None:
    assert cut(document, splitter) == cut(document, splitter)


@given(parts=st.lists(ORDINARY.filter(str.strip), min_size=1, max_size=5), splitter=SPLITTERS)
def test_a_passage_stays_below_one_heading(parts: list[str], splitter: Splitter) -> None:
    headings = [f"Heading number {place} of this text" for place in range(len(parts))]
    text = "".join(f"{h}\n\n{part}\n\n" for h, part in zip(headings, parts, strict=True))
    document = a_document("test:d", text, headings=headings)
    for passage in cut(document, splitter):
        assert document.section_at(passage.start) == document.section_at(passage.end - 1)
        assert passage.context == document.section_at(passage.start)[0]


def test_a_heading_without_a_body_stays_with_what_follows() -> None:
    text = "Part I\n\nRents\n\nThe rent is 900 pounds."
    (passage,) = cut(a_document("test:d", text, headings=["Part I", "Rents"]), Splitter())
    assert passage.text == text
    assert passage.context == "Part I"


def test_the_context_is_title_and_headings_without_repeats() -> None:
    text = "Lease\n\nRent\n\nIt is due."
    sections = (Section(("Lease",), 0, 7), Section(("Lease", "Rent"), 7, len(text)))
    document = Document("d", "u", "Lease", "text/plain", text, "0", sections=sections)
    assert cut(document, Splitter())[-1].context in {"Lease", "Lease > Rent"}


@given(document=documents(), splitter=SPLITTERS)
def test_the_text_stands_where_context_length_says(document: Document, splitter: Splitter) -> None:
    for passage in cut(document, splitter):
        assert text_in_context(passage)[context_length(passage) :] == passage.text
        assert len(passage.context) <= 160


def test_passages_are_of_about_equal_length() -> None:
    document = a_document("test:d", "The rent is due on Monday. " * 100)
    sizes = [count(passage.text) for passage in cut(document, Splitter(160, 32))]
    assert min(sizes) > 0.7 * max(sizes)


@pytest.mark.slow
@pytest.mark.parametrize("overlap", [0, 32])
@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000,
        "漢" * 100_000,
        "!" * 100_000,
        "x " * 50_000,
        "",
        " ",
        "\n" * 1000,
        "\u200b",
        ".",
    ],
)
def test_any_text_is_cut_soon_by_the_real_tokenizer(
    embedder: OnnxEmbedder, text: str, overlap: int
) -> None:
    document = a_document("test:d", text)
    begin = time.perf_counter()
    passages = split(document, embedder.tokenize, Splitter(160, overlap))
    assert time.perf_counter() - begin < 3
    position = 0
    for passage in passages:
        assert not text[position : passage.start].strip()
        assert passage.text == text[passage.start : passage.end]
        position = passage.end
    assert not text[position:].strip()
    assert bool(passages) == bool(text.strip())


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents(ORDINARY))
def test_passages_fit_the_real_embedder(embedder: OnnxEmbedder, document: Document) -> None:
    splitter = Splitter(24, 6)
    passages = split(document, embedder.tokenize, splitter)
    for tokens in embedder.tokenize([passage.text for passage in passages]):
        assert len(tokens) <= splitter.tokens


@pytest.mark.parametrize(
    ("splitter", "message"),
    [
        (Splitter(15, 0), "passages of 15 tokens .* choose from 16 to 206"),
        (Splitter(207, 0), "passages of 207 tokens"),
        (Splitter(100, 51), "overlap of 51 tokens .* passages of 100; choose from 0 to 50"),
        (Splitter(100, -1), "overlap of -1"),
    ],
)
def test_settings_that_cannot_work_are_refused(splitter: Splitter, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        splitter.check(254)
    Splitter().check(254)


@pytest.mark.parametrize(
    ("context", "text", "body"),
    [
        ("Manual > 11 Warranty", "11 Warranty\n\nIt lasts.", "It lasts."),
        ("Manual > 11 Warranty > 11.1 Duration", "11 Warranty\n\n11.1 Duration\n\nLong.", "Long."),
        ("Manual > 11 Warranty", "It lasts.\n\n11 Warranty", "It lasts.\n\n11 Warranty"),
        ("", "It lasts.\n\nLong.", "It lasts.\n\nLong."),
        ("Manual", "Manual", "Manual"),
    ],
)
def test_the_headings_a_passage_begins_with_are_told_from_its_body(
    context: str, text: str, body: str
) -> None:
    passage = Passage("d", 0, len(text), text, context)
    assert text[leading_headings(passage) :] == body
