"""`pincite eval answers`."""

from pathlib import Path

from index.errors import InvalidLabels, InvalidSettings
from index.files import absolute, file_uri, scan
from index.outcomes import Status
from qa.answers import Options
from qa.evaluation.answer_report import examples, plots, predictions, tables
from qa.evaluation.answers import answer_figures
from qa.evaluation.asking import ask_all
from qa.evaluation.faults import Fault
from qa.evaluation.page import Report
from qa.evaluation.questions import Locator, holds_questions, load_questions, locate
from qa.evaluation.sampling import sample
from qa.evaluation.writing import digest, write_lines
from service.commands.progress import meter
from service.evaluation.indexes import Bench, bench
from service.evaluation.showing import (
    Measured,
    circumstances,
    complain,
    present,
    progress,
    stopped,
)
from service.evaluation.wanted import Wanted, WantedIndex
from service.settings import Settings


def evaluate(
    folder: Path,
    path: Path,
    settings: Settings,
    wanted: Wanted,
    index: WantedIndex,
    min_confidence: float | None,
) -> None:
    """Measure answers from a folder of documents to a file of questions.

    Raises:
        InvalidLabels: no question can be used.
        InvalidSettings: something cannot be done as it is wanted.
        ModelError, IndexStoreError: a model or the index cannot be used.
    """
    wanted.check([path])
    if min_confidence is not None and not 0 <= min_confidence <= 1:
        raise InvalidSettings(f"--min-confidence: is {min_confidence}, expected from 0 to 1")
    if not folder.is_dir():
        raise InvalidSettings(f"{folder}: is not a folder; name the folder of the documents")
    labelled, faults = load_questions(path)
    asked = sample(labelled, wanted.limit, wanted.seed)
    with bench(settings, index.folder) as place:
        faults += _fill(place, folder, path)
        targets, unfit = locate(asked, Locator(place.engine.store, folder))
        faults += unfit
        complain(faults)
        if not targets:
            raise InvalidLabels(f"{path}: holds no question that can be used")
        threshold = place.reader.calibration.abstain_below
        if min_confidence is not None:
            threshold = min_confidence
        options = Options(passages=index.passages)
        with progress("asking", len(targets), place.kept) as tell:
            engine = place.engine
            judged, unasked = ask_all(engine.ask, targets, threshold, options, engine.store, tell)
        complain(unasked)
        faults += unasked
        if not judged:
            raise InvalidLabels(f"{path}: holds no question that can be asked")
        made_by = place.circumstances()
    figures = answer_figures(judged, threshold)
    if wanted.predictions is not None:
        write_lines(wanted.predictions, predictions(judged))
    report = Report(
        f"Answers from {folder.resolve().name}",
        tables(figures),
        plots(judged, figures),
        examples(judged),
        circumstances(
            {
                "documents": str(folder),
                "questions": str(path),
                "questions, SHA-256": digest(path),
                "asked": wanted.questions(len(asked), len(labelled)),
                "passages read": str(index.passages),
                **made_by,
            }
        ),
        [str(fault) for fault in faults],
    )
    present(Measured("answers", figures, report, faults), wanted)


def _fill(place: Bench, folder: Path, questions: Path) -> list[Fault]:
    """Bring the index in step with the folder, less what is asked; what could not be read."""
    inside = file_uri(folder).rstrip("/") + "/"
    for state in place.engine.store.origins():
        if not state.origin.uri.startswith(inside):
            raise InvalidLabels(
                f"{place.settings.index}: holds {state.origin.uri}, which is not below {folder}; "
                "name another index"
            )
    found = scan([str(folder)], place.settings.index)
    labels = [absolute(one.path) for one in found.found if holds_questions(one.path)]
    labels.append(absolute(questions))
    try:
        with meter(as_json=False) as report:
            outcomes = list(place.engine.sync(found.without(labels), None, report))
    except KeyboardInterrupt:
        raise stopped("indexing", place.kept) from None
    return [
        Fault(outcome.name, outcome.reason or "cannot be read")
        for outcome in outcomes
        if outcome.status is Status.FAILED
    ]
