"""A small folder of data in the layout that is measured on."""

import gzip
import json
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from qa.training.split import held_out

# A paragraph for each name: who lives where, with what.
NAMES = ("Ada", "Bela", "Cem", "Dora", "Emil", "Fritz", "Gerda", "Hanna", "Ivo", "Jana")
TOWNS = ("Ulm", "Bonn", "Kiel", "Jena", "Hof", "Celle", "Worms", "Gotha", "Fulda", "Trier")


def paragraph(name: str, town: str) -> str:
    """What is said of a person."""
    return f"{name} moved to {town} long ago. In that town {name} keeps bees and goats."


def question(name: str, town: str, *, answered: bool = True) -> dict[str, Any]:
    """A question about a person's paragraph."""
    text = paragraph(name, town)
    answers = [{"text": town, "answer_start": text.index(town)}] if answered else []
    asked = "To which town moved" if answered else "In which year was born"
    return {"id": f"{name}-{answered}", "question": f"{asked} {name}?", "answers": answers}


def titles(*, out: bool, count: int) -> list[str]:
    """Titles of articles that training leaves out, or does not."""
    found = (f"Article {number}" for number in range(10_000))
    return list(islice((title for title in found if held_out(title) is out), count))


def squad(articles: Mapping[str, Sequence[tuple[str, Sequence[dict[str, Any]]]]]) -> Any:
    """SQuAD's JSON of articles by title: paragraphs with their questions."""
    return {
        "data": [
            {
                "title": title,
                "paragraphs": [{"context": text, "qas": list(asked)} for text, asked in paragraphs],
            }
            for title, paragraphs in articles.items()
        ]
    }


def make_data(folder: Path) -> Path:
    """Write everything that is measured on: ten paragraphs in six files, and a corpus of three."""
    people = list(zip(NAMES, TOWNS, strict=True))
    texts = {name: paragraph(name, town) for name, town in people}

    def plain(first: int, last: int) -> list[tuple[str, list[dict[str, Any]]]]:
        return [(texts[name], [question(name, town)]) for name, town in people[first:last]]

    (out, other), (trained,) = titles(out=True, count=2), titles(out=False, count=1)
    absent = [(texts[n], [question(n, t, answered=False)]) for n, t in people[2:5]]
    for name, articles in {
        "dev/qed-dev": {"Ada": plain(0, 1), "Bela": plain(1, 2)},
        "dev/other-dev": {"Jana": plain(9, 10)},
        "squad1-train": {out: plain(2, 4), trained: plain(8, 9)},
        "squad2-unanswerable": {out: absent[:2], other: absent[2:]},
        "squadshifts-amazon": {"x": plain(4, 6)},
        "squadshifts-wikipedia": {"y": plain(5, 8)},
    }.items():
        path = folder / "reader" / f"{name}.json.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(json.dumps(squad(articles)).encode(), mtime=0))
    corpus = folder / "retrieval" / "small"
    (corpus / "qrels").mkdir(parents=True)
    lines = [json.dumps({"_id": name, "text": texts[name]}) for name in NAMES[:3]]
    (corpus / "corpus.jsonl").write_text("\n".join(lines))
    (corpus / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "the town of Ada"}))
    (corpus / "qrels" / "test.tsv").write_text("q\tAda\t1")
    return folder
