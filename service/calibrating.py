"""`pincite calibrate`: fit how sure answers are to labelled questions."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pydantic import BaseModel

from index.errors import InvalidLabels, InvalidSettings
from index.onnx_model import MANIFEST
from index.retriever import Retriever
from qa.calibrating import (
    Case,
    Predicted,
    Worth,
    best_threshold,
    by_span_probability,
    check,
    cross_validated,
    fitted,
    operating_points,
    predict,
    read_cases,
    refitted,
    worth,
)
from qa.calibration import Calibration, written
from qa.evaluation.certainty import Certainty
from qa.evaluation.faults import Fault
from qa.evaluation.page import Table
from qa.evaluation.questions import Locator, Target, load_questions, locate
from qa.evaluation.sampling import sample
from qa.evaluation.wording import NOTHING, decimal, percent, whole
from qa.evaluation.writing import write_text
from qa.index_calibration import IndexCalibration, remember, remembered
from qa.kept_readings import KeptReadings
from qa.reader import Reader
from service.bootstrap import open_engine, open_store, reader_folder
from service.commands.output import print_json
from service.engine import Engine
from service.evaluation.answers import prepare
from service.evaluation.indexes import bench
from service.evaluation.showing import FaultBody, aligned, complain, progress
from service.evaluation.wanted import Wanted
from service.render import Page
from service.settings import Settings

# Draws the questions where there is a limit.
_SEED = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What to fit to: a file of questions, and where the documents are that they name.

    So many `passages` are read for each of so many questions (`limit`; None: all); readings are
    kept in `readings`, if that is a file.
    """

    questions: Path
    documents: Path
    passages: int
    limit: int | None
    readings: Path | None


class PointBody(BaseModel):
    """What a threshold keeps."""

    precision: float
    confidence: float
    coverage: float


class WorthBody(BaseModel):
    """What confidences are worth on the questions."""

    calibration_error: float | None
    log_loss: float | None
    brier: float | None
    auroc: float | None
    area_under_risk: float | None
    coverage_at_precision: dict[str, float | None]
    given: float | None
    right_given: float | None
    abstained: float | None


class CalibrationReportBody(BaseModel):
    """A fit, and what it is worth: measured on questions that it was not fitted to."""

    questions: int
    answerable: int
    kept: bool
    outcome: str
    span_probability: WorthBody
    before: WorthBody
    after: WorthBody
    abstain_below: float
    operating_points: list[PointBody]
    calibration: dict[str, object]
    faults: list[FaultBody]


@dataclass(frozen=True, slots=True)
class _Fit:
    """A new calibration; what was predicted before it, and by others made without the question."""

    calibration: Calibration
    before: Sequence[Predicted]
    threshold_before: float
    after: Sequence[Predicted]

    @property
    def is_better(self) -> bool:
        """Whether what is held out is told better than before."""
        threshold = self.calibration.abstain_below
        after, before = worth(self.after, threshold), worth(self.before, threshold)
        return after.log_loss < before.log_loss


def calibrate_index(settings: Settings, asked: Asked, *, dry_run: bool, as_json: bool) -> None:
    """Fit the reader's calibration anew to questions about an index, which then remembers it.

    Raises:
        InvalidLabels: no question can be used, or there are too few.
        IndexStoreError, ModelError: the index or a model cannot be used.
    """
    questions, faults = load_questions(asked.questions)
    engine = open_engine(settings)
    try:
        questions = sample(questions, asked.limit, _SEED)
        targets, unfit = locate(questions, Locator(engine.store, asked.documents))
        faults += unfit
        complain(faults)
        if not targets:
            raise InvalidLabels(f"{asked.questions}: holds no question that can be used")
        shipped = engine.reader.calibration
        cases = _read(engine, targets, asked, faults)
        check(cases, shipped)
        fit = _refit(cases, shipped)
        kept = fit.is_better and not dry_run
        if kept:
            remember(engine.store, _of_index(fit.calibration, engine, len(cases)))
    finally:
        engine.close()
    if kept:
        outcome = f"kept: the index at {settings.index} uses it from now on"
    elif dry_run:
        outcome = "not kept, since this is a dry run"
    else:
        outcome = (
            "not kept: on questions that it was not fitted to it is no better than what the "
            "reader comes with"
        )
    _show(fit, cases, faults, outcome, kept=kept, as_json=as_json)


