"""The spool: the bytes of uploads on the disk, from when they arrive until they are taken in."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from index.durable import writing
from index.errors import UnavailableIndex

_STEP = 2**20


@dataclass(frozen=True, slots=True)
class Spooled:
    """Bytes that lie in the spool under `name`; `sha256` is their digest, in hexadecimal."""

    name: str
    bytes: int
    sha256: str


class Spool:
    """A folder of uploads, a file each. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, and make it where it is not there.

        Raises:
            UnavailableIndex: it cannot be made.
        """
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def keep(self, stream: BinaryIO) -> Spooled:
        """Copy a stream into the spool, from where it stands to its end.

        When this returns, the bytes are on the disk, whatever happens to the machine.

        Raises:
            UnavailableIndex: they cannot be written.
        """
        name = secrets.token_hex(16)
        digest, size = sha256(), 0
        try:
            with writing(self._folder / name) as file:
                while part := stream.read(_STEP):
                    digest.update(part)
                    size += len(part)
                    file.write(part)
        except OSError as error:
            raise self._unusable(error) from error
        return Spooled(name, size, digest.hexdigest())

    def read(self, name: str) -> bytes:
        """The bytes that were kept under a name.

        Raises:
            UnavailableIndex: they cannot be read.
        """
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise self._unusable(error) from error

    def drop(self, names: Collection[str]) -> None:
        """Remove what is not needed any more; what is gone already is passed over."""
        for name in names:
            (self._folder / name).unlink(missing_ok=True)

    def sweep(self, known: Collection[str]) -> None:
        """Remove everything but these, as after a crash; only when nothing else uses the spool."""
        self.drop([path.name for path in self._folder.iterdir() if path.name not in known])

    def _unusable(self, error: OSError) -> UnavailableIndex:
        return UnavailableIndex(
            f"the uploads cannot be kept ({error.strerror or error}); check that the disk has room "
            "and that the server's folder can be written"
        )
