import threading

import pytest
from fastapi.testclient import TestClient
from service_fakes import NumberReader, fake_engine

from index.errors import DamagedIndex
from qa.reader import Reading
from service.app import create_app
from service.engine import Engine
from service.settings import Settings


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

    slow = fake_engine(settings.index, SlowReader)
    with TestClient(create_app(slow, settings), base_url="http://localhost") as client:
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


def test_the_service_is_not_ready_before_its_models_are_loaded(
    engine: Engine, settings: Settings
) -> None:
    unloaded = Engine(engine.store, lambda: engine.embedder, NumberReader)
    client = TestClient(create_app(unloaded, settings), base_url="http://localhost")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["type"] == "urn:pincite:problem:unavailable-index"
    assert client.get("/healthz").status_code == 200


def test_a_damaged_index_is_a_problem_of_ours(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> None:
        raise DamagedIndex("x: the database is damaged; index again")

    monkeypatch.setattr(Engine, "ask", damaged)
    response = client.post("/v1/ask", json={"question": "x"})
    assert response.status_code == 503
    assert response.json()["title"] == "The index is damaged"
