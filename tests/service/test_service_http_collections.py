import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from service_fakes import NumberReader, fake_server
from uploading import Gate, sent, until, uris

from qa.reader import Reading
from service.errors import Conflict, UnknownCollection
from service.host import collections as module
from service.host.keys import Scope
from service.host.server import Server
from service.http.app import create_app
from service.settings import Settings

NOTE = {"text": "The tower is 40 metres high.", "uri": "t:tower"}
IN_CASTLE = "/v1/documents?collection=castle"


class WaitingReader(NumberReader):
    """Reads once it is let."""

    def __init__(self, gate: Callable[[], None]) -> None:
        self._gate = gate

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        self._gate()
        return super().read(question, texts, begins)


def names(client: TestClient, **headers: str) -> list[str]:
    listed = client.get("/v1/collections", headers=headers).json()["collections"]
    return [collection["name"] for collection in listed]


def ask(client: TestClient, collection: str) -> list[str]:
    body = {"question": "How high is the tower?"}
    reply = client.post("/v1/ask", params={"collection": collection}, json=body).json()
    return [answer["text"] for answer in reply["answers"]]


def test_a_collection_has_documents_of_its_own(client: TestClient) -> None:
    made = client.post("/v1/collections", json={"name": "castle"})
    assert made.status_code == 201
    assert made.headers["Location"] == "/v1/collections/castle"
    assert made.json() == client.get("/v1/collections/castle").json()
    assert names(client) == ["castle", "default"]
    sent(client, IN_CASTLE, json=NOTE)
    assert uris(client, collection="castle") == ["t:tower"]
    assert uris(client) == ["test:library", "test:pool"]
    assert (ask(client, "castle"), ask(client, "default")) == (["40"], [])
    held = client.get("/v1/collections/castle").json()
    assert (held["documents"], held["passages"], held["questions"]) == (1, 1, 1)
    assert held["bytes"] > made.json()["bytes"]
    assert held["removable"] is True


def test_a_removed_collection_is_gone_with_all_it_held(client: TestClient, server: Server) -> None:
    client.post("/v1/collections", json={"name": "castle"})
    job = sent(client, IN_CASTLE, json=NOTE)["id"]
    folder = server.folder / "collections" / "castle"
    assert folder.is_dir()
    assert client.delete("/v1/collections/castle").status_code == 204
    assert names(client) == ["default"]
    assert list((server.folder / "collections").iterdir()) == []
    for path in ("/v1/collections/castle", IN_CASTLE, f"/v1/jobs/{job}"):
        assert client.get(path).status_code == 404
    assert client.delete("/v1/collections/castle").status_code == 404
    client.post("/v1/collections", json={"name": "castle"})
    assert uris(client, collection="castle") == []


def test_a_collection_that_was_made_is_there_after_a_restart(settings: Settings) -> None:
    first = fake_server(settings)
    with TestClient(create_app(first), base_url="http://localhost") as client:
        client.post("/v1/collections", json={"name": "castle"})
        sent(client, IN_CASTLE, json=NOTE)
        client.post("/v1/collections", json={"name": "gone"})
        client.delete("/v1/collections/gone")
        (first.folder / "collections" / "half.gone").mkdir()
    second = fake_server(settings)
    with TestClient(create_app(second), base_url="http://localhost") as client:
        assert uris(client, collection="castle") == ["t:tower"]
        assert names(client) == ["castle", "default"]
        assert [path.name for path in (second.folder / "collections").iterdir()] == ["castle"]


@pytest.mark.parametrize(
    "name", ["", "Castle", "-castle", "a b", "../x", "a/b", "a" * 64, "ä", "a\n", "default.gone"]
)
def test_a_name_that_cannot_be_one_is_refused(client: TestClient, name: str) -> None:
    assert client.post("/v1/collections", json={"name": name}).status_code == 422
    assert names(client) == ["default"]


