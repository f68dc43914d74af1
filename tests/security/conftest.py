"""A server behind a locked door, with keys and collections."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.host.keys import Scope
from service.host.server import Door
from service.http.app import create_app
from service.settings import Settings
from tests.security.doors import Locked
from tests.service.service_fakes import fake_server


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Locked]:
    settings = Settings(index=tmp_path / "index", max_upload_mb=1)
    server = fake_server(settings, door=Door.LOCKED)
    _, whole = server.keys.create("root", Scope.ADMIN)
    with TestClient(create_app(server), base_url="http://localhost") as client:
        yield Locked(server, client, {"Authorization": f"Bearer {whole}"})
