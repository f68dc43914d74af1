"""What kind of file some bytes are: the content decides, the name and the claimed type refine."""

import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

PLAIN = "text/plain"
MARKDOWN = "text/markdown"
HTML = "text/html"
PDF = "application/pdf"

SUPPORTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        PLAIN: (".txt", ".text", ".rst", ".org", ".log", ".asc", ".adoc"),
        MARKDOWN: (".md", ".markdown", ".mdown", ".mkd", ".mkdn"),
        HTML: (".html", ".htm", ".xhtml", ".xht", ".shtml"),
        PDF: (".pdf",),
    }
)

_ZIP_PARTS = (
    (b"word/", "a Word document (.docx)"),
    (b"xl/", "an Excel workbook (.xlsx)"),
    (b"ppt/", "a PowerPoint presentation (.pptx)"),
    (b"application/epub+zip", "an EPUB book"),
    (b"application/vnd.oasis.opendocument", "an OpenDocument file"),
)
_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive (Word, Excel, EPUB...)"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Office file or Outlook message (.doc, .xls, .msg)",
    ),
    (b"{\\rtf", "a Rich Text document (RTF)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"RIFF", "a sound, video or WebP image (RIFF)"),
    (b"OggS\0", "an Ogg sound or video"),
    (b"fLaC\0", "a FLAC sound"),
    (b"ID3\x02", "an MP3 sound"),
    (b"ID3\x03", "an MP3 sound"),
    (b"ID3\x04", "an MP3 sound"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x7fELF", "a program (ELF)"),
    (b"%!PS-Adobe", "a PostScript file"),
    (b"AT&TFORM", "a DjVu document"),
)

_CODE = (
    ".bash .bat .c .cc .cfg .clj .conf .cpp .cs .css .cxx .dart .ex .exs .fish .go .h .hpp .hs .ini"
    " .java .jl .js .jsx .kt .less .lua .m .mjs .php .pl .pm .properties .ps1 .py .pyi .r .rb .rs"
    " .sass .scala .scss .sh .sql .swift .toml .ts .tsx .vb .vue .yaml .yml .zsh"
)
_BY_SUFFIX = {
    **{suffix: kind for kind, suffixes in SUPPORTED.items() for suffix in suffixes},
    **dict.fromkeys(_CODE.split(), "source code or settings"),
    **dict.fromkeys((".json", ".geojson", ".ipynb", ".har"), "JSON"),
    **dict.fromkeys((".jsonl", ".ndjson"), "JSON Lines"),
    ".csv": "a CSV table",
    ".tsv": "a TSV table",
    ".tab": "a TSV table",
    **dict.fromkeys((".xml", ".xsl", ".xsd", ".svg", ".rss", ".atom", ".kml", ".gpx"), "XML"),
    **dict.fromkeys((".eml", ".mbox", ".mht", ".mhtml", ".emlx"), "e-mail"),
}
_BY_CLAIM = {
    **{kind: kind for kind in SUPPORTED if kind != PLAIN},
    "application/xhtml+xml": HTML,
    "text/x-markdown": MARKDOWN,
    "application/json": "JSON",
    "application/x-ndjson": "JSON Lines",
    "application/jsonl": "JSON Lines",
    "text/csv": "a CSV table",
    "text/tab-separated-values": "a TSV table",
    "application/xml": "XML",
    "text/xml": "XML",
    "message/rfc822": "e-mail",
    "application/mbox": "e-mail",
    "text/css": "source code or settings",
    "text/javascript": "source code or settings",
    "application/javascript": "source code or settings",
}

_PAGE_START = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_XML_START = re.compile(r"<(?:\?xml|!doctype)\b", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][a-z0-9]*(?=[\s/>])", re.IGNORECASE)
_MAIL_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]*):[ \t]|[ \t]+\S|From \S+.*\d\d:\d\d")
_MAIL_ONLY = {"mime-version", "message-id", "received", "return-path", "delivered-to", "x-mailer"}


def binary_kind(data: bytes) -> str | None:
    """Return PDF, or a few words for a file that is not text, or None where it may be text."""
    if re.match(rb"\s*%PDF-", data[:1024].removeprefix(b"\xef\xbb\xbf")):
        return PDF
    # Elsewhere a text may be speaking of PDF, so something else that every PDF has must be there.
    if re.search(rb"%PDF-\d\.\d", data[:1024]) and b"endobj" in data:
        return PDF
    for magic, words in _MAGIC:
        if data.startswith(magic):
            if magic == b"PK\x03\x04":
                return next((kind for part, kind in _ZIP_PARTS if part in data), words)
            return words
    if data[4:8] == b"ftyp":
        return "a video or photograph (MP4, HEIC)"
    if data[257:262] == b"ustar":
        return "a tar archive"
    return None


def text_kind(text: str, name: str, media_type: str | None) -> str:
    """Return PLAIN, MARKDOWN or HTML, or a few words for a kind of text that is not prose."""
    hint = _hint(name, media_type)
    start = _first_markup(text)
    if _PAGE_START.match(text, start) and hint != "e-mail":
        return HTML
    if hint == HTML and _TAG.search(text):
        return HTML
    if _XML_START.match(text.lstrip("\ufeff \t\r\n")[:20]) or hint == "XML":
        return "XML"
    if text.startswith("#!"):
        return "a script"
    if hint not in (None, PLAIN, MARKDOWN, HTML, PDF):
        return hint or PLAIN
    if _is_mail(text):
        return "e-mail"
    return _json_kind(text) or (MARKDOWN if hint == MARKDOWN else PLAIN)


def _hint(name: str, media_type: str | None) -> str | None:
    by_suffix = _BY_SUFFIX.get(PurePosixPath(name.replace("\\", "/")).suffix.lower())
    if by_suffix not in (None, PLAIN):
        return by_suffix
    claim = (media_type or "").partition(";")[0].strip().lower()
    return _BY_CLAIM.get(claim, by_suffix)


def _first_markup(text: str) -> int:
    """Return the offset after white space, comments and XML declarations at the start."""
    offset = 0
    while True:
        while offset < len(text) and (text[offset].isspace() or text[offset] == "\ufeff"):
            offset += 1
        if text.startswith("<!--", offset):
            end, width = text.find("-->", offset), 3
        elif text.startswith("<?", offset):
            end, width = text.find("?>", offset), 2
        else:
            return offset
        if end < 0:
            return offset
        offset = end + width


def _is_mail(text: str) -> bool:
    """Whether the text begins with header lines of which one is for machines only.

    From, To and Subject alone may stand at the head of a memo, which is read.
    """
    found = False
    for line in text[:16384].lstrip("\ufeff").splitlines():
        match = _MAIL_HEADER.match(line)
        if match is None:
            break
        found = found or (match[1] or "").lower() in _MAIL_ONLY
    return found


def _json_kind(text: str) -> str | None:
    stripped = text.strip("\ufeff \t\r\n")
    if stripped[:1] not in ("{", "["):
        return None
    if _is_json(stripped):
        return "JSON"
    lines = [line for line in stripped[:65536].splitlines() if line.strip()]
    # The last line may have been cut by the limit above.
    head = lines[:20] if len(lines) > 20 or len(stripped) <= 65536 else lines[:-1]
    if len(lines) > 1 and head and all(_is_json(line.strip()) for line in head):
        return "JSON Lines"
    return None


def _is_json(text: str) -> bool:
    if text[:1] not in ("{", "["):
        return False
    try:
        json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True
