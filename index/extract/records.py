"""JSON: records with a text each are documents; anything else is read as lines of "key: value"."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from index.errors import UnreadableDocument
from index.extract.builder import Extracted, TextBuilder
from index.extract.cleaning import has_words
from index.extract.formats import JSON
from index.extract.plain import read_plain
from index.extract.source import Budget, Container, Member, Reading, Source

TEXT_FIELDS = frozenset(
    {
        *("text", "content", "contents", "body", "page_content", "passage", "article", "abstract"),
        *("summary", "description", "message"),
    }
)
TITLE_FIELDS = ("title", "headline", "subject", "name")
LANGUAGE_FIELDS = ("language", "lang")
# Objects in which records keep what describes them.
METADATA_FIELDS = ("metadata", "meta")
# Longer ones are texts and describe nothing.
LONGEST_METADATA = 500
# Of deeper values only the innermost keys are written, and of long keys the beginning: or a small
# file would give an endless text.
DEEPEST_PATH = 6
LONGEST_KEY = 80
_BETWEEN = " > "


def read(source: Source) -> Extracted | Container:
    """A document for each record of an array in which one has a text, else one for the whole.

    Raises:
        UnreadableDocument: it is not valid JSON, or nested too deep.
        DocumentTooLarge: written out, it has more characters than are left.
    """
    value = parse(source.text, source.name)
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        fields = source.options.json_text
        if any(has_words(record_text(item, fields, source.budget)) for item in value):
            return Container(
                record(str(number), item, JSON, source.options, source.budget)
                for number, item in enumerate(value, 1)
            )
    if isinstance(value, dict) and source.options.json_text:
        return Container([record("1", value, JSON, source.options, source.budget)])
    return Extracted(readable(value, source.budget), _title(value))


def parse(text: str, name: str) -> Any:
    """The value some JSON stands for; numbers come as they are written.

    Raises:
        UnreadableDocument: it is not valid JSON, or nested too deep.
    """
    try:
        return json.loads(text.strip("\ufeff \t\r\n"), parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        raise UnreadableDocument(
            f"{name}: is not valid JSON ({error.msg}, line {error.lineno} column {error.colno}); "
            "mend it, or call it .txt to have it read as it stands"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UnreadableDocument(
            f"{name}: is JSON nested too deep to be read; call it .txt to have it read as it stands"
        ) from error


def record(name: str, value: Any, kind: str, options: Reading, budget: Budget) -> Member:
    """The document a record stands for; `kind` is the media type of what it stands in."""
    if not isinstance(value, dict):
        return Member(name, Extracted(readable(value, budget)), kind)
    text = record_text(value, options.json_text, budget)
    if not has_words(text):
        if options.json_text:
            chosen = ", ".join(options.json_text)
            return Member(name, problem=f"has no text in the fields chosen for it ({chosen})")
        return Member(name, Extracted(readable(value, budget), _title(value)), kind)
    plain = read_plain(text)
    metadata = _metadata(value, options)
    return Member(
        name,
        Extracted(plain.text, _title(value) or plain.title, (), plain.sections, metadata),
        kind,
    )


def record_text(value: Mapping[str, Any], fields: tuple[str, ...], budget: Budget) -> str:
    """What stands in the chosen fields, in that order, or in those usually so called."""
    if fields:
        found = [_field(value, field) for field in fields]
    else:
        found = [item for key, item in value.items() if key.lower() in TEXT_FIELDS]
    return "\n\n".join(
        item if isinstance(item, str) else readable(item, budget) for item in found if item
    )


def readable(value: Any, budget: Budget) -> str:
    """A value as lines of "key: value", nested keys as a path, with a blank line between items.

    Raises:
        DocumentTooLarge: the lines have more characters than are left.
    """
    builder = TextBuilder()
    length = 0
    block: list[str] = []
    for line in _lines(value):
        length += len(line or "") + 1
        budget.check_characters(length)
        if line is not None:
            block.append(line)
        elif block:
            builder.block("\n".join(block))
            block = []
    builder.block("\n".join(block))
    return builder.build().text


def _lines(value: Any) -> Iterator[str | None]:
    """The lines for a value, None where a blank one is due."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if item is _BREAK:
            yield None
        elif isinstance(item, dict):
            for key, inner in reversed(item.items()):
                inside = (*path[-DEEPEST_PATH + 1 :], " ".join(key.split())[:LONGEST_KEY])
                if not path and isinstance(inner, dict | list) and _scalars(inner) is None:
                    waiting += [((), _BREAK), (inside, inner), ((), _BREAK)]
                else:
                    waiting.append((inside, inner))
        elif (scalars := _scalars(item)) is not None:
            if scalars:
                yield f"{_BETWEEN.join(path)}: {scalars}" if path else scalars
        else:
            for inner in reversed(item):
                waiting += [((), _BREAK), (path, inner)]


_BREAK = object()


def _scalars(value: Any) -> str | None:
    """A scalar, or a list of nothing else, as text; None for any other value."""
    if isinstance(value, list):
        if any(isinstance(item, dict | list) for item in value):
            return None
        return ", ".join(filter(None, (_scalar(item) for item in value)))
    return None if isinstance(value, dict) else _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _field(value: Mapping[str, Any], path: str) -> Any:
    """What a field holds; a path such as "meta.author" leads into objects."""
    if path in value:
        return value[path]
    found: Any = value
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _title(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    by_name = {key.lower(): item for key, item in value.items()}
    titles = (by_name.get(field) for field in TITLE_FIELDS)
    return next((title for title in titles if isinstance(title, str) and has_words(title)), "")


def _metadata(value: Mapping[str, Any], options: Reading) -> dict[str, str]:
    if options.json_metadata:
        chosen = {field: _scalars(_field(value, field)) for field in options.json_metadata}
        return {field: item for field, item in chosen.items() if item}
    found: dict[str, str] = {}
    inner = [value[key] for key in METADATA_FIELDS if isinstance(value.get(key), dict)]
    for fields in (value, *inner):
        for key, item in fields.items():
            text = _scalars(item)
            name = "language" if key.lower() in LANGUAGE_FIELDS else key
            if text and len(text) <= LONGEST_METADATA and key.lower() not in _NOT_METADATA:
                found.setdefault(name, text)
    return found


_NOT_METADATA = TEXT_FIELDS | {"title"}
