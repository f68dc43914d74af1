"""What text documents and spreadsheets of the OpenDocument format have in common."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from index.errors import UnreadableDocument
from index.extract.pictures import mention
from index.extract.properties import stated_date, stated_title
from index.extract.source import Source
from index.extract.zipped import check_archive, check_xml, read_entry

if TYPE_CHECKING:
    from lxml.etree import XMLParser

_NAMES = "urn:oasis:names:tc:opendocument:xmlns:"
DRAW = "{" + _NAMES + "drawing:1.0}"
META = "{" + _NAMES + "meta:1.0}"
OFFICE = "{" + _NAMES + "office:1.0}"
STYLE = "{" + _NAMES + "style:1.0}"
SVG = "{" + _NAMES + "svg-compatible:1.0}"
TABLE = "{" + _NAMES + "table:1.0}"
TEXT = "{" + _NAMES + "text:1.0}"
_DC = "{http://purl.org/dc/elements/1.1/}"

_WANTED = frozenset({"content.xml", "styles.xml", "meta.xml", "META-INF/manifest.xml"})
_SPACES = re.compile(r"[ \t\r\n]+")
_MOST_SPACES = 100
# What is not part of the text where it stands, and what is written elsewhere.
_SKIPPED = frozenset(
    {
        OFFICE + "annotation",
        OFFICE + "annotation-end",
        TEXT + "ruby-text",
        TEXT + "hidden-text",
        TEXT + "hidden-paragraph",
        TEXT + "tracked-changes",
        TEXT + "script",
        TEXT + "note-citation",
        SVG + "title",
        SVG + "desc",
        DRAW + "image",
        DRAW + "object",
        DRAW + "object-ole",
        DRAW + "plugin",
    }
)


@dataclass(slots=True)
class Inline:
    """What a paragraph says: its text, its notes by their marks, and its text boxes."""

    text: str = ""
    notes: list[tuple[str, Any]] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)


def parts(source: Source) -> dict[str, bytes]:
    """The XML of a document by name: "content.xml" and, if they are there, "styles.xml" and more.

    Raises:
        UnreadableDocument: it is damaged or encrypted.
        DocumentTooLarge: it unpacks to too much.
    """
    with check_archive(source, _WANTED.__contains__) as archive:
        names = _WANTED.intersection(archive.namelist())
        found = {name: read_entry(archive, name, source) for name in sorted(names)}
    if b":encryption-data" in found.pop("META-INF/manifest.xml", b""):
        raise UnreadableDocument(
            f"{source.name}: is encrypted; save a copy without a password and index that"
        )
    if "content.xml" not in found:
        raise UnreadableDocument(
            f"{source.name}: is damaged, its content is missing; save it again in the program it "
            "comes from and index that"
        )
    for content in found.values():
        check_xml(content, source)
    return found


def parser() -> "XMLParser":
    """A parser that opens no other files and expands nothing."""
    from lxml import etree

    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
    )


def metadata(content: bytes) -> tuple[str, Mapping[str, str]]:
    """The title and the metadata in a "meta.xml"; dates are in ISO 8601."""
    from lxml import etree

    root = etree.fromstring(content, parser()) if content else None
    meta = None if root is None else root.find(OFFICE + "meta")
    if meta is None:
        return "", {}
    statistic = meta.find(META + "document-statistic")
    found = {
        "author": meta.findtext(META + "initial-creator") or meta.findtext(_DC + "creator"),
        "created": stated_date(meta.findtext(META + "creation-date")),
        "modified": stated_date(meta.findtext(_DC + "date")),
        "language": meta.findtext(_DC + "language"),
        "subject": meta.findtext(_DC + "subject"),
        "description": meta.findtext(_DC + "description"),
        "keywords": ", ".join(
            word.text for word in meta.iterchildren(META + "keyword") if word.text
        ),
        "pages": None if statistic is None else statistic.get(META + "page-count"),
    }
    title = stated_title(meta.findtext(_DC + "title"))
    return title, {key: value for key, value in found.items() if value and value.strip()}


def inline(paragraph: Any) -> Inline:
    """Read a paragraph; white space is collapsed as the format has it."""
    found = Inline()
    pieces: list[str] = []
    for element, text in _walk(paragraph, found):
        if element is None:
            words = _SPACES.sub(" ", text)
            # Blanks collapse across elements too.
            if words.startswith(" ") and (not pieces or pieces[-1].endswith((" ", "\n"))):
                words = words[1:]
            if words:
                pieces.append(words)
        elif element.tag == TEXT + "s":
            pieces.append(" " * min(whole(element.get(TEXT + "c"), 1), _MOST_SPACES))
        elif element.tag == TEXT + "tab":
            pieces.append("\t")
        elif element.tag == TEXT + "line-break":
            pieces.append("\n")
        elif element.tag == TEXT + "note":
            citation = " ".join((element.findtext(TEXT + "note-citation") or "").split())
            found.notes.append((citation, element))
            pieces.append(f"[{citation}]" if citation else "")
        else:
            pieces.append(mention(_description(element)))
    found.text = "".join(pieces).strip()
    return found


def _walk(paragraph: Any, found: Inline) -> Iterator[tuple[Any, str]]:
    """The pieces of text (None, text) and what stands between them (element, "")."""
    open_elements: list[tuple[Any, Iterator[Any]]] = [(paragraph, iter(paragraph))]
    yield None, paragraph.text or ""
    while open_elements:
        child = next(open_elements[-1][1], None)
        if child is None:
            element, _ = open_elements.pop()
            if open_elements:
                yield None, element.tail or ""
            continue
        tag = child.tag
        if tag in (TEXT + "s", TEXT + "tab", TEXT + "line-break", TEXT + "note"):
            yield child, ""
        elif tag == DRAW + "text-box":
            found.boxes.append(child)
        elif tag not in _SKIPPED and isinstance(tag, str):
            if tag == DRAW + "frame":
                yield child, ""
            yield None, child.text or ""
            open_elements.append((child, iter(child)))
            continue
        yield None, child.tail or ""


def _description(frame: Any) -> str:
    return frame.findtext(SVG + "desc") or frame.findtext(SVG + "title") or ""


def whole(text: str | None, default: int) -> int:
    """A count that an attribute states; `default` if it states none or an absurd one."""
    text = text or ""
    return int(text) if text.isdecimal() and len(text) < 9 else default
