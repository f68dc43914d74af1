"""Readers that keep what they read, so that no text is read twice for a question."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from index.errors import InvalidSettings
from qa.answers import Span
from qa.calibration import Calibration
from qa.reader import Reader, Reading


class Recalling(ABC):
    """Another reader, asked only for what is not kept of its readings; how is up to subclasses."""

    def __init__(self, reader: Reader) -> None:
        """Take the reader that reads."""
        self._reader = reader

    @property
    def name(self) -> str:
        """See `Reader.name`."""
        return self._reader.name

    @property
    def checksum(self) -> str:
        """See `Reader.checksum`."""
        return self._reader.checksum

    @property
    def calibration(self) -> Calibration:
        """See `Reader.calibration`."""
        return self._reader.calibration

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        """See `Reader.read`."""
        starts = [0] * len(texts) if begins is None else list(begins)
        keys = [
            _key(self.checksum, question, text, start)
            for text, start in zip(texts, starts, strict=True)
        ]
        known = self._known(keys)
        missing = [place for place, key in enumerate(keys) if key not in known]
        fresh: dict[str, Reading] = {}
        if missing:
            found = self._reader.read(
                question, [texts[place] for place in missing], [starts[place] for place in missing]
            )
            fresh = {keys[place]: one for place, one in zip(missing, found, strict=True)}
        self._keep(fresh, known)
        return [fresh[key] if key in fresh else known[key] for key in keys]

    @abstractmethod
    def _known(self, keys: Sequence[str]) -> dict[str, Reading]:
        """Those of these readings that are kept."""

    @abstractmethod
    def _keep(self, fresh: Mapping[str, Reading], used: Mapping[str, Reading]) -> None:
        """Keep fresh readings; `used` are those that were kept and asked for."""


class KeptReadings(Recalling):
    """Another reader, with a file of what it has read: a line of JSON a reading, only added to.

    What other readers read may stand in the same file. A line that was cut off by a crash is passed
    over. One program at a time may have the file. Reading raises `InvalidSettings` where the file
    cannot be written.
    """

    def __init__(self, reader: Reader, path: Path) -> None:
        """Take the reader that reads, and the file, which is made when it is first needed.

        Raises:
            InvalidSettings: it cannot be read, or holds something else.
        """
        super().__init__(reader)
        self._path = path
        self._kept = _load(path)

    def _known(self, keys: Sequence[str]) -> dict[str, Reading]:
        return {key: self._kept[key] for key in keys if key in self._kept}

    def _keep(self, fresh: Mapping[str, Reading], used: Mapping[str, Reading]) -> None:  # noqa: ARG002
        if not fresh:
            return
        self._kept |= fresh
        lines = [
            json.dumps([key, [[span.start, span.end, span.score] for span in reading.spans]])
            for key, reading in fresh.items()
        ]
        try:
            with self._path.open("a", encoding="utf-8", newline="\n") as stream:
                # The line before may have been cut off.
                stream.write("".join(f"\n{line}" for line in lines))
        except OSError as error:
            raise InvalidSettings(
                f"{self._path}: readings cannot be kept there ({error.strerror}); name another file"
            ) from error


def _key(checksum: str, question: str, text: str, begin: int) -> str:
    parts = json.dumps([checksum, question, text, begin])
    return sha256(parts.encode()).hexdigest()[:32]


def _load(path: Path) -> dict[str, Reading]:
    found: dict[str, Reading] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{path}: cannot be read ({error}); name another file") from error
    used = [line for line in lines if line]
    for line in used:
        try:
            key, spans = json.loads(line)
            found[key] = Reading(tuple(Span(*span) for span in spans))
        except (ValueError, TypeError):
            continue
    # A crash may have cut off all that there is.
    if used and not found and not any(line.startswith('["') for line in used):
        raise InvalidSettings(f"{path}: holds no readings; name another file")
    return found
