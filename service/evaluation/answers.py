"""`pincite eval answers`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from index.errors import InvalidLabels, InvalidSettings
from index.files import absolute, file_uri, scan
from index.outcomes import Status
from qa.answers import Options
from qa.evaluation.answer_report import examples, plots, predictions, tables
from qa.evaluation.answers import answer_figures
from qa.evaluation.asking import Judged, ask_all
from qa.evaluation.faults import Fault
from qa.evaluation.page import Report
from qa.evaluation.questions import (
    AskedQuestion,
    Locator,
    Target,
    holds_questions,
    load_questions,
    locate,
)
from qa.evaluation.remembering import span_probability
from qa.evaluation.sampling import sample
from qa.evaluation.writing import digest, write_lines
from qa.index_calibration import in_use
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


@dataclass(frozen=True, slots=True)
class AnswerSet:
    """Questions to be asked of documents under a name.

    `made_by` says what both are, `faults` what of them cannot be used.
    """

    name: str
    targets: Sequence[Target]
    made_by: Mapping[str, str]
    faults: Sequence[Fault] = ()


def evaluate(
    folder: Path,
    path: Path,
    settings: Settings,
    wanted: Wanted,
    index: WantedIndex,
    min_confidence: float | None,
    enough: float | None,
) -> None:
    """Measure answers from a folder of documents to a file of questions.

    Raises:
        InvalidLabels: no question can be used.
        InvalidSettings: something cannot be done as it is wanted.
        ModelError, IndexStoreError: a model or the index cannot be used.
    """
    wanted.check([path])
    for option, confidence in (("--min-confidence", min_confidence), ("--enough", enough)):
        if confidence is not None and not 0 <= confidence <= 1:
            raise InvalidSettings(f"{option}: is {confidence}, expected from 0 to 1")
    if not folder.is_dir():
        raise InvalidSettings(f"{folder}: is not a folder; name the folder of the documents")
    loaded = load_questions(path)
    with bench(settings, index.folder) as place:
        data = prepare(folder, path, loaded, place, wanted)
        judged, measured = measure(data, place, index.passages, min_confidence, enough)
    if wanted.predictions is not None:
        write_lines(wanted.predictions, predictions(judged))
    present(measured, wanted)


def prepare(
    folder: Path,
    path: Path,
    loaded: tuple[list[AskedQuestion], list[Fault]],
    place: Bench,
    wanted: Wanted,
) -> AnswerSet:
    """Bring an index in step with a folder, and find there what is asked for.

    What was `loaded` from the file `path` is asked, as far as it is wanted.

    Raises:
        InvalidLabels: no question can be used, or the index holds other documents.
    """
    labelled, unused = loaded
    asked = sample(labelled, wanted.limit, wanted.seed)
    unread = _fill(place, folder, path)
    targets, unfit = locate(asked, Locator(place.engine.store, folder))
    faults = [*unused, *unread, *unfit]
    complain(faults)
    if not targets:
        raise InvalidLabels(f"{path}: holds no question that can be used")
    return AnswerSet(
        folder.resolve().name,
        targets,
        {
            "documents": str(folder),
            "questions": str(path),
            "questions, SHA-256": digest(path),
            "asked": wanted.questions(len(asked), len(labelled)),
        },
        faults,
    )


def measure(
    data: AnswerSet,
    place: Bench,
    passages: int,
    min_confidence: float | None = None,
    enough: float | None = None,
) -> tuple[list[Judged], Measured]:
    """What comes of each question, asked of an index, and the figures.

    Raises:
        InvalidLabels: no question can be asked.
    """
    engine = place.engine
    threshold = in_use(engine.store, place.reader).abstain_below
    if min_confidence is not None:
        threshold = min_confidence
    with progress("asking", len(data.targets), place.kept) as tell:
        judged, unasked = ask_all(
            engine.ask,
            data.targets,
            threshold,
            Options(passages=passages, enough=enough),
            engine.store,
            tell,
            partial(span_probability, place.reader),
        )
    complain(unasked)
    if not judged:
        raise InvalidLabels(f"{data.name}: has no question that can be asked")
    figures = answer_figures(judged, threshold)
    faults = [*data.faults, *unasked]
    report = Report(
        f"Answers from {data.name}",
        tables(figures),
        plots(judged, figures),
        examples(judged),
        circumstances(
            {
                **data.made_by,
                "passages read": str(passages) if enough is None else f"at most {passages}",
                "read until the confidence is": None if enough is None else str(enough),
                **place.circumstances(),
            }
        ),
        [str(fault) for fault in faults],
    )
    return judged, Measured("answers", figures, report, faults)


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
            outcomes = list(place.engine.sync(found.without(labels), report))
    except KeyboardInterrupt:
        raise stopped("indexing", place.kept) from None
    return [
        Fault(outcome.name, outcome.reason or "cannot be read")
        for outcome in outcomes
        if outcome.status is Status.FAILED
    ]
