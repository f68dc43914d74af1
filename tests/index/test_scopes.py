"""Which documents a question is put to, found in the database as by looking at each."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.catalog import Catalog
from index.documents import Document
from index.filters import parse
from index.local_store import LocalStore
from index.passages import Splitter
from index.scopes import Scopes, fitting
from index.store import IndexSettings
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_intake

EMBEDDER = HashEmbedder()
NAMES = ["language", "Language", "type", "path", "caf\u00e9", 'a"b', "K\u00f6nig", "\u212ain"]
VALUES = ["en", "EN", "pdf", "2024-05-17", "2024", "7", "10.0", "docs/a b.md", "z\u00fcrich", "a*"]
URIS = ["file:///docs/a%20b.md", "file:///docs/c.pdf", "upload:c.pdf", "test:x", "file:///c.pdf"]

metadata = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=3)
keys = st.sampled_from([*NAMES, "uri", "title", "id", "added", "pages", "characters", "kin", "\\u"])
conditions = st.builds(
    "{}{}{}".format, keys, st.sampled_from(["=", "!=", ">=", "<=", "~"]), st.sampled_from(VALUES)
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    made = LocalStore.create(tmp_path / "index", IndexSettings(EMBEDDER.identity, Splitter()))
    yield made
    made.close()


def told(uri: str, data: dict[str, str]) -> Document:
    media_type = "application/pdf" if uri.endswith("pdf") else "text/markdown"
    document = a_document(uri, f"What {uri} says.", title=uri[-5:])
    return replace(document, media_type=media_type, metadata=data)


@pytest.mark.slow
@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    told_of=st.dictionaries(st.sampled_from(URIS), metadata),
    asked=st.lists(conditions, min_size=1, max_size=20),
    together=st.lists(conditions, min_size=1, max_size=3),
)
def test_what_fits_is_what_looking_at_each_document_finds(
    store: LocalStore,
    told_of: dict[str, dict[str, str]],
    asked: list[str],
    together: list[str],
) -> None:
    store.remove([summary.id for summary in store.documents()])
    documents = [told(uri, data) for uri, data in told_of.items()]
    store.put([an_intake(document, EMBEDDER) for document in documents])
    everything = store.documents()
    catalog = Catalog.open(store.folder)
    with catalog.transaction(write=False):
        ids = dict(catalog.query("SELECT number, id FROM documents"))
        for text in asked:
            found = fitting(catalog, parse([text]).conditions[0])
            assert found.tolist() == sorted(found.tolist())
            expected = {one.id for one in parse([text]).select(everything)}
            assert {ids[number] for number in found.tolist()} == expected
        where = parse(together)
        scope = Scopes().find(catalog, [one.id for one in everything[1:]], where)
        assert scope is not None
        expected = {one.id for one in where.select(everything[1:])}
        assert {ids[number] for number in scope.documents.tolist()} == expected
    catalog.close()


def test_what_was_found_is_kept_until_the_index_changes(store: LocalStore) -> None:
    store.put([an_intake(told("test:x", {"language": "en"}), EMBEDDER)])
    catalog, scopes, where = Catalog.open(store.folder), Scopes(), parse(["language=en"])
    with catalog.transaction(write=False):
        found = scopes.find(catalog, None, where)
        assert scopes.find(catalog, None, parse(["language=en"])) is found
        assert scopes.find(catalog, [], where) is not found
        assert scopes.find(catalog, None, parse([])) is None
    store.put([an_intake(told("test:y", {"language": "en"}), EMBEDDER)])
    with catalog.transaction(write=False):
        later = scopes.find(catalog, None, where)
        assert found is not None
        assert later is not None
        assert (len(found.documents), len(later.documents)) == (1, 2)
        assert np.isin(found.documents, later.documents).all()
    catalog.close()
