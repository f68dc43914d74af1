"""A real server on a port of this machine."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]


def _command(library: Path, port: int, *more: str) -> tuple[list[str], dict[str, str]]:
    environment = {
        "PYTHONPATH": str(ROOT),
        "PATH": os.environ["PATH"],
        "PINCITE_INDEX": str(library),
    }
    return [sys.executable, "-m", "service", "serve", "--port", str(port), *more], environment


@contextmanager
def _server(library: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command, environment = _command(library, 0, *more)
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        match = re.search(r"http://\S+/", process.stderr.readline())
        assert match is not None
        yield process, match[0]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_server_answers_and_stops_when_interrupted(library: Path) -> None:
    with _server(library) as (process, address):
        transport = httpx.HTTPTransport(retries=5)
        with httpx.Client(base_url=address, transport=transport, timeout=30) as client:
            assert client.get("/readyz").json() == {"status": "ready"}
            question = "How many books may a reader borrow?"
            reply = client.post("/v1/ask", json={"question": question})
            assert reply.json()["answers"][0]["text"] == "12"
            assert "server" not in reply.headers
            assert question[:8] in client.get("/", params={"q": question}).text
            rebound = client.get("/healthz", headers={"Host": "evil.example"})
            assert rebound.status_code == 421
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "Traceback" not in log
        assert "books" not in log


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_server_follows_a_folder_and_answers_from_what_comes(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "pool.txt").write_text("The pool is 25 metres long.", encoding="utf-8")
    with _server(tmp_path / "index", "--watch", str(folder)) as (process, address):
        transport = httpx.HTTPTransport(retries=5)
        with httpx.Client(base_url=address, transport=transport, timeout=60) as client:

            def wait_for(length: int | None) -> None:
                question, end = {"question": "How long is the pool?"}, time.monotonic() + 60
                wanted = [] if length is None else [f"The pool is {length} metres long."]
                while True:
                    answers = client.post("/v1/ask", json=question).json()["answers"]
                    if [answer["sentence"] for answer in answers][:1] == wanted:
                        return
                    assert time.monotonic() < end, answers
                    time.sleep(0.2)

            wait_for(25)
            (folder / "pool.txt").write_text("The pool is 50 metres long.", encoding="utf-8")
            wait_for(50)
            (folder / "pool.txt").unlink()
            wait_for(None)
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in log
        assert "documents: 1 changed" in log
        assert "documents: 1 removed" in log


@pytest.mark.slow
def test_a_port_that_is_taken_is_a_mistake_with_advice(library: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command, environment = _command(library, taken.getsockname()[1])
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60
        )
    assert result.returncode == 2
    assert "choose another with --host or --port" in result.stderr
    assert len(result.stderr.splitlines()) == 1
