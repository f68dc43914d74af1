import logging

import pytest
from fastapi.testclient import TestClient

from service.engine import Engine


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/docs", 404),
        ("GET", "/redoc", 404),
        ("PUT", "/v1/ask", 405),
        ("DELETE", "/", 405),
        ("GET", "/v1/documents/unknown", 404),
        ("GET", "/v1/ask", 422),
    ],
)
def test_every_error_is_a_problem(
    standing_client: TestClient, method: str, path: str, status: int
) -> None:
    response = standing_client.request(method, path)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["instance"] == path
    assert body["title"]
    assert body["detail"]
    assert body["type"] == "about:blank" or body["type"].startswith("urn:pincite:problem:")
    assert body["request_id"] == response.headers["X-Request-ID"]


def test_an_unexpected_error_says_nothing_of_our_insides(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(Engine, "asking", fail)
    with caplog.at_level(logging.ERROR):
        response = client.post(
            "/v1/ask", json={"question": "x"}, headers={"X-Request-ID": "request-7"}
        )
    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "secret" not in response.text
    assert "Zero" not in response.text
    assert response.json()["request_id"] == "request-7"
    assert "request-7" in caplog.text
    assert "ZeroDivisionError: secret" in caplog.text


def test_a_short_plain_request_id_is_kept_and_any_other_is_not(standing_client: TestClient) -> None:
    kept = standing_client.get("/healthz", headers={"X-Request-ID": "a-B_9.z"})
    assert kept.headers["X-Request-ID"] == "a-B_9.z"
    for other in ("", "a b", "x" * 65, 'a"', "ä"):
        response = standing_client.get("/healthz", headers={"X-Request-ID": other.encode()})
        assert response.headers["X-Request-ID"] != other
        assert len(response.headers["X-Request-ID"]) == 32


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8000", 200),
        ("LOCALHOST:8000", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("192.168.7.4", 200),
        ("localhost.", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("evil.example:127.0.0.1", 421),
        ("", 421),
    ],
)
def test_only_names_of_this_machine_are_answered(
    standing_client: TestClient, host: str, status: int
) -> None:
    response = standing_client.get("/healthz", headers={"Host": host})
    assert response.status_code == status
    assert "X-Request-ID" in response.headers


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
def test_pages_of_other_sites_may_not_change_anything(
    standing_client: TestClient, origin: str
) -> None:
    response = standing_client.post(
        "/v1/documents", files={"file": ("a.txt", b"Hello.")}, headers={"Origin": origin}
    )
    assert response.status_code == 403
    assert len(standing_client.get("/v1/documents").json()["documents"]) == 2


def test_our_own_pages_may(client: TestClient) -> None:
    response = client.post(
        "/v1/documents",
        files={"file": ("a.txt", b"Hello.")},
        headers={"Origin": "http://localhost"},
    )
    assert response.status_code == 202


def test_a_method_that_is_not_allowed_is_told_of_all_that_are(standing_client: TestClient) -> None:
    for path, allowed in (
        ("/v1/documents", "GET, HEAD, POST"),
        ("/v1/documents/1", "DELETE, GET, HEAD"),
        ("/v1/search", "POST"),
    ):
        response = standing_client.put(path)
        assert response.status_code == 405
        assert response.headers["Allow"] == allowed


@pytest.mark.parametrize(
    "sent",
    [
        {"top_k": "3"},
        {"top_k": True},
        {"top_k": 3.5},
        {"min_confidence": False},
        {"min_confidence": "0.5"},
        {"enough": "0.5"},
        {"enough": 1.5},
        {"documents": "d1"},
        {"where": {}},
    ],
)
def test_nothing_is_taken_for_what_it_is_not(
    standing_client: TestClient, sent: dict[str, object]
) -> None:
    response = standing_client.post("/v1/ask", json={"question": "How long?", **sent})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == list(sent)
