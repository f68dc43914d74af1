"""Citations held against the documents, over HTTP."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.engine import Engine

POOL = "How long is the pool?"


def claim(client: TestClient) -> dict[str, Any]:
    """The first answer's citation, as one would keep it."""
    answer = client.post("/v1/ask", json={"question": POOL}).json()["answers"][0]
    place = answer["citation"]
    kept = {
        name: place[name] for name in ("document_id", "uri", "start", "end", "prefix", "suffix")
    }
    return {**kept, "text": answer["text"]}


def verify(client: TestClient, sent: dict[str, Any]) -> dict[str, Any]:
    response = client.post("/v1/verify", json=sent)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def test_what_was_cited_stands(standing_client: TestClient) -> None:
    cited = standing_client.post("/v1/ask", json={"question": POOL}).json()["answers"][0]
    body = verify(standing_client, claim(standing_client))
    assert body == {"standing": "stands", "reason": None, "citation": cited["citation"]}


def test_a_quote_that_moved_is_found_with_its_place(client: TestClient, engine: Engine) -> None:
    sent = claim(client)
    text = "Pool rules.\n\nOn Mondays 25 people may come.\n\nThe swimming pool is 25 metres long.\n"
    engine.add_bytes(text.encode(), uri="test:pool", name="pool.txt")
    body = verify(client, sent)
    assert body["standing"] == "moved"
    place = body["citation"]
    document = engine.store.document(place["document_id"])
    assert document.text[place["start"] : place["end"]] == "25"
    assert document.text[: place["start"]].endswith("swimming pool is ")
    assert place["links"]["view"].endswith(f"?start={place['start']}&end={place['end']}")


def test_a_quote_whose_document_went_is_gone(client: TestClient, engine: Engine) -> None:
    sent = claim(client)
    digest = engine.store.document(sent["document_id"]).sha256
    engine.remove([sent["document_id"]])
    body = verify(client, {**sent, "sha256": digest})
    assert (body["standing"], body["citation"]) == ("gone", None)
    assert body["reason"].startswith("The document is not in the index")
    engine.add_bytes(
        b"The swimming pool is 25 metres long.\n\nA ticket for the pool costs 4 pounds.\n",
        uri="test:elsewhere",
        name="elsewhere.txt",
    )
    assert verify(client, sent)["standing"] == "gone"
    moved = verify(client, {**sent, "sha256": digest})
    assert (moved["standing"], moved["citation"]["uri"]) == ("moved", "test:elsewhere")


def test_a_quote_that_is_not_there_is_gone(standing_client: TestClient) -> None:
    sent = {**claim(standing_client), "text": "26"}
    body = verify(standing_client, sent)
    assert (body["standing"], body["citation"]) == ("gone", None)
    assert body["reason"] == "The document does not hold this text any more."


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": ""},
        {"text": "x" * 20_001},
        {"prefix": "x" * 1_001},
        {"start": -1},
        {"start": 2**31},
        {"end": 3},
        {"sha256": "xyz"},
        {"text": "half \ud800"},
        {"page": 3},
    ],
)
def test_what_is_no_citation_is_refused(standing_client: TestClient, wrong: dict[str, Any]) -> None:
    sent = {"document_id": "x", "start": 0, "text": "25", **wrong}
    if wrong == {"text": "half \ud800"}:
        content = '{"document_id": "x", "start": 0, "text": "half \\ud800"}'
        headers = {"Content-Type": "application/json"}
        response = standing_client.post("/v1/verify", content=content, headers=headers)
    else:
        response = standing_client.post("/v1/verify", json=sent)
    assert response.status_code == 422
    assert response.json()["errors"]


def test_one_collection_does_not_answer_for_another(client: TestClient) -> None:
    sent = claim(client)
    assert client.post("/v1/collections", json={"name": "other"}).status_code == 201
    response = client.post("/v1/verify", params={"collection": "other"}, json=sent)
    assert response.json()["standing"] == "gone"
    response = client.post("/v1/verify", params={"collection": "none"}, json=sent)
    assert response.status_code == 404
