import json
import threading
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from uploading import Gate, outcomes, sent, until

from index.indexing import Indexer
from index.outcomes import Outcome
from service.host.keys import Scope
from service.host.server import Server


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Stands before everything that is taken in from uploads."""
    found = Gate()
    original = Indexer.add_bytes

    def waiting(self: Indexer, data: bytes, **told: object) -> list[Outcome]:
        found()
        return original(self, data, **told)  # type: ignore[arg-type]

    monkeypatch.setattr(Indexer, "add_bytes", waiting)
    yield found
    found.open()


def accepted(client: TestClient, number: int = 0) -> str:
    body = {"text": f"Text {number}.", "uri": f"t:{number}"}
    response = client.post("/v1/documents", json=body)
    assert response.status_code == 202
    return str(response.json()["id"])


def events(text: str) -> list[tuple[str, dict[str, object]]]:
    """The events of a stream: their names and what they hold."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] != ":")
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def test_a_job_tells_how_far_it_is(client: TestClient, gate: Gate) -> None:
    first, second = accepted(client, 1), accepted(client, 2)
    assert gate.reached.wait(20)
    running, queued = (client.get(f"/v1/jobs/{job}").json() for job in (first, second))
    assert (running["state"], running["files"][0]["state"]) == ("running", "running")
    assert (queued["state"], queued["started_at"]) == ("queued", None)
    gate.open()
    until(lambda: bool(client.get(f"/v1/jobs/{second}").json()["state"] == "done"))
    assert client.get(f"/v1/jobs/{first}").json()["counts"]["added"] == 1


def test_a_job_that_is_known_is_not_sent_again(client: TestClient) -> None:
    path = f"/v1/jobs/{sent(client, json={'text': 'Hello.'})['id']}"
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"other"'}).json() == first.json()


