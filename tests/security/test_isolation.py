"""A key for one collection learns nothing of another.

Two servers differ only in what three keys do not open: in the one there are further collections
with documents, jobs, feedback and keys, in the other there are none. The keys make the same
requests of both, at random; every reply must be the same. So nothing can show what is there: no
name, count, number, tag, cursor, error or cache. Beside that, no reply may hold a word of a
collection that its key does not open, among the three either.
"""

import base64
import io
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from service.host.collections import DEFAULT
from service.host.job_records import JobRecords, Upload
from service.host.keys import Key, Scope
from service.host.server import Door, Server
from service.http.app import create_app
from service.settings import Settings
from tests.service.service_fakes import fake_server

# The keys' own collections with the scope of each key, and those of others.
MINE = {"quartz": Scope.READ, "basalt": Scope.WRITE, "marble": Scope.ADMIN}
THEIRS = ("obsidian", "pumice")
NOWHERE = "feldspar"

OWN_PAGE = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}


def _text(name: str, number: int) -> str:
    """A document in which every word could be told from those of other collections."""
    return (
        f"# {name}heading {number}\n\nThe {name}tower is {number + 11} metres high.\n\n"
        f"The pool of {name}ville is {number + 40} metres long.\n"
    )


@dataclass(slots=True)
class World:
    """A server with its keys and what is known of it from within."""

    server: Server
    client: TestClient
    keys: dict[str, tuple[Key, str]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)

    def send(self, who: str, request: "Sent", request_id: str) -> httpx.Response:
        """The reply to a request of one of the keys."""
        headers = {"X-Request-ID": request_id, **request.headers}
        if request.by_session:
            headers |= OWN_PAGE
            headers["Cookie"] = f"pincite_session={self.sessions[who]}"
        else:
            headers["Authorization"] = f"Bearer {self.keys[who][1]}"
        return self.client.request(
            request.method,
            request.path,
            params=request.query,
            headers=headers,
            json=request.json,
            data=request.form,
            files=request.files,
            follow_redirects=False,
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, but for who sends it."""

    method: str
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    json: Any = None
    form: dict[str, str] | None = None
    files: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    by_session: bool = False


def _fill(world: World, name: str, documents: int) -> None:
    world.server.collections.create(name)
    with world.server.collections.use(name) as collection:
        for number in range(documents):
            collection.engine.add_bytes(
                _text(name, number).encode(),
                uri=f"https://{name}.example/{number}",
                name=f"{name}-{number}.md",
                title=f"{name}title {number}",
            )


def _world(folder: Path, *, others: bool, monkeypatch: pytest.MonkeyPatch) -> World:
    server = fake_server(Settings(index=folder / "index", max_upload_mb=1), door=Door.LOCKED)
    world = World(server, TestClient(create_app(server), base_url="http://localhost"))
    for place, (name, scope) in enumerate(MINE.items()):
        _fill(world, name, 3)
        monkeypatch.setattr("secrets.token_hex", lambda _=6, place=place: f"{place:012x}")
        world.keys[name] = server.keys.create(f"{name}key", scope, [name])
        monkeypatch.undo()
    for place, name in enumerate(THEIRS if others else ()):
        _fill(world, name, 4 + 3 * place)
    return world


def _live(world: World, name: str, key: str, works: int) -> None:
    """Have somebody use a collection: uploads, questions, feedback, keys."""
    sent = {"Authorization": f"Bearer {key}"}
    for number in range(works):
        world.client.post(
            "/v1/documents",
            params={"collection": name},
            headers={**sent, "Prefer": "wait=20", "Idempotency-Key": f"token-{number}"},
            json={"text": _text(name, 90 + number), "uri": f"https://shared.example/up/{number}"},
        ).raise_for_status()
        question = {"question": "How long is the pool?"}
        world.client.post(
            "/v1/ask", params={"collection": name}, headers=sent, json=question
        ).raise_for_status()
        world.client.post(
            "/v1/feedback",
            params={"collection": name},
            headers=sent,
            json={**question, "right": False, "note": f"{name}note {number}"},
        ).raise_for_status()


@pytest.fixture
def worlds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[World, World]]:
    """The server with others' collections, and the one without."""
    full = _world(tmp_path / "full", others=True, monkeypatch=monkeypatch)
    bare = _world(tmp_path / "bare", others=False, monkeypatch=monkeypatch)
    with full.client, bare.client:
        for place, name in enumerate(THEIRS):
            _, whole = full.server.keys.create(f"{name}key", Scope.ADMIN, [name])
            full.keys[name] = (_key_of(full, whole), whole)
            _live(full, name, whole, 3 + place)
        _have_something_wait(full.server)
        for world in (full, bare):
            for name in MINE:
                world.sessions[name] = world.server.sessions.open(world.keys[name][0])
        yield full, bare


def _have_something_wait(server: Server) -> None:
    """Leave uploads of others in the queue, which nothing takes in."""
    for place, name in enumerate(THEIRS):
        spooled = server.jobs.spool(io.BytesIO(_text(name, 70).encode()))
        uploads = [Upload(f"{name}.md", f"https://{name}.example/wait", spooled)] * 2
        JobRecords(server.state).add(f"{place:016x}", name, None, "", uploads)


def _key_of(world: World, whole: str) -> Key:
    key = world.server.keys.find(whole)
    assert key is not None
    return key


@dataclass(slots=True)
class Known:
    """What the keys may have heard of, by what it belongs to; and what was seen on the way."""

    documents: dict[str, list[str]]
    jobs: dict[str, list[str]]
    keys: dict[str, list[str]]
    cursors: list[str] = field(default_factory=list)
    tags: dict[str, list[str]] = field(default_factory=dict)

    def words(self, collection: str) -> set[str]:
        """Words that only those may read who open the collection."""
        made = {f"{collection}{part}" for part in ("tower", "ville", "heading", "title", "note")}
        return {
            collection,
            f"{collection}key",
            f"{collection}.example",
            *made,
            *self.documents.get(collection, ()),
            *self.jobs.get(collection, ()),
            *self.keys.get(collection, ()),
        }


def _known(world: World) -> Known:
    names = [name for name in (*MINE, *THEIRS) if name in world.keys]
    known = Known({}, {}, {name: [world.keys[name][0].id] for name in names})
    for name in names:
        with world.server.collections.use(name) as collection:
            found = collection.engine.store.documents()
        known.documents[name] = [
            summary.id for summary in found if not summary.uri.startswith("https://shared.")
        ]
        rows = world.server.state.rows("SELECT id FROM jobs WHERE collection = ?", name)
        known.jobs[name] = [str(row["id"]) for row in rows]
    return known


class Chance:
    """Makes requests as whoever has one of the keys, and has heard all names, might."""

    def __init__(self, seed: int, known: Known) -> None:
        self._dice = random.Random(seed)
        self._known = known
        self._numbers = count()
        self._makers: list[Callable[[str], Sent]] = [
            self._list,
            self._document,
            self._question,
            self._verify,
            self._feedback,
            self._upload,
            self._remove,
            self._job,
            self._collection,
            self._key,
            self._state,
            self._page,
            self._tool,
        ]

    def request(self, who: str) -> Sent:
        """Some request of the key for the collection `who`."""
        return self._dice.choice(self._makers)(who)

    def _name(self, who: str) -> str:
        others = [*MINE, *THEIRS, NOWHERE, DEFAULT, "", "..", "Quartz", "x" * 63]
        return who if self._dice.random() < 0.5 else self._dice.choice(others)

    def _at(self, who: str) -> dict[str, Any]:
        return {} if self._dice.random() < 0.1 else {"collection": self._name(who)}

    def _of(self, kind: dict[str, list[str]], who: str) -> str:
        found = kind.get(self._dice.choice([who, who, *MINE, *THEIRS]), [])
        return self._dice.choice([*found, "0123456789abcdef"])

    def _question_text(self) -> str:
        name = self._dice.choice([*MINE, *THEIRS, NOWHERE])
        forms = ("How high is the {}tower?", "How long is the pool of {}ville?", "What is {}?")
        return self._dice.choice(forms).format(name)

    def _list(self, who: str) -> Sent:
        query = self._at(who) | {"limit": self._dice.choice([1, 2, 50])}
        if self._known.cursors and self._dice.random() < 0.4:
            query["cursor"] = self._dice.choice(self._known.cursors)
        path = self._dice.choice(["/v1/documents", "/v1/documents", "/v1/jobs", "/v1/feedback"])
        if path == "/v1/documents" and self._dice.random() < 0.3:
            query["where"] = f"uri~*{self._dice.choice([*MINE, *THEIRS])}*"
        return Sent("GET", path, query)

    def _document(self, who: str) -> Sent:
        where = self._dice.choice(["", "/text", "/original", "/pages/1.png"])
        headers = {}
        others = [tag for name, tags in self._known.tags.items() if name != who for tag in tags]
        if others and self._dice.random() < 0.3:
            headers["If-None-Match"] = self._dice.choice(others)
        path = f"/v1/documents/{self._of(self._known.documents, who)}{where}"
        return Sent("GET", path, self._at(who), headers=headers)

    def _question(self, who: str) -> Sent:
        question = self._question_text()
        way = self._dice.randrange(5)
        if way == 0:
            return Sent("POST", "/v1/search", self._at(who), {"query": question, "top_k": 3})
        if way == 1:
            sent = {"questions": [question, self._question_text()]}
            return Sent("POST", "/v1/ask/batch", self._at(who), sent)
        if way == 2:
            return Sent("GET", "/v1/ask/stream", self._at(who) | {"q": question})
        sent = {"question": question}
        if self._dice.random() < 0.3:
            sent["documents"] = [self._of(self._known.documents, who)]
        return Sent("POST", "/v1/ask", self._at(who), sent)

    def _verify(self, who: str) -> Sent:
        name = self._dice.choice([who, *MINE, *THEIRS])
        sent = {
            "document_id": self._of(self._known.documents, who),
            "start": self._dice.randrange(60),
            "text": self._dice.choice(["metres", f"The {name}tower"]),
            "uri": f"https://{name}.example/0",
        }
        return Sent("POST", "/v1/verify", self._at(who), sent)

    def _feedback(self, who: str) -> Sent:
        if self._dice.random() < 0.2:
            number = self._dice.randrange(1, 30)
            return Sent("DELETE", f"/v1/feedback/{number}", self._at(who))
        if self._dice.random() < 0.2:
            return Sent("GET", "/v1/feedback/questions", self._at(who))
        # What is kept of it comes back later, so that it holds no words of others.
        question = f"What is {self._dice.choice([who, NOWHERE])}?"
        sent: dict[str, Any] = {"question": question, "right": False}
        if self._dice.random() < 0.5:
            sent |= {"document_id": self._of(self._known.documents, who), "start": 2, "end": 9}
        return Sent("POST", "/v1/feedback", self._at(who), sent)

    def _upload(self, who: str) -> Sent:
        number = next(self._numbers) % 40
        # Others have used the same URIs and tokens.
        host = self._dice.choice([who, "shared"])
        sent = {"text": _text(who, number), "uri": f"https://{host}.example/up/{number}"}
        headers = {"Prefer": "wait=20", "Idempotency-Key": f"token-{number}"}
        return Sent("POST", "/v1/documents", self._at(who), sent, headers=headers)

    def _remove(self, who: str) -> Sent:
        path = f"/v1/documents/{self._of(self._known.documents, who)}"
        headers = {}
        if self._dice.random() < 0.3:
            headers["Idempotency-Key"] = f"token-{self._dice.randrange(5)}"
        elif self._dice.random() < 0.7:
            headers["If-Match"] = '"0"'
        return Sent("DELETE", path, self._at(who), headers=headers)

    def _job(self, who: str) -> Sent:
        path = f"/v1/jobs/{self._of(self._known.jobs, who)}"
        method, end = self._dice.choice([("GET", ""), ("GET", "/events"), ("DELETE", "")])
        return Sent(method, path + end)

    def _collection(self, who: str) -> Sent:
        name = self._dice.choice([*MINE, *THEIRS, NOWHERE, DEFAULT])
        way = self._dice.randrange(4)
        if way == 0:
            return Sent("POST", "/v1/collections", json={"name": name})
        if way == 1 and name not in MINE:
            return Sent("DELETE", f"/v1/collections/{name}")
        if way == 2:
            return Sent("GET", "/v1/collections")
        return Sent("GET", f"/v1/collections/{name}")

    def _key(self, who: str) -> Sent:
        way = self._dice.randrange(3)
        if way == 0:
            return Sent("GET", "/v1/keys")
        name = self._dice.choice([*MINE, *THEIRS, NOWHERE])
        if way == 1:
            opens = self._dice.choice([None, [name], [who, name], [who]])
            return Sent("POST", "/v1/keys", json={"name": f"{who}made", "collections": opens})
        key_id = self._of(self._known.keys, who)
        return Sent("DELETE", f"/v1/keys/{'x' if key_id in _OWN_IDS else key_id}")

    def _state(self, who: str) -> Sent:
        path = self._dice.choice(
            ["/v1/status", "/v1/stats", "/metrics", "/v1/health", "/readyz", "/healthz", "/v1/no"]
        )
        return Sent("GET", path, self._at(who))

    def _page(self, who: str) -> Sent:
        name = self._name(who) or "-"
        document = self._of(self._known.documents, who)
        job = self._of(self._known.jobs, who)
        question = {"q": self._question_text()}
        sent = self._dice.choice(
            [
                Sent("GET", "/", self._at(who) | question),
                Sent("GET", "/ask/stream", self._at(who) | question),
                Sent("GET", "/documents", self._at(who)),
                Sent("GET", f"/documents/{document}", self._at(who)),
                Sent("GET", f"/documents/{document}/remove", self._at(who)),
                Sent("GET", f"/view/{name}/{document}", {"start": 2, "end": 9, **question}),
                Sent("GET", f"/uploads/{job}"),
                Sent("GET", f"/uploads/{job}/files"),
                Sent("POST", f"/uploads/{job}/cancel"),
                Sent("GET", "/admin"),
                Sent("POST", "/admin/collections", form={"name": name}),
                Sent("POST", f"/admin/keys/{self._of(self._known.keys, '')}/revoke"),
            ]
        )
        return Sent(sent.method, sent.path, sent.query, form=sent.form, by_session=True)

    def _tool(self, who: str) -> Sent:
        tool, more = self._dice.choice(
            [
                ("ask", {"question": self._question_text()}),
                ("search", {"query": self._question_text()}),
                ("read", {"document_id": self._of(self._known.documents, who)}),
                ("list", {}),
            ]
        )
        called = {"name": tool, "arguments": {**self._at(who), **more}}
        method, params = self._dice.choice(
            [("tools/call", called), ("tools/call", called), ("tools/list", {})]
        )
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-06-18",
        }
        return Sent("POST", "/mcp", json=message, headers=headers)


