"""What kind of file some bytes are: the content decides, the name and the claimed type refine."""

import io
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

from index.errors import UnreadableDocument
from index.extract.decoding import unicode_encoding
from index.extract.foreign import parsing
from index.extract.formats import (
    BZIP2,
    CSV,
    DOCX,
    EPUB,
    FORMATS,
    GZIP,
    HTML,
    JSON,
    JSONL,
    MAIL,
    MARKDOWN,
    MBOX,
    ODS,
    ODT,
    OUTLOOK,
    PDF,
    PLAIN,
    PPTX,
    RST,
    RTF,
    TAR,
    TSV,
    XLSX,
    XZ,
    ZIP,
)  # fmt: skip
from index.extract.zipped import DAMAGE

# What can be done about files that are not read, by the words they are called with.
ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "an old Word document (.doc)": "save it as .docx and index that",
        "an old Excel workbook (.xls)": "save it as .xlsx and index that",
        "an old PowerPoint presentation (.ppt)": "save it as .pptx and index that",
        "a binary Excel workbook (.xlsb)": "save it as .xlsx and index that",
        "an Apple iWork file": "export it as PDF and index that",
        "an OpenDocument presentation": "save it as .pptx or PDF and index that",
        "XML": "if it is a page for reading, save it as HTML and index that",
    }
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_KINDS = (
    ("__properties_version1.0", OUTLOOK),
    ("WordDocument", "an old Word document (.doc)"),
    ("Workbook", "an old Excel workbook (.xls)"),
    ("Book", "an old Excel workbook (.xls)"),
    ("PowerPoint Document", "an old PowerPoint presentation (.ppt)"),
)
_ZIP_TYPES = (
    (b"wordprocessingml.document.main", DOCX),
    (b"wordprocessingml.template.main", DOCX),
    (b"ms-word.document.macroEnabled.main", DOCX),
    (b"ms-word.template.macroEnabledTemplate.main", DOCX),
    (b"presentationml.presentation.main", PPTX),
    (b"presentationml.slideshow.main", PPTX),
    (b"presentationml.template.main", PPTX),
    (b"ms-powerpoint.presentation.macroEnabled.main", PPTX),
    (b"ms-powerpoint.slideshow.macroEnabled.main", PPTX),
    (b"spreadsheetml.sheet.main", XLSX),
    (b"spreadsheetml.template.main", XLSX),
    (b"ms-excel.sheet.macroEnabled.main", XLSX),
    (b"ms-excel.template.macroEnabled.main", XLSX),
    (b"ms-excel.sheet.binary.macroEnabled.main", "a binary Excel workbook (.xlsb)"),
)
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
_MOST_TYPES = 4 * 2**20
_MAGIC = (
    (b"{\\rtf", RTF),
    (b"\x1f\x8b", GZIP),
    (b"\xfd7zXZ\0", XZ),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
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
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
_RIFF = re.compile(rb"RIFF....(?:WAVE|AVI |WEBP)", re.DOTALL)

_CODE = (
    ".bash .bat .c .cc .cfg .clj .conf .cpp .cs .css .cxx .dart .ex .exs .fish .go .h .hpp .hs .ini"
    " .java .jl .js .jsx .kt .less .lua .m .mjs .php .pl .pm .properties .ps1 .py .pyi .r .rb .rs"
    " .sass .scala .scss .sh .sql .swift .toml .ts .tsx .vb .vue .yaml .yml .zsh"
)
_BY_SUFFIX = {
    **{suffix: kind for kind, found in FORMATS.items() for suffix in found.suffixes},
    **dict.fromkeys(_CODE.split(), "source code or settings"),
    **dict.fromkeys((".geojson", ".ipynb", ".har"), JSON),
    **dict.fromkeys((".xml", ".xsl", ".xsd", ".svg", ".rss", ".atom", ".kml", ".gpx"), "XML"),
}
_BY_CLAIM = {
    **{kind: kind for kind in FORMATS if kind != PLAIN},
    "application/xhtml+xml": HTML,
    "text/x-markdown": MARKDOWN,
    "text/prs.fallenstein.rst": RST,
    "application/x-ndjson": JSONL,
    "application/xml": "XML",
    "text/xml": "XML",
    "text/css": "source code or settings",
    "text/javascript": "source code or settings",
    "application/javascript": "source code or settings",
}

_PAGE_START = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_XML_START = re.compile(r"<(?:\?xml|!doctype)\b", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][a-z0-9]*(?=[\s/>])", re.IGNORECASE)
_HEAD = 16384
_MAIL_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]*):(?:[ \t]|$)|[ \t]+\S")
_MAIL_FROM = re.compile(r"From \S+.*\d\d:\d\d")
_MAIL_ONLY = {"mime-version", "message-id", "return-path", "delivered-to", "x-mailer"}
# So may a letter that is dated begin, but not in these words.
_RECEIVED = re.compile(r"received:\s*(?:\(|(?:from|by|with|via|id|for)\s)", re.IGNORECASE)
_EMLX = re.compile(r"\d{1,10}[ \t]*\r?\n")


def binary_kind(data: bytes, name: str, media_type: str | None) -> str | None:
    """Return the media type of a file that is not read as text, None where it may be text.

    A kind that is not read comes as a few words, see `ADVICE`.

    Raises:
        UnreadableDocument: it is an Office file protected with a password, or a damaged one of
            the old kind.
    """
    if re.match(rb"\s*%PDF-", data[:1024].removeprefix(b"\xef\xbb\xbf")):
        return PDF
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK\x03\x04")):
        return _zip_kind(data, _hint(name, media_type))
    if data.startswith(_OLE):
        return _ole_kind(data, name)
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if _BZIP2.match(data):
        return BZIP2
    if _RIFF.match(data):
        return "a sound, video or WebP image (RIFF)"
    if data[4:8] == b"ftyp":
        return "a video or photograph (MP4, HEIC)"
    if is_tar(data):
        return TAR
    mail = _mail_kind(data, name, _hint(name, media_type))
    if mail is not None:
        return mail
    # Elsewhere a text may be speaking of PDF, so something else that every PDF has must be there.
    if re.search(rb"%PDF-\d\.\d", data[:1024]) and b"endobj" in data:
        return PDF
    return None


