"""reStructuredText: docutils makes HTML of it, which is read as that, like Markdown.

Nothing else is read or run: includes and raw markup are off, and so is the configuration file.
"""

import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

from index.errors import UnreadableDocument
from index.extract.builder import Extracted
from index.extract.foreign import parsing
from index.extract.html import read_html
from index.extract.plain import read_plain
from index.extract.source import Source

if TYPE_CHECKING:
    from docutils import nodes

# In a block with more markup than this, each start of which docutils looks for an end of, it takes
# quadratic time; so such a text is read as plain.
LONGEST_BLOCK = 10_000
MOST_MARKUP = 300

# Its search for addresses takes quadratic time in a word.
LONGEST_WORD = 2_000

# What Sphinx adds and texts use in the middle of sentences, and what it puts around text.
_ROLES = (
    *("ref", "doc", "term", "numref", "any", "mod", "func", "class", "meth", "attr", "data", "exc"),
    *("obj", "const", "option", "envvar", "file", "guilabel", "menuselection", "command", "kbd"),
    *("program", "download", "samp", "dfn", "mailheader", "makevar", "manpage", "regexp", "token"),
)
# Directives that hold text, with the words that stand before it on a page.
_DIRECTIVES = {
    "seealso": "See also",
    "versionadded": "Added in version",
    "versionchanged": "Changed in version",
    "deprecated": "Deprecated since version",
    "glossary": "",
    "centered": "",
}
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_MARKUP = re.compile(r"[*`|_\[]+")
_SUBSTITUTION = re.compile(
    r"^[ \t]*\.\.[ \t]+\|([^|\n]+)\|[ \t]+\w+::(.*(?:\n[ \t]+.*)*)", re.MULTILINE
)
_USE = re.compile(r"\|([^|\n]+)(?=\|)")
_UNKNOWN_ROLE = re.compile(r":[\w:.+-]+:`([^`]*)`")
_LABELLED = re.compile(r"(.+?)\s*<[^<>]*>", re.DOTALL)
# Names that docutils gives to fields of its own, and ours for them.
_FIELDS = {"authors": "author", "lang": "language"}
_SETTINGS = {
    "_disable_config": True,
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 5,
    "halt_level": 5,
    "warning_stream": False,
    "traceback": True,
    "embed_stylesheet": False,
    "stylesheet_path": None,
    "syntax_highlight": "none",
    "math_output": "LaTeX",
    "smart_quotes": False,
    "initial_header_level": 2,
    # docutils leaves out a whole text for one longer line, and paragraphs may be such lines.
    "line_length_limit": 2**30,
    "input_encoding": "unicode",
    "output_encoding": "unicode",
}


def read(source: Source) -> Extracted:
    """See the module; what docutils cannot take is read as plain text.

    Raises:
        DocumentTooLarge: its substitutions stand for more characters than are left.
    """
    text = source.text.removeprefix("\ufeff")
    if max(map(len, text.split()), default=0) > LONGEST_WORD or any(
        len(block) > LONGEST_BLOCK and len(_MARKUP.findall(block)) > MOST_MARKUP
        for block in _BLANK_LINE.split(text)
    ):
        return read_plain(text)
    source.budget.check_characters(_substituted(text))
    try:
        with parsing(source.name, "reStructuredText"):
            return _read(text)
    # It has no limit of depth, and fails on some odd combinations; the text is there all the same.
    except UnreadableDocument:
        return read_plain(text)


def _read(text: str) -> Extracted:
    from docutils import nodes
    from docutils.core import publish_doctree, publish_from_doctree

    _register()
    tree = publish_doctree(text, settings_overrides=_SETTINGS)
    metadata: dict[str, str] = {}
    for info in list(tree.findall(nodes.docinfo)):
        for field in info.children:
            key, value = _field(field)
            if key and value:
                metadata.setdefault(key, value)
        info.parent.remove(info)
    for problem in list(tree.findall(nodes.problematic)):
        role = _UNKNOWN_ROLE.fullmatch(problem.astext())
        if role:
            problem.parent.replace(problem, nodes.Text(_shown(role[1])))
    extracted = read_html(publish_from_doctree(tree, writer="html5", settings_overrides=_SETTINGS))
    sections = extracted.sections
    first = sections[0].path[0] if sections and sections[0].start == 0 else ""
    return Extracted(extracted.text, tree.get("title", "") or first, (), sections, metadata)


def _substituted(text: str) -> int:
    """How many characters all |substitutions| in a text come to, those inside others included."""
    bodies = {_name(one[1]): one[2] for one in _SUBSTITUTION.finditer(text)}
    inside = {
        name: Counter(_name(used) for used in _USE.findall(body)) for name, body in bodies.items()
    }
    lengths: dict[str, int] = {}
    waiting = list(bodies)
    open_ones: set[str] = set()
    while waiting:
        name = waiting[-1]
        missing = [one for one in inside[name] if one in bodies and one not in lengths]
        if name in open_ones or not missing:
            # Those that lead back to themselves are refused by docutils.
            known = sum(lengths.get(one, 0) * count for one, count in inside[name].items())
            lengths[name] = len(bodies[name]) + known
            waiting.pop()
        else:
            open_ones.add(name)
            waiting += missing
    used = Counter(_name(one) for one in _USE.findall(text))
    return sum(lengths.get(name, 0) * count for name, count in used.items())


def _name(text: str) -> str:
    return " ".join(text.split()).lower()


def _field(node: "nodes.Node") -> tuple[str, str]:
    """The name and value of a bibliographic field."""
    from docutils import nodes

    if isinstance(node, nodes.field):
        name, value = node.children[0].astext(), node.children[1].astext()
    elif isinstance(node, nodes.authors):
        name, value = "author", ", ".join(one.astext() for one in node.children)
    else:
        name, value = type(node).__name__, node.astext()
    name = " ".join(name.split()).lower()
    return _FIELDS.get(name, name), " ".join(value.split())


def _opening(label: str, argument: str) -> str:
    """How a page begins a directive: "Added in version 2.0: The argument's other words."."""
    if not label.endswith("version") or not argument.strip():
        return " ".join(filter(None, (label, argument)))
    version, *rest = argument.split(maxsplit=1)
    return ": ".join([f"{label} {version}", *rest])


def _shown(text: str) -> str:
    """What a page shows of "a label <its target>" or "~package.name"."""
    labelled = _LABELLED.fullmatch(text)
    return labelled[1] if labelled else text.lstrip("~!")


@cache
def _register() -> None:
    """Let docutils keep the text in what Sphinx knows; what else it does not know is left out."""
    from docutils import nodes
    from docutils.parsers.rst import Directive, directives, roles

    def keep(_: str, rawtext: str, text: str, *__: Any) -> Any:
        return [nodes.inline(rawtext, _shown(text))], []

    class Kept(Directive):
        """A block whose argument and content are text."""

        has_content = True
        optional_arguments = 1
        final_argument_whitespace = True

        def run(self) -> list[nodes.Node]:
            container = nodes.container()
            words = _opening(_DIRECTIVES[self.name], "".join(self.arguments))
            if words:
                inline, messages = self.state.inline_text(words, self.lineno)
                container += [nodes.paragraph("", "", *inline), *messages]
            self.state.nested_parse(self.content, self.content_offset, container)
            return [container]

    for role in _ROLES:
        roles.register_canonical_role(role, keep)
    for directive in _DIRECTIVES:
        directives.register_directive(directive, Kept)
