"""Replies held against labels, and where right answers were lost."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.documents import Hit, Passage
from index.errors import InvalidQuestion
from index.passages import Splitter
from index.retriever import Retriever
from index.store import IndexSettings
from qa.answering import Answerer
from qa.answers import Answer, Citation, Options, Reply, Timings
from qa.evaluation import answer_report
from qa.evaluation.answers import answer_figures
from qa.evaluation.asking import Judged, Stage, ask_all, judge
from qa.evaluation.questions import AskedQuestion, GoldPlace, Target
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_intake
from tests.fakes.memory_store import MemoryStore
from tests.fakes.word_reader import WordReader

TEXT = "The red bus leaves at nine. The blue train leaves at noon."
PASSAGE = Passage("d", 0, 27, TEXT[:27])


def target(*texts: str, places: Sequence[GoldPlace] = (), unread: bool = False) -> Target:
    question = AskedQuestion("1", "When does the bus leave?", (), "q.jsonl:1")
    return Target(question, texts, tuple(places), unread)


def place_of(text: str, document: str = "d") -> GoldPlace:
    start = TEXT.index(text)
    return GoldPlace(document, start, start + len(text))


def citation(text: str, document: str = "d") -> Citation:
    start = TEXT.index(text)
    return Citation(document, f"file:///{document}", "", None, (), start, start + len(text), text)


def answer(text: str, confidence: float, document: str = "d", *also: Citation) -> Answer:
    first = citation(text, document)
    sentence = TEXT[:27] if first.start < 27 else TEXT[28:]
    return Answer(text, confidence, sentence, TEXT.index(sentence), first, also)


def reply(*answers: Answer, passages: Sequence[Passage] = (PASSAGE,)) -> Reply:
    hits = tuple(Hit(passage, 0.5, 0.5, 1.0) for passage in passages)
    return Reply("?", answers, None if answers else "no", hits, Timings(1, 2, 3, 6))


def lost(target: Target, reply: Reply, threshold: float = 0.5) -> Stage | None:
    return judge(target, reply, threshold).lost_in


NINE = target("nine", places=[place_of("nine")])
NOON = target("noon", places=[place_of("noon")])


def test_a_right_answer_that_is_given_is_lost_nowhere() -> None:
    judged = judge(NINE, reply(answer("at nine", 0.7)), 0.5)
    assert (judged.given, judged.right, judged.lost_in) == (True, True, None)
    assert (judged.exact, judged.f1) == (0.0, pytest.approx(2 / 3))
    assert judged.iou == pytest.approx(4 / 7)
    assert (judged.right_document, judged.in_sentence, judged.in_hits) == (True, 1.0, 1.0)
    assert judged.milliseconds == 6


def test_the_threshold_itself_is_enough() -> None:
    assert judge(NINE, reply(answer("nine", 0.5)), 0.5).given
    assert not judge(NINE, reply(answer("nine", 0.499)), 0.5).given


def test_the_stage_where_an_answer_was_lost_is_named() -> None:
    assert lost(NINE, reply(answer("nine", 0.4))) is Stage.ABSTENTION
    assert lost(NINE, reply(answer("red bus", 0.9))) is Stage.READING
    assert lost(NINE, reply()) is Stage.READING
    assert lost(NOON, reply(answer("nine", 0.9))) is Stage.RETRIEVAL
    assert lost(NOON, reply(answer("nine", 0.1))) is Stage.RETRIEVAL
    assert lost(target("ten", unread=True), reply(answer("nine", 0.9))) is Stage.EXTRACTION
    assert lost(target(), reply(answer("nine", 0.9))) is Stage.ABSTENTION
    assert lost(target(), reply(answer("nine", 0.1))) is None
    assert lost(target(), reply()) is None


def test_texts_alone_are_compared_by_their_words() -> None:
    assert judge(target("Red Bus!"), reply(answer("red bus", 0.9)), 0.5).right
    judged = judge(target("nine"), reply(answer("red bus", 0.9)), 0.5)
    assert (judged.right, judged.right_document, judged.iou) == (False, None, None)
    assert judged.lost_in is Stage.READING
    # "red" is no word of "hundred", so it would have to be retrieved.
    hundred = replace(PASSAGE, text="hundred")
    assert lost(target("red"), reply(answer("nine", 0.9), passages=[hundred])) is Stage.RETRIEVAL


def test_the_same_text_at_another_place_is_not_the_labelled_one() -> None:
    elsewhere = target("leaves", places=[GoldPlace("d", 39, 45)])
    judged = judge(elsewhere, reply(answer("leaves", 0.9)), 0.5)
    assert (judged.exact, judged.right, judged.iou) == (1.0, False, 0.0)
    [shown] = answer_report.examples([judged])[1].items
    assert shown.expected == shown.found == "leaves"
    assert "not at the labelled place" in shown.detail


def test_a_further_place_of_an_answer_counts_as_well() -> None:
    other = target("nine", places=[place_of("nine", "e")])
    found = answer("nine", 0.9, "d", citation("nine", "e"))
    judged = judge(other, reply(found), 0.5)
    assert (judged.right, judged.right_document, judged.iou) == (True, True, 1.0)
    assert judged.in_hits == 0


def test_a_range_may_be_read_in_two_passages() -> None:
    both = target("x", places=[GoldPlace("d", 20, 40)])
    halves = [Passage("d", 0, 30, TEXT[:30]), Passage("d", 30, 58, TEXT[30:])]
    assert judge(both, reply(passages=halves), 0.5).in_hits == 1
    assert judge(both, reply(passages=halves[:1]), 0.5).in_hits == 0.5


def test_figures_worked_by_hand() -> None:
    judged = [
        judge(NINE, reply(answer("nine", 0.9)), 0.5),
        judge(NINE, reply(answer("red bus", 0.8)), 0.5),
        judge(NINE, reply(answer("nine", 0.3)), 0.5),
        judge(target(), reply(answer("red bus", 0.2)), 0.5),
        judge(target(), reply(answer("red bus", 0.6)), 0.5),
        judge(NOON, reply(), 0.5),
    ]
    figures = answer_figures(judged, 0.5)
    assert (figures.questions, figures.answerable, figures.given) == (6, 4, 3)
    assert figures.exact == pytest.approx(2 / 6)
    assert figures.has_answer_f1 == pytest.approx(1 / 4)
    assert figures.best_f1 == pytest.approx(2 / 4)
    assert (figures.right, figures.right_and_given) == (2 / 4, 1 / 4)
    assert (figures.abstention_precision, figures.abstention_recall) == (1 / 3, 1 / 2)
    # Surest first: right, wrong, wrong, right, wrong, and one of which nothing was found.
    risks = [0, 1 / 2, 2 / 3, 2 / 4, 3 / 5, 4 / 6]
    assert figures.area_under_risk == pytest.approx(sum(risks) / 6)
    errors = [1 - 0.9, 0.8, 0.6, 1 - 0.3, 0.2]
    assert figures.calibration_error == pytest.approx(sum(errors) / 5)
    assert figures.lost_in == {"extraction": 0, "retrieval": 1, "reading": 1, "abstention": 2}
    assert figures.milliseconds == {50: 6, 90: 6, 95: 6, 99: 6}
    counts = [group.count for group in answer_report.examples(judged)]
    assert counts == [0, 1, 1, 2]
    assert len(answer_report.plots(judged, figures)) == 3
    rows = answer_report.predictions(judged)
    assert [row["lost_in"] for row in rows] == [
        None, "reading", "abstention", None, "abstention", "retrieval"
    ]  # fmt: skip
    assert rows[0]["answer"] == TEXT[rows[0]["start"] : rows[0]["end"]]  # type: ignore[misc]


def test_every_wrong_reply_is_lost_somewhere_and_no_right_one() -> None:
    for threshold in (0.0, 0.5, 1.0):
        for wanted in (NINE, NOON, target(), target("nine"), target("ten", unread=True)):
            for found in (reply(), reply(answer("nine", 0.5)), reply(answer("noon", 0.7))):
                judged = judge(wanted, found, threshold)
                fine = judged.right and judged.given if wanted.answerable else not judged.given
                assert (judged.lost_in is None) == fine


@pytest.fixture(scope="module")
def answerer() -> Answerer:
    embedder = HashEmbedder()
    store = MemoryStore(IndexSettings(embedder.identity, Splitter()))
    store.put([an_intake(a_document("test:d", TEXT), embedder)])
    return Answerer(Retriever(store, embedder), WordReader())


def asked(question: str, *texts: str) -> Target:
    return Target(AskedQuestion(question, question, (), f"q.jsonl:{question}"), texts, ())


@pytest.fixture(scope="module")
def of_several() -> Answerer:
    """An answerer over passages of which one says more of a question than those before it."""
    embedder = HashEmbedder()
    store = MemoryStore(IndexSettings(embedder.identity, Splitter()))
    for number in range(1, 8):
        text = f"{TEXT} {'The bus. ' * (8 - number)}The red bus leaves, blue, at {number}."
        store.put([an_intake(a_document(f"test:{number}", text), embedder)])
    return Answerer(Retriever(store, embedder), WordReader())


QUESTIONS = ["red bus", "blue train", "zeppelin", "when does the red bus leave", "blue bus leaves"]


@settings(deadline=None)
@given(st.sampled_from(QUESTIONS), st.floats(0, 1), st.none() | st.floats(0, 1), st.integers(1, 8))
def test_what_counts_as_given_is_what_a_user_is_given(
    of_several: Answerer, question: str, threshold: float, enough: float | None, passages: int
) -> None:
    store = of_several._retriever.store
    options = Options(enough=enough, passages=passages)
    [judged], _ = ask_all(of_several.ask, [asked(question, "x")], threshold, options, store)
    seen = of_several.ask(question, replace(options, min_confidence=threshold))
    assert judged.given == bool(seen.answers)
    assert judged.read == len(seen.hits)
    if seen.answers:
        assert judged.best is not None
        assert judged.best.citation == seen.answers[0].citation
        assert judged.confidence == seen.answers[0].confidence


def test_texts_that_no_document_holds_were_lost_in_extraction(answerer: Answerer) -> None:
    store = answerer._retriever.store
    told: list[int] = []

    def nothing_found(question: str, options: Options) -> Reply:
        if not question.strip():
            raise InvalidQuestion("the question is empty; ask something")
        return reply(passages=[])

    targets = [asked("1", "Noon"), asked("2", "ten", "eleven"), asked("3", "ten", "the nine."),
               asked(" ", "x")]  # fmt: skip
    judged, faults = ask_all(nothing_found, targets, 0.5, Options(), store, told.append)
    assert [one.lost_in for one in judged] == [
        Stage.RETRIEVAL, Stage.EXTRACTION, Stage.RETRIEVAL
    ]  # fmt: skip
    assert [str(fault) for fault in faults] == ["q.jsonl: : the question is empty; ask something"]
    assert told == [1, 2, 3, 4]


def test_a_question_of_which_nothing_is_found_has_no_confidence() -> None:
    judged: Judged = judge(NINE, reply(), 0.0)
    assert (judged.best, judged.given, judged.confidence) == (None, False, 0.0)


def test_the_spans_own_probability_is_measured_beside_the_confidence() -> None:
    judged = [
        replace(judge(NINE, reply(answer("nine", 0.9)), 0.5), span_probability=0.2),
        replace(judge(NINE, reply(answer("red bus", 0.1)), 0.5), span_probability=0.8),
        judge(NINE, reply(), 0.5),
    ]
    figures = answer_figures(judged, 0.5)
    assert figures.coverage_at_precision["0.8"] is not None
    assert figures.coverage_at_precision["0.8"].coverage == pytest.approx(1 / 3)
    alone = figures.span_probability
    assert alone is not None
    # By itself the reader is surest of the wrong one.
    assert (alone.coverage_at_precision["0.8"], alone.auroc) == (None, 0.5)
    assert alone.calibration_error == pytest.approx((0.8 + 0.8) / 2)
    points = next(
        table for table in answer_report.tables(figures) if table.title == "Operating points"
    )
    assert points.rows[0] == ("80.0", "33.3", "0.900", "–", "–")
    assert len(points.columns) == len(points.rows[0])


def test_without_the_spans_own_probability_nothing_is_told_of_it() -> None:
    figures = answer_figures([judge(NINE, reply(answer("nine", 0.9)), 0.5)], 0.5)
    assert figures.span_probability is None
    told = str(answer_report.tables(figures))
    assert "coverage" in told
    assert "probability" not in told
