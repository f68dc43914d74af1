"""`/v1/keys`: made, listed and revoked by administrators, within what their own keys open."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service_fakes import fake_server

from service.host.keys import Scope
from service.host.server import Door, Server
from service.http.app import create_app
from service.settings import Settings


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = fake_server(Settings(index=tmp_path / "index"), door=Door.LOCKED)
    for name in ("hr", "legal"):
        made.collections.create(name)
    yield made
    made.close()


@pytest.fixture
def client(server: Server) -> TestClient:
    return TestClient(create_app(server), base_url="http://localhost")


def _as(server: Server, scope: Scope, collections: list[str] | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.keys.create('admin', scope, collections)[1]}"}


def _names(client: TestClient, headers: dict[str, str]) -> list[str]:
    return [key["name"] for key in client.get("/v1/keys", headers=headers).json()["keys"]]


def test_a_key_is_made_used_and_revoked(server: Server, client: TestClient) -> None:
    admin = _as(server, Scope.ADMIN)
    sent: dict[str, Any] = {
        "name": "intranet",
        "scope": "write",
        "collections": ["legal", "hr"],
        "per_minute": 90,
        "expires_at": "2036-06-01T02:00:00+02:00",
    }
    response = client.post("/v1/keys", json=sent, headers=admin)
    assert response.status_code == 201
    assert response.headers["Cache-Control"] == "no-store"
    made = response.json()
    assert re.fullmatch(r"pincite_[0-9a-f]{12}_[0-9A-Za-z]{49}", made["key"])
    expected = {
        **sent,
        "id": made["key"].split("_")[1],
        "collections": ["hr", "legal"],
        "expires_at": "2036-06-01T00:00:00Z",
        "state": "valid",
        "last_used_at": None,
        "revoked_at": None,
    }
    assert {**made, "created_at": None, "key": None} == {
        **expected,
        "created_at": None,
        "key": None,
    }
    own = {"X-API-Key": made["key"]}
    assert client.get("/v1/documents?collection=hr", headers=own).status_code == 200
    listed = client.get("/v1/keys", headers=admin).json()["keys"][-1]
    assert "key" not in listed
    assert listed["last_used_at"] is not None
    for _ in range(2):
        assert client.delete(f"/v1/keys/{made['id']}", headers=admin).status_code == 204
    assert client.get("/v1/documents?collection=hr", headers=own).status_code == 401
    assert client.get("/v1/keys", headers=admin).json()["keys"][-1]["state"] == "revoked"


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE])
def test_only_administrators_see_and_make_keys(
    server: Server, client: TestClient, scope: Scope
) -> None:
    headers = _as(server, scope)
    assert client.get("/v1/keys", headers=headers).status_code == 403
    assert client.post("/v1/keys", json={"name": "a"}, headers=headers).status_code == 403
    assert client.delete("/v1/keys/abc", headers=headers).status_code == 403
    assert client.get("/v1/keys").status_code == 401
    assert len(server.keys.all()) == 1


def test_an_administrator_of_collections_stays_within_them(
    server: Server, client: TestClient
) -> None:
    bound = _as(server, Scope.ADMIN, ["hr"])
    others = [
        server.keys.create("everything", Scope.READ)[0],
        server.keys.create("both", Scope.READ, ["hr", "legal"])[0],
        server.keys.create("theirs", Scope.READ, ["legal"])[0],
    ]
    assert _names(client, bound) == ["admin"]
    made = client.post("/v1/keys", json={"name": "own", "collections": ["hr"]}, headers=bound)
    assert made.status_code == 201
    assert _names(client, bound) == ["admin", "own"]
    assert client.delete(f"/v1/keys/{made.json()['id']}", headers=bound).status_code == 204

    def refused(collections: list[str] | None) -> tuple[int, str]:
        sent = {"name": "more", "collections": collections}
        response = client.post("/v1/keys", json=sent, headers={**bound, "X-Request-ID": "same"})
        return response.status_code, response.text

    assert refused(None)[0] == 403
    assert refused(["legal"])[0] == 404
    assert refused(["legal"])[1].replace("legal", "absent") == refused(["absent"])[1]
    assert refused(["hr", "legal"]) == refused(["legal"])

    def revoking(key_id: str) -> tuple[int, str]:
        response = client.delete(f"/v1/keys/{key_id}", headers={**bound, "X-Request-ID": "same"})
        return response.status_code, response.text.replace(key_id, "ID")

    answers = {revoking(key.id) for key in others} | {revoking("0123456789ab")}
    assert len(answers) == 1
    assert answers.pop()[0] == 404
    assert all(key.revoked_at is None for key in server.keys.all() if key.name != "own")


def test_an_administrator_of_all_names_collections_that_are_there(
    server: Server, client: TestClient
) -> None:
    admin = _as(server, Scope.ADMIN)
    sent = {"name": "a", "collections": ["hr", "absent"]}
    response = client.post("/v1/keys", json=sent, headers=admin)
    assert response.status_code == 404
    assert "'absent'" in response.json()["detail"]


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"name": "\ud800"},
        {"name": "a", "scope": "root"},
        {"name": "a", "collections": []},
        {"name": "a", "collections": ["hr"] * 1001},
        {"name": "a", "per_minute": 0},
        {"name": "a", "per_minute": 10**30},
        {"name": "a", "expires_at": "2020-01-01T00:00:00Z"},
        {"name": "a", "expires_at": "2036-01-01T00:00:00"},
        {"name": "a", "expires_at": "9999-12-31T23:59:59-23:59"},
        {"name": "a", "expires_at": 1e300},
        {"name": "a", "more": 1},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    server: Server, client: TestClient, sent: dict[str, Any]
) -> None:
    import json

    admin = {**_as(server, Scope.ADMIN), "Content-Type": "application/json"}
    response = client.post("/v1/keys", content=json.dumps(sent), headers=admin)
    assert response.status_code == 422
    assert len(server.keys.all()) == 1


def test_the_first_key_closes_the_door(tmp_path: Path) -> None:
    server = fake_server(Settings(index=tmp_path / "index"))
    client = TestClient(create_app(server), base_url="http://localhost")
    assert client.get("/v1/documents").status_code == 200
    made = client.post("/v1/keys", json={"name": "first", "scope": "admin"})
    assert made.status_code == 201
    assert client.get("/v1/documents").status_code == 401
    own = {"X-API-Key": made.json()["key"]}
    assert client.get("/v1/documents", headers=own).status_code == 200
    server.close()


def test_keys_that_open_nothing_any_more_are_nobody_elses(
    server: Server, client: TestClient
) -> None:
    everywhere = _as(server, Scope.ADMIN)
    bound = _as(server, Scope.ADMIN, ["hr"])
    server.keys.create("lawyer", Scope.READ, ["legal"])
    assert client.delete("/v1/collections/legal", headers=everywhere).status_code == 204
    assert _names(client, bound) == ["admin"]
    assert "lawyer" in _names(client, everywhere)


def test_a_body_is_not_read_before_its_key(client: TestClient) -> None:
    response = client.post("/v1/ask", content=b"{" * 2**20)
    assert response.status_code == 401
    assert response.headers["Connection"] == "close"
