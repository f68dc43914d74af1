"""What some bytes are, and what the module for their format makes of them."""

from urllib.parse import quote

from index.documents import INSIDE
from index.errors import DocumentTooLarge, UnreadableDocument, UnsupportedFormat
from index.extract.builder import Extracted
from index.extract.cleaning import one_line
from index.extract.decoding import decode, looks_binary, looks_like_text
from index.extract.formats import FORMATS
from index.extract.sniff import ADVICE, binary_kind, text_kind
from index.extract.source import Budget, Container, Member, Reading, Source


def content_of(
    data: bytes, name: str, media_type: str | None, budget: Budget, options: Reading
) -> tuple[str, Extracted | Container]:
    """Return the media type found and what its extractor made of the bytes.

    `name` is on one line; reasons begin with it, and its suffix is a hint, as `media_type` is.

    Raises:
        DocumentError: nothing could be made of them.
    """
    if not data.strip():
        raise UnreadableDocument(f"{name}: is empty; there is nothing in it to index")
    kind = binary_kind(data, name, media_type)
    if kind is not None:
        if kind not in FORMATS:
            raise _unsupported(name, "looks like", kind)
        _check_size(data, name, budget.limits.binary_bytes)
        return kind, FORMATS[kind].read(Source(data, name, budget, options=options))
    _check_size(data, name, budget.limits.text_bytes)
    text = decode(data, media_type)
    if looks_binary(data) if text is None else not looks_like_text(text):
        raise _unsupported(name, "looks like", "binary data")
    if text is None:
        raise UnreadableDocument(
            f"{name}: is not text in any encoding known here; save it as UTF-8 and index that"
        )
    kind = text_kind(text, name, media_type)
    if kind not in FORMATS:
        raise _unsupported(name, "is", kind)
    return kind, FORMATS[kind].read(Source(data, name, budget, text, options))


def label_of(name: str) -> str:
    """A file's name on one line, as reasons begin with it."""
    return one_line(name) or "file"


def path_of(member: Member) -> str:
    """A member's name as it can be written: it may come from bytes in no encoding."""
    return member.name.encode("utf-8", "replace").decode()


def place_of(member: Member) -> str:
    """How the URI of a container goes on for a member of it; "!/" stands nowhere else in it."""
    return INSIDE + quote(path_of(member), safe="/ ()[],;=@&+$'~")


def _check_size(data: bytes, name: str, limit: int) -> None:
    if len(data) > limit:
        raise DocumentTooLarge(
            f"{name}: has {len(data):,} bytes, more than the {limit:,} a file of its format is read"
            " up to; split it and index the parts"
        )


def _unsupported(name: str, verb: str, kind: str) -> UnsupportedFormat:
    advice = ADVICE.get(kind, "see: pincite formats")
    return UnsupportedFormat(f"{name}: {verb} {kind}, which is not read; {advice}")
