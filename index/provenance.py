"""Where the bytes of a document are, and having them: as a file, or a page of them as a picture.

What was sent is kept (`index.originals`); what came from a file is read from it again, if it is
still the same. Nothing that was sent makes this read a file, whatever its URI may be.
"""

import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import PurePosixPath
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, TypeVar
from urllib.parse import unquote

from index.documents import INSIDE, Document
from index.errors import LostOriginal, UnknownPage
from index.extract.cleaning import one_line
from index.extract.formats import FORMATS, PDF
from index.extract.source import Limits
from index.files import uri_path
from index.originals import Originals
from index.rendering import PageImage
from index.sandbox.jobs import check_digest, open_regular, opened
from index.sandbox.workers import Extractor, Held
from index.store import Origin, PassageStore
from index.sync import hints, is_upload

# The places at which a document's bytes are looked for: copies of it may stand at any number.
_MOST_PLACES = 16

# So many bytes of a file are held in memory, and more of them on the disk.
_IN_MEMORY = 8 * 2**20
_STEP = 2**20

# A file's name and its ending are cut where they are longer.
_LONGEST_NAME, _LONGEST_ENDING = 200, 20
_UNSAFE = re.compile(r'[\\/:*?"<>|]')

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Original:
    """The file that a document was read from; close it.

    `file` is at its beginning and has `size` bytes; `name` is a file name without a folder.
    `sha256` is the digest of these bytes, in hexadecimal: the document's, but where the document
    has no file of its own (a record, a line of JSON Lines), the one of the file that holds it.
    """

    name: str
    media_type: str
    sha256: str
    size: int
    file: IO[bytes]

    def __enter__(self) -> "Original":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.file.close()


def original_of(
    document: Document, store: PassageStore, originals: Originals | None, extractor: Extractor
) -> Original:
    """The bytes that a document was read from.

    Raises:
        LostOriginal: they are not to be had: the file has changed or gone, or was not kept.
        DocumentError: they cannot be read, or not taken out of the file that they are in.
    """

    def had(held: Held, kept: bool) -> Original:
        if held.inside:
            return _taken(document, held, extractor)
        return _whole(document, held, kept)

    return _first(document, store, originals, had)


def page_image_of(
    document: Document,
    page: int,
    width: int,
    store: PassageStore,
    originals: Originals | None,
    extractor: Extractor,
) -> PageImage:
    """A page of a PDF, one-based, as a picture; see `index.rendering.draw`.

    Raises:
        UnknownPage: the document has no such page, or is no PDF.
        LostOriginal: see `original_of`.
        DocumentError: it cannot be drawn.
        ValueError: the width is not one that is drawn.
    """
    if document.media_type != PDF:
        raise UnknownPage(f"{label(document)}: is no PDF; only pages of PDFs can be drawn")
    return _first(
        document,
        store,
        originals,
        lambda held, _: extractor.page_image(held, page, width).result(),
    )


def digests_of(document: Document, store: PassageStore) -> set[str]:
    """The digests of the files at whose places a document stands."""
    places = (document.uri, *document.copies)
    return {origin.sha256 for place in places for origin, _ in _origins(place, store)}


def label(document: Document) -> str:
    """What messages call a document: its name, on one line."""
    return one_line(_name_at(document.uri)) or one_line(document.title) or document.id


def _first(
    document: Document,
    store: PassageStore,
    originals: Originals | None,
    had: Callable[[Held, bool], _Result],
) -> _Result:
    """What `had` makes of the first place at which the document's bytes still are."""
    lost: LostOriginal | None = None
    for held, kept in _holders(document, store, originals):
        try:
            return had(held, kept)
        except LostOriginal as error:
            lost = lost or error
    raise lost or LostOriginal(
        f"{label(document)}: its original is not kept; send it again, or index its file again"
    )


