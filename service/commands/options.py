"""The options that several commands share, and what they come to."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, TypedDict, Unpack

import typer

from index.files import at_home
from service.commands import completing
from service.settings import Settings, Settled, settle

IndexFolder = Annotated[
    str | None,
    typer.Option(
        "--index",
        metavar="FOLDER",
        help="The index to use; PINCITE_INDEX, or else .pincite in this folder, unless given.",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON, the same as the HTTP service answers with.")
]
ReaderName = Annotated[
    str | None,
    typer.Option(
        "--reader",
        metavar="MODEL",
        autocompletion=completing.readers,
        help="The model that reads: a bundled one's name, a folder, or a Hugging Face name; "
        "PINCITE_READER, or else the bundled one, unless given.",
    ),
]
EmbedderName = Annotated[
    str | None,
    typer.Option(
        "--embedder",
        metavar="MODEL",
        autocompletion=completing.embedders,
        help="The model that makes vectors: a bundled one's name, a folder, or a Hugging Face "
        "name; PINCITE_EMBEDDER, or else the one the index was made with, unless given.",
    ),
]
PassageTokens = Annotated[
    int | None,
    typer.Option(
        "--passage-tokens",
        metavar="N",
        help="The most tokens in a passage (160 unless given).",
    ),
]
OverlapTokens = Annotated[
    int | None,
    typer.Option(
        "--overlap-tokens",
        metavar="N",
        help="The most tokens that a passage shares with the one before (a fifth of a passage "
        "unless given).",
    ),
]
Passages = Annotated[
    int, typer.Option("--passages", metavar="N", help="How many passages to read.")
]
MinConfidence = Annotated[
    float | None,
    typer.Option(
        "--min-confidence",
        metavar="X",
        help="Give no answer below this confidence, from 0 to 1; the reader's own threshold "
        "unless given.",
    ),
]
Enough = Annotated[
    float | None,
    typer.Option(
        "--enough",
        metavar="X",
        help="Read no further once an answer has this confidence, from 0 to 1: quicker, but "
        "further answers and places may be missed. All passages are read unless given.",
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="CONDITION",
        autocompletion=completing.filters,
        help="Only documents that fit: KEY=VALUE, KEY!=VALUE, KEY>=VALUE, KEY<=VALUE or "
        "KEY~PATTERN, where KEY is path, uri, title, type, id, added, pages, characters or one of "
        "the metadata (language, author, date ...). May be given several times; all must hold.",
    ),
]
JsonText = Annotated[
    list[str] | None,
    typer.Option(
        "--json-text",
        metavar="FIELD",
        help="A field of JSON records that is their text; may be given several times. "
        "PINCITE_JSON_TEXT, or else those usually so called, unless given.",
    ),
]
JsonMetadata = Annotated[
    list[str] | None,
    typer.Option(
        "--json-metadata",
        metavar="FIELD",
        help="A field of JSON records to keep as metadata; may be given several times. "
        "PINCITE_JSON_METADATA, or else all simple ones, unless given.",
    ),
]
Ocr = Annotated[
    bool | None,
    typer.Option(
        "--ocr/--no-ocr",
        help="Recognise the text of scanned pages; needs pincite[ocr] and tesseract. As "
        "PINCITE_OCR says, unless given.",
    ),
]
Documents = Annotated[
    list[str],
    typer.Argument(
        metavar="DOCUMENT",
        show_default=False,
        autocompletion=completing.documents,
        help="Which documents: ids, beginnings of ids (4 characters or more), paths or URIs.",
    ),
]


# What `pincite --config` and `--set` say, while a command runs.
_config: ContextVar[Path | None] = ContextVar("config", default=None)
_assigned: ContextVar[Sequence[str]] = ContextVar("assigned", default=())


@contextmanager
def configured_by(config: str | None, assigned: Sequence[str] | None = None) -> Iterator[None]:
    """Have `settings_with` read this configuration file meanwhile; None: the usual one.

    `assigned` are settings as NAME=VALUE, which win over those of file and environment.
    """
    token = _config.set(None if config is None else at_home(config))
    others = _assigned.set(assigned or ())
    try:
        yield
    finally:
        _assigned.reset(others)
        _config.reset(token)


class Flags(TypedDict, total=False):
    """The settings that commands have options for; None is as good as not given."""

    index: str | None
    embedder: str | None
    reader: str | None
    passage_tokens: int | None
    overlap_tokens: int | None
    json_text: list[str] | None
    json_metadata: list[str] | None
    ocr: bool | None
    host: str | None
    port: int | None


def settled_with(**flags: Unpack[Flags]) -> Settled:
    """The settings of file, environment and command line, and where each came from.

    Raises:
        InvalidSettings: a value cannot work, or what is set does not exist.
    """
    # What may be given several times was not given if it is empty.
    given = {
        name: (tuple(value) or None) if isinstance(value, list) else value
        for name, value in flags.items()
    }
    index = flags.get("index")
    if index is not None:
        given["index"] = at_home(index)
    return settle(given, _config.get(), assigned=_assigned.get())


def settings_with(**flags: Unpack[Flags]) -> Settings:
    """The settings of file and environment, with what the command line says in their place.

    Raises:
        InvalidSettings: a value cannot work, or what is set does not exist.
    """
    return settled_with(**flags).settings
