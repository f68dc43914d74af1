"""`pincite eval reader`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index.threads import available_cores
from qa.evaluation.labelled import Labelled, load_labelled
from qa.evaluation.page import Report
from qa.evaluation.reader_report import (
    examples,
    no_answer_probabilities,
    plots,
    predictions,
    tables,
)
from qa.evaluation.reading import Read, run_reader
from qa.evaluation.sampling import sample
from qa.evaluation.writing import write_json
from service.bootstrap import open_reader, reader_checksum
from service.evaluation.showing import (
    Measured,
    circumstances,
    complain,
    present,
    progress,
    sources,
)
from service.evaluation.wanted import Wanted
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class ReaderSet:
    """Labelled questions under a name, and the files they are from."""

    name: str
    labelled: Labelled
    files: Sequence[Path]


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
    reads, measured = measure(ReaderSet(path.name, labelled, [path]), settings, wanted)
    if wanted.predictions is not None:
        write_json(wanted.predictions, predictions(reads))
    if na_probs is not None:
        write_json(na_probs, no_answer_probabilities(reads))
    present(measured, wanted)


def measure(data: ReaderSet, settings: Settings, wanted: Wanted) -> tuple[list[Read], Measured]:
    """What the reader makes of each question that is wanted of a set, and the figures.

    Raises:
        ModelError: the reader cannot be used.
    """
    asked = sample(data.labelled.questions, wanted.limit, wanted.seed)
    reader = open_reader(settings)
    threads = available_cores() if settings.threads is None else settings.threads
    with progress("reading", len(asked), "nothing was written") as tell:
        reads, figures = run_reader(reader, asked, threads, tell)
    report = Report(
        f"Reader {reader.name} on {data.name}",
        tables(figures),
        plots(reads),
        examples(reads),
        circumstances(
            {
                **sources(data.files),
                "questions": wanted.questions(len(asked), len(data.labelled.questions)),
                "reader": reader.name,
                "reader, SHA-256": reader_checksum(settings),
            }
        ),
        [str(fault) for fault in data.labelled.faults],
    )
    return reads, Measured("reader", figures, report, data.labelled.faults)
