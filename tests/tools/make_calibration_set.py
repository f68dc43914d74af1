"""Write documents and labelled questions, for fitting a reader's calibration, from SQuAD files.

Run it as ``python -m tests.tools.make_calibration_set FOLDER OUT``; FOLDER holds files in SQuAD's
JSON (.json or .json.gz). The questions are those of the articles that training leaves out
(`held_out`). Of some paragraphs, drawn by `--seed`, nothing is written, so that their questions
have no answer in the documents; those written to have none are asked as well. `--others` further
articles are there to be found instead. One article in two is one document under a heading, the
others are a document a paragraph. The same files and seed give the same bytes.

OUT/documents and OUT/questions.jsonl are what `pincite calibrate reader` and `pincite eval answers`
take.
"""

import argparse
import gzip
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from index.extract import extract
from qa.training.split import held_out


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a paragraph, and the texts and places of its answers in it."""

    id: str
    question: str
    answers: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Article:
    """An article: its paragraphs, each with its questions, in order."""

    title: str
    paragraphs: tuple[tuple[str, tuple[Asked, ...]], ...]


def load(paths: Iterable[Path]) -> list[Article]:
    """The articles of SQuAD files in the order of their titles, each once."""
    found: dict[str, dict[str, dict[str, Asked]]] = {}
    for path in paths:
        data = path.read_bytes()
        for article in json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)["data"]:
            paragraphs = found.setdefault(article["title"], {})
            for paragraph in article["paragraphs"]:
                asked = paragraphs.setdefault(paragraph["context"].strip(), {})
                cut = len(paragraph["context"]) - len(paragraph["context"].lstrip())
                for one in paragraph["qas"]:
                    asked.setdefault(one["id"], _asked(one, cut))
    return [
        Article(title, tuple((text, tuple(asked.values())) for text, asked in paragraphs.items()))
        for title, paragraphs in sorted(found.items())
    ]


def _asked(item: dict[str, Any], cut: int) -> Asked:
    answers = {(answer["text"], answer["answer_start"] - cut) for answer in item["answers"]}
    return Asked(item["id"], item["question"].strip(), tuple(sorted(answers)))


def write(
    articles: Sequence[Article], out: Path, *, taken_away: float, others: int, seed: int
) -> tuple[int, int]:
    """Write documents and questions; how many documents, how many questions."""
    chance = random.Random(seed)
    chosen = [article for article in articles if held_out(article.title)]
    rest = [article for article in articles if not held_out(article.title)]
    documents = out / "documents"
    documents.mkdir(parents=True)
    rows: list[dict[str, Any]] = []
    count = 0
    for number, article in enumerate([*chosen, *chance.sample(rest, min(others, len(rest)))]):
        is_asked = number < len(chosen)
        left = [not is_asked or chance.random() >= taken_away for _ in article.paragraphs]
        places = {}
        for name, texts in _files(article, left, whole=number % 2 == 0):
            body = _page(article.title, texts) if name.endswith(".html") else texts[0]
            (documents / name).parent.mkdir(exist_ok=True)
            (documents / name).write_text(body, encoding="utf-8", newline="")
            canonical = extract(body.encode(), uri=f"file:///{name}", name=name).text
            places |= {text: (name, canonical.find(text)) for text in texts}
            count += 1
        if is_asked:
            rows += _rows(article, places)
    chance.shuffle(rows)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    (out / "questions.jsonl").write_text("".join(lines), encoding="utf-8", newline="")
    return count, len(rows)


def _files(
    article: Article, left: Sequence[bool], *, whole: bool
) -> Iterator[tuple[str, list[str]]]:
    """The files an article becomes, each with the paragraphs in it."""
    texts = [text for (text, _), there in zip(article.paragraphs, left, strict=True) if there]
    name = "".join(letter if letter.isalnum() else "_" for letter in article.title)
    if whole and texts:
        yield f"{name}.html", texts
    elif not whole:
        yield from ((f"{name}/{place:04}.txt", [text]) for place, text in enumerate(texts, 1))


def _page(title: str, texts: Sequence[str]) -> str:
    heading = escape(title.replace("_", " "))
    paragraphs = "".join(f"<p>{escape(text)}</p>\n" for text in texts)
    return f"<!DOCTYPE html>\n<title>{heading}</title>\n<h1>{heading}</h1>\n{paragraphs}"


def _rows(article: Article, places: dict[str, tuple[str, int]]) -> Iterator[dict[str, Any]]:
    """A line a question; those of a paragraph that cannot be found as it was are left out."""
    for text, questions in article.paragraphs:
        name, begin = places.get(text, ("", 0))
        if begin < 0:
            continue
        for asked in questions:
            golds = asked.answers if name else ()
            yield {
                "id": f"{article.title}/{asked.id}",
                "group": article.title,
                "question": asked.question,
                "answers": [
                    {
                        "text": answer,
                        "document": name,
                        "start": begin + start,
                        "end": begin + start + len(answer),
                    }
                    for answer, start in golds
                ],
            }


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="holds files in SQuAD's JSON")
    parser.add_argument("out", type=Path, help="a folder to be made")
    parser.add_argument("--taken-away", type=float, default=0.25, help="share of paragraphs")
    parser.add_argument("--others", type=int, default=30, help="articles that are not asked about")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    paths = sorted(path for path in given.folder.iterdir() if ".json" in path.suffixes)
    documents, questions = write(
        load(paths),
        given.out,
        taken_away=given.taken_away,
        others=given.others,
        seed=given.seed,
    )
    print(f"{given.out}: {documents:,} documents, {questions:,} questions")


if __name__ == "__main__":
    main()
