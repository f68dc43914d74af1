"""Takes a file out of the containers it stands in, by the way its documents' URIs name it."""

from dataclasses import dataclass

from index.documents import INSIDE
from index.errors import UnreadableDocument
from index.extract.builder import Extracted
from index.extract.content import content_of, label_of, path_of, place_of
from index.extract.formats import BZIP2, GZIP, XZ
from index.extract.source import Budget, Container, Limits, Member, Reading

# What holds one file that has no name of its own but goes by the container's.
_PACKED = frozenset({GZIP, BZIP2, XZ})


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that stood in another: its bytes, and where it was, as "!/2/offer.pdf".

    `media_type` is known of a file that holds records: it was taken in the place of one.
    """

    data: bytes
    inside: str
    media_type: str | None = None


def take_out(
    data: bytes,
    inside: str,
    *,
    name: str,
    media_type: str | None = None,
    limits: Limits = Limits(),  # noqa: B008 - immutable
) -> Taken:
    """Return the file at `inside`, a path such as "!/x.zip!/y.pdf", of the container in `data`.

    What has no bytes of its own there, a record or a message kept in pieces, gives the file that
    holds it; an empty path gives the container. `name` and `media_type` are the container's, as for
    `extract_all`.

    Raises:
        DocumentError: there is no such file in it, or it cannot be had.
    """
    _, *steps = inside.split(INSIDE)
    label = label_of(name)
    budget = Budget(limits, label)
    taken = Taken(data, "")
    for step in steps:
        kind, content = content_of(taken.data, label, media_type, budget, Reading())
        if not isinstance(content, Container):
            return Taken(taken.data, taken.inside, kind)
        member = _member(content, step, budget, alone=kind in _PACKED)
        if member is None:
            raise UnreadableDocument(f"{label}: does not hold {label_of(step)}; index it again")
        label = f"{label}{INSIDE}{label_of(path_of(member))}"
        if member.problem is not None:
            raise UnreadableDocument(f"{label}: {member.problem}")
        if isinstance(member.content, Extracted):
            return Taken(taken.data, taken.inside, kind)
        media_type = member.media_type
        taken = Taken(member.content, taken.inside + INSIDE + step)
    return taken


def _member(container: Container, step: str, budget: Budget, *, alone: bool) -> Member | None:
    """The first member of this name; with `alone` the only one, whatever its name."""
    found: list[Member] = []
    for member in container.members:
        budget.take_member()
        if place_of(member) == INSIDE + step:
            return member
        # Of more than two it is enough to know that there are two.
        found = [*found[:1], member] if alone else []
    # A packed file that was renamed is still called by the name it had when it was read.
    return found[0] if len(found) == 1 else None
