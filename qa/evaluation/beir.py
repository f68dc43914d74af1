"""A folder in the layout of BEIR: corpus.jsonl, queries.jsonl and judgements in qrels/*.tsv.

See Thakur et al., "BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information
Retrieval Models" (2021).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import InvalidLabels
from qa.evaluation.faults import Fault, lines, objects, quoted, text_of

_SPLITS = ("test", "dev", "train")


@dataclass(frozen=True, slots=True)
class CorpusDocument:
    """A document to be found; `title` may be "". `place` is where it stands in the corpus."""

    id: str
    title: str
    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Beir:
    """What a folder holds.

    `queries` are those judged to have a relevant document, by id, in the file's order. `judged`
    gives for each the judgements by document; above 0 is relevant. `files` were read: the
    corpus, the queries, the judgements.
    """

    documents: tuple[CorpusDocument, ...]
    queries: Mapping[str, str]
    judged: Mapping[str, Mapping[str, int]]
    files: tuple[Path, ...]
    faults: tuple[Fault, ...]


def load_beir(folder: Path) -> Beir:
    """Read a folder.

    Raises:
        InvalidLabels: a part is missing or cannot be read, or nothing can be used.
    """
    if not folder.is_dir():
        raise InvalidLabels(f"{folder}: no such folder")
    faults: list[Fault] = []
    files = (_part(folder, "corpus.jsonl"), _part(folder, "queries.jsonl"), _judgements(folder))
    corpus = _corpus(files[0], faults)
    queries = _queries(files[1], faults)
    known = {document.id for document in corpus}
    judged = _judged(files[2], queries, known, faults)
    asked = {
        id_: text
        for id_, text in queries.items()
        if any(judgement > 0 for judgement in judged.get(id_, {}).values())
    }
    documents = tuple(document for document in corpus if document.text.strip())
    if not asked or not documents:
        first = f"; the first fault: {faults[0]}" if faults else ""
        raise InvalidLabels(f"{folder}: holds no query with a relevant document{first}")
    return Beir(documents, asked, {id_: judged[id_] for id_ in asked}, files, tuple(faults))


def _part(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise InvalidLabels(f"{folder / name}: no such file; expected a folder in BEIR's layout")


def _judgements(folder: Path) -> Path:
    found = sorted((folder / "qrels").glob("*.tsv"))
    for split in _SPLITS:
        path = folder / "qrels" / f"{split}.tsv"
        if path in found:
            return path
    if len(found) == 1:
        return found[0]
    raise InvalidLabels(
        f"{folder / 'qrels'}: holds no test.tsv, dev.tsv or train.tsv; expected BEIR's layout"
    )


def _corpus(path: Path, faults: list[Fault]) -> list[CorpusDocument]:
    """All documents that have an id, those without text as well: they can be judged."""
    found: dict[str, CorpusDocument] = {}
    for place, item in objects(path, faults):
        try:
            id_ = _id(item)
            if id_ in found:
                raise ValueError(f"has the id {quoted(id_)} of {found[id_].place}")
            title = text_of(item, "title") if item.get("title") else ""
        except ValueError as error:
            faults.append(Fault(place, str(error)))
            continue
        try:
            text = text_of(item, "text")
        except ValueError as error:
            faults.append(Fault(place, f"{error}; it cannot be found"))
            text = ""
        found[id_] = CorpusDocument(id_, title, text, place)
    return list(found.values())


def _queries(path: Path, faults: list[Fault]) -> dict[str, str]:
    found: dict[str, str] = {}
    for place, item in objects(path, faults):
        try:
            id_ = _id(item)
            if id_ in found:
                raise ValueError(f"has the id {quoted(id_)} of another query")
            found[id_] = text_of(item, "text")
        except ValueError as error:
            faults.append(Fault(place, str(error)))
    return found


def _id(item: dict[str, Any]) -> str:
    # Written as numbers by some.
    value = item.get("_id")
    return str(value) if type(value) is int else text_of(item, "_id")


def _judged(
    path: Path, queries: Mapping[str, str], documents: set[str], faults: list[Fault]
) -> dict[str, dict[str, int]]:
    judged: dict[str, dict[str, int]] = {}
    for count, (place, line) in enumerate(lines(path)):
        fields = line.decode("utf-8", "replace").strip("\r\n").split("\t")
        if count == 0 and fields[-1].strip().lower() == "score":
            continue
        try:
            query, document, judgement = _judgement(fields)
            if query not in queries:
                raise ValueError(f"judges for the query {quoted(query)}, which is not there")
            if document not in documents:
                raise ValueError(f"judges the document {quoted(document)}, which is not there")
        except ValueError as error:
            faults.append(Fault(place, str(error)))
        else:
            judged.setdefault(query, {})[document] = judgement
    return judged


def _judgement(fields: list[str]) -> tuple[str, str, int]:
    if len(fields) != 3:
        raise ValueError(f"has {len(fields)} fields, not query, document and score with tabs")
    query, document, score = (field.strip() for field in fields)
    digits = score.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise ValueError(f"has the score {quoted(score)}, not a whole number")
    return query, document, int(score)
