"""What an extractor is given, and what it gives back: a text, or a container of further files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from index.errors import DocumentTooLarge
from index.extract.builder import Extracted


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one file may come to, whatever it is made of.

    `text_bytes` and `binary_bytes` are the largest file of a format that is text, or is not.
    `characters` is the most text of all documents in it together; `expanded_bytes` the most that
    containers and compressed parts may unpack to; `members` how many documents may be in it, and
    `depth` how deep containers may nest. `seconds` and `memory_mb` bound the process that reads.
    """

    text_bytes: int = 64 * 2**20
    binary_bytes: int = 512 * 2**20
    characters: int = 32 * 2**20
    expanded_bytes: int = 1024 * 2**20
    members: int = 100_000
    depth: int = 4
    seconds: float = 120.0
    memory_mb: int = 2048


@dataclass(frozen=True, slots=True)
class Reading:
    """What a person chooses about how files are read; other choices give other texts.

    `json_text` and `json_metadata` name the fields of a JSON record that are its text and its
    metadata, in order; empty for those usually so called. `ocr` lets scanned pages be recognised.
    """

    json_text: tuple[str, ...] = ()
    json_metadata: tuple[str, ...] = ()
    ocr: bool = False

    @property
    def name(self) -> str:
        """A short name of these choices: equal names, equal texts."""
        parts = (",".join(self.json_text), ",".join(self.json_metadata), "ocr" if self.ocr else "")
        return "/".join(parts).strip("/")


class Budget:
    """What is left of the limits for one file and all that is in it."""

    def __init__(self, limits: Limits, label: str) -> None:
        self.limits = limits
        self._label = label
        self._characters = limits.characters
        self._expanded = limits.expanded_bytes
        self._members = limits.members

    @property
    def expandable(self) -> int:
        """How many bytes may still be unpacked."""
        return max(0, self._expanded)

    @property
    def spent(self) -> bool:
        """Whether something was refused, so that nothing more is to be read."""
        return min(self._characters, self._expanded, self._members) < 0

    def check_characters(self, count: int) -> None:
        """Refuse, before it is put together, a text of `count` characters that will not be taken.

        Raises:
            DocumentTooLarge: it is more than is left.
        """
        if count > self._characters:
            self.take_characters(count)

    def take_characters(self, count: int) -> None:
        """Take text.

        Raises:
            DocumentTooLarge: there is more than is left.
        """
        self._characters -= count
        if self._characters < 0:
            raise DocumentTooLarge(
                f"{self._label}: holds more than the {self.limits.characters:,} characters a file "
                "is read up to; split it and index the parts"
            )

    def take_expanded(self, count: int) -> None:
        """Take bytes that a container or a compressed part unpacked to.

        Raises:
            DocumentTooLarge: there are more than are left.
        """
        self._expanded -= count
        if self._expanded < 0:
            raise DocumentTooLarge(
                f"{self._label}: unpacks to more than the {self.limits.expanded_bytes:,} bytes that"
                " are allowed; unpack it and index the files you need"
            )

    def take_member(self) -> None:
        """Take one document of a container.

        Raises:
            DocumentTooLarge: there are more than the limit.
        """
        self._members -= 1
        if self._members < 0:
            raise DocumentTooLarge(
                f"{self._label}: holds more than the {self.limits.members:,} documents that a file "
                "may; unpack it and index the files you need"
            )


@dataclass(frozen=True, slots=True)
class Source:
    """A file for an extractor.

    `text` is the decoded content where the format is text, else empty. `name` is what errors begin
    with. `options` are the person's choices; `budget` is to be taken from when something unpacks.
    """

    data: bytes
    name: str
    budget: Budget
    text: str = ""
    options: Reading = Reading()


@dataclass(frozen=True, slots=True)
class Member:
    """A document inside another: an attachment, a file in an archive, a line of JSON Lines.

    `name` is its path in the container. `content` is the file's bytes, or what was extracted
    already, then with its `media_type`; with bytes that is a hint. `metadata` and `title` are what
    the container says of it; they give way to what the member says itself. Where the member cannot
    be had, `problem` says why and what to do; then there is no content.
    """

    name: str
    content: bytes | Extracted = b""
    media_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """A file that holds documents: its `own` text, if it has any, and its members.

    Members may be made one by one as they are taken; what the iterator raises (a `DocumentError`)
    ends the container, and the members before it stay.
    """

    members: Iterable[Member]
    own: Extracted | None = None
