"""`pincite eval reader`."""

from pathlib import Path

from index.threads import available_cores
from qa.evaluation.labelled import load_labelled
from qa.evaluation.page import Report
from qa.evaluation.reader_report import (
    examples,
    no_answer_probabilities,
    plots,
    predictions,
    tables,
)
from qa.evaluation.reading import run_reader
from qa.evaluation.sampling import sample
from qa.evaluation.writing import digest, write_json
from service.bootstrap import open_reader, reader_checksum
from service.evaluation.showing import Measured, circumstances, complain, present, progress
from service.evaluation.wanted import Wanted
from service.settings import Settings


def evaluate(path: Path, settings: Settings, wanted: Wanted, na_probs: Path | None) -> None:
    """Measure the reader on a file of labelled questions.

    Raises:
        InvalidLabels: nothing in the file can be used.
        InvalidSettings: a result cannot be put where it is wanted.
        ModelError: the reader cannot be used.
    """
    wanted.check([path], na_probs)
    labelled = load_labelled(path)
    complain(labelled.faults)
    asked = sample(labelled.questions, wanted.limit, wanted.seed)
    reader = open_reader(settings)
    threads = available_cores() if settings.threads is None else settings.threads
    with progress("reading", len(asked), "nothing was written") as tell:
        reads, figures = run_reader(reader, asked, threads, tell)
    if wanted.predictions is not None:
        write_json(wanted.predictions, predictions(reads))
    if na_probs is not None:
        write_json(na_probs, no_answer_probabilities(reads))
    report = Report(
        f"Reader {reader.name} on {path.name}",
        tables(figures),
        plots(reads),
        examples(reads),
        circumstances(
            {
                "data": str(path),
                "data, SHA-256": digest(path),
                "questions": wanted.questions(len(asked), len(labelled.questions)),
                "reader": reader.name,
                "reader, SHA-256": reader_checksum(settings),
            }
        ),
        [str(fault) for fault in labelled.faults],
    )
    present(Measured("reader", figures, report, labelled.faults), wanted)
