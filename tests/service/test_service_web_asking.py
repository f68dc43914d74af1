import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from fastapi.testclient import TestClient
from web_pages import Page, page_at

from service.engine import Engine
from service.errors import Overloaded
from service.host.server import Server

QUESTION = "How long is the pool?"


def _events(client: TestClient, **query: str) -> Iterator[tuple[str, dict[str, str]]]:
    response = client.get("/ask/stream", params=query)
    assert response.headers["Content-Type"].startswith("text/event-stream")
    for event in response.text.split("\n\n")[:-1]:
        name, data = event.split("\n")
        yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def test_the_page_answers_with_the_quote_marked_and_says_how_sure_it_is(
    standing_client: TestClient,
) -> None:
    page = page_at(standing_client, "/", q=QUESTION)
    assert page.marked[0] == "25"
    assert "The swimming pool is 25 metres long." in page.text
    assert "95% confidence" in page.text
    assert "very likely" in page.text
    assert "characters 21–23" in page.text
    assert page.values("value")[0] == QUESTION


def test_a_place_leads_to_the_quote_in_its_document(standing_client: TestClient) -> None:
    address = page_at(standing_client, "/", q=QUESTION).link("/view/default/")
    assert "?start=21&end=23&" in address
    assert address.endswith("#quote")
    assert page_at(standing_client, address.partition("#")[0]).marked[-1] == "25"


def test_where_the_documents_do_not_say_the_page_says_so_and_shows_what_is_near(
    standing_client: TestClient,
) -> None:
    page = page_at(standing_client, "/", q="How high is the tower?")
    assert "The documents do not say" in page.text
    assert "The nearest passages" in page.text
    assert page.marked == []
    assert page.link("/view/default/")


def test_an_index_without_documents_tells_how_to_add_some(client: TestClient) -> None:
    for document in client.get("/v1/documents").json()["documents"]:
        client.delete(f"/v1/documents/{document['id']}")
    page = page_at(client, "/")
    assert "There is nothing to ask yet" in page.text
    assert "/documents" in page.addresses


def test_what_is_asked_and_what_documents_hold_is_text(client: TestClient, engine: Engine) -> None:
    engine.add_bytes(
        b"<script>alert()</script> The lift holds 8 people & {{ x * y }} a dog.\n",
        uri='x:"><script>alert(2)</script>',
        name="lift.txt",
        media_type="text/plain",
        title="<script>alert(3)</script>\u202e",
    )
    question = '"><script>alert(4)</script> how big is the lift?'
    response = client.get("/", params={"q": question})
    assert "<script>alert" not in response.text
    page = Page(response.text)
    assert page.marked[0] == "8"
    assert "<script>alert(3)</script>\\u202e" in page.text
    assert "{{ x * y }}" in page.text
    viewed = client.get(page.link("/view/default/"))
    assert "<script>alert" not in viewed.text
    assert "\u202e" not in viewed.text
    assert (
        "<script>alert()</script> The lift holds 8 people & {{ x * y }}" in Page(viewed.text).text
    )


def test_what_cannot_be_asked_is_a_notice_on_thepage_at(standing_client: TestClient) -> None:
    response = standing_client.get("/", params={"q": "x" * 10_001})
    assert response.status_code == 422
    assert "10,001 characters" in Page(response.text).text
    response = standing_client.get("/", params={"q": QUESTION, "where": "nonsense"})
    assert response.status_code == 422
    page = Page(response.text)
    assert "the filter 'nonsense' is not understood" in page.text
    assert QUESTION in page.values("value")


def test_where_there_is_too_much_to_do_the_page_says_when_to_come_back(
    client: TestClient, server: Server
) -> None:
    class Full:
        @asynccontextmanager
        async def slot(self, *_: object) -> AsyncIterator[None]:
            raise Overloaded("there is more to do than can be done just now", 6.2)
            yield

    server.admission = Full()  # type: ignore[assignment]
    response = client.get("/", params={"q": QUESTION})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "7")
    page = Page(response.text)
    assert "Try again in 7 seconds." in page.text
    assert QUESTION in page.values("value")
    [(name, data)] = _events(client, q=QUESTION)
    assert name == "problem"
    assert "Try again in 7 seconds." in Page(data["html"]).text
    # A quote can be seen all the same.
    document = client.get("/v1/documents").json()["documents"][0]["id"]
    viewed = client.get(f"/view/default/{document}?start=0&end=7&q=How+long&n=1")
    assert viewed.status_code == 200
    assert len(Page(viewed.text).marked) == 2