def calibrate_reader(
    settings: Settings, asked: Asked, index: Path | None, *, as_json: bool
) -> None:
    """Fit a calibration from nothing, and write it into the folder of the reader.

    The documents are indexed first, in a folder that is kept if `index` names one.

    Raises:
        InvalidLabels: no question can be used, or there are too few.
        InvalidSettings: the reader is not in a folder of ours that can be written.
        IndexStoreError, ModelError: the index or a model cannot be used.
    """
    folder = reader_folder(settings)
    if folder is None:
        raise InvalidSettings(
            "--into-reader: the reader has no folder of Pincite's to write into; name one with "
            "--reader"
        )
    if not asked.documents.is_dir():
        raise InvalidSettings(f"{asked.documents}: is not a folder; name that of the documents")
    loaded = load_questions(asked.questions)
    with bench(settings, index) as place:
        wanted = Wanted(asked.limit, _SEED, None, None, as_json)
        data = prepare(asked.documents, asked.questions, loaded, place, wanted)
        faults = list(data.faults)
        before = place.engine.reader.calibration
        cases = _read(place.engine, data.targets, asked, faults)
    check(cases, before)
    predicted = [predict(case, before) for case in cases]
    after = cross_validated(cases, fitted)
    made = replace(
        fitted(cases),
        abstain_below=best_threshold(after),
        operating_points=operating_points(after),
    )
    fit = _Fit(made, predicted, before.abstain_below, after)
    _write(folder, made)
    _show(fit, cases, faults, f"written into {folder / MANIFEST}", kept=True, as_json=as_json)


def forget(settings: Settings) -> None:
    """Let the index forget the calibration that it remembers.

    Raises:
        IndexStoreError: the index cannot be used.
    """
    store = open_store(settings)
    try:
        with suppress(ValueError):
            if remembered(store) is None:
                Page().line("The index has no calibration of its own.")
                return
        remember(store, None)
    finally:
        store.close()
    Page().line("Forgotten: answers have the confidence that the reader comes with.")


def _read(
    engine: Engine, targets: Sequence[Target], asked: Asked, faults: list[Fault]
) -> list[Case]:
    reader: Reader = engine.reader
    kept = "nothing was kept; --readings FILE keeps what is read"
    if asked.readings is not None:
        reader = KeptReadings(reader, asked.readings)
        kept = f"what was read is kept in {asked.readings}"
    retriever = Retriever(engine.store, engine.embedder)
    with progress("reading", len(targets), kept) as tell:
        cases, unasked = read_cases(retriever, reader, targets, asked.passages, tell)
    complain(unasked)
    faults += unasked
    return cases


def _refit(cases: Sequence[Case], shipped: Calibration) -> _Fit:
    after = cross_validated(cases, partial(refitted, base=shipped))
    made = replace(refitted(cases, shipped), operating_points=operating_points(after))
    predicted = [predict(case, shipped) for case in cases]
    return _Fit(made, predicted, shipped.abstain_below, after)


