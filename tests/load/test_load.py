"""A short run of each kind of load; see load_test.py for long ones."""

import socket
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.load.load_test import Plan, run
from tests.load.papers import paper
from tests.load.process import ServerProcess

pytestmark = pytest.mark.slow


def test_many_clients_meet_nothing_but_answers_and_refusals(tmp_path: Path) -> None:
    found = run(Plan(clients=8, seconds=10, add=25, remove=8, seed=1), tmp_path)
    assert found["errors"] == []
    assert found["questions"] > 5
    assert found["answers"] > 0
    assert (found["accepted"], found["removed"]) == (35, 8)


def test_nothing_that_was_confirmed_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    found = run(Plan(clients=4, seconds=12, add=25, remove=8, kills=2, seed=2), tmp_path)
    assert found["errors"] == []
    assert found["kills"] >= 1
    assert found["accepted"] > 10


def test_half_open_connections_keep_nobody_out(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "index", tmp_path / "server.log")
    server.start()
    try:
        made = paper(1)
        sent = httpx.post(
            f"{server.address}/v1/documents",
            json={"uri": made.uri, "title": made.title, "text": made.text},
            headers={"Prefer": "wait=60"},
            timeout=90,
        )
        assert (sent.status_code, sent.json()["state"]) == (200, "done")
        with ExitStack() as stack:
            began = time.monotonic()
            for number in range(600):
                slow = stack.enter_context(
                    socket.create_connection(("127.0.0.1", server.port), timeout=30)
                )
                slow.sendall(b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\n"[: number % 40])
            # They are all there still, but for those that had to give way.
            question = {"question": made.questions[0]}
            asked = httpx.post(f"{server.address}/v1/ask", json=question, timeout=60)
            assert asked.status_code == 200
            answer = asked.json()["answers"][0]
            assert (
                made.text[answer["citation"]["start"] : answer["citation"]["end"]]
                == (answer["text"])
            )
            assert time.monotonic() - began < 60
    finally:
        assert server.stop() == 0


def test_a_server_that_is_stopped_ends_well_and_goes_on_where_it_was(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "index", tmp_path / "server.log")
    server.start()
    jobs = []
    try:
        with httpx.Client(base_url=server.address, timeout=60) as client:
            for number in range(40):
                made = paper(number)
                sent = client.post("/v1/documents", json={"uri": made.uri, "text": made.text})
                assert sent.status_code == 202
                jobs.append(sent.json()["id"])
            with client.stream("GET", f"/v1/jobs/{jobs[-1]}/events") as events:
                lines = events.iter_lines()
                assert next(lines).startswith("event: ")
                began = time.monotonic()
                assert server.stop() == 0
                assert list(lines), "the stream came to its end"
        assert time.monotonic() - began < 60
        server.start()
        end = time.monotonic() + 120
        with httpx.Client(base_url=server.address, timeout=60) as client:
            while {client.get(f"/v1/jobs/{job}").json()["state"] for job in jobs} != {"done"}:
                assert time.monotonic() < end
                time.sleep(0.2)
    finally:
        assert server.stop() == 0
    assert "Traceback" not in (tmp_path / "server.log").read_text(encoding="utf-8")
