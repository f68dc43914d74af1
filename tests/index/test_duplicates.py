"""Passages that say what others say already, and where they say it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.documents import Hit, Passage
from index.duplicates import distinct, same_quote

RENT = (
    "The rent is 900 pounds a month. It is due on the first working day of each month, and late "
    "payment costs 15 pounds. The deposit is held by an independent scheme until the end."
)
PETS = "Dogs are not allowed in the flat; cats are, if the landlord agrees in writing beforehand."


def passage(document: str, text: str, start: int = 0, context: str = "") -> Passage:
    return Passage(document, start, start + len(text), text, context)


def hits(*passages: Passage) -> list[Hit]:
    """The passages as hits, best first."""
    return [Hit(one, 1 - place / 1000, 0.5, 1.0) for place, one in enumerate(passages)]


def kept(found: list[Hit]) -> list[Passage]:
    return [hit.passage for hit in found]


def test_what_another_document_says_word_for_word_is_left_out() -> None:
    html, pdf = passage("html", RENT), passage("pdf", RENT.replace(". ", ".\n"), 40)
    [hit] = distinct(hits(html, pdf, passage("pets", PETS))[:2], 5)
    assert (hit.passage, hit.duplicates) == (html, (pdf,))


def test_the_best_of_each_group_is_kept_and_others_move_up() -> None:
    copies = [passage(f"copy {number}", RENT) for number in range(8)]
    pets = passage("pets", PETS)
    found = distinct(hits(*copies, pets), 2)
    assert kept(found) == [copies[0], pets]
    assert found[0].duplicates == tuple(copies[1:])
    assert found[1].duplicates == ()


def test_duplicates_behind_the_last_one_kept_are_found_too() -> None:
    first, other, late = passage("a", RENT), passage("b", PETS), passage("c", RENT)
    [hit] = distinct(hits(first, other, late), 1)
    assert (hit.passage, hit.duplicates) == (first, (late,))


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("900", "950"),
        ("first", "second"),
        ("is due", "is not due"),
        ("15 pounds", "15 euros"),
        ("15 pounds", "15% pounds"),
        ("until the end", "until the very end"),
        (" and late payment costs 15 pounds", ""),
    ],
)
def test_whatever_differs_is_read(said: str, instead: str) -> None:
    assert said in RENT
    last_year = passage("2024", RENT.replace(said, instead))
    for first, second in ((last_year, passage("2025", RENT)), (passage("2025", RENT), last_year)):
        found = distinct(hits(first, second), 5)
        # Words that are left out at one place are no news to who has read the longer text.
        assert kept(found) == [first, second]
        assert [hit.duplicates for hit in found] == [(), ()]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("4.5", "4,5"),
        ("2–5", "2.5"),
        ("-5", "5"),
        ("12:30", "12.30"),
        ("€ 5", "$ 5"),
        ("5", "5 %"),
        ("1,250", "(1,250)"),
        ("1 250", "(1 250)"),
        ("$1,250", "($1,250)"),
        ("5", "> 5"),
        ("5", ">5"),
        ("5", "- 5"),
        ("5", " –  5"),
    ],
)
def test_numbers_are_the_same_only_if_they_are_written_alike(one: str, other: str) -> None:
    texts = [f"The fee for each further hour is {number} at present." for number in (one, other)]
    for first, second in (texts, texts[::-1]):
        assert len(distinct(hits(passage("a", first), passage("b", second)), 5)) == 2


@pytest.mark.parametrize(
    "marked",
    [
        "- 5 cars\n- 12 bikes",
        "  - 5 cars\n  - 12 bikes",
        "> 5 cars\n> 12 bikes",
        "> > 5 cars\n>> 12 bikes",
        "> - 5 cars\n> - 12 bikes",
        "– 5 cars\n– 12 bikes",
        "(5 cars)\n(12 bikes)",
    ],
)
def test_marks_of_lists_and_of_quotations_are_no_signs(marked: str) -> None:
    plain = "There is room for:\n5 cars\n12 bikes"
    [hit] = distinct(hits(passage("a", plain), passage("b", f"There is room for:\n{marked}")), 5)
    assert len(hit.duplicates) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("1,250", "(1,250)"), ("5", "-5"), ("5", "- 5"), ("5", "> 5"), ("5", "5.2"), ("5", "5 %")],
)
def test_a_quoted_number_is_not_found_where_its_sign_is_another(one: str, other: str) -> None:
    text, another = (f"The result of the year was {number} at last." for number in (one, other))
    for first, second, number in ((text, another, one), (another, text, one)):
        start = first.index(number)
        assert same_quote(first, start, start + len(number), second) is None
        found = same_quote(first, start, start + len(number), first)
        assert found == (start, start + len(number))


def test_numbers_in_other_places_are_other_facts() -> None:
    texts = ["Adults pay 12 pounds, children 8 pounds.", "Adults pay 8 pounds, children 12 pounds."]
    assert len(distinct(hits(*(passage(text, text) for text in texts)), 5)) == 2


def test_a_list_of_like_lines_is_compared_line_by_line() -> None:
    line = "Up to {} years: {} days at full pay, then {} days at half pay."
    one = "\n".join([line.format(1, 10, 10), line.format(4, 30, 30), line.format(9, 60, 60)])
    other = "\n".join([line.format(1, 10, 10), line.format(4, 30, 60), line.format(9, 60, 60)])
    assert len(distinct(hits(passage("a", one), passage("b", other)), 5)) == 2


def test_marks_case_and_line_breaks_do_not_make_a_text_another() -> None:
    marked = (
        "- *Dogs* are NOT allowed in the flat; cats are,\n  if the landlord “agrees” in writing"
    )
    [hit] = distinct(hits(passage("a", PETS), passage("b", marked)), 5)
    assert len(hit.duplicates) == 1


def test_a_part_of_what_was_kept_is_left_out_but_not_the_whole_for_a_part() -> None:
    part = RENT[: RENT.index(" The deposit")]
    [hit] = distinct(hits(passage("a", RENT), passage("b", part)), 5)
    assert hit.duplicates == (passage("b", part),)
    assert len(distinct(hits(passage("a", part), passage("b", RENT)), 5)) == 2


@pytest.mark.parametrize("shared", ["", "end.", "independent scheme until the end."])
def test_a_text_cut_at_another_place_is_the_same_text(shared: str) -> None:
    text = f"{RENT}\n\n{PETS}"
    start = len(RENT) - len(shared) if shared else len(RENT) + 2
    assert text[start:].startswith(shared or PETS)
    first, second = passage("a", RENT), passage("a", text[start:], start)
    middle = passage("b", text[text.index("first working") : text.index(" cats are")])
    for order in ((first, second), (second, first)):
        found = distinct(hits(*order, middle), 5)
        assert kept(found) == list(order)
        assert [hit.duplicates for hit in found] in ([(middle,), ()], [(), (middle,)])


def test_passages_of_one_document_that_do_not_meet_are_not_one_text() -> None:
    first, second = passage("a", RENT), passage("a", PETS, len(RENT) + 50)
    across = passage("b", f"{RENT[100:]} {PETS[:40]}")
    assert len(distinct(hits(first, second, across), 5)) == 3


def test_one_document_never_makes_its_own_passages_superfluous() -> None:
    found = distinct(hits(passage("a", RENT), passage("a", RENT, 900)), 5)
    assert [hit.duplicates for hit in found] == [(), ()]


def test_short_texts_are_the_same_only_under_the_same_headings() -> None:
    lamp = passage("a", "Price: 12 pounds.", context="Catalogue > Lamp")
    chair = passage("b", "Price: 12 pounds.", context="Catalogue > Chair")
    again = passage("c", "Price: 12 pounds.", context="Catalogue > Lamp")
    found = distinct(hits(lamp, chair, again), 5)
    assert kept(found) == [lamp, chair]
    assert found[0].duplicates == (again,)


def test_a_long_text_is_the_same_under_another_title_but_not_under_another_heading() -> None:
    first = passage("a", RENT, context="Lease > Money")
    retitled = passage("b", RENT, context="lease-final-2 > Money")
    elsewhere = passage("c", RENT, context="Lease > Garage")
    found = distinct(hits(first, retitled, elsewhere), 5)
    assert kept(found) == [first, elsewhere]
    assert found[0].duplicates == (retitled,)


WORDS = st.lists(st.sampled_from(["a", "b", "c", "1", "2", "not", "€", "-5"]), max_size=12).map(
    " ".join
)


@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 40), WORDS), max_size=12),
    st.integers(1, 6),
)
def test_nothing_is_lost_and_nothing_comes_twice(made: list[tuple[str, int, str]], k: int) -> None:
    given_hits = hits(*(passage(document, text, start) for document, start, text in made))
    found = distinct(given_hits, k)
    assert len(found) <= k
    order = [
        given_hits.index(Hit(h.passage, h.score, h.dense_score, h.lexical_score)) for h in found
    ]
    assert order == sorted(order)
    for hit in found:
        for duplicate in hit.duplicates:
            assert duplicate.document_id != hit.passage.document_id
    if len(found) < k:
        everything = kept(found) + [d for hit in found for d in hit.duplicates]
        assert sorted(map(repr, everything)) == sorted(repr(h.passage) for h in given_hits)


TEXTS = st.lists(
    st.sampled_from(["rent", "is", "900", "15", "not", "due", ".", "the"]), min_size=1, max_size=30
)


@given(TEXTS, TEXTS, st.lists(st.integers(1, 29), max_size=3))
def test_a_passage_is_left_out_only_if_its_words_stand_in_the_other_document_in_order(
    one: list[str], other: list[str], cuts: list[int]
) -> None:
    """`one` is kept in pieces that follow one another, in any order."""
    text, position, pieces = " ".join(one), 0, []
    borders = sorted({len(" ".join(one[:cut])) for cut in cuts if cut < len(one)})
    for border in [*borders, len(text)]:
        pieces.append(passage("one", text[position:border].strip(), position + (position > 0)))
        position = border
    found = distinct(hits(*reversed(pieces), passage("other", " ".join(other))), 99)
    is_left_out = any(hit.duplicates for hit in found)
    words = [word for word in one if word != "."]
    wanted = [word for word in other if word != "."]
    stands = any(words[at : at + len(wanted)] == wanted for at in range(len(words)))
    assert is_left_out == (stands and bool(wanted))


def test_many_passages_of_one_document_are_joined_in_good_time() -> None:
    sentences = [f"This is sentence number {number} of a long text. " for number in range(3000)]
    pieces, position = [], 0
    for sentence in sentences:
        pieces.append(passage("a", sentence.strip(), position))
        position += len(sentence)
    whole = passage("b", "".join(sentences).strip())
    found = distinct(hits(*pieces, whole), 5000)
    assert [hit.duplicates for hit in found if hit.duplicates] == [(whole,)]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("The rent is 900 pounds a month.", "900"),
        ("12 900\nThe rent\nis 900\npounds a month, and 900 more", "900"),
        ("- *The rent* is: 900 pounds a month", "900"),
        ("The rent is 1,900 pounds a month.", None),
        ("The rent is 1900 pounds a month.", None),
        ("The rent is 900th pounds a month.", None),
        ("It has 900 rooms, 900 doors and many other things that all have a number.", None),
        ("The fine is 900 pounds a month.", None),
        ("900 pounds a month", "900"),
        ("The rent is 900", "900"),
        ("nothing", None),
        ("", None),
    ],
)
def test_a_quote_is_found_where_its_surroundings_are(other: str, expected: str | None) -> None:
    text = "So be it. The rent is 900 pounds a month. The deposit is 1,200."
    start = text.index("900")
    found = same_quote(text, start, start + 3, other)
    assert (None if found is None else other[slice(*found)]) == expected
    if found is not None and found[0]:
        assert other[: found[0]].split()[-1].strip(":") == "is"


def test_a_quote_over_several_lines_is_found_up_to_white_space() -> None:
    text = "You may park on the first\nfloor. Not above."
    other = "Cars: You may park on the  first floor."
    start = text.index("first")
    found = same_quote(text, start, text.index(". Not"), other)
    assert found is not None
    assert other[slice(*found)] == "first floor"


@given(st.text("ab 1.\n", max_size=40), st.text("ab 1.\n", max_size=40), st.data())
def test_what_is_found_is_the_quote_up_to_white_space(
    text: str, other: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    found = same_quote(text, start, end, other)
    if found is not None:
        assert other[slice(*found)].split() == text[start:end].split() != []


@given(st.lists(st.sampled_from("ab1."), min_size=1, max_size=20), st.data())
def test_a_quote_is_found_in_its_own_text(words: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first + 1, len(words)))
    start = len(" ".join(words[:first])) + (first > 0)
    text, quote = " ".join(words), " ".join(words[first:last])
    found = same_quote(text, start, start + len(quote), "\n".join(words))
    assert found is not None
    assert text[slice(*found)] == quote
