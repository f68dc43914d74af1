"""The Python client, against the real service: in this process, and over a real port."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from listening import listening
from service_fakes import POOL, fake_server
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from index.errors import InvalidSettings
from service.client import Client, Refused, Unreachable
from service.client.transport import server_sent
from service.host.keys import Scope as KeyScope
from service.host.server import Door, Server
from service.http.app import create_app
from service.schemas import CountsBody, KeyRequest, PartialReplyBody, ReplyBody
from service.settings import Settings

# They go through a whole service.
pytestmark = pytest.mark.slow

BOOKS = "How many books may a reader borrow?"


@pytest.fixture
def ours(client: TestClient) -> Client:
    """Our client, over the service in this process."""
    http: Any = client  # it has the methods of httpx's, and of a fork's type
    return Client(http=http)


def test_an_answer_and_its_place(ours: Client) -> None:
    reply = ours.ask(BOOKS, top_k=1)
    (answer,) = reply.answers
    citation = answer.citation
    assert answer.text == "12"
    text = ours.text(citation.document_id, citation.start, citation.end)
    assert text.text == answer.text
    assert ours.document(citation.document_id).text[citation.start : citation.end] == answer.text
    assert ours.verify(citation, answer.text).standing == "stands"


def test_answers_come_as_they_are_found(ours: Client) -> None:
    replies = list(ours.asking(BOOKS, top_k=1, include=[]))
    assert [getattr(reply, "unread", 0) for reply in replies][-1] == 0
    assert replies[-1] == ours.ask(BOOKS, top_k=1, include=[])
    with pytest.raises(Refused, match="the question is empty"):
        next(ours.asking(" "))


def test_options_are_sent_on(ours: Client) -> None:
    assert ours.ask(BOOKS, min_confidence=1.0).abstained
    assert ours.ask(BOOKS, include=[]).hits == []
    assert ours.ask(BOOKS, where=["type=pdf"]).reason == "No document fits the filter: type=pdf."
    pool = next(ours.documents(["uri=test:pool"])).id
    assert {hit.document_id for hit in ours.ask(BOOKS, documents=[pool]).hits} == {pool}
    assert len(ours.ask(BOOKS, passages=1).hits) == 1
    assert ours.ask(BOOKS, enough=0.0).skipped
    assert len(ours.search("pool", top_k=1).hits) == 1
    first, *_ = ours.search("pool", diversity=1.0).hits
    assert first == ours.search("pool", top_k=1).hits[0]


def test_many_questions_in_one_call(ours: Client) -> None:
    questions = [BOOKS, "What does a ticket for the pool cost?"]
    replies = ours.ask_many(questions, top_k=1)
    assert [reply.question for reply in replies] == questions
    assert [reply.answers[0].text for reply in replies] == ["12", "25"]


def test_files_are_uploaded_found_and_removed(ours: Client, tmp_path: Path) -> None:
    path = tmp_path / "café rules.md"
    path.write_text("# Café\n\nA cake costs 5 pounds.\n", encoding="utf-8")
    job = ours.upload(path, ("tea.txt", b"A tea costs 2 pounds."), metadata={"kind": "menu"})
    assert job.state == "done"
    assert [file.name for file in job.files] == ["café rules.md", "tea.txt"]
    assert ours.job(job.id) == job
    assert list(ours.jobs("done")) == [job]
    assert list(ours.jobs("failed")) == []
    found = list(ours.documents(["kind=menu"]))
    assert [one.uri for one in found] == ["upload:caf%C3%A9%20rules.md", "upload:tea.txt"]
    assert ours.original(found[1].id) == b"A tea costs 2 pounds."
    ours.remove(found[1].id)
    with pytest.raises(Refused) as refused:
        ours.document(found[1].id)
    assert refused.value.problem.status == 404
    assert refused.value.problem.type == "urn:pincite:problem:unknown-document"


def test_a_path_may_be_words(ours: Client, tmp_path: Path) -> None:
    path = tmp_path / "tea.txt"
    path.write_bytes(b"A tea costs 2 pounds.")
    assert [file.name for file in ours.upload(str(path)).files] == ["tea.txt"]
    (found,) = ours.documents(["uri=upload:tea.txt"])
    assert ours.original(found.id) == b"A tea costs 2 pounds."


def test_an_upload_is_followed_until_it_is_over(ours: Client) -> None:
    job = ours.upload(("tea.txt", b"A tea costs 2 pounds."), wait=0)
    *_, last = ours.following(job.id)
    assert last == ours.job(job.id)
    assert ours.cancel(job.id) == last
    with pytest.raises(Refused, match="no job"):
        next(ours.following("none"))


def test_a_text_is_uploaded_under_its_uri(ours: Client) -> None:
    job = ours.upload_text("Parking costs 7 pounds.", uri="https://a.example/parking", title="P")
    assert job.files[0].outcomes[0].status == "added"
    (found,) = ours.documents(["uri=https://a.example/parking"])
    assert found.title == "P"
    later = ours.upload_text("Parking costs 8 pounds.", uri="https://a.example/parking", wait=0)
    assert ours.finished(later, 30).state == "done"


def test_pages_are_followed_to_the_end(ours: Client) -> None:
    ours.upload(*((f"{number}.txt", f"Text {number}.".encode()) for number in range(7)))
    uris = [document.uri for document in ours.documents(page=2)]
    assert len(uris) == 9
    assert uris == sorted(uris)


def test_answers_are_marked(ours: Client) -> None:
    reply = ours.ask(BOOKS)
    given = ours.mark(BOOKS, True, reply.answers[0], "Since May.")
    assert (given.text, given.right, given.note) == ("12", True, "Since May.")
    ours.mark("Who was here?", False)
    assert [one.question for one in ours.feedback()] == ["Who was here?", BOOKS]


def test_collections_are_apart(ours: Client) -> None:
    made = ours.create_collection("contracts")
    assert made.documents == 0
    there = ours.within("contracts")
    there.upload_text("The rent is 900 pounds.", uri="test:rent")
    assert [one.uri for one in there.documents()] == ["test:rent"]
    assert "test:rent" not in [one.uri for one in ours.documents()]
    assert [one.name for one in ours.collections()] == ["contracts", "default"]
    assert there.status().documents == 1
    assert ours.stats().documents == 3
    ours.remove_collection("contracts")
    with pytest.raises(Refused, match="there is no collection"):
        there.ask(BOOKS)


def test_keys_are_made_used_and_revoked(tmp_path: Path) -> None:
    server = fake_server(Settings(index=tmp_path / "index"), door=Door.LOCKED)
    _, admin = server.keys.create("admin", KeyScope.ADMIN)
    with TestClient(create_app(server), base_url="http://localhost") as http:
        transport: Any = http
        with Client(key=admin, http=transport) as ours:
            made = ours.create_key(KeyRequest(name="reader", scope="read"))
            assert [key.name for key in ours.keys()] == ["admin", "reader"]  # noqa: SIM118
            reader = Client(key=made.key, http=transport)
            assert reader.ask(BOOKS).answers
            with pytest.raises(Refused) as forbidden:
                reader.upload_text("x")
            assert forbidden.value.problem.status == 403
            ours.revoke_key(made.id)
            with pytest.raises(Refused) as unauthorized:
                reader.ask(BOOKS)
            assert unauthorized.value.problem.status == 401
        with pytest.raises(Refused, match="a key is needed"):
            Client(http=transport).ask(BOOKS)


def test_what_is_wrong_with_a_request_is_told(ours: Client) -> None:
    with pytest.raises(Refused, match="the question is empty; ask something") as refused:
        ours.ask(" ")
    assert refused.value.problem.status == 422
    assert refused.value.problem.request_id


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The address of a fake service on a real port."""
    with listening(create_app(fake_server(Settings(index=tmp_path / "index")))) as found:
        yield found


