"""What every `PassageStore` does: what stands where."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import numpy as np
import pytest

from index.documents import Cell, Document, Glyphs, Page, Part, Problem, Section
from index.errors import UnknownDocument
from index.passages import text_in_context
from index.store import (
    PARTLY,
    Intake,
    Origin,
    OriginState,
    PassageStore,
)
from tests.contracts.stores import (
    EMBEDDER,
    LEASE,
    LONG,
    OTHERS,
    TRAM,
    ZOO,
    filling,
    moved,
    put,
    search,
    texts,
)
from tests.fakes.made import a_document, an_entry, an_intake


def origin(document: Document, recipe: str = "") -> Origin:
    return Origin(document.uri, document.sha256, recipe)


def archive(
    *documents: Document, problems: Sequence[Problem] = (), uri: str = "test:a.zip"
) -> Intake:
    """A container that holds these documents, by the last part of their URIs."""
    digest = sha256("".join(document.sha256 for document in documents).encode()).hexdigest()
    members = [
        replace(document, uri=f"{uri}!/{document.uri.removeprefix('test:')}")
        for document in documents
    ]
    return Intake(
        Origin(uri, digest, ""), [an_entry(member, EMBEDDER) for member in members], problems
    )


def places(store: PassageStore) -> dict[str, str]:
    """The id of the document at each place."""
    return {
        uri: summary.id for summary in store.documents() for uri in (summary.uri, *summary.copies)
    }


def named(uri: str, text: str, title: str) -> Document:
    """A document that states no title."""
    return replace(a_document(uri, text, title=title), title_from_name=True)


def test_ids_are_told_for_each_intake(store: PassageStore) -> None:
    ids = store.put([archive(LEASE, ZOO), an_intake(TRAM, EMBEDDER)])
    assert ids == [
        [places(store)["test:a.zip!/lease"], places(store)["test:a.zip!/zoo"]],
        [TRAM.id],
    ]
    failed = Intake(
        Origin("test:a.zip", "other", ""), problems=[Problem("test:a.zip", "x: broken")]
    )
    assert store.put([failed]) == [ids[0]]


def test_origins_are_told_with_what_could_not_be_read(store: PassageStore) -> None:
    problems = (Problem("test:a.zip!/b.exe", "a.zip!/b.exe: is a program", unsupported=True),)
    zipped = archive(LEASE, ZOO, problems=problems)
    broken = Intake(Origin("test:x.pdf", "ff", "2"), problems=[Problem("test:x.pdf", "x: damaged")])
    store.put([an_intake(TRAM, EMBEDDER, recipe="7"), zipped, broken])
    assert store.origins() == [
        OriginState(zipped.origin, 2, problems),
        OriginState(Origin(TRAM.uri, TRAM.sha256, "7"), 1),
        OriginState(broken.origin, 0, tuple(broken.problems)),
    ]
    assert store.problems() == [*problems, *broken.problems]
    store.put([an_intake(replace(TRAM, uri="test:x.pdf"), EMBEDDER)])
    assert store.origins()[-1] == OriginState(Origin("test:x.pdf", TRAM.sha256, ""), 1)


def test_an_intake_replaces_all_that_stood_at_its_origin(store: PassageStore) -> None:
    store.put([archive(LEASE, ZOO)])
    lease = places(store)["test:a.zip!/lease"]
    changed = a_document(LEASE.uri, "The rent is 950 pounds.")
    store.put([archive(changed, TRAM)])
    assert set(places(store)) == {"test:a.zip!/lease", "test:a.zip!/tram"}
    assert places(store)["test:a.zip!/lease"] == lease
    assert texts(search(store, "rent")) == {changed.text, TRAM.text}


def test_a_file_that_cannot_be_read_any_more_leaves_its_documents(store: PassageStore) -> None:
    put(store, LEASE)
    problem = Problem(LEASE.uri, "lease: is encrypted")
    store.put([Intake(Origin(LEASE.uri, "other", ""), problems=[problem])])
    assert store.origins() == [OriginState(Origin(LEASE.uri, "other", ""), 1, (problem,))]
    assert texts(search(store, "rent")) == {LEASE.text}
    put(store, LEASE)
    assert store.origins() == [OriginState(origin(LEASE), 1)]


def test_equal_contents_are_one_document_with_all_places(store: PassageStore) -> None:
    copy = replace(LEASE, uri="test:copy")
    put(store, LEASE, copy)
    store.put([archive(LEASE, ZOO)])
    zoo, lease = store.documents()
    assert (lease.id, lease.uri, lease.copies) == (
        LEASE.id,
        LEASE.uri,
        ("test:copy", "test:a.zip!/lease"),
    )
    assert (zoo.uri, zoo.copies) == ("test:a.zip!/zoo", ())
    assert store.document(LEASE.id) == replace(LEASE, copies=lease.copies)
    assert all(store.find(uri) == lease for uri in (lease.uri, *lease.copies))
    assert texts(search(store, "rent")) == {LEASE.text, ZOO.text}
    assert len(search(store, "rent")) == 2
    states = store.origins()
    assert [state.documents for state in states] == [2, 1, 1]
    assert [store.origins(state.origin.uri) for state in states] == [[state] for state in states]
    assert store.origins("test:nowhere") == []


OTHERWISE: dict[str, Mapping[str, Any]] = {
    "text": {"text": "The rent is 901 pounds."},
    "title": {"title": "Rent"},
    "metadata": {"metadata": {"author": "Ünal"}},
    "media type": {"media_type": "text/markdown"},
    "bytes": {"sha256": "00"},
    "pages": {"pages": (Page(1, 0, 9),)},
    "page size": {"pages": (Page(1, 0, 9, Glyphs(9.0, 9.0, b"")),)},
    "glyphs": {"pages": (Page(1, 0, 9, Glyphs(9.0, 9.0, b"x")),)},
    "sections": {"sections": (Section(("The rent",), 0, 9),)},
    "parts": {"parts": (Part("slide", "1", 0, 9),)},
    "cells": {"cells": (Cell(0, 3, 1, 1),)},
    "source of its title": {"title_from_name": True},
}


def test_contents_that_differ_in_anything_are_documents_of_their_own(store: PassageStore) -> None:
    variants = [LEASE] + [
        replace(LEASE, uri=f"test:{name}", **changes) for name, changes in OTHERWISE.items()
    ]
    put(store, *variants)
    assert {summary.uri for summary in store.documents()} == {one.uri for one in variants}
    for one in variants:
        summary = store.find(one.uri)
        assert summary is not None
        assert store.document(summary.id) == replace(one, id=summary.id)


def test_of_documents_called_by_their_files_the_name_does_not_count(store: PassageStore) -> None:
    put(store, named("test:a.txt", "Whales.", "a"), named("test:b.txt", "Whales.", "b"))
    (summary,) = store.documents()
    assert (summary.uri, summary.title, summary.copies) == ("test:a.txt", "a", ("test:b.txt",))


def test_a_copy_that_changes_leaves_the_id_to_the_others(store: PassageStore) -> None:
    put(store, LEASE, replace(LEASE, uri="test:copy"))
    changed = a_document(LEASE.uri, "The rent is 950 pounds.")
    ((id_,),) = store.put([an_intake(changed, EMBEDDER)])
    assert id_ != LEASE.id
    assert places(store) == {LEASE.uri: id_, "test:copy": LEASE.id}
    assert store.document(id_) == replace(changed, id=id_)
    assert [p.document_id for p in store.passages(id_)] == [id_]
    assert store.document(LEASE.id) == replace(LEASE, uri="test:copy")


def test_a_copy_that_comes_to_hold_the_same_again_is_one_with_the_others(
    store: PassageStore,
) -> None:
    put(store, LEASE, replace(LEASE, uri="test:copy"))
    put(store, a_document(LEASE.uri, "The rent is 950 pounds."))
    put(store, LEASE)
    (summary,) = store.documents()
    assert summary.id == LEASE.id
    assert {summary.uri, *summary.copies} == {LEASE.uri, "test:copy"}
    assert texts(search(store, "rent")) == {LEASE.text}


def test_when_all_copies_of_a_container_change_the_id_stays(store: PassageStore) -> None:
    store.put([archive(LEASE, replace(LEASE, uri="test:copy"))])
    (id_,) = set(places(store).values())
    changed = a_document(LEASE.uri, "The rent is 950 pounds.")
    store.put([archive(changed)])
    assert places(store) == {"test:a.zip!/lease": id_}


def test_members_that_changed_places_keep_their_ids(store: PassageStore) -> None:
    store.put([archive(LEASE, ZOO)])
    before = places(store)
    store.put([archive(replace(LEASE, uri="test:zoo"), replace(ZOO, uri="test:lease"))])
    assert places(store) == {
        "test:a.zip!/zoo": before["test:a.zip!/lease"],
        "test:a.zip!/lease": before["test:a.zip!/zoo"],
    }


def test_a_document_that_is_not_in_its_origin_is_refused(store: PassageStore) -> None:
    with pytest.raises(ValueError, match="test:zoo"):
        store.put([Intake(origin(LEASE), [an_entry(ZOO, EMBEDDER)])])
    assert store.documents() == []


def test_a_move_keeps_id_and_passages(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    before = search(store, "rent")
    assert store.rearrange([moved(LEASE, "test:new")], [LEASE.uri]) == []
    assert places(store) == {"test:new": LEASE.id, ZOO.uri: ZOO.id}
    assert store.document(LEASE.id) == replace(LEASE, uri="test:new")
    assert store.origins()[0] == OriginState(Origin("test:new", LEASE.sha256, ""), 1)
    assert search(store, "rent") == before


def test_a_copy_is_another_place(store: PassageStore) -> None:
    put(store, LEASE)
    store.rearrange([moved(LEASE, "test:new")], [])
    (summary,) = store.documents()
    assert (summary.id, summary.uri, summary.copies) == (LEASE.id, LEASE.uri, ("test:new",))
    store.rearrange([], [LEASE.uri])
    assert store.document(LEASE.id) == replace(LEASE, uri="test:new")


def test_files_that_changed_places_keep_their_ids(store: PassageStore) -> None:
    put(store, LEASE, ZOO, TRAM)
    store.rearrange([moved(LEASE, ZOO.uri), moved(ZOO, TRAM.uri), moved(TRAM, LEASE.uri)], [])
    assert places(store) == {ZOO.uri: LEASE.id, TRAM.uri: ZOO.id, LEASE.uri: TRAM.id}


def test_a_file_moved_over_another_takes_its_place(store: PassageStore) -> None:
    store.put([archive(LEASE, ZOO), an_intake(TRAM, EMBEDDER)])
    store.rearrange([moved(TRAM, "test:a.zip")], [TRAM.uri])
    assert places(store) == {"test:a.zip": TRAM.id}
    assert texts(search(store, "rent")) == {TRAM.text}


def test_what_is_in_a_container_moves_with_it(store: PassageStore) -> None:
    problem = Problem("test:a.zip!/x", "a.zip!/x: is damaged")
    zipped = archive(LEASE, ZOO, problems=[problem])
    store.put([zipped])
    before = places(store)
    target = replace(zipped.origin, uri="test:b.zip")
    store.rearrange([(target, "test:a.zip")], ["test:a.zip"])
    assert places(store) == {uri.replace("a.zip", "b.zip"): id_ for uri, id_ in before.items()}
    assert store.origins() == [OriginState(target, 2, (replace(problem, uri="test:b.zip!/x"),))]


def test_a_document_without_a_title_is_called_by_the_place_it_moves_to(
    store: PassageStore,
) -> None:
    whales = named("file:///docs/old%20name.txt", "Whales.", "old name")
    put(store, whales)
    for uri, title in {
        "file:///docs/new.v2%20%26%20final.tar.gz": "new.v2 & final.tar",
        "file:///docs/a.zip!/deep/%C3%9Cber.pdf": "Über",
        "file:///docs/.hidden": ".hidden",
        "file:///docs/a%0Ab%E2%80%AEc.txt": "a b c",
        "upload:letter.docx": "letter",
        "file:///docs/": "file:///docs/",
    }.items():
        (before,) = store.documents()
        store.rearrange([(Origin(uri, whales.sha256, ""), before.uri)], [before.uri])
        assert [(one.id, one.title) for one in store.documents()] == [(whales.id, title)]
        assert store.document(whales.id).title_from_name


def test_a_document_without_a_title_is_called_by_its_first_place(store: PassageStore) -> None:
    put(store, named("test:a.txt", "Whales.", "a"), named("test:b.txt", "Whales.", "b"))
    put(store, named("test:c.txt", "Whales.", "c"))
    store.rearrange([], ["test:b.txt"])
    assert [one.title for one in store.documents()] == ["a"]
    put(store, a_document("test:a.txt", "Otters."))
    assert {one.title for one in store.documents()} == {"", "c"}


def test_a_title_that_is_stated_stays_when_the_file_moves(store: PassageStore) -> None:
    put(store, LEASE)
    store.rearrange([moved(LEASE, "test:new.txt")], [LEASE.uri])
    assert store.document(LEASE.id).title == "Lease"


def test_what_is_left_over_is_not_copied_but_moves(store: PassageStore) -> None:
    put(store, LEASE)
    broken = Origin(LEASE.uri, "broken", "")
    store.put([Intake(broken, problems=[Problem(LEASE.uri, "lease: is damaged")])])
    store.rearrange([(replace(broken, uri="test:copy"), LEASE.uri)], [])
    assert places(store) == {LEASE.uri: LEASE.id}
    assert [state.documents for state in store.origins()] == [0, 1]
    store.rearrange([(replace(broken, uri="test:new"), LEASE.uri)], [LEASE.uri])
    assert places(store) == {"test:new": LEASE.id}
    store.rearrange([(replace(broken, uri="test:another"), "test:new")], [])
    assert places(store) == {"test:new": LEASE.id}


def test_copies_of_what_is_not_there_are_told(store: PassageStore) -> None:
    put(store, LEASE)
    wanted = [
        (Origin("test:new1", LEASE.sha256, ""), "test:unknown"),
        (Origin("test:new2", "other bytes", ""), LEASE.uri),
        (Origin("test:new3", LEASE.sha256, "other recipe"), LEASE.uri),
    ]
    copy = moved(LEASE, "test:copy")
    assert store.rearrange([*wanted, copy], ["test:never"]) == [one for one, _ in wanted]
    assert set(places(store)) == {LEASE.uri, "test:copy"}


def test_an_origin_that_is_gone_takes_its_documents_with_it(store: PassageStore) -> None:
    store.put([archive(LEASE, ZOO), an_intake(TRAM, EMBEDDER)])
    put(store, replace(LEASE, uri="test:copy"))
    lease = places(store)["test:copy"]
    store.rearrange([], ["test:a.zip", TRAM.uri])
    assert places(store) == {"test:copy": lease}
    assert [state.origin.uri for state in store.origins()] == ["test:copy"]
    assert texts(search(store, "rent whales tram")) == {LEASE.text}


def test_an_id_that_went_elsewhere_is_not_given_again(store: PassageStore) -> None:
    put(store, LEASE)
    store.rearrange([moved(LEASE, "test:new")], [LEASE.uri])
    ((id_,),) = store.put([an_intake(replace(ZOO, uri=LEASE.uri), EMBEDDER)])
    assert id_ != LEASE.id
    assert places(store) == {"test:new": LEASE.id, LEASE.uri: id_}
    store.rearrange([(Origin("test:newer", ZOO.sha256, ""), LEASE.uri)], [LEASE.uri])
    ((third,),) = store.put([an_intake(replace(TRAM, uri=LEASE.uri), EMBEDDER)])
    assert len({third, id_, LEASE.id}) == 3


def test_removing_forgets_the_origin(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    store.remove([LEASE.id])
    assert [state.origin.uri for state in store.origins()] == [ZOO.uri]


def test_removing_one_of_several_leaves_an_origin_that_must_be_read_again(
    store: PassageStore,
) -> None:
    intake = archive(LEASE, ZOO, TRAM)
    store.put([replace(intake, origin=replace(intake.origin, recipe="2 .zip"))])
    ids = places(store)
    for name, left in (("lease", 2), ("tram", 1)):
        store.remove([ids[f"test:a.zip!/{name}"]])
        origin = Origin("test:a.zip", intake.origin.sha256, f"{PARTLY}2 .zip")
        assert store.origins() == [OriginState(origin, left)]
    store.remove([ids["test:a.zip!/zoo"]])
    assert store.origins() == []


def test_digests_that_origins_have_are_known(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    store.put([archive(TRAM, ZOO)])
    digest = archive(TRAM, ZOO).origin.sha256
    asked = [LEASE.sha256, TRAM.sha256, digest, "0" * 64, "'"]
    assert store.known_digests(asked) == {LEASE.sha256, digest}
    store.remove([LEASE.id])
    assert store.known_digests(asked) == {digest}
    assert store.known_digests([]) == set()


def test_ids_that_documents_have_are_known(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    assert store.known_ids([LEASE.id, "none", "'", ZOO.id]) == {LEASE.id, ZOO.id}
    store.remove([LEASE.id])
    assert store.known_ids([LEASE.id, ZOO.id]) == {ZOO.id}
    assert store.known_ids([]) == set()


def test_removing_takes_all_copies(store: PassageStore) -> None:
    put(store, LEASE, replace(LEASE, uri="test:copy"), ZOO)
    store.remove([LEASE.id])
    assert places(store) == {ZOO.uri: ZOO.id}
    assert [state.origin.uri for state in store.origins()] == [ZOO.uri]


def test_the_passages_of_a_document_are_in_order(store: PassageStore) -> None:
    put(store, LONG, ZOO)
    assert store.passages(LONG.id) == an_entry(LONG, EMBEDDER).passages
    with pytest.raises(UnknownDocument, match="ffff"):
        store.passages("ffff")


def test_vectors_of_texts_that_were_embedded_are_known(store: PassageStore) -> None:
    put(store, LEASE, ZOO)
    store.begin(OTHERS)
    store.fill([filling(LEASE)])
    lease, zoo = (text_in_context(store.passages(one.id)[0]) for one in (LEASE, ZOO))
    found = store.known_vectors([lease, "never seen", ZOO.text, zoo, lease])
    assert set(found) == {lease, zoo}
    assert all(vector.dtype == np.float32 for vector in found.values())
    assert np.array_equal(found[lease], EMBEDDER.embed_passages([lease])[0])
    store.remove([ZOO.id])
    assert set(store.known_vectors([lease, zoo])) == {lease}
    assert store.known_vectors([]) == {}
