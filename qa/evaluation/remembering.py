"""A reader that remembers what it read, so that measuring does not read twice."""

from collections.abc import Mapping, Sequence
from threading import Lock

from qa.answering import read_hits
from qa.answers import Answer, Reply
from qa.kept_readings import Recalling
from qa.reader import Reader, Reading

# Some 4 kB each.
MOST = 2**15


class RememberingReader(Recalling):
    """Another reader, whose last `most` readings are kept. Safe to use from several threads."""

    def __init__(self, reader: Reader, most: int = MOST) -> None:
        """Take the reader that reads."""
        super().__init__(reader)
        self._most = most
        self._kept: dict[str, Reading] = {}
        self._lock = Lock()

    def _known(self, keys: Sequence[str]) -> dict[str, Reading]:
        with self._lock:
            return {key: self._kept[key] for key in keys if key in self._kept}

    def _keep(self, fresh: Mapping[str, Reading], used: Mapping[str, Reading]) -> None:
        with self._lock:
            for key, reading in (*used.items(), *fresh.items()):
                self._kept.pop(key, None)
                self._kept[key] = reading
            while len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]


def span_probability(reader: Reader, reply: Reply, answer: Answer) -> float | None:
    """How likely the reader by itself holds an answer's span, against "no answer", from 0 to 1.

    The passages of the reply are read once more, if `reader` does not remember them. None where
    the answer is no span of them.
    """
    place = answer.citation
    readings = read_hits(reader, reply.question, reply.hits)
    found = [
        Reading((span,)).answerability
        for hit, reading in zip(reply.hits, readings, strict=True)
        for span in reading.spans
        if hit.passage.document_id == place.document_id
        and hit.passage.start + span.start == place.start
        and hit.passage.start + span.end == place.end
    ]
    return max(found, default=None)
