"""The tables of origins, places and problems: what was read from where."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator


class Origins:
    """What stands where, and what could not be read; a part of the catalog.

    Everything here runs inside a transaction that the caller opened.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def record(self, uri: str, sha256: str, recipe: str) -> None:
        """Record what an origin's bytes are, and what else decided what was read of them."""
        self._connection.execute(
            """INSERT INTO origins VALUES (?, ?, ?) ON CONFLICT (uri)
               DO UPDATE SET sha256 = excluded.sha256, recipe = excluded.recipe""",
            (uri, sha256, recipe),
        )

    def forget(self, uri: str) -> None:
        """Forget an origin with its places and problems."""
        self._connection.execute("DELETE FROM origins WHERE uri = ?", (uri,))

    def recorded(self, uri: str) -> tuple[str, str] | None:
        """An origin's digest and recipe."""
        query = "SELECT sha256, recipe FROM origins WHERE uri = ?"
        row = self._connection.execute(query, (uri,)).fetchone()
        return None if row is None else (row[0], row[1])

    def known(self, uri: str | None = None) -> list[tuple[str, str, str, int]]:
        """All origins in the order of their URIs, or one: URI, digest, recipe, documents."""
        condition, values = ("", ()) if uri is None else ("WHERE uri = ?", (uri,))
        return self._connection.execute(
            f"""SELECT uri, sha256, recipe,
                 (SELECT count(*) FROM places WHERE origin = origins.uri)
               FROM origins {condition} ORDER BY uri""",  # noqa: S608
            values,
        ).fetchall()

    def known_digests(self, digests: Collection[str]) -> set[str]:
        """Those of these digests that an origin has."""
        rows = self._connection.execute(
            """SELECT DISTINCT sha256 FROM origins
               WHERE sha256 IN (SELECT value FROM json_each(?))""",
            (json.dumps(list(digests)),),
        )
        return {sha256 for (sha256,) in rows}

    def set_problems(self, origin: str, problems: Iterable[tuple[str, str, bool]]) -> None:
        """Record what in an origin could not be read, and nothing else: URI, reason, unsupported.

        Characters that no text may hold, as in odd file names, are replaced.
        """
        self._connection.execute("DELETE FROM problems WHERE origin = ?", (origin,))
        self._connection.executemany(
            "INSERT INTO problems (origin, uri, reason, unsupported) VALUES (?, ?, ?, ?)",
            [(origin, _storable(uri), _storable(reason), kind) for uri, reason, kind in problems],
        )

    def problems(self, origin: str | None = None) -> list[tuple[str, str, str, bool]]:
        """What could not be read in all origins, or in one: origin, URI, reason, unsupported."""
        condition, values = ("", ()) if origin is None else ("WHERE origin = ?", (origin,))
        rows = self._connection.execute(
            f"""SELECT origin, uri, reason, unsupported FROM problems {condition}
                ORDER BY origin, number""",  # noqa: S608
            values,
        )
        return [(of, uri, reason, bool(kind)) for of, uri, reason, kind in rows]

    def set_place(self, uri: str, origin: str, document: int, left_over: bool) -> None:
        """Let a document stand at a place; a place known already keeps its turn."""
        self._connection.execute(
            """INSERT INTO places (uri, origin, document, left_over) VALUES (?, ?, ?, ?)
               ON CONFLICT (uri) DO UPDATE SET origin = excluded.origin,
                 document = excluded.document, left_over = excluded.left_over""",
            (uri, origin, document, left_over),
        )

    def delete_places(self, uris: Iterable[str]) -> None:
        """Forget places."""
        self._connection.executemany("DELETE FROM places WHERE uri = ?", [(uri,) for uri in uris])

    def leave_places(self, origin: str) -> None:
        """Mark an origin's places as left over from what it held before."""
        self._connection.execute("UPDATE places SET left_over = 1 WHERE origin = ?", (origin,))

    def document_at(self, uri: str) -> int | None:
        """The number of the document that stands at a place."""
        row = self._connection.execute(
            "SELECT document FROM places WHERE uri = ?", (uri,)
        ).fetchone()
        return None if row is None else int(row[0])

    def places_at(self, origin: str) -> list[tuple[str, int, bool]]:
        """The places at an origin, the longest known first: URI, document, whether left over."""
        rows = self._connection.execute(
            "SELECT uri, document, left_over FROM places WHERE origin = ? ORDER BY number",
            (origin,),
        )
        return [(uri, document, bool(left)) for uri, document, left in rows]

    def places_of(self, document: int) -> Iterator[tuple[str, str]]:
        """The places of a document, the longest known first: URI, origin."""
        return self._connection.execute(
            "SELECT uri, origin FROM places WHERE document = ? ORDER BY number", (document,)
        )

    def first_place(self, document: int) -> str | None:
        """The place that a document has had longest."""
        return next((uri for uri, _ in self.places_of(document)), None)


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
