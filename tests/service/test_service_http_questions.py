import io
import threading

import pytest
from fastapi.testclient import TestClient
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from service_fakes import NumberReader, fake_server

from index.errors import DamagedIndex
from qa.reader import Reading
from service.engine import Engine
from service.host.server import Server
from service.http.app import create_app
from service.settings import Settings


def add(client: TestClient, name: str, data: bytes) -> None:
    """Upload a file, and wait until it has been taken in."""
    files = {"file": (name, data)}
    response = client.post("/v1/documents", files=files, headers={"Prefer": "wait=60"})
    assert response.status_code == 200, response.text


def test_a_question_is_answered(standing_client: TestClient) -> None:
    response = standing_client.post("/v1/ask", json={"question": "How long is the pool?"})
    assert response.status_code == 200
    body = response.json()
    assert (body["abstained"], body["reason"]) == (False, None)
    assert body["answers"][0]["text"] == "25"
    assert body["answers"][0]["sentence"] == "The swimming pool is 25 metres long."
    assert body["answers"][0]["citation"]["uri"] == "test:pool"


def test_both_ways_to_ask_answer_alike(standing_client: TestClient) -> None:
    posted = standing_client.post(
        "/v1/ask", json={"question": "How long is the pool?", "top_k": 1}
    ).json()
    got = standing_client.get("/v1/ask", params={"q": "How long is the pool?", "top_k": 1}).json()
    del posted["timings_ms"], got["timings_ms"]
    assert posted == got
    assert len(got["answers"]) == 1


def test_where_the_documents_do_not_say_the_reply_says_so(standing_client: TestClient) -> None:
    body = standing_client.post("/v1/ask", json={"question": "How high is the tower?"}).json()
    assert body["abstained"] is True
    assert body["answers"] == []
    assert body["reason"].startswith("The documents do not say")


def test_the_threshold_can_be_set(standing_client: TestClient) -> None:
    ask = {"question": "How high is the tower?", "min_confidence": 0}
    assert standing_client.post("/v1/ask", json=ask).json()["abstained"] is False


def test_questions_can_be_kept_to_some_documents(client: TestClient, engine: Engine) -> None:
    library = engine.find(["test:library"])[0].id
    ask = {"question": "How long is the pool?", "documents": [library], "passages": 5}
    body = client.post("/v1/ask", json=ask).json()
    assert {hit["document_id"] for hit in body["hits"]} == {library}
    ask["documents"] = [library, "unknown"]
    response = client.post("/v1/ask", json=ask)
    assert response.status_code == 404
    assert response.json()["type"] == "urn:pincite:problem:unknown-document"


def test_a_search_gives_passages_with_places_and_scores(standing_client: TestClient) -> None:
    body = standing_client.post(
        "/v1/search", json={"query": " ticket for the pool ", "top_k": 1}
    ).json()
    assert body["query"] == "ticket for the pool"
    assert len(body["hits"]) == 1
    assert body["hits"][0]["uri"] == "test:pool"
    assert body["hits"][0]["lexical_score"] > 0


def test_questions_can_be_kept_to_documents_that_fit_conditions(
    standing_client: TestClient,
) -> None:
    conditions = ["uri~test:*", "type=md"]
    ask = {"question": "How long is the pool?", "where": conditions, "passages": 5}
    hits = standing_client.post("/v1/ask", json=ask).json()["hits"]
    documents = standing_client.get("/v1/documents", params={"where": conditions}).json()
    assert [item["uri"] for item in documents["documents"]] == ["test:library"]
    library = documents["documents"][0]["id"]
    assert {hit["document_id"] for hit in hits} == {library}
    search = {"query": "pool", "where": conditions}
    found = standing_client.post("/v1/search", json=search).json()["hits"]
    assert {hit["uri"] for hit in found} == {"test:library"}
    by_address = {"q": "How long is the pool?", "where": conditions}
    got = standing_client.get("/v1/ask", params=by_address).json()
    assert {hit["document_id"] for hit in got["hits"]} == {library}


def test_where_no_document_fits_the_reply_says_so(standing_client: TestClient) -> None:
    ask = {"question": "How long is the pool?", "where": ["type=pdf", "pages>=3"]}
    body = standing_client.post("/v1/ask", json=ask).json()
    assert (body["abstained"], body["hits"]) == (True, [])
    assert body["reason"] == "No document fits the filter: type=pdf, pages>=3."
    search = {"query": "pool", "where": ["type=pdf"]}
    assert standing_client.post("/v1/search", json=search).json()["hits"] == []


def test_what_is_no_condition_is_a_problem_of_the_client(standing_client: TestClient) -> None:
    where = {"where": ["language"]}
    for response in (
        standing_client.post("/v1/ask", json={"question": "x", **where}),
        standing_client.post("/v1/search", json={"query": "x", **where}),
        standing_client.get("/v1/ask", params={"q": "x", **where}),
        standing_client.get("/v1/documents", params=where),
    ):
        assert response.status_code == 422
        assert response.json()["type"] == "urn:pincite:problem:invalid-filter"
        assert "write KEY=VALUE" in response.json()["detail"]
    many = {"question": "x", "where": ["a=b"] * 51}
    assert standing_client.post("/v1/ask", json=many).status_code == 422