def test_two_collections_cannot_have_one_name(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.post("/v1/collections", json={"name": "default"}).status_code == 409
    assert client.post("/v1/collections", json={"name": "castle"}).status_code == 201
    assert client.post("/v1/collections", json={"name": "castle"}).status_code == 409
    monkeypatch.setattr(module, "MOST_COLLECTIONS", 2)
    full = client.post("/v1/collections", json={"name": "moat"})
    assert (full.status_code, "remove one" in full.json()["detail"]) == (409, True)


def test_collections_of_the_settings_stay(settings: Settings) -> None:
    told = replace(settings, collections={"minutes": settings.index.parent / "minutes"})
    with TestClient(create_app(fake_server(told)), base_url="http://localhost") as client:
        assert names(client) == ["default", "minutes"]
        for name in ("default", "minutes"):
            sent(client, f"/v1/documents?collection={name}", json=NOTE)
            assert client.get(f"/v1/collections/{name}").json()["removable"] is False
            assert client.delete(f"/v1/collections/{name}").status_code == 409
            assert "t:tower" in uris(client, collection=name)


def test_a_removal_waits_for_a_question_that_is_being_answered(settings: Settings) -> None:
    gate = Gate()
    server = fake_server(settings, lambda: WaitingReader(gate))
    with TestClient(create_app(server), base_url="http://localhost") as client:
        client.post("/v1/collections", json={"name": "castle"})
        sent(client, IN_CASTLE, json=NOTE)
        answers: list[list[str]] = []
        asking = threading.Thread(target=lambda: answers.append(ask(client, "castle")))
        asking.start()
        assert gate.reached.wait(20)
        with pytest.raises(Conflict, match="still in use"):
            server.collections.remove("castle", 0.05)
        statuses: list[int] = []
        removing = threading.Thread(
            target=lambda: statuses.append(client.delete("/v1/collections/castle").status_code)
        )
        removing.start()

        def is_closing() -> bool:
            return client.get(IN_CASTLE).status_code == 404

        until(is_closing)
        assert not statuses
        gate.open()
        asking.join(20)
        removing.join(20)
        assert (answers, statuses) == ([["40"]], [204])


def test_a_removal_calls_off_what_waits(client: TestClient, server: Server) -> None:
    client.post("/v1/collections", json={"name": "castle"})
    for number in range(20):
        body = {"text": f"Tower {number}.", "uri": f"t:{number}"}
        assert client.post(IN_CASTLE, json=body).status_code == 202
    assert client.delete("/v1/collections/castle").status_code == 204
    until(lambda: server.jobs.waiting().files == 0)
    until(lambda: list((server.folder / "spool").iterdir()) == [])
    assert server.jobs.alive
    sent(client, json=NOTE)


def test_what_was_left_of_a_collection_is_not_in_the_next_of_its_name(
    client: TestClient, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/v1/collections", json={"name": "castle"})
    sent(client, IN_CASTLE, json=NOTE)
    with monkeypatch.context() as patched:
        patched.setattr(module, "_put_away", lambda _: None)
        assert client.delete("/v1/collections/castle").status_code == 204
    assert (server.folder / "collections" / "castle").is_dir()
    assert client.post("/v1/collections", json={"name": "castle"}).status_code == 201
    assert client.get("/v1/documents?collection=castle").json()["documents"] == []


def test_a_start_takes_away_only_what_was_to_go(server: Server) -> None:
    folder = server.folder / "collections"
    (folder / "unheard-of").mkdir(parents=True)
    (folder / "castle.0a1b.gone").mkdir()
    server.collections.sweep()
    assert [path.name for path in folder.iterdir()] == ["unheard-of"]


def test_collections_come_and_go_while_they_are_used(client: TestClient, server: Server) -> None:
    stop = threading.Event()

    def use() -> None:
        while not stop.is_set():
            with (
                suppress(UnknownCollection),
                server.collections.use("castle") as collection,
            ):
                collection.engine.store.documents()

    with ThreadPoolExecutor(3) as users:
        using = [users.submit(use) for _ in range(3)]
        for _ in range(5):
            server.collections.create("castle")
            server.collections.create("moat")
            server.collections.remove("castle", 20)
            server.collections.remove("moat", 20)
        stop.set()
        for one in using:
            one.result(20)
    assert names(client) == ["default"]


def test_a_key_knows_its_collections_only(client: TestClient, server: Server) -> None:
    client.post("/v1/collections", json={"name": "castle"})
    sent(client, IN_CASTLE, json=NOTE)

    def headers(scope: Scope, *collections: str) -> dict[str, str]:
        _, key = server.keys.create("key", scope, collections or None)
        return {"Authorization": f"Bearer {key}"}

    admin, bound = headers(Scope.ADMIN), headers(Scope.ADMIN, "default")
    writer = headers(Scope.WRITE)
    assert names(client, **admin) == ["castle", "default"]
    assert names(client, **bound) == ["default"]
    assert client.get("/v1/collections").status_code == 401
    stats = client.get("/v1/stats", headers=bound).json()
    assert [collection["name"] for collection in stats["collections"]] == ["default"]
    assert (stats["documents"], stats["jobs"]["done"]) == (2, 0)
    for method in ("GET", "DELETE"):
        hidden, absent = (
            client.request(method, f"/v1/collections/{name}", headers=bound)
            for name in ("castle", "absent")
        )
        assert (hidden.status_code, absent.status_code) == (404, 404)
        assert hidden.json()["detail"] == absent.json()["detail"].replace("absent", "castle")
    # Whether one is there is not learned by making it, either.
    there, new = (
        client.post("/v1/collections", json={"name": name}, headers=bound)
        for name in ("castle", "absent")
    )
    assert (there.status_code, new.status_code) == (403, 403)
    assert there.json()["detail"] == new.json()["detail"].replace("absent", "castle")
    refused = client.post("/v1/collections", json={"name": "moat"}, headers=writer)
    assert refused.status_code == 403
    assert client.delete("/v1/collections/castle", headers=writer).status_code == 403


def test_the_stats_are_sums_over_the_collections(client: TestClient) -> None:
    client.post("/v1/collections", json={"name": "castle"})
    sent(client, IN_CASTLE, json=NOTE)
    sent(client, json={"text": " "})
    ask(client, "castle")
    stats = client.get("/v1/stats").json()
    assert stats["documents"] == 3
    assert stats["passages"] == sum(one["passages"] for one in stats["collections"])
    jobs = stats["jobs"]
    assert (jobs["done"], jobs["failed"], jobs["queued"], jobs["running"]) == (1, 1, 0, 0)
    assert (stats["waiting_files"], stats["waiting_bytes"], stats["questions"]) == (0, 0, 1)
    assert stats["uptime_seconds"] > 0
