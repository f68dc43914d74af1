from pathlib import Path

import pytest

from index.errors import InvalidSettings
from service.settings import Settings, debugging


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_env({}) == Settings()
    assert Settings().index == Path(".pincite")
    assert (Settings().host, Settings().port) == ("127.0.0.1", 8000)


def test_every_variable_is_read() -> None:
    found = Settings.from_env(
        {
            "PINCITE_INDEX": "/data/index",
            "PINCITE_EMBEDDER": "org/embedder",
            "PINCITE_READER": "org/reader",
            "PINCITE_THREADS": "3",
            "PINCITE_PASSAGE_TOKENS": "100",
            "PINCITE_OVERLAP_TOKENS": "0",
            "PINCITE_HOST": "::1",
            "PINCITE_PORT": "0",
            "PINCITE_MAX_UPLOAD_MB": "5",
            "PINCITE_READ_SECONDS": "30",
            "PINCITE_READ_MEMORY_MB": "512",
            "PINCITE_READ_CHARACTERS": "1000000",
        }
    )
    assert found == Settings(
        Path("/data/index"),
        "org/embedder",
        "org/reader",
        3,
        100,
        0,
        "::1",
        0,
        5,
        read_seconds=30,
        read_memory_mb=512,
        read_characters=1_000_000,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PINCITE_THREADS", "many"),
        ("PINCITE_THREADS", "0"),
        ("PINCITE_THREADS", "1_0"),
        ("PINCITE_THREADS", "٣"),
        ("PINCITE_PORT", "65536"),
        ("PINCITE_PORT", ""),
        ("PINCITE_PORT", "-1"),
        ("PINCITE_PASSAGE_TOKENS", "1e3"),
        ("PINCITE_MAX_UPLOAD_MB", "9" * 5000),
        ("PINCITE_READ_SECONDS", "0"),
        ("PINCITE_READ_MEMORY_MB", "64"),
        ("PINCITE_READ_CHARACTERS", "-1"),
        ("PINCITE_INDEX", " "),
        ("PINCITE_READER", ""),
    ],
)
def test_a_bad_value_is_refused_by_name_with_what_was_found_and_expected(
    name: str, value: str
) -> None:
    with pytest.raises(InvalidSettings) as raised:
        Settings.from_env({name: value})
    message = str(raised.value)
    assert message.startswith(f"{name}: is {value!r}, expected ")


def test_debugging_is_off_unless_asked_for() -> None:
    assert [debugging(found) for found in ({}, {"PINCITE_DEBUG": "0"}, {"PINCITE_DEBUG": ""})] == [
        False
    ] * 3
    assert debugging({"PINCITE_DEBUG": "1"})