def test_a_quote_in_a_pdf_is_cited_with_its_page_and_its_boxes(client: TestClient) -> None:
    written = io.BytesIO()
    canvas = Canvas(written, pagesize=(400, 300))
    canvas.drawString(50, 250, "The first page is about nothing in particular.")
    canvas.showPage()
    canvas.drawString(50, 200, "The tower is 40 metres high.")
    canvas.save()
    add(client, "tower.pdf", written.getvalue())
    body = client.post("/v1/ask", json={"question": "How many metres has the tower?"}).json()
    citation = body["answers"][0]["citation"]
    [box] = citation["boxes"]
    assert (citation["uri"], citation["page"], box["page"]) == ("upload:tower.pdf", 2, 2)
    before, quote = (stringWidth(text, "Helvetica", 12) for text in ("The tower is ", "40"))
    assert box["left"] == pytest.approx(50 + before, abs=2)
    assert box["right"] == pytest.approx(50 + before + quote, abs=2)
    assert 85 <= box["top"] < 95
    assert 99 <= box["bottom"] < 105
    [hit] = client.post("/v1/search", json={"query": "tower", "top_k": 1}).json()["hits"]
    assert (hit["page"], [found["page"] for found in hit["boxes"]]) == (1, [1, 2])


def test_a_quote_in_a_table_is_cited_with_its_cell(client: TestClient) -> None:
    table = "Product,Warranty,Price\nLamp,24 months,12\nChair,36 months,30\n"
    add(client, "prices.csv", table.encode())
    body = client.post("/v1/ask", json={"question": "How long is the warranty?", "top_k": 9}).json()
    cells = {answer["text"]: answer["citation"]["cells"] for answer in body["answers"]}
    assert cells == {"24": "B2", "12": "C2", "36": "B3", "30": "C3"}


def test_what_several_documents_say_is_one_hit_and_one_answer(client: TestClient) -> None:
    text = (
        "Whoever parks a car in the yard needs a permit. It costs 90 pounds a year, is given out at"
        " the office on the ground floor, and must be shown to the guard on request."
    )
    for name in ("parking.txt", "parking.md"):
        add(client, name, text.encode())
    body = client.post("/v1/ask", json={"question": "What costs a permit?", "top_k": 1}).json()
    [answer] = body["answers"]
    cited = [answer["citation"], *answer["also_at"]]
    assert {place["uri"] for place in cited} == {"upload:parking.txt", "upload:parking.md"}
    [hit] = [hit for hit in body["hits"] if "permit" in hit["text"]]
    [also] = hit["also_in"]
    assert {hit["document_id"], also["document_id"]} == {place["document_id"] for place in cited}
    other = client.get(f"/v1/documents/{also['document_id']}").json()
    assert other["text"][also["start"] : also["end"]].split() == text.split()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"question": 1}',
        b'{"question": null}',
        b'{"question": "\\ud800"}',
        b'{"question": "x", "documents": ["\\udc00"]}',
        b'{"question": "x", "top_k": 0}',
        b'{"question": "x", "top_k": 1.5}',
        b'{"question": "x", "top_k": 1e999}',
        b'{"question": "x", "min_confidence": NaN}',
        b'{"question": "x", "min_confidence": Infinity}',
        b'{"question": "x", "min_confidence": 2}',
        b'{"question": "x", "surprise": true}',
        b'{"question": "x", "where": "language=de"}',
        b'{"question": "x", "where": [1]}',
        b'{"question": "x", "where": ["title=\\ud800"]}',
        b'{"question": "\xff"}',
        b'{"question": "  "}',
        b'{"question": "' + b"x" * 10_001 + b'"}',
        b"[" * 100_000,
        b'{"question": "x", "top_k": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_no_question_is_a_problem_of_the_client(
    standing_client: TestClient, content: bytes
) -> None:
    for path in ("/v1/ask", "/v1/search", "/v1/documents"):
        response = standing_client.post(
            path, content=content, headers={"Content-Type": "application/json"}
        )
        assert 400 <= response.status_code < 500
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["status"] == response.status_code


def test_which_field_is_wrong_is_said_without_repeating_it(standing_client: TestClient) -> None:
    response = standing_client.post("/v1/ask", json={"question": "x", "top_k": "secret"})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "top_k"
    assert "secret" not in response.text


def test_the_event_loop_is_free_while_a_model_works(settings: Settings) -> None:
    reading, health_seen = threading.Event(), threading.Event()

    class SlowReader(NumberReader):
        def read(
            self, question: str, texts: list[str], begins: list[int] | None = None
        ) -> list[Reading]:
            reading.set()
            assert health_seen.wait(10)
            return super().read(question, texts)

    slow = fake_server(settings, SlowReader)
    with TestClient(create_app(slow), base_url="http://localhost") as client:
        asking = threading.Thread(
            target=client.post, args=["/v1/ask"], kwargs={"json": {"question": "x?"}}
        )
        asking.start()
        assert reading.wait(10)
        assert client.get("/healthz").status_code == 200
        health_seen.set()
        asking.join(10)


def test_the_service_is_alive_and_ready(standing_client: TestClient) -> None:
    assert standing_client.get("/healthz").json() == {"status": "ok"}
    assert standing_client.get("/readyz").json() == {"status": "ready"}
    status = standing_client.get("/v1/status").json()
    assert status["documents"] == 2
    assert status["embedder"]["name"] == "words"


def test_the_service_is_not_ready_before_its_models_are_loaded(server: Server) -> None:
    # Models are loaded when the app starts, which it does not here.
    client = TestClient(create_app(server), base_url="http://localhost")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["type"] == "urn:pincite:problem:not-ready"
    assert client.get("/healthz").status_code == 200


def test_a_damaged_index_is_a_problem_of_ours(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> None:
        raise DamagedIndex("/srv/index: the database is damaged; index again")

    monkeypatch.setattr(Engine, "asking", damaged)
    response = client.post("/v1/ask", json={"question": "x"})
    assert response.status_code == 503
    assert response.json()["title"] == "The index is damaged"
    assert response.json()["detail"] == (
        "the index or a model cannot be used just now; the server's log says more"
    )
