"""A reader that remembers, and what the reader by itself says of an answer."""

from collections.abc import Mapping, Sequence
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from index.passages import Splitter
from index.retriever import Retriever
from index.store import IndexSettings
from qa.answering import Answerer
from qa.answers import Options, Span
from qa.evaluation.asking import ask_all
from qa.evaluation.questions import AskedQuestion, Target
from qa.evaluation.remembering import RememberingReader, span_probability
from qa.reader import Reading, chance
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_intake
from tests.fakes.memory_store import MemoryStore
from tests.fakes.word_reader import WordReader

ASKED = st.tuples(
    st.sampled_from(["a b?", "a  b?", "b?"]),
    st.lists(st.tuples(st.sampled_from(["a b c", "b a", "\ud800 b", ""]), st.integers(0, 3))),
)


class Counting(WordReader):
    def __init__(self) -> None:
        self.seen: list[tuple[str, str, int]] = []

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        self.seen += [(question, *pair) for pair in zip(texts, begins or [], strict=True)]
        return super().read(question, texts, begins)


@settings(deadline=None)
@given(st.lists(ASKED), st.integers(1, 50))
def test_it_reads_as_the_other_does_and_nothing_twice_while_it_remembers(
    asked: list[tuple[str, list[tuple[str, int]]]], most: int
) -> None:
    counting = Counting()
    reader = RememberingReader(counting, most)
    for question, pairs in asked:
        texts, begins = [text for text, _ in pairs], [begin for _, begin in pairs]
        assert reader.read(question, texts, begins) == WordReader().read(question, texts, begins)
    distinct = {(question, *pair) for question, pairs in asked for pair in pairs}
    if most >= len(distinct):
        # Texts that come twice in one call are read together.
        calls = [(question, *pair) for question, pairs in asked for pair in pairs]
        assert len(counting.seen) <= len(calls)
        assert set(counting.seen) == distinct
        assert all(counting.seen.count(one) == 1 for one in distinct if calls.count(one) == 1)
    assert (reader.name, reader.calibration) == (counting.name, counting.calibration)


def test_the_oldest_is_forgotten_first() -> None:
    counting = Counting()
    reader = RememberingReader(counting, 2)
    for text in ("one", "two", "one", "three", "one", "two"):
        reader.read("?", [text], [0])
    assert [text for _, text, _ in counting.seen] == ["one", "two", "three", "two"]


class Scripted(WordReader):
    """Finds these words with these scores, and nothing for other questions."""

    def __init__(self, scores: Mapping[str, float]) -> None:
        self.scores = scores

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        scores = self.scores if question == "When?" else {}
        return [
            Reading(
                tuple(
                    Span(text.index(word), text.index(word) + len(word), score)
                    for word, score in scores.items()
                )
            )
            for text in texts
        ]


def test_what_the_reader_says_by_itself_is_kept_beside_the_confidence() -> None:
    embedder, reader = HashEmbedder(), Scripted({"nine": 1.5, "red bus": -2.0})
    store = MemoryStore(IndexSettings(embedder.identity, Splitter()))
    store.put([an_intake(a_document("test:d", "The red bus leaves at nine."), embedder)])
    answerer = Answerer(Retriever(store, embedder), reader)
    targets = [
        Target(AskedQuestion(question, question, (), "here"), ("nine",), ())
        for question in ("When?", "Who?")
    ]
    judged, _ = ask_all(
        answerer.ask,
        targets,
        0.5,
        Options(),
        store,
        span_probability=partial(span_probability, reader),
    )
    assert [one.span_probability for one in judged] == [chance(1.5), None]
    reply = answerer.ask("When?", Options(min_confidence=0.0))
    found = [span_probability(reader, reply, answer) for answer in reply.answers]
    assert found == [chance(1.5), chance(-2.0)]
    assert span_probability(Scripted({}), reply, reply.answers[0]) is None
