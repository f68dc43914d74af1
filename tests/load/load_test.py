"""Many clients at once against a real server: python tests/load/load_test.py --clients 32.

Clients ask what papers answer (`papers.py`) while papers are added and removed. Then:

- no request failed but by 429 or 503 with Retry-After;
- no answer came from a paper whose removal was confirmed before the question was sent;
- every answer obeys the law: the text that the server has of the document, cut at the citation's
  range, is the quote;
- when all is taken in, the server's memory is back within a tenth of what it was after warming up;
- told to stop, it ends with exit code 0, and the doctor finds nothing.

With --kill, the server is killed with SIGKILL at random under that load and started again, and all
that was confirmed must hold: what was accepted is taken in, what was removed stays away, the key
that was made opens the door. Prints a table, or JSON with --json.
"""

import argparse
import itertools
import json
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[2]))

from index import doctor
from tests.load.papers import Paper, paper
from tests.load.process import ServerProcess

# What a server that has as much to do as it takes on may say.
_BUSY = (429, 503)

# Longest time until the queue is empty, in seconds.
_QUEUE = 900.0

# Memory after everything, at most so many times that after warming up.
_MEMORY = 1.10

# Papers that are there from the start, so that there is something to ask.
_FIRST = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to a server: clients that ask for so many seconds, papers added and removed."""

    clients: int = 32
    seconds: float = 180.0
    add: int = 500
    remove: int = 200
    kills: int = 0
    seed: int = 0


@dataclass
class Found:
    """What has come of it. Safe to use from several threads, by its lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    # The job of each paper that was accepted, and when each that was removed was gone, by number.
    accepted: dict[int, str] = field(default_factory=dict)
    removed: dict[int, float] = field(default_factory=dict)
    # Papers whose removal was asked for; until it is confirmed they may be there or not.
    leaving: set[int] = field(default_factory=set)
    uncertain: set[int] = field(default_factory=set)
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    answers: int = 0
    abstained: int = 0
    excused: int = 0
    kills: int = 0
    errors: list[str] = field(default_factory=list)

    def count(self, kind: str, status: int) -> None:
        """Take note of a response."""
        with self.lock:
            self.statuses[f"{kind} {status}"] += 1

    def fail(self, what: str) -> None:
        """Take note of what must not be."""
        with self.lock:
            if len(self.errors) < 50:
                self.errors.append(what)


