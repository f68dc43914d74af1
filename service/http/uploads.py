"""Uploads as they are sent: a text as JSON, or files as a form."""

import io
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO
from urllib.parse import quote

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from index.documents import INSIDE
from service.host.job_records import Upload
from service.host.jobs import Jobs
from service.schemas import TextRequest
from service.schemas.documents import MOST_TITLE, MOST_URI, Metadata

MOST_FILES = 100
_MOST_NAME = 1000
_MOST_FIELD = 128 * 1024
_FIELDS = ("file", "uri", "title", "metadata")

# What such a URI names is not where a document comes from: a file of ours, a program, itself.
_REFUSED_SCHEMES = frozenset({"blob", "data", "file", "javascript"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_metadata = TypeAdapter(Metadata)


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as it was sent, with what was told of it."""

    stream: BinaryIO
    name: str
    uri: str
    media_type: str | None = None
    title: str | None = None
    metadata: Mapping[str, str] | None = None


@asynccontextmanager
async def sent(request: Request) -> AsyncIterator[list[Sent]]:
    """The files that a request sends; their streams are closed after the block.

    Raises:
        HTTPException, RequestValidationError: the request has not the form that is expected.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        yield [_from_json(await request.body())]
    elif kind == "multipart/form-data":
        form = await _form(request)
        try:
            yield _from_form(form)
        finally:
            await form.close()
    else:
        raise HTTPException(415, "Send application/json or multipart/form-data.")


def spooled(jobs: Jobs, files: Sequence[Sent]) -> list[Upload]:
    """The files with their bytes in the spool: all of them, or none.

    Raises:
        UnavailableIndex: they cannot be written.
    """
    uploads: list[Upload] = []
    try:
        for file in files:
            kept = jobs.spool(file.stream)
            uploads.append(
                Upload(file.name, file.uri, kept, file.media_type, file.title, file.metadata)
            )
    except BaseException:
        jobs.drop([upload.spooled for upload in uploads])
        raise
    return uploads


class _Parser(MultiPartParser):
    """Refuses a form that does not come to its end: its last file would be missing, unnoticed."""

    def __init__(self, request: Request) -> None:
        super().__init__(
            request.headers,
            self._whole(request),
            max_files=MOST_FILES,
            max_fields=len(_FIELDS),
            max_part_size=_MOST_FIELD,
        )
        self._ended = False

    def on_end(self) -> None:
        """The last boundary has come."""
        self._ended = True

    async def _whole(self, request: Request) -> AsyncGenerator[bytes, None]:
        async for part in request.stream():
            yield part
        # Raised here, so that what has been opened is closed again.
        if not self._ended:
            raise MultiPartException("The form ends before its last boundary; send all of it.")


async def _form(request: Request) -> FormData:
    try:
        return await _Parser(request).parse()
    except MultiPartException as error:
        raise HTTPException(400, error.message) from error


def _from_json(body: bytes) -> Sent:
    try:
        text = TextRequest.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from error
    data = text.text.encode()
    uri = f"text:{sha256(data).hexdigest()[:16]}" if text.uri is None else _checked(text.uri)
    # What is sent as text is UTF-8, whatever a heading in it may say.
    media_type = f"{text.media_type}; charset=utf-8"
    name = "text" if text.uri is None else text.uri
    return Sent(io.BytesIO(data), name, uri, media_type, text.title, text.metadata)


def _from_form(form: FormData) -> list[Sent]:
    files = [part for part in form.getlist("file") if isinstance(part, UploadFile)]
    told = {name: form.get(name) for name in _FIELDS[1:]}
    whole = len(files) + sum(value is not None for value in told.values())
    if not files or len(form.multi_items()) != whole:
        raise HTTPException(
            422,
            "Send one or more files in the field file, and besides no fields but uri, title and "
            "metadata, each once.",
        )
    fields = {name: _field(name, value) for name, value in told.items()}
    uri, title = fields["uri"], fields["title"]
    if len(files) > 1 and (uri is not None or title is not None):
        raise HTTPException(422, "A uri or title can be given for one file only; leave it out.")
    metadata = None if fields["metadata"] is None else _read_metadata(fields["metadata"])
    found = []
    for place, file in enumerate(files, 1):
        name = file.filename or f"file {place}"
        if len(name) > _MOST_NAME:
            raise HTTPException(422, f"A file's name is longer than {_MOST_NAME:,} characters.")
        own = f"upload:{quote(name, safe='')}" if uri is None else _checked(uri)
        found.append(Sent(file.file, name, own, file.content_type, title, metadata))
    return found


def _field(name: str, value: object) -> str | None:
    most = {"uri": MOST_URI, "title": MOST_TITLE}.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value or (most is not None and len(value) > most):
        limit = "" if most is None else f" of at most {most:,} characters"
        raise HTTPException(422, f"The field {name} must be a text{limit} that is not empty.")
    return value


def _read_metadata(text: str) -> dict[str, str]:
    try:
        return _metadata.validate_json(text)
    except ValidationError as error:
        raise HTTPException(
            422, 'The field metadata must be a JSON object of texts, as in {"language": "en"}.'
        ) from error


def _checked(uri: str) -> str:
    """A URI that may be an upload's.

    Raises:
        HTTPException: it may not.
    """
    if uri != uri.strip() or _CONTROL.search(uri):
        raise HTTPException(422, "The uri has white space at an end, or a control character.")
    scheme = _SCHEME.match(uri)
    if scheme is not None and scheme[1].lower() in _REFUSED_SCHEMES:
        raise HTTPException(
            422,
            f"The uri begins with {scheme[1].lower()}:, which an upload's may not; give the "
            "address it comes from, or leave it out.",
        )
    if INSIDE in uri:
        raise HTTPException(
            422, f"The uri holds {INSIDE}, which parts a file from what is in it; write %21/."
        )
    return uri
