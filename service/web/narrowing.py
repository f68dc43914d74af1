"""Which documents a page looks in: the fields of its form, and the filter they make; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from service.schemas import MOST_CONDITIONS
from service.web.addresses import Fields


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What was put into the form: a pattern for paths, a type, a first and a last date.

    `where` holds further conditions as they are written elsewhere: `language=en`.
    """

    path: str = ""
    type: str = ""
    after: str = ""
    before: str = ""
    where: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.fields())

    def fields(self) -> Fields:
        """The fields of the form that are filled in."""
        own = {"path": self.path, "type": self.type, "after": self.after, "before": self.before}
        return [
            *((name, value) for name, value in own.items() if value),
            *(("where", condition) for condition in self.where),
        ]

    def conditions(self) -> list[str]:
        """The conditions that the fields make together; see `index.filters`."""
        is_pattern = any(sign in self.path for sign in "*?[")
        own = {
            "path~" if is_pattern else "path=": self.path,
            "type=": self.type,
            "date>=": self.after,
            "date<=": self.before,
        }
        return [*(sign + value for sign, value in own.items() if value), *self.where]


def narrowing(
    path: str = "",
    type: str = "",  # noqa: A002 - it is what the field is called
    after: str = "",
    before: str = "",
    where: Annotated[Sequence[str], Query(max_length=MOST_CONDITIONS)] = (),
) -> Narrowing:
    """What an address asks for; fields that are blank ask for nothing."""
    conditions = tuple(kept for one in where if (kept := one.strip()))
    return Narrowing(path.strip(), type.strip(), after.strip(), before.strip(), conditions)
