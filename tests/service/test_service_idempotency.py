import threading
from itertools import pairwise
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from service_fakes import fake_server
from uploading import Gate, until, uris

from index.indexing import Indexer
from index.outcomes import Outcome
from service.errors import Conflict
from service.host import idempotency as module
from service.host.idempotency import Idempotency, KeptReply
from service.host.keys import Scope
from service.host.server import Server
from service.host.state import State
from service.http.app import create_app
from service.http.idempotent import Fingerprint
from service.settings import Settings

KEY = {"Idempotency-Key": "a-1"}
NOTE = {"text": "The tower is 40 metres high.", "uri": "t:tower"}
REPLY = KeptReply("0", 202, [("location", "/v1/jobs/1")], b"{}")


def test_a_write_that_is_sent_again_is_not_made_again(client: TestClient) -> None:
    first = client.post("/v1/documents", json=NOTE, headers=KEY)
    assert (first.status_code, "Idempotent-Replayed" in first.headers) == (202, False)
    again = client.post("/v1/documents", json=NOTE, headers=KEY)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(client.get("/v1/jobs").json()["jobs"]) == 1
    other = client.post("/v1/documents", json=NOTE, headers={"Idempotency-Key": "a-2"})
    assert other.json()["id"] != first.json()["id"]


def test_a_form_is_the_same_whatever_its_boundary(client: TestClient) -> None:
    def send(boundary: str, text: str) -> tuple[int, str]:
        content = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
            f"\r\n{text}\r\n--{boundary}--\r\n"
        )
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        response = client.post("/v1/documents", content=content, headers={**kind, **KEY})
        return response.status_code, response.json().get("id", "")

    first = send("x1", "Hello there.")
    assert first[0] == 202
    assert send("another", "Hello there.") == first
    assert send("x1", "Hello you.") == (422, "")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/documents", {**NOTE, "title": "Tower"}),
        ("/v1/documents?collection=default", NOTE),
        ("/v1/collections", {"name": "castle"}),
    ],
)
def test_one_key_is_for_one_request(client: TestClient, path: str, body: dict[str, str]) -> None:
    client.post("/v1/documents", json=NOTE, headers=KEY)
    refused = client.post(path, json=body, headers=KEY)
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:pincite:problem:idempotency-key-reused"
    assert len(client.get("/v1/jobs").json()["jobs"]) == 1
    assert len(client.get("/v1/collections").json()["collections"]) == 1


def test_removals_and_collections_are_made_once_too(client: TestClient) -> None:
    for method, path, body, status in (
        ("POST", "/v1/collections", {"name": "castle"}, 201),
        ("DELETE", "/v1/collections/castle", None, 204),
        ("DELETE", f"/v1/documents/{_first(client)}", None, 204),
    ):
        headers = {"Idempotency-Key": f"{method}{path}"}
        answers = [client.request(method, path, json=body, headers=headers) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [status, status]
        assert answers[0].content == answers[1].content
        plain = client.request(method, path, json=body)
        assert plain.status_code in (404, 409)
        if method == "DELETE" and path.endswith("castle"):
            client.post("/v1/collections", json={"name": "castle"})


def _first(client: TestClient) -> str:
    return str(client.get("/v1/documents").json()["documents"][0]["id"])


def test_what_was_refused_may_be_tried_again(client: TestClient) -> None:
    bad = client.post("/v1/documents", json={"text": ""}, headers=KEY)
    assert bad.status_code == 422
    assert client.post("/v1/documents", json=NOTE, headers=KEY).status_code == 202


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 256])
def test_a_key_that_cannot_be_one_is_refused(client: TestClient, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode())]
    assert client.post("/v1/documents", json=NOTE, headers=headers).status_code == 422
    assert uris(client) == ["test:library", "test:pool"]


def test_questions_and_secrets_are_not_kept(client: TestClient, server: Server) -> None:
    client.post("/v1/ask", json={"question": "How high is it?"}, headers=KEY)
    client.post("/v1/keys", json={"name": "a", "scope": "admin"}, headers=KEY)
    assert server.state.rows("SELECT * FROM idempotency") == []


def test_it_is_kept_through_a_restart(settings: Settings) -> None:
    jobs = []
    for _ in range(2):
        with TestClient(create_app(fake_server(settings)), base_url="http://localhost") as client:
            jobs.append(client.post("/v1/documents", json=NOTE, headers=KEY).json()["id"])
            assert len(client.get("/v1/jobs").json()["jobs"]) == 1
    assert jobs[0] == jobs[1]


