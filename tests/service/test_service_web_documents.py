from fastapi.testclient import TestClient
from uploading import until
from web_pages import Page, page_at

from service.engine import Engine
from service.host.jobs import Jobs
from service.host.server import Server


def _done(jobs: Jobs, job: str) -> None:
    until(lambda: jobs.get(job).state.over)


def _upload(client: TestClient, *files: tuple[str, bytes]) -> str:
    sent = client.post(
        "/documents", files=[("file", file) for file in files], follow_redirects=False
    )
    assert sent.status_code == 303, sent.text
    return sent.headers["Location"]


def test_the_list_tells_what_there_is_and_leads_there(standing_client: TestClient) -> None:
    page = page_at(standing_client, "/documents")
    assert "2 documents" in page.text
    assert "test:library Markdown" in page.text
    assert page.link("/view/default/")
    removals = [address for address in page.addresses if address.endswith("/remove")]
    assert len(removals) == 2


def test_the_list_is_narrowed(standing_client: TestClient) -> None:
    page = page_at(standing_client, "/documents?path=*pool")
    assert "test:pool" in page.text
    assert "test:library" not in page.text
    assert "No document fits." in page_at(standing_client, "/documents?type=application/pdf").text
    assert (
        "the filter 'x' is not understood"
        in page_at(standing_client, "/documents?where=x", 422).text
    )


def test_a_long_list_goes_on_over_pages(client: TestClient, engine: Engine) -> None:
    for number in range(60):
        text = f"Text {number}.\n".encode()
        engine.add_bytes(text, uri=f"long:{number:02}", name=f"{number}.txt")
    first = page_at(client, "/documents?path=long:*")
    assert [f"long:{number:02}" in first.text for number in (0, 49, 50)] == [True, True, False]
    following = first.link("/documents?path=")
    second = page_at(client, following)
    assert [f"long:{number:02}" in second.text for number in (49, 50, 59)] == [False, True, True]
    assert not [one for one in second.all("a") if one.get("rel") == "next"]


def test_a_form_without_scripts_adds_files_and_tells_of_each(
    client: TestClient, server: Server
) -> None:
    address = _upload(
        client, ("tower.txt", b"The tower is 40 metres high.\n"), ("bad.pdf", b"%PDF-1.7 broken")
    )
    _done(server.jobs, address.rpartition("/")[2])
    page = page_at(client, address)
    assert "tower.txt 29 B is in" in page.text
    assert "bad.pdf 15 B failed" in page.text
    assert "bad.pdf: " in page.text
    assert page.link("/view/default/")
    assert page_at(client, "/?q=How+high+is+the+tower%3F").marked[0] == "40"


def test_what_could_not_be_read_is_told_with_its_reason(client: TestClient, server: Server) -> None:
    address = _upload(client, ("<b>bad</b>.pdf", b"%PDF-1.7 broken"))
    _done(server.jobs, address.rpartition("/")[2])
    page = page_at(client, "/documents")
    assert "<b>bad</b>.pdf failed" in page.text
    assert page.link(address)


def test_an_upload_that_waits_is_cancelled(client: TestClient, server: Server) -> None:
    address = _upload(client, ("a.txt", b"One.\n"))
    _done(server.jobs, address.rpartition("/")[2])
    sent = client.post(f"{address}/cancel", follow_redirects=False)
    assert (sent.status_code, sent.headers["Location"]) == (303, address)


def test_a_document_is_deleted_once_it_is_confirmed(client: TestClient) -> None:
    page = page_at(client, "/documents")
    pool = next(
        address
        for address in page.addresses
        if address.endswith("/remove") and "pool" in page_at(client, address).text
    )
    asked = page_at(client, pool)
    assert "Delete “The swimming pool is 25 metres long.”?" in asked.text
    # To look at the question does nothing.
    assert "2 documents" in page_at(client, "/documents").text
    assert (pool, {}) in asked.forms
    sent = client.post(pool, headers={"Accept": "text/html"})
    page = Page(sent.text)
    assert "The document is deleted." in page.text
    assert "1 document" in page.text
    assert client.get(pool, headers={"Accept": "text/html"}).status_code == 404


def test_whoever_may_only_read_is_offered_nothing_else(client: TestClient, server: Server) -> None:
    from service.host.keys import Scope

    _, key = server.keys.create("reader", Scope.READ)
    bearer = {"Authorization": f"Bearer {key}", "Accept": "text/html"}
    page = Page(client.get("/documents", headers=bearer).text)
    assert [action for action, _ in page.forms] == ["/logout", "/documents"]
    assert not [address for address in page.addresses if "/remove" in address]
    assert "/admin" not in page.addresses
    document = page.link("/view/default/").split("/")[3].partition("?")[0]
    for address in (f"/documents/{document}/remove", "/documents", "/admin/keys"):
        sent = client.post(address, headers=bearer)
        assert sent.status_code == 403, address
        assert sent.headers["Content-Type"].startswith("text/html")
