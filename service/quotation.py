"""A quote with its citation, to be pasted: plain, Markdown, BibTeX, or a link; pure.

Whatever comes from a document (its text, its title, its author) is text wherever it is pasted: it
is put on one line, and what the format would take for its own is escaped.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import quote

from qa.answers import Citation
from service.links import source_link
from service.text import file_name, shown, spot

NOTHING: Mapping[str, str] = MappingProxyType({})

_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")

# In Markdown also what GitHub and others add: tables, strikethrough, formulas.
_MARKDOWN = re.compile(r"[\\`*_{}\[\]#|~$^]")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# What begins a list, a heading or a quotation where it begins a line.
_OPENING = re.compile(r"[-+=](?=\s|$)|[-=+]{2,}|(?<=[0-9])[.)](?=\s|$)")

_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        # BibTeX counts braces even where a backslash stands before them.
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        "–": "--",
        **{char: f"\\{char}" for char in "$&#_%"},
    }
)
_SAFE_IN_ADDRESS = "/?:@!$&'*+,;=~#%[]"


class Style(StrEnum):
    """How a quotation is written."""

    PLAIN = "plain"
    MARKDOWN = "markdown"
    BIBTEX = "bibtex"
    LINK = "link"


def quotation(
    citation: Citation,
    style: Style = Style.PLAIN,
    *,
    metadata: Mapping[str, str] = NOTHING,
    link: str | None = None,
) -> str:
    """A quote with where it stands.

    `metadata` is that of the document, of which author and date are taken. `link` is the address
    that the quotation leads to; without one it is that of the source, where it has one. A quotation
    that is to be a link, but has none, says in words where the quote stands.
    """
    address = _address(source_link(citation) if link is None else link)
    if style is Style.LINK:
        return address or ", ".join([file_name(citation.uri), *spot(citation)])
    author, date = shown(metadata.get("author", "")).strip(), _date(metadata)
    if style is Style.BIBTEX:
        return _bibtex(citation, author, date, address)
    title = shown(citation.title).strip() or file_name(citation.uri)
    said = shown(citation.text).strip()
    about = ", ".join([part for part in (author, date) if part] + spot(citation))
    if style is Style.MARKDOWN:
        name = _markdown(title)
        named = f"[{name}](<{address}>)" if address else name
        return f"> {_opening(_markdown(said))}\n>\n> — {named}, {_markdown(about)}"
    return "\n".join([f"“{said}”", f"— {title}, {about}", *([address] if address else [])])


def _bibtex(citation: Citation, author: str, date: str, address: str | None) -> str:
    key = re.sub(r"[^0-9A-Za-z]", "", citation.document_id)
    note = f"characters {citation.start}--{citation.end}"
    fields = {
        "title": _tex(citation.title) or _tex(file_name(citation.uri)),
        # As one name: what parts several of them in a document is not what parts them here.
        "author": f"{{{_tex(author)}}}" if author else "",
        "date": date,
        "year": date[:4],
        "file": _tex(file_name(citation.uri)),
        "url": address or "",
        "pages": "" if citation.page is None else str(citation.page),
        "note": ", ".join([*map(_tex, spot(citation)[:-1]), note]),
        "annote": _tex(citation.text),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{key}-{citation.start}-{citation.end},", *lines, "}"])


def _address(link: str | None) -> str | None:
    """An address in which nothing can end it, whatever it is pasted into."""
    return None if link is None else quote(link, safe=_SAFE_IN_ADDRESS, errors="replace")


def _date(metadata: Mapping[str, str]) -> str:
    """When the document was written or last changed, as exactly as is known: an ISO date."""
    stated = (metadata.get(key, "") for key in ("date", "created", "modified"))
    return next((found[0] for date in stated if (found := _DATE.match(date))), "")


def _markdown(text: str) -> str:
    # Entities are understood everywhere, a backslash before an angle bracket is not.
    return _MARKDOWN.sub(r"\\\g<0>", text).translate(_ENTITIES)


def _opening(text: str) -> str:
    """A line of Markdown that begins nothing."""
    number = re.match(r"[0-9]{1,9}", text)
    begin = _OPENING.match(text, number.end() if number else 0)
    return text if begin is None else f"{text[: begin.start()]}\\{text[begin.start() :]}"


def _tex(text: str) -> str:
    return shown(text).strip().translate(_TEX)
