"""How a changed document is cut again."""

import itertools
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.documents import Document, Passage, Section
from index.passages import Splitter, context_at, split, stretches, text_in_context
from index.resplit import common_runs, resplit
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document

TOKENIZE = HashEmbedder().tokenize
SPLITTERS = st.builds(
    lambda tokens, share: Splitter(tokens, int(tokens * share)),
    st.integers(16, 48),
    st.floats(0, 0.5),
)
WORDS = [
    "rent",
    "whale",
    "is",
    "the",
    "due",
    "No.",
    "4.2",
    "Dr.",
    "end.",
    "why?",
    "x" * 300,
    "漢字",
]
TEXTS = st.lists(
    st.tuples(st.sampled_from(WORDS), st.sampled_from([" ", " ", " ", "\n", "\n\n", "  "])),
    max_size=120,
).map(lambda parts: "".join(word + gap for word, gap in parts))


@st.composite
def documents(draw: st.DrawFn, text: str) -> Document:
    borders = [*sorted(draw(st.sets(st.integers(0, len(text)), max_size=4))), len(text)]
    sections = tuple(
        Section((f"Part {place}",), start, end)
        for place, (start, end) in enumerate(itertools.pairwise(borders))
    )
    title = draw(st.sampled_from(["", "A title"]))
    return Document("d", "test:d", title, "text/plain", text, "0", sections=sections)


@st.composite
def changes(draw: st.DrawFn) -> tuple[Document, Document]:
    """A document, and one made of it by edits at random places."""
    text = draw(TEXTS)
    changed = text
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(changed)))
        end = draw(st.integers(start, min(len(changed), start + 60)))
        changed = changed[:start] + draw(TEXTS)[:80] + changed[end:]
    return draw(documents(text)), draw(documents(changed))


def cut(document: Document, splitter: Splitter) -> list[Passage]:
    return split(document, TOKENIZE, splitter)


def count(text: str) -> int:
    return len(TOKENIZE([text])[0])


@given(pair=changes(), splitter=SPLITTERS)
def test_what_holds_for_passages_holds_for_those_cut_again(
    pair: tuple[Document, Document], splitter: Splitter
) -> None:
    old, new = pair
    passages = resplit(old, cut(old, splitter), new, TOKENIZE, splitter)
    position = 0
    for passage in passages:
        assert passage.document_id == new.id
        assert passage.text == new.text[passage.start : passage.end] == passage.text.strip() != ""
        assert not new.text[position : passage.start].strip()
        assert "x" * 300 in passage.text or count(passage.text) <= splitter.tokens
        position = max(position, passage.end)
    assert not new.text[position:].strip()
    for before, after in itertools.pairwise(passages):
        assert before.start < after.start
        assert before.end < after.end
        # A word that was cut, since it is longer than a passage, counts where it begins.
        cut_off = new.text[after.start - 1 : after.start + 1].isalnum()
        assert count(new.text[after.start : before.end]) <= splitter.overlap + cut_off


@given(pair=changes(), splitter=SPLITTERS)
def test_every_passage_lies_in_one_stretch_and_has_its_context(
    pair: tuple[Document, Document], splitter: Splitter
) -> None:
    old, new = pair
    found = list(stretches(new))
    for passage in resplit(old, cut(old, splitter), new, TOKENIZE, splitter):
        (start,) = {start for start, end in found if start <= passage.start and passage.end <= end}
        assert passage.context == context_at(new, start)


@given(pair=changes(), splitter=SPLITTERS)
def test_a_document_that_has_not_changed_keeps_its_passages(
    pair: tuple[Document, Document], splitter: Splitter
) -> None:
    old, new = pair
    passages = resplit(old, cut(old, splitter), new, TOKENIZE, splitter)
    for once in (passages, cut(new, splitter)):
        assert resplit(new, once, replace(new, id="e"), TOKENIZE, splitter) == [
            replace(passage, document_id="e") for passage in once
        ]


@given(pair=changes())
def test_common_runs_are_in_both_texts_in_order(pair: tuple[Document, Document]) -> None:
    old, new = (document.text for document in pair)
    old_end = new_end = 0
    for run in common_runs(old, new):
        start, end = run.start, run.start + run.length
        assert old[start:end] == new[start + run.shift : end + run.shift] != ""
        assert start >= old_end
        assert start + run.shift >= new_end
        old_end, new_end = end, end + run.shift
    if old == new:
        assert old_end == len(old)


def sentence(number: int, size: int) -> str:
    return f"Sentence {number} says {' '.join(f'w{number}x{n}' for n in range(size))}."


@st.composite
def prose(draw: st.DrawFn) -> list[list[str]]:
    """Paragraphs of sentences that are all different, each of a few words."""
    sizes = draw(st.lists(st.lists(st.integers(1, 8), min_size=1, max_size=8), min_size=1))
    numbers = itertools.count()
    return [[sentence(next(numbers), size) for size in paragraph] for paragraph in sizes]


