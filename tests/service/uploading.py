"""Ways to send documents to a service under test, and to see what became of them."""

import threading
import time
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient

WAITING = {"Prefer": "wait=60"}

Outcome = dict[str, Any]


def sent(client: TestClient, path: str = "/v1/documents", **request: Any) -> dict[str, Any]:
    """The finished job of an upload."""
    response = client.post(path, headers=WAITING, **request)
    assert response.status_code == 200, response.text
    job: dict[str, Any] = response.json()
    assert job["finished_at"] is not None
    return job


def outcomes(job: dict[str, Any]) -> list[Outcome]:
    """What became of all files of a job."""
    return [outcome for file in job["files"] for outcome in file["outcomes"]]


def uris(client: TestClient, **query: Any) -> list[str]:
    """The URIs of the documents that a list shows."""
    listed = client.get("/v1/documents", params=query).json()["documents"]
    return [document["uri"] for document in listed]


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something holds; it fails the test if it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.005)


class Gate:
    """Lets through what comes to it once it is opened; tells that something stands before it."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self.reached = threading.Event()

    def open(self) -> None:
        """Let everything through from now on."""
        self._open.set()

    def __call__(self) -> None:
        self.reached.set()
        assert self._open.wait(20)
