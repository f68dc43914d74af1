"""Sidecars: what a person says of `report.pdf` in a file beside it, `report.pdf.meta.yaml`."""

import os
from pathlib import Path

from index.errors import DocumentTooLarge, UnreadableDocument
from index.extract.decoding import decode
from index.extract.fields import json_fields, toml_fields, yaml_fields

LARGEST = 256 * 1024
_READERS = {
    ".meta.yaml": yaml_fields,
    ".meta.yml": yaml_fields,
    ".meta.json": json_fields,
    ".meta.toml": toml_fields,
}


def is_sidecar(path: Path) -> bool:
    """Whether this is a file about another one beside it; it is no document of its own then."""
    return any(
        path.name.lower().endswith(ending)
        and path.name.lower() != ending
        and _is_file(path.with_name(path.name[: -len(ending)]))
        for ending in _READERS
    )


def sidecar_of(path: Path) -> Path | None:
    """The file about the one at `path`, None if there is none.

    Of several the first counts in this order: .yaml, .yml, .json, .toml.
    """
    if is_sidecar(path):
        return None
    candidates = (path.with_name(path.name + ending) for ending in _READERS)
    return next((candidate for candidate in candidates if _is_file(candidate)), None)


def _is_file(path: Path) -> bool:
    # With an ending more, a name may be longer than names can be: there is no such file then.
    return os.path.isfile(path)  # noqa: PTH113 - never raises


def read_sidecar(path: Path) -> dict[str, str]:
    """Return the metadata in a sidecar: lower-case keys with values of one line.

    Raises:
        UnreadableDocument: it cannot be opened or is not what its ending says.
        DocumentTooLarge: it has more than 256 KiB.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or "it cannot be opened").lower()
        raise UnreadableDocument(f"{path}: cannot be read: {reason}") from error
    if len(data) > LARGEST:
        raise DocumentTooLarge(
            f"{path}: has more than the {LARGEST:,} bytes a file about another may have; shorten it"
        )
    text = decode(data)
    if text is None:
        raise UnreadableDocument(f"{path}: is not text; save it as UTF-8")
    ending = next(ending for ending in _READERS if path.name.lower().endswith(ending))
    try:
        return _READERS[ending](text)
    except ValueError as error:
        kind = ending.rpartition(".")[2].upper()
        raise UnreadableDocument(
            f"{path}: is not {kind} that says something of a file: {error}; mend it or remove it"
        ) from error
