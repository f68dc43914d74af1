"""A few documents of the tests' own, an index of them, and ways to call what is tested."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from service_fakes import LIBRARY, POOL, Run, fake_server
from typer.testing import CliRunner, Result

from service.cli import app
from service.engine import Engine
from service.host.collections import DEFAULT
from service.host.server import Server
from service.http.app import create_app
from service.settings import Settings

MENU = "<html><head><title>Menu</title></head><body><h1>Menu</h1><p>Soup costs 3 pounds.</p></body>"


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three documents and one file that nothing reads."""
    folder = tmp_path_factory.mktemp("documents")
    (folder / "library.md").write_text(LIBRARY, encoding="utf-8")
    (folder / "pool.txt").write_text(POOL, encoding="utf-8")
    (folder / "menu.html").write_text(MENU, encoding="utf-8")
    (folder / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\0")
    return folder


@pytest.fixture
def run() -> Run:
    """Runs a command in this process; `index` and other settings go into its environment."""

    def invoke(
        *arguments: str, index: Path | None = None, stdin: str | bytes | None = None
    ) -> Result:
        environment = {} if index is None else {"PINCITE_INDEX": str(index)}
        return CliRunner().invoke(app, list(arguments), input=stdin, env=environment)

    return invoke


@pytest.fixture(scope="session")
def library(documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the documents, made with the bundled embedder; not to be changed."""
    folder = tmp_path_factory.mktemp("library") / "index"
    result = CliRunner().invoke(app, ["index", "--index", str(folder), str(documents)])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings for the fake server's index; uploads of 1 MiB at most."""
    return Settings(index=tmp_path / "index", max_upload_mb=1)


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    """A server with fake models; its default collection holds the library rules and the pool."""
    made = fake_server(settings)
    yield made
    made.close()


@pytest.fixture
def engine(server: Server) -> Iterator[Engine]:
    """The engine of the server's default collection."""
    with server.collections.use(DEFAULT) as collection:
        yield collection.engine


@pytest.fixture
def client(server: Server) -> Iterator[TestClient]:
    """A client of the service around the fake server."""
    with TestClient(create_app(server), base_url="http://localhost") as made:
        yield made


@pytest.fixture(scope="session")
def standing_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The same, made once; for tests that leave the index as it is."""
    folder = tmp_path_factory.mktemp("standing") / "index"
    service = create_app(fake_server(Settings(index=folder, max_upload_mb=1)))
    with TestClient(service, base_url="http://localhost") as made:
        yield made
