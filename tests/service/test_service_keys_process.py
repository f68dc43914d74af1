"""Keys of a real server, made and revoked by other processes while it runs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.paths import ROOT


@pytest.fixture
def environment(library: Path, tmp_path: Path) -> dict[str, str]:
    """Variables of processes that serve the library, with keys of their own."""
    return {
        "PYTHONPATH": str(ROOT),
        "PATH": os.environ["PATH"],
        "PINCITE_INDEX": str(library),
        "PINCITE_STATE": str(tmp_path / "server"),
    }


def _pincite(environment: dict[str, str], *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.strip()


@pytest.fixture
def address(environment: dict[str, str]) -> Iterator[str]:
    """Where the server listens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "serve", "--port", "0"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        match = re.search(r"http://\S+/", process.stderr.readline())
        assert match is not None
        yield match[0]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_a_key_opens_and_ceases_to_open_while_the_server_runs(
    environment: dict[str, str], address: str
) -> None:
    transport = httpx.HTTPTransport(retries=5)
    with httpx.Client(base_url=address, transport=transport, timeout=30) as client:
        assert client.get("/v1/collections").status_code == 200
        whole = _pincite(environment, "keys", "create", "laptop")
        sent = {"Authorization": f"Bearer {whole}"}
        assert client.get("/v1/collections").status_code == 401
        assert client.get("/v1/collections", headers=sent).status_code == 200
        assert client.get("/v1/keys", headers=sent).status_code == 403
        _pincite(environment, "keys", "revoke", whole.split("_")[1])
        refused = client.get("/v1/collections", headers=sent)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        assert "opens nothing" in refused.json()["detail"]
        assert client.get("/v1/collections").status_code == 401
