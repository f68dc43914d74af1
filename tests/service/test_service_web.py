import base64
import hashlib
import re
from html.parser import HTMLParser

from fastapi.testclient import TestClient

from service.engine import Engine


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]


def _parsed(page: str) -> _Page:
    parser = _Page()
    parser.feed(page)
    return parser


def test_the_page_asks_and_answers_with_the_quote_marked(standing_client: TestClient) -> None:
    assert '<form action="/" method="get"' in standing_client.get("/").text
    page = standing_client.get("/", params={"q": "How long is the pool?"}).text
    assert "The swimming pool is <mark>25</mark> metres long." in page
    assert "characters 21–23" in page
    assert 'value="How long is the pool?"' in page


def test_a_place_leads_to_the_quote_in_its_document(standing_client: TestClient) -> None:
    page = standing_client.get("/", params={"q": "How long is the pool?"}).text
    address = next(found for found in _parsed(page).addresses if found.startswith("/documents/"))
    assert address.endswith("?start=21&end=23#quote")
    document = standing_client.get(address)
    assert document.status_code == 200
    assert 'The swimming pool is <mark id="quote">25</mark> metres long.' in document.text


def test_where_the_documents_do_not_say_the_page_says_so(standing_client: TestClient) -> None:
    page = standing_client.get("/", params={"q": "How high is the tower?"}).text
    assert "The documents do not say" in page
    assert "The nearest passages" in page


def test_nothing_is_fetched_from_elsewhere_and_nothing_is_run(standing_client: TestClient) -> None:
    response = standing_client.get("/", params={"q": "How long is the pool?"})
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    style = re.search("<style>(.*?)</style>", response.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    page = _parsed(response.text)
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert all(address.startswith("/") for address in page.addresses)
    assert "url(" not in style[1]


def test_what_is_asked_and_what_documents_hold_is_escaped(
    client: TestClient, engine: Engine
) -> None:
    engine.add_bytes(
        b"<script>alert(1)</script> The lift holds 8 people & \x1b a dog.\n",
        uri='x:"><script>alert(2)</script>',
        name="lift.txt",
        media_type="text/plain",
        title="<script>alert(3)</script>",
    )
    question = '"><script>alert(4)</script> how big is the lift?'
    page = client.get("/", params={"q": question}).text
    assert "<mark>8</mark>" in page
    assert "<script>" not in page
    address = next(found for found in _parsed(page).addresses if found.startswith("/documents/"))
    assert "<script>" not in client.get(address).text


def test_a_question_that_cannot_be_taken_is_a_notice_on_the_page(
    standing_client: TestClient,
) -> None:
    response = standing_client.get("/", params={"q": "x" * 10_001})
    assert response.status_code == 422
    assert "10,001 characters" in response.text
    assert response.headers["Content-Type"].startswith("text/html")
