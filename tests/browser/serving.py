"""A server of its own on loopback, as a person would start it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.request import Request, urlopen

from tests.paths import ROOT

_US = [sys.executable, "-m", "service"]
_SAID = re.compile(r"http://127\.0\.0\.1:(\d+)/")


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs: its address without a slash, and its index."""

    address: str
    index: Path

    def get(self, path: str, key: str = "") -> Any:
        """What the HTTP API answers, parsed."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with urlopen(Request(self.address + path, headers=headers), timeout=30) as response:  # noqa: S310
            return json.load(response)

    def document(self, ending: str) -> Any:
        """The document whose URI ends so."""
        documents = self.get("/v1/documents?limit=1000")["documents"]
        [found] = [one for one in documents if one["uri"].endswith(ending)]
        return self.get(f"/v1/documents/{found['id']}")

    def view(self, ending: str, quote: str, more: str = "") -> str:
        """Where the page shows the first place of a quote in the document that ends so."""
        document = self.document(ending)
        start = document["text"].index(quote)
        end = start + len(quote)
        return f"{self.address}/view/default/{document['id']}?start={start}&end={end}{more}"


def command(*arguments: str) -> str:
    """What a command of ours says on standard output."""
    done = subprocess.run(
        [*_US, *arguments],
        cwd=ROOT,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def serving(index: Path, *arguments: str) -> Iterator[Served]:
    """A server around an index, for the block; its log lies beside the index."""
    log = index.with_name(index.name + ".log")
    with log.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(
            [*_US, "serve", "--index", str(index), "--port", "0", *arguments],
            cwd=ROOT,
            env=_environment(),
            stderr=stderr,
        )
    if hasattr(os, "sched_setaffinity"):
        # As on a small machine, where the passages of a question are not read all at once.
        os.sched_setaffinity(process.pid, sorted(os.sched_getaffinity(0))[:2])
    try:
        yield Served(_ready(process, log), index)
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()
            process.wait()


def _ready(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """The address of a server, once it answers."""
    until = monotonic() + 60
    while monotonic() < until and process.poll() is None:
        said = _SAID.search(log.read_text(encoding="utf-8"))
        if said is not None:
            address = f"http://127.0.0.1:{said[1]}"
            try:
                with urlopen(f"{address}/readyz", timeout=10):  # noqa: S310 - our own
                    return address
            except OSError:
                pass
        sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PINCITE_")}
    return kept | {"PYTHONPATH": str(ROOT)}