def test_a_question_is_narrowed_to_documents(standing_client: TestClient) -> None:
    page = page_at(standing_client, "/", q="How long is the pool?", type="text/markdown")
    assert "The documents do not say" in page.text
    assert "text/markdown" in page.values("value")
    page = page_at(standing_client, "/", q="How long is the pool?", type="text/plain", path="*pool")
    assert page.marked[0] == "25"
    # What narrows it goes on to the next page, and back.
    assert "path=%2Apool&type=text%2Fplain" in page.link("/view/default/")


def test_answers_come_as_they_are_found_and_the_last_is_thepage_at(
    standing_client: TestClient,
) -> None:
    events = list(_events(standing_client, q="How long is the swimming pool"))
    assert {name for name, _ in events[:-1]} <= {"partial"}
    name, last = events[-1]
    assert name == "reply"
    assert last["status"].startswith("2 answers. The likeliest: “25”, very likely, ")
    whole = standing_client.get("/", params={"q": "How long is the swimming pool"}).text
    assert Page(last["html"]).marked == Page(whole).marked


def test_what_cannot_be_asked_is_an_event_with_the_reason(standing_client: TestClient) -> None:
    [(name, data)] = _events(standing_client, q=" ")
    assert name == "problem"
    assert "the question is empty" in Page(data["html"]).text


def test_the_collection_is_kept_on_the_way(client: TestClient) -> None:
    client.post("/v1/collections", json={"name": "other"})
    page = page_at(client, "/", collection="other")
    assert {"default", "other"} <= set(page.text.split())
    assert "/documents?collection=other" in page.addresses
    assert "other" in [one.get("value") for one in page.all("input") if one.get("type") == "hidden"]


def test_more_answers_are_had_by_a_link(client: TestClient, engine: Engine) -> None:
    for number in range(1, 6):
        text = f"Walk {number} around the lake takes {number * 11} minutes.\n"
        engine.add_bytes(text.encode(), uri=f"t:{number}", name=f"{number}.txt")
    page = page_at(client, "/", q="How long is a walk around the lake")
    assert len(page.marked) == 3
    more = page.link("/?q=How+long")
    assert more.endswith("top_k=8")
    assert len(page_at(client, more).marked) > 3


def test_a_verdict_is_kept_and_leads_back(client: TestClient) -> None:
    page = page_at(client, "/", q=QUESTION)
    address, form = page.forms[1]
    sent = client.post(address, data=form | {"right": "true"}, follow_redirects=False)
    assert sent.status_code == 303
    assert sent.headers["Location"] == "/?q=How+long+is+the+pool%3F"
    [kept] = client.get("/v1/feedback").json()["feedback"]
    assert (kept["question"], kept["right"], kept["text"]) == (QUESTION, True, "25")


def test_a_verdict_is_on_the_answer_that_the_page_showed(
    client: TestClient, engine: Engine
) -> None:
    address, form = page_at(client, "/", q=QUESTION).forms[1]
    engine.add_bytes(b"The swimming pool is 31 metres long.\n", uri="test:pool", name="pool.txt")
    for sent in (form, form | {"digest": ""}):
        refused = client.post(address, data=sent | {"right": "true"}, follow_redirects=False)
        assert refused.status_code == 409
        assert refused.json()["detail"].endswith("now; ask again")
    assert client.get("/v1/feedback").json()["feedback"] == []
    address, form = page_at(client, "/", q=QUESTION).forms[1]
    kept = client.post(address, data=form | {"right": "true"}, follow_redirects=False)
    assert kept.status_code == 303
    [found] = client.get("/v1/feedback").json()["feedback"]
    assert found["text"] == "31"


def test_a_verdict_leads_nowhere_else(client: TestClient) -> None:
    for again in ("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"):
        form = {"question": QUESTION, "right": "false", "again": again}
        sent = client.post("/feedback", data=form, follow_redirects=False)
        assert sent.headers["Location"] == "/"