def _holders(
    document: Document, store: PassageStore, originals: Originals | None
) -> Iterator[tuple[Held, bool]]:
    """Where the bytes of a document are, or were, place by place, and whether they are kept."""
    for place in (document.uri, *document.copies)[:_MOST_PLACES]:
        for origin, inside in _origins(place, store):
            path = None if is_upload(origin.recipe) else uri_path(origin.uri)
            kept = path is None
            name, media_type = _name_at(origin.uri) or "file", None
            if kept and originals is not None:
                path = originals.path(origin.sha256)
                ending, media_type = hints(origin.recipe)
                name = name if name.lower().endswith(ending) else name + ending
            if not origin.sha256 or path is None or (kept and not path.exists()):
                continue
            # What could not be read when it had changed has left its documents behind, so that
            # the digest of the origin is not theirs.
            sha256 = origin.sha256 if inside else document.sha256
            wanted = document.sha256 if inside else ""
            yield Held(name, sha256, path, b"", inside, wanted, media_type), kept


def _origins(place: str, store: PassageStore) -> Iterator[tuple[Origin, str]]:
    """The origins in which a place may be, and the rest of the place behind each one's URI."""
    steps = place.split(INSIDE)
    for count in range(len(steps), max(0, len(steps) - 1 - Limits().depth), -1):
        uri = INSIDE.join(steps[:count])
        for state in store.origins(uri):
            yield state.origin, place[len(uri) :]


def _whole(document: Document, held: Held, kept: bool) -> Original:
    """The file itself, as it was when its digest was found right."""
    with ExitStack() as stack:
        if kept:
            # Nobody writes to it.
            file = stack.enter_context(_open_kept(held))
            size, found = _copied(iter(lambda: file.read(_STEP), b""), None)
        else:
            # The file may change while it is sent on, so that a copy is taken.
            file = stack.enter_context(SpooledTemporaryFile(_IN_MEMORY))
            with opened(held, Limits()) as (_, pieces):
                size, found = _copied(pieces, file)
        check_digest(held, found, held.sha256)
        file.seek(0)
        stack.pop_all()
    name = _file_name(held.name, document.media_type)
    return Original(name, document.media_type, found, size, file)


def _open_kept(held: Held) -> IO[bytes]:
    assert held.path is not None  # noqa: S101 - kept files have one
    try:
        return open_regular(held.path, held.name)
    except FileNotFoundError as error:
        raise LostOriginal(f"{held.name}: its original is not kept any more") from error


def _copied(pieces: Iterable[bytes], to: IO[bytes] | None) -> tuple[int, str]:
    """Copy a file, or only read it: its size and its digest."""
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        if to is not None:
            to.write(piece)
    return size, digest.hexdigest()


def _taken(document: Document, held: Held, extractor: Extractor) -> Original:
    """A file out of the one it stands in; of a record, the file that holds it."""
    taken = extractor.take(held).result()
    media_type = taken.media_type or document.media_type
    name = _file_name(_name_at(taken.inside) or held.name, media_type)
    sha256 = hashlib.sha256(taken.data).hexdigest()
    return Original(name, media_type, sha256, len(taken.data), io.BytesIO(taken.data))


def _name_at(place: str) -> str:
    """The last name in a URI or a path."""
    path = re.split("[?#]", place, maxsplit=1)[0].removesuffix("/")
    return one_line(unquote(path.rpartition("/" if "/" in path else ":")[2]))


def _file_name(name: str, media_type: str) -> str:
    """A name under which a file of this kind can be saved anywhere."""
    safe = _UNSAFE.sub("_", "".join(c for c in name if c.isprintable())).strip(" .") or "document"
    known = FORMATS.get(media_type)
    ending = PurePosixPath(safe).suffix[:_LONGEST_ENDING]
    stem = safe.removesuffix(ending)
    if not ending and known is not None:
        ending = known.suffixes[0]
    return stem[: _LONGEST_NAME - len(ending)] + ending
