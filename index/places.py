"""Which documents stand where: what origins hold, copies, moves, and the ids that outlast them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import unquote

from index.catalog import Catalog
from index.contents import content_key
from index.documents import Problem, document_id
from index.errors import UnknownDocument
from index.store import PARTLY, Entry, Intake, Origin


class Places:
    """One change to what stands where, inside a writing transaction; `finish` ends it.

    Documents that lose their last place are deleted at the end only: until then another place
    may take them over, with their ids and passages.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._origins = catalog.origins
        self._edition = catalog.editions.current.number
        self._touched: set[int] = set()

    def put(self, intake: Intake) -> list[str]:
        """See `PassageStore.put`."""
        origin = intake.origin
        self._record(origin, intake.problems)
        here = self._origins.places_at(origin.uri)
        if not intake.entries:
            self._origins.leave_places(origin.uri)
            numbers = list(dict.fromkeys(number for _, number, _ in here))
            return [self._catalog.document_id(number) for number in numbers]
        going = {uri for uri, _, _ in here} - {entry.document.uri for entry in intake.entries}
        numbers = [self._enter(origin.uri, entry, going) for entry in intake.entries]
        self._clear(origin.uri, {entry.document.uri for entry in intake.entries})
        return [self._catalog.document_id(number) for number in numbers]

    def _enter(self, origin: str, entry: Entry, going: Collection[str]) -> int:
        """Let a document stand at its URI; those of `going` are about to be no places any more."""
        document, uri = entry.document, entry.document.uri
        here = self._origins.document_at(uri)
        number = self._catalog.number_of_content(content_key(document))
        if number is not None:
            self._link(uri, origin, number)
            if document.title_from_name and self._origins.first_place(number) == uri:
                self._catalog.set_title(number, document.title, uri)
            return number
        if here is not None and self._stands_nowhere_else(here, uri, going):
            number = here
            self._catalog.replace_document(number, document)
        else:
            number = self._catalog.insert_document(replace(document, id=self._free_id(uri)))
        self._catalog.passages.insert(self._edition, number, entry.passages, entry.vectors)
        self._link(uri, origin, number)
        return number

    def _stands_nowhere_else(self, number: int, uri: str, going: Collection[str]) -> bool:
        return all(place == uri or place in going for place, _ in self._origins.places_of(number))

    def _free_id(self, uri: str) -> str:
        """The id that `uri` gives, or one with salt where a document that moved away has it."""
        salt, id_ = 0, document_id(uri)
        while self._catalog.number(id_) is not None:
            salt += 1
            id_ = document_id(f"{uri}\0{salt}")
        return id_

    def rearrange(self, copies: Sequence[tuple[Origin, str]], gone: Sequence[str]) -> list[Origin]:
        """See `PassageStore.rearrange`."""
        # All is looked up before anything changes: files may have changed places with each other.
        missing, found, leaving = [], [], set(gone)
        for origin, source in copies:
            if self._origins.recorded(source) != (origin.sha256, origin.recipe):
                missing.append(origin)
                continue
            places = {
                origin.uri + uri.removeprefix(source): (number, left_over)
                for uri, number, left_over in self._origins.places_at(source)
                if source in leaving or not left_over
            }
            problems = [
                (origin.uri + uri.removeprefix(source), reason, unsupported)
                for _, uri, reason, unsupported in self._origins.problems(source)
            ]
            found.append((origin, places, problems))
        for origin, places, problems in found:
            self._origins.record(origin.uri, origin.sha256, origin.recipe)
            self._origins.set_problems(origin.uri, problems)
            for uri, (number, left_over) in places.items():
                self._link(uri, origin.uri, number, left_over)
            self._clear(origin.uri, places)
        for uri in gone:
            self._clear(uri)
            self._origins.forget(uri)
        return missing

    def remove(self, document_ids: Iterable[str]) -> None:
        """See `PassageStore.remove`."""
        origins: dict[str, None] = {}
        for id_ in document_ids:
            number = self._catalog.number(id_)
            if number is None:
                raise UnknownDocument(f"{id_}: no such document in the index; see: pincite list")
            origins |= dict.fromkeys(origin for _, origin in self._origins.places_of(number))
            self._catalog.delete_document(number)
        for origin in origins:
            sha256, recipe = self._origins.recorded(origin) or ("", "")
            if self._origins.places_at(origin):
                self._origins.record(origin, sha256, PARTLY + recipe.removeprefix(PARTLY))
            else:
                self._origins.forget(origin)

    def finish(self) -> None:
        """Delete documents without a place; call the others by their first place's name."""
        for number in sorted(self._touched):
            first = self._origins.first_place(number)
            if first is None:
                self._catalog.delete_document(number)
            elif self._catalog.titled_by(number) not in (None, first):
                self._catalog.set_title(number, name_in(first), first)

    def _record(self, origin: Origin, problems: Sequence[Problem]) -> None:
        self._origins.record(origin.uri, origin.sha256, origin.recipe)
        self._origins.set_problems(
            origin.uri, [(one.uri, one.reason, one.unsupported) for one in problems]
        )

    def _link(self, uri: str, origin: str, number: int, left_over: bool = False) -> None:
        before = self._origins.document_at(uri)
        self._touched |= {number} if before is None else {number, before}
        self._origins.set_place(uri, origin, number, left_over)

    def _clear(self, origin: str, keep: Collection[str] = ()) -> None:
        """Forget the places at an origin, but for those to keep."""
        going = [(uri, number) for uri, number, _ in self._origins.places_at(origin)]
        going = [(uri, number) for uri, number in going if uri not in keep]
        self._touched |= {number for _, number in going}
        self._origins.delete_places(uri for uri, _ in going)


def name_in(uri: str) -> str:
    """What a document without a title is called: its file's name without the ending."""
    name = unquote(uri.rsplit("/" if "/" in uri else ":", 1)[-1])
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return PurePosixPath(name).stem or name or uri
