"""The formats that are read: for each its name, its endings and the module that reads it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType

from index.extract.builder import Extracted
from index.extract.source import Container, Source

PLAIN = "text/plain"
MARKDOWN = "text/markdown"
RST = "text/x-rst"
HTML = "text/html"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODT = "application/vnd.oasis.opendocument.text"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
CSV = "text/csv"
TSV = "text/tab-separated-values"
RTF = "application/rtf"
EPUB = "application/epub+zip"
MAIL = "message/rfc822"
MBOX = "application/mbox"
OUTLOOK = "application/vnd.ms-outlook"
JSON = "application/json"
JSONL = "application/jsonl"
ZIP = "application/zip"
TAR = "application/x-tar"
GZIP = "application/gzip"
BZIP2 = "application/x-bzip2"
XZ = "application/x-xz"


@dataclass(frozen=True, slots=True)
class Format:
    """A format: `is_text` tells that its bytes are to be decoded before it is read.

    `module` in `index.extract` has the function `read`, which is given a `Source`.
    """

    label: str
    module: str
    suffixes: tuple[str, ...]
    is_text: bool = False

    @property
    def read(self) -> Callable[[Source], Extracted | Container]:
        """The function that reads it; its libraries are imported now."""
        read: Callable[[Source], Extracted | Container] = import_module(
            f"index.extract.{self.module}"
        ).read
        return read


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        PLAIN: Format(
            "text", "plain", (".txt", ".text", ".org", ".log", ".asc", ".adoc"), is_text=True
        ),
        MARKDOWN: Format(
            "Markdown", "markdown", (".md", ".markdown", ".mdown", ".mkd", ".mkdn"), is_text=True
        ),
        RST: Format("reStructuredText", "rst", (".rst", ".rest"), is_text=True),
        HTML: Format("HTML", "html", (".html", ".htm", ".xhtml", ".xht", ".shtml"), is_text=True),
        PDF: Format("PDF", "pdf", (".pdf",)),
        DOCX: Format("Word", "docx", (".docx", ".docm", ".dotx")),
        PPTX: Format("PowerPoint", "pptx", (".pptx", ".pptm", ".ppsx")),
        XLSX: Format("Excel", "xlsx", (".xlsx", ".xlsm", ".xltx")),
        ODT: Format("OpenDocument text", "odt", (".odt", ".ott")),
        ODS: Format("OpenDocument spreadsheet", "ods", (".ods", ".ots")),
        CSV: Format("CSV", "delimited", (".csv",), is_text=True),
        TSV: Format("TSV", "delimited", (".tsv", ".tab"), is_text=True),
        RTF: Format("RTF", "rtf", (".rtf",)),
        EPUB: Format("EPUB", "epub", (".epub",)),
        MAIL: Format("mail", "mail", (".eml", ".emlx", ".mht", ".mhtml")),
        MBOX: Format("mailbox", "mbox", (".mbox", ".mbx")),
        OUTLOOK: Format("Outlook message", "outlook", (".msg",)),
        JSON: Format("JSON", "records", (".json",), is_text=True),
        JSONL: Format("JSON Lines", "jsonl", (".jsonl", ".ndjson"), is_text=True),
        ZIP: Format("zip archive", "archive", (".zip",)),
        TAR: Format("tar archive", "archive", (".tar",)),
        GZIP: Format("gzip", "archive", (".gz", ".tgz")),
        BZIP2: Format("bzip2", "archive", (".bz2", ".tbz2", ".tbz")),
        XZ: Format("xz", "archive", (".xz", ".txz")),
    }
)

SUPPORTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {kind: found.suffixes for kind, found in FORMATS.items()}
)
