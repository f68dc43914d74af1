"""What holds for every page: its headers, its own files, and how problems are told."""

import re

import pytest
from fastapi.testclient import TestClient
from web_pages import Page

from service.web.assets import assets
from service.web.templating import _TEMPLATES
from tests.paths import ROOT

PAGES = [
    "/",
    "/?q=How+long+is+the+pool%3F",
    "/?q=How+high+is+the+tower%3F",
    "/documents",
    "/admin",
    "/nowhere",
]
WINDOW = {"Accept": "text/html,application/xhtml+xml"}


@pytest.mark.parametrize("address", PAGES)
def test_nothing_is_fetched_from_elsewhere_and_nothing_in_the_page_runs(
    standing_client: TestClient, address: str
) -> None:
    response = standing_client.get(address, headers=WINDOW)
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert "unsafe" not in policy
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "same-origin"
    page = Page(response.text)
    assert all(found.startswith(("/", "#")) for found in page.addresses)
    assert page.all("style") == []
    assert all(script.get("type") == "module" and script["src"] for script in page.all("script"))
    assert not [name for _, found in page.elements for name in found if name.startswith("on")]
    assert page.values("style") == []
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert page.all("html") == [{"lang": "en"}]
    assert page.headings[0] == 1


def test_the_first_paint_needs_little(standing_client: TestClient) -> None:
    response = standing_client.get("/", headers=WINDOW | {"Accept-Encoding": "identity"})
    page = Page(response.text)
    size = len(response.content)
    for address in page.values("src") + [one["href"] for one in page.all("link")]:
        size += len(standing_client.get(address).content)
    assert size < 60_000


def test_the_pages_own_files_are_kept_for_good_under_their_digest(
    standing_client: TestClient,
) -> None:
    address = assets().address("pincite.css")
    response = standing_client.get(address)
    assert response.headers["Content-Type"] == "text/css; charset=utf-8"
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    tag = {"If-None-Match": response.headers["ETag"]}
    assert standing_client.get(address, headers=tag).status_code == 304
    older = standing_client.get("/static/0000000000000000/pincite.css")
    assert (older.status_code, older.headers["Cache-Control"]) == (200, "no-cache")
    for nothing in ("/static/x/../../pages.py", "/static/x/nothing.css", "/static/x/%2e%2e"):
        assert standing_client.get(nothing).status_code == 404
    assert standing_client.get("/favicon.ico").headers["Content-Type"] == "image/svg+xml"


def test_our_own_files_name_no_address_elsewhere() -> None:
    for name, (data, _) in assets().files.items():
        found = re.findall(rb"https?://[^\s\"']+", data)
        assert found in ([], [b"http://www.w3.org/2000/svg"]), name
        assert b"url(" not in data


def test_nothing_is_put_into_a_page_without_being_escaped() -> None:
    for path in _TEMPLATES.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "|safe" not in text.replace(" ", ""), path.name
        assert "autoescape" not in text, path.name
    for path in (ROOT / "service" / "web").glob("*.py"):
        assert "Markup" not in path.read_text(encoding="utf-8"), path.name


@pytest.mark.parametrize(
    ("method", "address", "status", "said"),
    [
        ("GET", "/nowhere", 404, "There is no page at this address."),
        ("POST", "/", 405, "This path is not used in this way"),
        ("GET", "/v1/documents/nothing", 404, "There is no such document"),
        # Long enough to be sent compressed.
        ("GET", f"/view/default/{'x' * 3000}", 404, "There is no such document"),
        ("GET", "/?top_k=0", 422, "The request is not valid"),
        ("GET", "/?collection=" + "x" * 64, 422, "The request is not valid"),
    ],
)
def test_a_problem_is_a_page_for_people_and_json_for_programs(
    standing_client: TestClient, method: str, address: str, status: int, said: str
) -> None:
    response = standing_client.request(method, address, headers=WINDOW)
    assert response.status_code == status
    assert response.headers["Content-Type"].startswith("text/html")
    page = Page(response.text)
    assert said in page.text
    assert response.headers["X-Request-ID"] in page.text
    program = standing_client.request(method, address)
    assert program.status_code == status
    assert program.headers["Content-Type"] == "application/problem+json"


def test_what_was_asked_for_is_shown_as_text_where_it_is_not_there(
    standing_client: TestClient,
) -> None:
    response = standing_client.get("/view/default/<script>alert(1)</script>", headers=WINDOW)
    assert "<script>alert" not in response.text
