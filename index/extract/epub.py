"""EPUB: the chapters in reading order, each read as the HTML it is.

A chapter without a heading gets the title it has in the table of contents.
"""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from index.errors import UnreadableDocument
from index.extract.builder import Extracted, TextBuilder
from index.extract.decoding import decode
from index.extract.foreign import parsing
from index.extract.html import read_html
from index.extract.joining import append
from index.extract.nesting import flatten
from index.extract.source import Source
from index.extract.zipped import check_archive, read_entry, take_entries

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_MEDIA = (
    *(".jpg", ".jpeg", ".png", ".gif", ".webp", ".svg", ".css", ".js", ".mp3", ".m4a", ".mp4"),
    *(".ttf", ".otf", ".woff", ".woff2"),
)
_CHAPTERS = (
    "application/xhtml+xml",
    "text/html",
    "application/x-dtbook+xml",
    "text/x-oeb1-document",
)
# Fonts may be scrambled without the book being locked.
_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_SELF_CLOSED = re.compile(r"<([A-Za-z][\w:.-]*)((?:\s[^<>]*)?)/>")
_VOID = frozenset(
    {
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param"),
        *("source", "track", "wbr"),
    }
)

# For each chapter's path its title in the table of contents and how deep it stands, from 1.
_Contents = dict[str, tuple[str, int]]


def read(source: Source) -> Extracted:
    """See the module.

    Raises:
        UnreadableDocument: it is damaged, locked, or has no chapters.
        DocumentTooLarge: it unpacks to more than is left of the budget.
    """
    with (
        check_archive(source, lambda name: not _is_media(name)) as archive,
        parsing(source.name, "an EPUB"),
    ):
        return _Book(archive, source).read()


class _Book:
    def __init__(self, archive: zipfile.ZipFile, source: Source) -> None:
        self._archive = archive
        self._source = source
        self._names = frozenset(archive.namelist())
        self._path = self._package_path()
        self._package = self._xml(self._path)
        # For each id its path, media type and properties.
        self._items = {
            item.get("id", ""): (
                self._inside(item.get("href", "")),
                item.get("media-type", ""),
                item.get("properties", "").split(),
            )
            for item in _all(self._package, "item")
        }

    def read(self) -> Extracted:
        """The whole book."""
        chapters = list(self._chapters())
        locked = self._locked()
        if any(path in locked for path in chapters):
            raise UnreadableDocument(
                f"{self._source.name}: is locked by its seller (DRM) and cannot be read; get a copy"
                " without the lock and index that"
            )
        contents = self._contents()
        builder = TextBuilder()
        for path in chapters:
            extracted = read_html(self._page(path))
            title, depth = contents.get(path, ("", 1))
            if title and extracted.text and not extracted.sections:
                builder.heading(title, depth)
            append(builder, extracted)
        title = next(iter(self._said("title")), "")
        return builder.build(title, self._metadata())

    def _package_path(self) -> str:
        for root in _all(self._xml("META-INF/container.xml"), "rootfile"):
            path = posixpath.normpath(root.get("full-path", "").lstrip("/"))
            if path in self._names:
                return path
        raise UnreadableDocument(
            f"{self._source.name}: is an EPUB without a list of its contents; get it anew"
        )

    def _chapters(self) -> Iterator[str]:
        """The paths of the chapters in reading order, each once."""
        ids = dict.fromkeys(ref.get("idref", "") for ref in _all(self._package, "itemref"))
        seen: set[str] = set()
        for path, kind, properties in (self._items[one] for one in ids if one in self._items):
            is_chapter = kind in _CHAPTERS and "nav" not in properties
            if is_chapter and path in self._names and path not in seen:
                seen.add(path)
                yield path

    def _locked(self) -> frozenset[str]:
        if "META-INF/encryption.xml" not in self._names:
            return frozenset()
        found: set[str] = set()
        for data in _all(self._xml("META-INF/encryption.xml"), "EncryptedData"):
            method = next(_all(data, "EncryptionMethod"), None)
            if method is None or method.get("Algorithm") not in _FONTS:
                found.update(unquote(ref.get("URI", "")) for ref in _all(data, "CipherReference"))
        return frozenset(found)

    def _contents(self) -> _Contents:
        for path, kind, properties in self._items.values():
            if "nav" in properties and path in self._names:
                return _from_nav(self._page(path), path)
            if kind == "application/x-dtbncx+xml" and path in self._names:
                return _from_ncx(self._xml(path), path)
        return {}

    def _metadata(self) -> dict[str, str]:
        metadata = {
            "author": ", ".join(self._said("creator")),
            "language": next(iter(self._said("language")), ""),
            "date": next(iter(self._said("date")), ""),
            "description": read_html(next(iter(self._said("description")), "")).text,
            "keywords": ", ".join(self._said("subject")),
        }
        for meta in _all(self._package, "meta"):
            if meta.get("property") == "dcterms:modified":
                metadata["modified"] = _words(meta)
        return {key: value for key, value in metadata.items() if value}

    def _said(self, name: str) -> list[str]:
        """The values the package has under a name of Dublin Core."""
        return [words for one in _all(self._package, name) if (words := _words(one))]

    def _inside(self, href: str) -> str:
        return _resolve(self._path, href)

    def _page(self, path: str) -> str:
        return _as_html(decode(self._entry(path), "application/xhtml+xml") or "")

    def _xml(self, path: str) -> Element:
        from defusedxml.ElementTree import fromstring

        root: Element = fromstring(self._entry(path))
        return root

    def _entry(self, path: str) -> bytes:
        if _is_media(path) and path in self._names:
            # It was not expected to be read, and so not counted.
            take_entries(self._source, [self._archive.getinfo(path)])
        return read_entry(self._archive, path, self._source)


