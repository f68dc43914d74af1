"""What is trained on, what is kept apart, and in which order."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_made import bells, labelled, training_set, write_squad

from index.errors import InvalidLabels, InvalidSettings
from qa.training.sets import Order, Source, load_set, parse_source, parted
from qa.training.split import articles, held_out


def test_about_one_article_in_forty_is_kept_apart() -> None:
    kept = sum(held_out(f"article {number}") for number in range(4000))
    assert 60 < kept < 140


def test_which_ones_is_the_same_for_everyone() -> None:
    names = [name for name in (f"article {number}" for number in range(100)) if held_out(name)]
    assert names == ["article 6"]


def test_a_set_of_one_title_is_parted_by_its_texts() -> None:
    one = [labelled("a text", "who"), labelled("another text", "who")]
    assert articles(one) == ["a text", "another text"]
    two = [labelled("a text", "who", title="x"), labelled("another text", "who", title="y")]
    assert articles(two) == ["x", "y"]


def test_a_file_is_parted_into_what_is_trained_on_and_the_rest(tmp_path: Path) -> None:
    questions = bells(200)
    found = load_set(Source(write_squad(tmp_path / "a.json", questions)))
    assert found.held_out
    assert all(held_out(one.title) for one in found.held_out)
    assert not any(held_out(one.title) for one in found.questions)
    assert len(found.questions) + len(found.held_out) == 200
    assert found.titled


def test_a_file_of_which_all_is_kept_apart_is_refused(tmp_path: Path) -> None:
    title = next(name for name in (f"a{number}" for number in range(999)) if held_out(name))
    other = next(name for name in (f"b{number}" for number in range(999)) if held_out(name))
    questions = [
        labelled("a text", "who", title=title, id_="1"),
        labelled("another", "who", title=other, id_="2"),
    ]
    path = write_squad(tmp_path / "a.json", questions)
    with pytest.raises(InvalidLabels, match=r"a\.json: all of its questions .* kept for measuring"):
        load_set(Source(path))


def test_what_is_asked_of_texts_elsewhere_has_a_digest_of_its_own(tmp_path: Path) -> None:
    source = Source(write_squad(tmp_path / "a.json", []))
    plain = bells(8)
    assert parted(source, plain, []).texts == ""
    found = [replace(one, article=f"a{at}") for at, one in enumerate(plain)]
    first = parted(source, found, []).texts
    assert first == parted(source, found, []).texts
    for change in ({"context": "x"}, {"question": "x"}, {"starts": (9,)}, {"answers": ("x",)}):
        changed = [replace(found[0], **change), *found[1:]]  # type: ignore[arg-type]
        assert parted(source, changed, []).texts not in ("", first)


def test_a_weight_stands_after_the_name(tmp_path: Path) -> None:
    assert parse_source("set.json=0.5") == Source(Path("set.json"), 0.5)
    assert parse_source("set.json") == Source(Path("set.json"))
    there = tmp_path / "odd=3"
    there.write_text("")
    assert parse_source(str(there)) == Source(there)
    for wrong in ("set.json=", "set.json=much", "set.json=0", "set.json=-1", "set.json=nan"):
        with pytest.raises(InvalidSettings, match="the weight"):
            parse_source(wrong)


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    weights=st.lists(st.sampled_from([0.2, 0.5, 1.0, 2.0, 2.5]), min_size=4, max_size=4),
    seed=st.integers(0, 3),
)
def test_a_pass_asks_each_question_as_often_as_its_weight_says(
    sizes: list[int], weights: list[float], seed: int
) -> None:
    sets = [training_set(bells(size), weight) for size, weight in zip(sizes, weights, strict=False)]
    order = Order(sets, seed)
    drawn = order.draws(order.length, order.length)
    assert [one.number for one in drawn] == list(range(order.length, 2 * order.length))
    counts = Counter((one.set, one.question) for one in drawn)
    for place, one in enumerate(sets):
        asked = [counts[place, question] for question in range(len(one.questions))]
        assert sum(asked) == max(1, round(one.source.weight * len(one.questions)))
        assert max(asked) - min(asked) <= 1


@given(first=st.integers(0, 40), count=st.integers(0, 40))
def test_draws_depend_on_their_numbers_only(first: int, count: int) -> None:
    sets = [training_set(bells(7)), training_set(bells(5), 0.5)]
    whole = Order(sets, 1).draws(0, 80)
    assert Order(sets, 1).draws(first, count) == whole[first : first + count]
    assert Order(sets, 2).draws(0, 80) != whole


def test_of_an_index_with_one_document_nothing_is_kept_apart(tmp_path: Path) -> None:
    source = Source(write_squad(tmp_path / "a.json", bells(1)))
    one = replace(labelled("It is Ann.", "who"), article="article 6")
    made = parted(source, [one], [])
    assert (len(made.questions), made.held_out) == (1, ())
    both = parted(source, [one, replace(one, article="article 7")], [])
    assert (len(both.questions), len(both.held_out)) == (1, 1)
