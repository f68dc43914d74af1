import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from service_fakes import Run
from uploading import sent

from index.database import DATABASE
from service.bootstrap import open_server
from service.host.server import Door
from service.http.app import create_app
from service.settings import Settings


@pytest.mark.slow
def test_a_collection_is_made_listed_and_used(run: Run, tmp_path: Path) -> None:
    index = tmp_path / "index"
    none = run("collections", "list", index=index)
    assert none.exit_code == 2
    assert "pincite collections create" in none.output
    assert not index.exists()
    made = run("collections", "create", "contracts", index=index)
    assert made.exit_code == 0, made.output
    again = run("collections", "create", "contracts", index=index)
    assert again.exit_code == 2
    assert "there is a collection with this name" in again.output
    assert run("collections", "create", "Contracts", index=index).exit_code == 2
    listed = run("collections", "list", "--json", index=index)
    folder = index / "server" / "collections" / "contracts"
    empty = {"documents": 0, "passages": 0, "usable": True}
    assert json.loads(listed.stdout)["collections"] == [
        {"name": "contracts", **empty, "folder": str(folder)},
        {"name": "default", **empty, "folder": str(index)},
    ]
    server = open_server(Settings(index=index), Door.KEYED)
    with TestClient(create_app(server), base_url="http://localhost") as client:
        path = "/v1/documents?collection=contracts"
        sent(client, path, json={"text": "The lease runs for five years.", "uri": "t:lease"})
        run("collections", "create", "minutes", index=index)
        sent(client, "/v1/documents?collection=minutes", json={"text": "Nobody came."})
    shown = run("collections", "list", index=index).stdout.splitlines()
    assert shown[0].startswith("contracts  1 document, 1 passage  ")
    assert [line.split()[0] for line in shown] == ["contracts", "default", "minutes"]
    (folder / DATABASE).write_bytes(b"damaged" * 1000)
    damaged = run("collections", "list", index=index)
    assert damaged.exit_code == 0
    assert damaged.stdout.splitlines()[0].startswith("contracts  cannot be used  ")
    assert damaged.stdout.splitlines()[1:] == shown[1:]
    assert "pincite: the collection contracts: " in damaged.stderr
    placed = json.loads(run("collections", "list", "--json", index=index).stdout)["collections"]
    assert [one["usable"] for one in placed] == [False, True, True]