def test_jobs_are_listed_newest_first_by_pages(client: TestClient) -> None:
    jobs = [sent(client, json={"text": f"Text {number}."})["id"] for number in range(5)]
    failed = sent(client, json={"text": " "})["id"]
    seen: list[str] = []
    query: dict[str, str | int] = {"limit": 2}
    while True:
        page = client.get("/v1/jobs", params=query).json()
        seen += [job["id"] for job in page["jobs"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [failed, *reversed(jobs)]
    only = client.get("/v1/jobs", params={"state": ["failed", "queued"]}).json()["jobs"]
    assert [job["id"] for job in only] == [failed]
    cursor = client.get("/v1/jobs", params={"limit": 1}).json()["next_cursor"]
    assert client.get("/v1/jobs", params={"cursor": cursor, "state": "done"}).status_code == 422
    assert client.get("/v1/jobs", params={"state": "lost"}).status_code == 422


def test_a_job_is_cancelled(client: TestClient, gate: Gate) -> None:
    first, second = accepted(client, 1), accepted(client, 2)
    assert gate.reached.wait(20)
    cancelled = client.delete(f"/v1/jobs/{second}")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert client.delete(f"/v1/jobs/{first}").json()["state"] == "running"
    gate.open()
    until(lambda: bool(client.get(f"/v1/jobs/{first}").json()["state"] == "done"))
    assert client.delete("/v1/jobs/nothing").status_code == 404
    listed = client.get("/v1/documents").json()["documents"]
    assert [document["uri"] for document in listed] == ["t:1", "test:library", "test:pool"]


def test_a_stream_tells_of_the_progress_up_to_the_end(client: TestClient, gate: Gate) -> None:
    job = accepted(client, 1)
    assert gate.reached.wait(20)
    threading.Timer(0.2, gate.open).start()
    with client.stream("GET", f"/v1/jobs/{job}/events") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert "Content-Encoding" not in response.headers
        told = events(response.read().decode())
    names = [name for name, _ in told]
    assert names[0] == "job"
    assert names[-1] == "done"
    assert "progress" in names
    stage = told[names.index("progress")][1]
    assert stage == {"file": "t:1", "number": 1, "stage": "extract", "passages": 0, "total": None}
    assert told[-1][1]["state"] == "done"
    assert client.get("/v1/jobs/nothing/events").status_code == 404


def test_a_stream_for_a_job_that_is_over_tells_so_and_ends(client: TestClient) -> None:
    job = sent(client, json={"text": "Hello."})
    [(name, body)] = events(client.get(f"/v1/jobs/{job['id']}/events").text)
    assert (name, body) == ("done", job)


def test_a_stream_ends_when_the_server_stops(
    client: TestClient, server: Server, gate: Gate
) -> None:
    job = accepted(client, 1)
    assert gate.reached.wait(20)
    threading.Timer(0.2, server.jobs.stop).start()
    told = events(client.get(f"/v1/jobs/{job}/events").text)
    assert [name for name, _ in told][:2] == ["job", "progress"]
    assert "done" not in [name for name, _ in told]
    gate.open()


def test_a_client_that_waits_too_short_has_the_job_as_it_is(client: TestClient, gate: Gate) -> None:
    response = client.post("/v1/documents", json={"text": "Hello."}, headers={"Prefer": "wait=1"})
    assert response.status_code == 202
    assert "Preference-Applied" not in response.headers
    assert response.json()["state"] in ("queued", "running")
    gate.open()


def test_while_too_much_waits_uploads_are_refused(
    client: TestClient, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.host.arrivals._ARRIVING", 0)
    refused = client.post("/v1/documents", json={"text": "Hello."})
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) >= 1
    assert server.jobs.waiting().files == 0


def test_a_key_knows_the_jobs_of_its_collections_only(client: TestClient, server: Server) -> None:
    client.post("/v1/collections", json={"name": "closed"})
    hidden = sent(client, "/v1/documents?collection=closed", json={"text": "Hello."})["id"]
    shown = sent(client, json={"text": "Hello."})["id"]
    _, key = server.keys.create("one", Scope.WRITE, ["default"])
    _, reader = server.keys.create("reader", Scope.READ, ["default"])
    headers = {"Authorization": f"Bearer {key}"}
    assert client.get(f"/v1/jobs/{shown}", headers=headers).status_code == 200
    listed = client.get("/v1/jobs", headers=headers).json()["jobs"]
    assert [job["id"] for job in listed] == [shown]
    for path in ("", "/events"):
        for method in ("GET", "DELETE") if not path else ("GET",):
            answers = [
                client.request(method, f"/v1/jobs/{job}{path}", headers=headers)
                for job in (hidden, "0" * 16)
            ]
            assert [answer.status_code for answer in answers] == [404, 404]
            details = [
                answer.json()["detail"].replace(job, "")
                for answer, job in zip(answers, (hidden, "0" * 16), strict=True)
            ]
            assert details[0] == details[1]
    reading = {"Authorization": f"Bearer {reader}"}
    assert client.get(f"/v1/jobs/{shown}", headers=reading).status_code == 200
    assert client.delete(f"/v1/jobs/{shown}", headers=reading).status_code == 403
    assert client.post("/v1/documents", json={"text": "x"}, headers=reading).status_code == 403


def test_a_file_with_a_hostile_name_is_one_line_of_an_event(client: TestClient) -> None:
    name = "a\u2028b\x0b\x85\u202e<script>.txt"
    job = sent(client, files={"file": (name, b"Hello there.")})
    text = client.get(f"/v1/jobs/{job['id']}/events").content
    assert text.count(b"\n") == 3
    assert b"\r" not in text
    assert outcomes(job)[0]["status"] == "added"


def test_a_stream_of_which_nothing_is_heard_shows_that_it_lives(
    client: TestClient, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.http.jobs._HEARTBEAT", 0.01)
    job = accepted(client, 1)
    assert gate.reached.wait(20)
    threading.Timer(0.5, gate.open).start()
    text = client.get(f"/v1/jobs/{job}/events").text
    assert "\n\n: still here\n\n" in text
    assert [name for name, _ in events(text)][-1] == "done"
