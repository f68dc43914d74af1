"""What every response of every route tells a browser not to do."""

import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from tests.security.doors import Locked

OWN = {"Origin": "http://localhost"}
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}


def _routes(client: TestClient) -> Iterator[tuple[str, str]]:
    """Each method and path of the app, its parameters filled in."""
    for route in iter_route_contexts(client.app.routes):  # type: ignore[attr-defined]
        assert route.path is not None, route
        for method in sorted(route.methods or {"GET", "POST"}):
            yield method, re.sub(r"\{[^}]*\}", "1", route.path)


def _policy(response: httpx.Response) -> dict[str, list[str]]:
    parts = response.headers["Content-Security-Policy"].split(";")
    words = [part.split() for part in parts if part.strip()]
    return {found[0]: found[1:] for found in words}


def _is_guarded(response: httpx.Response) -> None:
    for name, value in ALWAYS.items():
        assert response.headers.get_list(name) == [value], (response.url, name)
    policy = _policy(response)
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["base-uri"] == ["'none'"]
    for directive, allowed in policy.items():
        if directive == "sandbox":
            assert not {"allow-scripts", "allow-same-origin"} & set(allowed)
        elif directive in ("style-src", "script-src", "img-src", "connect-src", "form-action"):
            assert set(allowed) <= {"'self'", "'none'"}, (response.url, directive)
        else:
            assert allowed in (["'none'"], ["'self'"]), (response.url, directive)
    permissions = response.headers["Permissions-Policy"]
    assert {"camera=()", "geolocation=()", "microphone=()"} <= set(permissions.split(", "))
    cached = response.headers["Cache-Control"]
    if not response.request.url.path.startswith(("/static/", "/favicon")):
        assert "public" not in cached
        assert "no-store" in cached or "private" in cached or "no-cache" in cached, response.url
    assert not [name for name in response.headers if name.startswith("access-control-")]
    assert "server" not in response.headers
    assert "x-powered-by" not in response.headers


def test_every_route_is_guarded_with_and_without_a_key(locked: Locked) -> None:
    tried = 0
    for method, path in _routes(locked.client):
        for headers in ({}, locked.admin):
            response = locked.client.request(
                method, path, headers={**OWN, **headers}, follow_redirects=False
            )
            _is_guarded(response)
            assert "Strict-Transport-Security" not in response.headers
            tried += 1
    assert tried > 30


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/nowhere", {}, 404),
        ("/v1/ask", {"Host": "evil.example"}, 421),
        ("/v1/ask", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}, 403),
        ("/v1/documents", {}, 401),
        ("/%00", {}, 404),
    ],
)
def test_so_is_what_no_handler_answers(
    locked: Locked, path: str, headers: dict[str, str], status: int
) -> None:
    response = locked.client.get(path, headers=headers)
    assert response.status_code == status
    _is_guarded(response)


def test_so_is_what_went_wrong(locked: Locked, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("service.host.keys.Keys.all", fail)
    response = locked.client.get("/v1/keys", headers=locked.admin)
    assert response.status_code == 500
    _is_guarded(response)


def test_only_over_https_is_a_browser_told_to_stay_there(locked: Locked) -> None:
    response = locked.client.get("https://localhost/healthz")
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost"])
def test_no_other_origin_may_read_or_ask_to(locked: Locked, origin: str) -> None:
    asked = locked.client.options(
        "/v1/ask",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        },
    )
    assert asked.status_code == 405
    _is_guarded(asked)
    _is_guarded(locked.client.get("/healthz", headers={"Origin": origin}))
