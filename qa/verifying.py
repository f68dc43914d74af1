"""Whether a quote still stands where a citation said, has moved, or is gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from index.documents import Document
from index.errors import UnknownDocument
from index.store import PassageStore
from qa.answers import Citation, cite

# Of a quote that stands at many places, so many on each side of where it stood are weighed.
MOST_WEIGHED = 1_000


@dataclass(frozen=True, slots=True)
class Claim:
    """A citation as it was given once: the document's text held `text` from `start` on.

    `prefix` and `suffix` stood right before and after it; empty where that is not known. `uri` is
    where the document came from and `sha256` the digest of its bytes, in hexadecimal, where known.
    """

    document_id: str
    start: int
    text: str
    prefix: str = ""
    suffix: str = ""
    uri: str | None = None
    sha256: str | None = None


class Standing(StrEnum):
    """What has become of a quote."""

    STANDS = "stands"
    MOVED = "moved"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What has become of a quote: where it stands now, or why it is gone."""

    standing: Standing
    citation: Citation | None
    reason: str | None


def verify(store: PassageStore, claim: Claim) -> Verdict:
    """Look for a quote where it was said to stand, then elsewhere, character for character.

    Elsewhere is the same document, then the one that is at its URI now, then those with the same
    bytes. It is nowhere else looked for: that other documents say the same proves nothing.
    """
    unknown = True
    for document in _documents(store, claim):
        unknown = False
        start = find_again(document.text, claim)
        if start is None:
            continue
        stands = document.id == claim.document_id and start == claim.start
        return Verdict(
            Standing.STANDS if stands else Standing.MOVED,
            cite(document, start, start + len(claim.text)),
            None,
        )
    reason = (
        "The document is not in the index, nor is another at its URI or with its content."
        if unknown
        else "The document does not hold this text any more."
    )
    return Verdict(Standing.GONE, None, reason)


def _documents(store: PassageStore, claim: Claim) -> Iterator[Document]:
    """The documents in which the quote may stand, likeliest first, each once."""
    seen = set()
    for document_id in _ids(store, claim):
        if document_id in seen:
            continue
        seen.add(document_id)
        try:
            yield store.document(document_id)
        except UnknownDocument:
            continue


def _ids(store: PassageStore, claim: Claim) -> Iterator[str]:
    yield claim.document_id
    if claim.uri is not None and (at_uri := store.find(claim.uri)) is not None:
        yield at_uri.id
    if claim.sha256 is not None:
        yield from (one.id for one in store.documents() if one.sha256 == claim.sha256.lower())


def find_again(text: str, claim: Claim) -> int | None:
    """Where the quote begins in a text now, in code points; None if it is not there.

    Where it stood, if it stands there still. Otherwise where what adjoined it adjoins it still;
    where only a part of that does, where the most of it does, of the `MOST_WEIGHED` places
    before and after. Of equal places the nearest, and of two equally near ones the first. The time
    grows with the length of the text, whatever it holds.
    """
    quote = claim.text
    if text.startswith(quote, claim.start):
        return claim.start
    whole = claim.prefix + quote + claim.suffix
    before = len(claim.prefix)
    places = [place + before for place in _nearest(text, whole, claim.start - before, 1)]
    if not places:
        places = _nearest(text, quote, claim.start, MOST_WEIGHED)
    return min(
        places,
        key=lambda place: (-_adjoining(text, place, claim), abs(place - claim.start), place),
        default=None,
    )


def _nearest(text: str, wanted: str, start: int, most: int) -> list[int]:
    """Where a text holds what is wanted: the `most` last places before `start`, and as many after.

    Places may overlap. What is before is looked for in the text turned round, since a search from
    the end on takes a time that grows with the product of both lengths.
    """
    start = min(max(start, 0), len(text))
    after = islice(_places(text, wanted, start), most)
    # A place before `start` may end after it.
    turned = text[: max(0, start - 1 + len(wanted))][::-1]
    before = islice(_places(turned, wanted[::-1], 0), most)
    return [*(len(turned) - place - len(wanted) for place in before), *after]


def _places(text: str, wanted: str, start: int) -> Iterator[int]:
    place = text.find(wanted, start)
    while place >= 0:
        yield place
        place = text.find(wanted, place + 1)


def _adjoining(text: str, place: int, claim: Claim) -> int:
    """How many of the characters that adjoined the quote adjoin it at a place, without a gap."""
    end = place + len(claim.text)
    before = text[max(0, place - len(claim.prefix)) : place]
    after = text[end : end + len(claim.suffix)]
    return _alike(before[::-1], claim.prefix[::-1]) + _alike(after, claim.suffix)


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
