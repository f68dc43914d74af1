"""What a person can set from outside; the only reader of the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from index.errors import InvalidSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set; None leaves the choice to the index or to the bundled default.

    `index` is the index folder. `embedder` and `reader` name models, `threads` how many threads
    they share (None: a thread a core). `passage_tokens` and `overlap_tokens` say how documents are
    cut. `host` and `port` are what `serve` listens on; `max_upload_mb` is the most MiB (2**20
    bytes) that one request may upload. `read_seconds`, `read_memory_mb` and `read_characters` are
    how much time, memory (MiB) and text the reading of one file may come to.
    """

    index: Path = Path(".pincite")
    embedder: str | None = None
    reader: str | None = None
    threads: int | None = None
    passage_tokens: int | None = None
    overlap_tokens: int | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    max_upload_mb: int = 64
    read_seconds: int | None = None
    read_memory_mb: int | None = None
    read_characters: int | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings from `PINCITE_*` variables; None reads the process's own.

        Raises:
            InvalidSettings: a variable has a value that cannot work.
        """
        found = os.environ if environ is None else environ
        default = cls()
        return cls(
            index=Path(_text(found, "PINCITE_INDEX", "a folder") or default.index),
            embedder=_text(found, "PINCITE_EMBEDDER", "a model's name or folder"),
            reader=_text(found, "PINCITE_READER", "a model's name or folder"),
            threads=_whole(found, "PINCITE_THREADS", 1, 1024),
            passage_tokens=_whole(found, "PINCITE_PASSAGE_TOKENS", 16, 100_000),
            overlap_tokens=_whole(found, "PINCITE_OVERLAP_TOKENS", 0, 50_000),
            host=_text(found, "PINCITE_HOST", "a host name or address") or default.host,
            port=_or(_whole(found, "PINCITE_PORT", 0, 65_535), default.port),
            max_upload_mb=_or(
                _whole(found, "PINCITE_MAX_UPLOAD_MB", 1, 65_536), default.max_upload_mb
            ),
            read_seconds=_whole(found, "PINCITE_READ_SECONDS", 1, 86_400),
            read_memory_mb=_whole(found, "PINCITE_READ_MEMORY_MB", 256, 1_048_576),
            read_characters=_whole(found, "PINCITE_READ_CHARACTERS", 1, 999_999_999),
        )


def debugging(environ: Mapping[str, str] | None = None) -> bool:
    """Whether `PINCITE_DEBUG` asks for tracebacks; apart from the rest, so that it cannot fail."""
    found = os.environ if environ is None else environ
    return found.get("PINCITE_DEBUG", "0") not in ("", "0")


def _text(environ: Mapping[str, str], name: str, expected: str) -> str | None:
    value = environ.get(name)
    if value is not None and not value.strip():
        raise InvalidSettings(f"{name}: is {value!r}, expected {expected}; correct or unset it")
    return value


def _whole(environ: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    value = environ.get(name)
    if value is None:
        return None
    # int() would also take "1_000", " 8 " and digits of other scripts.
    if value.isascii() and value.isdigit() and len(value) <= 9 and least <= int(value) <= most:
        return int(value)
    raise InvalidSettings(
        f"{name}: is {value!r}, expected a whole number from {least} to {most}; correct or unset it"
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
