"""The bundled reader and embedder over three short documents, and over hostile ones."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qa_fakes import MemoryStore, document

from index.documents import Document, Page, Section
from index.embedding import OnnxEmbedder
from index.passages import Splitter, split, text_in_context
from index.retriever import Retriever
from index.store import Entry
from qa.answering import Answerer
from qa.answers import Options, Reply, Timings
from qa.reader import OnnxReader

pytestmark = pytest.mark.slow


def sectioned(name: str, parts: Sequence[tuple[tuple[str, ...], str]], pages: bool) -> Document:
    """A document of sections, each with its heading on a line, and on a page of its own."""
    text, sections, numbered = "", [], []
    for number, (path, body) in enumerate(parts, 1):
        start = len(text)
        text += f"{path[-1]}\n\n{body}\n\n"
        sections.append(Section(path, start, len(text)))
        numbered.append(Page(number, start, len(text)))
    return document(name, text, pages=numbered if pages else (), sections=sections)


LIGHTHOUSE = sectioned(
    "The lighthouse of Carrow Head",
    [
        (
            ("History",),
            (
                "The lighthouse was built in 1847 by the engineer Thomas Reidel. It replaced a "
                "coal fire that had burned on the headland since the Middle Ages."
            ),
        ),
        (
            ("History", "Automation"),
            (
                "The last keeper, Agnes Dunmore, left the station in March 1986, when the light "
                "was made automatic."
            ),
        ),
        (
            ("The light",),
            (
                "The lamp stands 52 metres above the sea and is seen from 24 nautical miles away. "
                "It gives three white flashes every twenty seconds."
            ),
        ),
    ],
    pages=True,
)
KETTLE = sectioned(
    "Brevo K2 kettle: manual",
    [
        (
            ("Care", "Descaling"),
            (
                "Descale the kettle every three months with citric acid. Never use vinegar, as it "
                "harms the seal."
            ),
        ),
        (
            ("Technical data",),
            "The kettle holds 1.7 litres and draws 2,200 watts. It weighs 1.1 kg without water.",
        ),
    ],
    pages=False,
)
CLUB = sectioned(
    "Statutes of the Ellerby Rowing Club",
    [
        (
            ("Membership",),
            (
                "The yearly fee is 140 euros for adults and 60 euros for students. Whoever has not "
                "paid by 31 March may not use the boats."
            ),
        ),
        (
            ("Assembly",),
            "The general assembly meets every November. It elects the treasurer for two years.",
        ),
    ],
    pages=True,
)
DOCUMENTS = {made.id: made for made in (LIGHTHOUSE, KETTLE, CLUB)}


def entry(made: Document, embedder: OnnxEmbedder) -> Entry:
    passages = split(made, embedder.tokenize, Splitter())
    return Entry(
        made, passages, embedder.embed_passages([text_in_context(part) for part in passages])
    )


def answering(
    documents: Sequence[Document], embedder: OnnxEmbedder, reader: OnnxReader
) -> Answerer:
    store = MemoryStore([entry(made, embedder) for made in documents])
    return Answerer(Retriever(store, embedder), reader)


@pytest.fixture(scope="module")
def answerer(embedder: OnnxEmbedder, reader: OnnxReader) -> Answerer:
    return answering(list(DOCUMENTS.values()), embedder, reader)


QUESTIONS = [
    ("When was the lighthouse built?", "1847", LIGHTHOUSE, 1, ("History",)),
    ("Who was the last keeper?", "Agnes Dunmore", LIGHTHOUSE, 2, ("History", "Automation")),
    ("How high above the sea is the lamp?", "52 metres", LIGHTHOUSE, 3, ("The light",)),
    (
        "How often should the kettle be descaled?",
        "every three months",
        KETTLE,
        None,
        ("Care", "Descaling"),
    ),
    ("How much water does the kettle hold?", "1.7 litres", KETTLE, None, ("Technical data",)),
    ("What is the yearly fee for adults?", "140 euros", CLUB, 1, ("Membership",)),
    ("When does the general assembly meet?", "every November", CLUB, 2, ("Assembly",)),
]


@pytest.mark.parametrize(("question", "quote", "source", "page", "section"), QUESTIONS)
def test_a_question_is_answered_with_the_quote_and_its_place(
    answerer: Answerer,
    question: str,
    quote: str,
    source: Document,
    page: int | None,
    section: tuple[str, ...],
) -> None:
    reply = answerer.ask(question)
    assert [answer.text for answer in reply.answers[:1]] == [quote], reply.reason
    citation = reply.answers[0].citation
    start = source.text.index(quote)
    assert (citation.document_id, citation.start, citation.end) == (
        source.id,
        start,
        start + len(quote),
    )
    assert (citation.page, citation.section) == (page, section)
    assert quote in reply.answers[0].sentence


@pytest.mark.parametrize(
    "question",
    [
        "Who composed the opera Tosca?",
        "What is the boiling point of nitrogen?",
        "Which planet has the most moons?",
    ],
)
def test_a_question_about_something_else_is_not_answered(answerer: Answerer, question: str) -> None:
    reply = answerer.ask(question)
    assert reply.answers == ()
    assert (reply.reason or "").startswith("The documents do not say")


def untimed(reply: Reply) -> Reply:
    return replace(reply, timings=Timings(0, 0, 0, 0))


def test_several_questions_are_answered_as_each_alone(answerer: Answerer) -> None:
    questions = [question for question, *_ in QUESTIONS]
    together = [untimed(reply) for reply in answerer.ask_all(questions)]
    assert together == [untimed(answerer.ask(question)) for question in questions]


@pytest.mark.parametrize("step", [None, 1, 3])
def test_a_question_answered_step_by_step_is_answered_alike(
    answerer: Answerer, step: int | None
) -> None:
    question = QUESTIONS[0][0]
    *before, last = answerer.asking(question, step=step)
    assert before or len(last.hits) <= 2
    assert untimed(last) == untimed(answerer.ask(question))


def test_a_reading_does_not_depend_on_what_else_is_read(reader: OnnxReader) -> None:
    texts = ["It was built in 1847.", "", "Never use vinegar. " * 100, "😀"]
    question = "When was it built?"
    alone = [reader.read(question, [text])[0] for text in texts]
    assert reader.read(question, texts) == alone
    assert reader.read(question, []) == []
    assert [bool(reading.spans) for reading in alone] == [True, False, True, True]


def test_an_answer_deep_in_a_long_document_is_found(
    embedder: OnnxEmbedder, reader: OnnxReader
) -> None:
    filler = [
        f"Ledger line {number}: coal, rope and lamp oil were paid for." for number in range(900)
    ]
    needle = "The gatekeeper of Ferrow Lock was called Josephine Arkwell."
    lines = [*filler[:600], needle, *filler[600:]]
    text = "\n\n".join(" ".join(lines[first : first + 50]) for first in range(0, 901, 50))
    long = document("ledger", text, pages=[Page(1, 0, 20_000), Page(2, 20_000, len(text))])
    reply = answering([long], embedder, reader).ask(
        "What was the gatekeeper of Ferrow Lock called?"
    )
    answer = reply.answers[0]
    start = text.index("Josephine Arkwell")
    assert (answer.text, answer.citation.start) == ("Josephine Arkwell", start)
    assert answer.citation.page == 2
    assert answer.sentence == needle


def test_a_text_longer_than_the_window_is_read_to_its_end(reader: OnnxReader) -> None:
    text = "Nothing happened that day. " * 300 + "The bell was cast in 1721."
    [reading] = reader.read("When was the bell cast?", [text])
    best = reading.spans[0]
    assert text[best.start : best.end] == "1721"


def test_of_a_very_long_question_the_end_is_read(reader: OnnxReader) -> None:
    question = "Dear archive, I hope you are well. " * 250 + "When was the bell cast?"
    text = "The bell was cast in 1721. The tower burned down in 1803."
    [reading] = reader.read(question, [text])
    assert text[reading.spans[0].start : reading.spans[0].end] == "1721"


HOSTILE = [
    "👩‍👩‍👧‍👦",
    "🇦🇶",
    "e\u0301",
    "Z\u0351\u0343\u036a\u0300a\u0323\u0307l\u0360g\u0334o",
    "שלום עולם",
    "مرحبا ١٢٣",
    "\u202eright to left\u202c",
    "東京は雨。",
    "한국어",
    "क्षि",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "𠜎𠜱",
    "ﬁﬂ",
    "İıßẞ",
    "\u00ad",
    "\u200b",
    "\ufeff",
    "\u0000",
    "\u0085",
    "\u2028",
    "�",
]
PIECES = st.one_of(
    st.sampled_from(HOSTILE),
    st.sampled_from(
        ["The tower", "was built in 1847", "by Ann", ". ", "\n\n", " ", "\t| ", "\n- "]
    ),
    st.characters(exclude_categories=["Cs"]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=60).map("".join), st.sampled_from(["", *HOSTILE]))
def test_hostile_texts_are_quoted_exactly(
    embedder: OnnxEmbedder, reader: OnnxReader, text: str, asked: str
) -> None:
    made = document(f"tower {asked}", text, pages=[Page(1, 0, len(text))])
    answerer = answering([made], embedder, reader)
    reply = answerer.ask(f"When was the tower built? {asked}", Options(9, 10, min_confidence=0.0))
    for hit in reply.hits:
        assert text[hit.passage.start : hit.passage.end] == hit.passage.text
    for answer in reply.answers:
        end = answer.sentence_start + len(answer.sentence)
        assert text[answer.sentence_start : end] == answer.sentence
        assert answer.sentence_start <= answer.citation.start < answer.citation.end <= end
        for place in (answer.citation, *answer.also_at):
            assert text[place.start : place.end] == place.text
            assert place.text.strip() == place.text != ""


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_quote_after_hostile_characters_is_not_shifted(reader: OnnxReader, piece: str) -> None:
    text = f"{piece} {piece}{piece}. The tower was built in 1847 by Ann {piece} Marsh."
    [reading] = reader.read("When was the tower built?", [text])
    quoted = [text[span.start : span.end] for span in reading.spans]
    assert quoted[0] == "1847"


def test_what_stands_above_the_beginning_is_read_but_not_quoted(reader: OnnxReader) -> None:
    heading, body = "Fee: 12 euros a year\n", "Members pay 12 euros a year to the treasurer."
    question = "How much do members pay?"
    [free], [bound] = (
        reader.read(question, [heading + body], begins) for begins in (None, [len(heading)])
    )
    assert min(span.start for span in free.spans) < len(heading)
    assert bound.spans
    assert min(span.start for span in bound.spans) >= len(heading)
    assert bound.spans[0].score <= free.spans[0].score
