"""Markdown: rendered to HTML and read as that, so that both formats come out alike."""

import re

from index.extract.builder import Extracted
from index.extract.html import read_html

# The parser recurses into lists and quotes, and leaves out what is in deeper ones than this.
DEEPEST = 60

_FRONT_MATTER = re.compile(r"---[ \t]*\n(?=[ \t]*(?:#.*\n[ \t]*)*[\w-]+[ \t]*:)")
_FIELD = re.compile(r"^(title|author|date|description|lang)[ \t]*:[ \t]*(\S.*)$", re.MULTILINE)


def read_markdown(text: str) -> Extracted:
    """Extract CommonMark with tables and strikethrough; front matter is not part of the text."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.front_matter import front_matter_plugin

    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    parser = MarkdownIt("commonmark", {"maxNesting": DEEPEST}).enable(["table", "strikethrough"])
    if _FRONT_MATTER.match(text):
        parser.use(front_matter_plugin)
    tokens = parser.parse(text)
    fields: dict[str, str] = {}
    if tokens and tokens[0].type == "front_matter":
        for key, value in _FIELD.findall(tokens[0].content):
            fields.setdefault(key, value.strip().strip("\"'"))
    extracted = read_html(parser.renderer.render(tokens, parser.options, {}))
    metadata = dict(extracted.metadata)
    for key, value in fields.items():
        if key != "title":
            metadata["language" if key == "lang" else key] = value
    title = fields.get("title", "") or extracted.title
    return Extracted(extracted.text, title, (), extracted.sections, metadata)
