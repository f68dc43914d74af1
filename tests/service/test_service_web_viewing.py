from fastapi.testclient import TestClient
from web_pages import Page, page_at

from service.engine import Engine
from service.web.windows import REACH
from tests.paths import SEEDS

QUESTION = "How long is the pool?"


def _document(client: TestClient, uri: str) -> str:
    documents = client.get("/v1/documents").json()["documents"]
    return str(next(one["id"] for one in documents if one["uri"] == uri))


def test_a_quote_is_marked_in_the_text_under_its_headings(standing_client: TestClient) -> None:
    document = _document(standing_client, "test:library")
    text = standing_client.get(f"/v1/documents/{document}").json()["text"]
    start = text.index("28 days")
    page = page_at(standing_client, f"/view/default/{document}?start={start}&end={start + 7}")
    assert page.marked == ["28 days", "28 days"]
    assert page.values("id").count("quote") == 1
    # Under the page's own heading those of the document.
    assert page.headings == [1, 2, 2, 3, 3]


def test_where_a_quote_used_to_be_shown_leads_to_it(standing_client: TestClient) -> None:
    document = _document(standing_client, "test:pool")
    response = standing_client.get(f"/documents/{document}?start=21&end=23", follow_redirects=False)
    assert response.status_code == 308
    assert response.headers["Location"] == f"/view/default/{document}?start=21&end=23"


def test_the_answers_to_the_question_are_beside(client: TestClient, engine: Engine) -> None:
    engine.add_bytes(b"Another pool is 50 metres long.\n", uri="test:other", name="other.txt")
    asked = page_at(client, "/?q=How+long+is+the+pool%3F")
    first, second = [
        address for address in asked.addresses if address.startswith("/view/default/")
    ][:2]
    page = page_at(client, first)
    assert "Answer 1 of 3" in page.text
    [following] = [one["href"] for one in page.all("a") if "data-next" in one]
    assert following == second
    page = page_at(client, following)
    assert "Answer 2 of 3" in page.text
    [before] = [one["href"] for one in page.all("a") if "data-previous" in one]
    assert before == first
    assert page.link("/?q=") == "/?q=How+long+is+the+pool%3F"


def test_an_answer_that_is_not_the_quote_is_not_taken_for_it(standing_client: TestClient) -> None:
    document = _document(standing_client, "test:library")
    page = page_at(
        standing_client, f"/view/default/{document}?start=0&end=7&q=How+long+is+the+pool%3F&n=1"
    )
    assert "confidence" not in page.text
    assert "Answer 1 of" not in page.text
    [first] = [one["href"] for one in page.all("a") if "data-next" in one]
    assert "start=21&end=23" in first
    assert page.marked == ["Library", "Library"]


def test_a_quote_can_be_copied_with_its_citation(standing_client: TestClient) -> None:
    document = _document(standing_client, "test:pool")
    page = page_at(standing_client, f"/view/default/{document}?start=21&end=23")
    assert "“25”" in page.text
    assert "@misc{" in page.text
    assert f"http://localhost/view/default/{document}?start=21&end=23" in page.text
    assert len([one for one in page.all("button") if "data-copy" in one]) == 4
    assert f"/v1/documents/{document}/original" in page.addresses


def test_a_document_is_seen_without_a_quote(standing_client: TestClient) -> None:
    document = _document(standing_client, "test:pool")
    for query in ("", "?start=5&end=5", "?start=5&end=2", "?start=9999&end=99999"):
        page = page_at(standing_client, f"/view/default/{document}{query}")
        assert page.marked == []
        assert "The swimming pool is 25 metres long." in page.text


def test_what_is_not_there_is_a_page_that_says_so(standing_client: TestClient) -> None:
    document = _document(standing_client, "test:pool")
    for address in ("/view/default/nothing", f"/view/nowhere/{document}"):
        response = standing_client.get(address, headers={"Accept": "text/html"})
        assert response.status_code == 404
        assert response.headers["Content-Type"].startswith("text/html")
        assert Page(response.text).headings == [1]


def test_a_long_document_is_shown_a_window_at_a_time(client: TestClient, engine: Engine) -> None:
    text = "".join(f"Line {number} says nothing.\n" for number in range(4_000))
    [added] = engine.add_bytes(text.encode(), uri="test:long", name="long.txt")
    start = text.index("Line 2000 ")
    address = f"/view/default/{added.document_id}?start={start}&end={start + 9}"
    page = page_at(client, address)
    assert page.marked == ["Line 2000", "Line 2000"]
    assert len(page.text) < 3 * REACH
    assert "Line 1 says" not in page.text
    turns = [one for one in page.addresses if "&at=" in one]
    assert len(turns) == 4
    later = page_at(client, turns[1])
    assert "Line 3999 says" in later.text
    assert later.link(f"/view/default/{added.document_id}?start={start}&end={start + 9}#quote")


def test_a_printed_page_is_drawn_with_the_quote_boxed(client: TestClient, engine: Engine) -> None:
    path = SEEDS / "office-lease.pdf"
    [added] = engine.add_bytes(path.read_bytes(), uri="test:lease", name=path.name)
    document = client.get(f"/v1/documents/{added.document_id}").json()
    start = document["text"].index("£68,400")
    address = f"/view/default/{added.document_id}?start={start}&end={start + 7}"
    page = page_at(client, address)
    [picture] = page.all("img")
    assert picture["src"] == f"/v1/documents/{added.document_id}/pages/1.png?width=900"
    assert client.get(picture["src"]).headers["Content-Type"] == "image/png"
    [svg] = [one for one in page.all("svg") if one["viewbox"].startswith("0 0 595")]
    assert svg["aria-hidden"] == "true"
    [box] = [one for one in page.all("rect") if "x" in one]
    [cited] = client.post(
        "/v1/verify",
        json={
            "document_id": added.document_id,
            "start": start,
            "end": start + 7,
            "text": "£68,400",
        },
    ).json()["citation"]["boxes"]
    assert float(box["x"]) == round(cited["left"] - 1.5, 2)
    assert float(box["y"]) == round(cited["top"] - 1, 2)
    assert "Page 1 of 5" in page.text
    # Its text is there too, with the quote marked, for those who do not see the page.
    assert page.marked == ["£68,400", "£68,400"]
    turned = page_at(client, address + "&page=2&zoom=150")
    assert "Page 2 of 5" in turned.text
    assert [one for one in turned.all("rect") if "x" in one] == []
    assert turned.all("img")[0]["src"].endswith("/pages/2.png?width=1350")
    assert "Back to the quote" in turned.text
