"""What more than enough requests meet: a queue, a limit for each key, and a word on when."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from loopback import Loopback, serving, until
from service_fakes import NumberReader, fake_server

from qa.reader import Reading
from service.host.keys import Scope
from service.host.server import Server
from service.http.app import create_app
from service.settings import Settings


class Held(NumberReader):
    """Reads when it may."""

    def __init__(self) -> None:
        self.may_read = threading.Event()
        self.asked: list[str] = []

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        self.asked.append(question)
        assert self.may_read.wait(30)
        return super().read(question, texts, begins)


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def busy(tmp_path: Path, held: Held) -> Iterator[tuple[Loopback, Server]]:
    """A server that reads one question at a time, when it may, and lets two wait."""
    settings = Settings(index=tmp_path / "index", max_questions_running=1, max_questions_waiting=2)
    server = fake_server(settings, lambda: held)
    with serving(create_app(server), stopping=server.jobs.stop) as loopback:
        yield loopback, server
        held.may_read.set()


def ask(loopback: Loopback, number: int) -> httpx.Response:
    question = {"question": f"How long is pool {number}?"}
    return httpx.post(f"{loopback.address}/v1/ask", json=question, timeout=30)


def test_beyond_the_queue_a_question_is_refused_with_a_time_to_come_back(
    busy: tuple[Loopback, Server], held: Held
) -> None:
    loopback, server = busy
    with ThreadPoolExecutor(3) as threads:
        first = [threads.submit(ask, loopback, number) for number in range(3)]
        until(lambda: (server.admission.running, server.admission.waiting) == (1, 2))
        refused = ask(loopback, 3)
        assert refused.status_code == 503
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.json()["type"] == "urn:pincite:problem:overloaded"
        assert loopback.get("/healthz").status_code == 200, "what is no question goes on"
        assert loopback.get("/v1/documents").status_code == 200
        held.may_read.set()
        assert [future.result().status_code for future in first] == [200, 200, 200]
    assert ask(loopback, 4).status_code == 200


def test_who_hangs_up_while_waiting_gives_the_place_back(
    busy: tuple[Loopback, Server], held: Held
) -> None:
    loopback, server = busy
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(ask, loopback, 0)
        until(lambda: server.admission.running == 1)
        with loopback.connect() as impatient:
            body = b'{"question": "Is this the pool that nobody waits for?"}'
            head = (
                b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)
            )
            impatient.sendall(head + body)
            until(lambda: server.admission.waiting == 1)
        until(lambda: server.admission.waiting == 0)
        held.may_read.set()
        assert first.result().status_code == 200
    assert all("nobody" not in question for question in held.asked)
    until(lambda: server.admission.running == 0)


def test_a_server_that_is_stopped_answers_what_it_has_begun(
    busy: tuple[Loopback, Server], held: Held
) -> None:
    loopback, server = busy
    with ThreadPoolExecutor(2) as threads:
        asked = threads.submit(ask, loopback, 0)
        until(lambda: server.admission.running == 1)
        stopped = threads.submit(loopback.stop)
        until(lambda: server.jobs.stopping)
        held.may_read.set()
        assert asked.result().status_code == 200
        stopped.result()


def test_each_key_has_its_own_limit_and_is_told_of_it(tmp_path: Path) -> None:
    settings = replace(Settings(), index=tmp_path / "index", requests_per_minute=3)
    server = fake_server(settings)
    keys = [
        server.keys.create("default", Scope.READ)[1],
        server.keys.create("own", Scope.READ, per_minute=5)[1],
    ]
    with TestClient(create_app(server), base_url="http://localhost") as client:

        def get(key: str) -> httpx.Response:
            return client.get("/v1/status", headers={"Authorization": f"Bearer {key}"})

        for key, limit in zip(keys, (3, 5), strict=True):
            for left in range(limit - 1, -1, -1):
                granted = get(key)
                assert granted.status_code == 200
                assert granted.headers["RateLimit-Policy"] == f'"requests";q={limit};w=60'
                assert granted.headers["RateLimit"].startswith(f'"requests";r={left};t=')
            refused = get(key)
            assert refused.status_code == 429
            assert refused.json()["type"] == "urn:pincite:problem:too-many-requests"
            assert 1 <= int(refused.headers["Retry-After"]) <= 60 / limit + 1
            assert refused.headers["RateLimit"].startswith('"requests";r=0;t=')
        assert "RateLimit" not in client.get("/healthz").headers


def test_without_a_limit_none_is_told(standing_client: TestClient) -> None:
    assert "RateLimit" not in standing_client.get("/v1/status").headers
