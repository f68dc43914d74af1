"""What changed in a database since a state of it that someone knows."""

import sqlite3
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# So many removals and marks are kept, some 15 bytes each.
_KEPT = 500_000


@dataclass(frozen=True, slots=True)
class Mark:
    """A state of one database: where its last change ends, and the random number that stands there.

    No other database has it, nor the same one after it was restored from an older backup.
    """

    place: int
    value: int


# A mark that no state has.
NOWHERE = Mark(0, 0)


class Changes:
    """The table of removals and marks; a part of the catalog.

    Everything here runs inside a transaction that the caller opened.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def end(self) -> None:
        """Set a mark at the end of a change. What lies too far back is left out."""
        self._connection.execute(
            "INSERT INTO changes (passage) VALUES (-1 - (random() & 0x3fffffffffffffff))"
        )
        self._connection.execute(
            "DELETE FROM changes WHERE place <= (SELECT max(place) FROM changes) - ?", (_KEPT,)
        )

    @property
    def last(self) -> Mark:
        """The mark of the state that the transaction sees."""
        query = "SELECT place, passage FROM changes ORDER BY place DESC LIMIT 1"
        row = self._connection.execute(query).fetchone()
        return NOWHERE if row is None else Mark(*row)

    def removed_since(self, mark: Mark) -> NDArray[np.int64] | None:
        """The numbers of the passages removed since; None where that is not known (any more)."""
        query = "SELECT passage FROM changes WHERE place = ?"
        if self._connection.execute(query, (mark.place,)).fetchone() != (mark.value,):
            return None
        rows = self._connection.execute(
            "SELECT passage FROM changes WHERE place > ? AND passage > 0", (mark.place,)
        )
        return np.fromiter((row[0] for row in rows), dtype=np.int64)