def test_over_a_real_port(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Client(address) as ours:
        assert ours.ask(BOOKS).answers[0].text == "12"
        job = ours.upload(("pool.txt", POOL.encode() + b"It is 2 metres deep."))
        assert job.state == "done"
    monkeypatch.setenv("PINCITE_URL", address)
    with Client() as ours:
        assert ours.ask(BOOKS).answers[0].text == "12"


def test_a_server_that_is_not_there_is_said_so() -> None:
    with (
        Client("http://127.0.0.1:1", sleep=lambda _: None) as ours,
        pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:1: the server cannot be reached"),
    ):
        ours.ask(BOOKS)
    for nowhere in (
        "nonsense",
        "http://exa_mple..com",
        "http://xn--a.example",
        "http://a.example:99999",
        "http://a.example:0",
        f"http://{'a' * 64}.example",
    ):
        with pytest.raises(InvalidSettings, match="url: is '"):
            Client(nowhere)
    # By today's rules for names, not by those that Python knows.
    with pytest.raises(InvalidSettings, match="is no address"):
        Client("http://xn--i-7iq.example")
    for key in ("", "schlüssel", "a\nb"):
        with pytest.raises(InvalidSettings, match="the key holds characters that no key has"):
            Client("http://127.0.0.1:1", key)


class _Scripted:
    """A server that answers each request with the next of its responses, or fails."""

    def __init__(self, *answers: httpx.Response | httpx.TransportError) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []

    def client(self, **options: Any) -> Client:
        http = httpx.Client(base_url="http://a", transport=httpx.MockTransport(self._handle))
        return Client(http=http, sleep=self.slept.append, **options)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer


def _busy(status: int, after: str) -> httpx.Response:
    return httpx.Response(status, headers={"Retry-After": after})


DOCUMENTS = httpx.Response(200, json={"documents": [], "next_cursor": None, "to_come": 1})
JOB = {
    "id": "1",
    "collection": "default",
    "state": "done",
    "created_at": "2026-03-02T09:14:07Z",
    "started_at": None,
    "finished_at": None,
    "files": [],
    "counts": dict.fromkeys(CountsBody.model_fields, 0),
}


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    server = _Scripted(_busy(429, "2"), _busy(503, "3"), DOCUMENTS)
    assert list(server.client().documents()) == []
    assert server.slept == [2.0, 3.0]


@pytest.mark.parametrize("after", ["", "soon", "3600", "-1", "²"])
def test_a_server_that_does_not_say_when_is_not_asked_again(after: str) -> None:
    server = _Scripted(httpx.Response(503, headers=[(b"retry-after", after.encode())]))
    with pytest.raises(Refused, match="the server answered with status 503"):
        list(server.client().documents())
    assert server.slept == []


def test_it_is_not_asked_again_for_ever() -> None:
    server = _Scripted(*(_busy(503, "1") for _ in range(9)))
    with pytest.raises(Refused):
        server.client(tries=3).ask(BOOKS)
    assert len(server.requests) == 3


def test_a_write_is_sent_again_whole_under_the_same_key() -> None:
    lost = httpx.ReadError("lost")
    server = _Scripted(lost, _busy(503, "1"), httpx.Response(200, json=JOB))
    job = server.client().upload(("a.txt", b"some text"), wait=0)
    assert job.state == "done"
    keys = {request.headers["idempotency-key"] for request in server.requests}
    assert len(keys) == 1
    assert all(b"some text" in request.content for request in server.requests)
    again = _Scripted(httpx.Response(200, json=JOB))
    again.client().upload(("a.txt", b"some text"), wait=0)
    assert again.requests[0].headers["idempotency-key"] not in keys


def test_an_upload_may_take_what_it_waits_for_beside_what_a_request_may() -> None:
    posts = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        posts.append(Headers(scope=scope).get("prefer"))
        while (await receive()).get("more_body", False):
            pass
        await asyncio.sleep(1.5)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(JOB).encode()})

    with listening(app) as address, Client(address, seconds=1) as ours:
        assert ours.upload(("a.txt", b"some text"), wait=1).state == "done"
        with pytest.raises(Unreachable, match="cannot be reached"):
            Client(address, seconds=1, tries=1).job("1")
    assert posts == ["wait=1", None]


