"""Which sets a folder of data has, what of them is held out, and what the pool is made of."""

from pathlib import Path

import pytest

from index.local_store import LocalStore
from index.passages import Splitter
from index.store import IndexSettings
from qa.evaluation.labelled import LabelledQuestion
from qa.evaluation.questions import GoldPlace
from qa.evaluation.searching import fill
from tests.evaluation.data import HELD_OUT_1, HELD_OUT_2, UNANSWERABLE, Data, named
from tests.evaluation.made import NAMES, make_data, paragraph
from tests.evaluation.pool import as_queries, paragraph_id, pooled, targets
from tests.fakes.hash_embedder import HashEmbedder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return Data(make_data(tmp_path_factory.mktemp("data")))


def test_files_are_named_without_their_endings() -> None:
    names = ("a.json.gz", "b.json", "c.d.jsonl", "e")
    assert [named(Path("x") / name) for name in names] == ["a", "b", "c.d", "e"]


def test_dev_sets_are_taken_whole(data: Data) -> None:
    assert [one.name for one in data.dev()] == ["other-dev", "qed-dev"]
    assert [len(one.labelled.questions) for one in data.dev()] == [1, 2]


def test_only_articles_that_training_leaves_out_are_held_out(data: Data) -> None:
    first, second = data.held_out()
    assert (first.name, second.name) == (HELD_OUT_1, HELD_OUT_2)
    assert [one.id for one in first.labelled.questions] == ["Cem-True", "Dora-True"]
    absent = [one.id for one in second.labelled.questions if not one.answers]
    assert absent == ["Cem-False", "Dora-False", "Emil-False"]
    assert len(second.labelled.questions) == 5


def test_the_pool_asks_of_absent_things_only_about_articles_in_it(data: Data) -> None:
    pool = data.pool()
    assert pool is not None
    assert [one.name for one in pool.answerable] == ["qed-dev", HELD_OUT_1]
    assert pool.unanswerable is not None
    assert pool.unanswerable.name == UNANSWERABLE
    assert [one.id for one in pool.unanswerable.labelled.questions] == ["Cem-False", "Dora-False"]
    found = pooled([q for one in pool.paragraphs for q in one.labelled.questions], [])
    # Each text once, though one stands in two sets; none of what is not pooled.
    assert sorted(one.text.split()[0] for one in found.documents) == list(NAMES[:8])
    assert {one.title for one in found.documents} == {""}


def test_a_folder_without_data_has_no_sets(tmp_path: Path) -> None:
    nothing = Data(tmp_path)
    assert (nothing.dev(), nothing.held_out(), nothing.retrieval()) == ([], [], [])
    assert nothing.pool() is None


def test_corpora_are_folders_with_judgements(data: Data) -> None:
    assert [path.name for path in data.retrieval()] == ["small"]


def labelled(id_: str, context: str, *answers: tuple[str, int]) -> LabelledQuestion:
    texts, starts = tuple(text for text, _ in answers), tuple(start for _, start in answers)
    return LabelledQuestion(id_, "?", context, texts, "here", starts)


def test_a_question_ought_to_find_its_paragraph(tmp_path: Path) -> None:
    text = paragraph("Ada", "Ulm")
    asked = [
        labelled("a", f"  {text} ", ("Ulm", 2 + text.index("Ulm"))),
        labelled("b", "Ulm and  Ulm.", ("Ulm", 9)),
        labelled("c", text),
        labelled("d", "is not there", ("not", 3)),
    ]
    pool = pooled(asked[:3], [])
    assert len(pool.documents) == 2
    beir = as_queries(pool, asked[:3])
    assert beir.judged["a"] == beir.judged["c"] == {paragraph_id(text): 1}
    embedder = HashEmbedder()
    store = LocalStore.create(tmp_path / "i", IndexSettings(embedder.identity, Splitter()))
    assert fill(store, embedder, pool.documents, lambda _: None) == []
    found = targets(store, asked)
    a, b, c, d = found
    [place] = a.places
    document = store.document(place.document_id)
    assert document.text[place.start : place.end] == "Ulm"
    assert (a.texts, a.unread) == (("Ulm",), False)
    stands = store.document(b.places[0].document_id).text
    if stands == "Ulm and  Ulm.":
        assert b.places == (GoldPlace(b.places[0].document_id, 9, 12),)
    else:
        # Mended text: the words count wherever they stand.
        assert [stands[one.start : one.end] for one in b.places] == ["Ulm", "Ulm"]
    assert (c.answerable, c.places) == (False, ())
    assert (d.unread, d.places, d.answerable) == (True, (), True)
    store.close()
