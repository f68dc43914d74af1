"""The page that shows a quote in its source: the printed page, or the text around it."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from index.documents import Document
from index.errors import InvalidFilter, InvalidQuestion
from qa.answers import Citation, Reply, cite
from service.errors import Busy
from service.http.access import Access, ReadAccess
from service.links import source_link, view_path
from service.quotation import Style, quotation
from service.text import beginning, counted, shown
from service.web import addresses
from service.web.access import PathAccess
from service.web.asking import Asked, AskedHere, reply_to
from service.web.frame import frame_of
from service.web.sheets import Sheet, sheet
from service.web.showing import (
    AnswerView,
    answer_view,
    called,
    format_name,
    place_view,
    title_of,
)
from service.web.templating import page as whole
from service.web.windows import REACH, stretch, window

Zoom = Literal["100", "150", "200"]
_ZOOMS = (100, 150, 200)

# A picture's width in pixels, where a page is as wide as its column.
_WIDTH = 900
_MOST_FACTS = 40

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class _Link:
    """An address and what it is called; `current` tells that it leads to what is seen already."""

    name: str
    address: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class _Turns:
    """Where one can turn to: the page or text before and after, the quote, other sizes."""

    before: _Link | None
    after: _Link | None
    back: _Link | None
    zooms: tuple[_Link, ...]


@dataclass(frozen=True, slots=True)
class _Neighbours:
    """The answer that is looked at, the one numbered `number` of `count`, and those beside it."""

    answer: AnswerView | None
    number: int | None
    count: int
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class _About:
    """What is known of a document."""

    title: str
    file: str
    kind: str
    size: str
    facts: tuple[tuple[str, str], ...]
    original: str


@dataclass(frozen=True, slots=True)
class _Quotation:
    """A quote ready to be pasted, in the style of this name."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class _Look:
    """What is looked at: a quote in a document, as an address says.

    Without a quote, `start` and `end` are 0; `number` says which answer to the question it is.
    """

    access: Access
    document: Document
    start: int
    end: int
    asked: Asked
    number: int | None
    zoom: int

    @property
    def citation(self) -> Citation | None:
        """The citation of the quote, if there is one."""
        return cite(self.document, self.start, self.end) if self.start < self.end else None

    def is_of(self, *citations: Citation) -> bool:
        """Whether the quote is one of those that are cited."""
        here = (self.document.id, self.start, self.end)
        return here in [(one.document_id, one.start, one.end) for one in citations]

    def address(self, *, zoom: int | None = None, **turned: int) -> str:
        """The address at which the same is seen in another size, or turned to something else."""
        size = self.zoom if zoom is None else zoom
        fields = [
            *(self.asked.fields() if self.asked.question else []),
            *([] if self.number is None else [("n", str(self.number))]),
            *([] if size == _ZOOMS[0] else [("zoom", str(size))]),
            *((name, str(value)) for name, value in turned.items()),
        ]
        name = self.access.collection.name
        return addresses.view(name, self.document.id, self.start, self.end, fields)


@router.get("/view/{collection}/{document_id}")
async def view(
    request: Request,
    document_id: str,
    access: PathAccess,
    asked: AskedHere,
    start: Annotated[int, Query(ge=0)] = 0,
    end: Annotated[int, Query(ge=0)] = 0,
    n: Annotated[int | None, Query(ge=1)] = None,
    page: Annotated[int | None, Query(ge=1)] = None,
    at: Annotated[int | None, Query(ge=0)] = None,
    zoom: Zoom = "100",
) -> Response:
    """A document at `text[start:end]`, which is marked; without a quote, at its beginning.

    `q` is the question it answers, `n` which of its answers this is; `page` or `at` turn to another
    page, or to the text around another character.
    """

    def looked() -> Response:
        document = access.collection.engine.store.document(document_id)
        quoted = (start, end) if start < end <= len(document.text) else (0, 0)
        look = _Look(access, document, *quoted, asked, n, int(zoom))
        return _page(look, reply, page, at, str(request.base_url))

    reply = None
    if asked.question:
        # Where the question cannot be answered just now, the quote can be seen all the same.
        with suppress(Busy, InvalidFilter, InvalidQuestion):
            reply = await reply_to(request, access, asked)
    return await run_in_threadpool(looked)


def _page(
    look: _Look, reply: Reply | None, page: int | None, at: int | None, base: str
) -> Response:
    access, asked, citation = look.access, look.asked, look.citation
    number = look.document.page_at(look.start) if page is None else page
    printed = None if number is None else sheet(look.document, number, look.start, look.end)
    values = {
        "asked": asked,
        "again": addresses.page("/", access.collection.name, asked.fields()),
        "about": _about(look.document, access),
        "quote": None if citation is None else place_view(citation, access.collection.name),
        "text": None if citation is None else shown(citation.text),
        "neighbours": None if reply is None else _neighbours(look, reply),
        "quotations": _quotations(look, citation, base),
        "source": _on_the_web(citation),
    }
    seen = _as_text(look, at) if printed is None else _as_printed(look, printed, page)
    return whole("view.html", frame_of(access), "/view", values | seen)


