"""`eval`: measure the reader, retrieval and whole answers on labelled questions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa.answers import PASSAGES
from service.commands.options import (
    EmbedderName,
    Enough,
    MinConfidence,
    Passages,
    ReaderName,
    settings_with,
)

if TYPE_CHECKING:
    from service.evaluation.wanted import Wanted

Predictions = Annotated[
    str | None,
    typer.Option("--predictions", metavar="FILE", help="Write what was found to this file."),
]
PageFile = Annotated[
    str | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Write a page (HTML) with plots and examples of each kind of error to this file.",
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", metavar="N", help="Ask only so many, drawn by chance; all unless given."
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Draws others with another number.")]
KeptIndex = Annotated[
    str | None,
    typer.Option(
        "--index",
        metavar="FOLDER",
        help="Keep the index here, and go on with it the next time; it is thrown away unless "
        "given.",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON: all figures, and what produced them.")
]


def evaluate_reader(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            show_default=False,
            help="Questions with their texts: SQuAD's JSON, or a line of JSON a question; .gz too.",
        ),
    ],
    reader: ReaderName = None,
    limit: Limit = None,
    seed: Seed = 0,
    predictions: Predictions = None,
    na_probs: Annotated[
        str | None,
        typer.Option(
            "--na-probs",
            metavar="FILE",
            help="Write the probability of no answer by question to this file.",
        ),
    ] = None,
    report: PageFile = None,
    as_json: AsJson = False,
) -> None:
    """Measure the reader on questions that come with the text to read.

    The files that are written are those SQuAD's own script takes. What cannot be used is named and
    left out; exit status 2 if nothing is left.
    """
    from service.evaluation.reader import evaluate

    wanted = _wanted(limit, seed, predictions, report, as_json)
    evaluate(_path(file), settings_with(reader=reader), wanted, _path_or_none(na_probs))


def evaluate_retrieval(
    folder: Annotated[
        str,
        typer.Argument(
            metavar="DIR",
            show_default=False,
            help="A folder in BEIR's layout: corpus.jsonl, queries.jsonl and qrels/test.tsv.",
        ),
    ],
    reader: ReaderName = None,
    embedder: EmbedderName = None,
    index: KeptIndex = None,
    passages: Passages = PASSAGES,
    limit: Limit = None,
    seed: Seed = 0,
    predictions: Predictions = None,
    report: PageFile = None,
    as_json: AsJson = False,
) -> None:
    """Measure retrieval: lexical, dense, fused, and ranked anew by the reader, side by side.

    Needs the eval extra. What cannot be used is named and left out; exit status 2 if nothing is
    left.
    """
    from service.evaluation.retrieval import evaluate
    from service.evaluation.wanted import WantedIndex

    wanted = _wanted(limit, seed, predictions, report, as_json)
    settings = settings_with(reader=reader, embedder=embedder)
    evaluate(_path(folder), settings, wanted, WantedIndex(_path_or_none(index), passages))


def evaluate_answers(
    documents: Annotated[
        str, typer.Argument(metavar="DOCS", show_default=False, help="A folder of documents.")
    ],
    questions: Annotated[
        str,
        typer.Argument(
            metavar="QUESTIONS",
            show_default=False,
            help="A line of JSON a question: question, and answers, each a text or an object with "
            "text, document, start and end; an empty list where the documents hold none.",
        ),
    ],
    reader: ReaderName = None,
    embedder: EmbedderName = None,
    index: KeptIndex = None,
    passages: Passages = PASSAGES,
    min_confidence: MinConfidence = None,
    enough: Enough = None,
    limit: Limit = None,
    seed: Seed = 0,
    predictions: Predictions = None,
    report: PageFile = None,
    as_json: AsJson = False,
) -> None:
    """Measure answers from end to end, over a folder of documents.

    Files of labelled questions in the folder are not taken for documents. What cannot be used is
    named and left out; exit status 2 if nothing is left.
    """
    from service.evaluation.answers import evaluate
    from service.evaluation.wanted import WantedIndex

    evaluate(
        _path(documents),
        _path(questions),
        settings_with(reader=reader, embedder=embedder),
        _wanted(limit, seed, predictions, report, as_json),
        WantedIndex(_path_or_none(index), passages),
        min_confidence,
        enough,
    )


def _wanted(
    limit: int | None, seed: int, predictions: str | None, report: str | None, as_json: bool
) -> "Wanted":
    from service.evaluation.wanted import Wanted

    return Wanted(limit, seed, _path_or_none(predictions), _path_or_none(report), as_json)


def _path(name: str) -> Path:
    return Path(name).expanduser()


def _path_or_none(name: str | None) -> Path | None:
    return None if name is None else _path(name)