def _is_media(name: str) -> bool:
    return name.lower().endswith(_MEDIA)


def _from_nav(page: str, path: str) -> _Contents:
    from selectolax.lexbor import LexborHTMLParser

    found: _Contents = {}
    for nav in LexborHTMLParser(flatten(page)).css("nav"):
        if "toc" not in (nav.attributes.get("epub:type") or "").split():
            continue
        for link in nav.css("a[href]"):
            target = _resolve(path, link.attributes.get("href") or "")
            title = " ".join(link.text().split())
            if title:
                found.setdefault(target, (title, _depth(link)))
    return found


def _depth(link: "LexborNode") -> int:
    """In how many lists a link of a table of contents stands."""
    depth = 0
    node = link.parent
    while node is not None:
        depth += node.tag == "ol"
        node = node.parent
    return max(1, depth)


def _from_ncx(root: Element, path: str) -> _Contents:
    found: _Contents = {}
    waiting = [(point, 0) for point in _all(root, "navMap")]
    while waiting:
        point, depth = waiting.pop()
        content = next((one for one in point if _local(one) == "content"), None)
        label = next((one for one in point if _local(one) == "navLabel"), None)
        if content is not None and label is not None and (title := _words(label)):
            found.setdefault(_resolve(path, content.get("src", "")), (title, depth))
        inner = [(one, depth + 1) for one in point if _local(one) == "navPoint"]
        waiting += reversed(inner)
    return found


def _resolve(base: str, href: str) -> str:
    """The path in the archive that a link in the file at `base` leads to, without fragment."""
    path = unquote(href.partition("#")[0])
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), path)).lstrip("/")


def _as_html(text: str) -> str:
    """XHTML with elements such as <title/> closed in the way that HTML parsers understand."""
    return _SELF_CLOSED.sub(
        lambda tag: tag[0] if tag[1].lower() in _VOID else f"<{tag[1]}{tag[2]}></{tag[1]}>", text
    )


def _all(root: Element, name: str) -> Iterator[Element]:
    """The elements of this name below `root`, whatever their namespace, in order."""
    return (element for element in root.iter() if _local(element) == name)


def _local(element: Element) -> str:
    # A comment has a function for a tag.
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _words(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())
