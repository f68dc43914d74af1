"""From text to the terms that are looked for, by SQLite's own tokenizer."""

import re
import sqlite3
from collections.abc import Iterable
from hashlib import blake2b

# What FTS5 makes words alike by: the stems of English words, without case and accents.
TOKENIZER = "porter unicode61 remove_diacritics 2"

# ASCII characters that are no letters or digits part words in any case, so what lies between
# them can be cut into terms by itself, and remembered.
_PIECE = re.compile("[0-9A-Za-z\u0080-\U0010ffff]+")

# Distinct pieces are remembered up to so many bytes: each takes about so many, with its term, and
# so many more a character.
_MOST_BYTES = 128 * 2**20
_BYTES_A_PIECE = 250
_BYTES_A_CHARACTER = 4


class Analyzer:
    """Cuts texts into terms as the full-text tables do; a term is told by its number here.

    Not safe for use by several threads at once.
    """

    def __init__(self, most: int = _MOST_BYTES) -> None:
        self._most, self._bytes = most, 0
        self._connection = sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False
        )
        self._connection.execute(
            f"CREATE VIRTUAL TABLE pieces USING fts5 (piece, content='', tokenize='{TOKENIZER}')"
        )
        self._connection.execute("CREATE VIRTUAL TABLE terms USING fts5vocab (pieces, 'instance')")
        self._terms: dict[str, int] = {}
        self._pieces: dict[str, tuple[int, ...]] = {}
        self.keys: list[int] = []
        """The `term_key` of each term, by its number."""

    def begin(self) -> None:
        """Forget everything if it has become too much; the numbers given so far are then void."""
        if self._bytes > self._most:
            self._bytes = 0
            self._pieces.clear()
            self._terms.clear()
            self.keys.clear()

    def pieces(self, text: str) -> list[str]:
        """What lies between the characters of a text that part words in any case."""
        return _PIECE.findall(text)

    def learn(self, pieces: Iterable[str]) -> None:
        """Get to know pieces; those known already are passed over."""
        new = [piece for piece in dict.fromkeys(pieces) if piece not in self._pieces]
        if not new:
            return
        found: list[list[int]] = [[] for _ in new]
        execute = self._connection.execute
        execute("BEGIN")
        self._connection.executemany(
            "INSERT INTO pieces (rowid, piece) VALUES (?, ?)", enumerate(new)
        )
        for term, place in execute("SELECT term, doc FROM terms"):
            found[place].append(self._number(term))
        execute("ROLLBACK")
        self._bytes += sum(_BYTES_A_PIECE + _BYTES_A_CHARACTER * len(piece) for piece in new)
        self._pieces.update(zip(new, map(tuple, found), strict=True))

    def _number(self, term: str) -> int:
        number = self._terms.get(term)
        if number is None:
            number = self._terms[term] = len(self._terms)
            self.keys.append(term_key(term))
        return number

    def terms(self, pieces: Iterable[str]) -> list[int]:
        """The numbers of the terms in pieces that are known; in no particular order."""
        known = self._pieces
        return [term for piece in pieces for term in known[piece]]

    def keys_of(self, words: Iterable[str]) -> list[int]:
        """The keys of the terms in some words, each as often as it is there."""
        self.begin()
        pieces = [piece for word in words for piece in self.pieces(word)]
        self.learn(pieces)
        return [self.keys[term] for term in self.terms(pieces)]


def term_key(term: str) -> int:
    """What a term is stored under: 64 bits of a digest, so that equal keys mean equal terms."""
    return int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "little")
