"""What people write about a document, in YAML, TOML or JSON -> metadata: keys with one-line values.

Only scalars and lists of them count. Keys are lower-case; dates are in ISO 8601; the other values
are as they were written ("1.10" stays "1.10").
"""

import json
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

# Far more than a person writes about a document.
MOST_CHARACTERS = 256 * 1024
# Other names that many use for what has a name here.
_SAME = {"lang": "language", "authors": "author"}


def yaml_fields(text: str) -> dict[str, str]:
    """Read YAML; aliases are refused, since a few lines of them can stand for endless text.

    Raises:
        ValueError: it is not YAML, not a mapping, or larger than 256 Ki characters.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Knows text and dates only."""

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("aliases are not allowed")
            return super().compose_node(parent, index)

    Loader.yaml_implicit_resolvers = {
        first: [found for found in resolvers if found[0] == _TIMESTAMP]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_constructor(_TIMESTAMP, _timestamp)
    _check_size(text)
    try:
        # Loads plain texts, lists and mappings only.
        value = yaml.load(text, Loader)  # noqa: S506
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    # The last ones come from values that are not of the type their tag says.
    except (yaml.YAMLError, AttributeError, TypeError, LookupError, ArithmeticError) as error:
        raise ValueError(_one_line(error)) from error
    return _flat(value)


def toml_fields(text: str) -> dict[str, str]:
    """Read TOML.

    Raises:
        ValueError: it is not TOML, or larger than 256 Ki characters.
    """
    _check_size(text)
    try:
        return _flat(tomllib.loads(text, parse_float=str))
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def json_fields(text: str) -> dict[str, str]:
    """Read JSON.

    Raises:
        ValueError: it is not JSON, not an object, or larger than 256 Ki characters.
    """
    _check_size(text)
    try:
        return _flat(json.loads(text, parse_int=str, parse_float=str))
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


_TIMESTAMP = "tag:yaml.org,2002:timestamp"


def _timestamp(loader: Any, node: Any) -> object:
    try:
        return loader.construct_yaml_timestamp(node)
    except (ValueError, OverflowError):
        # It has the form of a date and is none, such as the 31st of February.
        return node.value


def _check_size(text: str) -> None:
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it has {len(text):,} characters, more than {MOST_CHARACTERS:,}")


def _flat(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError("it is not a list of keys with values")
    found: dict[str, str] = {}
    for key, item in value.items():
        parts = item if isinstance(item, list) else [item]
        if any(isinstance(part, Mapping | list | tuple | set) for part in parts):
            continue
        line = ", ".join(filter(None, (_one_line(_scalar(part)) for part in parts)))
        name = _one_line(key).lower()
        if line and name:
            found.setdefault(_SAME.get(name, name), line)
    return found


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return "" if value is None else str(value)


def _one_line(value: object) -> str:
    return " ".join(str(value).split())
