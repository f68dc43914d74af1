"""A real server on a port of this machine."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]


def _command(library: Path, port: int) -> tuple[list[str], dict[str, str]]:
    environment = {
        "PYTHONPATH": str(ROOT),
        "PATH": os.environ["PATH"],
        "PINCITE_INDEX": str(library),
    }
    return [sys.executable, "-m", "service", "serve", "--port", str(port)], environment


@contextmanager
def _server(library: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command, environment = _command(library, 0)
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
