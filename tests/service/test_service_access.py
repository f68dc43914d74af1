"""The door: who gets in with what, and what a session may do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import Form, Request, Response
from fastapi.testclient import TestClient
from service_fakes import fake_server

from service.host.keys import Scope
from service.host.rates import RateLimiter
from service.host.server import Door, Server
from service.http import middleware
from service.http.access import AdminAccess, ReadAccess, WriteAccess, sign_in, sign_out
from service.http.app import create_app
from service.settings import Settings

OWN = {"Origin": "http://localhost"}


def _client(server: Server, scheme: str = "http") -> TestClient:
    """A client of the service, with a few routes that do nothing but ask who may come in."""
    app = create_app(server)

    @app.get("/test/read")
    @app.post("/test/read")
    def read(access: ReadAccess) -> str:
        return access.principal.name

    @app.post("/test/write")
    def write(access: WriteAccess) -> str:
        return access.collection.name

    @app.post("/test/admin")
    def admin(principal: AdminAccess) -> str:
        return principal.name

    @app.post("/test/in")
    def enter(request: Request, response: Response, key: Annotated[str, Form()]) -> str:
        return sign_in(request, response, key).name

    @app.post("/test/out")
    def leave(request: Request, response: Response) -> None:
        sign_out(request, response)

    return TestClient(app, base_url=f"{scheme}://localhost")


@pytest.fixture(autouse=True)
def _signing_in_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "_WITHOUT_KEY", frozenset({"/test/in", "/test/out"}))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = fake_server(Settings(index=tmp_path / "index"), door=Door.LOCKED)
    yield made
    made.close()


@pytest.fixture
def client(server: Server) -> TestClient:
    return _client(server)


def test_without_a_key_nothing_is_said(client: TestClient) -> None:
    response = client.get("/test/read")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json()["type"] == "urn:pincite:problem:unauthorized"
    assert "pincite keys create" in response.json()["detail"]


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_a_key_goes_into_either_header(server: Server, client: TestClient, header: str) -> None:
    _, whole = server.keys.create("reader", Scope.READ)
    value = f"bEARER  {whole} " if header == "Authorization" else whole
    response = client.get("/test/read", headers={header: value})
    assert (response.status_code, response.json()) == (200, "reader")


def test_what_a_proxy_asks_for_itself_is_no_key(server: Server, client: TestClient) -> None:
    _, whole = server.keys.create("reader", Scope.READ)
    basic = {"Authorization": "Basic dXNlcjpwYXNz"}
    assert client.get("/test/read", headers=basic).status_code == 401
    assert client.get("/test/read", headers={**basic, "X-API-Key": whole}).status_code == 200


def test_a_slip_of_the_hand_is_told_from_a_key_that_opens_nothing(
    server: Server, client: TestClient
) -> None:
    key, whole = server.keys.create("reader", Scope.READ)
    typed = whole[:30] + ("a" if whole[30] != "a" else "b") + whole[31:]
    mistyped = client.get("/test/read", headers={"X-API-Key": typed})
    assert "mistyped" in mistyped.json()["detail"]
    server.keys.revoke(key.id)
    revoked = client.get("/test/read", headers={"X-API-Key": whole})
    assert "opens nothing" in revoked.json()["detail"]
    assert {mistyped.status_code, revoked.status_code} == {401}
    for response in (mistyped, revoked):
        assert typed not in response.text
        assert whole not in response.text


@pytest.mark.parametrize("scope", list(Scope))
def test_a_scope_opens_its_own_and_what_is_before(
    server: Server, client: TestClient, scope: Scope
) -> None:
    _, whole = server.keys.create("someone", scope)
    statuses = [
        client.post(f"/test/{needed}", headers={"X-API-Key": whole}).status_code for needed in Scope
    ]
    expected = {
        Scope.READ: [200, 403, 403],
        Scope.WRITE: [200, 200, 403],
        Scope.ADMIN: [200, 200, 200],
    }
    assert statuses == expected[scope]


def test_a_key_opens_its_collections_and_of_others_not_even_whether_they_exist(
    server: Server, client: TestClient
) -> None:
    server.collections.create("mine")
    server.collections.create("theirs")
    _, whole = server.keys.create("someone", Scope.ADMIN, ["mine", "absent"])
    headers = {"X-API-Key": whole, "X-Request-ID": "same"}

    def said(name: str) -> tuple[int, str]:
        response = client.post("/test/write", params={"collection": name}, headers=headers)
        return response.status_code, response.text.replace(name, "NAME")

    assert said("mine") == (200, '"NAME"')
    assert said("theirs")[0] == 404
    assert said("theirs") == said("nowhere") == said("absent") == said("default")


def test_a_door_that_is_keyed_stands_open_until_a_key_was_made(tmp_path: Path) -> None:
    server = fake_server(Settings(index=tmp_path / "index"), door=Door.KEYED)
    client = _client(server)
    assert client.post("/test/admin").json() == "anyone"
    key, _ = server.keys.create("reader", Scope.READ)
    assert client.post("/test/admin").status_code == 401
    server.keys.revoke(key.id)
    assert client.post("/test/admin").status_code == 401
    server.close()


def test_a_door_that_was_left_open_asks_for_nothing(tmp_path: Path) -> None:
    server = fake_server(Settings(index=tmp_path / "index"), door=Door.OPEN)
    server.keys.create("reader", Scope.READ)
    assert _client(server).post("/test/admin").json() == "anyone"
    server.close()


def test_a_session_does_what_its_key_may(server: Server, client: TestClient) -> None:
    _, whole = server.keys.create("writer", Scope.WRITE)
    signed_in = client.post("/test/in", data={"key": f" {whole}\n"}, headers=OWN)
    assert signed_in.json() == "writer"
    cookie = signed_in.headers["Set-Cookie"]
    name, _, rest = cookie.partition("=")
    assert name == "pincite_session"
    assert rest.split("; ")[1:] == ["HttpOnly", "Path=/", "SameSite=strict"]
    assert whole not in cookie
    assert client.get("/test/read").json() == "writer"
    assert client.post("/test/write", headers=OWN).status_code == 200
    assert client.post("/test/admin", headers=OWN).status_code == 403
    out = client.post("/test/out", headers=OWN)
    assert "Max-Age=0" in out.headers["Set-Cookie"]
    client.cookies.set("pincite_session", rest.split(";")[0])
    assert client.get("/test/read").status_code == 401


def test_over_https_the_cookie_never_goes_elsewhere(server: Server) -> None:
    client = _client(server, "https")
    _, whole = server.keys.create("reader", Scope.READ)
    own = {"Origin": "https://localhost"}
    cookie = client.post("/test/in", data={"key": whole}, headers=own).headers["Set-Cookie"]
    assert cookie.startswith("__Host-pincite_session=")
    assert cookie.endswith("; HttpOnly; Path=/; SameSite=strict; Secure")
    assert client.get("/test/read").json() == "reader"
    planted = client.cookies["__Host-pincite_session"]
    client.cookies.clear()
    client.cookies.set("pincite_session", planted)
    assert client.get("/test/read").status_code == 401


def test_a_session_ends_with_its_key_at_once(server: Server, client: TestClient) -> None:
    key, whole = server.keys.create("reader", Scope.READ)
    client.post("/test/in", data={"key": whole}, headers=OWN)
    assert client.get("/test/read").status_code == 200
    server.keys.revoke(key.id)
    assert client.get("/test/read").status_code == 401
    soon = datetime.now(UTC) + timedelta(seconds=1)
    _, whole = server.keys.create("reader", Scope.READ, expires_at=soon)
    client.post("/test/in", data={"key": whole}, headers=OWN)
    with server.state.transaction() as connection:
        connection.execute("UPDATE keys SET expires_at = '2020-01-01T00:00:00Z'")
    assert client.get("/test/read").status_code == 401


def test_signing_in_again_ends_the_session_before(server: Server, client: TestClient) -> None:
    _, whole = server.keys.create("reader", Scope.READ)
    client.post("/test/in", data={"key": whole}, headers=OWN)
    first = client.cookies["pincite_session"]
    client.post("/test/in", data={"key": whole}, headers=OWN)
    assert client.cookies["pincite_session"] != first
    assert len(server.sessions) == 1


FROM_ELSEWHERE = [
    {},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Origin": "http://evil.example"},
    {"Origin": "http://[", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://localhost", "Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
]
FROM_HERE = [
    OWN,
    {"Origin": "HTTP://LOCALHOST"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
]


@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
def test_a_session_changes_nothing_unless_our_own_page_asks(
    server: Server, client: TestClient, headers: dict[str, str]
) -> None:
    _, whole = server.keys.create("writer", Scope.ADMIN)
    client.post("/test/in", data={"key": whole}, headers=OWN)
    assert client.post("/test/write", headers=headers).status_code == 403
    assert client.post("/test/out", headers=headers).status_code == 403
    assert client.get("/test/read").status_code == 200
    assert client.post("/test/in", data={"key": whole}, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", FROM_HERE)
def test_our_own_page_may(server: Server, client: TestClient, headers: dict[str, str]) -> None:
    _, whole = server.keys.create("writer", Scope.WRITE)
    client.post("/test/in", data={"key": whole}, headers=headers)
    assert client.post("/test/write", headers=headers).status_code == 200


def test_with_a_key_of_its_own_a_program_needs_no_page(server: Server, client: TestClient) -> None:
    _, writer = server.keys.create("writer", Scope.WRITE)
    _, reader = server.keys.create("reader", Scope.READ)
    client.post("/test/in", data={"key": writer}, headers=OWN)
    assert client.post("/test/write", headers={"X-API-Key": writer}).status_code == 200
    # The session does not lend the key that was sent what that may not do.
    assert client.post("/test/write", headers={"X-API-Key": reader}).status_code == 403
    assert client.get("/test/read", headers={"X-API-Key": "nonsense"}).status_code == 401


def test_signing_in_with_what_opens_nothing_sets_no_cookie(client: TestClient) -> None:
    response = client.post("/test/in", data={"key": "pincite_nothing"}, headers=OWN)
    assert response.status_code == 401
    assert "Set-Cookie" not in response.headers


def test_so_many_keys_that_open_nothing_are_answered_from_one_address(
    server: Server, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    server.failures = RateLimiter(clock=lambda: 0.0)
    key, revoked = server.keys.create("old", Scope.READ)
    server.keys.revoke(key.id)
    _, good = server.keys.create("good", Scope.READ)
    with caplog.at_level("INFO", "pincite.audit"):
        statuses = [
            client.get("/test/read", headers={"X-API-Key": revoked}).status_code for _ in range(35)
        ]
    assert statuses == [401] * 30 + [429] * 5
    refused = client.post("/test/in", data={"key": "nothing"}, headers=OWN)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "2"
    # Whoever has a good key, or sends none, is not held up.
    assert client.get("/test/read", headers={"X-API-Key": good}).status_code == 200
    assert client.get("/test/read").status_code == 401
    lines = [record for record in caplog.records if record.name == "pincite.audit"]
    assert len(lines) == 30
    found = vars(lines[0])["facts"]
    assert found["presented"] == key.id
    assert found["outcome"] == "refused"
    assert revoked.split("_")[2] not in str([vars(line) for line in lines])
