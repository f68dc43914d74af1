"""The tables of editions: which there are, and which documents each has the passages of."""

import json
import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from index.database import START_AGAIN, row_of, understanding
from index.embedding import ModelIdentity
from index.errors import DamagedIndex
from index.migrations import create_full_text, drop_full_text
from index.passages import Splitter
from index.store import IndexSettings

State = Literal["current", "building", "previous"]


@dataclass(frozen=True, slots=True)
class Edition:
    """The passages of all documents, made with one embedder and one splitter."""

    number: int
    settings: IndexSettings


class Editions:
    """The editions of an index; a part of the catalog.

    Everything here runs inside a transaction that the caller opened.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self._folder = folder
        self._connection = connection

    @property
    def current(self) -> Edition:
        """The edition that is searched."""
        edition = self.in_state("current")
        if edition is None:
            raise DamagedIndex(f"{self._folder}: the database lacks its settings; {START_AGAIN}")
        return edition

    def in_state(self, state: State) -> Edition | None:
        """The edition in this state; each has at most one."""
        row = self._connection.execute(
            "SELECT number, settings FROM editions WHERE state = ?", (state,)
        ).fetchone()
        if row is None:
            return None
        with understanding(self._folder, "settings"):
            value = json.loads(row[1])
            settings = IndexSettings(
                ModelIdentity(**value["embedder"]), Splitter(**value["splitter"])
            )
        return Edition(row[0], settings)

    def add(self, settings: IndexSettings, state: State) -> Edition:
        """Start an edition without passages."""
        cursor = self._connection.execute(
            "INSERT INTO editions (settings, state) VALUES (?, ?)",
            (json.dumps(asdict(settings)), state),
        )
        number = row_of(cursor)
        create_full_text(self._connection, number)
        return Edition(number, settings)

    def begin(self, settings: IndexSettings) -> Edition:
        """The edition to build: the one begun or the previous one where it serves, else a new one.

        One that was begun with other settings is put out of use.
        """
        building = self.in_state("building")
        if building is not None and building.settings == settings:
            return building
        if building is not None:
            self.drop(building)
        previous = self.in_state("previous")
        # Whoever builds the current one once more wants to be rid of what is in it.
        if previous and previous.settings == settings != self.current.settings:
            self._set_state(previous, "building")
            return previous
        return self.add(settings, "building")

    def switch_to(self, building: Edition) -> None:
        """Make an edition the current one; the one before stays, if it is of other settings."""
        previous, current = self.in_state("previous"), self.current
        if previous is not None:
            self.drop(previous)
        if current.settings == building.settings:
            self.drop(current)
        else:
            self._set_state(current, "previous")
        self._set_state(building, "current")

    def _set_state(self, edition: Edition, state: State) -> None:
        """Let an edition take on a state that no other is in."""
        self._connection.execute(
            "UPDATE editions SET state = ? WHERE number = ?", (state, edition.number)
        )

    def drop(self, edition: Edition) -> None:
        """Put an edition out of use; `sweep` removes its passages, which may take a while."""
        drop_full_text(self._connection, edition.number)
        self._connection.execute("DELETE FROM filled WHERE edition = ?", (edition.number,))
        self._connection.execute(
            "UPDATE editions SET state = 'dropped' WHERE number = ?", (edition.number,)
        )

    def is_swept(self) -> bool:
        """Whether nothing is left of editions out of use."""
        query = "SELECT 1 FROM editions WHERE state = 'dropped' LIMIT 1"
        return self._connection.execute(query).fetchone() is None

    def sweep(self, most: int) -> None:
        """Remove at most so many passages of an edition out of use, then itself."""
        row = self._connection.execute(
            "SELECT number FROM editions WHERE state = 'dropped' LIMIT 1"
        ).fetchone()
        if row is None:
            return
        removed = self._connection.execute(
            "DELETE FROM passages WHERE number IN"
            " (SELECT number FROM passages WHERE edition = ? LIMIT ?)",
            (row[0], most),
        )
        if removed.rowcount < most:
            self._connection.execute("DELETE FROM editions WHERE number = ?", row)

    def lacking(self, edition: int, most: int) -> list[str]:
        """The ids of at most so many documents that have no passages in an edition yet."""
        rows = self._connection.execute(
            """SELECT id FROM documents WHERE number NOT IN
                 (SELECT document FROM filled WHERE edition = ?) ORDER BY number LIMIT ?""",
            (edition, most),
        )
        return [id_ for (id_,) in rows]

    def progress(self, edition: int) -> tuple[int, int]:
        """How many documents have their passages in an edition, and how many there are."""
        row = self._connection.execute(
            """SELECT (SELECT count(*) FROM filled WHERE edition = ?),
                 (SELECT count(*) FROM documents)""",
            (edition,),
        ).fetchone()
        return row[0], row[1]

    def is_filled(self, edition: int, document: int) -> bool:
        """Whether a document has its passages in an edition."""
        query = "SELECT 1 FROM filled WHERE edition = ? AND document = ?"
        return self._connection.execute(query, (edition, document)).fetchone() is not None