_OWN_IDS = {f"{place:012x}" for place in range(len(MINE))}

# What differs between two runs of one server: times, sizes on the disk, and what is drawn.
_VARYING = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "DAY"),
    (re.compile(r'("timings_ms": ?)\{[^}]*\}'), r"\1TIMES"),
    (re.compile(r'("(?:uptime_seconds|bytes)": ?)[0-9.]+'), r"\1NUMBER"),
    (re.compile(r" in [0-9.]+ s(?![a-z])"), ""),
    (re.compile(r"pincite_[0-9a-f]{12}_[0-9A-Za-z]{49}"), "KEY"),
    (re.compile(r"(?<![0-9a-f])(?!0{11})[0-9a-f]{12}(?![0-9a-f])"), "KEY-ID"),
]


def _plain(response: httpx.Response, folder: Path) -> tuple[int, list[tuple[str, str]], str]:
    """A response without what differs between two runs anyway."""
    headers = [
        (name, _same(value))
        for name, value in response.headers.items()
        if name not in ("etag", "content-length")
    ]
    kind = response.headers.get("content-type", "")
    body = response.text if "text" in kind or "json" in kind else repr(response.content)
    if kind.startswith("text/event-stream"):
        # What comes before the last event depends on what the client has left unread.
        body = body.strip().split("\n\n")[-1]
    return response.status_code, headers, _same(body.replace(str(folder), "FOLDER"))


