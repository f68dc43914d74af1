"""Answers that people marked right or wrong, kept to calibrate and to train with."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from service.errors import UnknownJudgement
from service.host.state import State

# Of so many judgements in a collection the oldest goes when another comes.
MOST_KEPT = 10_000

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Marked:
    """An answer: the question and `text`, which is the document's from `start` to `end`."""

    document_id: str
    uri: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What somebody said of what came of a question.

    `right` is said of the answer; without an answer, of the reply that the documents do not say.
    `confidence` is what the answer was given with, from 0 to 1, where it was told; `generation`
    that of the index. `number` grows from one to the next. `created_at` is UTC, ISO 8601.
    """

    number: int
    key: str | None
    question: str
    right: bool
    answer: Marked | None
    confidence: float | None
    note: str | None
    generation: int
    created_at: str


class Feedback:
    """The judgements of all collections."""

    def __init__(self, state: State, most: int = MOST_KEPT) -> None:
        """Keep at most `most` judgements a collection."""
        self._state = state
        self._most = most

    def give(
        self,
        collection: str,
        key: str | None,
        question: str,
        right: bool,
        answer: Marked | None,
        *,
        confidence: float | None = None,
        note: str | None = None,
        generation: int,
    ) -> Judgement:
        """Keep a judgement; an earlier one of the same key on the same answer is replaced."""
        created = datetime.now(UTC).isoformat(timespec="seconds")
        place = (
            (None, None, None) if answer is None else (answer.document_id, answer.start, answer.end)
        )
        with self._state.transaction() as connection:
            [number] = connection.execute(
                "SELECT coalesce(max(number), 0) + 1 FROM feedback WHERE collection = ?",
                (collection,),
            ).fetchone()
            connection.execute(
                "DELETE FROM feedback WHERE collection = ? AND key IS ? AND question = ? "
                'AND document_id IS ? AND start IS ? AND "end" IS ?',
                (collection, key, question, *place),
            )
            connection.execute(
                "INSERT INTO feedback (collection, number, key, question, document_id, start, "
                '"end", uri, text, "right", confidence, note, generation, created_at) '
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    collection,
                    number,
                    key,
                    question,
                    *place,
                    None if answer is None else answer.uri,
                    None if answer is None else answer.text,
                    right,
                    confidence,
                    note,
                    generation,
                    created,
                ),
            )
            connection.execute(
                "DELETE FROM feedback WHERE collection = ? AND number <= (SELECT number FROM "
                "feedback WHERE collection = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
                (collection, collection, self._most),
            )
        return Judgement(
            number,
            key,
            question,
            right,
            answer,
            confidence,
            note,
            generation,
            created,
        )

    def page(self, collection: str, before: int | None, most: int) -> list[Judgement]:
        """At most so many judgements, newest first, of those before a number; None for all."""
        rows = self._state.rows(
            "SELECT * FROM feedback WHERE collection = ? AND (? IS NULL OR number < ?) "
            "ORDER BY number DESC LIMIT ?",
            collection,
            before,
            before,
            most,
        )
        return [_judgement(row) for row in rows]

    def all(self, collection: str) -> Iterator[Judgement]:
        """The judgements of a collection, newest first, fetched a few hundred at a time."""
        before: int | None = None
        while found := self.page(collection, before, _AT_ONCE):
            yield from found
            before = found[-1].number

    def documents(self, collection: str) -> set[str]:
        """The ids of the documents that judgements of a collection are about."""
        rows = self._state.rows(
            "SELECT DISTINCT document_id FROM feedback WHERE collection = ? "
            "AND document_id IS NOT NULL",
            collection,
        )
        return {str(row["document_id"]) for row in rows}

    def forget(self, collection: str, document_ids: Iterable[str]) -> None:
        """Let go of all judgements on documents, whose text they hold."""
        meant = self.documents(collection).intersection(document_ids)
        if not meant:
            return
        with self._state.transaction() as connection:
            connection.executemany(
                "DELETE FROM feedback WHERE collection = ? AND document_id = ?",
                [(collection, document_id) for document_id in meant],
            )

    def remove(self, collection: str, number: int) -> None:
        """Let go of one judgement.

        Raises:
            UnknownJudgement: there is none with this number in the collection.
        """
        with self._state.transaction() as connection:
            removed = connection.execute(
                "DELETE FROM feedback WHERE collection = ? AND number = ?", (collection, number)
            ).rowcount
        if not removed:
            raise UnknownJudgement(f"{number}: no feedback has this number; see: GET /v1/feedback")


def _judgement(row: sqlite3.Row) -> Judgement:
    answer = None
    if row["document_id"] is not None:
        answer = Marked(row["document_id"], row["uri"], row["start"], row["end"], row["text"])
    return Judgement(
        row["number"],
        row["key"],
        row["question"],
        bool(row["right"]),
        answer,
        row["confidence"],
        row["note"],
        row["generation"],
        row["created_at"],
    )
