"""Citations that are held against a document as it is now."""

from dataclasses import replace
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.documents import Document
from index.passages import Splitter
from index.store import IndexSettings, Intake, Origin
from qa import verifying
from qa.answers import Citation, cite
from qa.verifying import Claim, Standing, find_again, verify
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_entry, an_intake
from tests.fakes.memory_store import MemoryStore

LEASE = a_document(
    "test:lease",
    "The rent is 900 pounds a month. The deposit is 900 pounds too. Repairs are the landlord's.",
    title="Lease",
)


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore(IndexSettings(HashEmbedder().identity, Splitter()))
    put(made, LEASE)
    return made


def put(store: MemoryStore, document: Document) -> None:
    store.put([an_intake(document, HashEmbedder())])


def claim_of(citation: Citation) -> Claim:
    return Claim(
        citation.document_id,
        citation.start,
        citation.text,
        citation.prefix,
        citation.suffix,
        citation.uri,
    )


def cited(quote: str, document: Document = LEASE, nth: int = 0) -> Citation:
    start = -1
    for _ in range(nth + 1):
        start = document.text.index(quote, start + 1)
    return cite(document, start, start + len(quote))


def test_a_quote_that_is_where_it_was_stands(store: MemoryStore) -> None:
    for nth in range(2):
        place = cited("900 pounds", nth=nth)
        verdict = verify(store, claim_of(place))
        assert (verdict.standing, verdict.citation, verdict.reason) == ("stands", place, None)


def test_a_quote_moves_with_the_text_around_it(store: MemoryStore) -> None:
    was = cited("900 pounds", nth=1)
    changed = a_document("test:lease", f"In brief. {LEASE.text}", title="Lease")
    put(store, changed)
    verdict = verify(store, claim_of(was))
    assert verdict.standing is Standing.MOVED
    assert verdict.citation == cited("900 pounds", changed, nth=1)


def test_without_its_surroundings_a_quote_is_found_nearest_to_where_it_was() -> None:
    text = "ab....ab..........ab"
    assert find_again(text, Claim("d", 4, "ab")) == 6
    assert find_again(text, Claim("d", 3, "ab")) == 0
    assert find_again(text, Claim("d", 99, "ab")) == 18
    assert find_again(text, Claim("d", 0, "ab")) == 0


def test_surroundings_count_more_than_nearness() -> None:
    text = "x12y x12z q12z"
    assert find_again(text, Claim("d", 13, "12", "x", "y")) == 1
    assert find_again(text, Claim("d", 13, "12", "x", "")) == 6
    assert find_again(text, Claim("d", 0, "12", "..q", "z..")) == 11
    # No place has both neighbours: the one with more of them is taken.
    assert find_again(text, Claim("d", 13, "12", "xx", "yy")) == 1


def test_a_quote_whose_text_is_gone_is_gone(store: MemoryStore) -> None:
    was = cited("Repairs are the landlord's.")
    put(store, a_document("test:lease", "The rent is 950 pounds a month.", title="Lease"))
    verdict = verify(store, claim_of(was))
    assert (verdict.standing, verdict.citation) == (Standing.GONE, None)
    assert verdict.reason == "The document does not hold this text any more."


def test_words_that_differ_in_white_space_only_are_not_the_quote(store: MemoryStore) -> None:
    verdict = verify(store, Claim(LEASE.id, 0, "The rent  is"))
    assert verdict.standing is Standing.GONE


def test_a_quote_of_a_document_that_is_not_there_is_gone(store: MemoryStore) -> None:
    was = claim_of(cited("900 pounds"))
    store.remove([LEASE.id])
    verdict = verify(store, replace(was, sha256=LEASE.sha256))
    assert verdict.standing is Standing.GONE
    assert (verdict.reason or "").startswith("The document is not in the index")


def test_a_document_with_another_id_is_found_by_its_uri(store: MemoryStore) -> None:
    was = claim_of(cited("900 pounds", nth=1))
    verdict = verify(store, replace(was, document_id="another"))
    assert verdict.standing is Standing.MOVED
    assert verdict.citation == cited("900 pounds", nth=1)


