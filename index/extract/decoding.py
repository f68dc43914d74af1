"""Bytes -> characters, for the formats that are text."""

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charset_normalizer import CharsetMatch, CharsetMatches

SAMPLE = 64 * 1024

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What web browsers take these labels to mean: a superset that files so labelled often use.
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
}
# These write other characters with ASCII bytes, so that they fit UTF-8 as well.
_SHIFTING = ("iso2022", "hz")
_NOT_CHARSETS = ("utf-16", "utf-32", "utf-7", "idna", "punycode", "unicode_escape", "undefined")
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]{2,40})""", re.ASCII)
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ufffd]")


def decode(data: bytes, media_type: str | None = None) -> str | None:
    """Return the characters of `data`, or None where no encoding makes text of it.

    A byte order mark decides; then UTF-8 if it fits, unless a claimed ISO-2022 does; then UTF-16
    and UTF-32 by where the zeros are; then the encoding that the media type or the file's own first
    kilobytes name; then statistics. The result may hold control characters, surrogates never.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(encoding, "replace")
            if looks_like_text(text):
                return text
    claimed = _charset(media_type or "")
    if claimed is not None and claimed.startswith(_SHIFTING):
        shifted = _try(data, claimed)
        if shifted is not None:
            return shifted
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return (_wide(data) if _may_be_wide(text[:SAMPLE]) else None) or text
    if b"\0" in data[:SAMPLE]:
        return _wide(data) if _may_be_wide(data[:SAMPLE].decode("latin-1")) else None
    return _declared(data, media_type) or _damaged_utf8(data) or _legacy(data)


def unicode_encoding(data: bytes) -> str | None:
    """The encoding that a byte order mark or the places of zeros speak for, else None."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    return _wide_encoding(data)


def looks_like_text(text: str) -> bool:
    """Whether no character is NUL and at most one in fifty is another control or U+FFFD."""
    return "\0" not in text and len(_CONTROLS.findall(text)) * 50 <= len(text)


def looks_binary(data: bytes) -> bool:
    """Whether the first 64 KiB have NULs or many control characters, whatever the encoding."""
    return not looks_like_text(data[:SAMPLE].decode("latin-1").translate(_C1_ALLOWED))


def _try(data: bytes, encoding: str) -> str | None:
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None
    return text if looks_like_text(text) else None


def _may_be_wide(text: str) -> bool:
    """Tell the zeros of UTF-16 and UTF-32 from a few that strayed into other text."""
    zeros = text.count("\0")
    return zeros * 8 > len(text) or (zeros > 0 and not looks_like_text(text.replace("\0", "")))


def _wide(data: bytes) -> str | None:
    encoding = _wide_encoding(data)
    return None if encoding is None else _try(data, encoding)


def _wide_encoding(data: bytes) -> str | None:
    """Tell UTF-16 or UTF-32 without a mark: the high bytes of most characters are zeros."""
    head = data[:4096]
    zeros = [head[offset::4].count(0) for offset in range(4)]
    quarter = len(head) / 4
    if zeros[2] + zeros[3] > 1.9 * quarter:
        return "utf-32-le"
    if zeros[0] + zeros[1] > 1.9 * quarter:
        return "utf-32-be"
    even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if odd > 8 * even:
        return "utf-16-le"
    if even > 8 * odd:
        return "utf-16-be"
    return None


def _declared(data: bytes, media_type: str | None) -> str | None:
    """Decode by the charset in the media type, a <meta> element or an XML declaration."""
    head = data[:4096]
    places = [(media_type or "").encode("ascii", "replace")]
    if re.search(rb"<(?:meta|\?xml)\b", head, re.IGNORECASE):
        places.append(head)
    for place in places:
        for label in _DECLARED.findall(place):
            encoding = _codec(label.decode("ascii"))
            text = None if encoding is None else _try(data, encoding)
            if text is not None:
                return text
    return None


def _charset(media_type: str) -> str | None:
    found = _DECLARED.search(media_type.encode("ascii", "replace"))
    return None if found is None else _codec(found[1].decode("ascii"))


def _codec(label: str) -> str | None:
    """The codec that reads what is labelled so, None where there is none for texts."""
    label = label.lower()
    for direction in ("-i", "-e"):
        # The Hebrew and Arabic sets with their way of ordering lines: ISO-8859-8-I.
        label = label.removesuffix(direction) if label.startswith("iso") else label
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return None
    return None if name.startswith(_NOT_CHARSETS) else _WIDER.get(name, name)


def _damaged_utf8(data: bytes) -> str | None:
    """Decode UTF-8 with a few bad bytes, each of which becomes U+FFFD."""
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = len(re.findall("[^\x00-\x7f\ufffd]", text))
    return text if bad * 10 <= good and looks_like_text(text) else None


def _legacy(data: bytes) -> str | None:
    """Decode by the statistics of the first 64 KiB, or as Western European if these are silent."""
    from charset_normalizer import from_bytes

    if looks_binary(data):
        return None
    sample = data[:SAMPLE].rpartition(b"\n")[0] or data[:SAMPLE]
    guesses = from_bytes(sample)
    best = guesses.best()
    if best is None or (_is_mostly_ascii(sample) and _may_be_western(guesses, best)):
        return _try(data, "cp1252")
    return _try(data, best.encoding) or _try(data, "cp1252")


def _is_mostly_ascii(sample: bytes) -> bool:
    return len(sample.translate(None, bytes(range(128)))) * 3 <= len(sample)


def _may_be_western(guesses: "CharsetMatches", best: "CharsetMatch") -> bool:
    """Whether Western European, by far the most common, is about as likely as the best guess.

    The sparse accents of a short text often fit several encodings alike, and the order in which
    these are tried would decide. Coherence 0 means that no language was made out.
    """
    return best.coherence == 0 or any(
        guess.encoding == "cp1252"
        and guess.chaos <= best.chaos + 0.01
        and guess.coherence >= best.coherence - 0.02
        for guess in guesses
    )


# In latin-1 the bytes 0x80-0x9F are controls, in most other encodings they are characters.
_C1_ALLOWED = dict.fromkeys(range(0x80, 0xA0), "x")