def _of_index(calibration: Calibration, engine: Engine, questions: int) -> IndexCalibration:
    embedder = engine.settings.embedder
    return IndexCalibration(
        calibration,
        reader=engine.reader.name,
        reader_checksum=engine.reader.checksum,
        embedder=embedder.name,
        embedder_checksum=embedder.checksum,
        questions=questions,
        fitted_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _write(folder: Path, calibration: Calibration) -> None:
    """Put a calibration into a model's manifest: the old file stays until the new one is whole."""
    path = folder / MANIFEST
    content = json.loads(path.read_text(encoding="utf-8"))
    content["settings"]["calibration"] = written(calibration)
    text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    mode = path.stat().st_mode
    try:
        write_text(path, text)
    except InvalidSettings as error:
        raise InvalidSettings(
            f"{error}; copy the reader's folder to a place that can be, and name it with --reader"
        ) from error
    path.chmod(mode)


def _show(
    fit: _Fit,
    cases: Sequence[Case],
    faults: Sequence[Fault],
    outcome: str,
    *,
    kept: bool,
    as_json: bool,
) -> None:
    made = fit.calibration
    alone = by_span_probability(fit.before)
    before = worth(fit.before, fit.threshold_before)
    after = worth(fit.after, made.abstain_below)
    if as_json:
        print_json(
            CalibrationReportBody(
                questions=len(cases),
                answerable=sum(case.answerable for case in cases),
                kept=kept,
                outcome=outcome,
                span_probability=_body(alone),
                before=_body(before.certainty, before),
                after=_body(after.certainty, after),
                abstain_below=made.abstain_below,
                operating_points=[
                    PointBody(
                        precision=point.precision,
                        confidence=point.confidence,
                        coverage=point.coverage,
                    )
                    for point in made.operating_points
                ],
                calibration=written(made),
                faults=[FaultBody(place=one.place, what=one.what) for one in faults],
            )
        )
        return
    out = Page()
    for table in (_worths(cases, alone, before, after), _points(made)):
        out.line(table.title, style="bold")
        for row in aligned(table):
            out.line(row)
        out.line()
    out.line(outcome)


def _body(found: Certainty, all_of: Worth | None = None) -> WorthBody:
    return WorthBody(
        calibration_error=found.calibration_error,
        log_loss=None if all_of is None else all_of.log_loss,
        brier=None if all_of is None else all_of.brier,
        auroc=found.auroc,
        area_under_risk=found.area_under_risk,
        coverage_at_precision=_coverage(found),
        given=None if all_of is None else all_of.given,
        right_given=None if all_of is None else all_of.right_given,
        abstained=None if all_of is None else all_of.abstained,
    )


def _coverage(found: Certainty) -> dict[str, float | None]:
    return {
        level: None if point is None else point.coverage
        for level, point in found.coverage_at_precision.items()
    }


def _worths(cases: Sequence[Case], alone: Certainty, before: Worth, after: Worth) -> Table:
    """What confidences are worth: the span's own, those before the fit, those after it."""
    has = sum(case.answerable for case in cases)
    certainties = (alone, before.certainty, after.certainty)
    coverages = [_coverage(found) for found in certainties]
    rows: list[tuple[str, ...]] = [
        ("expected calibration error", *(decimal(one.calibration_error) for one in certainties)),
        ("log loss", NOTHING, decimal(before.log_loss), decimal(after.log_loss)),
        ("Brier score", NOTHING, decimal(before.brier), decimal(after.brier)),
        ("AUROC of being right", *(decimal(one.auroc) for one in certainties)),
        ("area under risk over coverage", *(decimal(one.area_under_risk) for one in certainties)),
        *(
            (f"coverage at a precision of {level}", *(percent(one[level]) for one in coverages))
            for level in coverages[0]
        ),
        ("answered", NOTHING, percent(before.given), percent(after.given)),
        ("answered right", NOTHING, percent(before.right_given), percent(after.right_given)),
        ("abstained from", NOTHING, percent(before.abstained), percent(after.abstained)),
    ]
    return Table(
        f"{whole(len(cases))} questions, {whole(has)} with an answer; after the fit: each by one "
        "that was made without it",
        ("", "span alone", "before", "after"),
        rows,
    )


def _points(made: Calibration) -> Table:
    rows = [
        (percent(point.precision), percent(point.coverage), decimal(point.confidence))
        for point in made.operating_points
    ]
    return Table(
        f"Operating points; unless told, answers below {made.abstain_below:.2f} are held back",
        ("precision of at least", "coverage, percent", "at a confidence from"),
        rows,
    )