def _same(text: str) -> str:
    for pattern, instead in _VARYING:
        text = pattern.sub(instead, text)
    return text


def _spread(response: httpx.Response) -> str:
    """All that a response says, what is coded in cursors too."""
    said = f"{response.headers.multi_items()} {response.text}"
    for cursor in re.findall(r'"next_cursor": ?"([^"]+)"', response.text):
        said += base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("latin-1")
    return said


def _play(worlds: tuple[World, World], folder: Path, seed: int, requests: int) -> dict[int, int]:
    """Have the three keys make requests of both servers; how often each status was the reply."""
    full, bare = worlds
    known = _known(full)
    chance = Chance(seed, known)
    dice = random.Random(seed)
    statuses: dict[int, int] = {}
    for number in range(requests):
        who = dice.choice([*MINE])
        sent = chance.request(who)
        replies = [world.send(who, sent, f"request-{number}") for world in (full, bare)]
        assert _plain(replies[0], folder / "full") == _plain(replies[1], folder / "bare"), sent
        said = _spread(replies[0])
        asked = repr(sent)
        for other in {*MINE, *THEIRS} - {who}:
            seen = {word for word in known.words(other) if word in said and word not in asked}
            assert not seen, (who, sent, seen)
        _learn(known, who, replies[0])
        statuses[replies[0].status_code] = statuses.get(replies[0].status_code, 0) + 1
    return statuses


def _learn(known: Known, who: str, response: httpx.Response) -> None:
    known.cursors += re.findall(r'"next_cursor": ?"([^"]+)"', response.text)
    if "etag" in response.headers:
        known.tags.setdefault(who, []).append(response.headers["etag"])
    sent = response.request
    if (sent.method, sent.url.path, response.status_code) == ("POST", "/v1/documents", 200):
        known.jobs.setdefault(who, []).append(json.loads(response.text)["id"])


def test_nothing_of_other_collections_shows_at_first_glance(
    worlds: tuple[World, World], tmp_path: Path
) -> None:
    _play(worlds, tmp_path, seed=7, requests=60)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_of_other_collections_shows(
    worlds: tuple[World, World], tmp_path: Path, seed: int
) -> None:
    statuses = _play(worlds, tmp_path, seed, requests=600)
    # The requests are of all kinds: what is granted, refused, not there, and wrong.
    assert statuses[200] > 100
    assert statuses[404] > 100
    assert statuses[403] > 20
    assert max(statuses) < 500
