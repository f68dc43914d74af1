"""Outlook messages (.msg): read like mail, from the properties Outlook keeps in a compound file.

The body is part "1" and the attachments are numbered after it, as they would be in mail.
"""

import io
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from index.errors import UnreadableDocument
from index.extract.builder import Extracted, TextBuilder
from index.extract.cleaning import clean, has_words, one_line
from index.extract.decoding import decode
from index.extract.foreign import parsing
from index.extract.formats import OUTLOOK
from index.extract.html import read_html
from index.extract.joining import append
from index.extract.mail import (
    around,
    head_block,
    head_metadata,
    header_date,
    header_fields,
    is_sealed,
)
from index.extract.source import Container, Member, Source

if TYPE_CHECKING:
    from oxmsg.properties import Properties
    from oxmsg.storage import Storage

# Where the properties begin in their stream: of the message, of one inside it, of other objects.
TOP_OFFSET, EMBEDDED_OFFSET, OBJECT_OFFSET = 32, 24, 8
_EMBEDDED = "__substg1.0_3701000D"
_RECIPIENT_KIND = 0x0C15
_FIELD_OF_KIND = {1: "To", 2: "Cc"}
_ENCRYPTED = "is an encrypted message; open it in Outlook, save its text and index that"


def read(source: Source) -> Container:
    """See the module; members are the attachments, messages among them."""
    with parsing(source.name, "an Outlook message"):
        from olefile import OleFileIO
        from oxmsg.storage import Storage

        with OleFileIO(io.BytesIO(source.data)) as file:
            # Entries may share their bytes, so that a small file unpacks to a large one.
            source.budget.take_expanded(sum(entry.size for entry in file.direntries if entry))
            storage = Storage.from_ole(file)
        own, metadata = _message(storage, TOP_OFFSET, source.name)
        members = list(
            _members(storage, source.name, around(metadata), "", source.budget.limits.depth)
        )
    return Container(members, own)


def _message(storage: "Storage", offset: int, name: str) -> tuple[Extracted, dict[str, str]]:
    from oxmsg.domain import constants as pid

    properties = _properties(storage, offset)
    headers = header_fields(_text(properties, pid.PID_TRANSPORT_MESSAGE_HEADERS))
    body = clean(_text(properties, pid.PID_BODY)).strip()
    if is_sealed(_text(properties, pid.PID_MESSAGE_CLASS), headers["Content-Type"], body):
        raise UnreadableDocument(f"{name}: {_ENCRYPTED}")
    recipients = _recipients(storage)
    sender = _person(
        _text(properties, pid.PID_SENDER_NAME) or _text(properties, pid.PID_SENT_REPRESENTING_NAME),
        _text(properties, pid.PID_SENDER_SMTP_ADDRESS)
        or _text(properties, pid.PID_SENDER_EMAIL_ADDRESS),
    )
    sent = _date(properties, pid.PID_CLIENT_SUBMIT_TIME) or _date(
        properties, pid.PID_MESSAGE_DELIVERY_TIME
    )
    fields = {
        "From": headers["From"] or sender,
        "To": headers["To"] or recipients["To"] or _text(properties, pid.PID_DISPLAY_TO),
        "Cc": headers["Cc"] or recipients["Cc"] or _text(properties, pid.PID_DISPLAY_CC),
        "Date": headers["Date"] or ("" if sent is None else f"{sent:%Y-%m-%d %H:%M} UTC"),
        "Subject": _text(properties, pid.PID_SUBJECT) or headers["Subject"],
    }
    fields = {key: one_line(value) for key, value in fields.items()}
    metadata = head_metadata(fields, header_date(headers["Date"]) or sent)
    builder = TextBuilder()
    builder.block(head_block(fields))
    builder.part("part", "1")
    append(builder, Extracted(body) if has_words(body) else read_html(_html(properties)))
    return builder.build(fields["Subject"], metadata), metadata


def _members(
    storage: "Storage", name: str, metadata: dict[str, str], above: str, depth: int
) -> Iterator[Member]:
    from oxmsg.domain import constants as pid

    for at, attachment in enumerate(storage.iter_attachment_storages(), 2):
        number = f"{above}{at}"
        properties = _properties(attachment, OBJECT_OFFSET)
        inside = [inner for inner in attachment.storages if inner.name == _EMBEDDED]
        if inside and depth > 0:
            try:
                own, said = _message(inside[0], EMBEDDED_OFFSET, name)
            except UnreadableDocument:
                yield Member(number, problem=_ENCRYPTED)
                continue
            yield Member(number, own, OUTLOOK, metadata)
            yield from _members(inside[0], name, around(said), f"{number}.", depth - 1)
            continue
        file_name = _text(properties, pid.PID_ATTACH_LONG_FILENAME) or _text(
            properties, pid.PID_ATTACH_FILENAME
        )
        file_name = file_name.replace("\\", "/").rpartition("/")[2].strip("\0 ")
        content = _bytes(attachment, pid.PID_ATTACH_DATA_BINARY)
        kind = _text(properties, pid.PID_ATTACH_MIME_TAG) or None
        path = f"{number}/{file_name}" if file_name else number
        if content is None:
            yield Member(path, problem="is kept elsewhere and not in the message; index that file")
        else:
            yield Member(path, content, kind, metadata)


def _recipients(storage: "Storage") -> dict[str, str]:
    from oxmsg.domain import constants as pid

    found: dict[str, list[str]] = {field: [] for field in _FIELD_OF_KIND.values()}
    for recipient in storage.iter_recipient_storages():
        properties = _properties(recipient, OBJECT_OFFSET)
        field = _FIELD_OF_KIND.get(properties.int_prop_value(_RECIPIENT_KIND) or 1)
        if field is not None:
            address = _text(properties, pid.PID_SMTP_ADDRESS) or _text(
                properties, pid.PID_EMAIL_ADDRESS
            )
            found[field].append(_person(_text(properties, pid.PID_DISPLAY_NAME), address))
    return {field: ", ".join(filter(None, people)) for field, people in found.items()}


def _person(name: str, address: str) -> str:
    name = name.strip()
    if not address or address == name:
        return name
    return f"{name} <{address}>" if name else address


def _properties(storage: "Storage", offset: int) -> "Properties":
    from oxmsg.properties import Properties

    return Properties(storage, properties_header_offset=offset)


def _text(properties: "Properties", pid: int) -> str:
    try:
        return (properties.str_prop_value(pid) or "").rstrip("\0")
    # The property is listed and its stream is missing, or is in no such encoding.
    except (KeyError, UnicodeDecodeError, LookupError):
        return ""


def _html(properties: "Properties") -> str:
    from oxmsg.domain import constants as pid

    try:
        data: bytes | None = properties.binary_prop_value(pid.PID_HTML)
    except KeyError:
        data = None
    if not data:
        return _text(properties, pid.PID_BODY_HTML)
    return decode(data, f"text/html; charset={properties.body_encoding}") or ""


def _bytes(storage: "Storage", pid: int) -> bytes | None:
    name = f"__substg1.0_{pid:04X}0102"
    streams: Any = storage.streams
    found: bytes | None = next((stream.bytes_ for stream in streams if stream.name == name), None)
    return found


def _date(properties: "Properties", pid: int) -> datetime | None:
    try:
        found: datetime | None = properties.date_prop_value(pid)
    except (OverflowError, AttributeError, struct.error):
        return None
    return None if found is None else found.astimezone(UTC)
