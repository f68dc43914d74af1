"""How fast the lexical side of the search is: inverted lists in files against SQLite's FTS5.

    python tests/benchmarks/lexical_speed.py --texts FILE.sqlite --questions FILE [--passages N]

Takes the first N rows of the table `passages (number, text, context)`, makes an FTS5 table and the
lists of them, and asks both every question in turn, in the same run. Prints the processor time of
the best 50 (median, 95th percentile), that of scores by number and of filters, what both take on
the disk and to make, and the share of the best 50 that both name. Questions are those of a
SQuAD-format file; common words, a rare one and a pasted page come by themselves. Run it from the
project's root.
"""

import argparse
import gzip
import json
import random
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np

from index.analyzer import TOKENIZER, Analyzer
from index.bm25 import Bm25, Part
from index.lexical import content_words, match_query
from index.postings import Row, build, load, merge, save

K = 50
PORTION, LARGEST = 20_000, 200_000

Ask = Callable[[str], list[tuple[int, float]]]


def questions(path: Path, most: int) -> list[str]:
    """Questions of a SQuAD-format file, `.json` or `.json.gz`, always in the same order."""
    data = path.read_bytes()
    content = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    found = [
        question["question"]
        for article in content["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]
    random.Random(1).shuffle(found)
    return found[:most]


def rows(path: Path, most: int) -> Iterator[list[Row]]:
    """The passages, some at a time; three to a document."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    query = "SELECT number, number / 3, text, context FROM passages ORDER BY number LIMIT ?"
    cursor = connection.execute(query, (most,))
    while part := cursor.fetchmany(PORTION):
        yield [Row(*row) for row in part]
    connection.close()


def lists(texts: Path, most: int, folder: Path) -> Bm25:
    """The passages as inverted lists in files."""
    analyzer = Analyzer()
    segments = [build(part, analyzer) for part in rows(texts, most)]
    parts = []
    for first in range(0, len(segments), LARGEST // PORTION):
        path = folder / f"{first}.lists"
        save(merge([(one, None) for one in segments[first : first + LARGEST // PORTION]]), path)
        parts.append(Part(load(path)))
    return Bm25(parts)


def full_text(texts: Path, most: int, folder: Path) -> sqlite3.Connection:
    """The passages in an FTS5 table that holds no texts."""
    connection = sqlite3.connect(folder / "full_text.sqlite", isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(
        f"CREATE VIRTUAL TABLE t USING fts5 (text, context, content='', tokenize='{TOKENIZER}')"
    )
    connection.execute("BEGIN")
    for part in rows(texts, most):
        connection.executemany(
            "INSERT INTO t (rowid, text, context) VALUES (?, ?, ?)",
            [(row.number, row.text, row.context) for row in part],
        )
    connection.execute("COMMIT")
    return connection


def timed(act: Callable[[], object]) -> float:
    """Milliseconds of processor time."""
    began = process_time()
    act()
    return 1000 * (process_time() - began)


def shown(name: str, times: Sequence[float]) -> str:
    median, late = np.percentile(times, [50, 95])
    return f"  {name}: median {median:.1f} ms  p95 {late:.1f} ms"


def compare(name: str, asked: Sequence[str], by_lists: Ask, by_full_text: Ask) -> None:
    """Ask both every question, and print how long each took and what they share."""
    times: list[list[float]] = [[], []]
    shared = []
    for text in asked:
        found: list[set[int]] = []
        for ask, spent in zip((by_lists, by_full_text), times, strict=True):
            began = process_time()
            best = ask(text)
            spent.append(1000 * (process_time() - began))
            found.append({number for number, _ in best})
        if found[1]:
            shared.append(len(found[0] & found[1]) / len(found[1]))
    print(f"{name}: {len(asked)} questions")
    print(shown("lists", times[0]))
    print(shown("FTS5 ", times[1]))
    print(f"  FTS5 / lists: {np.median(times[1]) / np.median(times[0]):.1f}")
    print(f"  best {K} of FTS5 that the lists name: {100 * np.mean(shared):.2f} %")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=Path, required=True, metavar="FILE")
    parser.add_argument("--questions", type=Path, required=True, metavar="FILE")
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--limit", type=int, default=200, help="questions; default: 200")
    arguments = parser.parse_args()
    asked = questions(arguments.questions, arguments.limit)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = process_time()
        ranking = lists(arguments.texts, arguments.passages, folder)
        made = process_time()
        connection = full_text(arguments.texts, arguments.passages, folder)
        print(f"made in {made - began:.0f} s (lists), {process_time() - made:.0f} s (FTS5)")
        for ending in ("lists", "sqlite"):
            size = sum(path.stat().st_size for path in folder.glob(f"*.{ending}"))
            print(f"{size / 1e6:.0f} MB (*.{ending})")
        analyzer = Analyzer()

        def by_lists(
            text: str, within: Sequence[np.ndarray] | None = None
        ) -> list[tuple[int, float]]:
            return ranking.best(analyzer.keys_of(content_words(text)), K, within)

        def by_full_text(text: str) -> list[tuple[int, float]]:
            return connection.execute(
                """SELECT rowid, -bm25(t, 1.0, 0.5) AS score FROM t WHERE t MATCH ?
                   ORDER BY score DESC, rowid LIMIT ?""",
                (match_query(text), K),
            ).fetchall()

        compare("questions", asked, by_lists, by_full_text)
        compare("common words", ["what is the of"] * 3, by_lists, by_full_text)
        compare("a rare word", ["saxophone", "beyonce"], by_lists, by_full_text)
        compare("a pasted page", [" ".join(asked[:12])], by_lists, by_full_text)
        chance = np.random.default_rng(1)
        numbers = np.concatenate([part.segment.numbers for part in ranking.parts])
        terms = [analyzer.keys_of(content_words(text)) for text in asked]
        picked = chance.choice(numbers, min(K, len(numbers)), replace=False)
        print(
            shown(
                f"{K} scores by number",
                [timed(partial(ranking.scores, keys, picked)) for keys in terms],
            )
        )
        for share in (0.5, 0.01, 0.0001):
            masks = [chance.random(len(part.segment)) < share for part in ranking.parts]
            spent = [timed(partial(by_lists, text, masks)) for text in asked]
            print(shown(f"within {share:.2%} of the passages", spent))
        connection.close()


if __name__ == "__main__":
    main()
