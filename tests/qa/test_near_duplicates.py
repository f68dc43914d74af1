"""The same report in several formats, from their bytes to the answer."""

import pytest
from qa_fakes import ScriptedReader

from index.extract import extract
from index.passages import Splitter
from index.retriever import Retriever
from index.store import IndexSettings
from qa.answering import Answerer
from qa.answers import Answer, Citation, Options
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import an_intake
from tests.fakes.memory_store import MemoryStore

LOANS = (
    "A reader may borrow up to 12 books at a time. A book is lent for 28 days, and the loan can be "
    "renewed once if nobody else has asked for the book in the meantime."
)
FEES = (
    "Whoever brings a book back late pays 20 pence a day for each book. What is lost has to be "
    "paid for in full, at the price that a new copy costs on the day the loss is reported."
)
HOURS = (
    "The library is open from 9 in the morning until 6 in the evening. On Sundays and on public "
    "holidays it stays closed, but books can be returned through the slot beside the door."
)
SECTIONS = [("Loans", LOANS), ("Fees", FEES), ("Opening hours", HOURS)]
MARKDOWN = "# Rules of the library\n\n" + "\n\n".join(
    f"## {heading}\n\n{body}" for heading, body in SECTIONS
)
HTML = "<html><head><title>Rules of the library</title></head><body><h1>Rules of the library</h1>"
HTML += "".join(f"<h2>{heading}</h2>\n<p>{body}</p>\n" for heading, body in SECTIONS)
TEXT = "Rules of the library\n\n" + "\n\n".join(
    f"{heading}\n\n{body.replace(' the ', ' the' + chr(10), 1)}" for heading, body in SECTIONS
)
FORMATS = {"rules.md": MARKDOWN, "rules.html": HTML, "rules.txt": TEXT}
OTHER = (
    "The museum next door lends pictures. A member may borrow 3 pictures, each for half a year,"
    " and pays nothing but the insurance, which the treasurer of the friends collects in May."
)

QUESTION = "How many may be borrowed?"


@pytest.fixture(params=[Splitter(), Splitter(32, 8), Splitter(24, 0)], ids=repr)
def store(request: pytest.FixtureRequest) -> MemoryStore:
    """An index of all three formats and of another text."""
    splitter: Splitter = request.param
    embedder = HashEmbedder()
    made = MemoryStore(IndexSettings(embedder.identity, splitter))
    files = {**FORMATS, "museum.txt": OTHER}
    documents = [
        extract(text.encode(), uri=f"file:///d/{name}", name=name) for name, text in files.items()
    ]
    made.put([an_intake(document, embedder, splitter) for document in documents])
    return made


def asked(
    store: MemoryStore, script: dict[str, float], options: Options
) -> tuple[tuple[Answer, ...], list[str]]:
    reader = ScriptedReader({QUESTION: script})
    reply = Answerer(Retriever(store, HashEmbedder()), reader).ask(QUESTION, options)
    return reply.answers, reader.seen


def places(answer: Answer) -> list[Citation]:
    return [answer.citation, *answer.also_at]


@pytest.mark.parametrize("quote", ["12 books", "28 days", "20 pence", "9 in the morning"])
def test_one_report_in_three_formats_gives_one_answer_at_three_places(
    store: MemoryStore, quote: str
) -> None:
    script = {quote: 3.0, quote.replace("the ", "the\n"): 3.0}
    [answer], _ = asked(store, script, Options(passages=30))
    cited = places(answer)
    assert sorted(place.uri for place in cited) == [f"file:///d/{name}" for name in sorted(FORMATS)]
    for place in cited:
        text = store.document(place.document_id).text
        assert text[place.start : place.end] == place.text
        assert place.text.split() == quote.split()


def test_other_answers_are_not_crowded_out(store: MemoryStore) -> None:
    script = {"12 books": 3.0, "3 pictures": 2.0}
    answers, _ = asked(store, script, Options(passages=30))
    assert [answer.text for answer in answers] == ["12 books", "3 pictures"]
    assert [place.uri for place in places(answers[1])] == ["file:///d/museum.txt"]


def test_what_three_formats_say_is_hardly_read_twice(store: MemoryStore) -> None:
    _, seen = asked(store, {}, Options(passages=99))
    most = max(len(store.passages(summary.id)) for summary in store.documents())
    everything = sum(len(store.passages(summary.id)) for summary in store.documents())
    assert most <= len(seen) <= 2 * most < everything


@pytest.mark.parametrize("said", ["28 days", "up to 12 books", "20 pence", "Sundays"])
def test_a_version_that_says_something_else_is_cited_apart(store: MemoryStore, said: str) -> None:
    embedder, splitter = HashEmbedder(), store.settings.splitter
    changed = MARKDOWN.replace(said, "something else")
    name = "rules-2.md"
    document = extract(changed.encode(), uri=f"file:///d/{name}", name=name)
    store.put([an_intake(document, embedder, splitter)])
    script = {said: 3.0, "something else": 2.0}
    answers, _ = asked(store, script, Options(passages=99))
    assert [answer.text.split() for answer in answers] == [said.split(), ["something", "else"]]
    assert [place.uri for place in places(answers[1])] == [f"file:///d/{name}"]
    assert f"file:///d/{name}" not in {place.uri for place in places(answers[0])}
