"""The forms in which a reply comes over HTTP, many questions at once, and clients that go away."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from service_fakes import NumberReader, fake_server
from starlette.types import Message

from index.errors import DamagedIndex
from qa.reader import Reading
from service.host.collections import DEFAULT
from service.host.server import Server
from service.http.app import create_app
from service.settings import Settings

POOL = "How long is the pool?"
TOWER = "How high is the tower?"
ANNOTATIONS = 'application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"'


class WatchedReader(NumberReader):
    """Counts the texts it read, and fails when it was told to."""

    def __init__(self) -> None:
        self.read_texts = 0
        self.fails_after: int | None = None
        self.failure: Exception = DamagedIndex("the index is damaged; mend it: pincite doctor")

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        if self.fails_after is not None and self.read_texts >= self.fails_after:
            raise self.failure
        self.read_texts += len(texts)
        return super().read(question, texts, begins)


@pytest.fixture
def reader() -> WatchedReader:
    return WatchedReader()


@pytest.fixture
def many(settings: Settings, reader: WatchedReader) -> Iterator[Server]:
    """A server with twenty documents about pools."""
    made = fake_server(settings, lambda: reader)
    with made.collections.use(DEFAULT) as collection:
        for number in range(20):
            text = f"The pool of town {number} is {number + 30} metres long. See note n{number}."
            collection.engine.add_bytes(text.encode(), uri=f"test:{number}", name=f"{number}.txt")
    yield made
    made.close()


@pytest.fixture
def asking(many: Server) -> Iterator[TestClient]:
    with TestClient(create_app(many), base_url="http://localhost") as made:
        yield made


def untimed(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"timings_ms": None}


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for block in text.split("\n\n")[:-1]:
        name, data = block.split("\n")
        assert name.startswith("event: ")
        assert data.startswith("data: ")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_a_reply_holds_what_it_is_asked_to_hold(standing_client: TestClient) -> None:
    def reply(**more: object) -> dict[str, Any]:
        body: dict[str, Any] = standing_client.post(
            "/v1/ask", json={"question": POOL, **more}
        ).json()
        return body

    whole = reply()
    assert whole["hits"]
    assert whole["timings_ms"]["total"] > 0
    small = reply(include=[])
    assert (small["hits"], small["timings_ms"]) == ([], None)
    assert small["answers"] == whole["answers"]
    assert reply(include=["hits"])["hits"] == whole["hits"]
    assert reply(include=["timings"])["hits"] == []
    timed = standing_client.get("/v1/ask", params={"q": POOL, "include": "timings"}).json()
    assert (timed["hits"], timed["timings_ms"] is None) == ([], False)


def test_both_ways_to_ask_take_the_same_options(standing_client: TestClient) -> None:
    options = {"top_k": 2, "passages": 3, "min_confidence": 0.01, "where": ["uri=test:library"]}
    posted = standing_client.post("/v1/ask", json={"question": TOWER, **options}).json()
    got = standing_client.get("/v1/ask", params={"q": TOWER, **options}).json()
    assert untimed(posted) == untimed(got)
    assert posted["abstained"] is False
    assert {hit["document_id"] for hit in posted["hits"]} == {
        answer["citation"]["document_id"] for answer in posted["answers"]
    }


def test_reading_ends_where_an_answer_is_sure_enough(
    asking: TestClient, reader: WatchedReader
) -> None:
    options = {"enough": 0.0, "passages": 9}
    posted = asking.post("/v1/ask", json={"question": POOL, **options}).json()
    assert (len(posted["hits"]), posted["skipped"], reader.read_texts) == (2, 7, 2)
    got = asking.get("/v1/ask", params={"q": POOL, **options}).json()
    assert untimed(got) == untimed(posted)
    told = events(asking.get("/v1/ask/stream", params={"q": POOL, **options}).text)
    assert [(name, untimed(body)) for name, body in told] == [("reply", untimed(posted))]
    thorough = asking.post("/v1/ask", json={"question": POOL, "passages": 9}).json()
    assert (len(thorough["hits"]), thorough["skipped"]) == (9, 0)


def test_a_citation_says_where_the_quote_can_be_opened(standing_client: TestClient) -> None:
    body = standing_client.post("/v1/ask", json={"question": POOL}).json()
    citation = body["answers"][0]["citation"]
    assert citation["links"] == {
        "view": f"/view/default/{citation['document_id']}"
        f"?start={citation['start']}&end={citation['end']}",
        "source": None,
    }
    assert citation["prefix"] == "The swimming pool is "
    assert citation["suffix"].startswith(" metres long.")
    found = standing_client.post("/v1/search", json={"query": "pool"}).json()["hits"][0]
    assert found["links"]["view"].startswith(f"/view/default/{found['document_id']}?start=")


def test_a_reply_comes_as_annotations(standing_client: TestClient) -> None:
    plain = standing_client.post("/v1/ask", json={"question": POOL}).json()
    accept = {"Accept": "application/ld+json"}
    response = standing_client.post("/v1/ask", json={"question": POOL}, headers=accept)
    assert response.headers["content-type"] == ANNOTATIONS
    assert "accept" in response.headers["vary"].lower()
    made = response.json()
    assert made["@context"][0] == "http://www.w3.org/ns/anno.jsonld"
    answer = made["first"]["items"][0]
    assert made["total"] == len(made["first"]["items"]) == len(plain["answers"])
    assert answer["confidence"] == plain["answers"][0]["confidence"]
    position, quoted = answer["target"][0]["selector"]
    assert quoted["exact"] == plain["answers"][0]["text"]
    assert position["start"] == plain["answers"][0]["citation"]["start"]
    asked = {"q": POOL, "include": "hits"}
    with_hits = standing_client.get("/v1/ask", params=asked, headers=accept).json()
    assert with_hits["total"] == len(plain["answers"]) + len(plain["hits"])


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_form_that_is_not_offered_is_a_problem(standing_client: TestClient, method: str) -> None:
    accept = {"Accept": "image/png"}
    if method == "get":
        response = standing_client.get("/v1/ask", params={"q": POOL}, headers=accept)
    else:
        response = standing_client.post("/v1/ask", json={"question": POOL}, headers=accept)
    assert response.status_code == 406
    assert response.headers["content-type"] == "application/problem+json"
    assert "application/ld+json" in response.json()["detail"]


def test_answers_come_as_they_are_found(asking: TestClient) -> None:
    with asking.stream("GET", "/v1/ask/stream", params={"q": POOL}) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        told = events(response.read().decode())
    names = [name for name, _ in told]
    assert names == ["partial"] * (len(told) - 1) + ["reply"]
    assert len(told) > 2
    *partial, (_, last) = told
    assert untimed(last) == untimed(asking.post("/v1/ask", json={"question": POOL}).json())
    read = [len(body["hits"]) for _, body in partial]
    assert read == sorted(set(read))
    for _, body in partial:
        assert body["unread"] == len(last["hits"]) - len(body["hits"]) > 0
    assert "unread" not in last


@pytest.mark.parametrize("method", ["get", "post"])
def test_both_ways_to_ask_can_be_listened_to(asking: TestClient, method: str) -> None:
    accept = {"Accept": "text/event-stream"}
    if method == "get":
        params = {"q": POOL, "include": "timings"}
        response = asking.get("/v1/ask", params=params, headers=accept)
    else:
        sent = {"question": POOL, "include": []}
        response = asking.post("/v1/ask", json=sent, headers=accept)
    told = events(response.text)
    assert [name for name, _ in told][-1] == "reply"
    assert all(body["hits"] == [] for _, body in told)
    # The second time there is nothing to read.
    again = asking.get("/v1/ask", params={"q": POOL}, headers=accept)
    assert [name for name, _ in events(again.text)] == ["reply"]


def test_what_is_wrong_with_a_question_is_a_problem_and_no_stream(asking: TestClient) -> None:
    for params in ({"q": " "}, {"q": "x" * 10_001}, {"q": POOL, "where": "nonsense"}):
        response = asking.get("/v1/ask/stream", params=params)
        assert response.status_code == 422
        assert response.headers["content-type"] == "application/problem+json"


def test_what_fails_during_the_reading_is_the_last_event(
    asking: TestClient, reader: WatchedReader
) -> None:
    reader.fails_after = 4
    told = events(asking.get("/v1/ask/stream", params={"q": POOL}).text)
    assert [name for name, _ in told][-1] == "problem"
    assert told[-1][1]["type"] == "urn:pincite:problem:damaged-index"
    reader.read_texts, reader.failure = 0, ZeroDivisionError("secret insides")
    told = events(asking.get("/v1/ask/stream", params={"q": POOL}).text)
    assert told[-1][0] == "problem"
    assert told[-1][1]["status"] == 500
    assert "secret" not in json.dumps(told)


def test_many_questions_are_answered_in_their_order(standing_client: TestClient) -> None:
    sent = {"questions": [POOL, TOWER, f" {POOL} "], "top_k": 1, "include": []}
    body = standing_client.post("/v1/ask/batch", json=sent).json()
    assert [reply["question"] for reply in body["replies"]] == [POOL, TOWER, POOL]
    for question, reply in zip(sent["questions"], body["replies"], strict=True):  # type: ignore[call-overload]
        one = {"question": question, "top_k": 1, "include": []}
        assert standing_client.post("/v1/ask", json=one).json() == reply


@pytest.mark.parametrize(
    "questions", [[], [POOL] * 65, [POOL, " "], ["x" * 10_001], [POOL, 7], "How?"]
)
def test_many_questions_are_all_answered_or_none(
    asking: TestClient, reader: WatchedReader, questions: object
) -> None:
    response = asking.post("/v1/ask/batch", json={"questions": questions})
    assert response.status_code == 422
    assert reader.read_texts == 0


@pytest.mark.parametrize(
    "bent", [{"top_k": "3"}, {"top_k": True}, {"min_confidence": "0.5"}, {"passages": 3.0}]
)
def test_types_are_not_bent(standing_client: TestClient, bent: dict[str, object]) -> None:
    sent = {"question": POOL, **bent}
    assert standing_client.post("/v1/ask", json=sent).status_code == 422


def test_more_documents_than_anyone_names_are_refused(standing_client: TestClient) -> None:
    sent = {"question": POOL, "documents": ["x"] * 1_001}
    assert standing_client.post("/v1/ask", json=sent).status_code == 422


def _scope(method: str, path: str, query: str = "", accept: str = "*/*") -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (b"host", b"localhost"),
            (b"accept", accept.encode()),
            (b"content-type", b"application/json"),
        ],
        "client": ("127.0.0.1", 5000),
        "server": ("localhost", 80),
    }


async def _leave_after(
    app: FastAPI, scope: dict[str, Any], body: bytes, pieces: int
) -> list[Message]:
    """Send a request, and go away once so many pieces of the response have come."""
    gone = asyncio.Event()
    sent_body = False
    got: list[Message] = []
    if not pieces:
        gone.set()

    async def receive() -> Message:
        nonlocal sent_body
        if not sent_body:
            sent_body = True
            return {"type": "http.request", "body": body, "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        got.append(message)
        if len([one for one in got if one.get("body")]) >= pieces:
            gone.set()

    await app(scope, receive, send)
    return got


def test_a_listener_that_goes_away_stops_the_reading(many: Server, reader: WatchedReader) -> None:
    scope = _scope("GET", "/v1/ask/stream", "q=How+long+is+the+pool%3F&passages=20")
    got = asyncio.run(_leave_after(create_app(many), scope, b"", 1))
    assert got[0]["status"] == 200
    # What was being read is read to its end, and no more.
    assert 0 < reader.read_texts <= 8
    assert (many.admission.running, many.admission.waiting) == (0, 0)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/v1/ask", {"question": POOL, "passages": 20}),
        ("/v1/ask/batch", {"questions": [POOL, TOWER] * 20, "passages": 20}),
    ],
)
def test_whoever_asks_and_goes_away_stops_the_reading(
    many: Server, reader: WatchedReader, path: str, sent: dict[str, Any]
) -> None:
    body = json.dumps(sent).encode()
    asyncio.run(_leave_after(create_app(many), _scope("POST", path), body, 0))
    assert reader.read_texts <= 10
    assert (many.admission.running, many.admission.waiting) == (0, 0)
