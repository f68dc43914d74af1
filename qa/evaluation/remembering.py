"""A reader that remembers what it read, so that measuring does not read twice."""

from collections.abc import Sequence
from hashlib import sha256
from threading import Lock

from qa.answering import read_hits
from qa.answers import Answer, Reply
from qa.calibration import Calibration
from qa.reader import Reader, Reading

# Some 4 kB each.
MOST = 2**15

_Key = tuple[bytes, int]


class RememberingReader:
    """Another reader, whose last `most` readings are kept. Safe to use from several threads."""

    def __init__(self, reader: Reader, most: int = MOST) -> None:
        """Take the reader that reads."""
        self._reader = reader
        self._most = most
        self._kept: dict[_Key, Reading] = {}
        self._lock = Lock()

    @property
    def name(self) -> str:
        """See `Reader.name`."""
        return self._reader.name

    @property
    def checksum(self) -> str:
        """See `Reader.checksum`."""
        return self._reader.checksum

    @property
    def calibration(self) -> Calibration:
        """See `Reader.calibration`."""
        return self._reader.calibration

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        """See `Reader.read`."""
        starts = [0] * len(texts) if begins is None else list(begins)
        keys = [_key(question, text, start) for text, start in zip(texts, starts, strict=True)]
        with self._lock:
            known = {key: self._kept[key] for key in keys if key in self._kept}
        missing = [place for place, key in enumerate(keys) if key not in known]
        fresh = self._reader.read(
            question, [texts[place] for place in missing], [starts[place] for place in missing]
        )
        for place, reading in zip(missing, fresh, strict=True):
            known[keys[place]] = reading
        with self._lock:
            for key in keys:
                self._kept.pop(key, None)
                self._kept[key] = known[key]
            while len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]
        return [known[key] for key in keys]


def _key(question: str, text: str, begin: int) -> _Key:
    parts = f"{len(question)}\0{question}\0{text}".encode("utf-8", "surrogatepass")
    return sha256(parts).digest(), begin


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
