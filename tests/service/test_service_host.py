"""A server and its folder."""

from pathlib import Path

import pytest
from service_fakes import fake_server

from index.errors import InvalidSettings, UnavailableIndex
from service.errors import Conflict, UnknownCollection
from service.host import sole
from service.settings import Settings


def test_a_second_server_in_the_same_folder_is_refused_until_the_first_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sole, "_WAIT", 0.0)
    settings = Settings(index=tmp_path / "index")
    first = fake_server(settings)
    with pytest.raises(Conflict, match="another server runs with it"):
        fake_server(settings)
    first.close()
    fake_server(settings).close()


def test_an_upload_must_have_room_to_wait(tmp_path: Path) -> None:
    settings = Settings(index=tmp_path / "index", max_upload_mb=64, spool_mb=127)
    with pytest.raises(InvalidSettings, match="spool_mb: is 127, less than twice"):
        fake_server(settings)
    assert not settings.index.exists()


def test_a_name_whose_folder_cannot_be_cleared_is_free_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(index=tmp_path / "index")
    server = fake_server(settings)
    left = settings.index / "server" / "collections" / "castle"
    left.mkdir(parents=True)

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    try:
        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", refused)
            with pytest.raises(
                UnavailableIndex, match=r"castle: cannot be taken away \(Permission"
            ):
                server.collections.create("castle")
        with pytest.raises(UnknownCollection), server.collections.use("castle"):
            pass
        server.collections.create("castle")
        with server.collections.use("castle") as made:
            assert made.engine.store.counts() == (0, 0)
    finally:
        server.close()
