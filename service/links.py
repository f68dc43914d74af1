"""Links that open a quote: in our viewer, and where the document itself stands; pure.

A document's URI was chosen by whoever put the document in. Only web pages and local PDFs are
linked to, never what a browser would run, and never an address that hides another behind a name.
"""

import re
from urllib.parse import quote, urlsplit

from index.documents import INSIDE
from qa.answers import CONTEXT, Citation

PDF = "application/pdf"

# A quote longer than this, or of several lines, is linked to by its first and its last words.
_LONGEST_TEXT = 300
_WORDS = 8

_HOST = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_MARKER = re.compile(r"\s*(?:[-*•‣▪–·]|[0-9]{1,3}[.)])\s+")

_SAFE_IN_PATH = "/%:@!$&'()*+,;=~"
_SAFE_IN_QUERY = _SAFE_IN_PATH + "?"


def view_path(collection: str, document_id: str, start: int, end: int) -> str:
    """The path at which our server shows `text[start:end]` of a document in its source."""
    place = f"{quote(collection, safe='')}/{quote(document_id, safe='')}"
    return f"/view/{place}?start={start}&end={end}"


def source_link(citation: Citation) -> str | None:
    """The address that opens a document of the web, or a local PDF, at the quote; or None.

    PDFs are opened at the page (RFC 8118), web pages at the text (a text fragment, as the Web
    Incubator Community Group describes them). Browsers that do not find it show the page's top.
    """
    if INSIDE in citation.uri:
        return None
    try:
        parts = urlsplit(citation.uri)
        host = parts.netloc.encode("idna").decode()
    except ValueError:
        return None
    is_pdf = citation.media_type == PDF
    path = quote(parts.path, safe=_SAFE_IN_PATH, errors="replace")
    if parts.scheme == "file" and not host and path.startswith("/") and is_pdf:
        return f"file://{path}{_page(citation)}"
    if parts.scheme not in ("http", "https") or _HOST.fullmatch(host) is None:
        return None
    query = quote(parts.query, safe=_SAFE_IN_QUERY, errors="replace")
    address = f"{parts.scheme}://{host}{path}{'?' if query else ''}{query}"
    if is_pdf:
        return address + _page(citation)
    fragment = quote(parts.fragment.partition(":~:")[0], safe=_SAFE_IN_QUERY, errors="replace")
    directive = _text_directive(citation)
    if directive is None:
        return address + (f"#{fragment}" if fragment else "")
    return f"{address}#{fragment}:~:text={directive}"


def _page(citation: Citation) -> str:
    return "" if citation.page is None else f"#page={citation.page}"


def _text_directive(citation: Citation) -> str | None:
    """`[prefix-,]textStart[,textEnd][,-suffix]`; None if the quote holds no word."""
    opened = "\n" if _begins_a_line(citation) else ""
    lines = [words for line in _lines(opened + citation.text) if (words := _words(line))]
    if not lines:
        return None
    first, last = lines[0].split(" "), lines[-1].split(" ")
    if len(lines) > 1 or (len(lines[0]) > _LONGEST_TEXT and len(first) > 2 * _WORDS):
        start, end = " ".join(first[:_WORDS]), " ".join(last[-_WORDS:])
        return f"{_encoded(start)},{_encoded(end)}"
    prefix, suffix = _context(citation)
    return (
        (f"{_encoded(prefix)}-," if prefix else "")
        + _encoded(lines[0])
        + (f",-{_encoded(suffix)}" if suffix else "")
    )


def _context(citation: Citation) -> tuple[str, str]:
    """Whole words before and after the quote on its own line.

    Rows of tables have none, since their columns' names stand elsewhere on the page.
    """
    before = "" if _begins_a_line(citation) else _lines(citation.prefix)[-1]
    after = _lines(citation.suffix)[0]
    if " | " in f"{before}{citation.text}{after}":
        return "", ""
    if len(before) == CONTEXT:
        # It may begin within a word, and browsers look for whole ones.
        before = before.partition(" ")[2]
    if len(after) == CONTEXT:
        after = after.rpartition(" ")[0]
    return _words(before), " ".join(after.split())


def _begins_a_line(citation: Citation) -> bool:
    return citation.prefix == "" or citation.prefix.endswith("\n")


def _lines(text: str) -> list[str]:
    """The lines of a text, each but the first with the line break that it follows."""
    return re.split(r"(?=\n)", text)


def _words(line: str) -> str:
    """The words of a line with single blanks, without the mark of a list, which no page has."""
    if line.startswith("\n"):
        line = _MARKER.sub("", line, count=1)
    return " ".join(line.split())


def _encoded(text: str) -> str:
    # Dashes, commas and ampersands part the pieces of a directive; quote leaves dashes.
    return quote(text, safe="", errors="replace").replace("-", "%2D")