def test_a_batch_may_take_longer_the_more_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = []

    def handled(request: httpx.Request) -> httpx.Response:
        limits.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, json={"replies": []})

    ours = Client("http://a.example", seconds=10)
    monkeypatch.setattr(
        ours._transport,
        "_http",
        httpx.Client(base_url="http://a", transport=httpx.MockTransport(handled)),
    )
    ours.ask_many([BOOKS] * 64)
    assert limits == [10 + 64 * 5]


def test_what_waiting_has_taken_is_not_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("service.client.api.time.monotonic", lambda: now[0])
    waits = httpx.Response(202, json=JOB | {"state": "running"})
    server = _Scripted(waits, *(httpx.Response(200, json=waits.json()) for _ in range(9)))

    def sleep(seconds: float) -> None:
        now[0] += seconds

    ours = server.client()
    ours._transport.sleep = sleep
    handle = server._handle

    def slow(request: httpx.Request) -> httpx.Response:
        now[0] += 2.0
        return handle(request)

    ours._transport._http = httpx.Client(base_url="http://a", transport=httpx.MockTransport(slow))
    assert ours.upload(("a.txt", b"some text"), wait=2).state == "running"
    assert (now, len(server.requests)) == ([2.0], 1)


def test_a_key_is_not_made_twice() -> None:
    server = _Scripted(httpx.ReadError("lost"))
    with pytest.raises(Unreachable, match=r"cannot be reached \(lost\)"):
        server.client().create_key(KeyRequest(name="a"))
    assert "idempotency-key" not in server.requests[0].headers


