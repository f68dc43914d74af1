"""ZIP-based documents: what they unpack to is counted first, and libraries get a plain copy.

The copy holds the XML of the original, uncompressed, and the other parts empty; so no library meets
a bomb, a size that lies, an encrypted entry or an XML entity.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence

from index.errors import DocumentTooLarge, UnreadableDocument
from index.extract.source import Source

MOST_ENTRIES = 50_000
_CHUNK = 2**20
_ENCRYPTED = 0x1
_ENCODING = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([^"'>]*)""")
_ENCODINGS = (b"utf-8", b"utf-16", b"us-ascii", b"ascii", b"iso-8859-", b"windows-125")
_STRICT = re.compile(rb"""(=["'])http://purl\.oclc\.org/ooxml/(\w+)/(\w+)""")
_XML = (".xml", ".rels", ".vml", ".rdf")

# What the standard library raises for archives that are broken or made to break it.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    NotImplementedError,
    OverflowError,
)


def check_archive(
    source: Source, wanted: Callable[[str], bool] = lambda _: True
) -> zipfile.ZipFile:
    """Open a document that is a ZIP archive and take what its entries unpack to from the budget.

    Args:
        source: the document.
        wanted: by name, which entries are going to be unpacked; the others do not count.

    Raises:
        UnreadableDocument: it is damaged, or one of these entries is encrypted.
        DocumentTooLarge: they unpack to more than is left, or there are too many.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(source.data))
    except DAMAGE as error:
        raise _damaged(source) from error
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise DocumentTooLarge(
            f"{source.name}: has {len(entries):,} parts, more than the {MOST_ENTRIES:,} a document "
            "may; save it again in the program it comes from"
        )
    take_entries(source, [entry for entry in entries if wanted(entry.filename)])
    return archive


def take_entries(source: Source, entries: Sequence[zipfile.ZipInfo]) -> None:
    """Take what entries unpack to from the budget.

    Raises:
        UnreadableDocument: one of them is encrypted.
        DocumentTooLarge: they unpack to more than is left.
    """
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise UnreadableDocument(
            f"{source.name}: is encrypted; save a copy without a password and index that"
        )
    source.budget.take_expanded(sum(entry.file_size for entry in entries))


def read_entry(archive: zipfile.ZipFile, name: str, source: Source) -> bytes:
    """The bytes of one entry, at most as many as the archive says that it has.

    Raises:
        UnreadableDocument: there is no such entry, or it is damaged.
    """
    pieces: list[bytes] = []
    try:
        with archive.open(name) as file:
            # Read at once, an entry may unpack to far more than it says before it is cut.
            while piece := file.read(_CHUNK):
                pieces.append(piece)
    except (KeyError, *DAMAGE) as error:
        raise _damaged(source) from error
    return b"".join(pieces)


def plain_copy(source: Source) -> io.BytesIO:
    """An archive of the XML parts of an office document; its other parts are there, but empty.

    The names of the strict variant of Open XML become those of the usual one, which libraries know.

    Raises:
        UnreadableDocument: it is damaged or encrypted, or its XML declares a document type.
        DocumentTooLarge: its XML unpacks to more than is left of the budget.
    """
    copy = io.BytesIO()
    seen: set[str] = set()
    with check_archive(source, _is_xml) as archive, zipfile.ZipFile(copy, "w") as plain:
        for entry in archive.infolist():
            name = entry.filename
            if name in seen or name.endswith("/"):
                continue
            seen.add(name)
            content = b""
            if _is_xml(name):
                content = read_entry(archive, name, source)
                if name != "mimetype":
                    check_xml(content, source)
                content = _STRICT.sub(rb"\1http://schemas.openxmlformats.org/\2/2006/\3", content)
            plain.writestr(zipfile.ZipInfo(name), content)
    copy.seek(0)
    return copy


def check_xml(content: bytes, source: Source) -> None:
    """Refuse XML that could grow as it is parsed, or point to other files.

    Raises:
        UnreadableDocument: it declares entities, or is in an encoding that could hide them.
    """
    coded = content.replace(b"\0", b"") if b"\0" in content[:4] else content
    start = coded[:256].removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe \t\r\n")
    encoding = _ENCODING.match(start)
    if content and not start.startswith(b"<"):
        raise _damaged(source)
    if encoding is not None and not encoding[1].lower().startswith(_ENCODINGS):
        raise _damaged(source)
    if b"<!ENTITY" in coded:
        raise UnreadableDocument(
            f"{source.name}: its XML declares entities, which documents do not need and attacks do;"
            " save it again in the program it comes from"
        )


def _damaged(source: Source) -> UnreadableDocument:
    return UnreadableDocument(
        f"{source.name}: is damaged; open it in the program it comes from, save it again and index "
        "that"
    )


def _is_xml(name: str) -> bool:
    return name.lower().endswith(_XML) or name == "mimetype"
