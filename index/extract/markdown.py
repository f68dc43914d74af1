"""Markdown: rendered to HTML and read as that, so that both formats come out alike."""

import re

from index.extract.builder import Extracted
from index.extract.fields import toml_fields, yaml_fields
from index.extract.html import read_html
from index.extract.source import Source

# The parser recurses into lists and quotes, and leaves out what is in deeper ones than this.
DEEPEST = 60
# What stands above a text about it has far fewer.
MOST_FRONT_MATTER = 64 * 1024

_YAML = re.compile(r"---[ \t]*\n(?=[ \t]*(?:#.*\n[ \t]*)*[\w\"'-][^\n:]*:)")
_YAML_END = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
_TOML = re.compile(r"\+\+\+[ \t]*\n")
_TOML_END = re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE)
_LINE = re.compile(r"^([A-Za-z][\w-]*)[ \t]*:[ \t]*(\S.*)$", re.MULTILINE)


def read(source: Source) -> Extracted:
    """See `read_markdown`."""
    return read_markdown(source.text)


def read_markdown(text: str) -> Extracted:
    """Extract CommonMark with tables and strikethrough; front matter is not part of the text.

    Front matter is YAML between lines of "---", or TOML between lines of "+++".
    """
    from markdown_it import MarkdownIt

    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    fields, body = _front_matter(text)
    parser = MarkdownIt("commonmark", {"maxNesting": DEEPEST}).enable(["table", "strikethrough"])
    extracted = read_html(parser.render(body))
    title = fields.pop("title", "") or extracted.title
    metadata = {**extracted.metadata, **fields}
    return Extracted(extracted.text, title, (), extracted.sections, metadata)


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """The fields above a text, and the text."""
    for begin, end, parse in (
        (_YAML, _YAML_END, _yaml_or_lines),
        (_TOML, _TOML_END, toml_fields),
    ):
        opened = begin.match(text)
        closed = end.search(text, opened.end(), MOST_FRONT_MATTER) if opened else None
        if opened and closed:
            try:
                return parse(text[opened.end() : closed.start()]), text[closed.end() :]
            except ValueError:
                # What is no front matter after all is text.
                return {}, text
    return {}, text


def _yaml_or_lines(text: str) -> dict[str, str]:
    """Fields in YAML; where a colon or quote in a title breaks it, in lines of "key: value"."""
    try:
        return yaml_fields(text)
    except ValueError:
        lines = _LINE.findall(text)
        if not lines:
            raise
        return {key.lower(): value.strip().strip("\"'") for key, value in reversed(lines)}
