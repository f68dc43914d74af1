"""HTML: a walk over the parsed tree that writes paragraphs, lists, tables and headings.

Nothing here recurses, and each node is visited once, so deep and long pages only take time.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from index.extract.builder import Extracted, TextBuilder
from index.extract.flow import Flow
from index.extract.nesting import flatten
from index.extract.pictures import alt_text
from index.extract.source import Source

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_SCRIPTS = frozenset({"script", "style", "noscript", "template", "noframes"})
_DROPPED = _SCRIPTS | {
    *("nav", "search", "svg", "iframe", "object", "embed", "applet", "canvas", "audio", "video"),
    *("button", "select", "option", "datalist", "input", "textarea", "head", "title", "dialog"),
}
_EDGES = frozenset({"header", "footer", "aside"})
_SECTIONING = frozenset({"article", "main", "section", "td", "blockquote"})
_ROLES = {
    "banner": "header",
    "contentinfo": "footer",
    "complementary": "aside",
    "navigation": "nav",
    "search": "search",
    "main": "main",
    "article": "article",
}
_BLOCKS = frozenset(
    {
        *(
            "address",
            "article",
            "aside",
            "blockquote",
            "body",
            "caption",
            "center",
            "dd",
            "details",
        ),
        *("dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header"),
        *("hgroup", "hr", "html", "legend", "li", "main", "menu", "ol", "p", "pre", "section"),
        *("summary", "table", "tbody", "tfoot", "thead", "tr", "ul", "listing", "xmp", "plaintext"),
    }
)
# Inside a list item these begin a new paragraph, while any other block only begins a new line.
_PARAGRAPHS = frozenset({"p", "blockquote", "dl", "dt", "figure", "pre", "table"})
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_PREFORMATTED = frozenset({"pre", "listing", "xmp", "plaintext"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_NOT_SHOWN = re.compile(r"(?:^|;)\s*display\s*:\s*none\b", re.IGNORECASE)
_NAMED = {
    **dict.fromkeys(("author", "dc.creator", "dcterms.creator", "citation_author"), "author"),
    **dict.fromkeys(("description", "og:description", "dc.description"), "description"),
    **dict.fromkeys(("date", "dc.date", "article:published_time", "dcterms.issued"), "date"),
    **dict.fromkeys(("created", "dcterms.created", "dc.date.created"), "created"),
    **dict.fromkeys(("article:modified_time", "og:updated_time", "last-modified"), "modified"),
    **dict.fromkeys(("dcterms.modified", "dc.date.modified", "changed"), "modified"),
    **dict.fromkeys(("keywords", "news_keywords"), "keywords"),
    **dict.fromkeys(("subject", "dc.subject", "dcterms.subject"), "subject"),
    **dict.fromkeys(("dc.language", "dcterms.language", "content-language"), "language"),
}
_SPAN = 65_534


def read(source: Source) -> Extracted:
    """See `read_html`."""
    return read_html(source.text)


def read_html(text: str) -> Extracted:
    """Extract a page's content without its navigation, scripts, controls and hidden parts.

    What stands in a page-level header, footer or aside is left out, unless the page's only h1 is
    in the header. An aside next to an article counts as page-level, one inside it as a part of it.
    A page of which nothing would be left is read whole, scripts excepted.
    """
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(flatten(text))
    body = tree.body or tree.root
    if body is None:
        return Extracted("")
    has_article = tree.css_first("article, [role=article]") is not None
    around_asides = _SECTIONING - {"main"} if has_article else _SECTIONING
    flow = _render(body, _DROPPED, _EDGES, around_asides)
    if not flow.has_top_heading and tree.css_first("header h1, [role=banner] h1") is not None:
        flow = _render(body, _DROPPED, _EDGES - {"header"}, around_asides)
    if not flow.has_words:
        flow = _render(body, _SCRIPTS, frozenset(), _SECTIONING, hidden=True)
    title = tree.css_first("head > title")
    words = "" if title is None else " ".join(title.text().split())
    return flow.builder.build(words or flow.top_heading, _metadata(tree))


def _metadata(tree: "LexborHTMLParser") -> Mapping[str, str]:
    found: dict[str, str] = {}
    root = tree.css_first("html")
    language = "" if root is None else root.attributes.get("lang") or ""
    if language.strip():
        found["language"] = language.strip()
    for meta in tree.css("meta"):
        attributes = meta.attributes
        named = attributes.get("name") or attributes.get("property")
        key = _NAMED.get((named or attributes.get("http-equiv") or "").strip().lower())
        value = " ".join((attributes.get("content") or "").split())
        if key and value:
            found.setdefault(key, value)
    return found


def _render(
    body: "LexborNode",
    dropped: frozenset[str],
    edges: frozenset[str],
    around_asides: frozenset[str],
    *,
    hidden: bool = False,
) -> Flow:
    """Walk the tree below `body` and return what was written.

    Left out are the elements in `dropped`, the hidden ones unless `hidden`, and those in `edges`
    that stand in no part of the page; for an aside such parts are the elements in `around_asides`.
    """
    flow = Flow(TextBuilder())
    # How many of the open elements make what is inside them a part of the page.
    around = Counter[str]()
    node: LexborNode | None = body
    # The elements that are open, with the name each was entered under.
    entered: list[str] = []
    while node is not None:
        tag = node.tag or ""
        child = None
        if tag == "-text":
            flow.text(node.text_content or "")
        elif tag and not tag.startswith("-"):
            attributes = node.attributes
            part = _ROLES.get((attributes.get("role") or "").strip().lower(), tag)
            shown = hidden or not _is_hidden(attributes)
            if (
                shown
                and part not in dropped
                and not (part in edges and not around["aside" if part == "aside" else "edge"])
            ):
                _enter(flow, tag, attributes, in_header=around["thead"] > 0)
                child = node.first_child
                if child is not None:
                    around["edge"] += part in _SECTIONING
                    around["aside"] += part in around_asides
                    around["thead"] += part == "thead"
                    entered.append(part)
                else:
                    _leave(flow, tag)
            elif tag in _BLOCKS:
                flow.boundary()
        if child is not None:
            node = child
            continue
        while node is not None and entered and node.next is None:
            node = node.parent
            part = entered.pop()
            around["edge"] -= part in _SECTIONING
            around["aside"] -= part in around_asides
            around["thead"] -= part == "thead"
            if node is not None:
                _leave(flow, node.tag or "")
        node = node.next if node is not None and entered else None
    flow.finish()
    return flow


def _is_hidden(attributes: Mapping[str, str | None]) -> bool:
    if not attributes:
        return False
    if "hidden" in attributes and (attributes["hidden"] or "").lower() != "until-found":
        return True
    if (attributes.get("aria-hidden") or "").strip().lower() == "true":
        return True
    style = attributes.get("style")
    return style is not None and _NOT_SHOWN.search(style) is not None


def _enter(flow: Flow, tag: str, attributes: Mapping[str, str | None], *, in_header: bool) -> None:
    level = _HEADINGS.get(tag)
    if level is not None:
        flow.start_heading(level)
    elif tag == "br":
        flow.line_break()
    elif tag == "img":
        flow.text(f" {alt_text(attributes.get('alt'))} ")
    elif tag in _LISTS:
        flow.start_list(_number(attributes.get("start"), 1) if tag == "ol" else None)
    elif tag == "li":
        flow.start_item(_number(attributes.get("value"), None))
    elif tag == "table":
        flow.start_table()
    elif tag == "tr":
        flow.start_row()
    elif tag in ("td", "th"):
        flow.start_cell(
            is_header=tag == "th" or in_header,
            # Zero stands for all the rows that are left.
            rows=_number(attributes.get("rowspan"), 1) or _SPAN,
            columns=_number(attributes.get("colspan"), 1) or 1,
        )
    elif tag == "dd":
        flow.boundary(paragraph=False)
    elif tag in _PREFORMATTED:
        flow.start_preformatted()
    elif tag in _BLOCKS:
        flow.boundary(paragraph=not flow.in_item or tag in _PARAGRAPHS)


def _leave(flow: Flow, tag: str) -> None:
    if tag in _HEADINGS:
        flow.end_heading()
    elif tag in _LISTS:
        flow.end_list()
    elif tag == "table":
        flow.end_table()
    elif tag in ("td", "th"):
        flow.end_cell()
    elif tag in _PREFORMATTED:
        flow.end_preformatted()
    elif tag in ("dt", "dd"):
        flow.boundary(paragraph=False)
    elif tag in _BLOCKS and tag not in ("li", "tr"):
        flow.boundary(paragraph=not flow.in_item or tag in _PARAGRAPHS)


def _number(value: str | None, default: int | None) -> int | None:
    found = re.fullmatch(r"\s*(-?\d{1,9})\s*", value or "", re.ASCII)
    return int(found[1]) if found else default
