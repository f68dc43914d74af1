"""Headings and titles name a place; they are not given as answers."""

from qa_fakes import LetterEmbedder, MemoryStore, ScriptedReader, document, paragraphs

from index.documents import Section
from index.retriever import Retriever
from qa.answering import Answerer

QUESTION = "How long is it?"


def first_answer(title: str, text: str, sections: list[Section], script: dict[str, float]) -> str:
    store = MemoryStore([paragraphs(document(title, text, sections=sections))])
    answerer = Answerer(Retriever(store, LetterEmbedder()), ScriptedReader({QUESTION: script}))
    return next((answer.text for answer in answerer.ask(QUESTION).answers), "nothing")


def test_a_quote_from_a_heading_gives_way_to_one_from_the_text() -> None:
    text = "11.1 Duration\n\nIt lasts 36 months."
    sections = [Section(("11.1 Duration",), 0, len(text))]
    found = first_answer("Manual", text, sections, {"11.1": 9.0, "36 months": 3.0})
    assert found == "36 months"


def test_a_quote_from_the_title_gives_way_to_one_from_the_text() -> None:
    text = "Lease: Third Floor\n\nThe deposit is £17,100."
    found = first_answer("Lease: Third Floor", text, [], {"Third Floor": 9.0, "£17,100": 3.0})
    assert found == "£17,100"


def test_a_first_line_that_is_a_sentence_is_quoted_though_it_serves_as_title() -> None:
    text = "The pool is 25 metres long."
    assert first_answer(text, text, [], {"25 metres": 5.0}) == "25 metres"
