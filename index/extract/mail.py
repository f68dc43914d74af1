"""Mail: a head of the lines people ask about, the body by its parts, attachments as documents.

The parts are numbered as IMAP does: "1" is the only part or the first one, "1.2" the second one
inside the first.
"""

import binascii
import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes, policy
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import TypeAlias

from index.errors import UnreadableDocument
from index.extract.builder import Extracted, TextBuilder
from index.extract.cleaning import clean, has_words, one_line
from index.extract.decoding import decode, looks_like_text, unicode_encoding
from index.extract.foreign import parsing
from index.extract.formats import HTML, PLAIN
from index.extract.html import read_html
from index.extract.joining import append
from index.extract.source import Container, Member, Source

HEAD = ("From", "To", "Cc", "Date", "Subject")
# A plain body this many times shorter than the HTML one only says that there is an HTML one.
STUB = 6
# Deeper parts than this are no mail that a person wrote.
DEEPEST = 50

_COUNT = re.compile(rb"\s*\d{1,10}[ \t]*\r?\n(?=[A-Za-z-]+:)")
# The charset may name a language after an asterisk.
_WORD = re.compile(r"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_PGP = "-----BEGIN PGP MESSAGE-----"
_SIGNATURES = (
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
)
_SEALED = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_ENCRYPTED = "is an encrypted message; open it in a mail program, save its text and index that"

# The standard library's other policy parses headers at once and fails on broken ones.
_Part: TypeAlias = "Message[str, str]"


def read(source: Source) -> Container:
    """See the module; members are attachments and messages inside, named by part and file name."""
    with parsing(source.name, "a message"):
        message = message_from_bytes(_plain_bytes(source.data), policy=policy.compat32)
        return _read_message(message, source.name)


def head_block(fields: dict[str, str]) -> str:
    """The lines that stand above a message: "From: Ann" and so on, for those that it has."""
    return "\n".join(f"{name}: {fields[name]}" for name in HEAD if fields.get(name))


def head_metadata(fields: dict[str, str], date: datetime | None) -> dict[str, str]:
    """The same as metadata, with the date in ISO 8601."""
    metadata = {name.lower(): fields[name] for name in HEAD if name != "Date" and fields.get(name)}
    if date is not None:
        metadata["date"] = date.isoformat()
    return metadata


def around(metadata: dict[str, str]) -> dict[str, str]:
    """What a message says of its attachments: who sent them, to whom, and when."""
    return {key: metadata[key] for key in ("from", "to", "date") if key in metadata}


def header_fields(text: str) -> dict[str, str]:
    """The lines of `head_block` and the content type in a block of headers; empty where lacking."""
    message = message_from_bytes(text.encode("utf-8", "replace"), policy=policy.compat32)
    return {field: _header(message, field) for field in (*HEAD, "Content-Type")}


def header_date(value: str) -> datetime | None:
    """The time a Date header states, in the form mail has or in ISO 8601, else None."""
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            return parse(value)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


def is_sealed(message_class: str, content_type: str, body: str) -> bool:
    """Whether Outlook's class, the content type or the body say that a message is encrypted."""
    known = message_class.lower()
    kind = content_type.lower()
    return (
        (known.startswith("ipm.note.smime") and not known.endswith("multipartsigned"))
        or kind.startswith(("multipart/encrypted", *_SEALED))
        or body.lstrip().startswith(_PGP)
    )


def _plain_bytes(data: bytes) -> bytes:
    """The message in an encoding whose ASCII is ASCII, without what mail programs put before it."""
    encoding = unicode_encoding(data)
    if encoding is not None and encoding != "utf-8":
        data = data.decode(encoding, "replace").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    counted = _COUNT.match(data)
    return data[counted.end() :] if counted else data.lstrip(b"\r\n")


def _read_message(message: _Part, name: str) -> Container:
    fields = {field: _header(message, field) for field in HEAD}
    metadata = head_metadata(fields, header_date(fields["Date"]))
    body = _Body()
    _walk(message, body, name)
    builder = TextBuilder()
    builder.block(head_block(fields))
    for number, extracted in body.texts:
        if extracted.text.lstrip().startswith(_PGP):
            raise UnreadableDocument(f"{name}: {_ENCRYPTED}")
        builder.part("part", number)
        append(builder, extracted)
    return Container(
        _members(body.attachments, around(metadata), name),
        builder.build(fields["Subject"], metadata),
    )


class _Body:
    """What a walk over the parts has found."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, Extracted]] = []
        self.attachments: list[tuple[str, _Part]] = []


def _walk(message: _Part, body: _Body, name: str) -> None:
    """Sort the parts, in order, into texts and attachments."""
    # A part with its number and whether it stands in a page, as its pictures do.
    waiting: list[tuple[_Part, str, bool]] = [(message, "", False)]
    while waiting:
        part, number, in_page = waiting.pop()
        kind = part.get_content_type()
        if kind == "multipart/encrypted" or (kind in _SEALED and not number):
            raise UnreadableDocument(f"{name}: {_ENCRYPTED}")
        if number.count(".") > DEEPEST:
            raise UnreadableDocument(f"{name}: has parts nested more than {DEEPEST} deep")
        inside = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inside, list):
            numbered = [
                (
                    inner,
                    f"{number}.{at}" if number else str(at),
                    in_page or kind.endswith("/related"),
                )
                for at, inner in enumerate(inside, 1)
                if isinstance(inner, Message)
            ]
            if kind == "multipart/alternative":
                numbered = _choose(numbered)
            waiting += reversed(numbered)
        elif kind in _SIGNATURES or (in_page and _is_furniture(part)):
            continue
        elif kind == "message/delivery-status" and isinstance(inside, list):
            text = "\n".join(str(block) for block in inside)
            body.texts.append((number or "1", _plain(text)))
        elif _is_attachment(part):
            body.attachments.append((number or "1", part))
        else:
            extracted = _text(part)
            if has_words(extracted.text):
                body.texts.append((number or "1", extracted))


def _choose(parts: list[tuple[_Part, str, bool]]) -> list[tuple[_Part, str, bool]]:
    """Of several forms of one text the plain one, unless it only says that there is another.

    Attachments that some programs put among the forms stay.
    """
    forms = [item for item in parts if not _is_attachment(item[0])]
    others = [item for item in parts if _is_attachment(item[0]) and item[0].get_filename()]
    plain = [item for item in forms if item[0].get_content_type() == PLAIN]
    rich = [
        item
        for item in forms
        if item[0].get_content_type() == HTML or item[0].get_content_maintype() == "multipart"
    ]
    if plain:
        words = len(_text(plain[0][0]).text)
        longest = max((_length(item[0]) for item in rich), default=0)
        if words and words * STUB >= longest:
            return [plain[0], *others]
    return [*(rich[:1] or plain[:1] or forms[-1:]), *others]


def _length(part: _Part) -> int:
    """How long the text of an HTML form is, also where it comes with its pictures."""
    inside = part.get_payload()
    if isinstance(inside, list):
        found = [inner for inner in inside if isinstance(inner, Message)]
        return max((_length(inner) for inner in found[:1]), default=0)
    return len(_text(part).text) if part.get_content_type() == HTML else 0


def _is_attachment(part: _Part) -> bool:
    # One that is said to have parts and has none is a text with a broken header.
    if part.get_content_maintype() not in ("text", "multipart"):
        return True
    disposition = part.get_content_disposition()
    return disposition == "attachment" or (
        part.get_filename() is not None and part.get_content_type() not in (PLAIN, HTML)
    )


def _is_furniture(part: _Part) -> bool:
    """Whether this is a picture, style or script that a page shows in its place."""
    kind = part.get_content_type()
    return part.get_content_disposition() != "attachment" and (
        part.get_content_maintype() in ("image", "audio", "video", "font")
        or kind in ("text/css", "text/javascript", "application/javascript")
        or (kind == "application/octet-stream" and part["Content-ID"] is not None)
    )


def _text(part: _Part) -> Extracted:
    text = _decoded(part)
    return read_html(text) if part.get_content_type() == HTML else _plain(text)


def _plain(text: str) -> Extracted:
    return Extracted(clean(text).strip())


def _decoded(part: _Part) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    text = decode(data, f"text/plain; charset={part.get_content_charset('')}")
    if text is None or not looks_like_text(text):
        return ""
    return text


def _members(
    attachments: list[tuple[str, _Part]], metadata: dict[str, str], name: str
) -> Iterator[Member]:
    for number, part in attachments:
        with parsing(name, "a message"):
            path = "/".join(filter(None, (number, _file_name(part))))
            member = Member(path, _content(part), part.get_content_type(), metadata)
        yield member


def _content(part: _Part) -> bytes:
    inside = part.get_payload()
    if isinstance(inside, list):
        return inside[0].as_bytes() if inside and isinstance(inside[0], Message) else b""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _file_name(part: _Part) -> str:
    name = _decode_words(part.get_filename() or "")
    return name.replace("\\", "/").rpartition("/")[2].strip()


def _header(message: _Part, name: str) -> str:
    """The first header of this name as a person reads it, on one line; empty if there is none."""
    value = next((str(raw) for key, raw in message.raw_items() if key.lower() == name.lower()), "")
    return one_line(_decode_words(value))


def _decode_words(value: str) -> str:
    """Decode "=?utf-8?q?...?=", and bytes that should have been so encoded but are not."""
    raw = value.encode("utf-8", "surrogateescape")
    text = decode(raw) or raw.decode("latin-1")
    pieces: list[str] = []
    # A character may begin in one word and end in the next, so words are decoded together.
    coded, charset, done = b"", "", 0
    for word in _WORD.finditer(text):
        between = text[done : word.start()]
        if between.strip() or word[1].lower() != charset or not done:
            pieces += [_in_charset(coded, charset), between if between.strip() or not coded else ""]
            coded, charset = b"", word[1].lower()
        coded += _word_bytes(word)
        done = word.end()
    return "".join([*pieces, _in_charset(coded, charset), text[done:]])


def _word_bytes(word: re.Match[str]) -> bytes:
    data = word[3].encode("utf-8")
    if word[2] in "qQ":
        return binascii.a2b_qp(data, header=True)
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        return word[0].encode("utf-8")


def _in_charset(data: bytes, charset: str) -> str:
    return decode(data, f"text/plain; charset={charset}") or data.decode("latin-1")