def test_a_document_that_stands_elsewhere_now_is_found_by_its_digest(store: MemoryStore) -> None:
    was = claim_of(cited("900 pounds", nth=1))
    store.remove([LEASE.id])
    elsewhere = a_document("test:archive/lease", LEASE.text, title="Lease")
    entry = an_entry(elsewhere, HashEmbedder())
    store.put([Intake(Origin(elsewhere.uri, elsewhere.sha256, ""), [entry])])
    assert verify(store, was).standing is Standing.GONE
    verdict = verify(store, replace(was, sha256=LEASE.sha256.upper()))
    assert verdict.standing is Standing.MOVED
    assert verdict.citation == cited("900 pounds", elsewhere, nth=1)


def test_another_document_that_says_the_same_is_no_proof(store: MemoryStore) -> None:
    was = claim_of(cited("900 pounds"))
    store.remove([LEASE.id])
    put(store, a_document("test:poster", "It costs 900 pounds.", title="Poster"))
    assert verify(store, was).standing is Standing.GONE


def _by_looking_everywhere(text: str, claim: Claim, most: int) -> int | None:
    """What `find_again` promises, place by place."""
    size = len(claim.text)
    places = [p for p in range(len(text) - size + 1) if text[p : p + size] == claim.text]
    if claim.start in places:
        return claim.start

    def adjoining(place: int) -> int:
        count = 0
        for back in range(1, len(claim.prefix) + 1):
            if place - back < 0 or text[place - back] != claim.prefix[-back]:
                break
            count += 1
        for on, char in enumerate(claim.suffix):
            if text[place + size + on : place + size + on + 1] != char:
                break
            count += 1
        return count

    whole = len(claim.prefix) + len(claim.suffix)
    best = [place for place in places if adjoining(place) == whole]
    if not best:
        before = [place for place in places if place < claim.start]
        after = [place for place in places if place >= claim.start]
        best = before[-most:] + after[:most]
    return min(best, key=lambda p: (-adjoining(p), abs(p - claim.start), p), default=None)


_LETTERS = st.text("ab", max_size=30)


@given(
    _LETTERS,
    st.text("ab", min_size=1, max_size=4),
    st.text("ab", max_size=3),
    st.text("ab", max_size=3),
    st.integers(0, 35),
    st.integers(1, 4),
)
def test_a_quote_is_found_where_looking_everywhere_finds_it(
    text: str, quote: str, prefix: str, suffix: str, start: int, most: int
) -> None:
    claim = Claim("d", start, quote, prefix, suffix)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verifying, "MOST_WEIGHED", most)
        found = find_again(text, claim)
    assert found == _by_looking_everywhere(text, claim, most)


@given(st.text(max_size=60), st.data(), st.text(max_size=20), st.text(max_size=20))
def test_what_was_cited_is_found_whatever_is_put_around_it(
    text: str, data: st.DataObject, before: str, after: str
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    claim = claim_of(cite(a_document("test:any", text), start, end))
    assert find_again(text, claim) == start
    found = find_again(before + text + after, claim)
    assert found is not None
    assert (before + text + after)[found : found + end - start] == text[start:end]


@pytest.mark.parametrize(
    ("quote", "prefix", "suffix"),
    [
        ("aaa", "x", "y"),
        ("a" * 20_000, "x", "y"),
        ("a" * 19_999 + "b", "", ""),
        ("b" + "a" * 19_999, "", ""),
        ("a" * 10_000 + "b" + "a" * 9_999, "", ""),
        ("aa", "a" * 500 + "b", "b" + "a" * 500),
    ],
)
def test_a_text_of_one_letter_takes_no_longer_than_another(
    quote: str, prefix: str, suffix: str
) -> None:
    text = "a" * 5_000_000
    began = perf_counter()
    find_again(text, Claim("d", len(text) + 7, quote, prefix, suffix))
    assert perf_counter() - began < 5
