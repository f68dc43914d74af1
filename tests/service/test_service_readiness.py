import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from service_fakes import fake_server

from index.database import DATABASE
from service.host.collections import DEFAULT
from service.host.server import Server
from service.http.app import create_app
from service.observing.gauges import Gauges
from service.observing.metrics import Metrics
from service.observing.readiness import Finding, Readiness, readiness
from service.settings import Settings


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    return Settings(index=tmp_path / "index", drain_seconds=5)


@pytest.fixture
def server(chosen: Settings) -> Iterator[Server]:
    made = fake_server(chosen)
    made.collections.create("hr")
    made.load()
    yield made
    made.close()


def wrong(found: list[Finding]) -> dict[str, str]:
    return {one.name: one.found for one in found if not one.ok}


def test_a_server_that_answers_and_takes_documents_in_is_ready(server: Server) -> None:
    found = readiness(server)
    assert [one.name for one in found] == [
        *("models", "uploads", "disk", "collection default", "collection hr")
    ]
    assert wrong(found) == {}


def test_before_it_is_loaded_it_is_not_ready(chosen: Settings) -> None:
    server = fake_server(chosen)
    try:
        assert set(wrong(readiness(server))) == {"models", "uploads"}
    finally:
        server.close()


def test_when_uploads_are_not_taken_in_it_is_not_ready(server: Server) -> None:
    server.jobs.close()
    assert set(wrong(readiness(server))) == {"uploads"}


def test_without_room_on_the_disk_it_is_not_ready(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.observing.readiness._ROOM", 2**62)
    (told,) = wrong(readiness(server)).values()
    assert told.endswith("MiB are left; make room")


def test_an_index_that_cannot_be_searched_is_told_of_by_its_collection(
    server: Server, chosen: Settings
) -> None:
    with server.collections.use(DEFAULT) as collection:
        collection.engine.store.close()
    assert set(wrong(readiness(server))) == {"collection default"}


def test_an_index_that_cannot_be_opened_is_told_of_by_its_collection(chosen: Settings) -> None:
    server = fake_server(chosen)
    server.collections.create("hr")
    server.close()
    (chosen.index / "server" / "collections" / "hr" / DATABASE).write_bytes(b"damaged" * 1000)
    again = fake_server(chosen)
    try:
        again.load()
        assert set(wrong(readiness(again))) == {"collection hr"}
    finally:
        again.close()


def test_a_damaged_collection_does_not_hide_the_others(chosen: Settings) -> None:
    server = fake_server(chosen)
    server.collections.create("hr")
    server.close()
    (chosen.index / "server" / "collections" / "hr" / DATABASE).write_bytes(b"damaged" * 1000)
    with TestClient(create_app(fake_server(chosen)), base_url="http://localhost") as client:
        for path in ("/v1/collections", "/v1/stats"):
            told = client.get(path)
            assert told.status_code == 200
            default, hr = told.json()["collections"]
            assert (default["documents"], default["usable"]) == (2, True)
            assert (hr["documents"], hr["usable"], hr["removable"]) == (0, False, True)
        assert client.get("/v1/stats").json()["documents"] == 2
        page = client.get("/admin")
        assert page.status_code == 200
        assert "cannot be used" in page.text
        assert client.get("/v1/collections/hr").status_code == 503
        assert 'action="/admin/collections/hr/remove"' in page.text
        assert client.delete("/v1/collections/hr").status_code == 204
        assert len(client.get("/v1/collections").json()["collections"]) == 1


@pytest.mark.skipif(os.name == "nt", reason="other permissions")
def test_an_index_that_cannot_be_written_is_told_of(
    server: Server, chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = chosen.index / DATABASE
    monkeypatch.setattr("os.access", lambda path, mode: path != hidden)
    assert wrong(readiness(server)) == {"collection default": f"{hidden}: cannot be written"}


def test_asking_often_looks_once_a_second(server: Server) -> None:
    now = [0.0]
    probe = Readiness(server, lambda: now[0])
    first = probe.findings()
    assert probe.findings() is first
    now[0] = 1.5
    second = probe.findings()
    assert second is not first
    assert second == first


def gauges(server: Server) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    metrics = Metrics()
    metrics.watch(Gauges(server))
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
        if sample.name.startswith("pincite")
    }


def test_gauges_tell_what_is_held_and_what_waits(server: Server) -> None:
    found = gauges(server)
    default, hr = (("collection", "default"),), (("collection", "hr"),)
    assert (found["pincite_documents", default], found["pincite_documents", hr]) == (2, 0)
    assert found["pincite_passages", default] >= 2
    assert found["pincite_collection_up", hr] == 1
    assert found["pincite_index_bytes", default] > 1000
    assert found["pincite_questions_running", ()] == 0
    assert found["pincite_questions_waiting", ()] == 0
    assert found["pincite_uploads_waiting", ()] == 0
    assert found["pincite_uptime_seconds", ()] > 0


def test_gauges_follow_what_changes(server: Server) -> None:
    told = Gauges(server)

    def documents() -> float:
        return sum(gauge.value for gauge in told() if gauge.name == "pincite_documents")

    before = documents()
    with server.collections.use("hr") as collection:
        collection.engine.add_bytes(b"The gate opens at 7.", uri="test:gate", name="gate.txt")
    assert documents() == before + 1


def test_a_collection_that_cannot_be_read_is_down_and_the_others_are_told(
    server: Server,
) -> None:
    with server.collections.use("hr") as collection:
        collection.engine.store.close()
    found = gauges(server)
    assert found["pincite_collection_up", (("collection", "hr"),)] == 0
    assert ("pincite_documents", (("collection", "hr"),)) not in found
    assert found["pincite_documents", (("collection", "default"),)] == 2


def test_probes_of_many_threads_agree(server: Server) -> None:
    probe, found = Readiness(server), []
    threads = [
        threading.Thread(target=lambda: found.append(wrong(probe.findings()))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [{}] * 8