@given(
    paragraphs=prose(),
    splitter=SPLITTERS,
    edit=st.sampled_from(["other", "long", "gone", "more"]),
    data=st.data(),
)
def test_one_edited_sentence_embeds_only_what_touches_it(
    paragraphs: list[list[str]], splitter: Splitter, edit: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, sum(map(len, paragraphs)) - 1))
    flat = [s for paragraph in paragraphs for s in paragraph]
    was = flat[place]
    now = {
        "other": was.replace("says", "claims"),
        "long": was.replace("says", "says once and again and for a third time that"),
        "gone": "",
        "more": f"{was} A new one.",
    }[edit]
    text = "\n\n".join(" ".join(paragraph) for paragraph in paragraphs)
    old = Document("d", "test:d", "", "text/plain", text, "0")
    at = text.index(was)
    new = replace(old, text=text[:at] + now + text[at + len(was) :])
    before = cut(old, splitter)
    held = [p for p in before if p.start < at + len(was) and at < p.end]
    grown = held[-1].end + len(now) - len(was)
    after = resplit(old, before, new, TOKENIZE, splitter)
    known = {text_in_context(passage) for passage in before}
    fresh = [passage for passage in after if text_in_context(passage) not in known]
    for passage in fresh:
        if edit != "gone":
            # A sentence that has grown may leave no room for those that stood in its passage.
            near = passage.start < grown and held[0].start < passage.end
            assert near or touches(passage, at, at + len(now), after)
    assert len(fresh) <= len(held) + 2
    if edit == "other":
        assert len(fresh) <= len(held) + 1


def touches(passage: Passage, start: int, end: int, passages: list[Passage]) -> bool:
    """Whether a passage holds some of `text[start:end]`, or overlaps one that does."""
    holding = [other for other in passages if other.start < end and start < other.end]
    return any(other.start < passage.end and passage.start < other.end for other in holding)


def test_an_edit_in_the_middle_of_a_long_text_embeds_one_passage() -> None:
    sentences = [sentence(number, 12) for number in range(400)]
    old = a_document("test:d", " ".join(sentences))
    splitter = Splitter()
    before = cut(old, splitter)
    assert len(before) > 40
    known = {passage.text for passage in before}
    counts = []
    for place in range(0, 400, 7):
        changed = [*sentences]
        changed[place] = changed[place].replace("says", "denies")
        new = a_document("test:d", " ".join(changed))
        after = resplit(old, before, new, TOKENIZE, splitter)
        assert len(after) == len(before)
        counts.append(sum(passage.text not in known for passage in after))
    assert set(counts) <= {1, 2}


def test_an_edit_in_one_section_leaves_the_others() -> None:
    headings = [f"Chapter {number}" for number in range(9)]
    parts = [" ".join(sentence(100 * n + m, 9) for m in range(30)) for n in range(9)]

    def made(parts: list[str]) -> Document:
        text = "\n\n".join(f"{head}\n\n{part}" for head, part in zip(headings, parts, strict=True))
        return a_document("test:d", text, headings=headings)

    old = made(parts)
    before = cut(old, Splitter())
    new = made(
        [*parts[:4], parts[4].replace("Sentence 415 says", "I add that it says"), *parts[5:]]
    )
    known = {text_in_context(passage) for passage in before}
    fresh = [
        passage
        for passage in resplit(old, before, new, TOKENIZE, Splitter())
        if text_in_context(passage) not in known
    ]
    assert 1 <= len(fresh) <= 2
    assert all("I add that it says" in passage.text for passage in fresh)


def test_another_heading_cuts_its_section_anew() -> None:
    text = "One\n\n" + "The rent is due. " * 30
    old = a_document("test:d", text, headings=["One"])
    new = a_document("test:d", text.replace("One", "Two"), headings=["Two"])
    passages = resplit(old, cut(old, Splitter(32, 6)), new, TOKENIZE, Splitter(32, 6))
    assert passages == cut(new, Splitter(32, 6))


def test_many_edits_do_not_leave_ever_smaller_passages() -> None:
    splitter = Splitter(40, 8)
    sentences = [sentence(number, 5) for number in range(100)]
    document = a_document("test:d", " ".join(sentences))
    passages = cut(document, splitter)
    for step in range(60):
        place = step * 37 % len(sentences)
        if step % 3:
            sentences[place] = sentence(1000 + step, 1 + step % 7)
        else:
            del sentences[place]
        new = a_document("test:d", " ".join(sentences))
        passages = resplit(document, passages, new, TOKENIZE, splitter)
        document = new
    assert len(passages) <= 2 * len(cut(document, splitter)) + 1


@pytest.mark.parametrize("piece", ["a", ".", "a. ", "\n", "a\n\n", "!" * 50 + "x", "same words. "])
def test_texts_that_repeat_themselves_are_compared_soon(piece: str) -> None:
    old = piece * (400_000 // len(piece))
    begin = time.perf_counter()
    common_runs(old, old[: len(old) // 2] + "b" + old[len(old) // 2 :])
    assert time.perf_counter() - begin < 3
