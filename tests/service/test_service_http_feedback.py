"""Feedback over HTTP: whoever may ask gives it, administrators read it."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.engine import Engine
from service.host.keys import Scope
from service.host.server import Server

POOL = "How long is the pool?"


def marking(client: TestClient, **more: object) -> dict[str, Any]:
    """What one sends to say that the first answer is right."""
    answer = client.post("/v1/ask", json={"question": POOL}).json()["answers"][0]
    place = {name: answer["citation"][name] for name in ("document_id", "start", "end")}
    return {
        "question": POOL,
        "right": True,
        **place,
        "text": answer["text"],
        "confidence": answer["confidence"],
        **more,
    }


def test_an_answer_is_marked_and_an_administrator_reads_it(client: TestClient) -> None:
    sent = marking(client, note="measured")
    response = client.post("/v1/feedback", json=sent)
    assert response.status_code == 201
    given = response.json()
    assert {name: given[name] for name in sent} == sent
    assert (given["key"], given["uri"]) == (None, "test:pool")
    assert given["generation"] > 0
    listed = client.get("/v1/feedback").json()
    assert listed == {"feedback": [given], "next_cursor": None}
    assert client.delete(f"/v1/feedback/{given['number']}").status_code == 204
    assert client.delete(f"/v1/feedback/{given['number']}").status_code == 404
    assert client.get("/v1/feedback").json()["feedback"] == []


def test_a_reply_without_an_answer_is_marked(client: TestClient) -> None:
    sent = {"question": " How high is the tower? ", "right": True}
    given = client.post("/v1/feedback", json=sent).json()
    assert given["question"] == "How high is the tower?"
    assert (given["document_id"], given["text"]) == (None, None)
    lines = client.get("/v1/feedback/questions")
    assert lines.headers["content-type"].startswith("application/x-ndjson")
    assert json.loads(lines.text) == {"question": "How high is the tower?", "answers": []}


def test_feedback_comes_by_pages(client: TestClient) -> None:
    for number in range(5):
        client.post("/v1/feedback", json={"question": f"{number}?", "right": False})
    seen: list[str] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        page = client.get("/v1/feedback", params=params).json()
        seen += [judgement["question"] for judgement in page["feedback"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert seen == ["4?", "3?", "2?", "1?", "0?"]
    assert client.get("/v1/feedback", params={"cursor": "nonsense"}).status_code == 422


def test_an_answer_that_stands_there_no_more_is_refused(client: TestClient, engine: Engine) -> None:
    sent = marking(client)
    assert client.post("/v1/feedback", json={**sent, "text": "26"}).status_code == 409
    far = {**sent, "start": 90_000, "end": 90_002, "text": None}
    assert client.post("/v1/feedback", json=far).status_code == 409
    engine.remove([sent["document_id"]])
    assert client.post("/v1/feedback", json=sent).status_code == 404


def test_a_document_that_is_removed_takes_its_text_along(
    client: TestClient, server: Server
) -> None:
    sent = marking(client)
    assert client.post("/v1/feedback", json=sent).status_code == 201
    assert client.delete(f"/v1/documents/{sent['document_id']}").status_code == 204
    assert server.state.rows("SELECT text FROM feedback") == []


def test_with_a_document_goes_what_was_said_of_it(client: TestClient, engine: Engine) -> None:
    sent = marking(client)
    assert client.post("/v1/feedback", json=sent).status_code == 201
    assert client.get("/v1/feedback/questions").text.count("\n") == 1
    engine.remove([sent["document_id"]])
    assert client.get("/v1/feedback").json()["feedback"] == []
    assert client.get("/v1/feedback/questions").text == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"question": ""},
        {"question": "  "},
        {"right": "maybe"},
        {"document_id": "x"},
        {"document_id": "x", "start": 3, "end": 3},
        {"document_id": "x", "start": 3, "end": 3_000},
        {"start": 1, "end": 2},
        {"text": "25"},
        {"confidence": 0.5},
        {"note": "x" * 2_001},
    ],
)
def test_what_is_no_feedback_is_refused(standing_client: TestClient, wrong: dict[str, Any]) -> None:
    response = standing_client.post("/v1/feedback", json={"question": "x?", "right": True, **wrong})
    assert response.status_code == 422


def test_who_may_ask_may_give_feedback_but_only_administrators_read_it(
    client: TestClient, server: Server
) -> None:
    sent = marking(client)
    keys = {scope: server.keys.create(scope.value, scope) for scope in Scope}

    def headers(scope: Scope) -> dict[str, str]:
        return {"Authorization": f"Bearer {keys[scope][1]}"}

    assert client.post("/v1/feedback", json=sent).status_code == 401
    response = client.post("/v1/feedback", json=sent, headers=headers(Scope.READ))
    assert response.status_code == 201
    assert response.json()["key"] == keys[Scope.READ][0].id
    number = response.json()["number"]
    for scope in (Scope.READ, Scope.WRITE):
        for method, path in (
            ("GET", "/v1/feedback"),
            ("GET", "/v1/feedback/questions"),
            ("DELETE", f"/v1/feedback/{number}"),
        ):
            assert client.request(method, path, headers=headers(scope)).status_code == 403
    listed = client.get("/v1/feedback", headers=headers(Scope.ADMIN)).json()["feedback"]
    assert [judgement["number"] for judgement in listed] == [number]


def test_one_collection_does_not_show_anothers_feedback(client: TestClient) -> None:
    given = client.post("/v1/feedback", json=marking(client)).json()
    assert client.post("/v1/collections", json={"name": "other"}).status_code == 201
    there = {"collection": "other"}
    assert client.get("/v1/feedback", params=there).json()["feedback"] == []
    assert client.get("/v1/feedback/questions", params=there).text == ""
    path = f"/v1/feedback/{given['number']}"
    assert client.delete(path, params=there).status_code == 404
    assert client.post("/v1/feedback", params=there, json=marking(client)).status_code == 404
    assert len(client.get("/v1/feedback").json()["feedback"]) == 1
