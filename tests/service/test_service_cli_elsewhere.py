"""`pincite ask --url`: a running server asked in place of the index."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from listening import listening
from service_fakes import Run, fake_server

from qa.answers import CONTEXT, Citation
from service.client.elsewhere import KINDS, _place_in
from service.errors import MEANINGS, Busy, slug
from service.host.keys import Scope
from service.host.server import Server
from service.http.app import create_app
from service.settings import Settings

# They start servers.
pytestmark = pytest.mark.slow

BOOKS = "How many books may a reader borrow?"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Server]]:
    """The address of a fake service on a real port, and its server."""
    server = fake_server(Settings(index=tmp_path / "index"))
    with listening(create_app(server)) as address:
        yield address, server


def test_an_answer_reads_as_that_of_an_index(run: Run, served: tuple[str, Server]) -> None:
    address, _ = served
    result = run("ask", BOOKS, "--top", "1", "--url", address)
    assert result.exit_code == 0
    quote, where, sure = result.stdout.splitlines()
    assert quote == "1. A reader may borrow «12» books at a time."
    assert where.startswith("   test:library, Library rules › Loans, characters ")
    assert sure.startswith("   confidence ")


def test_json_is_what_the_server_answers(run: Run, served: tuple[str, Server]) -> None:
    address, server = served
    body = json.loads(run("ask", BOOKS, "--json", "--url", address).stdout)
    with server.collections.use("default") as collection:
        document = collection.engine.store.document(body["answers"][0]["citation"]["document_id"])
    citation = body["answers"][0]["citation"]
    assert document.text[citation["start"] : citation["end"]] == body["answers"][0]["text"]
    assert set(citation["links"]) == {"view", "source"}


def test_where_the_documents_do_not_say_the_nearest_passages_are_shown(
    run: Run, served: tuple[str, Server]
) -> None:
    result = run("ask", BOOKS, "--min-confidence", "1", "--url", served[0])
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("The documents do not say")
    assert lines[2] == "The nearest passages:"
    assert any("test:library, Library rules" in line for line in lines)


def test_it_is_told_what_was_left_unread(run: Run, served: tuple[str, Server]) -> None:
    result = run("ask", BOOKS, "--enough", "0", "--url", served[0])
    assert result.stdout.splitlines()[-1].startswith("Sure enough after 2 of ")


def test_options_go_with_it(run: Run, served: tuple[str, Server]) -> None:
    address, server = served
    server.collections.create("empty")
    pool = run("ask", BOOKS, "--in", "test:pool", "--json", "--url", address)
    hits = json.loads(pool.stdout)["hits"]
    with server.collections.use("default") as collection:
        assert {hit["document_id"] for hit in hits} == {
            found.id for found in collection.engine.find(["test:pool"])
        }
    filtered = run("ask", BOOKS, "--where", "type=pdf", "--url", address)
    assert filtered.stdout == "No document fits the filter: type=pdf.\n"
    empty = run("ask", BOOKS, "--collection", "empty", "--url", address)
    assert (empty.exit_code, empty.stdout) == (1, "The index holds no passage to read.\n")
    lines = run("ask", "-", "--top", "1", "--url", address, stdin=f"{BOOKS}\n{'x' * 10_001}\n")
    assert lines.exit_code == 2
    assert lines.stdout.startswith(f"> {BOOKS}\n1. A reader may borrow «12» books")
    assert lines.stderr.startswith("pincite: the question has 10,001 characters")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--collection", "absent"], "'absent': there is no collection of this name"),
        (["--in", "nothing"], "nothing: no document in the index has this id, path or URI"),
        (["--reader", "x"], "--reader: the server of --url has its own; leave one out"),
        (["--index", "x"], "--index: the server of --url has its own; leave one out"),
    ],
)
def test_mistakes_are_told_as_those_of_an_index(
    run: Run, served: tuple[str, Server], options: list[str], said: str
) -> None:
    result = run("ask", BOOKS, *options, "--url", served[0])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"pincite: {said}")


def test_a_key_is_sent_to_its_server(
    run: Run, served: tuple[str, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, server = served
    _, key = server.keys.create("one", Scope.READ)
    refused = run("ask", BOOKS, "--url", address)
    assert refused.exit_code == 2
    assert refused.stderr.startswith("pincite: a key is needed")
    monkeypatch.setenv("PINCITE_KEY", key)
    assert run("ask", BOOKS, "--url", address).exit_code == 0
    monkeypatch.setenv("PINCITE_URL", "http://another.example")
    assert run("ask", BOOKS, "--url", address).exit_code == 2


def test_a_server_that_is_not_there_is_said_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    result = run("ask", BOOKS, "--url", "http://127.0.0.1:1")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "the server cannot be reached" in result.stderr
    assert run("ask", BOOKS, "--collection", "x").stderr.startswith("pincite: --collection: is for")


def test_every_error_that_a_server_tells_is_known_by_its_name() -> None:
    assert {slug(kind): kind for kind in MEANINGS if not issubclass(kind, Busy)} == KINDS


@given(st.text("ab ", max_size=40), st.text("ab ", max_size=40), st.data())
def test_the_quote_is_found_in_its_sentence(
    before: str, sentence: str, data: st.DataObject
) -> None:
    """Equal words in one sentence are told apart by what stands before them in the document."""
    start = data.draw(st.integers(0, len(sentence)))
    quote = sentence[start : start + data.draw(st.integers(1, 3))]
    prefix = (before + sentence[:start])[-CONTEXT:]
    at = len(before) + start
    citation = Citation("d", "u", "t", None, (), at, at + len(quote), quote, prefix=prefix)
    found = _place_in(sentence, citation)
    assert sentence.startswith(quote, found)
    shared = min(found, len(prefix))
    assert prefix.endswith(sentence[found - shared : found])
    if not before and len(sentence) <= CONTEXT:
        assert found == start
