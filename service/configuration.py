"""How settings are declared, and how they are read from a file and from words.

A setting is a field of a frozen dataclass with a `Kind`, which says what values it takes. The file,
the environment's variables, `pincite config` and its template all come from that one declaration.
"""

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

from index.errors import InvalidSettings
from index.files import at_home

# The configuration file's name, wherever it is looked for.
FILE = "pincite.toml"

# No configuration file of a person has so many bytes.
_MOST_BYTES = 1 << 20

# What a collection may be called; `default` is the index folder itself.
COLLECTION_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
DEFAULT_COLLECTION = "default"


class Kind(Protocol):
    """What values a setting takes; both readers raise ValueError for all others."""

    @property
    def expected(self) -> str:
        """What a value has to be, for people."""
        ...

    def from_words(self, words: str) -> object:
        """The value of an environment variable."""
        ...

    def from_file(self, value: object, folder: Path) -> object:
        """The value of a configuration file that lies in `folder`."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `least` to `most`."""

    least: int
    most: int

    @property
    def expected(self) -> str:
        """What a value has to be, for people."""
        return f"a whole number from {self.least} to {self.most}"

    def from_words(self, words: str) -> int:
        """The number in ASCII digits; int() would also take "1_000", " 8 " and other scripts."""
        if not (words.isascii() and words.isdigit() and len(words) <= 9):
            raise ValueError
        return self._within(int(words))

    def from_file(self, value: object, folder: Path) -> int:  # noqa: ARG002
        """A TOML integer."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError
        return self._within(value)

    def _within(self, number: int) -> int:
        if not self.least <= number <= self.most:
            raise ValueError
        return number


@dataclass(frozen=True, slots=True)
class Words:
    """Text of at least one character that is not blank, on one line."""

    expected: str

    def from_words(self, words: str) -> str:
        """The text as it is."""
        if not words.strip() or not words.isprintable():
            raise ValueError
        return words

    def from_file(self, value: object, folder: Path) -> str:  # noqa: ARG002
        """A TOML string."""
        return self.from_words(_string(value))


@dataclass(frozen=True, slots=True)
class Place:
    """A path: relative to the current folder, or in a file to the file's; `~` is the home."""

    expected: str

    def from_words(self, words: str) -> Path:
        """The path."""
        if not words.strip() or "\0" in words:
            raise ValueError
        return at_home(words)

    def from_file(self, value: object, folder: Path) -> Path:
        """A TOML string."""
        return folder / self.from_words(_string(value))


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        """What a value has to be, for people."""
        return " or ".join(self.words)

    def from_words(self, words: str) -> str:
        """The word."""
        if words not in self.words:
            raise ValueError
        return words

    def from_file(self, value: object, folder: Path) -> str:  # noqa: ARG002
        """A TOML string."""
        return self.from_words(_string(value))


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off."""

    expected: str = "true or false"

    def from_words(self, words: str) -> bool:
        """The word, as TOML has it; 1 and 0 as well."""
        if words not in ("true", "false", "1", "0"):
            raise ValueError
        return words in ("true", "1")

    def from_file(self, value: object, folder: Path) -> bool:  # noqa: ARG002
        """A TOML boolean."""
        if not isinstance(value, bool):
            raise ValueError
        return value


@dataclass(frozen=True, slots=True)
class Several:
    """Names: a TOML array of strings, or words with commas between them."""

    expected: str
    fits: re.Pattern[str]

    def from_words(self, words: str) -> tuple[str, ...]:
        """The names; an empty variable names none."""
        if not words.strip():
            return ()
        return self._fitting([word.strip() for word in words.split(",")])

    def from_file(self, value: object, folder: Path) -> tuple[str, ...]:  # noqa: ARG002
        """A TOML array of strings."""
        if not isinstance(value, list):
            raise ValueError
        return self._fitting([_string(part) for part in value])

    def _fitting(self, names: Sequence[str]) -> tuple[str, ...]:
        if not all(self.fits.fullmatch(name) for name in names):
            raise ValueError
        return tuple(names)


@dataclass(frozen=True, slots=True)
class Web:
    """An http or https address without a user's name or password, which would be shown."""

    expected: str = "an address such as http://localhost:4318"

    def from_words(self, words: str) -> str:
        """The address as it is."""
        from urllib.parse import urlsplit

        address = urlsplit(words)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError
        # A port, or a name, that there cannot be raises what is a ValueError.
        if address.port == 0:
            raise ValueError
        address.hostname.encode("idna").decode("idna")
        if "@" in address.netloc or not (words.isascii() and words.isprintable()) or " " in words:
            raise ValueError
        return words

    def from_file(self, value: object, folder: Path) -> str:  # noqa: ARG002
        """A TOML string."""
        return self.from_words(_string(value))


