import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from service_fakes import fake_server

from service.host.keys import Scope
from service.host.server import Server
from service.http.app import create_app
from service.observing.logs import Json
from service.settings import Settings

QUESTION = "How many books may members borrow at zanzibarquat?"


@pytest.fixture
def server(tmp_path: Path) -> Server:
    made = fake_server(Settings(index=tmp_path / "index", drain_seconds=5))
    made.collections.create("hr")
    return made


@pytest.fixture
def client(server: Server) -> Iterator[TestClient]:
    with TestClient(create_app(server), base_url="http://localhost") as made:
        yield made


def key(server: Server, scope: Scope, *collections: str) -> dict[str, str]:
    """The headers of a key."""
    _, whole = server.keys.create("k", scope, collections or None)
    return {"Authorization": f"Bearer {whole}"}


def samples(client: TestClient, **headers: str) -> dict[str, float]:
    response = client.get("/metrics", headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_a_server_that_is_well_is_alive_and_ready(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
    body = client.get("/v1/health").json()
    assert body["ok"]
    assert [check["name"] for check in body["checks"]] == [
        *("models", "uploads", "disk", "collection default", "collection hr")
    ]


def test_what_is_wrong_is_told_to_administrators_and_names_to_those_who_may_know_them(
    client: TestClient, server: Server
) -> None:
    with server.collections.use("hr") as collection:
        collection.engine.store.close()
    everything, other = key(server, Scope.ADMIN), key(server, Scope.ADMIN, "default")
    assert client.get("/healthz").status_code == 200
    unready = client.get("/readyz")
    assert unready.status_code == 503
    assert "hr" not in unready.json()["detail"]
    wrong = [
        c for c in client.get("/v1/health", headers=everything).json()["checks"] if not c["ok"]
    ]
    assert [check["name"] for check in wrong] == ["collection hr"]
    assert client.get("/v1/health", headers=other).json()["ok"]
    assert "hr" not in client.get("/v1/health", headers=other).text


@pytest.mark.parametrize("path", ["/metrics", "/v1/health"])
def test_only_administrators_see_metrics_and_health(
    path: str, client: TestClient, server: Server
) -> None:
    assert client.get(path, headers=key(server, Scope.ADMIN)).status_code == 200
    assert client.get(path, headers=key(server, Scope.WRITE)).status_code == 403
    assert client.get(path).status_code == 401


def test_metrics_are_not_for_a_key_that_is_bound_to_collections(
    client: TestClient, server: Server
) -> None:
    response = client.get("/metrics", headers=key(server, Scope.ADMIN, "hr"))
    assert response.status_code == 403
    assert "default" not in response.text


def test_a_question_and_an_upload_are_measured_by_stage(client: TestClient) -> None:
    assert client.post("/v1/ask", json={"question": QUESTION}).status_code == 200
    sent = client.post(
        "/v1/documents",
        files={"file": ("gate.txt", b"The gate opens at 7.")},
        headers={"Prefer": "wait=20"},
    )
    assert sent.status_code in (200, 202), sent.text
    found = samples(client)
    for stage in ("embed", "retrieve", "read", "question"):
        assert found[f"pincite_stage_seconds_count['{stage}']"] == 1
    for stage in ("extract", "embed_passages", "store", "upload"):
        assert found[f"pincite_stage_seconds_count['{stage}']"] == 1
    assert found["pincite_requests_total['/v1/ask', '200', 'POST']"] == 1
    assert found["pincite_documents['default']"] == 3
    assert found["pincite_jobs['done']"] == 1


def test_a_request_may_ask_as_many_questions_as_the_settings_say(tmp_path: Path) -> None:
    small = fake_server(Settings(index=tmp_path / "small", max_batch=2, drain_seconds=5))
    with TestClient(create_app(small), base_url="http://localhost") as client:
        for count, status in ((2, 200), (3, 422)):
            sent = client.post("/v1/ask/batch", json={"questions": [QUESTION] * count})
            assert sent.status_code == status, sent.text


def test_what_is_turned_away_is_counted_by_its_type(client: TestClient, server: Server) -> None:
    key(server, Scope.READ)
    client.get("/v1/documents")
    admin = key(server, Scope.ADMIN)
    client.get("/v1/documents?collection=none", headers=admin)
    found = samples(client, **admin)
    assert found["pincite_errors_total['Unauthorized']"] == 1
    assert found["pincite_errors_total['UnknownCollection']"] == 1


def test_the_log_has_no_question_no_text_and_no_file_name(
    client: TestClient, server: Server
) -> None:
    admin = key(server, Scope.ADMIN)
    lines: list[str] = []

    class Keeps(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(Json().format(record))

    handler = Keeps()
    ours = [logging.getLogger(name) for name in ("pincite", "service", "index", "qa")]
    for logger in ours:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    try:
        client.post("/v1/ask", json={"question": QUESTION}, headers=admin)
        client.post(
            "/v1/documents",
            files=[
                ("file", ("zanzibarquat.txt", b"The word is zanzibarquat.")),
                ("file", ("zanzibarquat.pdf", b"%PDF-zanzibarquat")),
            ],
            headers={**admin, "Prefer": "wait=20"},
        )
        client.post("/v1/ask", json={"question": "zanzibarquat" * 10_000}, headers=admin)
        client.get("/zanzibarquat?q=zanzibarquat", headers=admin)
        client.get("/v1/documents/zanzibarquat", headers=admin)
        client.get("/v1/documents?collection=zanzibarquat", headers=admin)
    finally:
        for logger in ours:
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)
    found = [json.loads(line) for line in lines]
    asked = next(line for line in found if line.get("route") == "/v1/ask")
    assert asked["key"] is not None
    assert asked["collection"] == "default"
    assert {"embed_ms", "retrieve_ms", "read_ms", "question_ms", "ms"} <= set(asked)
    assert any(line["message"] == "job" and "store_ms" in line for line in found)
    assert any(line["message"] == "audit" for line in found)
    assert "zanzibarquat" not in "".join(lines)


def test_every_route_is_counted_under_its_own_name(client: TestClient, server: Server) -> None:
    admin = key(server, Scope.ADMIN)
    for path in ("/v1/documents/abc", "/v1/keys", "/v1/collections/hr", "/v1/jobs/none", "/"):
        client.get(path, headers=admin)
    routes = {name.split("'")[1] for name in samples(client, **admin) if "requests_total" in name}
    assert {
        *("/v1/documents/{document_id}", "/v1/keys", "/v1/collections/{name}", "/v1/jobs/{job_id}")
    } <= routes
    assert not {route for route in routes if "abc" in route or route == "unmatched"}
