"""From a question to a reply, with a reader that says what it is told."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qa_fakes import LetterEmbedder, MemoryStore, ScriptedReader, document, paragraphs

from index.documents import Document, Page, Section
from index.errors import InvalidQuestion
from index.filters import parse
from index.retriever import MOST_CHARACTERS, Retriever
from index.store import PassageStore
from qa.answering import Answerer
from qa.answers import CONTEXT, Answer, Citation, Options, Reply, Timings
from qa.calibration import Calibration
from qa.index_calibration import IndexCalibration, remember
from qa.reader import Reader

LOANS = "Loans\n\nA reader may borrow 12 books. A book is lent for 28 days."
HOURS = "Opening hours\n\nWe open at 9 o'clock. On Sundays we stay closed."
LIBRARY = document(
    "Library rules",
    f"{LOANS}\n\n{HOURS}",
    pages=[Page(1, 0, len(LOANS) + 1), Page(2, len(LOANS) + 2, len(LOANS) + 2 + len(HOURS))],
    sections=[
        Section(("Rules", "Loans"), 0, len(LOANS) + 2),
        Section(("Rules", "Opening hours"), len(LOANS) + 2, len(LOANS) + 2 + len(HOURS)),
    ],
)
POSTER = document("Poster", "Borrow 12 books today!\n\nBring them back within “28 days”.")

BOOKS = "How many books may I borrow?"
LENT = "For how long is a book lent?"
WHEN = "When do you open?"
NEVER = "Who painted the ceiling?"
NOTHING_TO_QUOTE = (
    "The documents do not say: nothing in the 6 passages read can be quoted as an answer."
)
SCRIPT = {
    BOOKS: {"12 books": 3.0, "12": 1.0},
    LENT: {"28 days": 4.0, "12 books": 1.0, "closed": 0.5, "Sundays": -5.0},
    WHEN: {"at 9 o'clock": 2.0},
    NEVER: {"12 books": -2.0},
}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore([paragraphs(LIBRARY), paragraphs(POSTER)])


@pytest.fixture
def scripted() -> ScriptedReader:
    return ScriptedReader(SCRIPT)


@pytest.fixture
def answerer(store: MemoryStore, scripted: ScriptedReader) -> Answerer:
    return answering(store, scripted)


def answering(store: PassageStore, reader: Reader) -> Answerer:
    return Answerer(Retriever(store, LetterEmbedder()), reader)


def places(answer: Answer) -> list[Citation]:
    return [answer.citation, *answer.also_at]


def texts(reply: Reply) -> list[str]:
    return [answer.text for answer in reply.answers]


def untimed(reply: Reply) -> Reply:
    return replace(reply, timings=Timings(0, 0, 0, 0))


def test_an_answer_cites_page_section_and_place(answerer: Answerer) -> None:
    [answer] = answerer.ask(WHEN).answers
    start = LIBRARY.text.index("at 9 o'clock")
    assert answer.citation == Citation(
        LIBRARY.id,
        "test:Library rules",
        "Library rules",
        2,
        ("Rules", "Opening hours"),
        start,
        start + len("at 9 o'clock"),
        "at 9 o'clock",
        prefix=LIBRARY.text[start - CONTEXT : start],
        suffix=LIBRARY.text[start + len("at 9 o'clock") :][:CONTEXT],
        media_type="text/plain",
    )
    assert answer.text == "at 9 o'clock"
    assert answer.confidence == pytest.approx(0.8807970779778823)


def test_an_answer_comes_with_its_whole_sentence(answerer: Answerer) -> None:
    [answer] = answerer.ask(WHEN).answers
    assert answer.sentence == "We open at 9 o'clock."
    assert answer.sentence_start == LIBRARY.text.index("We open")


def test_every_text_is_a_slice_of_its_document(answerer: Answerer) -> None:
    documents = {LIBRARY.id: LIBRARY, POSTER.id: POSTER}
    replies = answerer.ask_all([BOOKS, LENT, WHEN], Options(answers=10, min_confidence=0.0))
    assert sum(len(reply.answers) for reply in replies) >= 5
    for answer in [answer for reply in replies for answer in reply.answers]:
        for place in places(answer):
            assert documents[place.document_id].text[place.start : place.end] == place.text
        text = documents[answer.citation.document_id].text
        end = answer.sentence_start + len(answer.sentence)
        assert answer.text == answer.citation.text
        assert answer.sentence == text[answer.sentence_start : end]
        assert answer.sentence_start <= answer.citation.start < answer.citation.end <= end


def test_other_places_that_say_the_same_are_cited_too(answerer: Answerer) -> None:
    [answer] = answerer.ask(BOOKS).answers
    cited = {(place.document_id, place.text) for place in places(answer)}
    assert cited == {(LIBRARY.id, "12 books"), (POSTER.id, "12 books")}


def test_other_places_below_the_least_confidence_are_not_cited(store: MemoryStore) -> None:
    reader = ScriptedReader({BOOKS: {"12 books.": 3.0, "12 books today": -3.0, "12 books": -3.0}})
    [answer] = answering(store, reader).ask(BOOKS).answers
    assert [place.text for place in places(answer)] == ["12 books."]


def test_answers_come_best_first_and_no_more_than_asked_for(answerer: Answerer) -> None:
    assert texts(answerer.ask(LENT)) == ["28 days", "12 books", "closed"]
    assert texts(answerer.ask(LENT, Options(answers=2))) == ["28 days", "12 books"]
    assert texts(answerer.ask(LENT, Options(answers=1))) == ["28 days"]
    confidences = [answer.confidence for answer in answerer.ask(LENT).answers]
    assert confidences == sorted(confidences, reverse=True)


def test_a_least_confidence_goes_before_the_readers_own(store: MemoryStore) -> None:
    calibration = Calibration(slope=0.5, abstain_below=0.7)
    answerer = answering(store, ScriptedReader(SCRIPT, calibration))
    assert texts(answerer.ask(LENT)) == ["28 days"]
    assert texts(answerer.ask(LENT, Options(min_confidence=0.6))) == ["28 days", "12 books"]
    everything = texts(answerer.ask(LENT, Options(answers=9, min_confidence=0.0)))
    assert everything == ["28 days", "12 books", "closed", "Sundays"]
    assert answerer.ask(LENT, Options(min_confidence=1.0)).abstained


def test_the_readers_share_for_retrieval_moves_the_confidence(store: MemoryStore) -> None:
    calibration = Calibration(retrieval_weight=2.0, slope=0.5, intercept=-1.0)
    reply = answering(store, ScriptedReader(SCRIPT, calibration)).ask(WHEN)
    [hit] = [hit for hit in reply.hits if "9 o'clock" in hit.passage.text]
    expected = calibration.confidence(2.0 + 2.0 * hit.score)
    assert reply.answers[0].confidence == pytest.approx(expected)


def test_only_the_documents_named_are_looked_in(answerer: Answerer) -> None:
    reply = answerer.ask(BOOKS, Options(within=[POSTER.id]))
    assert {hit.passage.document_id for hit in reply.hits} == {POSTER.id}
    [answer] = reply.answers
    assert [place.document_id for place in places(answer)] == [POSTER.id]
    assert answerer.ask(WHEN, Options(within={POSTER.id})).abstained


def test_only_documents_that_fit_a_filter_are_looked_in(answerer: Answerer) -> None:
    posters = Options(where=parse(["title=poster"]))
    assert {hit.passage.document_id for hit in answerer.ask(BOOKS, posters).hits} == {POSTER.id}
    both = replace(posters, within=[LIBRARY.id])
    for options in (both, Options(where=parse(["title~P*", "pages>=2"]))):
        reply = answerer.ask(BOOKS, options)
        assert (reply.answers, reply.hits) == ((), ())
        assert reply.reason == f"No document fits the filter: {options.where}."


def test_as_many_passages_are_read_as_asked_for(
    answerer: Answerer, scripted: ScriptedReader
) -> None:
    assert len(answerer.ask(BOOKS, Options(passages=2)).hits) == 2
    assert len(scripted.seen) == 2


def test_abstaining_gives_the_reason_and_the_passages_read(answerer: Answerer) -> None:
    reply = answerer.ask(NEVER)
    assert reply.abstained
    assert reply.reason == (
        "The documents do not say: the likeliest of 6 passages read holds an answer with "
        "confidence 0.12, below the 0.50 that is asked for."
    )
    assert len(reply.hits) == 6


def test_an_answered_question_needs_no_reason(answerer: Answerer) -> None:
    reply = answerer.ask(WHEN)
    assert reply.reason is None
    assert not reply.abstained


def test_an_empty_index_has_nothing_to_read(scripted: ScriptedReader) -> None:
    reply = answering(MemoryStore(), scripted).ask(BOOKS)
    assert reply.hits == ()
    assert reply.reason == "The index holds no passage to read."


def test_where_no_span_is_found_the_reason_claims_no_more_than_that(store: MemoryStore) -> None:
    reply = answering(store, ScriptedReader({})).ask(BOOKS, Options(min_confidence=0.0))
    assert reply.abstained
    assert reply.reason == NOTHING_TO_QUOTE


@pytest.mark.parametrize("question", ["", "   ", "\n\t\u3000"])
def test_an_empty_question_is_refused(answerer: Answerer, question: str) -> None:
    with pytest.raises(InvalidQuestion, match="empty"):
        answerer.ask(question)


def test_a_question_that_is_too_long_is_refused_and_then_none_is_answered(
    answerer: Answerer, scripted: ScriptedReader
) -> None:
    with pytest.raises(InvalidQuestion, match=r"10,001 characters, at most 10,000"):
        answerer.ask_all([WHEN, "?" * (MOST_CHARACTERS + 1)])
    assert scripted.seen == []
    assert answerer.ask("?" * MOST_CHARACTERS).abstained


def test_white_space_around_a_question_does_not_matter(answerer: Answerer) -> None:
    assert untimed(answerer.ask(f"\n {WHEN}  ")) == untimed(answerer.ask(WHEN))


@given(st.lists(st.sampled_from([BOOKS, LENT, WHEN, NEVER]), max_size=6))
def test_several_questions_are_answered_as_each_alone(questions: list[str]) -> None:
    store = MemoryStore([paragraphs(LIBRARY), paragraphs(POSTER)])
    answerer = answering(store, ScriptedReader(SCRIPT))
    together = [untimed(reply) for reply in answerer.ask_all(questions)]
    assert together == [untimed(answerer.ask(question)) for question in questions]
    assert [reply.question for reply in together] == questions


@given(
    st.sampled_from([BOOKS, LENT, WHEN, NEVER]),
    st.integers(0, 8),
    st.sampled_from([None, 0.0, 0.6]),
    st.one_of(st.none(), st.integers(1, 9)),
    st.sampled_from([None, 0.0, 0.8, 1.0]),
)
def test_what_is_said_last_is_what_asking_at_once_gives(
    question: str, passages: int, least: float | None, step: int | None, enough: float | None
) -> None:
    store = MemoryStore([paragraphs(LIBRARY), paragraphs(POSTER)])
    answerer = answering(store, ScriptedReader(SCRIPT))
    options = Options(passages=passages, min_confidence=least, enough=enough)
    *before, last = answerer.asking(question, options, step)
    assert untimed(last) == untimed(answerer.ask(question, options))
    read = [len(reply.hits) for reply in (*before, last)]
    assert read == sorted(set(read))
    for reply in (*before, last):
        assert len(reply.hits) + reply.unread + reply.skipped == len(last.hits) + last.skipped
        assert reply.hits == last.hits[: len(reply.hits)]
        assert reply.question == last.question
        for answer in reply.answers:
            place = answer.citation
            text = store.document(place.document_id).text
            assert text[place.start : place.end] == answer.text == place.text
    for reply in before:
        found = len(last.hits) + last.skipped
        so_far = f"Still reading: {len(reply.hits)} of {found} passages."
        assert reply.reason == (None if reply.answers else so_far)


@given(
    st.sampled_from([BOOKS, LENT, WHEN, NEVER]),
    st.integers(0, 8),
    st.sampled_from([None, 0.6, 0.95]),
    st.sampled_from([0.0, 0.75, 0.9, 1.0]),
)
def test_reading_ends_with_the_first_answer_that_is_sure_enough(
    question: str, passages: int, least: float | None, enough: float
) -> None:
    answerer = answering(
        MemoryStore([paragraphs(LIBRARY), paragraphs(POSTER)]), ScriptedReader(SCRIPT)
    )
    thorough = Options(passages=passages, min_confidence=least)
    steps = list(answerer.asking(question, thorough, step=2))
    first = next(
        (one for one in steps if any(enough <= answer.confidence for answer in one.answers)),
        steps[-1],
    )
    expected = replace(first, unread=0, skipped=first.unread)
    assert untimed(answerer.ask(question, replace(thorough, enough=enough))) == untimed(expected)


def test_what_is_left_unread_is_not_read(scripted: ScriptedReader, store: MemoryStore) -> None:
    reply = answering(store, scripted).ask(BOOKS, Options(enough=0.9))
    assert texts(reply)[0] == "12 books"
    assert (len(reply.hits), reply.skipped) == (2, 4)
    assert len(scripted.seen) == 2


def test_a_reading_that_is_given_up_reads_no_further(
    answerer: Answerer, scripted: ScriptedReader
) -> None:
    replies = answerer.asking(WHEN, step=2)
    assert scripted.seen == []
    next(replies)
    next(replies)
    del replies
    assert len(scripted.seen) == 4


def test_what_is_no_question_is_refused_before_the_first_reply(answerer: Answerer) -> None:
    with pytest.raises(InvalidQuestion, match="empty"):
        answerer.asking(" ")


def test_an_answer_whose_document_goes_during_the_reading_is_not_said_last() -> None:
    store = MemoryStore([paragraphs(LIBRARY), paragraphs(POSTER)])
    replies = answering(store, ScriptedReader(SCRIPT)).asking(WHEN, step=1)
    cited = {answer.citation.document_id for reply in list(replies) for answer in reply.answers}
    assert cited == {LIBRARY.id}
    replies = answering(store, ScriptedReader(SCRIPT)).asking(WHEN, step=1)
    while not next(replies).answers:
        pass
    store.remove([LIBRARY.id])
    assert all(reply.abstained for reply in replies)


def test_the_parts_of_the_time_add_up(answerer: Answerer) -> None:
    timings = answerer.ask(WHEN).timings
    assert min(timings.embed, timings.retrieve, timings.read) >= 0
    assert timings.total == pytest.approx(timings.embed + timings.retrieve + timings.read)


def test_passages_are_read_under_their_headings(
    answerer: Answerer, scripted: ScriptedReader
) -> None:
    answerer.ask(WHEN)
    expected = "Library rules > Rules > Opening hours\nWe open at 9 o'clock. On Sundays we stay"
    assert any(text.startswith(expected) for text in scripted.seen)


@pytest.mark.parametrize("quote", ["Library", "Library rules", "Rules > Opening", "hours\nWe open"])
def test_the_lines_above_a_passage_are_never_quoted(store: MemoryStore, quote: str) -> None:
    reply = answering(store, ScriptedReader({WHEN: {quote: 9.0}})).ask(WHEN)
    assert reply.answers == ()


def test_a_quote_in_the_text_is_found_though_the_lines_above_hold_it_too() -> None:
    named = document("28 days", "A book is lent for 28 days.")
    reader = ScriptedReader({LENT: {"28 days": 2.0}})
    [answer] = answering(MemoryStore([paragraphs(named)]), reader).ask(LENT).answers
    assert (answer.citation.start, answer.citation.end) == (19, 26)
    assert answer.also_at == ()


@pytest.mark.parametrize("quote", ["Loans", "Opening hours", "hours"])
def test_a_heading_in_the_text_is_no_answer(store: MemoryStore, quote: str) -> None:
    reply = answering(store, ScriptedReader({WHEN: {quote: 9.0}})).ask(WHEN)
    assert reply.answers == ()
    assert reply.reason == NOTHING_TO_QUOTE


def test_a_word_of_a_heading_is_an_answer_where_the_body_has_it() -> None:
    text = "Colour\n\nThe Colour is red."
    painted = document("paint", text, sections=[Section(("Colour",), 0, len(text))])
    reader = ScriptedReader({NEVER: {"Colour": 2.0}})
    [answer] = answering(MemoryStore([paragraphs(painted)]), reader).ask(NEVER).answers
    assert [place.start for place in places(answer)] == [12]


def test_a_document_removed_during_the_search_is_left_out(store: MemoryStore) -> None:
    reader = ScriptedReader(SCRIPT, meanwhile=lambda: store.remove([POSTER.id]))
    [answer] = answering(store, reader).ask(BOOKS).answers
    assert [place.document_id for place in places(answer)] == [LIBRARY.id]


@pytest.mark.parametrize("text", ["", "Borrow", "Now with 40 books, or 12 books today!"])
def test_a_document_changed_during_the_search_is_not_misquoted(
    store: MemoryStore, text: str
) -> None:
    changed = paragraphs(replace(POSTER, text=text))
    reader = ScriptedReader(SCRIPT, meanwhile=lambda: store.put([changed]))
    [answer] = answering(store, reader).ask(BOOKS).answers
    assert [place.document_id for place in places(answer)] == [LIBRARY.id]


def test_a_document_changed_elsewhere_is_cited_as_it_stands_now(store: MemoryStore) -> None:
    changed = replace(POSTER, text=POSTER.text + "\n\nNew!", pages=(Page(7, 0, 99),))
    reader = ScriptedReader(SCRIPT, meanwhile=lambda: store.put([paragraphs(changed)]))
    [answer] = answering(store, reader).ask(BOOKS, Options(within=[POSTER.id])).answers
    assert answer.citation.page == 7


def test_where_all_documents_have_gone_the_reason_does_not_blame_the_confidence(
    store: MemoryStore,
) -> None:
    reader = ScriptedReader(SCRIPT, meanwhile=lambda: store.remove([LIBRARY.id]))
    reply = answering(store, reader).ask(WHEN)
    assert reply.abstained
    assert reply.reason == NOTHING_TO_QUOTE


def vanishing(store: MemoryStore) -> Answerer:
    """The best place of "28 days" goes during the search; its other one is worth less."""
    script = {LENT: {"“28 days”": 6.0, "28 days.": 0.5, "12 books.": 2.0}}
    return answering(store, ScriptedReader(script, meanwhile=lambda: store.remove([POSTER.id])))


def test_an_answer_is_as_likely_as_the_place_that_is_cited(store: MemoryStore) -> None:
    reply = vanishing(store).ask(LENT)
    by_text = {answer.text: answer.confidence for answer in reply.answers}
    assert by_text == {
        "12 books.": pytest.approx(Calibration().confidence(2.0)),
        "28 days.": pytest.approx(Calibration().confidence(0.5)),
    }


def test_answers_stay_in_order_where_a_place_has_gone(store: MemoryStore) -> None:
    assert texts(vanishing(store).ask(LENT)) == ["12 books.", "28 days."]


def test_the_best_answer_is_given_where_a_better_place_has_gone(store: MemoryStore) -> None:
    assert texts(vanishing(store).ask(LENT, Options(answers=1))) == ["12 books."]


def test_a_document_with_copies_is_cited_with_all_its_places() -> None:
    copied = replace(POSTER, copies=("test:copy", "test:mail!/2/poster.pdf"))
    store = MemoryStore([paragraphs(LIBRARY), paragraphs(copied)])
    [answer] = answering(store, ScriptedReader(SCRIPT)).ask(BOOKS).answers
    start = POSTER.text.index("12 books")
    of_poster = [place for place in places(answer) if place.document_id == POSTER.id]
    assert [place.uri for place in of_poster] == ["test:Poster", *copied.copies]
    assert {(place.start, place.end, place.text) for place in of_poster} == {
        (start, start + 8, "12 books")
    }
    assert [place.uri for place in places(answer) if place not in of_poster] == [LIBRARY.uri]


TERMS = (
    "Whoever wishes to borrow must show a card that bears the name of the borrower. {} may be "
    "borrowed at a time, and they are lent for 28 days, after which a fee is due."
)


def reports(*numbers: str) -> list[Document]:
    return [document(f"report {n}", TERMS.format(number)) for n, number in enumerate(numbers)]


def reading(documents: list[Document], script: dict[str, float]) -> tuple[Answerer, ScriptedReader]:
    reader = ScriptedReader({BOOKS: script})
    return answering(MemoryStore([paragraphs(made) for made in documents]), reader), reader


def test_what_says_the_same_is_read_once_and_cited_with_all_its_places() -> None:
    made = reports("12 books", "12\nbooks", "12 books")
    answerer, reader = reading(made, {"12 books": 3.0, "12\nbooks": 3.0})
    [answer] = answerer.ask(BOOKS).answers
    assert len(reader.seen) == 1
    assert {place.document_id for place in places(answer)} == {one.id for one in made}
    texts_of = {one.id: one.text for one in made}
    for place in places(answer):
        assert texts_of[place.document_id][place.start : place.end] == place.text
        assert place.text.split() == ["12", "books"]


def test_what_says_something_else_is_read_and_not_merged() -> None:
    made = reports("12 books", "15 books", "12 books")
    answerer, reader = reading(made, {"12 books": 3.0, "15 books": 2.0})
    answers = answerer.ask(BOOKS).answers
    assert [answer.text for answer in answers] == ["12 books", "15 books"]
    assert [len(places(answer)) for answer in answers] == [2, 1]
    assert len(reader.seen) == 2


def test_duplicates_do_not_take_the_place_of_other_passages() -> None:
    made = reports(*["12 books"] * 6)
    other = document("other", "On Sundays 3 books may be borrowed.")
    answerer, _ = reading([*made, other], {"12 books": 3.0, "3 books": 2.0})
    reply = answerer.ask(BOOKS, Options(passages=2))
    assert [answer.text for answer in reply.answers] == ["12 books", "3 books"]
    assert [len(hit.duplicates) for hit in reply.hits if hit.passage.text != other.text] == [5]


def test_a_duplicate_that_has_copies_is_cited_with_them() -> None:
    first, second = reports("12 books", "12 books")
    second = replace(second, copies=("test:again",))
    answerer, _ = reading([first, second], {"12 books": 3.0})
    [answer] = answerer.ask(BOOKS).answers
    assert sorted(place.uri for place in places(answer)) == [
        "test:again",
        "test:report 0",
        "test:report 1",
    ]


@pytest.mark.parametrize("change", ["remove", "replace"])
def test_a_duplicate_that_has_gone_or_changed_is_not_cited(change: str) -> None:
    first, second = reports("12 books", "12 books")
    store = MemoryStore([paragraphs(first), paragraphs(second)])

    def meanwhile() -> None:
        if change == "remove":
            store.remove([second.id])
        else:
            store.put([paragraphs(replace(second, text="So. " + second.text))])

    reader = ScriptedReader({BOOKS: {"12 books": 3.0}}, meanwhile=meanwhile)
    [answer] = answering(store, reader).ask(BOOKS).answers
    assert [place.document_id for place in places(answer)] == [first.id]


def test_another_extent_of_the_same_words_is_no_answer_of_its_own() -> None:
    said = "Whoever shows a card is served. {} may be borrowed at a time by each of them. {}"
    first = document("first", said.format("12\nbooks", "Fees rise."))
    second = document("second", said.format("12 books", "Fees fall."))
    answerer, reader = reading([first, second], {"12\nbooks may": 3.0, "12 books": 2.0})
    [answer] = answerer.ask(BOOKS).answers
    assert len(reader.seen) == 2
    assert [place.text for place in places(answer)] == ["12\nbooks may", "12 books may"]
    assert [place.document_id for place in places(answer)] == [first.id, second.id]


def test_the_same_words_in_other_surroundings_are_an_answer_of_their_own() -> None:
    first = document(
        "first", "Whoever shows a card is served. 12\nbooks may be borrowed at a time."
    )
    second = document("second", "The box under the shelf is small. 12 books may fit into it.")
    answerer, _ = reading([first, second], {"12\nbooks may": 3.0, "12 books": 2.0})
    answers = answerer.ask(BOOKS).answers
    assert [len(places(answer)) for answer in answers] == [1, 1]


NUMBERS = st.lists(st.sampled_from(["12 books", "12\nbooks", "15 books"]), min_size=1, max_size=6)


@given(NUMBERS, st.integers(1, 6))
def test_with_duplicates_too_every_quote_stands_where_it_is_cited(
    numbers: list[str], passages: int
) -> None:
    made = reports(*numbers)
    script = {"12 books": 3.0, "12\nbooks": 3.0, "15 books": 2.0}
    answerer, reader = reading(made, script)
    answers = answerer.ask(BOOKS, Options(passages=passages)).answers
    cited = [place for answer in answers for place in places(answer)]
    texts_of = {one.id: one.text for one in made}
    for place in cited:
        assert texts_of[place.document_id][place.start : place.end] == place.text
    assert len({place.document_id for place in cited}) == len(cited)
    distinct_texts = {" ".join(number.split()) for number in numbers}
    assert len(reader.seen) == min(passages, len(distinct_texts))
    if passages >= len(distinct_texts):
        assert {place.document_id for place in cited} == set(texts_of)


SCORES = st.floats(-6, 6).map(lambda score: round(score, 1))
CALIBRATIONS = st.builds(
    Calibration,
    retrieval_weight=st.floats(0, 8),
    slope=st.floats(0.1, 2),
    intercept=st.floats(-3, 3),
    abstain_below=st.floats(0, 1),
    weights=st.fixed_dictionaries({"margin": st.floats(0, 1), "agreement": st.floats(0, 1)}),
)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["12", "12 books", "28 days", "closed", "We"]), SCORES),
    CALIBRATIONS,
    st.one_of(st.none(), st.floats(0, 1)),
    st.integers(1, 12),
)
def test_the_least_confidence_is_obeyed_exactly_on_every_path(
    script: dict[str, float], calibration: Calibration, wanted: float | None, most: int
) -> None:
    store = MemoryStore([paragraphs(LIBRARY), paragraphs(POSTER)])
    answerer = answering(store, ScriptedReader({BOOKS: script}, calibration))
    everything = answerer.ask(BOOKS, Options(answers=99, min_confidence=0.0)).answers
    least = calibration.abstain_below if wanted is None else wanted
    options = Options(answers=most, min_confidence=wanted)
    reply = answerer.ask(BOOKS, options)

    expected = [answer for answer in everything if answer.confidence >= least][:most]
    assert [answer.text for answer in reply.answers] == [answer.text for answer in expected]
    assert all(answer.confidence >= least for answer in reply.answers)
    confidences = [answer.confidence for answer in everything]
    assert confidences == sorted(confidences, reverse=True)
    assert untimed(answerer.ask_all([BOOKS, BOOKS], options)[1]) == untimed(reply)
    *_, last = answerer.asking(BOOKS, options, step=1)
    assert untimed(last) == untimed(reply)
    for so_far in answerer.asking(BOOKS, options, step=1):
        assert all(answer.confidence >= least for answer in so_far.answers)
    for given_answer, answer in zip(reply.answers, expected, strict=True):
        assert set(places(given_answer)) <= set(places(answer))


def test_what_was_read_and_held_back_is_not_cited_though_the_words_around_are_the_same() -> None:
    said = "Whoever shows a card is served. 12 books may be borrowed at a time by each. Fees {}."
    first, second = document("first", said.format("rise")), document("second", said.format("fall"))
    answerer, reader = reading([first, second], {"12 books": 1.0})
    hits = answerer.ask(BOOKS).hits
    assert len(reader.seen) == 2
    # Only how well they were retrieved parts the two.
    one, other = sorted((hit.score for hit in hits), reverse=True)
    assert one > other
    reader.calibration = Calibration(retrieval_weight=1.0)
    least = reader.calibration.confidence(1.0 + (one + other) / 2)
    for asked_for, count in ((0.0, 2), (least, 1)):
        [answer] = answerer.ask(BOOKS, Options(min_confidence=asked_for)).answers
        assert len(places(answer)) == count


def test_the_index_goes_before_the_reader_with_its_own_calibration(store: MemoryStore) -> None:
    reader = ScriptedReader(SCRIPT)
    answerer = answering(store, reader)
    before = answerer.ask(WHEN).answers[0].confidence
    own = IndexCalibration(
        Calibration(slope=0.5),
        reader.name,
        reader.checksum,
        "letters",
        LetterEmbedder.identity.checksum,
        40,
        "2026-01-01T00:00:00+00:00",
    )
    remember(store, own)
    assert answerer.ask(WHEN).answers[0].confidence == pytest.approx(1 / (1 + math.exp(-1)))
    remember(store, replace(own, reader_checksum="f" * 64))
    assert answerer.ask(WHEN).answers[0].confidence == before


TOKENS = st.sampled_from(["rain", "Seine", " ", "\n\n", ". ", "é", "e\u0301", "😀", "שלום", "雨"])


@given(
    st.lists(st.lists(TOKENS, min_size=1, max_size=20).map("".join), min_size=1, max_size=3),
    st.dictionaries(
        st.text("rainSe. 😀雨", min_size=1, max_size=4), st.integers(-2, 4), max_size=5
    ),
)
def test_every_quote_stands_where_it_is_cited(bodies: list[str], quotes: dict[str, float]) -> None:
    documents: dict[str, Document] = {}
    for number, body in enumerate(bodies):
        made = document(f"rain {number}", body, sections=[Section(("Seine",), 0, len(body))])
        documents[made.id] = made
    store = MemoryStore([paragraphs(made) for made in documents.values()])
    reply = answering(store, ScriptedReader({"rain?": quotes})).ask("rain?", Options(answers=50))
    seen: list[Citation] = []
    for answer in reply.answers:
        for place in places(answer):
            assert documents[place.document_id].text[place.start : place.end] == place.text
            assert not any(
                place.document_id == other.document_id
                and place.start < other.end
                and other.start < place.end
                for other in seen
            )
            seen.append(place)
    assert reply.abstained == (reply.reason is not None)
