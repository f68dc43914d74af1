"""The tools of the Model Context Protocol, by the official client, in each way they are offered."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fastapi.testclient import TestClient
from listening import listening
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError
from service_fakes import Run, fake_engine, fake_server

from service.host.keys import Scope
from service.host.server import Door, Server
from service.http.app import create_app
from service.mcp.desk import LocalDesk
from service.mcp.protocol import protocol_server
from service.mcp.tools import MOST_READ, READ, TOOLS
from service.settings import Settings

# They start servers and clients.
pytestmark = pytest.mark.slow

BOOKS = "How many books may a reader borrow?"
Talk = Callable[[Client], Coroutine[Any, Any, Any]]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[LocalDesk]:
    """A desk of two collections, each with the library rules and the pool."""
    made = LocalDesk({"default": tmp_path / "one", "other": tmp_path / "two"}, fake_engine)
    yield made
    made.close()


def _with(desk: LocalDesk, talk: Talk, mode: str = "auto") -> Any:
    async def run() -> Any:
        async with Client(protocol_server(lambda _: desk), mode=mode) as client:
            return await talk(client)

    return asyncio.run(run())


def _call(desk: LocalDesk, name: str, **arguments: Any) -> tuple[Any, str]:
    """The structured result of a call and its text."""
    result = _with(desk, lambda client: client.call_tool(name, arguments))
    assert not result.is_error, result
    return result.structured_content, result.content[0].text


def _refusal(desk: LocalDesk, name: str, **arguments: Any) -> str:
    result = _with(desk, lambda client: client.call_tool(name, arguments))
    assert result.is_error
    assert result.structured_content is None
    return str(result.content[0].text)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_tools_only_read_and_say_what_they_take_and_give(desk: LocalDesk, mode: str) -> None:
    found = _with(desk, lambda client: client.list_tools(), mode).tools
    assert [tool.name for tool in found] == ["ask", "search", "read", "list"]
    for tool in found:
        assert tool.description
        assert tool.annotations.read_only_hint
        assert not tool.annotations.open_world_hint
        assert tool.input_schema["properties"]["collection"]["enum"] == ["default", "other"]
        assert all("description" in one for one in tool.input_schema["properties"].values())
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)


def test_an_answer_is_a_quote_with_its_citation(desk: LocalDesk) -> None:
    body, text = _call(desk, "ask", question=BOOKS, top_k=1)
    (answer,) = body["answers"]
    citation = answer["citation"]
    assert answer["text"] == "12"
    with desk.use("default") as engine:
        document = engine.store.document(citation["document_id"])
    assert document.text[citation["start"] : citation["end"]] == answer["text"]
    assert body["hits"] == []
    first, where, sure = text.splitlines()
    assert first == "1. A reader may borrow «12» books at a time."
    assert where.endswith(
        f"characters {citation['start']}–{citation['end']} (document {document.id})"
    )
    assert sure.startswith("   confidence ")


def test_where_the_documents_do_not_say_the_nearest_passages_are_given(desk: LocalDesk) -> None:
    body, text = _call(desk, "ask", question=BOOKS, min_confidence=1.0)
    assert body["abstained"]
    assert len(body["hits"]) == 3
    assert text.startswith("The documents do not say")
    assert "A reader may borrow 12 books" in text


def test_questions_can_be_kept_to_some_documents(desk: LocalDesk) -> None:
    body, _ = _call(desk, "ask", question="What does a ticket cost?", where=["uri=test:pool"])
    assert {answer["citation"]["uri"] for answer in body["answers"]} == {"test:pool"}
    body, text = _call(desk, "ask", question=BOOKS, where=["type=pdf"])
    assert text == "No document fits the filter: type=pdf."


def test_a_search_gives_passages_with_their_places(desk: LocalDesk) -> None:
    body, text = _call(desk, "search", query="swimming pool", top_k=1)
    (hit,) = body["hits"]
    assert hit["uri"] == "test:pool"
    assert hit["text"].startswith("The swimming pool is 25 metres long.")
    assert f"(document {hit['document_id']})" in text
    assert _call(desk, "search", query="x", where=["type=pdf"])[1] == "Nothing was found."


def test_a_range_of_a_document_can_be_read(desk: LocalDesk) -> None:
    with desk.use("default") as engine:
        engine.add_bytes(("word " * 10_000).encode(), uri="test:long", name="long.txt")
        (library,) = engine.find(["test:library"])
        (long,) = engine.find(["test:long"])
        whole = engine.store.document(library.id).text
    body, text = _call(desk, "read", document_id=library.id, start=2, end=15)
    assert body == {
        "document_id": library.id,
        "start": 2,
        "end": 15,
        "text": whole[2:15],
        "characters": len(whole),
    }
    assert whole[2:15] in text
    assert text.endswith(f"[{len(whole) - 15} more characters from 15 on]")
    body, _ = _call(desk, "read", document_id=library.id)
    assert body["text"] == whole
    assert len(_call(desk, "read", document_id=long.id)[0]["text"]) == READ
    body, _ = _call(desk, "read", document_id=long.id, start=5, end=40_000)
    assert (body["start"], body["end"]) == (5, 5 + MOST_READ)


def test_documents_are_listed_a_page_at_a_time(desk: LocalDesk) -> None:
    first, text = _call(desk, "list", limit=1)
    second, _ = _call(desk, "list", limit=1, cursor=first["next_cursor"])
    assert [body["documents"][0]["uri"] for body in (first, second)] == [
        "test:library",
        "test:pool",
    ]
    assert second["next_cursor"] is None
    one = first["documents"][0]
    line = f"{one['id']}  Library rules (test:library, characters 0–{one['characters']})"
    assert text.splitlines() == [line, "There are more; go on with next_cursor."]
    assert _call(desk, "list", where=["type=pdf"])[1] == "There are no such documents."
    assert _call(desk, "list", where=["uri=test:pool"])[0] == second
    foreign = _refusal(desk, "list", limit=1, where=["type=pdf"], cursor=first["next_cursor"])
    assert foreign.startswith("The cursor is not one that was given for this query")


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("ask", {}, "question: Field required"),
        ("ask", {"question": " "}, "the question is empty; ask something"),
        (
            "ask",
            {"question": "x" * 10_001},
            "question: String should have at most 10000 characters",
        ),
        ("ask", {"question": "x", "top_k": 0}, "top_k: Input should be greater than or equal to 1"),
        ("ask", {"question": "x", "why": 1}, "why: Extra inputs are not permitted"),
        ("ask", {"question": "x", "where": ["y"]}, "the filter 'y' is not understood"),
        (
            "ask",
            {"question": "x", "collection": "third"},
            "'third': there is no collection of this name that you can use",
        ),
        ("read", {"document_id": "none"}, "none: no such document in the index"),
        ("read", {"document_id": "none", "start": -1}, "start: Input should be greater than"),
    ],
)
def test_a_mistake_is_told_in_a_line(
    desk: LocalDesk, tool: str, arguments: dict[str, Any], said: str
) -> None:
    refusal = _refusal(desk, tool, **arguments)
    assert refusal.startswith(said)
    assert "\n" not in refusal


def test_a_range_outside_of_a_document_is_a_mistake(desk: LocalDesk) -> None:
    with desk.use("default") as engine:
        (pool,) = engine.find(["test:pool"])
    said = _refusal(desk, "read", document_id=pool.id, start=pool.characters + 1)
    assert f"the document has {pool.characters}; ask for" in said
    assert "ask for" in _refusal(desk, "read", document_id=pool.id, start=9, end=3)


def test_a_tool_that_there_is_not_is_an_error_of_the_protocol(desk: LocalDesk) -> None:
    async def talk(client: Client) -> None:
        with pytest.raises(MCPError, match="'delete': no tool has this name; use ask, search"):
            await client.call_tool("delete", {})

    _with(desk, talk)


def test_what_goes_wrong_inside_is_not_told(
    desk: LocalDesk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret/path")

    monkeypatch.setattr("service.engine.Engine.ask", fail)
    assert (
        _refusal(desk, "ask", question="x") == "something went wrong here; the log has the details"
    )
    assert "secret/path" in caplog.text


def test_document_text_cannot_steer_whoever_shows_it(desk: LocalDesk) -> None:
    hostile = "The fee is 12\x1b[2J pounds\u202e a day."
    with desk.use("default") as engine:
        engine.add_bytes(hostile.encode(), uri="test:f", name="f.txt", title="\x1b]0;x\x07")
        (found,) = engine.find(["test:f"])
    for name, arguments in (
        ("ask", {"question": "What is the fee in pounds?", "min_confidence": 0}),
        ("search", {"query": "fee pounds"}),
        ("read", {"document_id": found.id}),
        ("list", {}),
    ):
        _, text = _call(desk, name, **arguments)
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "\u202e" in _call(desk, "read", document_id=found.id)[0]["text"]


def test_every_result_has_the_form_that_is_promised(desk: LocalDesk) -> None:
    schemas = {tool.name: tool.gives.model_json_schema(mode="serialization") for tool in TOOLS}
    with desk.use("default") as engine:
        (pool,) = engine.find(["test:pool"])
    for name, arguments in (
        ("ask", {"question": BOOKS}),
        ("search", {"query": BOOKS}),
        ("read", {"document_id": pool.id}),
        ("list", {}),
    ):
        body, _ = _call(desk, name, **arguments)
        jsonschema.validate(body, schemas[name])


def test_over_standard_streams(run: Run, library: Path, tmp_path: Path) -> None:
    words = ["-m", "service", "mcp", "--index", str(library)]

    async def talk() -> Any:
        parameters = StdioServerParameters(
            command=sys.executable, args=words, cwd=Path.cwd(), env={"HOME": str(tmp_path)}
        )
        async with Client(parameters) as client:
            assert len((await client.list_tools()).tools) == 4
            return await client.call_tool("ask", {"question": BOOKS, "top_k": 1})

    result = asyncio.run(talk())
    printed = json.loads(run("ask", BOOKS, "--top", "1", "--json", index=library).stdout)
    assert result.structured_content["answers"] == printed["answers"]


def test_nothing_but_the_protocol_is_written_and_the_end_of_input_ends_it(library: Path) -> None:
    words = [sys.executable, "-m", "service", "mcp", "--index", str(library)]
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        },
    }
    result = subprocess.run(
        words,
        input="no message\n" + json.dumps(hello) + "\n",
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    messages = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 0
    assert [m["result"]["serverInfo"]["name"] for m in messages if m.get("id") == 1] == ["pincite"]
    assert all(message["jsonrpc"] == "2.0" for message in messages)


def test_without_an_index_it_says_so(run: Run, tmp_path: Path) -> None:
    result = run("mcp", index=tmp_path / "none", stdin="")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no index here yet" in result.stderr


@contextmanager
def _serving(tmp_path: Path, door: Door = Door.KEYED) -> Iterator[tuple[str, Server]]:
    server = fake_server(Settings(index=tmp_path / "index"), door=door)
    server.collections.create("secret")
    with listening(create_app(server)) as address:
        yield f"{address}/mcp", server


def _over_http(url: str, talk: Talk, key: str | None = None, mode: str = "auto") -> Any:
    async def run() -> Any:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        async with create_mcp_http_client(headers=headers) as http:
            transport = streamable_http_client(url, http_client=http)
            async with Client(transport, mode=mode) as client:
                return await talk(client)

    return asyncio.run(run())


def test_over_http_without_keys(tmp_path: Path) -> None:
    with _serving(tmp_path) as (url, _):
        for mode in ("auto", "legacy"):
            result = _over_http(url, lambda c: c.call_tool("ask", {"question": BOOKS}), mode=mode)
            assert result.structured_content["answers"][0]["text"] == "12"
            tools = _over_http(url, lambda c: c.list_tools(), mode=mode).tools
            names = tools[0].input_schema["properties"]["collection"]["enum"]
            assert names == ["default", "secret"]


def test_over_http_a_key_sees_its_own_collections_only(tmp_path: Path) -> None:
    with _serving(tmp_path) as (url, server):
        own, key = server.keys.create("own", Scope.READ, ["default"])
        _, other = server.keys.create("other", Scope.ADMIN, ["secret"])

        def called(key: str, name: str) -> Any:
            arguments = {"question": BOOKS, "collection": name}
            return _over_http(url, lambda c: c.call_tool("ask", arguments), key)

        tools = _over_http(url, lambda c: c.list_tools(), key).tools
        assert tools[0].input_schema["properties"]["collection"]["enum"] == ["default"]
        assert called(key, "default").structured_content["answers"]
        assert called(other, "secret").structured_content["abstained"]
        hidden, unknown = called(key, "secret"), called(key, "absent")
        assert hidden.is_error
        assert hidden.content[0].text == unknown.content[0].text.replace("absent", "secret")
        assert called(other, "default").is_error
        server.keys.revoke(own.id)
        with pytest.raises(Exception, match=r"401|unhandled errors|Unauthorized"):
            called(key, "default")


def _message(method: str = "tools/list") -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}


HEADERS = {"Accept": "application/json, text/event-stream"}


def test_over_http_a_key_is_needed_where_there_are_keys(tmp_path: Path) -> None:
    server = fake_server(Settings(index=tmp_path / "index"), door=Door.LOCKED)
    with TestClient(create_app(server), base_url="http://localhost") as client:
        refused = client.post("/mcp", json=_message(), headers=HEADERS)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        assert refused.headers["content-type"] == "application/problem+json"
        _, key = server.keys.create("one", Scope.READ)
        good = HEADERS | {"Authorization": f"Bearer {key}"}
        assert client.post("/mcp", json=_message(), headers=good).status_code == 200
        wrong = HEADERS | {"Authorization": f"Bearer {key[:-1]}x"}
        assert client.post("/mcp", json=_message(), headers=wrong).status_code == 401


def test_over_http_only_messages_are_taken(standing_client: TestClient) -> None:
    for method in ("GET", "DELETE", "PUT"):
        refused = standing_client.request(method, "/mcp", headers=HEADERS)
        assert refused.status_code == 405
        assert refused.headers["allow"] == "POST"
    large = standing_client.post("/mcp", content=b"x" * 300_000, headers=HEADERS)
    assert large.status_code in (400, 413)
    broken = standing_client.post(
        "/mcp", content=b"{", headers=HEADERS | {"Content-Type": "application/json"}
    )
    assert broken.status_code == 400
    rebound = standing_client.post(
        "/mcp", json=_message(), headers=HEADERS | {"Host": "evil.example"}
    )
    assert rebound.status_code == 421
    foreign = standing_client.post(
        "/mcp", json=_message(), headers=HEADERS | {"Origin": "https://evil.example"}
    )
    assert foreign.status_code == 403


def test_over_http_a_request_is_logged_by_its_route_and_collection(
    standing_client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    call = _message("tools/call") | {"params": {"name": "list", "arguments": {}}}
    with caplog.at_level("INFO", "pincite.requests"):
        answer = standing_client.post("/mcp", json=call, headers=HEADERS)
    assert answer.json()["result"]["structuredContent"]["documents"]
    (record,) = [one for one in caplog.records if one.name == "pincite.requests"]
    told = vars(record)["facts"]
    assert (told["route"], told["collection"]) == ("/mcp", "default")
