"""The form of a backup: a gzipped tar file whose last member tells the digests of the others."""

import gzip
import hashlib
import json
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import IO, BinaryIO

from index.database import DATABASE
from index.originals import FOLDER as ORIGINALS
from service import __version__
from service.configuration import COLLECTION_NAME
from service.errors import UnusableBackup
from service.host.state import STATE_FILE

MANIFEST = "manifest.json"

# Where things stand in a backup, and below the folder that it is restored to. Collections that the
# settings name are apart from those that a server made in its own folder.
INDEX = "index/"
SERVER = "server/"
SPOOL = f"{SERVER}spool/"
MADE = f"{SERVER}collections/"
NAMED = f"{SERVER}named/"
STATE = SERVER + STATE_FILE

_FORMAT = "pincite-backup"
_VERSION = 1
_MOST_MANIFEST = 1 << 28
_STEP = 1 << 20

# What the plain form of tar can say of a file's size: eleven octal digits.
_LARGEST = 8**11 - 1

_IN_AN_INDEX = f"({re.escape(DATABASE)}|{ORIGINALS}/[0-9a-f]{{2}}/[0-9a-f]{{64}})"
_NAMES = re.compile(
    f"{INDEX}{_IN_AN_INDEX}|{re.escape(STATE)}|{SPOOL}[0-9a-f]{{1,64}}|"
    f"({MADE}|{NAMED}){COLLECTION_NAME.pattern}/{_IN_AN_INDEX}"
)

# Told the name of each member and how many bytes it has.
Report = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a backup: `bytes` long, with its SHA-256 in hexadecimal."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds, when it was begun (UTC, ISO 8601) and by which version of Pincite."""

    made_at: str
    pincite: str
    members: tuple[Member, ...]

    @property
    def bytes(self) -> int:
        """The size of all files, unpacked."""
        return sum(member.bytes for member in self.members)

    @property
    def indexes(self) -> list[str]:
        """Where the folders of its indexes stand, each ending in a slash."""
        names = (member.name for member in self.members)
        return [name.removesuffix(DATABASE) for name in names if name.endswith(f"/{DATABASE}")]


def is_known(name: str) -> bool:
    """Whether a file of this name can be in a backup: no other is written or taken out."""
    return _NAMES.fullmatch(name) is not None


class Writer:
    """Writes a backup to a stream, a file at a time."""

    def __init__(self, tar: tarfile.TarFile, report: Report) -> None:
        self._tar = tar
        self._report = report
        self._members: dict[str, Member] = {}
        self._made_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    def __contains__(self, name: str) -> bool:
        """Whether it holds a file of this name already."""
        return name in self._members

    def add(self, name: str, file: BinaryIO) -> None:
        """Put an open file into it, as long as it is now."""
        assert is_known(name), name  # noqa: S101 - or it could not be restored
        hashing = _Hashing(file)
        size = os.fstat(file.fileno()).st_size
        self._put(name, size, hashing)
        self._members[name] = Member(name, size, hashing.digest)
        self._report(name, size)

    def finish(self) -> Manifest:
        """Put the manifest at its end."""
        manifest = Manifest(self._made_at, __version__, tuple(self._members.values()))
        content = {"format": _FORMAT, "version": _VERSION, **asdict(manifest)}
        data = json.dumps(content).encode()
        self._put(MANIFEST, len(data), _Hashing(BytesIO(data)))
        return manifest

    def _put(self, name: str, size: int, file: "_Hashing") -> None:
        if size > _LARGEST:
            raise UnusableBackup(
                f"{name} has {size} bytes, and a backup holds files of at most {_LARGEST}; "
                "copy the folder while nothing runs"
            )
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        self._tar.addfile(info, file)
        # It would keep a note of every member, and there may be very many.
        self._tar.members = []  # type: ignore[attr-defined]


class _Hashing:
    """A file whose digest is made as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        data = self._file.read(size)
        self._sha256.update(data)
        return data

    @property
    def digest(self) -> str:
        """The SHA-256 of what was read, in hexadecimal."""
        return self._sha256.hexdigest()


@contextmanager
def writing(stream: BinaryIO, report: Report) -> Iterator[Writer]:
    """Write a backup to a stream, which stays open."""
    # The least compression: text shrinks, and vectors do not whatever is spent on them.
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.USTAR_FORMAT) as tar,
    ):
        yield Writer(tar, report)


def files(stream: BinaryIO) -> Iterator[tuple[str, int, "Part"]]:
    """The files of a backup: name, bytes, and what to read from before the next is asked for.

    Read is a plain form of tar only, a header at a time: tarfile itself would take headers of any
    size that announce others, links and devices.

    Raises:
        UnusableBackup: it is damaged, or holds what no backup does.
    """
    with _understanding(), gzip.GzipFile(fileobj=stream, mode="rb") as packed:
        while (header := packed.read(tarfile.BLOCKSIZE)) != bytes(tarfile.BLOCKSIZE):
            info = tarfile.TarInfo.frombuf(header, "ascii", "strict")
            name, size = info.name, info.size
            if info.type != tarfile.REGTYPE or not (name == MANIFEST or is_known(name)):
                raise UnusableBackup(f"holds {name[:100]!r}, which no backup of Pincite's does")
            part = Part(packed, size)
            yield name, size, part
            part.skip()
            packed.read(-size % tarfile.BLOCKSIZE)


@contextmanager
def _understanding() -> Iterator[None]:
    """Say what it means for a backup where it cannot be unpacked."""
    try:
        yield
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, ValueError) as error:
        raise UnusableBackup(f"is damaged, or no backup of Pincite's ({error})") from error


class Part:
    """The next so many bytes of a file."""

    def __init__(self, file: BinaryIO | gzip.GzipFile, size: int) -> None:
        self._file = file
        self._left = max(0, size)

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes, all that is left if negative; none at the end.

        Raises:
            UnusableBackup: the file ends before, or is damaged.
        """
        wanted = self._left if size < 0 else min(size, self._left)
        with _understanding():
            data = self._file.read(wanted)
            if wanted and not data:
                raise EOFError("it ends too early")
        self._left -= len(data)
        return data

    def skip(self) -> None:
        """Read the rest of them, for nothing."""
        while self.read(_STEP):
            pass


def manifest_of(file: Part, size: int) -> Manifest:
    """Read a manifest of so many bytes.

    Raises:
        UnusableBackup: it is none, or of a version that is not known.
    """
    if size > _MOST_MANIFEST:
        raise UnusableBackup("has a manifest that is too large to be one")
    try:
        found = json.loads(file.read(size))
        if found["format"] != _FORMAT or found["version"] != _VERSION:
            raise UnusableBackup(
                f"is of version {found['version']!r}, and version {_VERSION} is read; "
                "restore it with the Pincite that made it"
            )
        members = tuple(
            Member(str(one["name"]), int(one["bytes"]), str(one["sha256"]))
            for one in found["members"]
        )
        return Manifest(str(found["made_at"]), str(found["pincite"]), members)
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise UnusableBackup("has a manifest that cannot be understood") from error
