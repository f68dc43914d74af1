"""A server and its folder."""

from pathlib import Path

import pytest
from service_fakes import fake_server

from index.errors import InvalidSettings
from service.errors import Conflict
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
