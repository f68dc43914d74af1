"""The tables of passages: their texts, their vectors, and the full-text table of each edition."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.contents import passage_digest
from index.documents import Passage
from index.embedding import Vectors
from index.errors import DamagedIndex
from index.passages import text_in_context
from index.postings import Row

_IN_DOCUMENTS = "edition = ? AND document IN (SELECT value FROM json_each(?))"


class PassageTables:
    """The passages of an index, by number; a part of the catalog.

    Everything here runs inside a transaction that the caller opened.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self._folder = folder
        self._connection = connection

    def insert(
        self, edition: int, document: int, passages: Sequence[Passage], vectors: Vectors
    ) -> None:
        """Store a document's passages in an edition, with their float32 `(n, dim)` vectors."""
        self._connection.execute("INSERT INTO filled VALUES (?, ?)", (edition, document))
        self._connection.executemany(
            """INSERT INTO passages
                 (edition, document, start, "end", digest, context, text, vector)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            [
                (
                    edition,
                    document,
                    passage.start,
                    passage.end,
                    passage_digest(text_in_context(passage)),
                    passage.context,
                    passage.text,
                    vector.astype("<f4").tobytes(),
                )
                for passage, vector in zip(passages, vectors, strict=True)
            ],
        )

    def numbers(
        self, edition: int, documents: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """The numbers of an edition's passages, or of those of documents by number; ascending."""
        if documents is None:
            rows = self._connection.execute(
                "SELECT number FROM passages WHERE edition = ?", (edition,)
            )
        else:
            rows = self._connection.execute(
                f"SELECT number FROM passages WHERE {_IN_DOCUMENTS}",  # noqa: S608
                (edition, json.dumps(documents.tolist())),
            )
        return np.sort(np.fromiter((row[0] for row in rows), dtype=np.int64))

    def numbers_after(self, edition: int, number: int) -> NDArray[np.int64]:
        """The numbers of an edition's passages beyond this one, ascending."""
        rows = self._connection.execute(
            "SELECT number FROM passages WHERE edition = ? AND number > ? ORDER BY number",
            (edition, number),
        )
        return np.fromiter((row[0] for row in rows), dtype=np.int64)

    def count(self, edition: int) -> int:
        """How many passages an edition has."""
        query = "SELECT count(*) FROM passages WHERE edition = ?"
        return int(self._connection.execute(query, (edition,)).fetchone()[0])

    def has_all(self, edition: int, numbers: Sequence[int]) -> bool:
        """Whether an edition has all passages with these numbers, which are distinct."""
        row = self._connection.execute(
            """SELECT count(*) FROM passages
               WHERE number IN (SELECT value FROM json_each(?)) AND +edition = ?""",
            (json.dumps(numbers), edition),
        ).fetchone()
        return int(row[0]) == len(numbers)

    def many_after(self, edition: int, number: int, many: int) -> bool:
        """Whether at least so many of an edition's passages are beyond this number."""
        row = self._connection.execute(
            """SELECT count(*) FROM (SELECT 1 FROM passages
               WHERE edition = ? AND number > ? LIMIT ?)""",
            (edition, number, many),
        ).fetchone()
        return int(row[0]) >= many

    def rows(self, numbers: NDArray[np.int64]) -> list[Row]:
        """What is looked through of the passages with these numbers; in their order, ascending."""
        rows = self._connection.execute(
            """SELECT number, document, text, context FROM passages
               WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number""",
            (json.dumps(numbers.tolist()),),
        )
        return [Row(*row) for row in rows]

    def rows_after(self, edition: int, number: int, most: int) -> list[Row]:
        """The same of an edition's first passages beyond this number, at most so many."""
        rows = self._connection.execute(
            """SELECT number, document, text, context FROM passages
               WHERE edition = ? AND number > ? ORDER BY number LIMIT ?""",
            (edition, number, most),
        )
        return [Row(*row) for row in rows]

    @property
    def newest(self) -> int:
        """A number that all passages to come are beyond, and none there is."""
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'passages'"
        row = self._connection.execute(query).fetchone()
        return 0 if row is None else int(row[0])

    def get(self, numbers: Iterable[int]) -> dict[int, Passage]:
        """The passages with these numbers."""
        rows = self._connection.execute(
            """SELECT p.number, d.id, p.start, p."end", p.text, p.context
               FROM passages AS p JOIN documents AS d ON d.number = p.document
               WHERE p.number IN (SELECT value FROM json_each(?))""",
            (json.dumps([int(number) for number in numbers]),),
        )
        return {number: Passage(*rest) for number, *rest in rows}

    def of(self, edition: int, document: int) -> list[Passage]:
        """A document's passages in an edition, in order."""
        rows = self._connection.execute(
            """SELECT d.id, p.start, p."end", p.text, p.context
               FROM passages AS p JOIN documents AS d ON d.number = p.document
               WHERE p.document = ? AND p.edition = ? ORDER BY p.start, p."end", p.number""",
            (document, edition),
        )
        return [Passage(*row) for row in rows]

    def vectors(self, numbers: Sequence[int] | NDArray[np.int64], dim: int) -> Vectors:
        """The float32 `(n, dim)` vectors of these passages, in the order given.

        Raises:
            DamagedIndex: one is missing or has another length.
        """
        rows = dict(
            self._connection.execute(
                """SELECT number, vector FROM passages
                   WHERE number IN (SELECT value FROM json_each(?))""",
                (json.dumps([int(number) for number in numbers]),),
            )
        )
        result = np.empty((len(numbers), dim), dtype=np.float32)
        for place, number in enumerate(numbers):
            result[place] = self._vector(int(number), rows.get(int(number)), dim)
        return result

    def stored_vectors(
        self, edition: int, numbers: NDArray[np.int64], dim: int
    ) -> tuple[NDArray[np.int64], Vectors]:
        """Those of these numbers that an edition has, ascending, and their float32 vectors.

        Raises:
            DamagedIndex: a vector has another length.
        """
        rows = self._connection.execute(
            """SELECT number, vector FROM passages
               WHERE number IN (SELECT value FROM json_each(?)) AND edition = ? ORDER BY number""",
            (json.dumps(numbers.tolist()), edition),
        ).fetchall()
        found = np.array([number for number, _ in rows], dtype=np.int64)
        vectors = np.empty((len(rows), dim), dtype=np.float32)
        for place, (number, blob) in enumerate(rows):
            vectors[place] = self._vector(number, blob, dim)
        return found, vectors

    def vectors_by_digest(
        self, edition: int, digests: Iterable[bytes], dim: int
    ) -> dict[bytes, Vectors]:
        """The float32 `(dim,)` vectors of an edition's passages, by `passage_digest`."""
        found: dict[bytes, Vectors] = {}
        for digest in digests:
            row = self._connection.execute(
                "SELECT vector FROM passages WHERE edition = ? AND digest = ? LIMIT 1",
                (edition, digest),
            ).fetchone()
            # One that is cut is as good as none.
            if row is not None and len(row[0]) == 4 * dim:
                found[digest] = np.frombuffer(row[0], dtype="<f4")
        return found

    def _vector(self, number: int, blob: bytes | None, dim: int) -> Vectors:
        if blob is None or len(blob) != 4 * dim:
            raise DamagedIndex(
                f"{self._folder}: the vector of passage {number} is missing or cut; "
                "mend it: pincite reindex"
            )
        return np.frombuffer(blob, dtype="<f4")

    def bm25(
        self,
        edition: int,
        query: str,
        k: int,
        documents: NDArray[np.int64] | None = None,
        numbers: Iterable[int] | None = None,
    ) -> list[tuple[int, float]]:
        """The `k` best passages of an edition for an FTS5 query: (number, BM25), best first.

        BM25 is from 0 up. With `documents`, only passages of these documents, by number; with
        `numbers`, only these passages.
        """
        table = f"passages_fts_{edition}"
        conditions: list[str] = [f"{table} MATCH ?"]
        values: list[object] = [query]
        if documents is not None:
            conditions.append(f"rowid IN (SELECT number FROM passages WHERE {_IN_DOCUMENTS})")  # noqa: S608
            values += [edition, json.dumps(documents.tolist())]
        if numbers is not None:
            conditions.append("rowid IN (SELECT value FROM json_each(?))")
            values.append(json.dumps([int(number) for number in numbers]))
        # FTS5's bm25() is negative, the more so the better.
        rows = self._connection.execute(
            f"""SELECT rowid, -bm25({table}, 1.0, 0.5) AS score FROM {table}
                WHERE {" AND ".join(conditions)} ORDER BY score DESC, rowid LIMIT ?""",  # noqa: S608
            (*values, k),
        )
        return [(number, max(0.0, score)) for number, score in rows]

    def full_text_problems(self, edition: int) -> list[str]:
        """What is wrong between a full-text table and the passages, by FTS5's own check.

        To SQLite the check is a change, so it belongs in a `locked` block.
        """
        table = f"passages_fts_{edition}"
        check = f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)"  # noqa: S608
        try:
            self._connection.execute(check)
        except sqlite3.DatabaseError as error:
            return [str(error)]
        return []
