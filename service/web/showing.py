"""Replies, citations and passages as a page shows them; pure.

Everything from a document is data: folded onto one line, with what could steer a page spelt out.
The templates escape it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import unquote

from index.documents import Hit
from index.extract.formats import FORMATS
from index.files import uri_path
from qa.answers import Answer, Citation, Reply
from service.text import (
    around,
    beginning,
    confidence_in_words,
    counted,
    file_name,
    percentage,
    range_of,
    shown,
    spot,
    visible,
)
from service.web import addresses
from service.web.addresses import Fields

# A sentence is shown with this many characters on each side of its quote: tables have long ones.
_AROUND = 280
# A passage is shown with this many.
_BEGINNING = 360
# A reply that came in less, in milliseconds, had been kept.
_KEPT = 10.0
# How the URIs of files begin that were sent without one of their own.
_UPLOAD = "upload:"


@dataclass(frozen=True, slots=True)
class PlaceView:
    """Where a quote stands: the document's title, its file, the page or part and the headings.

    `address` is that of the page that shows it there.
    """

    title: str
    file: str
    spot: str
    range: str
    address: str


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text from a document, with where it stands."""

    text: str
    place: PlaceView


@dataclass(frozen=True, slots=True)
class AnswerView:
    """An answer; `before`, `text` and `after` are its sentence. `sure` is in per cent, for a bar.

    `others` are the other places that say the same, each in its own words.
    `citation` and `digest` are for what is sent back with a verdict on the answer.
    """

    number: int
    before: str
    text: str
    after: str
    words: str
    percentage: str
    sure: int
    confidence: float
    place: PlaceView
    others: tuple[Excerpt, ...]
    citation: Citation
    digest: str


@dataclass(frozen=True, slots=True)
class ReplyView:
    """What came of a question, so far or in the end.

    `status` says it in a few words; `reason` why there is no answer, `nearest` which passages came
    near without holding one.
    """

    status: str
    reason: str
    answers: tuple[AnswerView, ...]
    nearest: tuple[Excerpt, ...]
    read: str
    done: bool


def place_view(citation: Citation, collection: str, fields: Fields = ()) -> PlaceView:
    """A citation in words; `fields` go into the address of the page that shows it."""
    title = title_of(citation.title, citation.uri)
    # A heading that only repeats the title says nothing.
    if citation.section and shown(citation.section[0]).strip() == title:
        citation = replace(citation, section=citation.section[1:])
    return PlaceView(
        title=title,
        file=_short(citation.uri),
        spot=" · ".join(spot(citation)[:-1]),
        range=range_of(citation.start, citation.end),
        address=addresses.view(
            collection, citation.document_id, citation.start, citation.end, fields
        ),
    )


def reply_view(
    reply: Reply,
    collection: str,
    asked: Fields,
    nearest: Iterable[tuple[Hit, Citation]] = (),
) -> ReplyView:
    """A reply in words; `asked` are the fields that ask it again, so that one can go on from it.

    `nearest` are the passages to show where there is no answer.
    """
    answers = tuple(
        answer_view(answer, number, collection, asked)
        for number, answer in enumerate(reply.answers, 1)
    )
    return ReplyView(
        status=_status(answers, len(reply.hits), reply.unread),
        reason=shown(reply.reason or ""),
        answers=answers,
        nearest=tuple(
            Excerpt(
                beginning(hit.passage.text, _BEGINNING), place_view(citation, collection, asked)
            )
            for hit, citation in nearest
        ),
        read=_read(len(reply.hits), reply.timings.total),
        done=not reply.unread,
    )


def answer_view(answer: Answer, number: int, collection: str, asked: Fields) -> AnswerView:
    """An answer in words, the one of this number; `asked` as for `reply_view`."""
    citation = answer.citation
    start = citation.start - answer.sentence_start
    before, quoted, after = around(answer.sentence, start, start + len(answer.text), _AROUND)
    fields = [*asked, ("n", str(number))]
    return AnswerView(
        number=number,
        before=before,
        text=quoted,
        after=after,
        words=confidence_in_words(answer.confidence),
        percentage=percentage(answer.confidence),
        sure=round(100 * answer.confidence),
        confidence=round(answer.confidence, 4),
        place=place_view(citation, collection, fields),
        others=tuple(
            Excerpt(shown(other.text), place_view(other, collection, fields))
            for other in answer.also_at
        ),
        citation=citation,
        digest=digest_of(citation.text),
    )


def digest_of(quote: str) -> str:
    """By what a quote is known again; 16 hexadecimal digits."""
    return sha256(quote.encode()).hexdigest()[:16]


def _read(passages: int, milliseconds: float) -> str:
    read = f"{counted(passages, 'passage')} read"
    # A reply that was kept took no time.
    return read if milliseconds < _KEPT else f"{read} in {milliseconds / 1000:.2f} s"


def _status(answers: Sequence[AnswerView], read: int, unread: int) -> str:
    so_far = f"Reading: {read} of {read + unread} passages."
    if not answers:
        return so_far if unread else "The documents do not say."
    first = answers[0]
    found = (
        f"{counted(len(answers), 'answer')}. The likeliest: “{first.text}”, {first.words}, "
        f"{first.percentage}."
    )
    return f"{so_far} So far {found}" if unread else found


def type_names(types: Iterable[str]) -> list[tuple[str, str]]:
    """Media types, each with what people call it; in the order of the names."""
    names = ((kind, format_name(kind)) for kind in types)
    return sorted(names, key=lambda named: named[1].casefold())


def format_name(media_type: str) -> str:
    """What people call a format."""
    return FORMATS[media_type].label if media_type in FORMATS else media_type


def title_of(title: str, uri: str) -> str:
    """A document's title on one line; without one, what the document is called."""
    return shown(title).strip() or called(uri)


def called(uri: str) -> str:
    """What a person calls the document at a URI: its path, or the name that it was sent under."""
    return shown(unquote(uri.removeprefix(_UPLOAD))) if uri.startswith(_UPLOAD) else file_name(uri)


def _short(uri: str) -> str:
    """The same, of a path only the file with the folder it lies in."""
    path = uri_path(uri)
    return called(uri) if path is None else visible("/".join(path.parts[-2:]))