def test_a_job_whose_reply_was_lost_is_not_made_twice(
    client: TestClient, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as lost:
        lost.setattr(Idempotency, "keep", lambda *_: None)
        first = client.post("/v1/documents", json=NOTE, headers=KEY).json()["id"]
    again = client.post("/v1/documents", json=NOTE, headers=KEY)
    assert (again.status_code, again.json()["id"]) == (202, first)
    assert len(client.get("/v1/jobs").json()["jobs"]) == 1


def test_two_at_once_are_not_both_made(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    original = Indexer.add_bytes

    def waiting(self: Indexer, data: bytes, **told: object) -> list[Outcome]:
        gate()
        return original(self, data, **told)  # type: ignore[arg-type]

    monkeypatch.setattr(Indexer, "add_bytes", waiting)
    statuses: list[int] = []

    def send() -> None:
        headers = {**KEY, "Prefer": "wait=20"}
        statuses.append(client.post("/v1/documents", json=NOTE, headers=headers).status_code)

    thread = threading.Thread(target=send)
    thread.start()
    assert gate.reached.wait(20)
    meanwhile = client.post("/v1/documents", json=NOTE, headers=KEY)
    assert meanwhile.status_code == 409
    gate.open()
    thread.join(20)
    assert statuses == [200]
    assert client.post("/v1/documents", json=NOTE, headers=KEY).status_code == 200


def test_a_key_of_ones_own_is_nobody_elses(client: TestClient, server: Server) -> None:
    jobs = []
    for _ in range(2):
        _, key = server.keys.create("writer", Scope.WRITE)
        headers = {**KEY, "Authorization": f"Bearer {key}"}
        jobs.append(client.post("/v1/documents", json=NOTE, headers=headers).json()["id"])
    assert jobs[0] != jobs[1]
    assert client.post("/v1/documents", json=NOTE, headers=KEY).status_code == 401
    until(lambda: server.jobs.waiting().files == 0)


# The store


@pytest.fixture
def clock() -> list[float]:
    return [1_000_000.0]


@pytest.fixture
def kept(tmp_path: Path, clock: list[float]) -> Idempotency:
    return Idempotency(State.open(tmp_path), lambda: clock[0])


def test_a_reply_is_kept_for_a_day(kept: Idempotency, clock: list[float]) -> None:
    kept.keep("a", "1", REPLY)
    assert kept.find("a", "1") == REPLY
    assert kept.find("b", "1") is None
    clock[0] += module.SECONDS
    assert kept.find("a", "1") == REPLY
    clock[0] += 1
    assert kept.find("a", "1") is None
    kept.keep("a", "2", REPLY)
    assert len(kept._state.rows("SELECT * FROM idempotency")) == 1


def test_of_each_key_only_so_many_are_kept(
    kept: Idempotency, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_EACH", 3)
    for number in range(5):
        clock[0] += 1
        kept.keep("a", f"{number}", REPLY)
        kept.keep("b", "0", REPLY)
    assert [kept.find("a", f"{number}") is not None for number in range(5)] == [
        False,
        False,
        True,
        True,
        True,
    ]
    assert kept.find("b", "0") == REPLY


def test_one_is_answered_at_a_time(kept: Idempotency) -> None:
    with kept.alone("a", "1"):
        with kept.alone("a", "2"), kept.alone("b", "1"):
            pass
        with pytest.raises(Conflict, match="is being answered"), kept.alone("a", "1"):
            pass
    with kept.alone("a", "1"):
        pass


# Fingerprints


def fingerprint(body: list[bytes], boundary: str = "", **scope: object) -> str:
    kind = f"multipart/form-data; boundary={boundary}" if boundary else "application/json"
    found = Fingerprint(
        {
            "method": "POST",
            "path": "/",
            "query_string": b"",
            "headers": [(b"content-type", kind.encode())],
            **scope,
        }
    )
    for part in body:
        found.add(part)
    return found.value()


@given(
    pieces=st.lists(st.binary(max_size=6), min_size=1, max_size=5),
    boundaries=st.tuples(st.sampled_from(["ab", "aab", "aa", "b"]), st.just("zyxwvu")),
    cuts=st.lists(st.integers(0, 40), max_size=6),
)
def test_a_form_has_the_same_print_however_it_is_cut_and_parted(
    pieces: list[bytes], boundaries: tuple[str, str], cuts: list[int]
) -> None:
    one, other = boundaries
    # Programs choose boundaries that are not in what they part.
    pieces = [piece.translate(None, b"abzyxwvu") for piece in pieces]

    def cut(body: bytes) -> list[bytes]:
        places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
        return [body[first:last] for first, last in pairwise(places)]

    first, second = (boundary.encode().join(pieces) for boundary in boundaries)
    assert fingerprint(cut(first), one) == fingerprint([first], one)
    assert fingerprint(cut(first), one) == fingerprint([second], other)
    assert fingerprint([first + b"x"], one) != fingerprint([first], one)


def test_a_print_has_all_that_makes_a_request() -> None:
    body = [b"x"]
    prints = {
        fingerprint(body),
        fingerprint([b"y"]),
        fingerprint(body, method="DELETE"),
        fingerprint(body, path="/x"),
        fingerprint(body, query_string=b"x"),
        fingerprint(body, path="/", query_string=b"/"),
        fingerprint(body, headers=[]),
    }
    assert len(prints) == 7
