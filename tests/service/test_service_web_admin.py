import re

import pytest
from fastapi.testclient import TestClient
from web_pages import Page, page_at

from service.host.keys import Scope
from service.host.server import Server

# They go through a whole service.
pytestmark = pytest.mark.slow

OURS = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


def _key(server: Server, scope: Scope = Scope.ADMIN, *collections: str) -> str:
    return server.keys.create("mara", scope, collections or None)[1]


def _sign_in(client: TestClient, key: str, then: str = "/admin") -> None:
    sent = client.post(
        "/login", data={"key": key, "next": then}, headers=OURS, follow_redirects=False
    )
    assert (sent.status_code, sent.headers["Location"]) == (303, then)


def test_without_keys_there_is_nothing_to_sign_in_to(client: TestClient) -> None:
    sent = client.get("/login?next=/documents", follow_redirects=False)
    assert (sent.status_code, sent.headers["Location"]) == (303, "/documents")
    assert "/logout" not in page_at(client, "/").addresses
    assert "There are no keys" in page_at(client, "/admin").text


def test_a_key_opens_the_page_until_one_signs_out(client: TestClient, server: Server) -> None:
    key = _key(server)
    sent = client.get("/documents?path=x", headers=OURS, follow_redirects=False)
    assert sent.status_code == 303
    assert sent.headers["Location"] == "/login?next=%2Fdocuments%3Fpath%3Dx"
    page = Page(client.get(sent.headers["Location"]).text)
    assert page.forms == [("/login", {"next": "/documents?path=x"})]
    _sign_in(client, key, "/documents?path=x")
    assert "Sign out" in page_at(client, "/").text
    assert client.get("/v1/documents").status_code == 200
    sent = client.post("/logout", headers=OURS, follow_redirects=False)
    assert sent.headers["Location"] == "/login"
    assert client.get("/v1/documents").status_code == 401


@pytest.mark.parametrize("key", ["", "nonsense", "pincite_0123456789ab_" + "0" * 49])
def test_a_key_that_opens_nothing_is_told_and_not_shown(
    client: TestClient, server: Server, key: str
) -> None:
    _key(server)
    sent = client.post("/login", data={"key": key}, headers=OURS, follow_redirects=False)
    assert sent.status_code == 401
    page = Page(sent.text)
    assert "A key is needed" in page.text
    assert not key or key not in sent.text


def test_one_is_led_to_no_other_site(client: TestClient, server: Server) -> None:
    key = _key(server)
    for there in ("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere", "x"):
        sent = client.post(
            "/login", data={"key": key, "next": there}, headers=OURS, follow_redirects=False
        )
        assert sent.headers["Location"] == "/"


def test_a_link_from_another_site_is_opened_once_more_from_here(
    client: TestClient, server: Server
) -> None:
    key = _key(server)
    navigation = {
        "Accept": "text/html",
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    sent = client.get('/?q=a"b', headers=navigation, follow_redirects=False)
    assert sent.status_code == 200
    page = Page(sent.text.replace("</title>", "</title></html>"))
    assert page.all("meta") == [{"http-equiv": "refresh", "content": "0; url=/?q=a%22b"}]
    _sign_in(client, key)
    assert "Pincite" in page_at(client, "/").text


def test_a_key_is_made_shown_once_and_revoked(client: TestClient, server: Server) -> None:
    _sign_in(client, _key(server))
    made = client.post(
        "/admin/keys",
        data={"name": "<i>reader</i>", "scope": "read", "collection": "default", "days": "30"},
        headers=OURS,
    )
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    found = re.search(r"pincite_([0-9a-f]{12})_\w+", Page(made.text).text)
    assert found is not None
    bearer = {"Authorization": f"Bearer {found[0]}"}
    assert client.get("/v1/documents", headers=bearer).status_code == 200
    page = page_at(client, "/admin")
    assert found[0] not in page.text
    assert f"<i>reader</i>{found[1]}readdefault" in page.text.replace(" ", "")
    revoked = client.post(f"/admin/keys/{found[1]}/revoke", headers=OURS)
    assert "The key is revoked." in Page(revoked.text).text
    assert client.get("/v1/documents", headers=bearer).status_code == 401


def test_who_is_signed_in_with_a_revoked_key_is_signed_out(
    client: TestClient, server: Server
) -> None:
    key = _key(server)
    _sign_in(client, key)
    server.keys.revoke(key.split("_")[1])
    sent = client.get("/admin", headers=OURS, follow_redirects=False)
    assert sent.headers["Location"] == "/login?next=%2Fadmin"


def test_a_collection_is_made_and_deleted(client: TestClient, server: Server) -> None:
    made = client.post("/admin/collections", data={"name": "contracts"}, headers=OURS)
    page = Page(made.text)
    assert "The collection is made." in page.text
    assert "/documents?collection=contracts" in page.addresses
    again = client.post("/admin/collections", data={"name": "contracts"}, headers=OURS)
    assert again.status_code == 409
    assert "there is a collection with this name" in Page(again.text).text
    bad = client.post("/admin/collections", data={"name": "No!"}, headers=OURS)
    assert bad.status_code == 422
    assert "name: " in Page(bad.text).text
    gone = client.post("/admin/collections/contracts/remove", headers=OURS)
    assert "The collection is deleted." in Page(gone.text).text
    assert server.collections.names() == ["default"]
    kept = client.post("/admin/collections/default/remove", headers=OURS)
    assert kept.status_code == 409


def test_a_key_that_cannot_be_made_is_a_notice(client: TestClient) -> None:
    for data in ({"name": ""}, {"name": "x", "scope": "god"}, {"name": "x", "collection": "no"}):
        sent = client.post("/admin/keys", data=data, headers=OURS)
        assert sent.status_code in (404, 422)
        assert ("/admin/keys", {}) in Page(sent.text).forms


def test_health_is_told_to_those_who_look_after_all_of_it(
    client: TestClient, server: Server
) -> None:
    assert "models: loaded" in page_at(client, "/admin").text
    _sign_in(client, _key(server, Scope.ADMIN, "default"))
    page = page_at(client, "/admin")
    assert "models: loaded" not in page.text
    assert "Choose at least one." in page.text


def test_the_collections_of_others_are_nowhere(client: TestClient, server: Server) -> None:
    server.collections.create("closed")
    _sign_in(client, _key(server, Scope.ADMIN, "default"))
    for address in ("/", "/documents", "/admin"):
        assert "closed" not in client.get(address, headers=OURS).text
    for address in ("/?collection=closed", "/documents?collection=closed", "/view/closed/x"):
        hidden = client.get(address, headers=OURS)
        unknown = client.get(address.replace("closed", "unseen"), headers=OURS)
        assert hidden.status_code == unknown.status_code == 404
        told = Page(hidden.text).text.replace("closed", "unseen").rpartition("Request")[0]
        assert told == Page(unknown.text).text.rpartition("Request")[0]