@router.get("/documents/{document_id}")
def moved(
    document_id: str,
    access: ReadAccess,
    start: Annotated[int, Query(ge=0)] = 0,
    end: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """Where quotes used to be shown: leads to where they are now."""
    return RedirectResponse(view_path(access.collection.name, document_id, start, end), 308)


def _as_printed(look: _Look, printed: Sheet, page: int | None) -> dict[str, object]:
    """A printed page: its picture, what is marked on it, and its text."""
    others = [
        None if other is None else _Link(f"Page {other}", look.address(page=other))
        for other in (printed.before, printed.after)
    ]
    zooms = tuple(
        _Link(f"{zoom}%", look.address(zoom=zoom, page=printed.number), zoom == look.zoom)
        for zoom in _ZOOMS
    )
    widths = [_WIDTH * look.zoom // 100, 2 * _WIDTH]
    return {
        "printed": printed,
        "pictures": [
            addresses.document(
                look.access.collection.name,
                look.document.id,
                f"pages/{printed.number}.png",
                width=width,
            )
            for width in widths
        ],
        "zoom": look.zoom,
        "turns": _Turns(others[0], others[1], _back(look, page), zooms),
        "blocks": stretch(
            look.document,
            printed.start,
            min(printed.end, printed.start + REACH),
            look.start,
            look.end,
        ),
    }


def _as_text(look: _Look, at: int | None) -> dict[str, object]:
    """The text around the quote, or around another character."""
    seen = window(look.document, look.start, look.end, at)
    before = _Link("Earlier text", look.address(at=max(0, seen.start - REACH)))
    after = _Link("Later text", look.address(at=seen.end + REACH))
    return {
        "printed": None,
        "turns": _Turns(
            before if seen.has_before else None,
            after if seen.has_after else None,
            _back(look, at),
            (),
        ),
        "blocks": seen.blocks,
    }


def _back(look: _Look, turned: int | None) -> _Link | None:
    quoted = look.start < look.end
    return None if turned is None or not quoted else _Link("Back to the quote", look.address())


def _neighbours(look: _Look, reply: Reply) -> _Neighbours:
    """The answers to the question beside the one that is looked at."""
    name, asked = look.access.collection.name, look.asked
    answers = dict(enumerate(reply.answers, 1))
    here = None if look.number is None else answers.get(look.number)
    # What the address says of the quote may be of an index that was another one.
    number = look.number if here is not None and look.is_of(here.citation, *here.also_at) else None
    shown_here = None
    if here is not None and number is not None and look.is_of(here.citation):
        shown_here = answer_view(here, number, name, asked.fields())

    def address(of: int) -> str | None:
        beside = answers.get(of)
        if beside is None:
            return None
        fields = [*asked.fields(), ("n", str(of))]
        return place_view(beside.citation, name, fields).address

    return _Neighbours(
        answer=shown_here,
        number=number,
        count=len(answers),
        before=None if number is None else address(number - 1),
        after=address(1 if number is None else number + 1),
    )


def _quotations(look: _Look, citation: Citation | None, base: str) -> list[_Quotation]:
    if citation is None:
        return []
    path = view_path(look.access.collection.name, citation.document_id, look.start, look.end)
    link = base.rstrip("/") + path
    names = {
        Style.PLAIN: "Quotation",
        Style.MARKDOWN: "Markdown",
        Style.BIBTEX: "BibTeX",
        Style.LINK: "Link",
    }
    return [
        _Quotation(name, quotation(citation, style, metadata=look.document.metadata, link=link))
        for style, name in names.items()
    ]


def _on_the_web(citation: Citation | None) -> str | None:
    """Where the quote's document stands on the web; a page may not lead to files."""
    address = None if citation is None else source_link(citation)
    return address if address is not None and address.startswith(("http:", "https:")) else None


def _about(document: Document, access: Access) -> _About:
    size = [counted(len(document.text), "character")]
    if document.pages:
        size.insert(0, counted(document.pages[-1].number, "page"))
    facts = [
        *((shown(key), beginning(value, 300)) for key, value in document.metadata.items()),
        *(("also at", called(copy)) for copy in document.copies),
        ("SHA-256", document.sha256),
    ]
    return _About(
        title=title_of(document.title, document.uri),
        file=called(document.uri),
        kind=format_name(document.media_type),
        size=", ".join(size),
        facts=tuple(facts[:_MOST_FACTS]),
        original=addresses.document(access.collection.name, document.id, "original"),
    )