@dataclass(frozen=True, slots=True)
class Folders:
    """A TOML table from collections' names to index folders; no variable can hold one."""

    expected: str = (
        "a table [collections] of names (a-z, 0-9, - and _, not default) and index folders, "
        "in the configuration file"
    )

    def from_words(self, words: str) -> Mapping[str, Path]:
        """Never: a variable has no tables."""
        raise ValueError(words)

    def from_file(self, value: object, folder: Path) -> Mapping[str, Path]:
        """A TOML table of strings."""
        if not isinstance(value, dict):
            raise ValueError
        for name in value:
            if name == DEFAULT_COLLECTION or not COLLECTION_NAME.fullmatch(name):
                raise ValueError
        place = Place("a folder")
        return {name: place.from_file(named, folder) for name, named in value.items()}


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting as it is declared: its name, what it takes, and what it is for."""

    name: str
    kind: Kind
    help: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"PINCITE_{self.name.upper()}"

    @property
    def flag(self) -> str:
        """The option of the command line that sets it, where a command has it."""
        return f"--{self.name.replace('_', '-')}"


def setting(default: object, kind: Kind, help: str) -> Any:  # noqa: A002 - what it is called
    """A field of the settings; a mutable default is copied."""
    metadata = {"kind": kind, "help": help}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


def declared(settings: Any) -> tuple[Declared, ...]:
    """The settings of a dataclass, in its order."""

    def of(one: Field[Any]) -> Declared:
        return Declared(one.name, one.metadata["kind"], one.metadata["help"])

    return tuple(of(one) for one in fields(settings))


def read(source: str, kind: Kind, words: str) -> object:
    """The value that words mean; `source` says where they were found.

    Raises:
        InvalidSettings: they mean none.
    """
    try:
        return kind.from_words(words)
    except ValueError as error:
        raise _refusal(source, kind, words) from error


def _refusal(source: str, kind: Kind, value: object) -> InvalidSettings:
    shown = repr(value)
    found = shown if len(shown) <= 100 else f"{shown[:100]}…"
    return InvalidSettings(f"{source}: is {found}, expected {kind.expected}; correct or unset it")


def nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """What to ask about a name that is not known: the most similar one that is, if any is.

    All of them begin with `prefix`, which does not make them similar.
    """
    from difflib import get_close_matches

    bare = [one.removeprefix(prefix) for one in known]
    close = get_close_matches(name.removeprefix(prefix)[:100], bare, n=1)
    return f"did you mean {prefix}{close[0]}?" if close else "pincite config lists all settings"


def from_file(path: Path, settings: Sequence[Declared]) -> dict[str, object]:
    """The settings that a configuration file holds, by name.

    Raises:
        InvalidSettings: it cannot be read, is not TOML, or has a key or value that is none.
    """
    import tomllib

    known = {one.name: one for one in settings}
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InvalidSettings(
            f"{path}: the configuration file cannot be read ({error.strerror}); "
            "name another with --config or PINCITE_CONFIG"
        ) from error
    if len(data) > _MOST_BYTES:
        raise InvalidSettings(f"{path}: is larger than a configuration file can be (1 MiB)")
    try:
        table = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidSettings(f"{path}: is not TOML ({error}); correct it") from error
    for name in table:
        if name not in known:
            raise InvalidSettings(f"{path}: {name!r} is no setting; {nearest(name, known)}")
    return {name: _of_file(path, known[name], value) for name, value in table.items()}


def _of_file(path: Path, one: Declared, value: object) -> object:
    try:
        return one.kind.from_file(value, path.parent)
    except ValueError as error:
        raise _refusal(f"{path}: {one.name}", one.kind, value) from error


def standard_file(user_folder: Path | None) -> Path | None:
    """The configuration file in the current folder, or else in the user's; None if neither is.

    Raises:
        InvalidSettings: the one in the current folder belongs to somebody else, who could have
            put it there to have their settings used.
    """
    here = Path(FILE)
    if here.is_file():
        if sys.platform != "win32" and here.stat().st_uid not in (0, os.getuid()):
            raise InvalidSettings(
                f"{here.absolute()}: belongs to another user; "
                f"if you trust it, name it: --config {FILE}"
            )
        return here
    if user_folder is not None and (user_folder / FILE).is_file():
        return user_folder / FILE
    return None


def template(settings: Sequence[Declared], defaults: Any) -> str:
    """A configuration file in which every setting stands with its help, commented out."""
    from textwrap import wrap

    lines = ["# The settings of Pincite. What is commented out has its default."]
    tables = [one for one in settings if isinstance(one.kind, Folders)]
    for one in [*(one for one in settings if one not in tables), *tables]:
        lines += ["", *(f"# {line}" for line in wrap(f"{one.help} ({one.kind.expected})", 96))]
        if one in tables:
            lines += [f"# [{one.name}]", '# handbook = "/srv/handbook-index"']
        else:
            value = getattr(defaults, one.name)
            lines.append(f"# {one.name} = {'...' if value is None else _toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """A value in TOML, as far as settings have them."""
    import json

    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(part) for part in value)}]"
    return str(value) if isinstance(value, int) else json.dumps(str(value), ensure_ascii=False)