def test_an_answer_that_is_none_of_ours_is_said_so() -> None:
    server = _Scripted(httpx.Response(200, text="<html>Sign in</html>"))
    with pytest.raises(Unreachable, match="the answer is not the one that is expected"):
        server.client().ask(BOOKS)
    with pytest.raises(Unreachable, match="the server answered with status 302"):
        _Scripted(httpx.Response(302, headers={"Location": "/login"})).client().ask(BOOKS)


def _stream(*events: tuple[str, str]) -> httpx.Response:
    text = "".join(f": beat\n\nevent: {event}\ndata: {data}\n\n" for event, data in events)
    return httpx.Response(200, text=text)


REPLY = {
    "question": "Q\u2028\x85?",
    "abstained": True,
    "reason": "no",
    "answers": [],
    "hits": [],
    "timings_ms": None,
}


def test_a_stream_is_read_to_its_reply() -> None:
    text = json.dumps(REPLY, ensure_ascii=False)
    partial = json.dumps(REPLY | {"unread": 2})
    server = _Scripted(_stream(("partial", partial), ("reply", text), ("reply", text)))
    replies = list(server.client().asking("x"))
    assert [type(reply) for reply in replies] == [PartialReplyBody, ReplyBody]
    assert replies[1].question == REPLY["question"]
    broken = _Scripted(_stream(("partial", partial)))
    with pytest.raises(Unreachable, match="broke the reply off"):
        list(broken.client().asking("x"))
    problem = {"type": "a", "title": "T", "status": 503, "detail": "no room", "instance": "/"}
    failed = _Scripted(_stream(("problem", json.dumps(problem | {"request_id": "1"}))))
    with pytest.raises(Refused, match="no room"):
        list(failed.client().asking("x"))
    lost = _Scripted(httpx.ConnectError("lost"))
    with pytest.raises(Unreachable, match=r"cannot be reached \(lost\)"):
        list(lost.client().asking("x"))


@given(st.binary(max_size=60), st.integers(1, 7))
def test_events_do_not_depend_on_where_the_stream_is_cut(noise: bytes, size: int) -> None:
    whole = b"event: a\ndata: 1\n\n" + noise.replace(b"data", b"") + b"\n\nevent: b\ndata: 2\n\n"
    cut = [whole[place : place + size] for place in range(0, len(whole), size)]
    found = list(server_sent(cut))
    assert found == list(server_sent([whole]))
    assert (found[0], found[-1]) == (("a", b"1"), ("b", b"2"))


def test_ids_cannot_lead_elsewhere() -> None:
    server = _Scripted(httpx.Response(204))
    server.client(collection="a&b").remove("../keys?x=1")
    url = server.requests[0].url
    assert url.raw_path == b"/v1/documents/..%2Fkeys%3Fx%3D1?collection=a%26b"


def test_a_key_of_the_environment_is_for_its_server_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PINCITE_KEY", "secret")
    monkeypatch.setenv("PINCITE_URL", "http://ours.example")
    assert Client()._transport._headers["Authorization"] == "Bearer secret"
    assert "Authorization" not in Client("http://other.example")._transport._headers
    assert (
        Client("http://other.example", "mine")._transport._headers["Authorization"] == "Bearer mine"
    )


def test_every_server_method_is_covered(server: Server) -> None:
    """What the server offers by `/v1` that is not for pages alone, the client has, too."""
    paths = create_app(server).openapi()["paths"]
    source = Path(Client.__init__.__code__.co_filename).read_text(encoding="utf-8")
    left_out = {
        "/v1/ask/stream",
        "/v1/health",
        "/v1/feedback/questions",
        "/v1/feedback/{number}",
    }
    for path in paths:
        if path.startswith("/v1/") and path not in left_out:
            parts = [part for part in path.split("/") if part and "{" not in part]
            assert all(part in source for part in parts), path
