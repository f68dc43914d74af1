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
_NOT_CHARSETS = ("utf-16", "utf-32", "utf-7", "idna", "punycode", "unicode_escape", "undefined")
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]{2,40})""", re.ASCII)
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ufffd]")


def decode(data: bytes, media_type: str | None = None) -> str | None:
    """Return the characters of `data`, or None where no encoding makes text of it.

    A byte order mark decides; then UTF-8 if it fits; then UTF-16 and UTF-32 by where the zeros
    are; then the encoding that the media type or the file's own first kilobytes name; then
    statistics. The result may hold control characters, surrogates never.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(encoding, "replace")
            if looks_like_text(text):
                return text
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return (_wide(data) if "\0" in text[:SAMPLE] else None) or text
    if b"\0" in data[:SAMPLE]:
        return _wide(data)
    return _declared(data, media_type) or _damaged_utf8(data) or _legacy(data)


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


def _wide(data: bytes) -> str | None:
    """Decode UTF-16 or UTF-32 without a mark: the high bytes of most characters are zeros."""
    head = data[:4096]
    zeros = [head[offset::4].count(0) for offset in range(4)]
    quarter = len(head) / 4
    if zeros[2] + zeros[3] > 1.9 * quarter:
        return _try(data, "utf-32-le")
    if zeros[0] + zeros[1] > 1.9 * quarter:
        return _try(data, "utf-32-be")
    even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if odd > 8 * even:
        return _try(data, "utf-16-le")
    if even > 8 * odd:
        return _try(data, "utf-16-be")
    return None


def _declared(data: bytes, media_type: str | None) -> str | None:
    """Decode by the charset in the media type, a <meta> element or an XML declaration."""
    head = data[:4096]
    places = [(media_type or "").encode("ascii", "replace")]
    if re.search(rb"<(?:meta|\?xml)\b", head, re.IGNORECASE):
        places.append(head)
    for place in places:
        for label in _DECLARED.findall(place):
            try:
                name = codecs.lookup(label.decode("ascii")).name
            except LookupError:
                continue
            if not name.startswith(_NOT_CHARSETS):
                text = _try(data, _WIDER.get(name, name))
                if text is not None:
                    return text
    return None


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