def is_tar(data: bytes) -> bool:
    """Whether the bytes begin with the header of a tar archive's entry: its checksum is right."""
    header = data[:512]
    if len(header) < 512:
        return False
    said = header[148:156].strip(b" \0")
    if not re.fullmatch(rb"[0-7]{1,7}", said):
        return False
    return int(said, 8) == sum(header[:148]) + 8 * ord(" ") + sum(header[156:])


def _zip_kind(data: bytes, hint: str | None) -> str:
    """The kind of a ZIP archive: what it says it is, in the way of its family."""
    damaged = hint if hint in (DOCX, PPTX, XLSX, ODT, ODS, EPUB) else ZIP
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            if "[Content_Types].xml" in names:
                with archive.open("[Content_Types].xml") as file:
                    types = file.read(_MOST_TYPES)
                other = "an Office file of another kind" if b"officedocument" in types else ZIP
                return next((kind for part, kind in _ZIP_TYPES if part in types), other)
            if "mimetype" in names:
                with archive.open("mimetype") as file:
                    said = file.read(256).decode("latin-1").strip().partition("-template")[0]
                if said in (EPUB, ODT, ODS):
                    return said
                if said == _OPEN_DOCUMENT + "presentation":
                    return "an OpenDocument presentation"
                return "an OpenDocument file" if said.startswith(_OPEN_DOCUMENT) else ZIP
            if "META-INF/container.xml" in names:
                return EPUB
            return "an Apple iWork file" if "Index/Document.iwa" in names else ZIP
    except DAMAGE:
        return damaged


def _ole_kind(data: bytes, name: str) -> str:
    """The kind of a compound file, as Outlook and old Office write them."""
    with parsing(name, "an old Office file or Outlook message"):
        from olefile import OleFileIO

        with OleFileIO(io.BytesIO(data)) as file:
            streams = {path[0].lower() for path in file.listdir() if path}
    if "encryptedpackage" in streams:
        raise UnreadableDocument(
            f"{name}: is protected with a password; save it without one and index that"
        )
    found = (kind for stream, kind in _OLE_KINDS if stream.lower() in streams)
    return next(found, "an old Office file (OLE)")


def _mail_kind(data: bytes, name: str, hint: str | None) -> str | None:
    """The kind of a message or mailbox: it begins with header lines.

    One of them must be for machines only, or the name or claim say that it is mail: From, To and
    Subject alone may stand at the head of a memo.
    """
    encoding = unicode_encoding(data)
    head = data[:_HEAD].decode(encoding or "latin-1", "replace").lstrip("\ufeff\r\n")
    if name.lower().endswith(".emlx"):
        head = _EMLX.sub("", head, count=1)
    lines = head.splitlines()
    # The last line may be cut.
    lines = lines[: max(1, len(lines) - 1)] if len(data) > _HEAD else lines
    is_box = bool(lines) and _MAIL_FROM.match(lines[0]) is not None
    headers: set[str] = set()
    received = False
    for at, line in enumerate(lines):
        if at == 0 and is_box:
            continue
        match = _MAIL_HEADER.match(line)
        if match is None or (not headers and not match[1]):
            break
        headers.add((match[1] or "").lower())
        # What it says may begin in the next line.
        received = received or _RECEIVED.match(" ".join(lines[at : at + 2])) is not None
    if not headers or not (received or headers & _MAIL_ONLY or hint in (MAIL, MBOX)):
        return None
    return MBOX if is_box and hint != MAIL else MAIL


def text_kind(text: str, name: str, media_type: str | None) -> str:
    """Return the media type of a text, or a few words for a kind that is not read."""
    hint = _hint(name, media_type)
    start = _first_markup(text)
    if _PAGE_START.match(text, start):
        return HTML
    if hint == HTML and _TAG.search(text):
        return HTML
    if _XML_START.match(text.lstrip("\ufeff \t\r\n")[:20]) or hint == "XML":
        return "XML"
    if text.startswith("#!"):
        return "a script"
    if hint is not None and hint not in FORMATS:
        return hint
    kind = _json_kind(text, hint)
    if kind is not None:
        return kind
    return hint if hint in (CSV, TSV, RST, MARKDOWN) else PLAIN


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


def _json_kind(text: str, hint: str | None) -> str | None:
    stripped = text.strip("\ufeff \t\r\n")
    if stripped[:1] not in ("{", "["):
        return JSON if hint == JSON and _is_json(stripped) else None
    if hint == JSONL and _is_lines(stripped, at_least=1):
        return JSONL
    if _is_json(stripped):
        return JSON
    if _is_lines(stripped, at_least=2):
        return JSONL
    return hint if hint in (JSON, JSONL) else None


def _is_lines(text: str, at_least: int) -> bool:
    """Whether each of the first lines is a JSON object or array."""
    lines = [line for line in text[:65536].splitlines() if line.strip()]
    # The last line may have been cut by the limit above.
    head = lines[:20] if len(lines) > 20 or len(text) <= 65536 else lines[:-1]
    return len(head) >= at_least and all(
        line.strip()[:1] in ("{", "[") and _is_json(line) for line in head
    )


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True