class Load:
    """One server under load."""

    def __init__(self, server: ServerProcess, key: str, plan: Plan) -> None:
        self.found = Found()
        self._server = server
        self._plan = plan
        self._headers = {"Authorization": f"Bearer {key}"}
        self._over = threading.Event()
        # Set while the server is up; cleared before it is killed.
        self._up = threading.Event()
        self._up.set()
        self._rng = random.Random(plan.seed)
        self._papers: list[Paper] = []

    def warm_up(self) -> None:
        """Papers to begin with, and every client once at work."""
        with self._client() as client:
            for _ in range(_FIRST):
                self._add(client, self._next_paper())
            self.settle(client)
        self._for(min(20.0, self._plan.seconds / 4), [self._ask] * self._plan.clients)
        with self.found.lock:
            self.found.seconds.clear()
            self.found.statuses.clear()

    def run(self) -> None:
        """The load itself."""
        acts = [self._ask] * self._plan.clients + [self._grow, self._shrink]
        if self._plan.kills:
            acts.append(self._kill)
        self._for(self._plan.seconds, acts)
        with self._client() as client:
            self.settle(client)

    def _for(self, seconds: float, acts: list[Callable[[httpx.Client], None]]) -> None:
        """Let each act go on in a thread of its own for so long."""
        self._over.clear()
        threads = [threading.Thread(target=self._go_on, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        self._over.wait(seconds)
        self._over.set()
        for thread in threads:
            thread.join()

    def _go_on(self, act: Callable[[httpx.Client], None]) -> None:
        try:
            with self._client() as client:
                act(client)
        except Exception as error:  # noqa: BLE001 - told at the end; the others go on
            self.found.fail(f"{act.__name__}: {error!r}")

    @contextmanager
    def _client(self) -> Iterator[httpx.Client]:
        with httpx.Client(
            base_url=self._server.address, headers=self._headers, timeout=120
        ) as client:
            yield client

    def _send(
        self, client: httpx.Client, kind: str, method: str, path: str, **options: Any
    ) -> httpx.Response | None:
        """A response; None where the server was killed before it came, or was busy."""
        while True:
            was_up = self._up.is_set()
            try:
                response = client.request(method, path, **options)
            except httpx.TransportError as error:
                if was_up and self._up.is_set() and not self._plan.kills:
                    self.found.fail(f"{kind}: {error!r}")
                self._up.wait(120)
                return None
            self.found.count(kind, response.status_code)
            if response.status_code not in _BUSY:
                return response
            wait = response.headers.get("Retry-After", "")
            if not wait.isdigit():
                self.found.fail(f"{kind}: {response.status_code} without Retry-After")
                return None
            if kind == "ask" and self._over.is_set():
                return None
            time.sleep(min(5, int(wait)))

    # Asking

    def _ask(self, client: httpx.Client) -> None:
        rng = random.Random(f"{self._plan.seed} {threading.get_ident()}")
        while not self._over.is_set():
            with self.found.lock:
                papers = list(self._papers)
            wanted = rng.choice(papers)
            began = time.monotonic()
            question = {"question": rng.choice(wanted.questions)}
            response = self._send(client, "ask", "POST", "/v1/ask", json=question)
            if response is None:
                continue
            if response.status_code != 200:
                self.found.fail(f"ask: {response.status_code} {response.text[:300]}")
                continue
            reply = response.json()
            with self.found.lock:
                self.found.seconds.append(time.monotonic() - began)
                self.found.answers += len(reply["answers"])
                self.found.abstained += not reply["answers"]
            for answer in reply["answers"]:
                places = [{**answer["citation"], "text": answer["text"]}, *answer["also_at"]]
                for place in places:
                    self._check(client, place, began)

    def _check(self, client: httpx.Client, place: dict[str, Any], asked: float) -> None:
        """Hold a citation against what was removed, and against the document's text."""
        number = int(place["uri"].partition(":")[2])
        with self.found.lock:
            gone = self.found.removed.get(number)
        if gone is not None and gone < asked:
            self.found.fail(f"{place['uri']}: was quoted {asked - gone:.3f} s after its removal")
            return
        path = f"/v1/documents/{place['document_id']}/text"
        options = {"start": place["start"], "end": place["end"]}
        response = self._send(client, "text", "GET", path, params=options)
        if response is None:
            return
        if response.status_code == 404:
            with self.found.lock:
                leaving = number in self.found.leaving
                self.found.excused += leaving
            if not leaving:
                self.found.fail(f"{place['uri']}: was quoted, and is not there")
        elif response.status_code != 200 or response.json()["text"] != place["text"]:
            self.found.fail(f"{place['uri']}: breaks the law: {place} {response.text[:300]}")

    # Adding and removing

    def _next_paper(self) -> int:
        with self.found.lock:
            number = len(self._papers)
            self._papers.append(paper(number))
        return number

    def _add(self, client: httpx.Client, number: int) -> None:
        made = self._papers[number]
        body = {"uri": made.uri, "title": made.title, "text": made.text}
        response = self._send(client, "add", "POST", "/v1/documents", json=body)
        if response is None:
            with self.found.lock:
                self.found.uncertain.add(number)
        elif response.status_code != 202:
            self.found.fail(f"add: {response.status_code} {response.text[:300]}")
        else:
            with self.found.lock:
                self.found.accepted[number] = response.json()["id"]

    def _grow(self, client: httpx.Client) -> None:
        pause = 0.8 * self._plan.seconds / max(1, self._plan.add)
        began = time.monotonic()
        for count in range(self._plan.add):
            self._add(client, self._next_paper())
            self._over.wait(max(0.0, began + (count + 1) * pause - time.monotonic()))

    def _shrink(self, client: httpx.Client) -> None:
        pause = 0.9 * self._plan.seconds / max(1, self._plan.remove)
        end = time.monotonic() + self._plan.seconds + _QUEUE
        left = self._plan.remove
        while left and time.monotonic() < end:
            with self.found.lock:
                there = [
                    number
                    for number in self.found.accepted
                    if number >= _FIRST and number not in self.found.leaving
                ]
            if there and self._remove(client, self._rng.choice(there)):
                left -= 1
                self._over.wait(pause)
            else:
                time.sleep(0.1)

    def _remove(self, client: httpx.Client, number: int) -> bool:
        """Remove a paper, if it is taken in; whether that was confirmed."""
        job = self._job(client, number)
        if job is None or job["state"] != "done":
            return False
        document_id = job["files"][0]["outcomes"][0]["document_id"]
        with self.found.lock:
            self.found.leaving.add(number)
        response = self._send(client, "remove", "DELETE", f"/v1/documents/{document_id}")
        if response is None:
            with self.found.lock:
                self.found.uncertain.add(number)
            return False
        if response.status_code != 204:
            self.found.fail(f"remove: {response.status_code} {response.text[:300]}")
            return False
        with self.found.lock:
            self.found.removed[number] = time.monotonic()
        return True

    def _job(self, client: httpx.Client, number: int) -> dict[str, Any] | None:
        job_id = self.found.accepted[number]
        response = self._send(client, "job", "GET", f"/v1/jobs/{job_id}")
        if response is None:
            return None
        if response.status_code != 200:
            self.found.fail(f"job of load:{number}: {response.status_code} {response.text[:300]}")
            return None
        found: dict[str, Any] = response.json()
        return found

    # Killing

    def _kill(self, _: httpx.Client) -> None:
        pause = self._plan.seconds / (self._plan.kills + 1)
        for _number in range(self._plan.kills):
            if self._over.wait(self._rng.uniform(0.3, 1.5) * pause):
                return
            self._up.clear()
            try:
                self._server.kill()
                self._look()
                self._server.start()
            finally:
                self._up.set()
            self.found.kills += 1

    def _look(self) -> None:
        """The doctor finds nothing in what a killed server left, looked at in a copy."""
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch, "index")
            shutil.copytree(self._server.index, copy)
            report = doctor.check(copy)
        for check in report.checks:
            if not check.ok:
                self.found.fail(f"doctor, after a kill: {check.name}: {check.found}")

    # Looking

    def settle(self, client: httpx.Client) -> None:
        """Wait until everything that was accepted is taken in."""
        end = time.monotonic() + _QUEUE
        for number in sorted(self.found.accepted):
            while True:
                job = self._job(client, number)
                if job is not None and job["state"] == "done":
                    break
                if job is not None and job["state"] in ("failed", "cancelled"):
                    # A removal calls off what was accepted before it.
                    if number not in self.found.leaving:
                        self.found.fail(f"load:{number}: its job is {job['state']}: {job}")
                    break
                if time.monotonic() > end:
                    self.found.fail(f"load:{number}: was not taken in: {job}")
                    return
                time.sleep(0.05)

    def compare(self) -> None:
        """The index holds what was accepted and not removed, and nothing that was removed."""
        there: set[int] = set()
        with self._client() as client:
            cursor: str | None = None
            while True:
                params: dict[str, Any] = {"limit": 1000} | ({"cursor": cursor} if cursor else {})
                page = client.get("/v1/documents", params=params)
                page.raise_for_status()
                there |= {
                    int(summary["uri"].partition(":")[2]) for summary in page.json()["documents"]
                }
                cursor = page.json()["next_cursor"]
                if cursor is None:
                    break
        found = self.found
        wanted = found.accepted.keys() - found.leaving - found.uncertain
        for number in sorted(wanted - there):
            found.fail(f"load:{number}: was accepted and is not there")
        for number in sorted(found.removed.keys() & there):
            found.fail(f"load:{number}: was removed and is there")
        for number in sorted(there - found.accepted.keys() - found.uncertain):
            found.fail(f"load:{number}: is there and was never accepted")


def run(plan: Plan, home: Path) -> dict[str, Any]:
    """Put a server with an index in `home` under load; what came of it, `errors` if anything."""
    server = ServerProcess(home / "index", home / "server.log")
    key = str(server.run("keys create", "load", "--scope", "admin")["key"])
    load = Load(server, key, plan)
    started = server.start()
    try:
        load.warm_up()
        warm = server.memory()
        began = time.monotonic()
        load.run()
        took = time.monotonic() - began
        load.compare()
        memory = _least_memory(server, warm)
        if not plan.kills and memory > warm * _MEMORY:
            load.found.fail(f"memory: {memory:.0f} MiB, after warming up {warm:.0f}")
    finally:
        code = server.stop()
    if code != 0:
        load.found.fail(f"the server ended with exit code {code}")
    report = doctor.check(server.index)
    for check in report.checks:
        if not check.ok:
            load.found.fail(f"doctor: {check.name}: {check.found}")
    return told(load.found, plan, started, took, warm, memory)


def _least_memory(server: ServerProcess, wanted: float) -> float:
    """What the server holds once it has come to rest, in MiB."""
    end = time.monotonic() + 60
    least = server.memory()
    while least > wanted * _MEMORY and time.monotonic() < end:
        time.sleep(1)
        least = min(least, server.memory())
    return least


def told(
    found: Found, plan: Plan, started: float, took: float, warm: float, memory: float
) -> dict[str, Any]:
    """The figures."""
    seconds = sorted(found.seconds)
    return {
        "clients": plan.clients,
        "seconds": round(took, 1),
        "ready_after_seconds": round(started, 2),
        "kills": found.kills,
        "questions": len(seconds),
        "questions_a_second": round(len(seconds) / plan.seconds, 2),
        "median_seconds": round(statistics.median(seconds), 3) if seconds else None,
        "p95_seconds": round(seconds[int(0.95 * len(seconds))], 3) if seconds else None,
        "answers": found.answers,
        "abstained": found.abstained,
        "accepted": len(found.accepted),
        "removed": len(found.removed),
        "quoted_while_being_removed": found.excused,
        "responses": dict(sorted(found.statuses.items())),
        "memory_warm_mib": round(warm, 1),
        "memory_after_mib": round(memory, 1),
        "errors": found.errors,
    }


def main() -> None:
    """Run the load; exit code 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Plan()
    parser.add_argument("--clients", type=int, default=default.clients)
    parser.add_argument("--seconds", type=float, default=default.seconds)
    parser.add_argument("--add", type=int, default=default.add)
    parser.add_argument("--remove", type=int, default=default.remove)
    parser.add_argument("--kill", type=int, default=0, metavar="TIMES", help="kill so many times")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    plan = Plan(given.clients, given.seconds, given.add, given.remove, given.kill, given.seed)
    print(f"seed {plan.seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="pincite-load-") as home:
        figures = run(plan, Path(home))
    if given.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            shown = value if not isinstance(value, dict | list) else None
            print(f"{name.replace('_', ' '):28}{'' if shown is None else shown}")
            if shown is None:
                parts = value.items() if isinstance(value, dict) else zip(itertools.count(), value)
                for part, count in parts:
                    print(f"    {part!s:24}{count}")
    sys.exit(1 if figures["errors"] else 0)


if __name__ == "__main__":
    main()
